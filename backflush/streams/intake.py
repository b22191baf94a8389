"""Posts what arrives in a stream or as files in a folder. Each file is posted once."""

import fcntl
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backflush.backflushing.stream import CHUNK
from backflush.core.refusals import AlreadyThere, InvalidValue
from backflush.delivery.payloads import refusal_payload
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.streams.arrivals import Arriving
from backflush.streams.line_format import answers, in_one_line, outcome_word
from backflush.streams.line_posting import LinePoster

DONE: Final = "done"
REFUSED: Final = "refused"
UNFINISHED: Final = (".tmp", ".part")
"""File name endings that programs use while they are still writing."""
GREW: Final = InvalidValue(
    "The file changed while it was read. Compare its lines with the answers, and send the missing ones in a new file."
)

Write = Callable[[str], object]
Stopped = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Listener:
    """The site, the user, the limit of a chunk, and a function that says whether to stop."""

    site: Site
    by: User
    stopped: Stopped
    most: int = CHUNK

    def take(self, source: int, write: Write, *, stream: str = "") -> tuple[Counter[str], bool]:
        """Book the lines of a file descriptor and write an answer for each.

        Return the number of lines by outcome, and whether the end of input was reached.
        """
        counts: Counter[str] = Counter()
        poster = LinePoster(self.site, self.by, stream)
        arriving = Arriving(source, self.stopped, most=self.most)
        for lines in arriving:
            results = poster.post(lines)
            write("".join(map(in_one_line, answers(lines, results, self.site))))
            counts.update(map(outcome_word, results))
        return counts, arriving.ended


@dataclass(frozen=True, slots=True)
class FileResult:
    """The result of a file, and its new path."""

    name: str
    counts: Counter[str]
    now: Path


class Folder:
    """A folder into which files are dropped. A file is ready once it hasn't changed between two checks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: dict[Path, tuple[int, int]] = {}
        for name in (DONE, REFUSED):
            (path / name).mkdir(exist_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Lock the folder, so that a second listener can't book the same files (`AlreadyThere`)."""
        with (self.path / ".listening").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyThere(
                    "Another program is listening at {file} already. Stop it first.", file=self.path, field="from"
                ) from None
            yield

    def ripe(self) -> list[Path]:
        """Return the files that are ready, oldest first."""
        there = dict(self._files())
        ripe = [path for path, about in there.items() if self._seen.get(path) == about]
        self._seen = there
        return sorted(ripe, key=lambda path: (there[path][0], path.name))

    def _files(self) -> Iterator[tuple[Path, tuple[int, int]]]:
        for path in self.path.iterdir():
            try:
                if path.is_file() and not path.name.startswith(".") and path.suffix not in UNFINISHED:
                    yield path, _standing(path)
            except FileNotFoundError:
                continue

    def take(self, path: Path, listener: Listener) -> FileResult | None:
        """Book a file's lines, and move it to `done` or `refused` with its answers beside it. None if it was stopped
        early.

        The answers are stored before the file is moved, so a file that has been moved was answered. An interrupted file
        is booked again from its first line, under the same keys.
        """
        before = _standing(path)
        digest = digest_of(path)
        unfinished = self.path / f".{path.name}.answers.part"
        with path.open("rb") as source, unfinished.open("w", encoding="utf-8") as answered:
            counts, ended = listener.take(source.fileno(), answered.write, stream=stream_of(digest))
            if not ended:
                return None
            if _standing(path) != before:
                answered.write(in_one_line({"line": None, "outcome": "refused", "refusals": [refusal_payload(GREW)]}))
                counts["refused"] += 1
        now = self._free(self.path / (REFUSED if counts["refused"] else DONE) / path.name, digest)
        unfinished.replace(now.with_name(f"{now.name}.answers.jsonl"))
        path.replace(now)
        return FileResult(path.name, counts, now)

    @staticmethod
    def _free(wanted: Path, digest: str) -> Path:
        """Return a file name that no file with other content has."""
        if not wanted.exists() or digest_of(wanted) == digest:
            return wanted
        return wanted.with_name(f"{wanted.stem} {digest[:8]}{wanted.suffix}")


def _standing(path: Path) -> tuple[int, int]:
    about = path.stat()
    return about.st_mtime_ns, about.st_size


def stream_of(digest: str) -> str:
    """Return the stream name from which the lines of a file get their keys."""
    return f"file {digest[:40]}"


def digest_of(path: Path) -> str:
    """Return a digest of a file's name and content: the same file delivered again has the same digest."""
    digest = hashlib.sha256(path.name.encode())
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
