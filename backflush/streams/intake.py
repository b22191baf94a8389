"""Posts what arrives in a stream or as files in a folder. Each file is posted once."""

import errno
import fcntl
import hashlib
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

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
LOCK: Final = ".listening"
ANSWERS: Final = ".answers.jsonl"
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
    """A folder into which files are dropped. A file is ready once it hasn't changed between two checks.

    Others may write into the folder, so nothing in it is trusted but the folder itself: no link is followed, nothing is
    taken that isn't a file with one name, and the listener's own names (`done`, `refused`, `.listening`, answers) are
    refused where they aren't its own. What it makes can be read by those who can read the folder, and by nobody else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: dict[str, tuple[int, int]] = {}
        self._folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._mode = stat.S_IMODE(os.fstat(self._folder).st_mode)
        self._ends = {name: self._end(name) for name in (DONE, REFUSED)}
        self._reported: set[str] = set()

    def _end(self, name: str) -> int:
        """Return an open folder for files that were taken, made if it isn't there."""
        with suppress(FileExistsError):
            os.mkdir(name, self._mode & 0o770, dir_fd=self._folder)
        try:
            return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=self._folder)
        except OSError:
            raise InvalidValue(
                "{name} in {folder} is a link or a file, and the listener needs a folder of that name. Move it away.",
                name=name,
                folder=self.path,
                field="from",
            ) from None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Lock the folder, so that a second listener can't book the same files (`AlreadyThere`)."""
        try:
            lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600, dir_fd=self._folder)
        except OSError as error:
            raise InvalidValue(
                "{name} in {folder} can't be used as the listener's lock: {problem}. Remove it.",
                name=LOCK,
                folder=self.path,
                problem=error.strerror,
                field="from",
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise AlreadyThere(
                "Another program is listening at {file} already. Stop it first.", file=self.path, field="from"
            ) from None
        finally:
            os.close(lock)

    def ripe(self) -> list[Path]:
        """Return the files that are ready, oldest first."""
        there = dict(self._files())
        ripe = [name for name, about in there.items() if self._seen.get(name) == about]
        self._seen = there
        return [self.path / name for name in sorted(ripe, key=lambda name: (there[name][0], name))]

    def left_out(self) -> list[str]:
        """Return the names that are never taken, and that weren't returned before: links, other things that aren't
        files, and names of the listener's own answers."""
        new = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                own = entry.name.startswith(".") or entry.name in self._ends or entry.name in self._reported
                if not own and (not entry.is_file(follow_symlinks=False) or entry.name.endswith(ANSWERS)):
                    new.append(entry.name)
        self._reported.update(new)
        return sorted(new)

    def _files(self) -> Iterator[tuple[str, tuple[int, int]]]:
        with os.scandir(self._folder) as entries:
            for entry in entries:
                try:
                    about = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                named = not entry.name.startswith(".") and not entry.name.endswith((*UNFINISHED, ANSWERS))
                # A file with a second name elsewhere may be somebody else's.
                if named and stat.S_ISREG(about.st_mode) and about.st_nlink == 1:
                    yield entry.name, (about.st_mtime_ns, about.st_size)

    def take(self, path: Path, listener: Listener) -> FileResult | None:
        """Book a file's lines, and move it to `done` or `refused` with its answers beside it. None if it was stopped
        early.

        The answers are stored before the file is moved, so a file that has been moved was answered. An interrupted file
        is booked again from its first line, under the same keys.
        """
        name = path.name
        unfinished = f".{name}{ANSWERS}.part"
        with self._opened(name) as source:
            before = _standing(source)
            digest = _digest_of(name, source)
            source.seek(0)
            with suppress(FileNotFoundError):
                os.unlink(unfinished, dir_fd=self._folder)
            made = os.open(
                unfinished,
                os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW,
                self._mode & 0o660,
                dir_fd=self._folder,
            )
            with open(made, "w", encoding="utf-8") as answered:  # noqa: PTH123 - an open file
                counts, ended = listener.take(source.fileno(), answered.write, stream=stream_of(digest))
                if not ended:
                    return None
                if _standing(source) != before:
                    grew = {"line": None, "outcome": "refused", "refusals": [refusal_payload(GREW)]}
                    answered.write(in_one_line(grew))
                    counts["refused"] += 1
        end = REFUSED if counts["refused"] else DONE
        now = self._free(end, name, digest)
        folders = {"src_dir_fd": self._folder, "dst_dir_fd": self._ends[end]}
        # A link of that name is replaced itself; what it leads to stays as it is.
        os.replace(unfinished, f"{now}{ANSWERS}", **folders)  # noqa: PTH105 - relative to open folders
        os.replace(name, now, **folders)  # noqa: PTH105
        return FileResult(name, counts, self.path / end / now)

    def _opened(self, name: str, folder: int | None = None) -> BinaryIO:
        """Open a file of the folder, or of another one; never one that a link leads to, and never a device."""
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        number = os.open(name, flags, dir_fd=self._folder if folder is None else folder)
        if not stat.S_ISREG(os.fstat(number).st_mode):
            os.close(number)
            raise OSError(errno.EINVAL, "It is no file")
        return open(number, "rb")  # noqa: PTH123 - an open file, which the caller closes

    def _free(self, end: str, name: str, digest: str) -> str:
        """Return a file name that no file with other content has."""
        folder = self._ends[end]
        if name not in os.listdir(folder):  # noqa: PTH208 - an open folder
            return name
        with suppress(OSError), self._opened(name, folder) as there:
            if _digest_of(name, there) == digest:
                return name
        wanted = Path(name)
        return f"{wanted.stem} {digest[:8]}{wanted.suffix}"


def _standing(file: BinaryIO) -> tuple[int, int]:
    about = os.fstat(file.fileno())
    return about.st_mtime_ns, about.st_size


def stream_of(digest: str) -> str:
    """Return the stream name from which the lines of a file get their keys."""
    return f"file {digest[:40]}"


def digest_of(path: Path) -> str:
    """Return a digest of a file's name and content: the same file delivered again has the same digest."""
    with path.open("rb") as file:
        return _digest_of(path.name, file)


def _digest_of(name: str, file: BinaryIO) -> str:
    digest = hashlib.sha256(name.encode(errors="surrogateescape"))
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()
