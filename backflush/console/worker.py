"""The worker: `backflush worker`, and the worker that `serve` runs."""

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
"""Seconds to wait before restarting a worker that stopped; the last value is used from then on."""
STOPS_WITHIN_SECONDS: Final = 60


def register(app: typer.Typer) -> None:
    """Add `worker`."""
    command(app, "worker", panel=HelpSection.SET_UP)(worker)


def worker(
    desk: Desk,
    parent: Annotated[int, typer.Option(hidden=True, help="Stop when this process ends.")] = 0,
) -> None:
    """Carry out background jobs (long retries and exports) until stopped, and settle unresolved movements when stock
    arrives, for actions set to automatic retry. `serve` runs a worker of its own; use this on a machine that serves no
    pages, together with `backflush serve --no-worker`.

    Example: backflush worker
    """
    if not parent:
        desk.answer({"working": True}, "The worker is running. Ctrl-C stops it after its current step.")
        sys.stdout.flush()
    arrivals, look = Arrivals(), RegularLook()

    def between() -> None:
        look.when_due()
        arrivals.settle()

    work(parent, between=between)


@contextmanager
def beside(wanted: bool) -> Iterator[None]:
    """Keep one worker running while the context is active, and log when it stops."""
    if not wanted:
        yield
        return
    over = Event()
    # Start the first worker before the server forks: a process that forks while another is starting inherits the pipe
    # between the two, and the starter would wait for ever.
    keeper = Thread(target=_keep, args=[start(), over], name="supervises the worker", daemon=True)
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
    """Start a worker that ends when this process ends, in a session of its own, so that Ctrl-C reaches only this
    process."""
    return subprocess.Popen(  # noqa: S603 - ourselves, with nothing that anybody typed
        [sys.executable, "-c", ENTRY, "worker", "--parent", str(getpid())],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask the worker to stop after its current step, and kill it if it takes too long."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOPS_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
