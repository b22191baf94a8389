"""Booking a stream of reports: of any kind and length, in chunks that are each whole, with an outcome for every line.

A chunk is one transaction, whatever kinds of reports are in it. Only where one of its lines is refused is it divided,
so that the others are booked: around the lines that a look without locks finds at fault, and by halves for what shows
only when it is posted. The order of the lines is always kept, because what one booking takes the next doesn't find.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from backflush.backflushing.models import Booking
from backflush.backflushing.report_kinds import Report, ReportKinds, completed, day_refusals, gather, take_reports
from backflush.backflushing.services import Made, goods_bins, goods_moves
from backflush.core.refusals import Refusal
from backflush.ledger.idempotency import posted_keys
from backflush.people.models import User
from backflush.stockmap.models import Site

CHUNK: Final = 1_000
"""Enough that what a transaction costs by itself is shared by many; few enough that nobody waits long for its locks."""


@dataclass(frozen=True, slots=True)
class StreamLine:
    """One line of a stream with its number, which no other has: a report, or why the door could make nothing of it."""

    number: int
    report: Report | Refusal


@dataclass(frozen=True, slots=True)
class LineOutcome:
    """What became of a line: booked, repeated under its key, or refused, for at least one reason."""

    line: StreamLine
    booking: Booking | None = None
    repeated: bool = False
    refusals: tuple[Refusal, ...] = ()


Findings = Mapping[int, Sequence[Refusal]]


@dataclass(frozen=True, slots=True)
class Booker:
    """Who books where, and the kinds of reports that are taken; `stream` is the name of the stream, if it has one.

    A line without a key gets one from the stream's name and its number: sent again after a crash, the whole stream
    posts nothing twice.
    """

    kinds: ReportKinds
    site: Site
    by: User
    stream: str = ""

    def book(self, lines: Iterable[StreamLine], *, chunk: int = CHUNK) -> Iterator[LineOutcome]:
        """Book a stream in chunks, as it is asked for outcomes; whoever stops asking stops the booking."""
        remaining = iter(lines)
        while part := list(islice(remaining, chunk)):
            yield from self.book_chunk(part)

    def book_chunk(self, lines: Sequence[StreamLine]) -> list[LineOutcome]:
        """Book some lines, in one transaction if none is refused; the outcome of each, in their order."""
        lines = [self._keyed(line) for line in lines]
        findings: Findings = {}
        if len(lines) > 1:
            try:
                return self._booked(lines)
            except Refusal:
                findings = self._findings(lines)
        return [outcome for part in _around(lines, findings) for outcome in self._by_halves(part, findings)]

    def _keyed(self, line: StreamLine) -> StreamLine:
        if not self.stream or isinstance(line.report, Refusal) or line.report.key:
            return line
        return StreamLine(line.number, replace(line.report, key=f"{self.stream} {line.number}"))

    def _booked(self, lines: Sequence[StreamLine]) -> list[LineOutcome]:
        """The outcome of lines of which none is refused but by the door; else the first refusal is raised."""
        reports = [line.report for line in lines if not isinstance(line.report, Refusal)]
        taken = iter(take_reports(reports, self.kinds, site=self.site, by=self.by, in_turn=True) if reports else ())
        outcomes = []
        for line in lines:
            if isinstance(line.report, Refusal):
                outcomes.append(LineOutcome(line, refusals=(line.report,)))
            else:
                one = next(taken)
                outcomes.append(LineOutcome(line, one.booking, one.repeated))
        return outcomes

    def _by_halves(self, lines: Sequence[StreamLine], findings: Findings) -> list[LineOutcome]:
        try:
            return self._booked(lines)
        except Refusal as refusal:
            if len(lines) == 1:
                return [LineOutcome(lines[0], refusals=_with_others(refusal, findings.get(lines[0].number, ())))]
        middle = len(lines) // 2
        return [outcome for half in (lines[:middle], lines[middle:]) for outcome in self._by_halves(half, findings)]

    def _findings(self, lines: Sequence[StreamLine]) -> dict[int, list[Refusal]]:
        """What is wrong with some lines as things stand, by their number; nothing is locked or posted."""
        sent = [(line.number, line.report) for line in lines if not isinstance(line.report, Refusal)]
        found: dict[int, list[Refusal]] = {}
        reports: dict[int, Report] = {}
        for (number, _), one in zip(
            sent, completed([report for _, report in sent], self.kinds, site=self.site), strict=True
        ):
            if isinstance(one, Refusal):
                found[number] = [one]
            else:
                reports[number] = one
        asked = [report.request() for report in reports.values() if report.key]
        posted, reused = posted_keys(site=self.site, requests=asked)
        found |= {number: [reused[report.key]] for number, report in reports.items() if report.key in reused}
        fresh = {number: one for number, one in reports.items() if one.key not in posted and one.key not in reused}
        return found | self._findings_of(fresh)

    def _findings_of(self, reports: Mapping[int, Report]) -> dict[int, list[Refusal]]:
        gathered = gather(list(reports.values()), self.kinds, site=self.site, lock=False)
        found: dict[int, list[Refusal]] = {}
        planned: dict[int, Made] = {}
        for number, report in reports.items():
            about = gathered[type(report)]
            refusals = [*about.refusals(report)]
            if refusals:
                found[number] = refusals
            else:
                planned[number] = about.planned(report, None)
        for number, refusal in (*_goods_refused(planned), *day_refusals(planned, site=self.site).items()):
            found.setdefault(number, []).append(refusal)
        return found


def _with_others(refusal: Refusal, found: Iterable[Refusal]) -> tuple[Refusal, ...]:
    """Why a line is refused, and what else is wrong with it."""
    return refusal, *(one for one in found if one.field != refusal.field)


def _around(lines: Sequence[StreamLine], findings: Findings) -> Iterator[Sequence[StreamLine]]:
    """Each line at fault by itself, because it may do when its turn comes, and what is between them together."""
    start = 0
    for place, line in enumerate(lines):
        if line.number in findings:
            yield from (part for part in (lines[start:place], [line]) if part)
            start = place + 1
    if start < len(lines):
        yield lines[start:]


def _goods_refused(made: Mapping[int, Made]) -> Iterator[tuple[int, Refusal]]:
    """Those of some bookings whose goods lack a batch, serials or a bin, or name what they shouldn't."""
    bins = goods_bins(made.values())
    for number, one in made.items():
        try:
            goods_moves(one, bins=bins)
        except Refusal as refusal:
            yield number, refusal
