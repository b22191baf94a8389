"""Moves with a source and a target, and the stock as a plan changes it.

Every movement takes one quantity of one item from one place to another. The outside is a place without balances, so
stock is never created or lost.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from backflush.core.quantity import ZERO


class Process(StrEnum):
    """The kind of operation that created a posting. The value is stored."""

    OPENING = "opening"
    WORKS_ORDER = "works order"
    GOODS_RECEIVED = "goods received"
    PRODUCTION = "production"
    ISSUE = "issue"
    RETURN = "return"
    HAND = "hand movement"
    RESOLUTION = "resolution"
    COUNT = "count"
    REVERSAL = "reversal"


class Status(StrEnum):
    """The status of a movement. Only the status of an unresolved movement ever changes."""

    OK = "ok"
    UNRESOLVED = "unresolved"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    """A kept remainder whose resolution was undone: the original is unresolved again in full."""


class Reason(StrEnum):
    """The reason why assumed use is unresolved. Where several hold, the first in this order is given (T4)."""

    BATCH = "batch"
    SERIAL = "serial"
    BIN = "bin"
    SHORT = "short"


class Tracking(StrEnum):
    """How the pieces of an item are told apart: not at all, by batch or by serial number."""

    NONE = "none"
    BATCH = "batch"
    SERIAL = "serial"


class Place(NamedTuple):
    """A location, and the bin in it where it is bin controlled."""

    location_id: int
    bin: str = ""
    keeps_balance: bool = True
    bin_controlled: bool = False


class StockKey(NamedTuple):
    """The key of one balance: item, location, bin, batch and serial number. Balances are locked in the order of their
    keys."""

    item_id: int
    location_id: int
    bin: str = ""
    batch: str = ""
    serial: str = ""


@dataclass(slots=True)
class Move:
    """One quantity of one item from its source to its target, in the item's stock unit.

    `charged` is the effect on the order's material: 1 for use, -1 for a return, 0 for neither. What ends in `_id` is a
    primary key: of the item, cost version, cost object, rule and frozen structure line, and of the movements that this
    one settles, reverses or continues.

    Treat instances as immutable: bookings with equal assumptions share them. The class isn't frozen, because a frozen
    dataclass takes three times as long to create, and a booking creates one per line.
    """

    item_id: int
    quantity: Decimal
    source: Place
    target: Place
    cost_id: int
    tracking: Tracking = Tracking.NONE
    batch: str = ""
    serial: str = ""
    cost_object_id: int | None = None
    charged: int = 0
    rule_id: int | None = None
    line_id: int | None = None
    resolves_id: int | None = None
    reverses_id: int | None = None
    origin_id: int | None = None
    remarks: str = ""
    parts_allowed: bool = False
    source_stock_key: StockKey | None = field(init=False, compare=False, repr=False)
    """The balance that the move takes from; None where the source keeps no balances."""
    target_stock_key: StockKey | None = field(init=False, compare=False, repr=False)
    """The balance that the move adds to; None where the target keeps no balances."""

    def __post_init__(self) -> None:
        # Cached: planning, locking and posting all use them, and bookings with equal assumptions share their moves.
        source, target = self.source, self.target
        self.source_stock_key = (
            StockKey(self.item_id, source.location_id, source.bin, self.batch, self.serial)
            if source.keeps_balance
            else None
        )
        self.target_stock_key = (
            StockKey(self.item_id, target.location_id, target.bin, self.batch, self.serial)
            if target.keeps_balance
            else None
        )

    def mirrored(self, *, movement: int) -> "Move":
        """Return the reverse move: the same quantity back, at the same cost (V1, V5)."""
        return replace(
            self,
            source=self.target,
            target=self.source,
            charged=-self.charged,
            resolves_id=None,
            reverses_id=movement,
            parts_allowed=False,
        )


class Moved(NamedTuple):
    """A move as it is posted, with the balances after it (None: no balance is kept)."""

    move: Move
    source_after: Decimal | None
    target_after: Decimal | None


class UnresolvedMove(NamedTuple):
    """Assumed use that can't be posted now. `move.quantity` is the quantity due."""

    move: Move
    reason: Reason
    at: datetime | None = None
    """The event time if it differs from the posting's: a kept remainder keeps the event time of its original."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """A move that must go through but exceeds the balance; `there` is the balance."""

    move: Move
    there: Decimal


@dataclass(slots=True)
class Plan:
    """The result of planning, in line order: moves to post, unresolved moves, and shortages that prevent posting."""

    steps: list[Moved | UnresolvedMove] = field(default_factory=list)
    shortages: list[Shortage] = field(default_factory=list)

    @property
    def moved(self) -> list[Moved]:
        return [step for step in self.steps if isinstance(step, Moved)]

    @property
    def waiting(self) -> list[UnresolvedMove]:
        return [step for step in self.steps if isinstance(step, UnresolvedMove)]


@dataclass(slots=True, eq=False)
class Stock:
    """The locked balances during planning, with the changes that the plan has made so far.

    `counted` has the event time of the latest posted count of each balance that was ever counted (H).
    """

    _left: dict[StockKey, Decimal]
    counted: dict[StockKey, datetime] = field(default_factory=dict)
    _changed: dict[StockKey, Decimal] = field(default_factory=dict, init=False)

    def there(self, stock_key: StockKey) -> Decimal:
        """Return the quantity left of a balance at this point of the plan."""
        return self._left.get(stock_key, ZERO)

    def has(self, move: Move) -> bool:
        """Return whether a move's source has its quantity. A place without balances is never short (U1)."""
        stock_key = move.source_stock_key
        return stock_key is None or self._left.get(stock_key, ZERO) >= move.quantity

    def carry(self, move: Move) -> Moved:
        """Apply a move to both balances."""
        left, changed = self._left, self._changed
        source_after = target_after = None
        if (source := move.source_stock_key) is not None:
            left[source] = source_after = left.get(source, ZERO) - move.quantity
            changed[source] = changed.get(source, ZERO) - move.quantity
        if (target := move.target_stock_key) is not None:
            left[target] = target_after = left.get(target, ZERO) + move.quantity
            changed[target] = changed.get(target, ZERO) + move.quantity
        return Moved(move, source_after, target_after)

    def changes(self) -> dict[StockKey, Decimal]:
        """Return the plan's net change of each balance."""
        return {stock_key: by for stock_key, by in self._changed.items() if by}

    def highest(self) -> Decimal:
        """Return the largest balance after the plan."""
        return max((self._left[stock_key] for stock_key in self._changed), default=ZERO)


def stock_keys_of(moves: Iterable[Move]) -> set[StockKey]:
    """Return the keys of all balances that some moves touch. Lock these before planning."""
    return {
        stock_key
        for move in moves
        for stock_key in (move.source_stock_key, move.target_stock_key)
        if stock_key is not None
    }


def choice_needed(move: Move) -> Reason | None:
    """Return what a person must choose before assumed use can move: the batch, the serial numbers or the bin (T1)."""
    if move.tracking is Tracking.BATCH:
        return Reason.BATCH
    if move.tracking is Tracking.SERIAL:
        return Reason.SERIAL
    if move.source.bin_controlled or move.target.bin_controlled:
        return Reason.BIN
    return None


def plan_posting(made: Sequence[Move], due: Sequence[Move], stock: Stock) -> Plan:
    """Plan which moves are posted and which stay unresolved, and apply the posted ones to `stock`.

    Moves of `made` must be posted: if one can't, it is a shortage of the plan, and nothing is posted. Moves of `due`
    are planned in order, each whole or not at all, because a partly posted line would hide its rest from the people who
    work through the queue. If the action allows parts, the available part moves and the rest is unresolved (U2).
    """
    plan = Plan()
    for move in made:
        if stock.has(move):
            plan.steps.append(stock.carry(move))
        else:
            assert move.source_stock_key is not None, "a place without balances is never short"
            plan.shortages.append(Shortage(move, stock.there(move.source_stock_key)))
    for move in due:
        if reason := choice_needed(move):
            plan.steps.append(UnresolvedMove(move, reason))
        elif stock.has(move):
            plan.steps.append(stock.carry(move))
        elif move.parts_allowed:
            _post_in_part(plan, move, stock)
        else:
            plan.steps.append(UnresolvedMove(move, Reason.SHORT))
    return plan


def _post_in_part(plan: Plan, move: Move, stock: Stock) -> None:
    assert move.source_stock_key is not None, "a place without balances is never short"
    there = stock.there(move.source_stock_key)
    if there > 0:
        plan.steps.append(stock.carry(replace(move, quantity=there)))
    plan.steps.append(UnresolvedMove(replace(move, quantity=move.quantity - there), Reason.SHORT))
