"""The cut-off list before a count: what is on its way into the books, so that nobody counts it as a loss (H7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from backflush.core.lifecycle import OrderStatus, PurchaseStatus
from backflush.handling.models import StockTransfer
from backflush.handling.transfer_queries import open_transfers, to_arrive
from backflush.ledger.models import Movement
from backflush.ledger.selectors import waiting_movements
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import day_at
from backflush.subcontract.models import PurchaseOrderLine
from backflush.works.models import WorksOrder

SHOWN: Final = 50
NUMBERED_MOST: Final = 10_000
"""Longer lists are numbered one more than this."""


@dataclass(frozen=True, slots=True)
class UnbookedOrder:
    """A released or open order past its due date, with the quantity that isn't booked, in the order's unit."""

    order: WorksOrder
    left: Decimal


@dataclass(frozen=True, slots=True)
class ExpectedReceipt:
    """A line of an open purchase order, with what is still to come, in the line's unit, and whether it is overdue."""

    line: PurchaseOrderLine
    left: Decimal
    overdue: bool


@dataclass(frozen=True, slots=True)
class CutOff:
    """What to settle before counting: each list up to a limit, with its number."""

    day: date
    orders: Sequence[UnbookedOrder]
    orders_total: int
    receipts: Sequence[ExpectedReceipt]
    receipts_total: int
    leaving: Sequence[StockTransfer]
    arriving: Sequence[StockTransfer]
    unresolved: Sequence[Movement]
    unresolved_total: int

    @property
    def is_clear(self) -> bool:
        """Whether nothing is on its way."""
        return not (self.orders or self.receipts or self.leaving or self.arriving or self.unresolved)


def cut_off(site: Site) -> CutOff:
    """Return what isn't in the books yet: completions, receipts, transfers and unresolved lines.

    Takes a fixed number of statements. Completions are those of orders whose due date is past (without one, whose
    start date is); receipts are those due by today, or without a date.
    """
    today = day_at(site, timezone.now())
    orders = WorksOrder.objects.filter(
        Q(due_date__lt=today) | Q(due_date__isnull=True, start_date__lt=today),
        site=site,
        status__in=(OrderStatus.RELEASED, OrderStatus.OPEN),
        quantity__gt=F("cost_object__good") + F("cost_object__scrap"),
    )
    lines = PurchaseOrderLine.objects.filter(
        Q(due_date__lte=today) | Q(due_date__isnull=True),
        site=site,
        order__status=PurchaseStatus.OPEN,
        quantity__gt=F("cost_object__good") + F("cost_object__scrap"),
    )
    waiting = waiting_movements(site=site)
    return CutOff(
        day=today,
        orders=[
            UnbookedOrder(one, one.quantity - one.cost_object.good - one.cost_object.scrap)
            for one in orders.select_related("item", "unit", "cost_object").order_by("start_date", "pk")[:SHOWN]
        ],
        orders_total=_number(orders),
        receipts=[
            ExpectedReceipt(
                one,
                one.quantity - one.cost_object.good - one.cost_object.scrap,
                one.due_date is not None and one.due_date < today,
            )
            for one in lines.select_related("item", "unit", "order__supplier", "cost_object").order_by(
                F("due_date").asc(nulls_last=True), "pk"
            )[:SHOWN]
        ],
        receipts_total=_number(lines),
        leaving=list(open_transfers(site)[:SHOWN]),
        arriving=to_arrive(site)[:SHOWN],
        unresolved=list(waiting.select_related("item__stock_unit", "source")[:SHOWN]),
        unresolved_total=_number(waiting),
    )


def _number(found: QuerySet[Any]) -> int:
    return found.select_related(None).order_by().values("pk")[: NUMBERED_MOST + 1].count()
