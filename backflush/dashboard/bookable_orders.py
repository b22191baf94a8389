"""The works orders on which production can be booked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backflush.core.lifecycle import BOOKABLE, OrderStatus
from backflush.stockmap.models import Site
from backflush.works.models import WorksOrder

SHOWN: Final = 5
COUNTED_MOST: Final = 10_000
OPEN_FIRST: Final = (OrderStatus.OPEN, OrderStatus.RELEASED)


@dataclass(frozen=True, slots=True)
class BookableOrderList:
    """The number of orders that take bookings (counted up to a limit), and the first of them."""

    total: int
    first: Sequence[WorksOrder]


def bookable_orders(site: Site, shown: int = SHOWN) -> BookableOrderList:
    """Return open orders before released ones, the newest first."""
    # One query per status: an index has each status in this order, while a sort over both would read every order.
    first: list[WorksOrder] = []
    for status in OPEN_FIRST:
        rows = WorksOrder.objects.filter(site=site, status=status).select_related(
            "item__stock_unit", "cost_object", "unit"
        )
        first += rows.order_by("-start_date", "-pk")[: shown - len(first)]
        if len(first) == shown:
            break
    found = WorksOrder.objects.filter(site=site, status__in=BOOKABLE)
    return BookableOrderList(total=found.values("pk")[: COUNTED_MOST + 1].count(), first=first)
