"""What bookings assume: the frozen lines, and how far each job is with them (Q3)."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from backflush.backflushing.models import Booking
from backflush.core.consumption import AssumedUse, CumulativeUse, UseLine
from backflush.core.moves import Tracking
from backflush.db.queries import Prepared, SelectedModel
from backflush.items.models import Item
from backflush.ledger.models import CostObject, CostObjectKind
from backflush.stockmap.models import Location, Site
from backflush.structures.models import FrozenLine

NOT_FOR_USE = frozenset(
    {"cost_decimals", "abc_class", "stock_min", "stock_max", "batch_size", "lead_time_days", "obsolete_on"}
)
"""What a component is planned and counted by, which nobody asks where it is used."""


class Assumption(NamedTuple):
    """What a booking assumes of one frozen line."""

    line: FrozenLine
    use: AssumedUse
    tracking: Tracking


class MadeLike(Protocol):
    """The part of a booking to be that decides what it assumes."""

    @property
    def cost_object(self) -> CostObject | None: ...
    @property
    def structure(self) -> int | None: ...
    @property
    def draft(self) -> Sequence[FrozenLine]: ...
    @property
    def assumes(self) -> bool: ...
    @property
    def received(self) -> bool: ...
    @property
    def quantity(self) -> Decimal: ...


def _lines(name: str, without: frozenset[str]) -> Prepared:
    return Prepared(
        name,
        (
            SelectedModel("l", FrozenLine, without=without),
            SelectedModel("i", Item, of="l.component", without=NOT_FOR_USE),
            SelectedModel("p", Location, of="l.source"),
        ),
        "FROM structures_frozenline l JOIN items_item i ON i.id = l.component_id "
        "LEFT JOIN stockmap_location p ON p.id = l.source_id "
        "WHERE l.site_id = %(site)s AND l.structure_id {among:structures:bigint} ORDER BY l.structure_id, l.position",
    )


# How a line was worked out is read where it is shown: unpacking that of ten lines is a twentieth of a booking.
LINES = _lines("lines of frozen structures", frozenset({"fixed", "steps"}))
LINES_WITH_STEPS = _lines("lines of frozen structures, with their steps", frozenset({"fixed"}))


def _written(site: int, structures: Collection[int], *, steps: bool) -> list[FrozenLine]:
    statement = LINES_WITH_STEPS if steps else LINES
    return [line for line, *_ in statement.rows(site=site, structures=sorted(structures))] if structures else []


class FrozenLines:
    """The lines of some frozen structures that are assumed: by-hand ones never, a supplier's own not on receipt.

    `site` is the number of the one site whose they are. With their `steps` they can be shown.
    """

    def __init__(
        self, site: int, structures: Collection[int], drafts: Iterable[FrozenLine] = (), *, steps: bool = False
    ) -> None:
        self._lines: dict[int, list[tuple[FrozenLine, UseLine]]] = {structure: [] for structure in structures}
        for line in (*_written(site, structures, steps=steps), *drafts):
            if not line.by_hand:
                self._lines[line.structure_id].append((line, use_line(line)))

    def of(self, structure: int, *, received: bool) -> list[tuple[FrozenLine, UseLine]]:
        """The assumed lines of a structure, in line order."""
        return [pair for pair in self._lines[structure] if not (received and pair[0].supplier_provides)]

    def uses(self, structure: int, *, received: bool) -> list[UseLine]:
        """The same for the arithmetic."""
        return [use for _, use in self.of(structure, received=received)]


def use_line(line: FrozenLine) -> UseLine:
    """A frozen line as the arithmetic needs it."""
    assert line.per_piece is not None, "release and receipt refuse lines without a conversion"
    assert line.fixed_exact is not None
    return UseLine(
        line.pk, line.path, line.component_id, line.component.quantity_decimals, line.per_piece, line.fixed_exact
    )


class UseBook:
    """Works out what each of some bookings assumes, one after the other.

    An even job is read from its own row; the history of its bookings is read only where one was reversed or the
    structure changed in between. With their `steps` the lines can be shown.
    """

    def __init__(self, site: Site, batch: Iterable[MadeLike], *, steps: bool = False) -> None:
        assuming = [made for made in batch if made.assumes]
        cost_objects = {made.cost_object.pk: made.cost_object for made in assuming if made.cost_object is not None}
        needs_replay = [cost_object.pk for cost_object in cost_objects.values() if cost_object.needs_replay]
        history = list(history_of(site.pk, needs_replay))
        structures = {made.structure for made in assuming if made.structure is not None}
        structures |= {
            cost_object.structure_id for cost_object in cost_objects.values() if cost_object.structure_id is not None
        }
        structures |= {booking.structure_id for booking in history if booking.structure_id is not None}
        drafts = [line for made in assuming for line in made.draft]
        self.lines = FrozenLines(site.pk, structures, drafts, steps=steps)
        self._tallies: dict[int, CumulativeUse] = replay(history, self.lines)
        self._begun: dict[int, MadeLike] = {}
        self._alike: dict[tuple[int, bool, Decimal], list[Assumption]] = {}
        self._new = 0

    def cumulative_use(self, cost_object: CostObject | None) -> CumulativeUse:
        """What a job's lines have assumed so far; nothing for a production without order."""
        if cost_object is None:
            return CumulativeUse()
        if cost_object.pk in self._begun:
            first = self._begun.pop(cost_object.pk)
            self._tallies[cost_object.pk] = CumulativeUse()
            self._tallies[cost_object.pk].book(self._next(), (use for _, use in self.lines_for(first)), first.quantity)
        if cost_object.pk not in self._tallies:
            assert not cost_object.needs_replay or not cost_object.produced, "an uneven job is read from its history"
            lines = (
                self.lines.uses(cost_object.structure_id, received=cost_object.kind == CostObjectKind.PURCHASE_ORDER)
                if cost_object.structure_id is not None
                else []
            )
            self._tallies[cost_object.pk] = CumulativeUse.even(lines, cost_object.produced)
        return self._tallies[cost_object.pk]

    def lines_for(self, made: MadeLike) -> list[tuple[FrozenLine, UseLine]]:
        """The lines that a booking assumes use of."""
        if not made.assumes or made.structure is None:
            return []
        return self.lines.of(made.structure, received=made.received)

    def book(self, made: MadeLike) -> list[Assumption]:
        """What a booking assumes, taken into account for those after it."""
        if self._begins(made):
            return self._first_of(made)
        pairs = self.lines_for(made)
        uses = self.cumulative_use(made.cost_object).book(self._next(), (use for _, use in pairs), made.quantity)
        return _assumptions(pairs, uses)

    def _begins(self, made: MadeLike) -> bool:
        """Whether a booking is the first of its job, so that nothing before it counts."""
        cost_object = made.cost_object
        known = (
            cost_object is None
            or cost_object.needs_replay
            or cost_object.produced
            or cost_object.pk in self._tallies
            or cost_object.pk in self._begun
        )
        return made.assumes and not known

    def _first_of(self, made: MadeLike) -> list[Assumption]:
        """What a job's first booking assumes: the same for all of one structure and quantity, so worked out once."""
        assert made.cost_object is not None
        assert made.structure is not None
        self._begun[made.cost_object.pk] = made
        alike = made.structure, made.received, made.quantity
        if alike not in self._alike:
            pairs = self.lines_for(made)
            self._alike[alike] = _assumptions(pairs, CumulativeUse().book(0, (use for _, use in pairs), made.quantity))
        return self._alike[alike]

    def _next(self) -> int:
        """A number for a booking that has none yet."""
        self._new -= 1
        return self._new


def _assumptions(pairs: Sequence[tuple[FrozenLine, UseLine]], uses: Sequence[AssumedUse]) -> list[Assumption]:
    return [
        Assumption(line, use, Tracking(line.component.tracking)) for (line, _), use in zip(pairs, uses, strict=True)
    ]


def history_of(site: int, cost_objects: Collection[int]) -> Iterator[Booking]:
    """The bookings of some jobs of a site that assumed anything, reversed ones too, as they were recorded."""
    if cost_objects:
        bookings = Booking.objects.filter(site=site, cost_object__in=cost_objects, assumed=True).select_related(
            "cost_object"
        )
        yield from bookings.order_by("posting")


def events_of(history: Sequence[Booking]) -> list[tuple[int, Booking, bool]]:
    """Bookings and their reversals in the order of recording; true marks a reversal."""
    events = [(booking.posting_id, booking, False) for booking in history]
    events += [(booking.reversed_by_id, booking, True) for booking in history if booking.reversed_by_id is not None]
    return sorted(events, key=lambda event: event[0])


def replay(history: Sequence[Booking], lines: FrozenLines) -> dict[int, CumulativeUse]:
    """The tallies that some jobs' histories lead to, by job."""
    tallies: dict[int, CumulativeUse] = {}
    for _, booking, reversed_ in events_of(history):
        assert booking.cost_object is not None
        assert booking.structure_id is not None
        cumulative_use = tallies.setdefault(booking.cost_object.pk, CumulativeUse())
        if reversed_:
            cumulative_use.take_back(booking.pk)
        else:
            received = booking.cost_object.kind == CostObjectKind.PURCHASE_ORDER
            cumulative_use.book(booking.pk, lines.uses(booking.structure_id, received=received), booking.quantity)
    return tallies


def cumulative_use_of(cost_object: CostObject) -> CumulativeUse:
    """What the lines of one job have assumed so far."""
    history = list(history_of(cost_object.site_id, [cost_object.pk])) if cost_object.needs_replay else []
    structures = {booking.structure_id for booking in history if booking.structure_id is not None}
    structures |= {cost_object.structure_id} if cost_object.structure_id is not None else set()
    lines = FrozenLines(cost_object.site_id, structures)
    if cost_object.needs_replay:
        return replay(history, lines).get(cost_object.pk, CumulativeUse())
    received = cost_object.kind == CostObjectKind.PURCHASE_ORDER
    return CumulativeUse.even(
        lines.uses(cost_object.structure_id, received=received) if cost_object.structure_id else (),
        cost_object.produced,
    )
