"""A movement's two ends, and stock as it stands while a plan is made.

Every movement takes one quantity of one item from one place to another; outside is a place too, one that keeps no
balance. So stock is never made or lost.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from backflush.core.quantity import ZERO


class Process(StrEnum):
    """What a movement was made by. The stored text of a posting."""

    OPENING = "opening"
    WORKS_ORDER = "works order"
    GOODS_RECEIVED = "goods received"
    PRODUCTION = "production"
    ISSUE = "issue"
    RETURN = "return"
    HAND = "hand movement"
    RESOLUTION = "resolution"
    REVERSAL = "reversal"


class Status(StrEnum):
    """A movement's status; only an unresolved one ever moves on."""

    OK = "ok"
    UNRESOLVED = "unresolved"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    """A kept remainder, gone with the resolution that kept it: the original is unresolved again in full."""


class Reason(StrEnum):
    """Why assumed use had to wait; where several hold, the first in this order is given (T4)."""

    BATCH = "batch"
    SERIAL = "serial"
    BIN = "bin"
    SHORT = "short"


class Tracking(StrEnum):
    """Whether it matters which pieces of an item moved."""

    NONE = "none"
    BATCH = "batch"
    SERIAL = "serial"


class Place(NamedTuple):
    """A location, and the bin in it where it is bin controlled."""

    location: int
    bin: str = ""
    keeps_balance: bool = True
    bin_controlled: bool = False


class StockKey(NamedTuple):
    """The smallest heap of stock with a balance of its own; pots are locked in this order."""

    item: int
    location: int
    bin: str = ""
    batch: str = ""
    serial: str = ""


@dataclass(slots=True)
class Move:
    """One quantity of one item, from its source to its target, in the item's stock unit.

    `charged` is what it does to the material of its job: 1 the job has had it, -1 it came back, 0 neither.
    The other whole numbers are database keys: item, cost version, job, rule, frozen structure line, and the
    movements that this one settles, takes back, or goes on from.

    Nobody changes one: bookings that assume the same share it. It isn't frozen, because that takes three times as long
    to make, and a booking makes one for each line.
    """

    item: int
    quantity: Decimal
    source: Place
    target: Place
    cost: int
    tracking: Tracking = Tracking.NONE
    batch: str = ""
    serial: str = ""
    cost_object: int | None = None
    charged: int = 0
    rule: int | None = None
    line: int | None = None
    resolves: int | None = None
    reverses: int | None = None
    origin: int | None = None
    remarks: str = ""
    parts_allowed: bool = False
    source_stock_key: StockKey | None = field(init=False, compare=False, repr=False)
    """The pot that it takes from; None where the source keeps no balance."""
    target_stock_key: StockKey | None = field(init=False, compare=False, repr=False)
    """The pot that it fills; None where the target keeps no balance."""

    def __post_init__(self) -> None:
        # Once: planning, locking and posting all ask for them, and bookings that assume the same share their moves.
        self.source_stock_key = self._stock_key(self.source)
        self.target_stock_key = self._stock_key(self.target)

    def _stock_key(self, end: Place) -> StockKey | None:
        return StockKey(self.item, end.location, end.bin, self.batch, self.serial) if end.keeps_balance else None

    def mirrored(self, *, movement: int) -> "Move":
        """The same quantity back to where it was, at the same cost (V1, V5)."""
        return replace(
            self,
            source=self.target,
            target=self.source,
            charged=-self.charged,
            resolves=None,
            reverses=movement,
            parts_allowed=False,
        )


class Moved(NamedTuple):
    """A move as it goes into the ledger, with the balances that it leaves behind (None: none is kept)."""

    move: Move
    source_after: Decimal | None
    target_after: Decimal | None


class UnresolvedMove(NamedTuple):
    """Assumed use that can't move now: the whole of `move.quantity` is due."""

    move: Move
    reason: Reason
    at: datetime | None = None
    """Its own event time, where that isn't the posting's: a kept remainder waits since the original."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """A move that must go through and can't: so much is there of what it takes."""

    move: Move
    there: Decimal


@dataclass(slots=True)
class Plan:
    """What will be posted, in line order: what moves, what waits; and what stands in the way of posting at all."""

    steps: list[Moved | UnresolvedMove] = field(default_factory=list)
    shortages: list[Shortage] = field(default_factory=list)

    @property
    def moved(self) -> list[Moved]:
        return [step for step in self.steps if isinstance(step, Moved)]

    @property
    def waiting(self) -> list[UnresolvedMove]:
        return [step for step in self.steps if isinstance(step, UnresolvedMove)]


class Stock:
    """Stock while a plan is made: the locked balances, and what the plan has taken from and put to them so far."""

    def __init__(self, on_hand: Mapping[StockKey, Decimal]) -> None:
        self._left = dict(on_hand)
        self._changed: dict[StockKey, Decimal] = {}

    def there(self, stock_key: StockKey) -> Decimal:
        """How much is left in a pot at this point of the plan."""
        return self._left.get(stock_key, ZERO)

    def has(self, move: Move) -> bool:
        """Whether a move can take its quantity; a place without balances is never short (U1)."""
        stock_key = move.source_stock_key
        return stock_key is None or self.there(stock_key) >= move.quantity

    def carry(self, move: Move) -> Moved:
        """Take from the one end and put to the other."""
        return Moved(
            move,
            self._change(move.source_stock_key, -move.quantity),
            self._change(move.target_stock_key, move.quantity),
        )

    def _change(self, stock_key: StockKey | None, by: Decimal) -> Decimal | None:
        if stock_key is None:
            return None
        after = self._left.get(stock_key, ZERO) + by
        self._left[stock_key] = after
        self._changed[stock_key] = self._changed.get(stock_key, ZERO) + by
        return after

    def changes(self) -> dict[StockKey, Decimal]:
        """What the plan changes, pot by pot."""
        return {stock_key: by for stock_key, by in self._changed.items() if by}

    def highest(self) -> Decimal:
        """The largest balance that the plan leaves behind."""
        return max((self._left[stock_key] for stock_key in self._changed), default=ZERO)


def stock_keys_of(moves: Iterable[Move]) -> set[StockKey]:
    """Every pot that some moves take from or fill: those to lock before a plan is made."""
    return {
        stock_key
        for move in moves
        for stock_key in (move.source_stock_key, move.target_stock_key)
        if stock_key is not None
    }
