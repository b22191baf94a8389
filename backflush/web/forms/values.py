"""What people type, read: numbers by the locale's separators, days, times, choices.

`1,460` and `1460` are the same; so is `0,5` where the comma is the decimal sign. A unit behind the number is ignored
if it's the field's own. A group of other than three digits is refused: nobody can know whether 1,46 meant 146 or 1.46.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from django.utils.formats import get_format

from backflush.core.quantity import ZERO, read_decimal
from backflush.core.refusals import InvalidValue
from backflush.core.text import require_short

_SPACES = re.compile(r"[\s\u00a0\u202f'\u2019]")


def read_number(typed: str, *, field: str, unit: str = "") -> Decimal:
    """A number as it was typed; never rounded."""
    text = typed.strip()
    if unit and text.casefold().endswith(unit.casefold()):
        text = text[: -len(unit)]
    text = _SPACES.sub("", text).replace("\N{MINUS SIGN}", "-")
    decimal_sign, group_sign = get_format("DECIMAL_SEPARATOR"), get_format("THOUSAND_SEPARATOR")
    whole, _, part = text.partition(decimal_sign)
    if group_sign in whole:
        if not re.fullmatch(rf"[-+]?\d{{1,3}}({re.escape(group_sign)}\d{{3}})+", whole):
            raise InvalidValue(f"{typed!r} is not a number. Write it like 1460 or 12{decimal_sign}5.", field=field)
        whole = whole.replace(group_sign, "")
    if not re.fullmatch(r"[-+]?\d*", whole) or not re.fullmatch(r"\d*", part) or not (whole.strip("-+") or part):
        raise InvalidValue(f"{typed!r} is not a number. Write it like 1460 or 12{decimal_sign}5.", field=field)
    return read_decimal(f"{whole or '0'}.{part or '0'}", field=field)


def number_in(typed: Mapping[str, str], field: str, *, unit: str = "", empty: Decimal | None = ZERO) -> Decimal:
    """A field's number; what an empty field stands for, or a refusal where it must be filled in."""
    text = typed.get(field, "").strip()
    if text:
        return read_number(text, field=field, unit=unit)
    if empty is None:
        raise InvalidValue("Enter a number.", field=field)
    return empty


def moment_in(typed: Mapping[str, str], field: str) -> datetime | None:
    """A field's date and time as browsers send them, by the site's clocks; None where it is empty."""
    text = typed.get(field, "").strip()
    if not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InvalidValue(f"{text!r} is no date and time. Choose one.", field=field) from None


def pks_in(texts: list[str], *, field: str) -> list[int]:
    """Numbers of records, as boxes that were ticked send them."""
    if not all(text.isdecimal() for text in texts):
        raise InvalidValue("Choose from the list.", field=field)
    return [int(text) for text in texts]


# ---- orders --------------------------------------------------------------------------------------------------------


def text_in(typed: Mapping[str, str], field: str, *, most: int = 200, empty: bool = False) -> str:
    """A field's text without the spaces around it; a refusal where it must be filled in, or is too long."""
    text = typed.get(field, "").strip()
    if not text and not empty:
        raise InvalidValue("Fill this in.", field=field)
    return require_short(text, most, field=field, what="This")


def day_in(typed: Mapping[str, str], field: str) -> date | None:
    """A field's day as browsers send it; None where it is empty."""
    text = typed.get(field, "").strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidValue(f"{text!r} is no day. Choose one.", field=field) from None


def rows_in(typed: Mapping[str, str], cells: Sequence[str], *, most: int) -> list[dict[str, str]]:
    """The rows of a form of lines as they were typed, up to the first that has no first cell; empty ones too.

    A cell is named by its row: `item-0`.
    """
    rows: list[dict[str, str]] = []
    while len(rows) < most and f"{cells[0]}-{len(rows)}" in typed:
        rows.append({cell: typed.get(f"{cell}-{len(rows)}", "").strip() for cell in cells})
    return rows


def serials_in(typed: Mapping[str, str], field: str) -> list[str]:
    """Serial numbers as they are scanned one after the other, parted by spaces, commas or lines."""
    return typed.get(field, "").replace(",", " ").split()
