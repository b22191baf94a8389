"""Book production: the orders that are being made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Case, IntegerField, Value, When

from backflush.core.lifecycle import BOOKABLE, OrderStatus
from backflush.stockmap.models import Site
from backflush.works.models import WorksOrder

SHOWN: Final = 5
COUNTED_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class BookableOrders:
    """How many take bookings (counted up to a limit), and those that come first."""

    total: int
    first: Sequence[WorksOrder]


def bookable_orders(site: Site, shown: int = SHOWN) -> BookableOrders:
    """What is open before what is only released, the newest first."""
    found = WorksOrder.objects.filter(site=site, status__in=BOOKABLE)
    open_first = Case(When(status=OrderStatus.OPEN, then=Value(0)), default=Value(1), output_field=IntegerField())
    rows = found.select_related("item__stock_unit", "job", "unit").order_by(open_first, "-start_date", "-pk")
    return BookableOrders(
        total=found.order_by().values("pk")[: COUNTED_MOST + 1].count(),
        first=list(rows[:shown]),
    )
