"""Read what people and programs enter: numbers, whole numbers, dates, moments, serial numbers (Q6).

Every door uses these readers, so the same text gives the same value or the same refusal wherever it is entered. Doors
differ only in how they write numbers (`Dialect`). A number is an optional sign, ASCII digits and at most one decimal
sign. Text that could mean two numbers is refused and never guessed: `1.000` where the comma is the decimal sign.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

from backflush.core.refusals import InvalidValue
from backflush.core.sentences import EXACT

DIGITS_MAX: Final = 40
"""The most digits of a number, before and after the decimal sign together. No quantity, cost or factor needs more."""

WHOLE_MAX: Final = 2**63 - 1
"""The largest integer that a database column holds, so no primary key is larger."""

LINE_MAX: Final = 2**31 - 1
"""The largest line number that the database column holds."""

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 9998
"""The first and last year of a moment. Every moment between them can be converted to any time zone."""

QUOTED_MAX: Final = 40
"""The number of characters of a faulty text that its refusal quotes."""

_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)", re.ASCII)
_GROUPED: Final = re.compile(
    r"(?P<whole>[+-]?[1-9]\d{0,2}(?P<sign>[.,' \u00a0\u202f\u2019])\d{3}(?:(?P=sign)\d{3})*)"
    r"(?:(?!(?P=sign))[.,](?P<fraction>\d*))?",
    re.ASCII,
)
_WITH_UNIT: Final = re.compile(
    r"(?P<number>.*?\d[.,]?)(?:\s+(?P<after>[^\W\d_].*|%)|(?P<joined>[^\W\d_]+|%))", re.DOTALL
)
_TIMES: Final = re.compile(r"(?<=[\d.,])\s*[x\u00d7*]\s*(?=[\d.,])")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?"
    r"(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?",
    re.ASCII,
)
_MINUS: Final = "\N{MINUS SIGN}"
"""The minus sign that pages show, so it is in numbers that users copy from them."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The number format of a door: its decimal sign, and a second one that is accepted where the number is unambiguous.

    Programs, the command line and files with commas write 12.5. Pages follow the user's number format. Files with
    semicolons come from spreadsheets that write 12,5; they may contain 12.5 too, but not 1.250.
    """

    decimal: str = "."
    second: str = ""
    thousands: str = ""
    """The sign between groups of three digits, where the user has said which sign is the decimal sign."""
    unknown: bool = False
    """Whether either sign may be the decimal sign, so that both 1.250 and 1,250 are refused."""

    def written(self, number: str) -> str:
        """Return a number, given with a decimal point, in this format."""
        return number.replace(".", self.decimal)


PLAIN: Final = Dialect()
SEMICOLON_FILE: Final = Dialect(",", second=".")
TAB_FILE: Final = Dialect(".", second=",", unknown=True)
COMMA_SAID: Final = Dialect(",", second=".", thousands=".")
POINT_SAID: Final = Dialect(".", thousands=",")


@dataclass(frozen=True, slots=True)
class Amount:
    """A quantity as entered: the number, and the unit after it, if any."""

    number: Decimal
    unit: str = ""


def shortened(text: str) -> str:
    """Shorten a faulty text for its refusal."""
    return text if len(text) <= QUOTED_MAX else f"{text[:QUOTED_MAX]}…"


def null_character(field: str) -> InvalidValue:
    """Return the refusal of a NUL character. PostgreSQL rejects it, SQLite may truncate there, and some scanners
    send it."""
    return InvalidValue("This text contains a NUL character. Type it, or scan it again.", field=field)


def read_number(text: str, *, field: str, dialect: Dialect = PLAIN) -> Decimal:
    """Read an exact number. Refusals: `InvalidValue`."""
    return _number(require_text(text, field=field), text, field, dialect)


def read_amount(text: str, *, field: str, dialect: Dialect = PLAIN) -> Amount:
    """Read a quantity with or without a unit: 7, 7 PCS, 7PCS. The caller checks that the unit exists.

    A unit that follows without a space has letters only, so that 1e3, 0x10 and 1_0 aren't read as number and unit.
    Refusals: `InvalidValue`.
    """
    found = _WITH_UNIT.fullmatch(require_text(text, field=field).strip())
    if found is None:
        return Amount(_number(text, text, field, dialect))
    return Amount(_number(found["number"], text, field, dialect), found["after"] or found["joined"])


def read_piles(text: str, *, field: str, dialect: Dialect = PLAIN) -> list[Amount]:
    """Read what was counted in several piles: 487, 12x50 + 30, 3 BOX + 7, 2x24 PCS.

    Piles are separated by +. The number of equal piles is written before their size, with x, * or a multiplication
    sign between them; it isn't 0, so that 0x10 doesn't count as nothing. Each pile may have a unit of its own.
    Refusals: `InvalidValue`.
    """
    piles = []
    first, *others = require_text(text, field=field).split("+")
    written = others if others and not first.strip() and others[0][:1].isdigit() else [first, *others]
    for pile in written:
        if others and not pile.strip():
            raise _number_fault(text, text, field, dialect)
        *times, size = _TIMES.split(pile.strip())
        amount = read_amount(size, field=field, dialect=dialect)
        number = amount.number
        for factor in times:
            piles_alike = _number(factor, text, field, dialect)
            if not piles_alike:
                raise _number_fault(text, text, field, dialect)
            number = EXACT.multiply(number, piles_alike)
        piles.append(Amount(number, amount.unit))
    return piles


def require_unit(amount: Amount, unit: str, *, field: str) -> Decimal:
    """Return the number of an amount in a field whose unit is `unit`; refuse any other unit (`InvalidValue`)."""
    if amount.unit and amount.unit.casefold() != unit.casefold():
        if unit:
            raise InvalidValue(
                "Enter this quantity in {unit}, not in {entered}.", unit=unit, entered=amount.unit, field=field
            )
        raise InvalidValue("Enter this number without a unit, not in {entered}.", entered=amount.unit, field=field)
    return amount.number


def _number(number: str, text: str, field: str, dialect: Dialect) -> Decimal:
    """Read a number; refusals quote the whole text that it is part of."""
    number = number.strip().replace(_MINUS, "-", 1)
    if dialect.thousands and (grouped := _GROUPED.fullmatch(number)) and grouped["sign"] == dialect.thousands:
        number = number.replace(dialect.thousands, "")
    if not _NUMBER.fullmatch(number) or not _has_decimal_sign_of(dialect, number):
        raise _number_fault(number, text, field, dialect)
    if sum(map(str.isdecimal, number)) > DIGITS_MAX:
        raise InvalidValue(
            "'{text}' has too many digits. Write at most {most}.", text=shortened(text), most=DIGITS_MAX, field=field
        )
    return Decimal(number.replace(",", "."))


def _has_decimal_sign_of(dialect: Dialect, number: str) -> bool:
    """Return whether the only sign between a number's digits can be its decimal sign."""
    used = next((sign for sign in ".," if sign in number), dialect.decimal)
    if dialect.unknown:
        return not is_ambiguous(number)
    return used == dialect.decimal or (used == dialect.second and not is_ambiguous(number))


def is_ambiguous(number: str) -> bool:
    """Return whether the sign in a number may be a thousands separator: in 1.250, but not in 0.250 or 12.5."""
    return re.fullmatch(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", number, re.ASCII) is not None


def _number_fault(number: str, text: str, field: str, dialect: Dialect) -> InvalidValue:
    """Return the refusal of a text that isn't a number, with the number that was probably meant."""
    text = shortened(text)
    if _NUMBER.fullmatch(number):
        as_decimal = dialect.written(number.replace(",", ".").removesuffix("."))
        if is_ambiguous(number):
            whole = re.sub("[.,]", "", number)
            return InvalidValue(
                "'{text}' can be read in two ways. Write {whole} or {decimal}.",
                text=text,
                whole=whole,
                decimal=as_decimal,
                field=field,
            )
        return InvalidValue("'{text}' is not a number here. Write {meant}.", text=text, meant=as_decimal, field=field)
    if grouped := _GROUPED.fullmatch(number):
        whole = re.sub(r"[^\d+-]", "", grouped["whole"], flags=re.ASCII)
        fraction = f"{dialect.decimal}{grouped['fraction']}" if grouped["fraction"] else ""
        return InvalidValue(
            "'{text}' has thousands separators. Write {meant}.",
            text=text,
            meant=f"{whole}{fraction}",
            field=field,
        )
    return InvalidValue(
        "'{text}' is not a number. Write it like {example}.", text=text, example=dialect.written("12.5"), field=field
    )


def read_ratio(text: str, *, field: str, dialect: Dialect = PLAIN) -> Fraction:
    """Read an exact ratio: a number, or two numbers with a slash between them, as in 1/3. Refusals: `InvalidValue`."""
    above, slash, below = text.partition("/")
    numerator = read_number(above, field=field, dialect=dialect)
    denominator = read_number(below, field=field, dialect=dialect) if slash else Decimal(1)
    if not denominator:
        raise InvalidValue("'{text}' divides by zero. Write it like 1000 or 1/3.", text=shortened(text), field=field)
    return Fraction(numerator) / Fraction(denominator)


def read_whole(text: str, *, field: str, least: int = 0, most: int = WHOLE_MAX) -> int:
    """Read a whole number from `least` to `most`: a line number, a limit, the number of a record.

    Refusals: `InvalidValue`.
    """
    number = whole_or_none(require_text(text, field=field), least=least, most=most)
    if number is None:
        raise _whole_fault(text, field, least, most)
    return number


def whole_or_none(text: str, *, least: int = 0, most: int = WHOLE_MAX) -> int | None:
    """Return the whole number from `least` to `most` that a text contains, or None if it isn't one."""
    try:
        number = read_number(text, field="")
    except InvalidValue:
        return None
    whole = int(number)
    return whole if whole == number and least <= whole <= most else None


def _whole_fault(text: str, field: str, least: int, most: int) -> InvalidValue:
    try:
        number: Decimal | None = read_number(text, field="")
    except InvalidValue:
        number = None
    text = shortened(text)
    if number is None or number != int(number):
        return InvalidValue("'{text}' is not a whole number. Write it like 10.", text=text, field=field)
    if number < least:
        return InvalidValue(
            "'{text}' is too small. Write a whole number from {least}.", text=text, least=least, field=field
        )
    return InvalidValue("'{text}' is too large. Write a whole number up to {most}.", text=text, most=most, field=field)


def read_day(text: str, *, field: str) -> date:
    """Read a date of the years 1 to 9999: 2026-03-12. Refusals: `InvalidValue`."""
    written = require_text(text, field=field).strip()
    if _MOMENT.fullmatch(written):
        raise InvalidValue(
            "'{text}' has a time. Write the date only, like 2026-03-12.", text=shortened(text), field=field
        )
    try:
        if _DAY.fullmatch(written):
            return date.fromisoformat(written)
    except ValueError:
        pass
    raise InvalidValue("'{text}' is not a date. Write it like 2026-03-12.", text=shortened(text), field=field)


def read_moment(text: str, *, field: str) -> datetime | date:
    """Read a date, or a date and time with or without an offset: 2026-03-12, 2026-03-12T14:30, 2026-03-12T14:30+01:00.

    Without an offset it is the site's local time; `stockmap.selectors.moment_of` turns it into a moment.
    Refusals: `InvalidValue`.
    """
    written = require_text(text, field=field).strip()
    try:
        if _DAY.fullmatch(written):
            moment: datetime | date | None = date.fromisoformat(written)
        else:
            moment = datetime.fromisoformat(written) if _MOMENT.fullmatch(written) else None
    except ValueError:
        moment = None
    if moment is None:
        raise InvalidValue(
            "'{text}' is not a date. Write it like 2026-03-12 or 2026-03-12T14:30.", text=shortened(text), field=field
        )
    return require_plausible(moment, field=field)


def require_plausible(moment: datetime | date, *, field: str) -> datetime | date:
    """Return a date or time of the years 1970 to 9998; refuse all others (`InvalidValue`)."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise InvalidValue(
            "{moment} is out of range. Write a date of the years {first} to {last}.",
            moment=moment.isoformat(),
            first=FIRST_YEAR,
            last=LAST_YEAR,
            field=field,
        )
    return moment


def split_serials(text: str) -> list[str]:
    """Split serial numbers that were scanned or typed in one field, at spaces, commas, semicolons and line breaks."""
    return re.split(r"[\s,;]+", text.strip(" \t\r\n,;")) if text.strip(" \t\r\n,;") else []


def require_text(text: str, *, field: str) -> str:
    """Return text that every database stores unchanged; refuse NUL characters and lone surrogates.

    Refusals: `InvalidValue`.
    """
    if "\0" in text:
        raise null_character(field)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidValue("This text contains a damaged character. Type it again.", field=field)
    return text
