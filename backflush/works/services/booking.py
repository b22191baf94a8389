"""Booking production on works orders: what was made comes in, what went into it is assumed (B1 to B6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Self

from django.utils.translation import gettext_noop as marked

from backflush.backflushing.booking import take_reports
from backflush.backflushing.models import Booking
from backflush.backflushing.report_inputs import SubjectInput
from backflush.backflushing.report_kinds import LockOrder, ReportKind, Subject, Subjects
from backflush.core.lifecycle import BOOKABLE, OrderStatus, not_bookable
from backflush.core.moves import Process
from backflush.core.quantity import advance
from backflush.core.refusals import Refusal
from backflush.ledger.archived_numbers import no_orders
from backflush.ledger.models import CostObjectKind
from backflush.people.models import User
from backflush.people.rights import Verb
from backflush.stockmap.models import Site, TransferRule
from backflush.works.models import WorksOrder
from backflush.works.selectors import orders_found, require_found
from backflush.works.services.history import change, keep
from backflush.works.services.production import Reported, no_completion_action


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingIn(Reported):
    """Production on a works order as it is reported: good and scrapped pieces in the order's unit."""

    order: Annotated[
        str, SubjectInput(marked("Works order"), marked("The works order number."), length=60, refers="works_orders")
    ]

    operation = "book"


@dataclass(slots=True)
class BookableOrders(Subjects[BookingIn]):
    """The works orders of some reports, with their cost objects and items."""

    site: Site
    found: Mapping[str, WorksOrder]
    rules: Mapping[int, TransferRule]
    _good: dict[str, Decimal] = field(default_factory=dict)
    """The good quantity of the orders, by number, once the reports counted so far are posted."""

    def subject(self, report: BookingIn) -> Subject:
        """Return the works order of a report, refused where it takes no bookings or will be full by then (B6)."""
        order = self.found.get(report.order)
        if order is None:
            raise no_orders(self.site, CostObjectKind.WORKS_ORDER, [report.order])
        assert order.structure_id is not None, "every order takes a copy of a structure when it is created"
        code = order.item.type_code
        full = order.number in self._good and self._is_full(order, self._good[order.number])
        status = OrderStatus.COMPLETE if full else order.status
        refusals: list[Refusal] = [] if status in BOOKABLE else [not_bookable(order.number, OrderStatus(status))]
        if code.completion is None:
            refusals.append(no_completion_action(order.item))
        return Subject(
            item=order.item,
            process=Process.WORKS_ORDER,
            good=report.good,
            scrap=report.scrap,
            scrap_reason=report.scrap_reason,
            factor=order.factor,
            unit_code=lambda: str(order.unit.code),
            ordered=order.quantity,
            in_stock_unit=report.in_stock_unit,
            goods_action=code.completion,
            structure_id=order.structure_id,
            cost_object=order.cost_object,
            refusals=refusals,
        )

    def count(self, report: BookingIn) -> None:
        """Add the good quantity of a planned report to what its order will have."""
        order = self.found[report.order]
        good = self._good.get(order.number, order.cost_object.good)
        decimals = order.item.quantity_decimals
        total = advance(good, report.good, order.factor, decimals) if report.in_stock_unit else good + report.good
        self._good[order.number] = total

    def count_from(self, before: Self) -> None:
        """Go on from what the orders will have after the reports counted before."""
        self._good = before._good

    def note_booked(self, by: User) -> None:
        """Open the orders that were released, and complete those that are full (B6).

        The posting is the trace of an opening (`opened_by`), so none is written with each first booking.
        """
        released = [order for order in self.found.values() if order.status == OrderStatus.RELEASED]
        if released:
            set_status(released, OrderStatus.OPEN)
        full = [order for order in self.found.values() if self._is_full(order, order.cost_object.good)]
        if full:
            keep(change(order, "status", str(order.status), OrderStatus.COMPLETE, by, "full") for order in full)
            set_status(full, OrderStatus.COMPLETE)

    def _is_full(self, order: WorksOrder, good: Decimal) -> bool:
        """Whether an order with so many good pieces is completed by itself, as the site may have it (B6)."""
        return self.site.complete_when_full and good >= order.quantity


class ProductionOnOrders(ReportKind[BookingIn]):
    """Reports of production on works orders."""

    report = BookingIn
    lock_order = LockOrder.WORKS_ORDERS
    verb = Verb.BOOK
    word = "booking"
    command = "book"
    about = (
        "Book production on a works order. The good pieces go into stock, and the components of "
        "good and scrapped pieces are taken out of it, as the order's structure requires. "
        "Components that are not available stay unresolved."
    )
    done = "Booked"
    table = "bookings"
    rows = "Production on works orders. Rows that were posted before are skipped."
    example = MappingProxyType({"order": "W-1001", "good": "38", "scrap": "2", "key": "press-7/4711"})
    row = MappingProxyType(
        {
            "key": "2026-01-08/1",
            "order": "WO-1",
            "good": "9",
            "scrap": "1",
            "date": "2026-01-08",
            "scrap_reason": "Bent",
        }
    )

    def subjects(self, reports: Sequence[BookingIn], *, site: Site, lock: bool) -> BookableOrders:
        """Return the works orders of some reports, locked with their cost objects if they are to be."""
        numbers = [report.order for report in reports]
        orders = orders_found(site, numbers, lock=lock)
        if lock and len(orders.found) < len(set(numbers)):
            require_found(site, numbers, orders.found)
        return BookableOrders(site, orders.found, orders.rules)


ON_ORDERS = ProductionOnOrders()


def book_production_many(bookings: Sequence[BookingIn], *, site: Site, by: User) -> list[Booking]:
    """Book production on works orders: all of the reports, or none. `take_reports` says what is locked and refused."""
    results = take_reports(bookings, [ON_ORDERS], site=site, by=by)
    return [result.booking for result in results if result.booking is not None]


def book_production(booking: BookingIn, *, site: Site, by: User) -> Booking:
    """Book production on one works order. `take_reports` says what is locked and refused."""
    [result] = take_reports([booking], [ON_ORDERS], site=site, by=by)
    assert result.booking is not None, "a refused report raises its refusal"
    return result.booking


def set_status(orders: Sequence[WorksOrder], status: OrderStatus) -> None:
    """Write the status of some locked orders."""
    if not orders:
        return
    site = orders[0].site_id
    WorksOrder.objects.filter(site=site, pk__in=[order.pk for order in orders]).update(status=status)
    for order in orders:
        order.status = status


def open_by_issue(order: WorksOrder) -> None:
    """Open a released order, which its first issue by hand does too (W)."""
    if order.status == OrderStatus.RELEASED:
        set_status([order], OrderStatus.OPEN)
