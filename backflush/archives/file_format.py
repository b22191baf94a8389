"""The file of an archive: a zip of tables as JSON lines, which can be read in decades with a text editor.

    README.txt               explains the file
    archive.json             the table of contents: columns, rows and SHA-256 of each table, and the previous archive
    ledger_movement.jsonl    one list of values per row; likewise for every table
    items_item.jsonl         the rows that these refer to: items, locations, users, structures, ...
    pots.jsonl               for people: item, location, bin, batch, serial number, quantity in and out

Values are as in a portable backup (`operations/portable.py`): quantities in millionths, moments in ISO format with
their time zone. The digest of `archive.json` is the digest of the archive. It covers every table and, through the
previous archive's digest, every earlier archive.
"""

import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from django.db import connection
from django.db.models import Model

from backflush.archives.selection import GOING, OF_MODEL
from backflush.archives.statements import SELECTED_QUANTITIES
from backflush.core.quantity import from_scaled, written
from backflush.core.refusals import InvalidValue, NotFound
from backflush.items.models import Item
from backflush.operations.copy_check import as_rows, member_lines, member_text
from backflush.operations.portable import CopiedTable, Row, rows_of
from backflush.operations.tables import references
from backflush.people.models import User
from backflush.stockmap.models import Location, Site
from backflush.structures.models import FrozenLine, FrozenStructure

CONTENTS: Final = "archive.json"
FORMAT: Final = "backflush archive 1"
STOCK_KEYS: Final = "pots.jsonl"
ABOUT: Final = "README.txt"
CHUNK: Final = 500
Thing = TypeVar("Thing")
DAMAGE: Final = (KeyError, BadZipFile, OSError, EOFError, zlib.error)
"""The exceptions that a truncated or changed file raises."""
OF_PEOPLE: Final = ("id", "username", "first_name", "last_name")
"""The columns of users in the file: names only, no passwords."""

_ABOUT: Final = """\
This is an archive of a Backflush ledger: what was finished in a closed period, with everything that it names.

archive.json lists the tables, each with the names of its columns, its number of rows and the SHA-256 of its file.
A table is a text file with one row in each line: a JSON list of values in the order of the columns.

Quantities (quantity, due, good, scrap, source_after, costs, ...) are in millionths: 4000000 is 4.
Moments are in UTC. A column NAME_id holds the number (id) of a row in the table that it names: item_id of
ledger_movement is id in items_item, source_id and target_id are id in stockmap_location, and so on.
pots.jsonl says for each item, place, bin, batch and serial number what came in and went out by these movements.

"backflush verify --archive FILE" proves the file, "backflush archive-show FILE --order NUMBER" reads it,
"backflush unarchive FILE" brings it back.
"""


@dataclass(frozen=True, slots=True)
class Member:
    """One table in the file."""

    columns: list[str]
    rows: int
    sha256: str


@dataclass(slots=True)
class Contents:
    """The contents of `archive.json`."""

    site: str
    number: int
    through: str
    by: str
    at: str
    before: str
    """The digest of the previous archive; empty for a site's first archive."""
    tables: dict[str, Member] = field(default_factory=dict)
    format: str = FORMAT

    def as_text(self) -> str:
        """Return the contents as JSON, as they are in the file."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)

    @property
    def digest(self) -> str:
        """The digest of the whole archive."""
        return digest_of(self.as_text().encode())

    @property
    def counts(self) -> dict[str, int]:
        """The number of archived rows of each table."""
        return {going.table: self.tables[going.table].rows for going in GOING}


def digest_of(text: bytes) -> str:
    """Return the SHA-256 digest in hexadecimal."""
    return hashlib.sha256(text).hexdigest()


def batched(things: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    """Yield the rows in batches."""
    remaining = iter(things)
    while some := list(islice(remaining, size)):
        yield some


# Writing


def write(file: Path, *, site: Site, head: Contents) -> Contents:
    """Write the selected rows and everything they refer to into a file, flushed to disk. Return the contents."""
    with file.open("wb") as out:
        with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=6) as archive:
            archive.writestr(ABOUT, _ABOUT)
            for going in GOING:
                rows = rows_of(
                    CopiedTable(going.model),
                    which=f"WHERE site_id = %s AND {going.chosen} ORDER BY id",
                    given=[site.pk],
                )
                _add(archive, head, going.table, _columns(CopiedTable(going.model)), rows)
            for model, wanted in _named(site):
                table = CopiedTable(model)
                _add(archive, head, table.name, _columns(table), _rows_named(table, wanted))
            _add(archive, head, STOCK_KEYS, list(_STOCK_KEY_COLUMNS), _stock_keys(site))
            archive.writestr(CONTENTS, head.as_text())
        out.flush()
        os.fsync(out.fileno())
    return head


def _columns(table: CopiedTable) -> list[str]:
    names = [column.name for column in table.columns]
    return [name for name in names if name in OF_PEOPLE] if table.model is User else names


def _add(archive: ZipFile, head: Contents, name: str, columns: list[str], rows: Iterable[Row]) -> None:
    seen, count = hashlib.sha256(), 0
    with archive.open(_file_of(name), "w", force_zip64=True) as lines:
        for some in batched(rows, CHUNK):
            text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in some).encode()
            seen.update(text)
            lines.write(text)
            count += len(some)
    head.tables[name] = Member(columns, count, seen.hexdigest())


def _file_of(name: str) -> str:
    return name if name.endswith(".jsonl") else f"{name}.jsonl"


def _rows_named(table: CopiedTable, wanted: Iterable[int]) -> Iterator[Row]:
    columns = [column.name for column in table.columns]
    kept = [columns.index(name) for name in _columns(table)]
    for some in batched(sorted(wanted), CHUNK):
        places = ", ".join(["%s"] * len(some))
        for row in rows_of(table, which=f"WHERE id IN ({places}) ORDER BY id", given=some):
            yield [row[place] for place in kept]


def _named(site: Site) -> list[tuple[type[Model], set[int]]]:
    """Return the rows that the selected rows refer to, directly or indirectly: primary keys by model."""
    known: dict[type[Model], set[int]] = {}
    new: dict[type[Model], set[int]] = {}
    for going in GOING:
        for model, column in _outward(going.model):
            query = f"SELECT DISTINCT {column} FROM {going.table} WHERE site_id = %s AND {going.chosen}"
            new.setdefault(model, set()).update(_numbers(query, [site.pk]))
    while any(new.values()):
        looked, new = new, {}
        for model, numbers in looked.items():
            fresh = numbers - known.setdefault(model, set())
            known[model] |= fresh
            for other, found in _named_by(model, fresh):
                new.setdefault(other, set()).update(found)
    return sorted(known.items(), key=lambda pair: pair[0]._meta.db_table)


def _named_by(model: type[Model], numbers: Iterable[int]) -> Iterator[tuple[type[Model], set[int]]]:
    table = model._meta.db_table
    for some in batched(sorted(numbers), CHUNK):
        among = f"({', '.join(['%s'] * len(some))})"
        for other, column in _outward(model):
            yield other, _numbers(f"SELECT DISTINCT {column} FROM {table} WHERE id IN {among}", some)
        if model is FrozenStructure:
            # A structure consists of its lines.
            yield FrozenLine, _numbers(f"SELECT id FROM structures_frozenline WHERE structure_id IN {among}", some)


def _outward(model: type[Model]) -> list[tuple[type[Model], str]]:
    """Return the foreign keys of a table that lead to tables that aren't archived."""
    fields = references(model) if model is not User else []
    return [(field.related_model, str(field.column)) for field in fields if field.related_model not in OF_MODEL]


def _numbers(question: str, given: Iterable[Any]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(question, list(given))
        return {number for (number,) in cursor.fetchall() if number is not None}


_STOCK_KEY_COLUMNS: Final = ("item", "location", "bin", "batch", "serial", "movements", "in", "out")


def _stock_keys(site: Site) -> Iterator[Row]:
    """Yield the quantities in and out of each balance, with codes instead of primary keys."""
    found = SELECTED_QUANTITIES.fetch_replanned(site_id=site.pk)
    items = dict(Item.objects.values_list("pk", "code"))
    places = dict(Location.objects.filter(site=site).values_list("pk", "path"))
    for item, place, *names, count, in_whole, in_part, out_whole, out_part in found:
        came, went = (
            int(whole) * 1_000_000 + int(part) for whole, part in ((in_whole, in_part), (out_whole, out_part))
        )
        yield [items[item], places[place], *names, count, written(from_scaled(came)), written(from_scaled(went))]


# Reading


class ArchiveFile:
    """An archive file, opened for reading. Call `require_whole` before trusting its contents."""

    def __init__(self, archive: ZipFile, path: Path) -> None:
        self._archive = archive
        self.path = path
        self._text = self._read(CONTENTS)
        self.contents = _contents(self._text, path)

    @property
    def digest(self) -> str:
        """The digest of the contents."""
        return digest_of(self._text)

    def damage(self) -> list[str]:
        """Return the tables whose digest or row count differs from the contents."""
        wrong = []
        for name, member in self.contents.tables.items():
            try:
                seen, rows = hashlib.sha256(), 0
                for line in member_lines(self._archive, _file_of(name)):
                    seen.update(line)
                    rows += 1
                sound = (seen.hexdigest(), rows) == (member.sha256, member.rows)
            except DAMAGE:
                sound = False
            if not sound:
                wrong.append(name)
        return wrong

    def require_whole(self) -> None:
        """Refuse a changed or truncated file."""
        wrong = self.damage()
        if wrong:
            raise InvalidValue(
                "{file} is damaged: the checksums of these parts are wrong: {parts}. Use another copy.",
                file=self.path,
                parts=wrong,
                field="file",
            )

    def rows(self, name: str) -> Iterator[list[Any]]:
        """Yield the rows of a table."""
        return as_rows(self._archive, _file_of(name))

    def _read(self, name: str) -> bytes:
        try:
            return member_text(self._archive, name)
        except DAMAGE:
            raise _no_archive(self.path) from None


def _contents(text: bytes, path: Path) -> Contents:
    try:
        manifest = json.loads(text)
        if manifest.get("format") != FORMAT:
            raise _no_archive(path)
        tables = {name: Member(**member) for name, member in manifest.pop("tables").items()}
        return Contents(**manifest, tables=tables)
    except (ValueError, TypeError, AttributeError, KeyError):
        raise _no_archive(path) from None


def _no_archive(path: Path) -> InvalidValue:
    return InvalidValue(
        "{file} isn't an archive that this version can read. Check the file, or use the version that made it.",
        file=path,
        field="file",
    )


@contextmanager
def opened(path: Path) -> Iterator[ArchiveFile]:
    """Open an archive file. Refused if it is no archive."""
    if not path.is_file():
        raise NotFound("There is no file {file}.", file=path, field="file")
    try:
        archive = ZipFile(path)
    except (BadZipFile, OSError):
        raise _no_archive(path) from None
    with archive:
        yield ArchiveFile(archive, path)


def is_archive(path: Path) -> bool:
    """Return whether a file is an archive."""
    try:
        with ZipFile(path) as archive:
            return CONTENTS in archive.namelist()
    except (BadZipFile, OSError):
        return False


def flush_folder(folder: Path) -> None:
    """Flush a folder to disk, so that the new file name survives a power failure."""
    opened_folder = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened_folder)
    finally:
        os.close(opened_folder)
