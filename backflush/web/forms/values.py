"""Read the fields of a form: numbers by the page's number format, days, times, texts, rows, serial numbers.

The reading itself is in `core.input_values`, for every door; here a field is found, and an empty one gets its default.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from backflush.core.input_values import (
    Amount,
    Dialect,
    read_amount,
    read_day,
    read_moment,
    read_piles,
    read_whole,
    require_unit,
    split_serials,
    whole_or_none,
)
from backflush.core.quantity import ZERO
from backflush.core.refusals import InvalidValue
from backflush.core.text import require_short
from backflush.items.models import Item
from backflush.items.selectors import stock_quantity, stock_quantity_of_piles
from backflush.web.display import number_format


def page_dialect() -> Dialect:
    """Return how numbers are written in the number format of the page."""
    return Dialect(number_format.current().decimal)


def number_in(form_data: Mapping[str, str], field: str, *, unit: str = "", empty: Decimal | None = ZERO) -> Decimal:
    """Return a field's number, or `empty` where nothing was typed; None there means that the field must be filled in.

    The field's own unit may stand behind the number. Refusals: `InvalidValue`.
    """
    text = form_data.get(field, "").strip()
    if text:
        return require_unit(read_amount(text, field=field, dialect=page_dialect()), unit, field=field)
    if empty is None:
        raise InvalidValue("Enter a number, like {example}.", example=page_dialect().written("12.5"), field=field)
    return empty


def stock_quantity_in(form_data: Mapping[str, str], field: str, item: Item) -> Decimal:
    """Return a field's quantity in the item's stock unit; another unit behind it is converted exactly (Q6).

    Refusals: `InvalidValue`, `NotFound`, `NoConversion`, `InvalidQuantity`.
    """
    return stock_quantity(item, amount_in(form_data, field), field=field)


def piles_in(form_data: Mapping[str, str], field: str, item: Item) -> Decimal:
    """Return the sum of what was counted in several piles, such as 12x50 + 30, in the item's stock unit.

    Refusals: `InvalidValue`, `NotFound`, `NoConversion`, `InvalidQuantity`.
    """
    text = form_data.get(field, "").strip()
    if not text:
        raise InvalidValue("Enter what is there: 0 if nothing is.", field=field)
    return stock_quantity_of_piles(item, read_piles(text, field=field, dialect=page_dialect()), field=field)


def amount_in(form_data: Mapping[str, str], field: str) -> Amount:
    """Return a field's quantity with the unit behind it, if any; it must be filled in. Refusals: `InvalidValue`."""
    text = form_data.get(field, "").strip()
    if not text:
        raise InvalidValue("Enter a number, like {example}.", example=page_dialect().written("12.5"), field=field)
    return read_amount(text, field=field, dialect=page_dialect())


def optional_number(form_data: Mapping[str, str], field: str) -> Decimal | None:
    """Return a field's number; None where nothing was typed. Refusals: `InvalidValue`."""
    return number_in(form_data, field) if form_data.get(field, "").strip() else None


def whole_in(form_data: Mapping[str, str], field: str, *, most: int = 10**9) -> int | None:
    """Return a field's whole number, 0 or more; None where nothing was typed. Refusals: `InvalidValue`."""
    text = form_data.get(field, "").strip()
    return read_whole(text, field=field, most=most) if text else None


def chosen_in(form_data: Mapping[str, str], field: str, choices: Iterable[str]) -> str:
    """Return the choice of a field. Refusals: `InvalidValue`."""
    value = form_data.get(field, "")
    if value not in choices:
        raise InvalidValue("Choose from the list.", field=field)
    return value


def moment_in(form_data: Mapping[str, str], field: str) -> datetime | date | None:
    """Return a field's date and time, in the site's local time; None where nothing was typed.

    Refusals: `InvalidValue`.
    """
    text = form_data.get(field, "").strip()
    return read_moment(text, field=field) if text else None


def pks_in(texts: Sequence[str], *, field: str) -> list[int]:
    """Return the keys of records that were ticked. Refusals: `InvalidValue`."""
    keys = [whole_or_none(text) for text in texts]
    if None in keys:
        raise InvalidValue("Choose from the list.", field=field)
    return [key for key in keys if key is not None]


# ---- orders --------------------------------------------------------------------------------------------------------


def text_in(form_data: Mapping[str, str], field: str, *, most: int = 200, empty: bool = False) -> str:
    """A field's text without the spaces around it; a refusal where it must be filled in, or is too long."""
    text = form_data.get(field, "").strip()
    if not text and not empty:
        raise InvalidValue("This field is required.", field=field)
    return require_short(text, most, field=field, what="This")


def day_in(form_data: Mapping[str, str], field: str) -> date | None:
    """Return a field's date; None where nothing was typed. Refusals: `InvalidValue`."""
    text = form_data.get(field, "").strip()
    return read_day(text, field=field) if text else None


def serials_in(form_data: Mapping[str, str], field: str) -> list[str]:
    """Return the serial numbers that were scanned or typed into a field."""
    return split_serials(form_data.get(field, ""))
