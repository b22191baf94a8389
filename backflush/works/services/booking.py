"""Booking production on works orders: what was made comes in, what went into it is assumed (B1 to B6)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Self

from backflush.backflushing.models import Booking
from backflush.backflushing.report_kinds import Gathered, ReportKind, Turn, refusals_of, take_reports
from backflush.backflushing.services import Made
from backflush.core.lifecycle import OrderStatus, refuse_posting
from backflush.core.moves import Process
from backflush.core.quantity import ZERO
from backflush.core.refusals import NotFound, Refusal
from backflush.ledger.archived_numbers import no_orders
from backflush.ledger.idempotency import Request
from backflush.ledger.models import CostObjectKind
from backflush.ledger.statements import Statement, run
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.works.models import WorksOrder
from backflush.works.selectors import Bookable, bookable, orders_found
from backflush.works.services.guards import require
from backflush.works.services.history import change, keep
from backflush.works.services.production import Reported, checks_of, made_of

TURN_ORDERS: Final = Statement(
    "turn orders",
    ("text", "bigint", "bigint"),
    "UPDATE works_worksorder o SET status = k.status FROM {columns} AS k(status, id, site_id, ord) "
    "WHERE o.id = k.id AND +o.site_id = k.site_id",
    "UPDATE works_worksorder SET status = ? WHERE id = ? AND site_id = ?",
    by_row=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingIn(Reported):
    """Production on a works order as it is reported: good and scrapped pieces in the order's unit."""

    order: str

    @property
    def of(self) -> str:
        """The works order."""
        return self.order

    def request(self) -> Request:
        """What makes a repeated report the same."""
        content = {
            "order": self.order,
            "good": self.good,
            "scrap": self.scrap,
            "at": self.at,
            "batch": self.batch,
            "serials": sorted(self.serials),
            "bin": self.bin,
            "scrap_reason": self.scrap_reason,
        }
        return Request(self.key, "book", content)


class BookableOrders(Gathered[BookingIn]):
    """The works orders of some reports, with their jobs, items and rules."""

    def __init__(self, site: Site, found: Bookable) -> None:
        self._site = site
        self._orders, self._rules = found

    @property
    def there(self) -> Mapping[str, WorksOrder]:
        """The works orders that there are, by number."""
        return self._orders

    def planned(self, report: BookingIn, key: int | None) -> Made:
        """What a report of production on an order comes to."""
        if report.order not in self._orders:
            raise no_orders(self._site, CostObjectKind.WORKS_ORDER, [report.order])
        order = self._orders[report.order]
        require(refuse_posting(order.number, OrderStatus(order.status)))
        return made_of(
            order.item,
            report,
            self._rules,
            site=self._site,
            key=key,
            process=Process.WORKS_ORDER,
            factor=order.factor,
            structure=order.structure_id,
            cost_object=order.cost_object,
        )

    def refusals(self, report: BookingIn) -> Iterator[Refusal]:
        """Every reason for which a booking can't be made."""
        if report.order not in self._orders:
            yield NotFound(f"There is no works order {report.order}.", field="order")
            return
        order = self._orders[report.order]
        refused = refuse_posting(order.number, OrderStatus(order.status))
        if refused is not None:
            yield refused
        yield from refusals_of(checks_of(order.item, report, self._rules, site=self._site, factor=order.factor))

    def require_in_turn(self, reports: Sequence[BookingIn]) -> None:
        """Refuse what comes after the booking that fills its order, where full orders complete themselves (B6)."""
        if not self._site.complete_when_full:
            return
        good: dict[str, Decimal] = {}
        for one in reports:
            order = self._orders[one.order]
            if good.get(one.order, ZERO) >= order.quantity:
                require(refuse_posting(order.number, OrderStatus.COMPLETE))
            good[one.order] = good.get(one.order, order.cost_object.good) + one.good

    def booked(self, by: User) -> None:
        """Open the orders, and complete those that are full."""
        _open(self._orders.values(), self._site, by)

    def count_in(self, report: BookingIn) -> None:
        """Note on an order at hand what a booking would make of it."""
        order = self._orders[report.order]
        order.cost_object.good += report.good
        order.status = OrderStatus.COMPLETE if _completes_itself(order, self._site) else OrderStatus.OPEN

    def go_on(self, before: Self) -> None:
        """Keep in mind how full orders are, where full ones complete themselves."""
        if self._site.complete_when_full:
            self._orders |= before._orders
            self._rules |= before._rules


class ProductionOnOrders(ReportKind[BookingIn]):
    """Reports of production on works orders."""

    report = BookingIn
    turn = Turn.WORKS_ORDERS

    def gathered(self, reports: Sequence[BookingIn], *, site: Site, lock: bool) -> BookableOrders:
        """Their orders."""
        numbers = [one.order for one in reports]
        return BookableOrders(site, bookable(site, numbers, lock=True) if lock else orders_found(site, numbers))


ON_ORDERS = ProductionOnOrders()


def book_production_many(bookings: Sequence[BookingIn], *, site: Site, by: User) -> list[Booking]:
    """Take what was made into stock and assume what went into it: all of the bookings, or none (B1 to B6).

    A booking whose key was posted before answers with that posting's booking.
    """
    return [taken.booking for taken in take_reports(bookings, [ON_ORDERS], site=site, by=by)]


def book_production(booking: BookingIn, *, site: Site, by: User) -> Booking:
    """Book production on one works order."""
    return book_production_many([booking], site=site, by=by)[0]


def _open(orders: Iterable[WorksOrder], site: Site, by: User) -> None:
    """The first booking opens an order; the site may have it completed by itself once it is full (B6).

    The posting itself is the trace of the opening (`opened_by`), so that none is written with each first booking.
    """
    full = [order for order in orders if _completes_itself(order, site)]
    _turn(site, [order for order in orders if order.status == OrderStatus.RELEASED], OrderStatus.OPEN)
    if full:
        keep(change(order, "status", str(order.status), OrderStatus.COMPLETE, by, "full") for order in full)
        _turn(site, full, OrderStatus.COMPLETE)


def _turn(site: Site, orders: Sequence[WorksOrder], status: OrderStatus) -> None:
    run(TURN_ORDERS, [(status.value, order.pk, site.pk) for order in orders])
    for order in orders:
        order.status = status


def _completes_itself(order: WorksOrder, site: Site) -> bool:
    return site.complete_when_full and order.cost_object.good >= order.quantity


def open_by_issue(order: WorksOrder) -> None:
    """The first issue opens an order too (W)."""
    if order.status == OrderStatus.RELEASED:
        _turn(order.site, [order], OrderStatus.OPEN)
