"""What bookings assume: the frozen lines, and how far each job is with them (Q3)."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from backflush.backflushing.models import Booking
from backflush.core.consumption import AssumedUse, Tally, UseLine
from backflush.core.moves import Tracking
from backflush.ledger.models import Job, JobKind
from backflush.stockmap.models import Site
from backflush.structures.models import FrozenLine, FrozenStructure


@dataclass(frozen=True, slots=True)
class Assumption:
    """What a booking assumes of one frozen line."""

    line: FrozenLine
    use: AssumedUse
    tracking: Tracking


class MadeLike(Protocol):
    """The part of a booking to be that decides what it assumes."""

    @property
    def job(self) -> Job | None: ...
    @property
    def structure(self) -> FrozenStructure | None: ...
    @property
    def draft(self) -> Sequence[FrozenLine]: ...
    @property
    def assumes(self) -> bool: ...
    @property
    def received(self) -> bool: ...
    @property
    def quantity(self) -> Decimal: ...


class FrozenLines:
    """The lines of some frozen structures that are assumed: by-hand ones never, a supplier's own not on receipt."""

    def __init__(self, structures: Collection[int], drafts: Iterable[FrozenLine] = ()) -> None:
        self._lines: dict[int, list[tuple[FrozenLine, UseLine]]] = {structure: [] for structure in structures}
        written = FrozenLine.objects.filter(structure__in=structures).order_by("structure", "position")
        for line in (*written.select_related("component", "source"), *drafts):
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
    structure changed in between.
    """

    def __init__(self, site: Site, batch: Iterable[MadeLike]) -> None:
        assuming = [made for made in batch if made.assumes]
        jobs = {made.job.pk: made.job for made in assuming if made.job is not None}
        uneven = [job.pk for job in jobs.values() if job.uneven]
        history = list(history_of(uneven))
        structures = {made.structure.pk for made in assuming if made.structure is not None}
        structures |= {job.structure_id for job in jobs.values() if job.structure_id is not None}
        structures |= {booking.structure_id for booking in history if booking.structure_id is not None}
        self.lines = FrozenLines(structures, [line for made in assuming for line in made.draft])
        self._jobs = jobs
        self._tallies: dict[int, Tally] = replay(history, self.lines)
        self._new = 0

    def tally(self, job: Job | None) -> Tally:
        """What a job's lines have assumed so far; nothing for a production without order."""
        if job is None:
            return Tally()
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
        return self.lines.of(made.structure.pk, received=made.received)

    def book(self, made: MadeLike) -> list[Assumption]:
        """What a booking assumes, taken into account for those after it."""
        pairs = self.lines_for(made)
        self._new -= 1
        uses = self.tally(made.job).book(self._new, (use for _, use in pairs), made.quantity)
        return [
            Assumption(line, use, Tracking(line.component.tracking)) for (line, _), use in zip(pairs, uses, strict=True)
        ]


def history_of(jobs: Collection[int]) -> Iterator[Booking]:
    """The bookings of some jobs that assumed anything, reversed ones too, as they were recorded."""
    if jobs:
        bookings = Booking.objects.filter(job__in=jobs, assumed=True).select_related("job")
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
