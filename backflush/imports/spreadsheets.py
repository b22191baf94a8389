"""Reads workbooks into rows of cells as they are shown: XLSX with the formats of its numbers, and ODS.

Older formats (XLS, XLSB) are read too, but the library doesn't tell how their cells are shown.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from backflush.core.quantity import written
from backflush.imports.cell_types import Cell, ShownNumber, TypedNumber, as_seen
from backflush.imports.number_formats import BUILT_IN, GENERAL, CellFormat, as_number, cell_format
from backflush.imports.text_files import UnreadableFile
from backflush.imports.workbook_process import UnreadableWorkbook, sheets_in

OPENED_MOST: Final = 200_000_000
"""The most bytes that a workbook may unpack to, all its parts together."""
CELLS_MOST: Final = 5_000_000
"""The most cells of a workbook's sheets, empty ones between others included."""
LETTERS: Final = 26
SPACES_MOST: Final = 1_000

Attributes = dict[str, str]


@dataclass(frozen=True, slots=True)
class RawSheet:
    """A sheet as it is in the workbook: its name, and its rows from the first one on."""

    name: str
    rows: Iterator[Sequence[Cell]]
    as_shown: bool = True
    """Whether the cells are read as they are shown."""


def sheets_of(path: Path) -> Iterator[RawSheet]:
    """Yield the sheets of a workbook. Raises `UnreadableFile`."""
    try:
        if path.suffix.lower() == ".ods":
            yield from _ods(path)
        elif path.suffix.lower() in (".xlsx", ".xlsm"):
            yield from _xlsx(path)
        else:
            for name, rows in sheets_in(path, most=CELLS_MOST):
                yield RawSheet(name, _seen(rows, {}), as_shown=False)
    except (UnreadableWorkbook, BadZipFile, expat.ExpatError, KeyError, ValueError, InvalidOperation) as error:
        raise UnreadableFile(0, f"The workbook can't be read: {error}.", "Save it as XLSX.") from None


def _seen(rows: Iterable[list[Any]], formats: Mapping[tuple[int, int], str]) -> Iterator[list[Cell]]:
    known: dict[str, CellFormat | None] = {}
    for number, row in enumerate(rows):
        cells = [as_seen(cell) for cell in row]
        for place, cell in enumerate(row):
            code = formats.get((number, place), "")
            if code and isinstance(cell, int | float) and not isinstance(cell, bool):
                if code not in known:
                    known[code] = cell_format(code)
                cells[place] = shown_number(as_number(float(cell)), known[code])
        yield cells


def shown_number(value: Decimal, how: CellFormat | None) -> Cell:
    """Return the cell of a number that is shown by a format; None is a format that isn't followed."""
    plain = written(value)
    if how is None:
        return ShownNumber("", plain, "", plain=False)
    text, read = how.shown(value)
    if text == plain:
        return TypedNumber(plain)
    return ShownNumber(text, plain, written(read), plain=not how.has_text, percent=how.percent)


# XLSX


def _xlsx(path: Path) -> Iterator[RawSheet]:
    with ZipFile(path) as archive:
        codes = _format_codes(archive)
        formats = {name: _formats(archive, member, codes) for name, member in _members(archive)}
    for name, rows in sheets_in(path, most=CELLS_MOST):
        yield RawSheet(name, _seen(rows, formats.get(name, {})))


def _members(archive: ZipFile) -> list[tuple[str, str]]:
    """Return the name of each worksheet with its part of the file."""
    targets: dict[str, str] = {}
    sheets: list[tuple[str, str]] = []

    def relation(name: str, attributes: Attributes) -> None:
        if name == "Relationship":
            targets[attributes["Id"]] = attributes["Target"]

    def sheet(name: str, attributes: Attributes) -> None:
        if name == "sheet":
            identity = next((value for key, value in attributes.items() if key.rpartition(":")[2] == "id"), "")
            sheets.append((attributes["name"], identity))

    _parse(archive, "xl/_rels/workbook.xml.rels", relation)
    _parse(archive, "xl/workbook.xml", sheet)
    there = set(archive.namelist())
    found = [(name, _part(targets.get(identity, ""))) for name, identity in sheets]
    return [(name, part) for name, part in found if part in there]


def _part(target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)


def _format_codes(archive: ZipFile) -> list[str]:
    """Return the number format of each cell style; empty for dates and for plain numbers."""
    if "xl/styles.xml" not in archive.namelist():
        return []
    own: dict[int, str] = {}
    styles: list[int] = []
    inside: list[str] = []

    def start(name: str, attributes: Attributes) -> None:
        inside.append(name)
        if name == "numFmt":
            own[int(attributes["numFmtId"])] = attributes["formatCode"]
        elif name == "xf" and "cellXfs" in inside:
            styles.append(int(attributes.get("numFmtId", "0")))

    def end(_: str) -> None:
        inside.pop()

    _parse(archive, "xl/styles.xml", start, end)
    codes = [own.get(style) or BUILT_IN.get(style, "") for style in styles]
    return ["" if code in (GENERAL, "@") or _is_date(code) else code for code in codes]


def _is_date(code: str) -> bool:
    """Return whether a format shows dates or times: it has their letters outside of quotes and brackets."""
    plain = "".join(part for place, part in enumerate(code.split('"')) if not place % 2)
    while "[" in plain and "]" in plain:
        before, _, after = plain.partition("[")
        plain = before + after.partition("]")[2]
    return any(letter in plain.lower().replace("general", "") for letter in "ymdhs")


def _formats(archive: ZipFile, member: str, codes: Sequence[str]) -> dict[tuple[int, int], str]:
    """Return the format of each number that isn't shown plainly. Refuses sheets that are too large to be read."""
    found: dict[tuple[int, int], str] = {}
    at = [-1, -1]
    most = [0, 0]

    def start(name: str, attributes: Attributes) -> None:
        if name == "row":
            at[:] = [int(attributes["r"]) - 1 if "r" in attributes else at[0] + 1, -1]
        elif name == "c":
            at[1] = _column(attributes["r"]) if "r" in attributes else at[1] + 1
            most[:] = [max(most[0], at[0] + 1), max(most[1], at[1] + 1)]
            style = int(attributes.get("s", "0"))
            code = codes[style] if style < len(codes) else ""
            if code and attributes.get("t", "n") == "n":
                found[at[0], at[1]] = code

    _parse(archive, member, start)
    if most[0] * most[1] > CELLS_MOST:
        raise UnreadableFile(
            0, f"The sheet has {most[0]:,} rows and {most[1]:,} columns.", "Delete the cells far below or beside."
        )
    return found


def _column(reference: str) -> int:
    number = 0
    for letter in reference:
        if not letter.isalpha():
            break
        number = number * LETTERS + ord(letter.upper()) - ord("A") + 1
    return number - 1


def _parse(
    archive: ZipFile,
    member: str,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Read a part of a file. Its elements are named without their namespace; entities are refused."""
    if sum(part.file_size for part in archive.infolist()) > OPENED_MOST:
        raise UnreadableFile(0, "The workbook is too large.", "Save its table as CSV.")
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: start(name.rpartition(":")[2], attributes)
    parser.EntityDeclHandler = _refuse_entity
    if end is not None:
        parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])
    if text is not None:
        parser.CharacterDataHandler = text
    with archive.open(member) as stream:
        _feed(parser, stream)


def _feed(parser: expat.XMLParserType, stream: IO[bytes]) -> None:
    parser.ParseFile(stream)


def _refuse_entity(*_: object) -> None:
    raise UnreadableFile(0, "The workbook declares XML entities.", "Save it as XLSX with a spreadsheet program.")


# ODS


@dataclass(slots=True)
class _OdsReader:
    """Collects the rows of each table of an ODS file."""

    sheets: list[tuple[str, list[list[Cell]]]] = field(default_factory=list)
    _row: list[Cell] = field(default_factory=list)
    _row_repeated: int = 1
    _cell: Attributes = field(default_factory=dict)
    _lines: list[str] = field(default_factory=list)
    _in_text: bool = False
    _in_note: int = 0

    def start(self, name: str, attributes: Attributes) -> None:
        own = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        if name == "table":
            self.sheets.append((own.get("name", ""), []))
        elif name == "table-row":
            self._row, self._row_repeated = [], int(own.get("number-rows-repeated", "1"))
        elif name in ("table-cell", "covered-table-cell"):
            self._cell, self._lines = own, []
        elif name == "annotation":
            self._in_note += 1
        elif name == "p" and not self._in_note:
            self._lines.append("")
            self._in_text = True
        elif name == "s" and self._in_text:
            self.text(" " * min(int(own.get("c", "1")), SPACES_MOST))

    def end(self, name: str) -> None:
        if name == "p":
            self._in_text = False
        elif name == "annotation":
            self._in_note -= 1
        elif name in ("table-cell", "covered-table-cell"):
            self._add_cell()
        elif name == "table-row":
            self._add_row()

    def text(self, text: str) -> None:
        if self._in_text and self._lines:
            self._lines[-1] += text

    def _add_cell(self) -> None:
        cell = ods_cell(self._cell, "\n".join(self._lines))
        repeated = int(self._cell.get("number-columns-repeated", "1"))
        if cell == "" and repeated > LETTERS * LETTERS:
            return
        if len(self._row) + repeated > CELLS_MOST:
            raise UnreadableFile(0, "A row of the sheet is too long.", "Delete the cells far beside.")
        self._row += [cell] * repeated

    def _add_row(self) -> None:
        rows = self.sheets[-1][1]
        if not any(cell != "" for cell in self._row):
            self._row = []
            if self._row_repeated > CELLS_MOST // 100:
                return
        if (len(rows) + self._row_repeated) * max(len(self._row), 1) > CELLS_MOST:
            raise UnreadableFile(0, "The sheet has too many rows.", "Delete the cells far below.")
        rows += [self._row] * self._row_repeated


def ods_cell(attributes: Attributes, text: str) -> Cell:
    """Return the cell of an ODS file: its text as shown, and for numbers the value too."""
    kind = attributes.get("value-type", "")
    if kind == "date":
        when = attributes.get("date-value", "")
        return datetime.fromisoformat(when) if "T" in when else date.fromisoformat(when)
    if kind == "boolean":
        return "yes" if attributes.get("boolean-value") == "true" else "no"
    if kind not in ("float", "currency", "percentage"):
        return text
    value = as_number(float(attributes["value"]))
    plain, shown = written(value), text.strip()
    if shown in ("", plain):
        return TypedNumber(plain)
    percent = kind == "percentage"
    return ShownNumber(
        shown, plain, _number_shown(shown, value * 100 if percent else value), shown.lstrip("-").isdecimal(), percent
    )


def _number_shown(text: str, value: Decimal) -> str:
    """Return the number in the text of a cell, empty if there is none.

    The text is in the language of the spreadsheet program: a single comma or point is the decimal sign unless only the
    other reading is the value of the cell.
    """
    digits = "".join(sign for sign in text if sign.isdecimal() or sign in ".,-")
    last = max(digits.rfind("."), digits.rfind(","))
    whole = digits.replace(".", "").replace(",", "")
    readings = [whole]
    if last >= 0 and digits.count(digits[last]) == 1:
        before = digits[:last].replace(".", "").replace(",", "")
        readings.insert(0, f"{before}.{digits[last + 1 :]}")
    try:
        numbers = [Decimal(reading) for reading in readings]
    except InvalidOperation:
        return ""
    return written(value if value in numbers else numbers[0])


def _ods(path: Path) -> Iterator[RawSheet]:
    reader = _OdsReader()
    with ZipFile(path) as archive:
        _parse(archive, "content.xml", reader.start, reader.end, reader.text)
    for name, rows in reader.sheets:
        yield RawSheet(name, iter(rows))
