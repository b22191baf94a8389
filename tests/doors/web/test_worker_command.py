"""The worker, beside `serve` and separately: it is restarted when it dies, and ends with `serve`."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from django.db import connection

from backflush.background.models import BackgroundJob
from backflush.stockmap.models import Action, RetryRule
from backflush.unresolved.background_retry import begin_retry
from backflush.unresolved.queue import QueueFilter
from tests.cast import Plant
from tests.databases import Database

ENTRY = "from backflush.console.main import main; main()"
SECONDS_MAX = 40
PROC = Path("/proc")

needs_proc = pytest.mark.skipif(not PROC.exists(), reason="processes are looked up in /proc")


@contextmanager
def running(database: Database, log: Path, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command until the end of the block."""
    environment = {**os.environ, "DATABASE_URL": database.url}
    with log.open("w") as out:
        process = subprocess.Popen([sys.executable, "-c", ENTRY, *words], env=environment, stdout=out, stderr=out)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(SECONDS_MAX)


def until(true: Callable[[], object], log: Path) -> None:
    """Wait until a condition is true."""
    end = time.monotonic() + SECONDS_MAX
    while not true():
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.2)


def workers_of(parent: int) -> list[int]:
    """Return the worker processes that a process has started."""
    found = []
    for entry in PROC.glob("[0-9]*"):
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if b"worker" in words and words[words.index(b"worker") + 1 :][:2] == [b"--parent", str(parent).encode()]:
                found.append(int(entry.name))
    return found


def free_port() -> str:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@needs_proc
@pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)
def test_serve_runs_one_worker_and_stops_it_at_its_end(
    committed_plant: Plant, committed_database: Database, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with running(committed_database, log, "serve", "--port", free_port(), "--workers", "2") as serve:
        until(lambda: workers_of(serve.pid), log)
        (first,) = workers_of(serve.pid)
        os.kill(first, signal.SIGKILL)
        until(lambda: "The worker is down (exit code -9)" in log.read_text(), log)
        until(lambda: workers_of(serve.pid) not in ([], [first]), log)
        assert len(workers_of(serve.pid)) == 1
    assert workers_of(serve.pid) == []
    assert "Traceback" not in log.read_text()


@needs_proc
@pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)
def test_a_worker_does_not_outlive_the_serve_that_started_it(
    committed_plant: Plant, committed_database: Database, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with running(committed_database, log, "worker", "--parent", "1") as orphan:
        assert orphan.wait(SECONDS_MAX) == 0


def test_a_separate_worker_carries_out_queued_jobs(
    committed_plant: Plant, committed_database: Database, tmp_path: Path
) -> None:
    committed_plant.books(1, "BRACKET")
    committed_plant.finds(10, "BOLT")
    background_job = begin_retry(
        site=committed_plant.site, filters=QueueFilter(), title="Retry", by=committed_plant.storekeeper
    )
    log = tmp_path / "log"
    with running(committed_database, log, "worker") as worker:
        until(lambda: BackgroundJob.objects.get(pk=background_job.pk).is_finished, log)
        worker.terminate()
        assert worker.wait(SECONDS_MAX) == 0
    assert committed_plant.waiting() == []
    assert "The worker is running" in log.read_text()


@pytest.mark.parametrize("form", ["json", "lines"])
@pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)
def test_a_worker_reports_a_lasting_problem_once(
    committed_plant: Plant, committed_database: Database, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_FORMAT", form)
    log = tmp_path / "log"
    with running(committed_database, log, "worker"):
        until(lambda: "The worker is running" in log.read_text(), log)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE django_tasks_database_dbtaskresult RENAME TO away")
        until(lambda: "The worker is waiting" in log.read_text(), log)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO django_tasks_database_dbtaskresult")
    assert log.read_text().count("The worker is waiting") == 1


@pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)
def test_a_worker_settles_movements_when_stock_arrives(
    committed_plant: Plant, committed_database: Database, tmp_path: Path
) -> None:
    Action.objects.filter(name="BACKFLUSH").update(retry=RetryRule.AUTOMATIC)
    committed_plant.books(1, "BRACKET")
    log = tmp_path / "log"
    with running(committed_database, log, "worker"):
        until(lambda: "The worker is running" in log.read_text(), log)
        committed_plant.finds(10, "BOLT")
        until(lambda: committed_plant.waiting() == [], log)
    assert committed_plant.balance("BOLT") == 6
