"""Released and open works orders: their progress, and their unresolved movements."""

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
    """An order, and the number of its unresolved movements."""

    order: WorksOrder
    unresolved: int


@dataclass(frozen=True, slots=True)
class OrdersInWork:
    """The number of orders (counted up to a limit), and the first of them."""

    total: int
    first: Sequence[InWork]


def orders_in_work(site: Site) -> OrdersInWork:
    """Return open orders before released ones, the newest first."""
    orders = bookable_orders(site)
    cost_objects = [order.cost_object_id for order in orders.first]
    # Filter by cost object alone, which implies the site: with the site as well, SQLite would scan all of the site's
    # rows.
    rows = Movement.objects.filter(cost_object__in=cost_objects, status=Status.UNRESOLVED).order_by()
    waiting = dict(rows.values_list("cost_object").annotate(Count("pk")))
    return OrdersInWork(orders.total, [InWork(order, waiting.get(order.cost_object_id, 0)) for order in orders.first])
