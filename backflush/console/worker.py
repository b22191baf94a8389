"""The worker: `backflush worker`, and how `serve` keeps one beside it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from os import getpid
from threading import Event, Thread
from typing import Annotated, Final

import typer

from backflush.background.worker import work
from backflush.console.output import Desk, HelpSection, command
from backflush.operations.db_statistics import RegularLook
from backflush.unresolved.auto_settlement import Arrivals

ENTRY: Final = "from backflush.console.main import main; main()"
AGAIN_AFTER_SECONDS: Final = (1, 5, 30)
"""So long after it went down the worker is started again; the last for all further times."""
STOPS_WITHIN_SECONDS: Final = 60


def register(app: typer.Typer) -> None:
    """Add `worker`."""
    command(app, "worker", panel=HelpSection.SET_UP)(worker)


def worker(
    desk: Desk,
    parent: Annotated[int, typer.Option(hidden=True, help="Stop when this process is gone.")] = 0,
) -> None:
    """Do what was left to the background, until it is stopped: long retries and exports, one after the other; and
    settle what waits for stock as soon as it arrives, where the action says so. `serve`
    has a worker of its own, so this is for a machine that serves no pages, beside `backflush serve --no-worker`.

    Example: backflush worker
    """
    if not parent:
        desk.answer({"working": True}, "Working  (Ctrl-C stops it after the step that it is in)")
        sys.stdout.flush()
    arrivals, look = Arrivals(), RegularLook()

    def between() -> None:
        look.when_due()
        arrivals.settle()

    work(parent, between=between)


@contextmanager
def beside(wanted: bool) -> Iterator[None]:
    """Keep one worker running as long as something else does, and say so when it is down."""
    if not wanted:
        yield
        return
    over = Event()
    # The first is started before the server forks: a process forked while another is being started would hold on to
    # the pipe between the two, and whoever starts it would wait for ever.
    keeper = Thread(target=_keep, args=[start(), over], name="keeps the worker", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join(STOPS_WITHIN_SECONDS + 5)


def _keep(process: "subprocess.Popen[bytes]", over: Event) -> None:
    downs = 0
    while True:
        while process.poll() is None and not over.wait(0.5):
            pass
        if over.is_set():
            stop(process)
            return
        wait = AGAIN_AFTER_SECONDS[min(downs, len(AGAIN_AFTER_SECONDS) - 1)]
        downs += 1
        sys.stderr.write(
            f"The worker is down (exit code {process.returncode}): long retries and exports wait. "
            f"It is started again in {wait} s.\n"
        )
        sys.stderr.flush()
        if over.wait(wait):
            return
        process = start()


def start() -> "subprocess.Popen[bytes]":
    """Start a worker that goes when we go. In a session of its own: Ctrl-C is for us, and we stop it in good order."""
    return subprocess.Popen(  # noqa: S603 - ourselves, with nothing that anybody typed
        [sys.executable, "-c", ENTRY, "worker", "--parent", str(getpid())],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Let it finish the step that it is in; not for ever."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOPS_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
