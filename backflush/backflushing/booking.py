"""Booking reports of what was made or received, of any kind and any number, in one transaction.

`take_reports` shows the flow: keys, subjects, plans, posting. A room declares what its reports are booked on
(`report_kinds`); keys, the order of locks, the checks of a report and its posting are the same for all of them.
"""

from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import chain, groupby
from typing import Any, TypeVar

from django.db import transaction

from backflush.backflushing.consumption import UseBook
from backflush.backflushing.day_structures import with_structures_of_day
from backflush.backflushing.entered_units import in_unit_of_subject
from backflush.backflushing.models import Booking
from backflush.backflushing.report_kinds import PlannedBooking, Report, ReportKinds, Subject, Subjects, SubjectsByKind
from backflush.backflushing.statements import ADD_BOOKINGS
from backflush.core.counts import effects_of
from backflush.core.moves import Move, Stock, plan_posting, stock_keys_of
from backflush.core.quantity import advance, convert
from backflush.core.refusals import Archived, InvalidQuantity, NotFound, Refusal
from backflush.core.text import require_short
from backflush.counts.corrections import CorrectedPosting
from backflush.db.gc_pause import no_search
from backflush.db.statements import insert
from backflush.ledger.idempotency import Claims, claim_keys
from backflush.ledger.lot_allocation import named_moves
from backflush.ledger.models import CostObject, Posting
from backflush.ledger.posting import Entry, advance_cost_objects, lock_balances, post
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import bins_of, event_time, place_in_bin, place_of, require_rule

SCRAP_REASON_LENGTH = 60
Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class ReportResult:
    """The outcome of a report: booked, repeated under its key, or refused with at least one reason.

    The `booking` of a repeated report is that of the first report under its key.
    """

    report: Report | Refusal
    booking: Booking | None = None
    repeated: bool = False
    refusals: Sequence[Refusal] = ()


@transaction.atomic
def take_reports(
    reports: Sequence[Report], kinds: ReportKinds, *, site: Site, by: User, in_turn: bool = False
) -> list[ReportResult]:
    """Post reports: goods into stock, and the assumed use of components out of it. All of the reports, or none (B1 to
    B6).

    A report whose key was posted before returns that posting's booking. With `in_turn`, a report is refused as it would
    be if each were in a call of its own. Raises the first refusal of the first refused report. Locks keys, then the
    subjects by kind, frozen structures, and balances (docs/decisions/0003).
    """
    if any(kind.may_complete for kind in kinds) or any(report.units for report in reports):
        reports = _all_completed(reports, kinds, site)
    requests = [report.request() for report in reports if report.key]
    claims = claim_keys(site=site, requests=requests) if requests else Claims({}, {})
    # Each report by its key, or its place where it has none; of several with one key the first is posted.
    names = [report.key or place for place, report in enumerate(reports)]
    fresh: dict[str | int, int] = {}
    for place, name in enumerate(names):
        if name not in claims.posted:
            fresh.setdefault(name, place)
    bookings: dict[str | int, Booking] = dict(_bookings_of(claims.posted)) if claims.posted else {}
    if fresh:
        new = [reports[place] for place in fresh.values()]
        subjects = subjects_of(new, kinds, site=site, lock=True)
        batch = []
        for report in new:
            own = subjects[type(report)]
            planned = checked(report, own, key_id=claims.new.get(report.key))
            if isinstance(planned, list):
                raise planned[0]
            if in_turn:
                own.count(report)
            batch.append(planned)
        bookings.update(zip(fresh, post_bookings(batch, site=site, by=by), strict=True))
        for some in {id(one): one for one in subjects.values()}.values():
            some.note_booked(by)
    return [
        ReportResult(report, bookings[name], repeated=fresh.get(name) != place)
        for place, (name, report) in enumerate(zip(names, reports, strict=True))
    ]


def completed_reports(reports: Sequence[Report], kinds: ReportKinds, *, site: Site) -> list[Report | Refusal]:
    """Return reports with omitted fields filled in and quantities in one unit, or in place of one why it is refused."""
    done: list[Report | Refusal] = list(reports)
    for kind in kinds:
        places = [place for place, report in enumerate(reports) if type(report) is kind.report and kind.may_complete]
        filled = kind.completed([reports[place] for place in places], site) if places else ()
        for place, report in zip(places, filled, strict=True):
            done[place] = report
        entered = {place: one for place, one in enumerate(done) if isinstance(one, kind.report) and one.units}
        converted = in_unit_of_subject(list(entered.values()), kind, site=site) if entered else ()
        for place, report in zip(entered, converted, strict=True):
            done[place] = report
    return done


def _all_completed(reports: Sequence[Report], kinds: ReportKinds, site: Site) -> list[Report]:
    done = []
    for report in completed_reports(reports, kinds, site=site):
        if isinstance(report, Refusal):
            raise report
        done.append(report)
    return done


def subjects_of(reports: Sequence[Report], kinds: ReportKinds, *, site: Site, lock: bool) -> SubjectsByKind:
    """Return the subjects of reports by their kind, locked in the one order of locks (docs/decisions/0003).

    Kinds with one place in that order are booked on the same subjects, which the first of them finds: so each order is
    read once, and is full after the reports of all of them.
    """
    found: dict[type[Report], Subjects[Any]] = {}
    for _, group in groupby(sorted(kinds, key=lambda kind: kind.lock_order), key=lambda kind: kind.lock_order):
        alike = [*group]
        own = [report for report in reports if type(report) in {kind.report for kind in alike}]
        if own:
            found |= dict.fromkeys(map(type, own), alike[0].subjects(own, site=site, lock=lock))
    return found


def _bookings_of(posted: Mapping[str, Posting]) -> Iterator[tuple[str, Booking]]:
    """Yield the keys that were posted under before, each with its booking."""
    bookings = {booking.posting_id: booking for booking in Booking.objects.filter(posting__in=posted.values())}
    return ((key, bookings[posting.pk]) for key, posting in posted.items())


def checked(report: Report, subjects: Subjects[Any], *, key_id: int | None = None) -> PlannedBooking | list[Refusal]:
    """Return the plan of a report, or every reason why it can't be booked, in the order in which they are checked.

    Not checked here: the structure of the day, and the batch, serial numbers and bin of the goods.
    """
    try:
        subject = subjects.subject(report)
    except (NotFound, Archived) as refusal:
        return [refusal]
    refusals, values = list(subject.refusals), {}
    if not subject.good and not subject.scrap:
        refusals.append(_nothing_reported(subject))
    for name, check in _checks(report, subject, subjects).items():
        try:
            values[name] = check()
        except Refusal as refusal:
            refusals.append(refusal)
    if refusals:
        return refusals
    return PlannedBooking(
        report=report,
        subject=subject,
        at=values["at"],
        good_stock=values["good"],
        scrap_stock=values["scrap"],
        produced=values["good"] + values["scrap"],
        goods_rule=values["goods_rule"],
        backflush_rule=values["backflush_rule"],
        structure_id=subject.structure_id,
        key_id=key_id,
    )


def _checks(report: Report, subject: Subject, subjects: Subjects[Any]) -> Mapping[str, Callable[[], Any]]:
    """Return everything for which a report may be refused once its subject is known, by the fact that it gives."""
    item, rules, site = subject.item, subjects.rules, subjects.site
    goods, backflush = subject.goods_action, item.type_code.backflush
    good_field, scrap_field = subject.amount_fields
    in_stock_unit = partial(
        convert,
        factor=Fraction(1) if subject.in_stock_unit else subject.factor,
        decimals=item.quantity_decimals,
        what=item.code,
        units=lambda: (subject.unit_code(), item.stock_unit.code),
    )
    return {
        "good": lambda: in_stock_unit(subject.good, field=good_field),
        "scrap": lambda: in_stock_unit(subject.scrap, field=scrap_field),
        "scrap_reason": lambda: (
            subject.scrap_reason
            and require_short(subject.scrap_reason, SCRAP_REASON_LENGTH, field="scrap_reason", what="A scrap reason")
        ),
        "at": lambda: event_time(site, report.at),
        "goods_rule": lambda: require_rule(rules, goods, site) if goods else None,
        "backflush_rule": lambda: require_rule(rules, backflush, site) if backflush else None,
    }


def _nothing_reported(subject: Subject) -> InvalidQuantity:
    good, scrap = subject.amount_fields
    return InvalidQuantity(
        "{item}: enter a quantity, {good} or {scrap}.", item=subject.item.code, good=good, scrap=scrap, field=good
    )


def goods_refusals(batch: Mapping[Name, PlannedBooking]) -> Iterator[tuple[Name, Refusal]]:
    """Yield why the goods lack a batch, serial numbers or a bin, or name what they shouldn't (B8)."""
    bins = goods_bins(batch.values())
    for name, planned in batch.items():
        try:
            goods_moves(planned, bins=bins)
        except Refusal as refusal:
            yield name, refusal


def post_bookings(batch: Sequence[PlannedBooking], *, site: Site, by: User) -> list[Booking]:
    """Post some plans: goods into stock, assumed use out of it, bookings and progress of their cost objects.

    The cost objects are locked. Bookings are planned one after the other on the same locked stock, so each finds what
    the ones before have left. Raises `NoConversion`, `SameLocation`, `InsufficientStock`, `QuantityTooLarge`,
    `PeriodClosed`, and what the goods are refused for (B8).
    """
    if any(planned.structure_id is None for planned in batch):
        batch = with_structures_of_day(batch, site=site)
    with no_search() if len(batch) > 1 else nullcontext():
        uses = UseBook(site.pk, batch)
        due = [uses.due(planned) for planned in batch]
        bins = goods_bins(batch)
        goods = [goods_moves(planned, bins=bins) for planned in batch]
        stock = lock_balances(site=site, stock_keys=stock_keys_of(move for moves in (*goods, *due) for move in moves))
        plans = [*zip(batch, goods, due, strict=True)]
        if stock.counted:
            postings = _post_corrected(plans, site=site, by=by, stock=stock)
        else:
            postings = post([_entry(*plan, stock) for plan in plans], site=site, by=by, stock=stock)
        return _record(batch, postings)


def _entry(planned: PlannedBooking, made: Sequence[Move], used: Sequence[Move], stock: Stock) -> Entry:
    """Plan a booking on the locked stock: goods must move, assumed use may wait."""
    return Entry(
        process=planned.subject.process,
        at=planned.at,
        plan=plan_posting(made, used, stock),
        key_id=planned.key_id,
        cost_object_id=planned.subject.cost_object.pk if planned.subject.cost_object else None,
    )


def _post_corrected(
    plans: Sequence[tuple[PlannedBooking, Sequence[Move], Sequence[Move]]], *, site: Site, by: User, stock: Stock
) -> list[Posting]:
    """Post bookings at locations that were counted, with the corrections of counts of a later time (H4)."""
    effects = [effects_of([*made, *used], at=planned.at) for planned, made, used in plans]
    corrected = CorrectedPosting(site=site, stock=stock, effects=chain.from_iterable(effects))
    for own, plan in zip(effects, plans, strict=True):
        corrected.add(own, partial(_entry, *plan, stock))
    return corrected.post(by=by)


def goods_bins(batch: Iterable[PlannedBooking]) -> set[tuple[int, str]]:
    """Return the bins in use at the locations that some goods go to, where any report names a bin."""
    locations = {planned.goods_rule.target_id for planned in batch if planned.report.bin}
    return bins_of(locations, into=True) if locations else set()


def goods_moves(planned: PlannedBooking, *, bins: Container[tuple[int, str]]) -> list[Move]:
    """Return the good quantity as moves into stock, with its batch, serial numbers or bin (B8); scrap goes nowhere.

    `bins` are those in use. Raises `BatchRequired`, `SerialsRequired`, `BinRequired`, `NotFound`, `Ended` and
    `InvalidValue`.
    """
    if not planned.good_stock:
        return []
    rule, report, cost_object = planned.goods_rule, planned.report, planned.subject.cost_object
    return named_moves(
        item=planned.subject.item,
        quantity=planned.good_stock,
        source=place_of(rule.source),
        target=place_in_bin(rule.target, report.bin, into=True, known=bins),
        batch=report.batch,
        serials=report.serials,
        cost_object_id=cost_object.pk if cost_object else None,
        rule_id=rule.pk,
    )


def _record(batch: Sequence[PlannedBooking], postings: Sequence[Posting]) -> list[Booking]:
    """Write the bookings beside their postings, and advance their cost objects."""
    bookings = []
    cost_objects: dict[int, CostObject] = {}
    for planned, posting in zip(batch, postings, strict=True):
        subject, rule = planned.subject, planned.backflush_rule
        booking = Booking(
            site_id=posting.site_id,
            posting=posting,
            cost_object_id=posting.cost_object_id,
            item_id=subject.item.pk,
            good=subject.good,
            scrap=subject.scrap,
            produced=planned.produced,
            scrap_reason=subject.scrap_reason,
            details=planned.report.details() if planned.report.keeps_details else None,
            structure_id=planned.structure_id,
            assumed=rule is not None,
            type_code_id=subject.item.type_code_id,
            rule_id=rule.pk if rule else None,
        )
        bookings.append(booking)
        if subject.cost_object is not None:
            order = cost_objects.setdefault(subject.cost_object.pk, subject.cost_object)
            if subject.in_stock_unit:
                _set_in_unit_of_order(booking, order, planned)
            order.good += booking.good
            order.scrap += booking.scrap
            if rule is not None:
                order.needs_replay |= order.structure_id not in {None, planned.structure_id}
                order.structure_id = planned.structure_id
                order.produced += planned.produced
    insert(ADD_BOOKINGS, bookings)
    advance_cost_objects(cost_objects.values())
    return bookings


def _set_in_unit_of_order(booking: Booking, order: CostObject, planned: PlannedBooking) -> None:
    """Set the amounts of a booking that was reported in the stock unit: as much as it advances the order by."""
    factor, decimals = planned.subject.factor, planned.subject.item.quantity_decimals
    booking.good = advance(order.good, planned.good_stock, factor, decimals) - order.good
    booking.scrap = advance(order.scrap, planned.scrap_stock, factor, decimals) - order.scrap
