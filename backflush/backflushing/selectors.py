"""Previews of bookings, and the recorded facts that explain an assumed quantity."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils import timezone

from backflush.backflushing.booking import checked
from backflush.backflushing.consumption import (
    FrozenLines,
    UseBook,
    due_moves,
    history_of,
    replay,
    use_line,
    usual_source,
)
from backflush.backflushing.day_structures import with_draft_of_day
from backflush.backflushing.models import Booking
from backflush.backflushing.report_kinds import Report, Subject, Subjects
from backflush.core.consumption import AssumedUse, CumulativeUse, UseLine, largest_good
from backflush.core.moves import Process, Reason, Status, StockKey, Tracking, plan_posting
from backflush.core.quantity import ZERO, round_half_up, smallest_step, written
from backflush.core.refusals import NotFound
from backflush.core.structure import PathStep
from backflush.db.fields import ExactSum
from backflush.items.models import Item
from backflush.ledger.models import Movement
from backflush.ledger.posting import read_balances
from backflush.ledger.selectors import movement_numbered, totals_at
from backflush.stockmap.models import Location, Site
from backflush.stockmap.selectors import day_at
from backflush.structures.models import FrozenLine, StructureLine
from backflush.structures.services import requirement_of
from backflush.unresolved.models import Settlement

CHUNK = 500


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """One component of a preview, in its stock unit: what will be assumed, and what of it can move.

    `there` is what is at the place before the booking, bins, batches and serials together; None where the place
    keeps no balance. `moves` would go through, `waits` would be unresolved, for `reason`.
    """

    path: str
    component: str
    unit: str
    source: str
    assumed: Decimal
    there: Decimal | None
    moves: Decimal
    waits: Decimal
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Preview:
    """The result of a preview (B7).

    `largest` is the largest good quantity without a shortage, at the scrap entered and in the order's unit (None: no
    limit). Lines that need a batch, serial numbers or a bin aren't short.
    """

    lines: tuple[PreviewLine, ...]
    largest: Decimal | None

    @property
    def short(self) -> list[PreviewLine]:
        """The lines that are short."""
        return [line for line in self.lines if line.reason is Reason.SHORT]

    @property
    def needing_choice(self) -> list[PreviewLine]:
        """The lines for which a person must choose the batch, serial numbers or bin."""
        return [line for line in self.lines if line.reason not in {None, Reason.SHORT}]


def preview(report: Report, subjects: Subjects[Any]) -> Preview:
    """Return what booking a report would do, planned as it would be; nothing is locked or written (B7).

    Raises the first refusal of the report.
    """
    site = subjects.site
    planned = checked(report, subjects)
    if isinstance(planned, list):
        raise planned[0]
    planned = with_draft_of_day(planned, site=site)
    if planned.backflush_rule is None:
        return Preview((), None)
    uses, usual = UseBook(site.pk, [planned], steps=True), usual_source(planned)
    pairs = uses.lines.of(planned.structure_id, received=planned.subject.received)
    places = [(line, use, line.source or usual) for line, use in pairs]
    stock_keys = {line.pk: StockKey(line.component_id, place.pk) for line, _, place in places if place.has_balance}
    stock = read_balances(site=site, stock_keys=set(stock_keys.values()))
    on_hand = {stock_key: stock.there(stock_key) for stock_key in stock_keys.values()}
    # From what the order has assumed so far, so before this booking is counted.
    largest = _largest(places, stock_keys, on_hand, uses.cumulative_use(planned.subject.cost_object), planned.subject)
    assumed = uses.book(planned)
    steps = plan_posting((), due_moves(planned, assumed), stock)
    there = totals_at(site, {line.component_id for line, _, _ in places}, {place.pk for _, _, place in places})
    moves = {step.move.line_id: step.move.quantity for step in steps.moved}
    waits = {step.move.line_id: step for step in steps.waiting}
    lines = (
        PreviewLine(
            path=line.path,
            component=line.component.code,
            unit=line.steps[-1]["stock_unit"],
            source=place.path,
            assumed=assumption.use.quantity,
            there=there.get((line.component_id, place.pk), ZERO) if place.has_balance else None,
            moves=moves.get(line.pk, ZERO),
            waits=waits[line.pk].move.quantity if line.pk in waits else ZERO,
            reason=waits[line.pk].reason if line.pk in waits else None,
        )
        for (line, _, place), assumption in zip(places, assumed, strict=True)
    )
    return Preview(tuple(lines), largest)


def _largest(
    places: Sequence[tuple[FrozenLine, UseLine, Location]],
    stock_keys: dict[int, StockKey],
    on_hand: dict[StockKey, Decimal],
    cumulative_use: CumulativeUse,
    subject: Subject,
) -> Decimal | None:
    limits = [
        (use, stock_keys[line.pk])
        for line, use, place in places
        if line.pk in stock_keys and line.component.tracking == Tracking.NONE and not place.bin_controlled
    ]
    if not limits:
        return None
    step = smallest_step(subject.factor, subject.item.quantity_decimals)
    scrap = Fraction(subject.scrap) / (subject.factor if subject.in_stock_unit else 1)
    return largest_good(limits, cumulative_use, on_hand, scrap=scrap, factor=subject.factor, step=step)


@dataclass(frozen=True, slots=True)
class UseOutcome:
    """The outcome of the use that one booking assumed of one line: assumed is the sum of all four (U8).

    `dropped` is negative if more was used than was due. `moved` is the quantity that the booking and its resolutions
    moved, whether or not it was reversed later.
    """

    moved: Decimal = ZERO
    unresolved: Decimal = ZERO
    cancelled: Decimal = ZERO
    dropped: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Explanation:
    """The recorded facts from which the quantity of a movement follows.

    Quantities are in the component's stock unit, `produced` and `produced_before` in the made item's. `use` is what
    the booking assumed of the line, of which this movement may be a part; `root` the assumed movement that it goes
    back to; `since` what has changed in the item's structure since.
    """

    movement: Movement
    booking: Booking
    line: FrozenLine
    steps: tuple[PathStep, ...]
    use: AssumedUse
    produced: Decimal
    produced_before: Decimal
    decimals: int
    root: Movement
    outcome: UseOutcome
    since: tuple[str, ...] = ()

    @property
    def exact(self) -> Fraction:
        """The exact requirement of everything booked so far, this booking included."""
        return self.use.exact_after

    @property
    def rounded(self) -> Decimal:
        """The exact requirement, rounded half up to the component's decimals."""
        return round_half_up(self.use.exact_after, self.decimals)


def explain(site: Site, number: int) -> Explanation:
    """Return the facts behind an assumed movement, or behind the one that a movement settles or reverses.

    Raises `NotFound` for a movement with a quantity that a person entered, and `Archived`.
    """
    movement = movement_numbered(site, number)
    root = _root(movement)
    if root.line_id is None:
        raise NotFound(
            "Movement {movement} wasn't assumed: {quantity} {unit} of {item} were entered for its {process}.",
            movement=number,
            quantity=movement.quantity,
            unit=movement.item.stock_unit.code,
            item=movement.item.code,
            process=Process(movement.posting.process),
            field="movement",
        )
    booking = Booking.objects.select_related(
        "cost_object",
        "item__stock_unit",
        "type_code",
        "rule__action",
        "rule__source",
        "rule__target",
        "posting__by",
        "reversed_by",
    ).get(posting=root.posting_id)
    line = FrozenLine.objects.select_related("component__stock_unit", "source").get(pk=root.line_id)
    steps = requirement_of(line).steps
    before = _bookings_before(booking)
    cumulative_use = _cumulative_use_before(booking, before)
    return Explanation(
        movement=movement,
        booking=booking,
        line=line,
        steps=steps,
        use=cumulative_use.would_assume(use_line(line), Fraction(booking.produced)),
        produced=booking.produced,
        produced_before=sum((earlier.produced for earlier in before if not _reversed_before(earlier, booking)), ZERO),
        decimals=line.component.quantity_decimals,
        root=root,
        outcome=_outcome(booking, line),
        since=tuple(_changes_since(booking.item, steps, day_at(site, timezone.now()))),
    )


def made_for_of(waiting: Sequence[Movement]) -> dict[int, str]:
    """Return what assumed movements are for, by number: the order, or the item made without one."""
    alone = [row for row in waiting if row.cost_object_id is None]
    roots = {row.pk: row.origin_id or row.pk for row in alone}
    wanted = sorted(set(roots.values()))
    made: dict[int, str] = {}
    for start in range(0, len(wanted), CHUNK):
        booked = Movement.objects.filter(pk__in=wanted[start : start + CHUNK], posting__booking__isnull=False)
        made.update(booked.values_list("pk", "posting__booking__item__code"))
    return {
        row.pk: row.cost_object.number if row.cost_object is not None else made.get(roots[row.pk], row.posting.process)
        for row in waiting
    }


def _outcome(booking: Booking, line: FrozenLine) -> UseOutcome:
    """Return what became of a booking's use of a line: its movements, kept remainders, and settlements.

    The rows are looked up by number, step by step: by line or origin at once, a database would read the whole ledger.
    """
    own = Movement.objects.filter(posting=booking.posting_id, line=line.pk, reverses__isnull=True)
    family = list(own.values_list("pk", "status", "quantity", "due"))
    kept = Movement.objects.filter(origin__in=[row[0] for row in family], reverses__isnull=True, due__isnull=False)
    family += kept.values_list("pk", "status", "quantity", "due")
    standing = Settlement.objects.filter(movement__in=[row[0] for row in family], undone_by__isnull=True).aggregate(
        moved=ExactSum("moved"), dropped=ExactSum("dropped")
    )

    def due(status: Status) -> Decimal:
        return sum((waits for _, is_now, _, waits in family if is_now == status and waits is not None), ZERO)

    return UseOutcome(
        moved=sum((moved for _, _, moved, _ in family), ZERO) + (standing["moved"] or ZERO),
        unresolved=due(Status.UNRESOLVED),
        cancelled=due(Status.CANCELLED),
        dropped=standing["dropped"] or ZERO,
    )


def _changes_since(made: Item, steps: Sequence[PathStep], today: date) -> Iterator[str]:
    """Yield where the item's structure differs today from the lines that were used."""
    parent = made.pk
    for step in steps:
        lines = StructureLine.objects.filter(item=parent, number=step.number, component=step.component.item)
        versions = list(lines.select_related("unit").order_by("starts", "pk"))
        current = [line for line in versions if _in_force(line, today)]
        name = f"line {step.number} ({step.component.code})"
        if not current:
            ended = [line.ends for line in versions if line.ends is not None and line.ends < today]
            yield f"{name} ended on {max(ended):%d %b %Y}" if ended else f"{name} isn't in the structure any more"
        elif (current[0].quantity, current[0].unit.code, current[0].waste) != (step.quantity, step.unit, step.waste):
            waste = f" with {written(current[0].waste)} % waste" if current[0].waste else ""
            yield f"{name} has {written(current[0].quantity)} {current[0].unit.code}{waste} today"
        parent = step.component.item


def _in_force(line: StructureLine, day: date) -> bool:
    return (line.starts is None or line.starts <= day) and (line.ends is None or day <= line.ends)


def _root(movement: Movement) -> Movement:
    """Return the assumed movement that one goes back to, through the one it reverses and the one it settles."""
    if movement.reverses_id is not None:
        movement = movement_numbered(movement.site, movement.reverses_id)
    if movement.origin_id is not None:
        movement = movement_numbered(movement.site, movement.origin_id)
    return movement


def _bookings_before(booking: Booking) -> list[Booking]:
    if booking.cost_object_id is None:
        return []
    return [
        earlier
        for earlier in history_of(booking.site_id, [booking.cost_object_id])
        if earlier.posting_id < booking.posting_id
    ]


def _reversed_before(earlier: Booking, booking: Booking) -> bool:
    return earlier.reversed_by_id is not None and earlier.reversed_by_id < booking.posting_id


def _cumulative_use_before(booking: Booking, before: list[Booking]) -> CumulativeUse:
    """Return what the order had assumed before a booking; bookings that were reversed later still counted."""
    for earlier in before:
        if not _reversed_before(earlier, booking):
            earlier.reversed_by_id = None
    lines = FrozenLines(
        booking.site_id, {earlier.structure_id for earlier in before if earlier.structure_id is not None}
    )
    return replay(before, lines).get(booking.cost_object_id or 0, CumulativeUse())
