"""The command that books what machines report."""

import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Annotated, Any, Final

import typer
from django.db import InterfaceError, OperationalError, connection

from backflush.backflushing.stream import CHUNK
from backflush.console.output import Desk, HelpSection, command
from backflush.core.refusals import InvalidValue
from backflush.streams.intake import Folder, Listener, digest_of, stream_of
from backflush.streams.line_format import in_one_line

STANDARD_INPUT: Final = Path("-")
LOOKS_SECONDS: Final = 0.5
TRIES_AGAIN_SECONDS: Final = 5.0


def register(app: typer.Typer) -> None:
    """Add `listen`."""
    command(app, "listen", panel=HelpSection.BOOK, posts=True)(listen)


def listen(
    desk: Desk,
    source: Annotated[
        Path, typer.Argument(metavar="FROM", help="A file, a folder, or - for standard input.", show_default=False)
    ] = STANDARD_INPUT,
    key: Annotated[
        str,
        typer.Option(
            metavar="KEY",
            help="The name of the stream: a line without a key gets this name and its line number as key.",
        ),
    ] = "",
    most: Annotated[
        int, typer.Option(metavar="N", min=1, max=10_000, help="The most lines to book in one transaction.")
    ] = CHUNK,
    once: Annotated[bool, typer.Option("--once", help="Book the files that are in the folder now, and end.")] = False,
) -> None:
    """Post what machines and other programs report, as one JSON object per line: production, receipts, moves, counts,
    issues, returns, settlements and reversals, from standard input, a file, or a folder. Each file of a folder is read
    once and moved to done or refused, with the answers in a file beside it. Each line is answered by one line, and a
    refused line doesn't stop the others.

    Example: gateway-of-press-7 | backflush listen --key press-7/2026-03-12

    Example: backflush listen /var/spool/backflush --by gateway
    """
    with stopping() as stop:
        listener = Listener(desk.site, desk.by, stop.is_set, most)
        if source.is_dir():
            refused = _listen_at(Folder(source), listener, stop, once=once)
        else:
            refused = _listen_to(desk, source, key, listener)
    if refused and not stop.is_set():
        desk.fail()


@contextmanager
def stopping() -> Iterator[Event]:
    """Within this context, SIGTERM and Ctrl-C set a flag: what was read is booked and answered before the process
    ends."""
    stop = Event()
    wanted = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(one, lambda *_: stop.set()) for one in wanted]
    try:
        yield stop
    finally:
        for one, handler in zip(wanted, before, strict=True):
            signal.signal(one, handler)


def _say(text: str) -> None:
    # The name of a file may be bytes that are no text.
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode())
    sys.stdout.flush()


def _listen_to(desk: Desk, source: Path, key: str, listener: Listener) -> bool:
    """Book one stream to its end, and return whether any line was refused."""
    if source == STANDARD_INPUT:
        counts, _ = listener.take(sys.stdin.fileno(), _say, stream=key)
    else:
        counts = _of_file(source, key, listener)
    if not desk.as_json:
        sys.stderr.write(f"{_counted(counts)}.\n")
    return bool(counts["refused"])


def _of_file(source: Path, key: str, listener: Listener) -> Counter[str]:
    try:
        with source.open("rb") as file:
            name = key or (stream_of(digest_of(source)) if source.is_file() else "")
            return listener.take(file.fileno(), _say, stream=name)[0]
    except OSError as error:
        raise InvalidValue(
            "{source} can't be read: {problem}.", source=source, problem=error.strerror, field="from"
        ) from None


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[word]:,} {word}" for word in ("booked", "repeated", "refused"))


def _listen_at(folder: Folder, listener: Listener, stop: Event, *, once: bool) -> bool:
    """Book the files of a folder until stopped, and return whether any line was refused.

    If the database is unreachable, the files wait. Lines that were booked before are recognised by their keys.
    """
    refused = False
    with folder.alone():
        folder.ripe()
        while not stop.wait(LOOKS_SECONDS):
            try:
                refused |= _take_files(folder, listener)
            except (OperationalError, InterfaceError) as error:
                sys.stderr.write(f"The database can't be used, so the files wait: {str(error).strip()}\n")
                connection.close()
                stop.wait(TRIES_AGAIN_SECONDS)
                continue
            if once:
                break
    return refused


def _take_files(folder: Folder, listener: Listener) -> bool:
    refused = False
    for name in folder.left_out():
        sys.stderr.write(f"{name!a} isn't taken: it is a link, no file, or has the name of answers.\n")
    for path in folder.ripe():
        try:
            taken = folder.take(path, listener)
        except OSError as error:
            sys.stderr.write(f"{path} can't be taken: {error.strerror}.\n")
            continue
        if taken is None:
            break
        refused |= bool(taken.counts["refused"])
        _say(in_one_line(_payload(taken.name, taken.counts, taken.now)))
    return refused


def _payload(name: str, counts: Counter[str], now: Path) -> dict[str, Any]:
    return {"file": name, **{word: counts[word] for word in ("booked", "repeated", "refused")}, "now": str(now)}
