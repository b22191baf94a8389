"""Counts: which count's difference changes when something is posted that concerns a time before it (H4).

A count says what was there at a moment, whatever the ledger says. So a posting that concerns an earlier moment changes
no quantity from the first count after that moment on: it only moves a part of that count's difference.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from backflush.core.moves import Move, StockKey
from backflush.core.quantity import ZERO

LATEST: Final = 2**63 - 1
"""The order of recording of what is being posted now: after everything recorded."""


class Effect(NamedTuple):
    """A change of a balance, less what waits there, in the stock unit, with the moment that it counts for (H2).

    `at` is the event time of the assumption, posting or reversed posting that it goes back to, and `order` that
    posting's number: events of the same time follow the order of recording.
    """

    stock_key: StockKey
    change: Decimal
    at: datetime
    order: int = LATEST


class PostedCount(NamedTuple):
    """A count whose difference is posted and not reversed; `order` is the number of its posting."""

    number: int
    at: datetime
    order: int


def effects_of(moves: Iterable[Move], *, at: datetime, order: int = LATEST, undone: bool = False) -> list[Effect]:
    """Return the effects of moves at both ends, whether they move or wait; `undone` turns them round.

    What waits counts as used (H2), so a move that waits has the effect of one that is posted.
    """
    effects = []
    for move in moves:
        quantity = -move.quantity if undone else move.quantity
        if move.source_stock_key is not None:
            effects.append(Effect(move.source_stock_key, -quantity, at, order))
        if move.target_stock_key is not None:
            effects.append(Effect(move.target_stock_key, quantity, at, order))
    return effects


def differences_changed(
    effects: Iterable[Effect], counts: Mapping[StockKey, Sequence[PostedCount]]
) -> dict[int, Decimal]:
    """Return the changes of differences by count number, without zeros. Counts are in order of time and recording.

    The first count after an effect takes it up whole; later counts of the same key find what that one found (H4).
    """
    changes: dict[int, Decimal] = {}
    for effect in effects:
        for count in counts.get(effect.stock_key, ()):
            if (effect.at, effect.order) < (count.at, count.order):
                changes[count.number] = changes.get(count.number, ZERO) - effect.change
                break
    return {number: change for number, change in changes.items() if change}
