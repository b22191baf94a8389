"""Exact decimals: the only place where a quantity is rounded or checked.

A quantity is a `Decimal` in some unit. Moved quantities are in the item's stock unit with at most six decimals
(`SCALE`), so a database can store them as whole millionths. An exact value without a finite decimal form, such as
100/97, is a `Fraction` until it is rounded once, half up, to the item's decimals (Q1).
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from math import gcd

from backflush.core.refusals import InvalidQuantity, QuantityTooLarge
from backflush.core.sentences import EXACT as EXACT
from backflush.core.sentences import Count, Sentence
from backflush.core.sentences import plain as plain
from backflush.core.sentences import written as written

ZERO = Decimal(0)
DECIMALS_MAX = 6
SCALE = 10**DECIMALS_MAX
LARGEST = Decimal(10) ** 12
"""The limit of a single quantity and of a balance. The sum of nine of them still fits a 64-bit integer of
millionths."""

_STEPS = tuple(Decimal(1).scaleb(-decimals) for decimals in range(DECIMALS_MAX + 1))


def round_half_up(exact: Fraction, decimals: int) -> Decimal:
    """Round an exact requirement, 0 or more, to an item's decimals (Q1)."""
    return round_ratio(exact.numerator, exact.denominator, decimals)


def round_ratio(above: int, below: int, decimals: int) -> Decimal:
    """Round a ratio half up to an item's decimals. It need not be in lowest terms."""
    whole = (2 * above * 10**decimals + below) // (2 * below)
    return Decimal(whole).scaleb(-decimals)


def to_scaled(quantity: Decimal) -> int:
    """Convert a quantity to whole millionths. It must have at most six decimals."""
    scaled = quantity.scaleb(DECIMALS_MAX)
    whole = int(scaled)
    assert whole == scaled, f"{quantity} has more than six decimals"
    return whole


def from_scaled(scaled: int) -> Decimal:
    """Convert whole millionths to a quantity without trailing zeros."""
    whole, part = divmod(scaled, SCALE)
    return Decimal(scaled).scaleb(-DECIMALS_MAX).normalize() if part else Decimal(whole)


def require_fit(quantity: Decimal, decimals: int, *, field: str, what: str, above_zero: bool = False) -> Decimal:
    """Refuse a quantity that the item's decimals can't hold, and name the two nearest that they can (Q5).

    A number is never rounded silently: it is booked as typed, or refused.
    """
    if not quantity.is_finite():
        raise InvalidQuantity("{item} needs a number as its quantity. Write it like 12.5.", item=what, field=field)
    if abs(quantity) >= LARGEST:
        raise QuantityTooLarge(
            "The quantity of {item} is too large: {quantity}. Enter less than {most}.",
            most=Count(LARGEST),
            item=what,
            quantity=f"{quantity:.0e}",
            field=field,
        )
    step = _STEPS[decimals]
    if quantity % step:
        below = quantity // step * step
        nearest = _either([step] if above_zero and not below else [below, below + step])
        if not decimals:
            raise InvalidQuantity(
                "{item} is counted in whole pieces. Enter {nearest}.", item=what, nearest=nearest, field=field
            )
        raise InvalidQuantity(
            "{item} is counted to {decimals} decimals. Enter {nearest}.",
            item=what,
            decimals=decimals,
            nearest=nearest,
            field=field,
        )
    # A whole number without an exponent is written shortest already.
    return plain(quantity) if quantity.as_tuple().exponent else quantity


def _either(nearest: Sequence[Decimal]) -> Sentence | Decimal:
    """Return one or two good values for a refusal."""
    if len(nearest) == 1:
        return nearest[0]
    below, above = nearest
    return Sentence("{below} or {above}", below=below, above=above)


def require_positive(quantity: Decimal, decimals: int, *, field: str, what: str) -> Decimal:
    """Refuse a quantity that isn't above zero or doesn't fit the item's decimals (Q5)."""
    if quantity.is_finite() and quantity <= 0:
        raise InvalidQuantity(
            "{item} needs a quantity above zero, not {quantity}.", item=what, quantity=quantity, field=field
        )
    return require_fit(quantity, decimals, field=field, what=what, above_zero=True)


def smallest_step(factor: Fraction, decimals: int) -> Decimal:
    """Return the smallest quantity in a unit, to six decimals, that an item's decimals can hold in its stock unit.

    `factor` is stock units per unit. With boxes of twelve and whole pieces it is 0.25 box: a twelfth has no finite
    decimal form.
    """
    millionths = factor.denominator * SCALE
    return Decimal(millionths // gcd(millionths, factor.numerator * 10**decimals)).scaleb(-DECIMALS_MAX)


def convert(
    quantity: Decimal,
    factor: Fraction,
    decimals: int,
    *,
    field: str,
    what: str,
    units: Callable[[], tuple[str, str]] = lambda: ("", ""),
) -> Decimal:
    """Convert a quantity of 0 or more to the stock unit; `factor` is stock units per unit of the quantity (Q5, R2).

    `units` returns the codes of the quantity's unit and of the stock unit, for the refusal. Raises `InvalidQuantity` if
    the quantity is negative or has more than six decimals, or if the item's `decimals` can't hold it in the stock unit;
    `QuantityTooLarge` if it is too large.
    """
    if quantity.is_finite() and quantity < 0:
        raise InvalidQuantity(
            "{item} can't be booked with quantity {quantity}. Enter 0 or more.",
            item=what,
            quantity=quantity,
            field=field,
        )
    if factor == 1:
        return require_fit(quantity, decimals, field=field, what=what)
    require_fit(quantity, DECIMALS_MAX, field=field, what=what)
    exact = Fraction(quantity) * factor
    rounded = round_half_up(exact, decimals)
    if Fraction(rounded) != exact:
        raise not_fitting(quantity, factor, decimals, field, what, units())
    return require_fit(rounded, decimals, field=field, what=what)


def not_fitting(
    quantity: Decimal, factor: Fraction, decimals: int, field: str, what: str, units: tuple[str, str]
) -> InvalidQuantity:
    """Return the refusal of a quantity that the stock unit can't hold, with the nearest that it can (Q6)."""
    unit, stock_unit = units
    step = smallest_step(factor, decimals)
    nearest = [near for near in (quantity // step * step, quantity // step * step + step) if near]
    if not unit:
        return InvalidQuantity(
            "{item}: {quantity} can't be converted exactly to the stock unit. Enter {nearest}.",
            item=what,
            quantity=quantity,
            nearest=_either(nearest),
            field=field,
        )
    if unit == stock_unit:
        return InvalidQuantity(
            "{item}: {quantity} {unit} has too many decimals. Enter {nearest} {unit}.",
            item=what,
            quantity=quantity,
            unit=unit,
            nearest=_either(nearest),
            field=field,
        )
    exact = Fraction(quantity) * factor
    below = Decimal(int(exact * 10**decimals)).scaleb(-decimals)
    stock = [near for near in (below, below + _STEPS[decimals]) if near]
    return InvalidQuantity(
        "{item}: {quantity} {unit} can't be converted exactly to {stock_unit}. "
        "Enter {nearest} {unit}, or {stock} {stock_unit} with its unit.",
        item=what,
        quantity=quantity,
        unit=unit,
        nearest=_either(nearest),
        stock=_either(stock),
        stock_unit=stock_unit,
        field=field,
    )


def advance(total: Decimal, stock: Decimal, factor: Fraction, decimals: int) -> Decimal:
    """Return a total in a unit of which one is `factor` stock units, after a quantity in the stock unit is added.

    Six decimals can't hold every total (7 pieces are 7/12 of a dozen), so it is rounded. It is rounded from the exact
    stock quantity that the total before stands for, so that the error never grows: twelve times one piece is one dozen.
    """
    before = Fraction(round_half_up(Fraction(total) * factor, decimals))
    return round_half_up((before + Fraction(stock)) / factor, DECIMALS_MAX)
