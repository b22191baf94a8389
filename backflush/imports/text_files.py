"""Reads CSV and other text files into rows: their encoding, their separator, and the row in which a quote is wrong."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from typing import Final

from backflush.core.refusals import InvalidValue

SEPARATORS: Final = (",", ";", "\t")
"""The separators that are tried, in order of preference."""

SEPARATOR_LINE: Final = "sep="
"""The beginning of a first line with which a spreadsheet program names the separator."""

LOOKED_AT: Final = 60
"""The number of lines that are looked at to find the separator and the header."""

_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig", "UTF-8"), (b"\xff\xfe", "utf-16", "UTF-16"))
_OTHER_MARK: Final = (b"\xfe\xff", "utf-16", "UTF-16")
_SAMPLE: Final = 400
_COMPUTED: Final = re.compile(r"'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
"""What a spreadsheet program computes, and what looks like it with apostrophes before."""


class UnreadableFile(Exception):
    """A file that can't be read, from some row on; row 0 stands for the whole file."""

    def __init__(self, row: int, fault: str, remedy: str) -> None:
        super().__init__(fault)
        self.row, self.fault, self.remedy = row, fault, remedy


@dataclass(frozen=True, slots=True)
class TextFile:
    """The text of a file, with the encoding that it was read by. `separator` is set if the file names it itself."""

    text: str
    encoding: str
    separator: str = ""

    def first_rows(self, separator: str) -> list[list[str]]:
        """Return the first rows as this separator divides them. Faulty quotes are passed over."""
        lines = "".join(islice(StringIO(self.text, newline=""), LOOKED_AT))
        try:
            return list(islice(csv.reader(StringIO(lines, newline=""), delimiter=separator), LOOKED_AT))
        except csv.Error:
            return [line.split(separator) for line in lines.splitlines()]

    def rows(self, separator: str) -> Iterator[list[str]]:
        """Yield the rows. Raises `UnreadableFile` with the row in which a quote is wrong."""
        reader = csv.reader(StringIO(self.text, newline=""), delimiter=separator, strict=True)
        has_apostrophes = "'" in self.text
        row, line = 0, 0
        while True:
            row, line = row + 1, reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise _quote_fault(row, line, reader.line_num, str(error)) from None
            yield [_typed(cell) for cell in cells] if has_apostrophes else cells


def spreadsheet_safe(cell: str) -> str:
    """Return a cell so that a spreadsheet program doesn't compute it: an apostrophe before =, +, - and @."""
    return f"'{cell}" if _COMPUTED.match(cell) else cell


def _typed(cell: str) -> str:
    """Return a cell without the apostrophe that `spreadsheet_safe` sets."""
    return cell[1:] if cell.startswith("'") and _COMPUTED.match(cell[1:]) else cell


def text_file(content: bytes) -> TextFile:
    """Return the text of a file: UTF-8 or UTF-16, with or without mark, else Windows-1252.

    Raises `UnreadableFile` where it is none of them.
    """
    text, encoding = _decoded(content)
    first, end, rest = text.partition("\n")
    named = first.strip().strip('"')
    if len(named) == len(SEPARATOR_LINE) + 1 and named.lower().startswith(SEPARATOR_LINE):
        return TextFile(rest, encoding, named[-1])
    if first.rstrip("\r").lower() == f"{SEPARATOR_LINE}\t":
        return TextFile(rest, encoding, "\t")
    return TextFile(f"{first}{end}{rest}", encoding)


def _decoded(content: bytes) -> tuple[str, str]:
    candidates = [(codec, name) for mark, codec, name in (*_MARKS, _OTHER_MARK) if content.startswith(mark)]
    if not candidates:
        candidates = [*_without_mark(content), ("utf-8", "UTF-8"), ("cp1252", "Windows-1252")]
    for codec, name in candidates:
        try:
            return content.decode(codec), name
        except UnicodeDecodeError:
            continue
    raise UnreadableFile(0, "The file is neither UTF-8 nor UTF-16 nor Windows-1252 text.", "Save it as CSV in UTF-8.")


def _without_mark(content: bytes) -> list[tuple[str, str]]:
    """Return UTF-16 where every other byte of the beginning is zero, as in ASCII text of two bytes a letter."""
    sample = content[:_SAMPLE]
    pairs = len(sample) // 2
    for codec, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        if pairs > 1 and zeros.count(0) > pairs * 0.6:
            return [(codec, "UTF-16")]
    return []


def _quote_fault(row: int, first: int, last: int, error: str) -> UnreadableFile:
    where = f"line {first}" if last <= first else f"lines {first} to {last}"
    if "field larger" in error:
        fault = f"A cell of this row ({where}) is too long: a quote is probably missing."
    elif "unexpected end" in error:
        fault = f"A quote that is opened in this row ({where}) is never closed."
    else:
        fault = f"A quote in this row ({where}) isn't followed by a separator."
    return UnreadableFile(row, fault, "Put quotes around the whole cell, and write quotes within it twice.")


def separator_named(name: str) -> str:
    """Return a separator by its name, for those who say it. Refusals: `InvalidValue`."""
    known = {"comma": ",", ",": ",", "semicolon": ";", ";": ";", "tab": "\t", "\t": "\t"}
    if name.lower() not in known:
        raise InvalidValue("'{name}' is no separator. Say comma, semicolon or tab.", name=name, field="separator")
    return known[name.lower()]


def most_regular(first: dict[str, Sequence[Sequence[str]]]) -> str:
    """Return the separator that divides the most rows into the same number of cells."""

    def regular(separator: str) -> tuple[int, int]:
        widths = [len(row) for row in first[separator] if len(row) > 1]
        usual = max(set(widths), key=widths.count, default=1)
        return widths.count(usual), usual

    return max(first, key=regular)
