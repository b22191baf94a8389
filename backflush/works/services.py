"""Works orders from new to complete, booking production on them, and production without order.

Many at a time, because an import brings a hundred thousand; one is a batch of one.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from django.db import transaction
from django.utils import timezone

from backflush.backflushing.models import Booking
from backflush.backflushing.services import Made, post_bookings
from backflush.core.lifecycle import (
    OrderStatus,
    refuse_cancelling,
    refuse_completion,
    refuse_edit,
    refuse_posting,
    refuse_reopening,
    refuse_reset,
    refuse_revising,
)
from backflush.core.moves import Process
from backflush.core.quantity import DECIMALS_MAX, ZERO, require_fit, to_scaled, written
from backflush.core.refusals import (
    AlreadyThere,
    DuplicateLine,
    InvalidDates,
    InvalidQuantity,
    NoCompletionAction,
    ObsoleteItem,
    Refusal,
    WrongClass,
)
from backflush.core.structure import Component, Explosion, Requirement, require_sound
from backflush.core.text import require_short
from backflush.core.units import Converter
from backflush.items.models import ComponentClass, Item, Unit
from backflush.items.selectors import converter, in_stock_unit, item_coded, items_coded, require_factor, units_coded
from backflush.ledger.keys import Request, claim_keys
from backflush.ledger.models import Job, JobKind, Posting
from backflush.ledger.services import open_jobs
from backflush.ledger.statements import Row, add, adding, driver_date, driver_time, run
from backflush.people.models import User
from backflush.stockmap.models import Action, Site, TransferRule
from backflush.stockmap.naming import named_once
from backflush.stockmap.selectors import day_at, event_time, require_rule, single_rules
from backflush.structures.models import FrozenLine, FrozenStructure
from backflush.structures.selectors import StructureBook
from backflush.structures.services import (
    LineIn,
    freeze,
    require_convertible,
    require_no_loop,
    requirement_of,
    structure_of_day,
)
from backflush.works.models import OrderChange, WorksOrder
from backflush.works.selectors import bookable, orders_numbered

SCRAP_REASON_LENGTH = 60

Refuses = Callable[[str, OrderStatus], Refusal | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIn:
    """A works order as it is entered; `unit` empty is the item's stock unit."""

    number: str
    item: str
    quantity: Decimal
    unit: str = ""
    start_date: date
    due_date: date | None = None
    remarks: str = ""


@named_once("a works order", field="number")
@transaction.atomic
def create_orders(orders: Sequence[OrderIn], *, site: Site, by: User, released: bool = False) -> list[WorksOrder]:
    """New works orders, each with its own copy of the structure in force on its start date (S1, S2).

    They may be `released` at once: the conversions of now are those of their copies then.
    """
    _require_new_numbers(site, [order.number for order in orders])
    items = items_coded({order.item for order in orders})
    units = units_coded({order.unit for order in orders if order.unit})
    conversions = converter(item.pk for item in items.values())
    made: list[tuple[OrderIn, Item, Unit, Fraction]] = []
    for order in orders:
        item = items[order.item]
        unit = units[order.unit] if order.unit else item.stock_unit
        for refusal in order_refusals(order, item, unit, conversions):
            raise refusal
        made.append((order, item, unit, require_factor(conversions, item, unit.code)))
    jobs = open_jobs(site=site, kind=JobKind.WORKS_ORDER, numbered=[(order.number, item) for order, item, _, _ in made])
    contents = _contents(site, [(item, order.start_date) for order, item, _, _ in made])
    if released:
        for item, content in {id(content): (item, content) for item, content in contents}.values():
            require_convertible(item, content.requirements)
    copies = freeze(site=site, contents=contents)
    rows = [
        WorksOrder(
            site=site,
            number=order.number,
            job=job,
            item=item,
            quantity=order.quantity,
            unit=unit,
            factor=factor,
            status=OrderStatus.RELEASED if released else OrderStatus.NEW,
            start_date=order.start_date,
            due_date=order.due_date,
            structure=copy,
            remarks=order.remarks,
        )
        for (order, item, unit, factor), job, copy in zip(made, jobs, copies, strict=True)
    ]
    add(ADD_ORDERS, rows, [_row(order) for order in rows])
    _keep(_change(order, "status", "", str(order.status), by) for order in rows)
    return rows


ADD_ORDERS = adding(
    "works_worksorder",
    {
        "site_id": "bigint",
        "number": "text",
        "job_id": "bigint",
        "item_id": "bigint",
        "quantity": "bigint",
        "unit_id": "bigint",
        "factor": "text",
        "status": "text",
        "start_date": "date",
        "due_date": "date",
        "structure_id": "bigint",
        "remarks": "text",
    },
)


def _row(order: WorksOrder) -> Row:
    return (
        order.site_id,
        order.number,
        order.job_id,
        order.item_id,
        to_scaled(order.quantity),
        order.unit_id,
        f"{order.factor.numerator}/{order.factor.denominator}",
        str(order.status),
        driver_date(order.start_date),
        driver_date(order.due_date),
        order.structure_id,
        order.remarks,
    )


ADD_CHANGES = adding(
    "works_orderchange",
    {
        "site_id": "bigint",
        "order_id": "bigint",
        "what": "text",
        "before": "text",
        "after": "text",
        "by_id": "bigint",
        "at": "timestamptz",
        "remarks": "text",
    },
)


def _keep(changes: Iterable[OrderChange]) -> None:
    """Write what was changed of some orders."""
    rows = [
        (
            one.site_id,
            one.order_id,
            one.what,
            str(one.before),
            str(one.after),
            one.by_id,
            driver_time(one.at),
            one.remarks,
        )
        for one in changes
    ]
    run(ADD_CHANGES, rows)


def create_order(order: OrderIn, *, site: Site, by: User) -> WorksOrder:
    """One new works order."""
    return create_orders([order], site=site, by=by)[0]


def _require_new_numbers(site: Site, numbers: Sequence[str]) -> None:
    there = set(WorksOrder.objects.filter(site=site, number__in=numbers).values_list("number", flat=True))
    twice = sorted(there | {number for number, times in Counter(numbers).items() if times > 1})
    if twice:
        raise AlreadyThere(f"There is a works order {', '.join(twice)} already.", field="number")


def order_refusals(order: OrderIn, item: Item, unit: Unit, conversions: Converter) -> Iterator[Refusal]:
    """Everything about an order by itself that can't be as it stands (W, Q4, Q5)."""
    if item.component_class != ComponentClass.MADE:
        yield WrongClass(
            f"{item.code} is {item.get_component_class_display()}. A works order is for a manufactured item.",
            field="item",
        )
    if item.obsolete_on is not None and item.obsolete_on <= order.start_date:
        yield ObsoleteItem(f"{item.code} is obsolete since {item.obsolete_on:%d %b %Y}.", field="item")
    if order.due_date is not None and order.due_date < order.start_date:
        yield InvalidDates(f"{order.number} would be due before it starts.", field="due_date")
    try:
        factor = require_factor(conversions, item, unit.code)
        _require_whole(order.quantity, factor, item, field="quantity")
    except Refusal as refusal:
        yield refusal


def _require_whole(quantity: Decimal, factor: Fraction, item: Item, *, field: str) -> Decimal:
    """A quantity above zero, in the stock unit (Q5)."""
    if not quantity.is_finite() or quantity <= 0:
        raise InvalidQuantity(f"{item.code} needs a quantity above zero, not {quantity}.", field=field)
    return _stocked(quantity, factor, item, field=field)


def _stocked(quantity: Decimal, factor: Fraction, item: Item, *, field: str) -> Decimal:
    """A quantity of 0 or more in the stock unit; the order's own unit holds six decimals at most (Q5)."""
    if not quantity.is_finite() or quantity < 0:
        raise InvalidQuantity(f"{item.code} can't be booked as {quantity}: enter 0 or more.", field=field)
    require_fit(quantity, DECIMALS_MAX, field=field, what=item.code)
    return in_stock_unit(quantity, factor, item, field=field)


def _contents(site: Site, wanted: Sequence[tuple[Item, date]]) -> list[tuple[Item, Explosion]]:
    """What some items are made of, each on its day."""
    book = StructureBook(site, {item.pk for item, _ in wanted})
    return [(item, book.explode(item.pk, day)) for item, day in wanted]


@transaction.atomic
def edit_structure(*, site: Site, number: str, lines: Sequence[LineIn], by: User) -> WorksOrder:
    """Give a new order a structure of its own; a phantom on it is passed through as of its start date (S1)."""
    order = lock_order(site, number)
    require(refuse_edit(number, OrderStatus(order.status)))
    core_lines = [line.as_line() for line in lines]
    require_sound(core_lines)
    if len({line.number for line in lines}) < len(lines):
        raise DuplicateLine("Each line of an order's own structure has a number of its own.", field="line")
    require_no_loop({order.item: lines})
    book = StructureBook(site, (), extra=core_lines)
    content = book.explode_lines(core_lines, order.start_date)
    order.structure = freeze(site=site, contents=[(order.item, content)])[0]
    order.save(update_fields=["structure"])
    _trace(order, "structure", "", "edited", by)
    return order


@transaction.atomic
def take_afresh(*, site: Site, number: str, by: User) -> WorksOrder:
    """Give a new order a new copy of its item's structure (S1)."""
    order = lock_order(site, number)
    require(refuse_edit(number, OrderStatus(order.status)))
    order.structure = freeze(site=site, contents=_contents(site, [(order.item, order.start_date)]))[0]
    order.save(update_fields=["structure"])
    _trace(order, "structure", "", "taken afresh", by)
    return order


@transaction.atomic
def release_orders(*, site: Site, numbers: Sequence[str], by: User) -> list[WorksOrder]:
    """Freeze the orders' own structures with the conversions of now, so that production can be booked (S1, Q4).

    `release_warnings` says what a person should know of them.
    """
    orders = _lock_orders(site, numbers)
    for order in orders:
        require(refuse_edit(order.number, OrderStatus(order.status)))
    copies = {order.structure_id: order.item for order in orders if order.structure_id is not None}
    phantoms = FrozenStructure.objects.filter(pk__in=copies).values_list("pk", "empty_phantoms")
    contents = _converted(dict(phantoms))
    for structure, item in copies.items():
        require_convertible(item, contents[structure].requirements)
    frozen = freeze(site=site, contents=[(item, contents[structure]) for structure, item in copies.items()])
    released = dict(zip(copies, frozen, strict=True))
    _set_released(orders, {before: after for before, after in released.items() if before != after.pk})
    _keep(_change(order, "status", order.status, OrderStatus.RELEASED, by) for order in orders)
    for order in orders:
        assert order.structure_id is not None, "every order takes a copy when it is created"
        order.structure = released[order.structure_id]
        order.status = OrderStatus.RELEASED
    return orders


def _set_released(orders: Sequence[WorksOrder], changed: Mapping[int, FrozenStructure]) -> None:
    """Write that orders are released; what they are made from only where conversions have changed since."""
    WorksOrder.objects.filter(pk__in=[order.pk for order in orders]).update(status=OrderStatus.RELEASED)
    for before, after in changed.items():
        own = [order.pk for order in orders if order.structure_id == before]
        WorksOrder.objects.filter(pk__in=own).update(structure=after)


def release_order(*, site: Site, number: str, by: User) -> WorksOrder:
    """Release one order."""
    return release_orders(site=site, numbers=[number], by=by)[0]


def _converted(copies: Mapping[int, Sequence[str]]) -> dict[int, Explosion]:
    """The content of some orders' own structures with the conversions of now; `copies` are their empty phantoms."""
    requirements: dict[int, list[Requirement]] = {structure: [] for structure in copies}
    for line in FrozenLine.objects.filter(structure__in=copies).order_by("structure", "position"):
        requirements[line.structure_id].append(requirement_of(line))
    conversions = converter(
        {step.component.item for lines in requirements.values() for line in lines for step in line.steps}
    )

    def factor(component: Component, unit: str) -> Fraction | None:
        return conversions.factor(component.item, unit, component.unit)

    return {
        structure: Explosion(tuple(line.converted(factor) for line in lines), tuple(copies[structure]))
        for structure, lines in requirements.items()
    }


@transaction.atomic
def reset_order(*, site: Site, number: str, by: User) -> WorksOrder:
    """Take a released order with nothing booked back to new."""
    return _move_on(lock_order(site, number), OrderStatus.NEW, refuse_reset, by)


@transaction.atomic
def complete_order(*, site: Site, number: str, by: User) -> WorksOrder:
    """Say that no more is made on an order. What is unresolved of it can still be settled afterwards."""
    return _move_on(lock_order(site, number), OrderStatus.COMPLETE, refuse_completion, by)


@transaction.atomic
def reopen_order(*, site: Site, number: str, by: User) -> WorksOrder:
    """Take bookings on a complete order again."""
    return _move_on(lock_order(site, number), OrderStatus.OPEN, refuse_reopening, by)


@transaction.atomic
def cancel_order(*, site: Site, number: str, by: User, remarks: str = "") -> WorksOrder:
    """Give up an order with nothing booked."""
    return _move_on(lock_order(site, number), OrderStatus.CANCELLED, refuse_cancelling, by, remarks)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionIn:
    """Another quantity or due date for an order; what is None stays."""

    number: str
    quantity: Decimal | None = None
    due_date: date | None = None
    remarks: str = ""


@transaction.atomic
def revise_orders(revisions: Sequence[RevisionIn], *, site: Site, by: User) -> list[WorksOrder]:
    """Change the quantities or due dates of some orders, with a trace."""
    orders = _lock_orders(site, [revision.number for revision in revisions])
    changes = []
    for order, revision in zip(orders, revisions, strict=True):
        require(refuse_revising(order.number, OrderStatus(order.status)))
        changes += _revised(order, revision, by)
    WorksOrder.objects.bulk_update(orders, ["quantity", "due_date"])
    _keep(changes)
    return orders


def revise_order(
    *,
    site: Site,
    number: str,
    by: User,
    quantity: Decimal | None = None,
    due_date: date | None = None,
    remarks: str = "",
) -> WorksOrder:
    """Change one order's quantity or due date."""
    revision = RevisionIn(number=number, quantity=quantity, due_date=due_date, remarks=remarks)
    return revise_orders([revision], site=site, by=by)[0]


def _revised(order: WorksOrder, revision: RevisionIn, by: User) -> list[OrderChange]:
    changes = []
    if revision.quantity is not None:
        _require_whole(revision.quantity, order.factor, order.item, field="quantity")
        before, after = written(order.quantity), written(revision.quantity)
        changes.append(_change(order, "quantity", before, after, by, revision.remarks))
        order.quantity = revision.quantity
    if revision.due_date is not None:
        if revision.due_date < order.start_date:
            raise InvalidDates(f"{order.number} would be due before it starts.", field="due_date")
        before, after = str(order.due_date or ""), str(revision.due_date)
        changes.append(_change(order, "due date", before, after, by, revision.remarks))
        order.due_date = revision.due_date
    return changes


def _move_on(order: WorksOrder, status: OrderStatus, refuse: Refuses, by: User, remarks: str = "") -> WorksOrder:
    require(refuse(order.number, OrderStatus(order.status)))
    _trace(order, "status", order.status, status, by, remarks)
    order.status = status
    order.save(update_fields=["status"])
    return order


def _trace(order: WorksOrder, what: str, before: str, after: str, by: User, remarks: str = "") -> None:
    _keep([_change(order, what, before, after, by, remarks)])


def _change(order: WorksOrder, what: str, before: str, after: str, by: User, remarks: str = "") -> OrderChange:
    return OrderChange(
        site_id=order.site_id,
        order=order,
        what=what,
        before=before,
        after=after,
        by=by,
        at=timezone.now(),
        remarks=remarks,
    )


def require(refusal: Refusal | None) -> None:
    """Raise a refusal that the core gave, if it gave one."""
    if refusal is not None:
        raise refusal


def lock_order(site: Site, number: str) -> WorksOrder:
    """One works order with its job, locked for whatever is done with it."""
    return _lock_orders(site, [number])[0]


def _lock_orders(site: Site, numbers: Sequence[str]) -> list[WorksOrder]:
    """Orders with their jobs, locked in the order of the jobs; answered in the order asked."""
    return orders_numbered(site, numbers, lock=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingIn:
    """Production on a works order as it is reported: good and scrapped pieces in the order's unit.

    The goods' batch, serial numbers or bin are needed where the item or the place they go to asks for them (B8).
    """

    order: str
    good: Decimal
    scrap: Decimal = ZERO
    at: datetime | date | None = None
    key: str = ""
    batch: str = ""
    serials: Sequence[str] = ()
    bin: str = ""
    scrap_reason: str = ""

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


@transaction.atomic
def book_production_many(bookings: Sequence[BookingIn], *, site: Site, by: User) -> list[Booking]:
    """Take what was made into stock and assume what went into it: all of the bookings, or none (B1 to B6).

    A booking whose key was posted before answers with that posting's booking.
    """
    claims = claim_keys(site=site, requests=[booking.request() for booking in bookings])
    fresh = _first_of_each_key(booking for booking in bookings if booking.key not in claims.posted)
    orders, rules = bookable(site, [one.order for one in fresh], lock=True)
    batch = [booking_made(one, orders[one.order], rules, site=site, key=claims.new.get(one.key)) for one in fresh]
    posted = post_bookings(batch, site=site, by=by)
    _open(orders.values(), site, by)
    done = {one.key: booking for one, booking in zip(fresh, posted, strict=True) if one.key}
    done |= _bookings_of(claims.posted)
    in_turn = iter([booking for one, booking in zip(fresh, posted, strict=True) if not one.key])
    return [done[one.key] if one.key else next(in_turn) for one in bookings]


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
        lambda: _stocked(booking.good, order.factor, order.item, field="good"),
        lambda: _stocked(booking.scrap, order.factor, order.item, field="scrap"),
        lambda: _require_anything(booking, order.item),
        lambda: require_rule(rules, _completion(order.item), site),
        lambda: require_rule(rules, backflush, site) if backflush else None,
        lambda: event_time(site, booking.at),
    )
    for check in checks:
        try:
            check()
        except Refusal as refusal:
            yield refusal


def _require_anything(report: "BookingIn | ProductionIn", item: Item) -> None:
    if not report.good and not report.scrap:
        raise InvalidQuantity(f"{item.code}: enter what was made, good or scrap.", field="good")


def _completion(item: Item) -> Action:
    code = item.type_code
    if code.completion is None:
        raise NoCompletionAction(
            f"Type code {code.code} has no completion action, so {item.code} can't be booked. "
            "Ask an engineer to add one.",
            field="item",
        )
    return code.completion


def made_of(
    item: Item,
    report: "BookingIn | ProductionIn",
    rules: Mapping[int, TransferRule],
    *,
    site: Site,
    key: int | None,
    process: Process,
    factor: Fraction,
    structure: int | None,
    draft: Sequence[FrozenLine] = (),
    job: Job | None = None,
) -> Made:
    """What a report of production comes to; refused where its quantities or the item's actions don't do (B1, Q5)."""
    good = _stocked(report.good, factor, item, field="good")
    scrap = _stocked(report.scrap, factor, item, field="scrap")
    _require_anything(report, item)
    require_short(report.scrap_reason, SCRAP_REASON_LENGTH, field="scrap_reason", what="A scrap reason")
    backflush = item.type_code.backflush
    return Made(
        item=item,
        process=process,
        at=event_time(site, report.at),
        good=report.good,
        scrap=report.scrap,
        good_stock=good,
        quantity=good + scrap,
        goods_rule=require_rule(rules, _completion(item), site),
        backflush_rule=require_rule(rules, backflush, site) if backflush else None,
        structure=structure,
        draft=draft,
        job=job,
        key=key,
        batch=report.batch,
        serials=tuple(report.serials),
        bin=report.bin,
        scrap_reason=report.scrap_reason,
    )


def _open(orders: Iterable[WorksOrder], site: Site, by: User) -> None:
    """The first booking opens an order; the site may have it completed by itself once it is full (B6).

    The posting itself is the trace of the opening (`opened_by`), so that none is written with each first booking.
    """
    full = [order for order in orders if _completes_itself(order, site)]
    _turn([order for order in orders if order.status == OrderStatus.RELEASED], OrderStatus.OPEN)
    if full:
        _keep(_change(order, "status", str(order.status), OrderStatus.COMPLETE, by, "full") for order in full)
        _turn(full, OrderStatus.COMPLETE)


def _turn(orders: Sequence[WorksOrder], status: OrderStatus) -> None:
    if orders:
        WorksOrder.objects.filter(pk__in=[order.pk for order in orders]).update(status=status)
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
        _turn([order], OrderStatus.OPEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionIn:
    """Production without an order as it is reported, in the stock unit: kits and manufactured items (B5)."""

    item: str
    good: Decimal
    scrap: Decimal = ZERO
    at: datetime | date | None = None
    key: str = ""
    batch: str = ""
    serials: Sequence[str] = ()
    bin: str = ""
    scrap_reason: str = ""


@transaction.atomic
def produce(production: ProductionIn, *, site: Site, by: User) -> Booking:
    """Take in what was made without an order, and assume what went into it from the structure of its day (S1)."""
    content = {
        "item": production.item,
        "good": production.good,
        "scrap": production.scrap,
        "at": production.at,
        "batch": production.batch,
        "serials": sorted(production.serials),
        "bin": production.bin,
        "scrap_reason": production.scrap_reason,
    }
    claims = claim_keys(site=site, requests=[Request(production.key, "produce", content)])
    if production.key in claims.posted:
        return Booking.objects.get(posting=claims.posted[production.key])
    made = production_made(production, site=site, key=claims.new.get(production.key), write=True)
    return post_bookings([made], site=site, by=by)[0]


def production_made(production: ProductionIn, *, site: Site, key: int | None, write: bool) -> Made:
    """What a production without order comes to; a preview writes nothing, so its structure stays a draft."""
    item = producible(production.item)
    day = day_at(site, event_time(site, production.at))
    structure, draft = structure_of_day(site=site, item=item, day=day, write=write)
    return made_of(
        item,
        production,
        _action_rules(site, item.type_code.completion, item.type_code.backflush),
        site=site,
        key=key,
        process=Process.PRODUCTION,
        factor=Fraction(1),
        structure=structure.pk,
        draft=draft,
    )


def producible(code: str) -> Item:
    """An item that can be made without an order: a kit or a manufactured one (W)."""
    item = item_coded(code)
    if item.component_class not in {ComponentClass.KIT, ComponentClass.MADE}:
        raise WrongClass(
            f"{item.code} is {item.get_component_class_display()}. Only kits and manufactured items can be produced.",
            field="item",
        )
    return item


def _action_rules(site: Site, *actions: Action | None) -> dict[int, TransferRule]:
    return single_rules(site, {action.pk for action in actions if action is not None})
