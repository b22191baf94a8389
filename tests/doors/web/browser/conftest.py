import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings
from playwright.sync_api import Browser, expect, sync_playwright

from tests.cast import Plant
from tests.databases import Content, Database, Databases
from tests.doors.web.browser.visit import AXE, Visit
from tests.doors.web.browser.where import chromium, is_required
from tests.doors.web.visitors import open_log_in

# Playwright runs an event loop in this thread, where Django would refuse database access.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

FLAGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SECONDS_TO_START: Final = 60
OPEN: Final = Content("open", lambda: open_log_in(Plant.build()))
# The machine may be busy with other tests; a generous timeout still detects what never happens.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One chromium for all tests of a worker."""
    path = chromium()
    if path is None or not AXE.exists():
        reason = "no chromium, or no axe-core (`make setup`)"
        pytest.fail(reason) if is_required() else pytest.skip(reason)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def shown(databases: Databases) -> Iterator[Database]:
    """The served database of a worker, with its plant and users with passwords."""
    with databases.fresh("sqlite", OPEN) as database:
        yield database


@pytest.fixture(params=["sqlite"])
def committed_database(shown: Database, databases: Databases) -> Iterator[Database]:
    """The served database, reset before each test, so that one server is enough for all."""
    databases.restore(shown, OPEN)
    with shown.as_default():
        yield shown
    shown.connection.close()


@pytest.fixture(scope="session")
def serving(shown: Database, gathered: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the shared server.

    It caches the set-up check for some minutes, also between tests; no test here reads that block.
    """
    with _serving(shown, tmp_path_factory.mktemp("serving"), "--no-worker") as address:
        yield address


@pytest.fixture
def served(request: pytest.FixtureRequest, committed_database: Database, tmp_path: Path) -> Iterator[str]:
    """The address at which `backflush serve` serves the plant; with a worker for tests that are marked `background`."""
    if not request.node.get_closest_marker("background"):
        yield request.getfixturevalue("serving")
        return
    with _serving(committed_database, tmp_path) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, served: str) -> Iterator[Visit]:
    """A visitor with a desktop screen, not signed in yet."""
    with closing(Visit(browser, served)) as made:
        yield made


@contextmanager
def _serving(database: Database, folder: Path, *words: str) -> Iterator[str]:
    port = _free_port()
    entry = "from backflush.console.main import main; main()"
    command = [sys.executable, "-c", entry, "serve", "--port", str(port), *words]
    with (folder / "served.txt").open("w") as log:
        # The same secret key, so that the server accepts the sessions that tests create.
        environment = {**os.environ, "DATABASE_URL": database.url, "SECRET_KEY": settings.SECRET_KEY}
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        address = f"http://127.0.0.1:{port}"
        try:
            _await(address, process, folder / "served.txt")
            yield address
        finally:
            process.terminate()
            process.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        with suppress(OSError), urllib.request.urlopen(f"{address}/log-in/", timeout=5):
            return
        time.sleep(0.1)
    raise AssertionError(f"nothing answers at {address}: {log.read_text()}")
