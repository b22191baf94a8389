from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as lazy

from backflush.dashboard.orders_in_work import InWork, orders_in_work
from backflush.web.home.blocks.block import HALF, Block
from backflush.web.platform.visit import Visit
from backflush.works.models import WorksOrder

WHOLE_BAR: Final = 100


@dataclass(frozen=True, slots=True)
class OrderProgress:
    """An order, and the booked share in per cent."""

    order: WorksOrder
    unresolved: int
    done: int


def context(visit: Visit) -> Mapping[str, Any]:
    """Return the progress of the orders in work."""
    found = orders_in_work(visit.site)
    return {"total": found.total, "orders": [_shown(one) for one in found.first]}


def _shown(one: InWork) -> OrderProgress:
    done = min(WHOLE_BAR, int(WHOLE_BAR * one.order.cost_object.good / one.order.quantity))
    return OrderProgress(one.order, one.unresolved, done)


BLOCK: Final = Block(
    name="works-orders",
    title=lazy("Works orders released and open"),
    width=HALF,
    template="web/home/blocks/works_orders.html",
    context=context,
)
