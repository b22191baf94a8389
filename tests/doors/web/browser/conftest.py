import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.cast import Plant
from tests.databases import Database
from tests.doors.web.browser.visit import AXE, Visit
from tests.doors.web.browser.where import chromium, is_required
from tests.doors.web.visitors import open_log_in

# Playwright runs a loop of its own in this thread; Django would refuse its database there.
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
# A machine may be busy with the other tests; what never comes is found all the same.
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


@pytest.fixture
def served(
    request: pytest.FixtureRequest,
    committed_plant: Plant,
    committed_database: Database,
    gathered: None,
    tmp_path: Path,
) -> Iterator[str]:
    """The address at which `backflush serve` serves the plant; with a worker for tests that are marked `background`."""
    open_log_in(committed_plant)
    port = _free_port()
    entry = "from backflush.console.main import main; main()"
    command = [sys.executable, "-c", entry, "serve", "--port", str(port)]
    command += [] if request.node.get_closest_marker("background") else ["--no-worker"]
    with (tmp_path / "served.txt").open("w") as log:
        environment = {**os.environ, "DATABASE_URL": committed_database.url}
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        address = f"http://127.0.0.1:{port}"
        try:
            _await(address, process, tmp_path / "served.txt")
            yield address
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture
def visit(browser: Browser, served: str) -> Iterator[Visit]:
    """A person at a desk screen, not signed in yet."""
    with closing(Visit(browser, served)) as made:
        yield made


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
    raise AssertionError(f"nobody answers at {address}: {log.read_text()}")
