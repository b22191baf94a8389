"""Back up and restore the whole database.

SQLite is copied by its online backup, PostgreSQL by `pg_dump` if the machine has it. Both copies are exact, and users
can go on booking. Without `pg_dump`, or for a restore into the other kind of database, the backup is a portable one
(`portable.py`), so a plant on a laptop can move to a server. A backup gets its name only when it is complete.
"""

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.db.backends.postgresql.client import DatabaseClient

from backflush.core.refusals import AlreadyThere, DatabaseUnreachable, InvalidValue, NotFound
from backflush.db.connections import another_database
from backflush.operations import portable
from backflush.operations.copy_check import require_no_code, require_no_code_in_dump
from backflush.operations.db_statistics import look_over
from backflush.operations.readiness import missing_file
from backflush.operations.tables import models_of_rooms

SQLITE_BEGINS: Final = b"SQLite format 3\0"
PG_DUMP_BEGINS: Final = b"PGDMP"
USUAL_PLACES: Final = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/*/bin", "usr/local/opt/*/bin")


class CopyFormat(StrEnum):
    """The format of a backup."""

    SQLITE = "sqlite"
    PG_DUMP = "pg_dump"
    PORTABLE = "portable"


@dataclass(frozen=True, slots=True)
class BackupCopy:
    """A finished backup."""

    kind: CopyFormat
    size: int


def back_up(file: Path, *, as_portable: bool = False) -> BackupCopy:
    """Back up the database into a new file. Only its owner can read it, because it holds every user's password
    digest."""
    if file.exists():
        raise AlreadyThere("{file} exists already. Choose another name for the backup.", file=file, field="file")
    if not file.absolute().parent.is_dir():
        raise NotFound("There is no folder {folder}.", folder=file.absolute().parent, field="file")
    kind = _kind_for(as_portable=as_portable)
    with _whole(file) as part:
        match kind:
            case CopyFormat.SQLITE:
                _copy_sqlite(part)
            case CopyFormat.PG_DUMP:
                _dump(part)
            case CopyFormat.PORTABLE:
                with part.open("wb") as out:
                    portable.write(out)
    return BackupCopy(kind, file.stat().st_size)


def _kind_for(*, as_portable: bool) -> CopyFormat:
    if as_portable:
        return CopyFormat.PORTABLE
    if connection.vendor == "sqlite":
        return CopyFormat.SQLITE
    return CopyFormat.PG_DUMP if _tool("pg_dump") else CopyFormat.PORTABLE


@contextmanager
def _whole(file: Path) -> Iterator[Path]:
    """Open a temporary file that gets its name when it is complete and on disk."""
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    try:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.rename(file)
    finally:
        part.unlink(missing_ok=True)


def _copy_sqlite(part: Path) -> None:
    source = connection.settings_dict["NAME"]
    # In a single step: it only reads the write-ahead log, so no user waits for it.
    with closing(_open_sqlite(Path(source))) as original, closing(sqlite3.connect(part)) as copy:
        original.backup(copy)
        # Without a write-ahead log beside it, so the backup is one file.
        copy.execute("PRAGMA journal_mode=DELETE")
        (found,) = copy.execute("PRAGMA quick_check").fetchone()
    if found != "ok":
        raise InvalidValue("The database is damaged: {problem}", problem=found, field="database")


def _open_sqlite(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True)


def _dump(part: Path) -> None:
    _run_tool("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={part}")


def _tool(name: str) -> str | None:
    """Return a PostgreSQL program of this machine: the one on the PATH, else the newest in a usual folder."""
    found = [
        str(place / name) for pattern in USUAL_PLACES for place in Path("/").glob(pattern) if (place / name).exists()
    ]
    return shutil.which(name) or max(
        found, key=lambda path: [int(part) for part in re.findall(r"\d+", path)], default=None
    )


def _run_tool(name: str, *arguments: str) -> None:
    tool = _tool(name)
    if tool is None:
        raise NotFound("{program} isn't installed. Install the PostgreSQL client programs.", program=name, field="file")
    # Pass the password in the environment, because every user can see the arguments of a process.
    (_, *where), environment = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])
    database = where.pop()
    done = subprocess.run(
        [tool, *where, f"--dbname={database}", *arguments],
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        first, *more = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise DatabaseUnreachable(
            "{program} failed: {problem}", program=name, problem=first, field="database", details=more
        )


def restore(file: Path, *, replace: bool = False) -> CopyFormat:
    """Restore a backup into an empty database; into one with data only with `replace` (`already_there`)."""
    kind = kind_of(file)
    if not replace and not is_empty():
        raise AlreadyThere(
            "This database has data. Restore into an empty one, or use --replace to lose the data in this one.",
            field="database",
        )
    match kind, connection.vendor:
        case CopyFormat.SQLITE, "sqlite":
            require_no_code(file)
            _restore_sqlite(file)
        case CopyFormat.SQLITE, _:
            require_no_code(file)
            _prepare()
            with another_database(f"sqlite:///{quote(str(file.absolute()))}") as source:
                portable.copy_from(source)
        case CopyFormat.PG_DUMP, "postgresql":
            require_no_code_in_dump(_listed(file))
            _run_tool(
                "pg_restore",
                "--clean",
                "--if-exists",
                "--no-owner",
                "--no-privileges",
                "--single-transaction",
                str(file),
            )
        case CopyFormat.PG_DUMP, _:
            raise InvalidValue(
                (
                    "This backup can be restored into PostgreSQL only. Make a portable one instead: backflush "
                    "backup --portable FILE"
                ),
                field="file",
            )
        case _:
            _prepare()
            portable.read(file)
    look_over()
    ContentType.objects.clear_cache()
    return kind


def _listed(file: Path) -> str:
    """Return the table of contents of a dump."""
    tool = _tool("pg_restore")
    if tool is None:
        return ""
    done = subprocess.run([tool, "--list", str(file)], capture_output=True, text=True, check=False)
    return done.stdout


def kind_of(file: Path) -> CopyFormat:
    """Return the format of a backup, recognised by its first bytes."""
    if not file.is_file():
        raise NotFound("There is no file {file}.", file=file, field="file")
    with file.open("rb") as opened:
        begins = opened.read(len(SQLITE_BEGINS))
    if begins == SQLITE_BEGINS:
        return CopyFormat.SQLITE
    if begins.startswith(PG_DUMP_BEGINS):
        return CopyFormat.PG_DUMP
    if portable.is_portable(file):
        return CopyFormat.PORTABLE
    raise InvalidValue("{file} is not a copy that `backflush backup` made.", file=file, field="file")


def is_empty() -> bool:
    """Return whether nothing was set up or posted: our tables are missing or empty."""
    if missing_file():
        return True
    there = set(connection.introspection.table_names())
    return not any(model._meta.db_table in there and model._default_manager.exists() for model in models_of_rooms())


def _prepare() -> None:
    call_command("migrate", verbosity=0, interactive=False)


def _restore_sqlite(file: Path) -> None:
    target: Any = connection.settings_dict["NAME"]
    connection.close()
    with closing(_open_sqlite(file)) as original, closing(sqlite3.connect(target, timeout=120)) as there:
        original.backup(there)
        there.execute("PRAGMA journal_mode=WAL")
