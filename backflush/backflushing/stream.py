"""Book a stream of reports, of any kinds and any length, in chunks, with a result for every line.

A chunk is one transaction, whatever kinds of reports it contains. If a line is refused, the chunk is divided so that
its other lines are booked: first around the lines in which a check without locks finds a fault, then by halves for
faults that occur only during posting. The order of lines is kept, because a booking can't use stock that an earlier one
took.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from django.db import InterfaceError, OperationalError

from backflush.backflushing.booking import (
    ReportResult,
    checked,
    completed_reports,
    goods_refusals,
    subjects_of,
    take_reports,
)
from backflush.backflushing.day_structures import structure_refusals
from backflush.backflushing.report_kinds import PlannedBooking, Report, ReportKinds
from backflush.core.failures import failure, log_failure
from backflush.core.refusals import Refusal
from backflush.ledger.idempotency import posted_keys, stream_keys
from backflush.people.models import User
from backflush.stockmap.models import Site

DATABASE_AWAY: Final = (OperationalError, InterfaceError)
"""Not a fault of a line: the stream is aborted, and sent again when the database is available."""
_log: Final = logging.getLogger(__name__)

CHUNK: Final = 1_000
"""Large enough to share the cost of a transaction, and small enough that no one waits long for its locks."""


@dataclass(frozen=True, slots=True)
class StreamLine:
    """One numbered line of a stream: a report, or the refusal of an unreadable line. Numbers are unique."""

    number: int
    report: Report | Refusal


Findings = Mapping[int, Sequence[Refusal]]
"""Faults of lines, by their place in the chunk."""


@dataclass(frozen=True, slots=True)
class Booker:
    """Books streams of reports of some kinds at a site.

    A line without a key gets one from the name of the `stream`, if that has one, and its number. So a stream that is
    sent again after a crash posts nothing twice.
    """

    kinds: ReportKinds
    site: Site
    by: User
    stream: str = ""

    def book(self, lines: Iterable[StreamLine], *, chunk: int = CHUNK) -> Iterator[ReportResult]:
        """Book a stream chunk by chunk, as results are asked for; where no more are, no more is booked."""
        remaining = iter(lines)
        while part := list(islice(remaining, chunk)):
            yield from self.book_chunk(part)

    def book_chunk(self, lines: Sequence[StreamLine]) -> list[ReportResult]:
        """Book some lines, in one transaction if none is refused. Return the result of each, in their order.

        An internal error in one line refuses that line (`Failed`), with a reference that is logged. Raises
        `OperationalError` and `InterfaceError`, where the database can't be used.
        """
        reports = self._keyed(lines)
        try:
            return self._book_all(reports)
        except DATABASE_AWAY:
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, it is of one line, and the others are booked
            if len(reports) == 1:
                return [ReportResult(reports[0], refusals=(_refusal_for(error, lines[0].number),))]
        findings = self._findings(reports)
        results: list[ReportResult] = []
        runs = _between(len(reports), findings)
        while runs:
            run = runs.pop()
            try:
                results += self._book_all([reports[place] for place in run])
            except DATABASE_AWAY:
                raise
            except Exception as error:  # noqa: BLE001
                if len(run) > 1:
                    middle = len(run) // 2
                    runs += [run[middle:], run[:middle]]
                else:
                    refusal = _refusal_for(error, lines[run[0]].number)
                    others = (one for one in findings.get(run[0], ()) if one.field != refusal.field)
                    results.append(ReportResult(reports[run[0]], refusals=(refusal, *others)))
        return results

    def _keyed(self, lines: Sequence[StreamLine]) -> list[Report | Refusal]:
        """Return the reports of some lines, each with a key if the stream has a name."""
        keyless = [line.number for line in lines if isinstance(line.report, Report) and not line.report.key]
        keys = stream_keys(self.site, self.stream, keyless) if self.stream and keyless else {}
        return [
            replace(line.report, key=keys[line.number])
            if isinstance(line.report, Report) and line.number in keys
            else line.report
            for line in lines
        ]

    def _book_all(self, reports: Sequence[Report | Refusal]) -> list[ReportResult]:
        """Book all reports in one transaction; raises the first refusal, but for lines that couldn't be read."""
        readable = [report for report in reports if not isinstance(report, Refusal)]
        taken = iter(take_reports(readable, self.kinds, site=self.site, by=self.by, in_turn=True) if readable else ())
        return [
            ReportResult(report, refusals=(report,)) if isinstance(report, Refusal) else next(taken)
            for report in reports
        ]

    def _findings(self, reports: Sequence[Report | Refusal]) -> Mapping[int, Sequence[Refusal]]:
        """Return what is wrong with some reports at this moment; nothing where an internal error comes in between."""
        try:
            return self._found_wrong(reports)
        except DATABASE_AWAY:
            raise
        except Exception:  # noqa: BLE001  # then the lines are booked by halves, and the one at fault is found so
            log_failure(_log, f"looking at {len(reports)} lines")
            return {}

    def _found_wrong(self, reports: Sequence[Report | Refusal]) -> dict[int, list[Refusal]]:
        """Return what is wrong with some reports, by their place; nothing is locked or posted."""
        sent = {place: report for place, report in enumerate(reports) if not isinstance(report, Refusal)}
        found: dict[int, list[Refusal]] = {}
        whole: dict[int, Report] = {}
        for place, one in zip(sent, completed_reports(list(sent.values()), self.kinds, site=self.site), strict=True):
            if isinstance(one, Refusal):
                found[place] = [one]
            else:
                whole[place] = one
        requests = [report.request() for report in whole.values() if report.key]
        posted, reused = posted_keys(site=self.site, requests=requests)
        found |= {place: [reused[report.key]] for place, report in whole.items() if report.key in reused}
        fresh = {place: one for place, one in whole.items() if one.key not in posted and one.key not in reused}
        subjects = subjects_of(list(fresh.values()), self.kinds, site=self.site, lock=False)
        planned: dict[int, PlannedBooking] = {}
        for place, report in fresh.items():
            plan_or_refusals = checked(report, subjects[type(report)])
            if isinstance(plan_or_refusals, PlannedBooking):
                planned[place] = plan_or_refusals
            else:
                found[place] = plan_or_refusals
        for place, refusal in (*goods_refusals(planned), *structure_refusals(planned, site=self.site).items()):
            found.setdefault(place, []).append(refusal)
        return found


def _refusal_for(error: Exception, line: int) -> Refusal:
    """Return the refusal of a line: what was raised, or that the program failed. Called while it is handled."""
    return error if isinstance(error, Refusal) else failure(_log, f"line {line}")


def _between(count: int, findings: Findings) -> list[range]:
    """Return the runs of places in which to book a chunk, the last first.

    A line with a fault is booked alone, because the fault may be gone when its turn comes; those between two such
    lines are booked together.
    """
    runs: list[range] = []
    start = 0
    for place in sorted(findings):
        runs += [range(start, place), range(place, place + 1)]
        start = place + 1
    runs.append(range(start, count))
    return [run for run in reversed(runs) if run]
