"""Assumed use: the quantity of each component that a booking must have used, without rounding errors that add up.

*Assumed* is the planned quantity, whatever happened to its movement later (Q3). A line assumes the rounded exact
requirement of all bookings so far, less what was assumed before. So ten bookings of one piece assume as much as one
booking of ten.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from backflush.core.moves import StockKey
from backflush.core.quantity import LARGEST, ZERO, plain, round_ratio

NOTHING = Fraction(0)


class UseLine(NamedTuple):
    """A frozen structure line for the arithmetic: exact stock units for one piece, and once per order.

    `line_id` is the primary key of the frozen line; `path` and `item_id` identify a line across versions of a
    structure.
    """

    line_id: int
    path: str
    item_id: int
    decimals: int
    per_piece: Fraction
    fixed: Fraction = NOTHING


class _Exact(NamedTuple):
    """An exact number that isn't reduced to lowest terms. A `Fraction` reduces at every step, which costs time here."""

    above: int
    below: int

    def __add__(self, other: "_Exact") -> "_Exact":  # type: ignore[override]
        if self.below == other.below:
            return _Exact(self.above + other.above, self.below)
        below = lcm(self.below, other.below)
        return _Exact(self.above * (below // self.below) + other.above * (below // other.below), below)

    def __neg__(self) -> "_Exact":
        return _Exact(-self.above, self.below)


_NONE = _Exact(0, 1)


class AssumedUse(NamedTuple):
    """The quantity that one booking assumes of one line, and the arithmetic behind it (component's stock unit)."""

    line: UseLine
    before: _Exact
    after: _Exact
    assumed_before: Decimal
    quantity: Decimal

    @property
    def exact_before(self) -> Fraction:
        """The exact requirement of the earlier bookings."""
        return Fraction(*self.before)

    @property
    def exact_after(self) -> Fraction:
        """The exact requirement of the earlier bookings and this one."""
        return Fraction(*self.after)


@dataclass(slots=True)
class _PathUse:
    """The use of one path by an order's bookings that aren't reversed, in the order of recording.

    `exact` is the sum of the exact requirements, with the fixed quantity of the first booking (S6); `assumed` is the
    sum of the assumed quantities. Both are stored for each booking, with its fixed quantity.
    """

    exact: _Exact = _NONE
    assumed: Decimal = ZERO
    bookings: dict[int, tuple[_Exact, Fraction, Decimal]] = field(default_factory=dict)

    def use(self, line: UseLine, exact: _Exact) -> AssumedUse:
        """Return what another booking assumes: the rounded sum less what was assumed before."""
        before, after = self.exact, exact
        if self.bookings:
            after = before + exact
        elif line.fixed:
            after = _with_fixed(exact, line.fixed)
        quantity = max(ZERO, round_ratio(*after, line.decimals) - self.assumed)
        return AssumedUse(line, before, after, self.assumed, quantity)

    def remove(self, booking: int) -> None:
        """Remove a booking. The fixed quantity is then that of the first remaining booking."""
        if booking not in self.bookings:
            return
        _, first_fixed, _ = next(iter(self.bookings.values()))
        exact, _, assumed = self.bookings.pop(booking)
        self.assumed -= assumed
        if not self.bookings:
            self.exact = _NONE
            return
        _, fixed, _ = next(iter(self.bookings.values()))
        self.exact = _with_fixed(self.exact + -exact, fixed - first_fixed)


def _with_fixed(exact: _Exact, fixed: Fraction) -> _Exact:
    return exact + _Exact(fixed.numerator, fixed.denominator)


@dataclass(slots=True, eq=False)
class CumulativeUse:
    """The quantities assumed so far by the bookings of one order, by path (Q3).

    The order is a works order or a purchase order line; each production without order has its own cumulative use.
    Bookings and reversals must be passed in the order of recording.
    """

    _paths: dict[tuple[str, int], _PathUse] = field(default_factory=dict, init=False)

    def would_assume(self, line: UseLine, produced: Fraction) -> AssumedUse:
        """Return what a booking of this many pieces, good and scrap together, would assume of a line."""
        path = self._paths.get((line.path, line.item_id)) or _PathUse()
        above, below = produced.as_integer_ratio()
        return path.use(line, _Exact(line.per_piece.numerator * above, line.per_piece.denominator * below))

    def book(self, booking: int, lines: Iterable[UseLine], produced: Decimal) -> list[AssumedUse]:
        """Return what a booking of this many pieces assumes of each line, and store it under the booking's key."""
        above, below = produced.as_integer_ratio()
        uses = []
        for line in lines:
            path = self._paths.setdefault((line.path, line.item_id), _PathUse())
            exact = _Exact(line.per_piece.numerator * above, line.per_piece.denominator * below)
            use = path.use(line, exact)
            path.exact = use.after
            path.assumed += use.quantity
            path.bookings[booking] = exact, line.fixed, use.quantity
            uses.append(use)
        return uses

    def take_back(self, booking: int) -> None:
        """Remove a reversed booking with exactly the quantity that it assumed. Later bookings even out the rounding."""
        for path in self._paths.values():
            path.remove(booking)


def largest_good(
    uses: Sequence[tuple[UseLine, StockKey]],
    cumulative_use: CumulativeUse,
    on_hand: Mapping[StockKey, Decimal],
    *,
    scrap: Fraction,
    factor: Fraction,
    step: Decimal,
) -> Decimal | None:
    """Return the largest good quantity, with this scrap, that leaves none of these lines short (B7).

    The quantity is in the order's unit; None means no limit. It is zero if the scrap alone leaves a line short. Found
    by bisection, because more pieces never assume less.
    """

    def fits(steps: int) -> bool:
        produced = (Fraction(steps * step) + scrap) * factor
        left = dict(on_hand)
        for line, stock_key in uses:
            left[stock_key] = left.get(stock_key, ZERO) - cumulative_use.would_assume(line, produced).quantity
        return all(left[stock_key] >= 0 for _, stock_key in uses)

    fitting, beyond = 0, 1
    while fits(beyond):
        fitting, beyond = beyond, beyond * 2
        if beyond * step >= LARGEST:
            return None
    while beyond - fitting > 1:
        middle = (fitting + beyond) // 2
        fitting, beyond = (middle, beyond) if fits(middle) else (fitting, middle)
    return plain(fitting * step)
