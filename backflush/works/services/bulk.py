"""Booking a stream of reports: of any length, in chunks that are each whole, with an outcome for every line.

A chunk is one transaction. Only where one of its lines is refused is it divided, so that the others are booked: around
the lines that a look without locks finds at fault, and by halves for what shows only when it is posted. The order of
the lines is always kept, because what one booking takes the next doesn't find.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from backflush.backflushing.models import Booking
from backflush.backflushing.services import Made, goods_bins, goods_moves
from backflush.core.refusals import NotFound, Refusal
from backflush.ledger.keys import posted_keys
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.works.selectors import Bookable, orders_found
from backflush.works.services.booking import BookingIn, booking_made, booking_refusals, take_reports

CHUNK: Final = 1_000
"""Enough that what a transaction costs by itself is shared by many; few enough that nobody waits long for its locks."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a stream with its number, which no other has: a report, or why the door could make nothing of it."""

    number: int
    report: BookingIn | Refusal


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a line: booked, repeated under its key, or refused, for at least one reason."""

    line: Line
    booking: Booking | None = None
    repeated: bool = False
    refusals: tuple[Refusal, ...] = ()


Findings = Mapping[int, Sequence[Refusal]]


def book_in_bulk(
    lines: Iterable[Line], *, site: Site, by: User, chunk: int = CHUNK, stream: str = ""
) -> Iterator[Outcome]:
    """Book a stream in chunks, as it is asked for outcomes; whoever stops asking stops the booking.

    A line without a key gets one from the `stream`, where that has a name, and its number: sent again after a crash,
    the whole stream posts nothing twice.
    """
    remaining = iter(lines)
    while part := list(islice(remaining, chunk)):
        yield from book_chunk(part, site=site, by=by, stream=stream)


def book_chunk(lines: Sequence[Line], *, site: Site, by: User, stream: str = "") -> list[Outcome]:
    """Book some lines, in one transaction if none is refused; the outcome of each, in their order."""
    lines = [_keyed(line, stream) for line in lines]
    if len(lines) > 1:
        try:
            return _booked(lines, site, by)
        except Refusal:
            findings = _findings(lines, site)
    else:
        findings = {}
    parts = _around(lines, findings)
    return [outcome for part in parts for outcome in _by_halves(part, findings, site, by)]


def _keyed(line: Line, stream: str) -> Line:
    if not stream or isinstance(line.report, Refusal) or line.report.key:
        return line
    return Line(line.number, replace(line.report, key=f"{stream} {line.number}"))


def _booked(lines: Sequence[Line], site: Site, by: User) -> list[Outcome]:
    """The outcome of lines of which none is refused but by the door; else the first refusal is raised."""
    reports = [line.report for line in lines if isinstance(line.report, BookingIn)]
    taken = iter(take_reports(reports, site=site, by=by, in_turn=True) if reports else ())
    outcomes = []
    for line in lines:
        if isinstance(line.report, Refusal):
            outcomes.append(Outcome(line, refusals=(line.report,)))
        else:
            one = next(taken)
            outcomes.append(Outcome(line, one.booking, one.repeated))
    return outcomes


def _by_halves(lines: Sequence[Line], findings: Findings, site: Site, by: User) -> list[Outcome]:
    try:
        return _booked(lines, site, by)
    except Refusal as refusal:
        if len(lines) == 1:
            return [Outcome(lines[0], refusals=_with_others(refusal, findings.get(lines[0].number, ())))]
    middle = len(lines) // 2
    return [outcome for half in (lines[:middle], lines[middle:]) for outcome in _by_halves(half, findings, site, by)]


def _with_others(refusal: Refusal, found: Iterable[Refusal]) -> tuple[Refusal, ...]:
    """Why a line is refused, and what else is wrong with it."""
    return refusal, *(one for one in found if (one.code, one.field) != (refusal.code, refusal.field))


def _around(lines: Sequence[Line], findings: Findings) -> Iterator[Sequence[Line]]:
    """Each line at fault by itself, because it may do when its turn comes, and what is between them together."""
    start = 0
    for place, line in enumerate(lines):
        if line.number in findings:
            yield from (part for part in (lines[start:place], [line]) if part)
            start = place + 1
    if start < len(lines):
        yield lines[start:]


def _findings(lines: Sequence[Line], site: Site) -> dict[int, list[Refusal]]:
    """What is wrong with some lines as things stand, by their number; nothing is locked or posted."""
    reports = {line.number: line.report for line in lines if isinstance(line.report, BookingIn)}
    asked = [report.request() for report in reports.values() if report.key]
    posted, reused = posted_keys(site=site, requests=asked)
    there = orders_found(site, [report.order for report in reports.values()])
    found: dict[int, list[Refusal]] = {}
    made: dict[int, Made] = {}
    for number, report in reports.items():
        if report.key in posted:
            continue
        refusals: list[Refusal] = [*_refusals(report, there, site)]
        if report.key in reused:
            refusals = [reused[report.key]]
        if refusals:
            found[number] = refusals
        else:
            made[number] = booking_made(report, there.orders[report.order], there.rules, site=site, key=None)
    return found | _goods_refused(made)


def _refusals(report: BookingIn, there: Bookable, site: Site) -> Iterator[Refusal]:
    order = there.orders.get(report.order)
    if order is None:
        yield NotFound(f"There is no works order {report.order}.", field="order")
    else:
        yield from booking_refusals(report, order, there.rules, site=site)


def _goods_refused(made: Mapping[int, Made]) -> dict[int, list[Refusal]]:
    """Those of some bookings whose goods lack a batch, serials or a bin, or name what they shouldn't."""
    bins = goods_bins(made.values())
    found: dict[int, list[Refusal]] = {}
    for number, one in made.items():
        try:
            goods_moves(one, bins=bins)
        except Refusal as refusal:
            found[number] = [refusal]
    return found
