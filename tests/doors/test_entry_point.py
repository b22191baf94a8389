"""The installed `backflush` as a separate process: exit codes, streams, and missing databases."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.cast import Plant
from tests.databases import Database

PROGRAM = Path(sys.executable).with_name("backflush")


def backflush(*words: object, folder: Path, url: str = "", **more: Any) -> subprocess.CompletedProcess[str]:
    """Run the program in a folder; without an address it uses the default file in that folder."""
    return subprocess.run(
        [PROGRAM, *map(str, words)],
        cwd=folder,
        env=environment(url),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **more,
    )


def environment(url: str = "") -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "PYTHONPATH"}}
    return environment | ({"DATABASE_URL": url} if url else {})


def test_booking_from_another_process(committed_plant: Plant, committed_database: Database, tmp_path: Path) -> None:
    committed_plant.has(100, "BOLT")
    committed_plant.releases(50, "BRACKET")
    done = backflush("book", "W-BRACKET", 5, "--json", "--by", "jan", folder=tmp_path, url=committed_database.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["by"] == "jan"
    assert committed_plant.balance("BOLT") == 80
    refused = backflush("book", "W-BRACKET", "1.5", folder=tmp_path, url=committed_database.url)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "BRACKET is counted in whole pieces. Enter 1 or 2.\n"
    assert list(tmp_path.iterdir()) == []


def test_the_database_may_be_named_before_or_after_the_command(
    committed_plant: Plant, committed_database: Database, tmp_path: Path
) -> None:
    for words in (
        ("--database", committed_database.url, "sites"),
        ("sites", f"--database={committed_database.url}"),
    ):
        done = backflush(*words, folder=tmp_path, url="sqlite:///elsewhere.sqlite3")
        assert (done.returncode, done.stderr) == (0, "")
        assert "MAIN" in done.stdout


def test_the_whole_ledger_is_verified_by_another_process(
    committed_plant: Plant, committed_database: Database, tmp_path: Path
) -> None:
    committed_plant.books(3, "BRACKET")
    done = backflush("verify", folder=tmp_path, url=committed_database.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("All checks passed.\n")


@pytest.mark.parametrize("words", [["orders"], ["book", "W-1", "5"], ["verify"], ["upgrade"], ["unresolved", "--json"]])
def test_a_missing_plant_is_not_created(tmp_path: Path, words: list[str]) -> None:
    done = backflush(*words, folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "This database is empty. Run `backflush serve` or `backflush begin`" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_not_a_plant(tmp_path: Path) -> None:
    (tmp_path / "backflush.sqlite3").touch()
    done = backflush("orders", "--json", folder=tmp_path)
    assert done.returncode == 1
    assert json.loads(done.stderr)["error"]["code"] == "no_plant"


def test_a_file_that_is_not_a_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "backflush.sqlite3").write_text("Dear diary, " * 500)
    done = backflush("orders", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.endswith("backflush.sqlite3 is not a SQLite database. Name another file.\n")


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    done = backflush("orders", "--database", f"sqlite:///{tmp_path}/no/such/file", folder=tmp_path)
    assert (done.returncode, done.stderr[:22]) == (1, "This database is empty")


@pytest.mark.parametrize("committed_database", ["postgres"], indirect=True)
def test_an_unreachable_server_or_database_is_reported_in_a_sentence(
    committed_database: Database, tmp_path: Path
) -> None:
    server = urlsplit(committed_database.url)
    nobody = server._replace(path="/no_such_database").geturl()
    for url in (nobody, "postgres://someone:s3cret@127.0.0.1:1/stock"):
        done = backflush("orders", folder=tmp_path, url=url)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("The database can't be used: ")
        assert "Traceback" not in done.stderr
        assert "s3cret" not in done.stderr


def test_an_invalid_database_address_is_reported_in_a_sentence(tmp_path: Path) -> None:
    done = backflush("orders", folder=tmp_path, url="oracle://stock")
    assert done.returncode == 1
    assert done.stderr.startswith("DATABASE_URL names neither SQLite nor PostgreSQL.")
    told = backflush("orders", "--json", "--database", "oracle://stock", folder=tmp_path)
    assert (told.returncode, told.stdout) == (1, "")
    assert json.loads(told.stderr)["error"]["code"] == "invalid_value"


@pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)
def test_an_older_plant_is_upgraded_on_demand_only(
    committed_plant: Plant, committed_database: Database, tmp_path: Path
) -> None:
    file = committed_database.settings["NAME"]
    with sqlite3.connect(file) as older:
        older.execute("DELETE FROM django_migrations WHERE app = 'unresolved'")
        older.execute("DROP TABLE unresolved_settlement")
    url = committed_database.url
    done = backflush("orders", folder=tmp_path, url=url)
    assert done.returncode == 1
    assert "run `backflush upgrade`" in done.stderr
    assert "is up to date now" in backflush("upgrade", folder=tmp_path, url=url).stdout
    assert backflush("upgrade", folder=tmp_path, url=url).stdout == "The database was up to date.\n"
    assert backflush("orders", folder=tmp_path, url=url).returncode == 0
    with sqlite3.connect(file) as newer:
        newer.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('ledger', '9999_later', '2030-01-01')"
        )
    assert "later version of Backflush" in backflush("orders", folder=tmp_path, url=url).stderr


@pytest.mark.parametrize(
    "words", [["fly"], ["book"], ["book", "W-1", "5", "--wings"], ["explain", "abc"], ["explain", "0"], []]
)
def test_wrong_usage_has_exit_code_two(tmp_path: Path, words: list[str]) -> None:
    assert backflush(*words, folder=tmp_path).returncode == 2


def test_help_and_version_need_no_database_and_are_quick(tmp_path: Path) -> None:
    started = time.monotonic()
    helped = backflush("book", "--help", folder=tmp_path)
    assert time.monotonic() - started < 10  # a second on an idle machine, more while other tests run
    assert helped.returncode == 0
    assert "Example: backflush book W-1001 38 --scrap 2" in helped.stdout
    assert backflush("--version", folder=tmp_path).stdout.startswith("backflush 0.")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)
def test_control_c_while_waiting_for_a_lock_leaves_no_traceback(
    committed_plant: Plant, committed_database: Database, tmp_path: Path
) -> None:
    committed_plant.releases(5, "BRACKET")
    holder = sqlite3.connect(committed_database.settings["NAME"], isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    waiting = subprocess.Popen(
        [PROGRAM, "book", "W-BRACKET", "1"],
        cwd=tmp_path,
        env=environment(committed_database.url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell makes background processes ignore Ctrl-C, and tests that run there inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no thread holds a lock
    )
    time.sleep(8)  # until it has started and waits, on a busy machine too
    waiting.send_signal(signal.SIGINT)
    time.sleep(0.5)
    holder.execute("ROLLBACK")
    holder.close()
    _, said = waiting.communicate(timeout=60)
    assert waiting.returncode == 130
    assert said.startswith("\nStopped.")
    assert "Traceback" not in said
    assert committed_plant.balance("BRACKET", at="FG") == 0


def test_a_closed_pipe_is_no_error(committed_plant: Plant, committed_database: Database, tmp_path: Path) -> None:
    committed_plant.books(3, "CABINET")
    piped = subprocess.run(
        ["bash", "-c", f"{PROGRAM} transactions --limit 0 | head -1"],
        cwd=tmp_path,
        env=environment(committed_database.url),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert piped.stdout.startswith("Movement")
    assert "Traceback" not in piped.stderr
