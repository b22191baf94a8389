"""The assumption itself: what a booking must have used, and what of it can move now.

*Assumed* is what the bookings planned, whatever became of it later (Q3). Rounding never drifts, because what a line
assumes is the rounded exact requirement of everything booked so far, less what was assumed already.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

from backflush.core.moves import Move, Plan, Reason, Shortage, Stock, StockKey, Tracking, UnresolvedMove
from backflush.core.quantity import DECIMALS_MAX, LARGEST, SCALE, ZERO, plain, round_ratio

NOTHING = Fraction(0)


class UseLine(NamedTuple):
    """A frozen structure line as the arithmetic needs it: exact stock units for one piece, and once for the job.

    `key` is the frozen line's own; `path` and `item` name what goes on from one version of a line to the next.
    """

    key: int
    path: str
    item: int
    decimals: int
    per_piece: Fraction
    fixed: Fraction = NOTHING


class _Exact(NamedTuple):
    """An exact number that isn't in its lowest terms: a `Fraction` finds these at every step, for ten lines in vain."""

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
    """What one booking assumes of one line, and the arithmetic behind it (stock units of the component)."""

    line: UseLine
    before: _Exact
    after: _Exact
    assumed_before: Decimal
    quantity: Decimal

    @property
    def exact_before(self) -> Fraction:
        """What the bookings before took exactly."""
        return Fraction(*self.before)

    @property
    def exact_after(self) -> Fraction:
        """What they and this one took exactly."""
        return Fraction(*self.after)


class _Path:
    """One path of a job: what each live booking took, and the sums of that."""

    __slots__ = ("assumed", "exact", "takers")

    def __init__(self) -> None:
        self.takers: dict[int, tuple[_Exact, Fraction, Decimal]] = {}
        self.exact = _NONE
        self.assumed = ZERO

    def exact_with_fixed(self) -> _Exact:
        """The fixed quantity counts once, as the first booking still standing has it (S6)."""
        for _, fixed, _ in self.takers.values():
            return _with_fixed(self.exact, fixed)
        return self.exact

    def use(self, line: UseLine, exact: _Exact) -> AssumedUse:
        """What one more booking assumes that exactly takes so much: the fixed quantity is the first booking's."""
        if not self.takers:
            before, after = _NONE, _with_fixed(exact, line.fixed)
        else:
            before = self.exact_with_fixed()
            after = before + exact
        quantity = max(ZERO, round_ratio(*after, line.decimals) - self.assumed)
        return AssumedUse(line, before, after, self.assumed, quantity)

    def add(self, booking: int, exact: _Exact, fixed: Fraction, assumed: Decimal) -> None:
        self.exact = self.exact + exact if self.takers else exact
        self.takers[booking] = (exact, fixed, assumed)
        self.assumed += assumed

    def remove(self, booking: int) -> None:
        exact, _, assumed = self.takers.pop(booking, (_NONE, NOTHING, ZERO))
        self.exact += -exact
        self.assumed -= assumed


def _with_fixed(exact: _Exact, fixed: Fraction) -> _Exact:
    return exact + _Exact(fixed.numerator, fixed.denominator) if fixed else exact


def _taken(line: UseLine, above: int, below: int) -> _Exact:
    """What so many pieces, a ratio, exactly take of a line, without what it takes once."""
    return _Exact(line.per_piece.numerator * above, line.per_piece.denominator * below)


class CumulativeUse:
    """What the bookings of one job have assumed so far, path by path (Q3).

    A job is one works order or one purchase order line; a production without order has a tally of its own.
    Bookings and reversals are told in the order in which they were recorded.
    """

    def __init__(self) -> None:
        self._paths: dict[tuple[str, int], _Path] = {}

    @classmethod
    def even(cls, lines: Sequence[UseLine], produced: Decimal) -> "CumulativeUse":
        """The tally of a job whose bookings all used these lines and of which none was reversed.

        Then what they assumed follows from what they made together, and no history need be read.
        """
        cumulative_use = cls()
        if produced:
            cumulative_use.book(0, lines, produced)
        return cumulative_use

    def would_assume(self, line: UseLine, produced: Fraction) -> AssumedUse:
        """What a booking of so many pieces, good and scrapped together, would assume of a line."""
        path = self._paths.get((line.path, line.item)) or _Path()
        return path.use(line, _taken(line, produced.numerator, produced.denominator))

    def book(self, booking: int, lines: Iterable[UseLine], produced: Decimal) -> list[AssumedUse]:
        """What a booking assumes of each line, and remember it under the booking's key."""
        above, below = produced.as_integer_ratio()
        return [self._book(booking, line, _taken(line, above, below)) for line in lines]

    def _book(self, booking: int, line: UseLine, exact: _Exact) -> AssumedUse:
        path = self._paths.setdefault((line.path, line.item), _Path())
        use = path.use(line, exact)
        path.add(booking, exact, line.fixed, use.quantity)
        return use

    def take_back(self, booking: int) -> None:
        """Forget a reversed booking with exactly what it assumed; what rounding leaves over evens out later."""
        for path in self._paths.values():
            path.remove(booking)


def obstacle(move: Move, stock: Stock) -> Reason | None:
    """Why assumed use can't move now, the first reason in the order batch, serial, bin, short (T1, T4, U1)."""
    return choice_needed(move) or (None if stock.has(move) else Reason.SHORT)


def choice_needed(move: Move) -> Reason | None:
    """What of assumed use only a person can say: the batch, the serials, the bin (T1)."""
    if move.tracking is Tracking.BATCH:
        return Reason.BATCH
    if move.tracking is Tracking.SERIAL:
        return Reason.SERIAL
    if move.source.bin_controlled or move.target.bin_controlled:
        return Reason.BIN
    return None


def plan_posting(made: Sequence[Move], due: Sequence[Move], stock: Stock) -> Plan:
    """Decide what moves and what waits: what was made must go through, assumed use line by line as it can.

    Lines are taken in order, each whole or not at all, because half a movement would hide the other half from
    whoever works the queue; unless the action allows parts, then what is there moves and the rest waits (U2).
    """
    plan = Plan()
    for move in made:
        if stock.has(move):
            plan.steps.append(stock.carry(move))
        else:
            assert move.source_stock_key is not None
            plan.shortages.append(Shortage(move, stock.there(move.source_stock_key)))
    for move in due:
        reason = obstacle(move, stock)
        if reason is None:
            plan.steps.append(stock.carry(move))
        elif reason is Reason.SHORT and move.parts_allowed:
            _post_in_part(plan, move, stock)
        else:
            plan.steps.append(UnresolvedMove(move, reason))
    return plan


def _post_in_part(plan: Plan, move: Move, stock: Stock) -> None:
    assert move.source_stock_key is not None
    there = stock.there(move.source_stock_key)
    if there > 0:
        plan.steps.append(stock.carry(replace(move, quantity=there)))
    plan.steps.append(UnresolvedMove(replace(move, quantity=move.quantity - there), Reason.SHORT))


def smallest_step(factor: Fraction, decimals: int) -> Decimal:
    """The smallest quantity in an order's unit, to six decimals, that the item's decimals can hold.

    `factor` is stock units for one of the order's unit. With twelve pieces to a box and whole pieces it is a
    quarter of a box, 0.25: a twelfth never ends, so it can't be booked.
    """
    millionths = factor.denominator * SCALE
    return Decimal(millionths // gcd(millionths, factor.numerator * 10**decimals)).scaleb(-DECIMALS_MAX)


def largest_good(
    uses: Sequence[tuple[UseLine, StockKey]],
    cumulative_use: CumulativeUse,
    on_hand: Mapping[StockKey, Decimal],
    *,
    scrap: Decimal,
    factor: Fraction,
    step: Decimal,
) -> Decimal | None:
    """The largest good quantity, at this scrap, that leaves none of these lines short (B7).

    In the order's unit; None where nothing limits it, and zero also where the scrap alone is too much. More
    pieces never assume less, so the answer is found by halving.
    """

    def fits(steps: int) -> bool:
        produced = (Fraction(steps * step) + Fraction(scrap)) * factor
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
