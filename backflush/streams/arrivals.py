"""Reads lines from a pipe or file, numbers them, and passes them on in chunks without waiting for the end of input."""

import os
from collections.abc import Callable, Iterator
from select import select
from time import monotonic
from typing import Final

from backflush.backflushing.stream import CHUNK
from backflush.streams.line_format import LONGEST, read_line
from backflush.streams.line_posting import Line

BLOCK: Final = 65_536
LINGER_SECONDS: Final = 0.05
"""How long a line waits for others to share its transaction."""
LOOKS_UP_SECONDS: Final = 0.5
"""How often to check for a request to stop."""


class Cutter:
    """Cuts blocks of bytes into lines. Empty lines are counted but not returned."""

    def __init__(self) -> None:
        self._number = 0
        self._rest = b""

    def cut(self, data: bytes) -> list[Line]:
        """Return the lines that are complete. A line that is too long is truncated just above the limit, to save
        memory."""
        *whole, rest = (self._rest + data).split(b"\n")
        self._rest = rest[: LONGEST + 1]
        return [line for raw in whole if (line := self._line(raw)) is not None]

    def end(self) -> list[Line]:
        """Return the last line, if it has no line end."""
        return self.cut(b"\n") if self._rest else []

    def _line(self, raw: bytes) -> Line | None:
        self._number += 1
        return read_line(self._number, raw) if raw.strip() else None


class Arriving:
    """The lines of a file descriptor in chunks, until the end of input or a request to stop.

    A chunk is what arrives within a moment, at most `most` lines. On a request to stop, complete lines that were read
    are still returned, because they exist nowhere else; an incomplete one isn't. `ended` says whether the end was
    reached.
    """

    def __init__(self, source: int, stopped: Callable[[], bool], *, most: int = CHUNK) -> None:
        self.ended = False
        self._source, self._stopped, self._most = source, stopped, most
        self._cutter = Cutter()
        self._there: list[Line] = []
        self._since = monotonic()

    def __iter__(self) -> Iterator[list[Line]]:
        while not self.ended and not self._stopped():
            self._read()
            if len(self._there) >= self._most or (self._there and self._patience() <= 0):
                yield self._chunk()
        while self._there:
            yield self._chunk()

    def _read(self) -> None:
        """Read the available bytes, waiting only briefly for any."""
        patience = self._patience() if self._there else LOOKS_UP_SECONDS
        if not select([self._source], [], [], max(0.0, patience))[0]:
            return
        data = os.read(self._source, BLOCK)
        if not self._there:
            self._since = monotonic()
        self.ended = not data
        self._there += self._cutter.cut(data) if data else self._cutter.end()

    def _patience(self) -> float:
        return self._since + LINGER_SECONDS - monotonic()

    def _chunk(self) -> list[Line]:
        chunk, self._there = self._there[: self._most], self._there[self._most :]
        self._since = monotonic()
        return chunk
