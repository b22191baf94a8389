"""Booking production on works orders: what was made comes in, what went into it is assumed (B1 to B6)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from backflush.backflushing.models import Booking
from backflush.backflushing.services import Made, post_bookings
from backflush.core.lifecycle import OrderStatus, refuse_posting
from backflush.core.moves import Process
from backflush.core.quantity import ZERO
from backflush.core.refusals import Refusal
from backflush.ledger.keys import Request, claim_keys
from backflush.ledger.models import Posting
from backflush.people.models import User
from backflush.stockmap.models import Site, TransferRule
from backflush.stockmap.selectors import event_time, require_rule
from backflush.works.models import WorksOrder
from backflush.works.selectors import bookable
from backflush.works.services.changes import change, keep
from backflush.works.services.making import Reported, completion, made_of, require_anything, require_reason
from backflush.works.services.requiring import require, stocked


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingIn(Reported):
    """Production on a works order as it is reported: good and scrapped pieces in the order's unit."""

    order: str

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


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a report of production: its booking, which may be that of an earlier report under its key."""

    booking: Booking
    repeated: bool


def book_production_many(bookings: Sequence[BookingIn], *, site: Site, by: User) -> list[Booking]:
    """Take what was made into stock and assume what went into it: all of the bookings, or none (B1 to B6).

    A booking whose key was posted before answers with that posting's booking.
    """
    return [taken.booking for taken in take_reports(bookings, site=site, by=by)]


@transaction.atomic
def take_reports(bookings: Sequence[BookingIn], *, site: Site, by: User, in_turn: bool = False) -> list[Taken]:
    """The same, saying which were posted before.

    Taken `in_turn`, one that comes after its order was filled is refused, as if each came in a call of its own (B6).
    """
    claims = claim_keys(site=site, requests=[booking.request() for booking in bookings])
    fresh = _first_of_each_key(booking for booking in bookings if booking.key not in claims.posted)
    orders, rules = bookable(site, [one.order for one in fresh], lock=True)
    if in_turn:
        _require_room(fresh, orders, site)
    batch = [booking_made(one, orders[one.order], rules, site=site, key=claims.new.get(one.key)) for one in fresh]
    posted = post_bookings(batch, site=site, by=by)
    _open(orders.values(), site, by)
    done = {one.key: booking for one, booking in zip(fresh, posted, strict=True) if one.key}
    done |= _bookings_of(claims.posted)
    keyless = iter([booking for one, booking in zip(fresh, posted, strict=True) if not one.key])
    repeated = set(claims.posted)
    taken = []
    for one in bookings:
        taken.append(Taken(done[one.key] if one.key else next(keyless), one.key in repeated))
        repeated |= {one.key} - {""}
    return taken


def _require_room(bookings: Iterable[BookingIn], orders: Mapping[str, WorksOrder], site: Site) -> None:
    """Refuse what comes after the booking that fills its order, where full orders are completed by themselves (B6)."""
    if not site.complete_when_full:
        return
    good: dict[str, Decimal] = {}
    for one in bookings:
        order = orders[one.order]
        if good.get(one.order, ZERO) >= order.quantity:
            require(refuse_posting(order.number, OrderStatus.COMPLETE))
        good[one.order] = good.get(one.order, order.job.good) + one.good


def _bookings_of(posted: Mapping[str, Posting]) -> dict[str, Booking]:
    """The bookings that were posted under some keys before."""
    if not posted:
        return {}
    bookings = {booking.posting_id: booking for booking in Booking.objects.filter(posting__in=posted.values())}
    return {key: bookings[posting.pk] for key, posting in posted.items()}


def book_production(booking: BookingIn, *, site: Site, by: User) -> Booking:
    """Book production on one works order."""
    return book_production_many([booking], site=site, by=by)[0]


def _first_of_each_key(bookings: Iterable[BookingIn]) -> list[BookingIn]:
    """The bookings without a key, and of those with the same key the first."""
    seen: set[str] = set()
    first = []
    for one in bookings:
        if not one.key or one.key not in seen:
            first.append(one)
            seen.add(one.key)
    return first


def booking_made(
    booking: BookingIn, order: WorksOrder, rules: Mapping[int, TransferRule], *, site: Site, key: int | None
) -> Made:
    """What a report of production on an order comes to."""
    require(refuse_posting(order.number, OrderStatus(order.status)))
    return made_of(
        order.item,
        booking,
        rules,
        site=site,
        key=key,
        process=Process.WORKS_ORDER,
        factor=order.factor,
        structure=order.structure_id,
        job=order.job,
    )


def booking_refusals(
    booking: BookingIn, order: WorksOrder, rules: Mapping[int, TransferRule], *, site: Site
) -> Iterator[Refusal]:
    """Every reason for which a booking can't be made, where `booking_made` gives the first."""
    backflush = order.item.type_code.backflush
    checks: Sequence[Callable[[], object]] = (
        lambda: require(refuse_posting(order.number, OrderStatus(order.status))),
        lambda: stocked(booking.good, order.factor, order.item, field="good"),
        lambda: stocked(booking.scrap, order.factor, order.item, field="scrap"),
        lambda: require_anything(booking, order.item),
        lambda: require_reason(booking),
        lambda: require_rule(rules, completion(order.item), site),
        lambda: require_rule(rules, backflush, site) if backflush else None,
        lambda: event_time(site, booking.at),
    )
    for check in checks:
        try:
            check()
        except Refusal as refusal:
            yield refusal


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
    if orders:
        WorksOrder.objects.filter(site=site, pk__in=[order.pk for order in orders]).update(status=status)
    for order in orders:
        order.status = status


def _completes_itself(order: WorksOrder, site: Site) -> bool:
    return site.complete_when_full and order.job.good >= order.quantity


def count_in(order: WorksOrder, booking: BookingIn, site: Site) -> None:
    """Note on an order at hand, which isn't saved, what a booking would make of it: for looking at many in a row."""
    order.job.good += booking.good
    order.status = OrderStatus.COMPLETE if _completes_itself(order, site) else OrderStatus.OPEN


def open_by_issue(order: WorksOrder) -> None:
    """The first issue opens an order too (W)."""
    if order.status == OrderStatus.RELEASED:
        _turn(order.site, [order], OrderStatus.OPEN)
