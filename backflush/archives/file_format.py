"""The file of an archive: a zip of tables in JSON lines, to be read in decades with nothing but a text editor.

    README.txt               what this is, and how to read it
    archive.json             the list of contents: each table with its columns, rows and SHA-256, and the archive before
    ledger_movement.jsonl    one list of values for each row, and so on for every table
    items_item.jsonl         and what the rows name: items, places, people, structures, ...
    pots.jsonl               for people: item, place, bin, batch, serial, and what came in and went out

Values are as in a portable copy (`upkeep/portable.py`): quantities in millionths, moments in ISO with their zone. The
digest of `archive.json` is that of the archive: it covers every table, and by the digest before it every archive.
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
from backflush.core.quantity import from_scaled, written
from backflush.core.refusals import InvalidValue, NotFound
from backflush.items.models import Item
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
"""How a file shows that it was cut off or changed."""
OF_PEOPLE: Final = ("id", "username", "first_name", "last_name")
"""Of people only who they are, nothing by which they log in."""

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
    """What `archive.json` says."""

    site: str
    number: int
    through: str
    by: str
    at: str
    before: str
    """The digest of the archive before this one; empty for a site's first."""
    tables: dict[str, Member] = field(default_factory=dict)
    format: str = FORMAT

    def as_text(self) -> str:
        """As it stands in the file."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)

    @property
    def digest(self) -> str:
        """What the whole archive comes to."""
        return digest_of(self.as_text().encode())

    @property
    def counts(self) -> dict[str, int]:
        """How many rows went of each table."""
        return {going.table: self.tables[going.table].rows for going in GOING}


def digest_of(text: bytes) -> str:
    """SHA-256, as everybody writes it."""
    return hashlib.sha256(text).hexdigest()


def batched(things: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    """Some at a time."""
    remaining = iter(things)
    while some := list(islice(remaining, size)):
        yield some


# Writing


def write(file: Path, *, site: Site, head: Contents) -> Contents:
    """Write what is chosen into a file, with all that it names, down to the disk; answers with its list of contents."""
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
    """What the chosen rows name, and what that names, to the end: by model, with the numbers."""
    known: dict[type[Model], set[int]] = {}
    new: dict[type[Model], set[int]] = {}
    for going in GOING:
        for model, column in _outward(going.model):
            asked = f"SELECT DISTINCT {column} FROM {going.table} WHERE site_id = %s AND {going.chosen}"
            new.setdefault(model, set()).update(_numbers(asked, [site.pk]))
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
            # A structure is what its lines say.
            yield FrozenLine, _numbers(f"SELECT id FROM structures_frozenline WHERE structure_id IN {among}", some)


def _outward(model: type[Model]) -> list[tuple[type[Model], str]]:
    """The references of a table that lead out of what goes."""
    fields = references(model) if model is not User else []
    return [(field.related_model, str(field.column)) for field in fields if field.related_model not in OF_MODEL]


def _numbers(question: str, given: Iterable[Any]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(question, list(given))
        return {number for (number,) in cursor.fetchall() if number is not None}


_STOCK_KEY_COLUMNS: Final = ("item", "location", "bin", "batch", "serial", "movements", "in", "out")
_OF_STOCK_KEYS: Final = """
    SELECT item_id, location_id, bin, batch, serial, COUNT(*), SUM(came / 1000000), SUM(came %% 1000000),
           SUM(went / 1000000), SUM(went %% 1000000)
    FROM (
        SELECT item_id, target_id AS location_id, target_bin AS bin, batch, serial, quantity AS came, 0 AS went
        FROM ledger_movement WHERE site_id = %s AND quantity > 0 AND {chosen}
        UNION ALL
        SELECT item_id, source_id, source_bin, batch, serial, 0, quantity
        FROM ledger_movement WHERE site_id = %s AND quantity > 0 AND {chosen}
    ) e GROUP BY item_id, location_id, bin, batch, serial ORDER BY item_id, location_id, bin, batch, serial
"""


def _stock_keys(site: Site) -> Iterator[Row]:
    """For people: what came and went, by the names of things."""
    from_movements = next(going.chosen for going in GOING if going.table == "ledger_movement")
    with connection.cursor() as cursor:
        cursor.execute(_OF_STOCK_KEYS.format(chosen=from_movements), [site.pk, site.pk])
        found = cursor.fetchall()
    items = dict(Item.objects.values_list("pk", "code"))
    places = dict(Location.objects.filter(site=site).values_list("pk", "path"))
    for item, place, *names, count, in_whole, in_part, out_whole, out_part in found:
        came, went = (
            int(whole) * 1_000_000 + int(part) for whole, part in ((in_whole, in_part), (out_whole, out_part))
        )
        yield [items[item], places[place], *names, count, written(from_scaled(came)), written(from_scaled(went))]


# Reading


class ArchiveFile:
    """A file of an archive, opened for reading. Its contents are only what they say after `require_whole`."""

    def __init__(self, archive: ZipFile, path: Path) -> None:
        self._archive = archive
        self.path = path
        self._text = self._read(CONTENTS)
        self.contents = _contents(self._text, path)

    @property
    def digest(self) -> str:
        """The digest of what the list of contents says."""
        return digest_of(self._text)

    def damage(self) -> list[str]:
        """Which tables aren't what the list of contents says they are."""
        wrong = []
        for name, member in self.contents.tables.items():
            try:
                seen, rows = hashlib.sha256(), 0
                with self._archive.open(_file_of(name)) as lines:
                    for line in lines:
                        seen.update(line)
                        rows += 1
                sound = (seen.hexdigest(), rows) == (member.sha256, member.rows)
            except DAMAGE:
                sound = False
            if not sound:
                wrong.append(name)
        return wrong

    def require_whole(self) -> None:
        """Refuse a file that was changed or cut off."""
        wrong = self.damage()
        if wrong:
            raise InvalidValue(
                "{file} is damaged: the checksums of these parts are wrong: {parts}. Use another copy.",
                file=self.path,
                parts=wrong,
                field="file",
            )

    def rows(self, name: str) -> Iterator[list[Any]]:
        """The rows of a table."""
        with self._archive.open(_file_of(name)) as lines:
            for line in lines:
                yield json.loads(line)

    def _read(self, name: str) -> bytes:
        try:
            return self._archive.read(name)
        except DAMAGE:
            raise _no_archive(self.path) from None


def _contents(text: bytes, path: Path) -> Contents:
    try:
        facts = json.loads(text)
        if facts.get("format") != FORMAT:
            raise _no_archive(path)
        tables = {name: Member(**member) for name, member in facts.pop("tables").items()}
        return Contents(**facts, tables=tables)
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
    """Open the file of an archive; refused where it is none."""
    if not path.is_file():
        raise NotFound("There is no file {file}.", file=path, field="file")
    try:
        archive = ZipFile(path)
    except (BadZipFile, OSError):
        raise _no_archive(path) from None
    with archive:
        yield ArchiveFile(archive, path)


def is_archive(path: Path) -> bool:
    """Whether a file is one of these."""
    try:
        with ZipFile(path) as archive:
            return CONTENTS in archive.namelist()
    except (BadZipFile, OSError):
        return False


def flush_folder(folder: Path) -> None:
    """Bring a folder down to the disk, so that a file's new name outlives a power cut."""
    opened_folder = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened_folder)
    finally:
        os.close(opened_folder)
