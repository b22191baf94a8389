"""The use that bookings assume of each frozen structure line, and the cumulative use of each order (Q3)."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from backflush.backflushing.models import Booking
from backflush.backflushing.report_kinds import PlannedBooking
from backflush.backflushing.statements import FROZEN_LINES, FROZEN_LINES_WITH_STEPS
from backflush.core.consumption import AssumedUse, CumulativeUse, UseLine
from backflush.core.moves import Move, Tracking
from backflush.core.refusals import SameLocation
from backflush.ledger.models import CostObject, CostObjectKind
from backflush.stockmap.models import Location, ShortRule, TransferRule
from backflush.stockmap.selectors import place_of
from backflush.structures.models import FrozenLine


class Assumption(NamedTuple):
    """The use that a booking assumes of one frozen line."""

    line: FrozenLine
    use: AssumedUse


LinePair = tuple[FrozenLine, UseLine]
"""A frozen line, with its values for the arithmetic."""


class FrozenLines:
    """The lines of some frozen structures of which use is assumed: all but those issued by hand.

    `drafts` are lines that aren't written, for previews. The `steps` of lines are read where they are to be shown.
    """

    def __init__(
        self, site_id: int, structures: Collection[int], drafts: Iterable[FrozenLine] = (), *, steps: bool = False
    ) -> None:
        statement = FROZEN_LINES_WITH_STEPS if steps else FROZEN_LINES
        rows = statement.rows(site_id=site_id, structures=sorted(structures)) if structures else ()
        self.lines: dict[int, list[LinePair]] = {structure: [] for structure in structures}
        for line in (*(line for line, _, _ in rows), *drafts):
            if not line.by_hand:
                self.lines[line.structure_id].append((line, use_line(line)))

    def of(self, structure_id: int | None, *, received: bool) -> list[LinePair]:
        """Return the lines of a structure in order, for a receipt without those that the supplier provides."""
        assert structure_id is not None, "the structure is frozen before posting"
        pairs = self.lines[structure_id]
        return [pair for pair in pairs if not pair[0].supplier_provides] if received else pairs


def use_line(line: FrozenLine) -> UseLine:
    """Return what the arithmetic needs of a frozen line."""
    assert line.per_piece is not None, "release and receipt refuse lines without a conversion"
    assert line.fixed_exact is not None
    component = line.component
    return UseLine(line.id, line.path, component.id, component.quantity_decimals, line.per_piece, line.fixed_exact)


class UseBook:
    """The use that each of some bookings assumes, one after the other, and what orders have assumed before.

    What an order has assumed follows from its `CostObject` row. The history of its bookings is read only where one was
    reversed or the structure changed in between (`needs_replay`).
    """

    def __init__(
        self, site_id: int, batch: Iterable[PlannedBooking], orders: Iterable[CostObject] = (), *, steps: bool = False
    ) -> None:
        assuming = [planned for planned in batch if planned.backflush_rule is not None]
        orders = [*orders, *(one.subject.cost_object for one in assuming if one.subject.cost_object is not None)]
        replayed = {order.pk for order in orders if order.needs_replay}
        history = history_of(site_id, replayed) if replayed else []
        named = [owner.structure_id for some in (assuming, orders, history) for owner in some]
        structures = {structure_id for structure_id in named if structure_id is not None}
        drafts = [line for planned in assuming for line in planned.draft_lines]
        self.lines = FrozenLines(site_id, structures, drafts, steps=steps)
        self._so_far = replay(history, self.lines) if history else {}
        self._first: dict[int, PlannedBooking] = {}
        self._shared: dict[tuple[object, ...], list[Move]] = {}
        self._booked = 0

    def due(self, planned: PlannedBooking) -> list[Move]:
        """Return the moves of what a booking assumes, and count it for the bookings after it.

        First bookings of orders with equal assumptions share their moves: nothing before them counts, and the
        moves name no cost object. So a thousand new orders of one item are worked out once.
        """
        rule, subject = planned.backflush_rule, planned.subject
        if rule is None:
            return []
        order = subject.cost_object
        if order is None or order.produced or order.needs_replay or order.pk in self._so_far or order.pk in self._first:
            return due_moves(planned, self.book(planned))
        place = subject.supplier_stock
        alike = planned.structure_id, subject.received, planned.produced, rule.pk, place.pk if place else None
        if alike in self._shared:
            self._first[order.pk] = planned
        else:
            self._shared[alike] = due_moves(planned, self.book(planned))
        return self._shared[alike]

    def book(self, planned: PlannedBooking) -> list[Assumption]:
        """Return what a booking assumes of each line, and count it for the bookings after it."""
        pairs = self.lines.of(planned.structure_id, received=planned.subject.received)
        so_far = self.cumulative_use(planned.subject.cost_object)
        self._booked += 1
        # A number that no recorded booking has.
        uses = so_far.book(-self._booked, [use for _, use in pairs], planned.produced)
        return [Assumption(line, use) for (line, _), use in zip(pairs, uses, strict=True)]

    def cumulative_use(self, order: CostObject | None) -> CumulativeUse:
        """Return what an order has assumed so far; nothing for a production without order.

        Without a reversal and with one structure, it follows from the number of pieces produced.
        """
        if order is None:
            return CumulativeUse()
        if order.pk not in self._so_far:
            assert not order.needs_replay or not order.produced, "the history of its bookings was read"
            so_far = self._so_far[order.pk] = CumulativeUse()
            if order.produced:
                pairs = self.lines.of(order.structure_id, received=order.kind == CostObjectKind.PURCHASE_ORDER)
                so_far.book(0, [use for _, use in pairs], order.produced)
            if order.pk in self._first:
                self.book(self._first.pop(order.pk))
        return self._so_far[order.pk]


def usual_source(planned: PlannedBooking) -> Location:
    """Return where a component without a from-location of its line is taken from: the supplier's stock, or the rule's.

    The line's own from-location comes before both (S7).
    """
    assert planned.backflush_rule is not None, "without a rule nothing is taken"
    return planned.subject.supplier_stock or planned.backflush_rule.source


def due_moves(planned: PlannedBooking, assumed: Sequence[Assumption]) -> list[Move]:
    """Return the assumed use of a booking as moves, in line order, without lines that round to nothing yet.

    They name no cost object: it is that of the posting. Raises `SameLocation`.
    """
    rule, usual = planned.backflush_rule, usual_source(planned)
    assert rule is not None, "without a rule nothing is assumed"
    used = [(line, use.quantity, line.source or usual) for line, use in assumed if use.quantity]
    ends = {rule.target_id: rule.target, **{source.id: source for _, _, source in used}}
    places = {location_id: place_of(location) for location_id, location in ends.items()}
    target = places[rule.target_id]
    parts_allowed = rule.action.short == ShortRule.PART
    moves = []
    for line, quantity, source in used:
        place, component = places[source.id], line.component
        if place is target:
            raise same_location(line, source, rule)
        assert component.cost_id is not None, "every item has a cost from its start"
        moves.append(
            Move(
                item_id=component.id,
                quantity=quantity,
                source=place,
                target=target,
                cost_id=component.cost_id,
                tracking=Tracking(component.tracking),
                charged=1,
                rule_id=rule.id,
                line_id=line.id,
                parts_allowed=parts_allowed,
            )
        )
    return moves


def require_two_ends(planned: PlannedBooking, lines: FrozenLines) -> None:
    """Refuse a booking of which any line would be taken from where it goes to (`SameLocation`)."""
    rule = planned.backflush_rule
    if rule is None:
        return
    usual = usual_source(planned)
    for line, _ in lines.of(planned.structure_id, received=planned.subject.received):
        source = line.source or usual
        if source.pk == rule.target_id:
            raise same_location(line, source, rule)


def same_location(line: FrozenLine, source: Location, rule: TransferRule) -> SameLocation:
    """Return why a line can't be taken from where its rule puts it."""
    return SameLocation(
        "Line {line} takes {item} from {location}, which is also where {action} puts it. Give the line another "
        "from-location.",
        line=line.path,
        item=line.component.code,
        location=source.path,
        action=rule.action.name,
        field="from",
    )


def history_of(site_id: int, cost_objects: Collection[int]) -> list[Booking]:
    """Return the bookings of some orders that assumed anything, reversed ones too, in the order of recording."""
    bookings = Booking.objects.filter(site=site_id, cost_object__in=cost_objects, assumed=True)
    return list(bookings.select_related("cost_object").order_by("posting"))


def events_of(history: Sequence[Booking]) -> list[tuple[int, Booking, bool]]:
    """Return bookings and their reversals in the order of recording, by posting number; true marks a reversal."""
    events = [(booking.posting_id, booking, False) for booking in history]
    events += [(booking.reversed_by_id, booking, True) for booking in history if booking.reversed_by_id is not None]
    return sorted(events, key=lambda event: event[0])


def replay(history: Sequence[Booking], lines: FrozenLines) -> dict[int, CumulativeUse]:
    """Return what orders have assumed after their recorded bookings and reversals, by cost object."""
    cumulative_uses: dict[int, CumulativeUse] = {}
    for _, booking, reversed_ in events_of(history):
        assert booking.cost_object is not None
        assert booking.structure_id is not None
        cumulative_use = cumulative_uses.setdefault(booking.cost_object.pk, CumulativeUse())
        if reversed_:
            cumulative_use.take_back(booking.pk)
        else:
            received = booking.cost_object.kind == CostObjectKind.PURCHASE_ORDER
            pairs = lines.of(booking.structure_id, received=received)
            cumulative_use.book(booking.pk, [use for _, use in pairs], booking.produced)
    return cumulative_uses


def cumulative_use_of(order: CostObject) -> CumulativeUse:
    """Return what one order has assumed so far."""
    return UseBook(order.site_id, (), [order]).cumulative_use(order)
