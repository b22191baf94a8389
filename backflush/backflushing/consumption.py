"""What bookings assume: the frozen lines, and how far each job is with them (Q3)."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from backflush.backflushing.models import Booking
from backflush.core.consumption import AssumedUse, Tally, UseLine
from backflush.core.moves import Tracking
from backflush.db.queries import Part, Prepared
from backflush.items.models import Item
from backflush.ledger.models import Job, JobKind
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
    def job(self) -> Job | None: ...
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
            Part("l", FrozenLine, without=without),
            Part("i", Item, of="l.component", without=NOT_FOR_USE),
            Part("p", Location, of="l.source"),
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
        jobs = {made.job.pk: made.job for made in assuming if made.job is not None}
        uneven = [job.pk for job in jobs.values() if job.uneven]
        history = list(history_of(site.pk, uneven))
        structures = {made.structure for made in assuming if made.structure is not None}
        structures |= {job.structure_id for job in jobs.values() if job.structure_id is not None}
        structures |= {booking.structure_id for booking in history if booking.structure_id is not None}
        drafts = [line for made in assuming for line in made.draft]
        self.lines = FrozenLines(site.pk, structures, drafts, steps=steps)
        self._tallies: dict[int, Tally] = replay(history, self.lines)
        self._begun: dict[int, MadeLike] = {}
        self._alike: dict[tuple[int, bool, Decimal], list[Assumption]] = {}
        self._new = 0

    def tally(self, job: Job | None) -> Tally:
        """What a job's lines have assumed so far; nothing for a production without order."""
        if job is None:
            return Tally()
        if job.pk in self._begun:
            first = self._begun.pop(job.pk)
            self._tallies[job.pk] = Tally()
            self._tallies[job.pk].book(self._next(), (use for _, use in self.lines_for(first)), first.quantity)
        if job.pk not in self._tallies:
            assert not job.uneven or not job.produced, "an uneven job is read from its history"
            lines = (
                self.lines.uses(job.structure_id, received=job.kind == JobKind.PURCHASE_ORDER)
                if job.structure_id is not None
                else []
            )
            self._tallies[job.pk] = Tally.even(lines, job.produced)
        return self._tallies[job.pk]

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
        uses = self.tally(made.job).book(self._next(), (use for _, use in pairs), made.quantity)
        return _assumptions(pairs, uses)

    def _begins(self, made: MadeLike) -> bool:
        """Whether a booking is the first of its job, so that nothing before it counts."""
        job = made.job
        known = job is None or job.uneven or job.produced or job.pk in self._tallies or job.pk in self._begun
        return made.assumes and not known

    def _first_of(self, made: MadeLike) -> list[Assumption]:
        """What a job's first booking assumes: the same for all of one structure and quantity, so worked out once."""
        assert made.job is not None
        assert made.structure is not None
        self._begun[made.job.pk] = made
        alike = made.structure, made.received, made.quantity
        if alike not in self._alike:
            pairs = self.lines_for(made)
            self._alike[alike] = _assumptions(pairs, Tally().book(0, (use for _, use in pairs), made.quantity))
        return self._alike[alike]

    def _next(self) -> int:
        """A number for a booking that has none yet."""
        self._new -= 1
        return self._new


def _assumptions(pairs: Sequence[tuple[FrozenLine, UseLine]], uses: Sequence[AssumedUse]) -> list[Assumption]:
    return [
        Assumption(line, use, Tracking(line.component.tracking)) for (line, _), use in zip(pairs, uses, strict=True)
    ]


def history_of(site: int, jobs: Collection[int]) -> Iterator[Booking]:
    """The bookings of some jobs of a site that assumed anything, reversed ones too, as they were recorded."""
    if jobs:
        bookings = Booking.objects.filter(site=site, job__in=jobs, assumed=True).select_related("job")
        yield from bookings.order_by("posting")


def events_of(history: Sequence[Booking]) -> list[tuple[int, Booking, bool]]:
    """Bookings and their reversals in the order of recording; true marks a reversal."""
    events = [(booking.posting_id, booking, False) for booking in history]
    events += [(booking.reversed_by_id, booking, True) for booking in history if booking.reversed_by_id is not None]
    return sorted(events, key=lambda event: event[0])


def replay(history: Sequence[Booking], lines: FrozenLines) -> dict[int, Tally]:
    """The tallies that some jobs' histories lead to, by job."""
    tallies: dict[int, Tally] = {}
    for _, booking, reversed_ in events_of(history):
        assert booking.job is not None
        assert booking.structure_id is not None
        tally = tallies.setdefault(booking.job.pk, Tally())
        if reversed_:
            tally.take_back(booking.pk)
        else:
            received = booking.job.kind == JobKind.PURCHASE_ORDER
            tally.book(booking.pk, lines.uses(booking.structure_id, received=received), booking.quantity)
    return tallies


def tally_of(job: Job) -> Tally:
    """What the lines of one job have assumed so far."""
    history = list(history_of(job.site_id, [job.pk])) if job.uneven else []
    structures = {booking.structure_id for booking in history if booking.structure_id is not None}
    structures |= {job.structure_id} if job.structure_id is not None else set()
    lines = FrozenLines(job.site_id, structures)
    if job.uneven:
        return replay(history, lines).get(job.pk, Tally())
    received = job.kind == JobKind.PURCHASE_ORDER
    return Tally.even(lines.uses(job.structure_id, received=received) if job.structure_id else (), job.produced)
