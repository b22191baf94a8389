"""Check that a backup brings along no code that a database would run, and no new administrators.

A backup is a file from elsewhere, so it is looked at before anything is replaced, and what it lets people do is told
afterwards.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import quote
from zipfile import ZipFile

from django.db import DatabaseError, connection
from django.utils import timezone

from backflush.core.refusals import InvalidValue
from backflush.people.models import Assignment, Token, User, UserSession
from backflush.people.rights import Role

LINE_LONGEST: Final = 2_000_000
"""The longest line of a table in a portable backup or archive, in bytes."""
CONTENTS_LARGEST: Final = 20_000_000
TABLES_ONLY: Final = frozenset(
    {
        *("COMMENT", "CONSTRAINT", "DATABASE", "DEFAULT", "ENCODING", "EXTENSION", "FK", "INDEX", "SCHEMA"),
        *("SEARCHPATH", "SEQUENCE", "STATISTICS", "STDSTRINGS", "TABLE"),
    }
)
"""The first words of what a dump of PostgreSQL may have in it."""


def require_no_code(file: Path) -> None:
    """Refuse an SQLite copy with triggers or views, which would run when people book (`invalid_value`)."""
    where = f"file:{quote(str(file.absolute()))}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(where, uri=True)) as copy:
            found = copy.execute("SELECT type, name FROM sqlite_master WHERE type NOT IN ('table', 'index')").fetchall()
            found += copy.execute(
                "SELECT 'virtual table', name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL%'"
            ).fetchall()
    except sqlite3.DatabaseError as error:
        raise InvalidValue("The copy is damaged: {problem}. Use another copy.", problem=error, field="file") from None
    _require_none(f"{kind} {name}" for kind, name in found)


def require_no_code_in_dump(listed: str) -> None:
    """Refuse a dump of PostgreSQL with functions, triggers, rules or the like, by what `pg_restore --list` prints."""
    found = []
    for line in listed.splitlines():
        words = line.split(";", 1)[-1].split()
        if line.startswith(";") or len(words) < 3:
            continue
        if words[2] not in TABLES_ONLY:
            found.append(" ".join(words[2:5]))
    _require_none(found)


def _require_none(found: Any) -> None:
    names = sorted(found)
    if names:
        raise InvalidValue(
            "{file_content} in this copy would run as people book, and Backflush makes none. Don't use the copy; ask "
            "who made it.",
            file_content=names[:10],
            field="file",
        )


def member_text(archive: ZipFile, name: str) -> bytes:
    """Return a small member of a zip whole. Refused if it is larger than a table of contents can be."""
    with archive.open(name) as member:
        text = member.read(CONTENTS_LARGEST + 1)
    if len(text) > CONTENTS_LARGEST:
        raise _too_long(name)
    return text


def member_lines(archive: ZipFile, name: str) -> Iterator[bytes]:
    """Yield the lines of a member of a zip. Refused if one is longer than a row can be: memory stays bounded."""
    with archive.open(name) as member:
        yield from bounded_lines(member, name)


def bounded_lines(member: IO[bytes], name: str) -> Iterator[bytes]:
    """Yield the lines of a file, each at most as long as a row can be."""
    while line := member.readline(LINE_LONGEST + 1):
        if len(line) > LINE_LONGEST:
            raise _too_long(name)
        yield line


def _too_long(name: str) -> InvalidValue:
    return InvalidValue(
        "{part} in this file is longer than anything that Backflush writes. Use another copy.", part=name, field="file"
    )


Administrator = tuple[str, str]
"""The log-in name of an administrator, and the site's code."""


def administrators() -> frozenset[Administrator]:
    """Return who administers which site and may sign in; nobody if there are no tables yet."""
    found = Assignment.objects.filter(role=Role.ADMINISTRATOR, user__is_active=True)
    try:
        return frozenset(found.values_list("user__username", "site__code"))
    except DatabaseError:
        connection.close()
        return frozenset()


@dataclass(frozen=True, slots=True)
class RestoredAccess:
    """Who may administer after a restore, who of them couldn't before, and what was ended."""

    administrators: tuple[Administrator, ...]
    added: tuple[Administrator, ...]
    signing_in: int
    tokens_ended: int


def end_access(before: frozenset[Administrator], *, keep_tokens: bool) -> RestoredAccess:
    """End all sessions, and the tokens unless they are to be kept: a copy doesn't know what was revoked after it."""
    UserSession.objects.all().delete()
    tokens = Token.objects.filter(ended_at__isnull=True)
    ended = 0 if keep_tokens else tokens.update(ended_at=timezone.now())
    now = administrators()
    return RestoredAccess(
        administrators=tuple(sorted(now)),
        added=tuple(sorted(now - before)),
        signing_in=sum(user.has_usable_password() for user in User.objects.filter(is_active=True).only("password")),
        tokens_ended=ended,
    )


def as_rows(archive: ZipFile, name: str) -> Iterator[list[Any]]:
    """Yield the rows of a table, which is a JSON list in each line."""
    for line in member_lines(archive, name):
        yield json.loads(line)
