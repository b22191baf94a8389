"""Works orders released and open: how far they are, and what of them waits."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count

from backflush.core.moves import Status
from backflush.dashboard.bookable_orders import bookable_orders
from backflush.ledger.models import Movement
from backflush.stockmap.models import Site
from backflush.works.models import WorksOrder


@dataclass(frozen=True, slots=True)
class InWork:
    """An order, and how many of its movements are unresolved."""

    order: WorksOrder
    unresolved: int


@dataclass(frozen=True, slots=True)
class OrdersInWork:
    """How many there are (counted up to a limit), and those that come first."""

    total: int
    first: Sequence[InWork]


def orders_in_work(site: Site) -> OrdersInWork:
    """What is open before what is only released, the newest first."""
    orders = bookable_orders(site)
    cost_objects = [order.cost_object_id for order in orders.first]
    # By job alone, which is of this site: with the site beside it, SQLite would go through all that the site has.
    rows = Movement.objects.filter(cost_object__in=cost_objects, status=Status.UNRESOLVED).order_by()
    waiting = dict(rows.values_list("cost_object").annotate(Count("pk")))
    return OrdersInWork(orders.total, [InWork(order, waiting.get(order.cost_object_id, 0)) for order in orders.first])
