"""Backflush errors: unresolved movements at a glance."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db.models import QuerySet, Sum

from backflush.core.quantity import ZERO
from backflush.items.models import ItemCost
from backflush.ledger.models import Movement
from backflush.ledger.movement_list import named_in_order
from backflush.ledger.selectors import waiting_movements
from backflush.stockmap.models import Site
from backflush.unresolved.selectors import fits_now, there_now

SHOWN: Final = 5
COUNTED_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """One unresolved movement with the stock available now (None: its place keeps no balance)."""

    movement: Movement
    there: Decimal | None


@dataclass(frozen=True, slots=True)
class BackflushErrors:
    """The number of unresolved movements (counted up to a limit), the oldest, their value, how many fit now, and the
    newest.

    Value and number that fit are None where there are too many to check while a page loads.
    """

    total: int
    oldest: Movement | None
    newest: Sequence[ErrorLine]
    value: Decimal | None
    fitting: int | None


def backflush_errors(site: Site) -> BackflushErrors:
    """Return the unresolved movements of a site. There is no date filter: a movement stays until it is settled."""
    waiting = waiting_movements(site)
    newest = _first(waiting.reverse())
    there = there_now(site, newest)
    total = waiting.order_by().values("pk")[: COUNTED_MOST + 1].count()
    counted = total <= COUNTED_MOST
    return BackflushErrors(
        total=total,
        oldest=next(iter(_first(waiting)), None),
        newest=[ErrorLine(movement, there[movement.pk]) for movement in newest],
        value=_value(waiting) if counted else None,
        fitting=fits_now(waiting).count() if counted else None,
    )


def _first(waiting: QuerySet[Movement]) -> list[Movement]:
    # Always ask for several: with LIMIT 1, SQLite sorts the whole queue.
    return named_in_order(list(waiting.select_related(None).values_list("pk", flat=True)[:SHOWN]))


def _value(waiting: QuerySet[Movement]) -> Decimal:
    """Return the value of everything due, at the standard cost of its moment. The database sums quantities by cost; the
    multiplication is exact in Python."""
    due = dict(waiting.order_by().values_list("cost").annotate(total=Sum("due")))
    costs = ItemCost.objects.in_bulk(due)
    return sum((standard(costs[cost]) * total for cost, total in due.items()), ZERO)


def standard(cost: ItemCost) -> Decimal:
    """Return the standard cost of one stock unit, all elements together."""
    each: Decimal = cost.standard_material + cost.standard_labour + cost.standard_outside + cost.standard_overhead
    return each
