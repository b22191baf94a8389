"""Posts the lines of a stream in their order: bookings and counts in chunks, each other operation by itself.

Lines that can share a transaction and follow one another are posted together, so tens of thousands of bookings or
counts take a minute. A refused line keeps no other back.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final

from backflush.backflushing.models import Booking
from backflush.backflushing.report_kinds import Report
from backflush.backflushing.stream import DATABASE_AWAY, Booker, StreamLine
from backflush.booking_kinds import KINDS
from backflush.core.failures import failure
from backflush.core.quantity import written
from backflush.core.refusals import Refusal
from backflush.counts.models import StockCount
from backflush.counts.services import enter_counts
from backflush.ledger.idempotency import stream_keys
from backflush.ledger.models import Key
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.streams.operations import CountOperation, StreamOperation, people_named

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """One numbered line of a stream: a booking, another operation, or the refusal of an unreadable line."""

    number: int
    content: Report | StreamOperation | Refusal


@dataclass(frozen=True, slots=True)
class LineResult:
    """The outcome of a line: posted, repeated under its key, or refused. `facts` are further parts of the answer."""

    content: Report | StreamOperation | Refusal
    posting: int | None = None
    booking: Booking | None = None
    repeated: bool = False
    refusals: Sequence[Refusal] = ()
    facts: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class LinePoster:
    """Posts the lines of a stream at a site. A line without a key gets one from the `stream`'s name and its number."""

    site: Site
    by: User
    stream: str = ""

    def post(self, lines: Sequence[Line]) -> list[LineResult]:
        """Post some lines; return the result of each, in their order.

        Raises `OperationalError` and `InterfaceError`, where the database can't be used.
        """
        results: list[LineResult] = []
        for kind, run in groupby(self._keyed(lines), key=_kind):
            some = list(run)
            if kind == "booking":
                results += self._book(some)
            elif kind == "count":
                results += self._count(some)
            else:
                results += [self._post_one(line) for line in some]
        return results

    def _keyed(self, lines: Sequence[Line]) -> list[Line]:
        """Return the lines, with a key for each operation without one if the stream has a name."""
        keyless = [line.number for line in lines if isinstance(line.content, StreamOperation) and not line.content.key]
        keys = stream_keys(self.site, self.stream, keyless) if self.stream and keyless else {}
        return [
            Line(line.number, replace(line.content, key=keys[line.number]))
            if isinstance(line.content, StreamOperation) and line.number in keys
            else line
            for line in lines
        ]

    def _book(self, lines: Sequence[Line]) -> list[LineResult]:
        booker = Booker(KINDS, self.site, self.by, self.stream)
        reports = [
            StreamLine(line.number, line.content) for line in lines if not isinstance(line.content, StreamOperation)
        ]
        return [
            LineResult(
                one.report,
                one.booking.posting_id if one.booking is not None else None,
                one.booking,
                one.repeated,
                one.refusals,
            )
            for one in booker.book_chunk(reports)
        ]

    def _post_one(self, line: Line) -> LineResult:
        """Post an operation in a transaction of its own."""
        operation = line.content
        assert isinstance(operation, StreamOperation), "bookings are posted together"
        known = self._known([operation.key])
        try:
            posting = operation.post(site=self.site, by=self.by)
        except Refusal as refusal:
            return LineResult(operation, refusals=(refusal,))
        except DATABASE_AWAY:
            raise
        except Exception:  # noqa: BLE001  # whatever it is, it is of this line, and the others are posted
            return LineResult(operation, refusals=(failure(_log, f"line {line.number}"),))
        return LineResult(operation, posting.pk, repeated=operation.key in known)

    def _count(self, lines: Sequence[Line]) -> list[LineResult]:
        """Enter counts in one transaction; where one is refused, by halves, so that the others are entered."""
        counts = [line.content for line in lines if isinstance(line.content, CountOperation)]
        people = people_named({count.counted_by for count in counts})
        known = self._known([count.key for count in counts])
        return [
            LineResult(operation, refusals=(one,))
            if isinstance(one, Refusal)
            else LineResult(operation, one.posting_id, repeated=operation.key in known, facts=_count_facts(one))
            for operation, one in zip(counts, self._entered(counts, people), strict=True)
        ]

    def _entered(self, counts: Sequence[CountOperation], people: Mapping[str, User]) -> list[StockCount | Refusal]:
        try:
            given = [count.counted(people) for count in counts]
            return [*enter_counts(given, site=self.site, by=self.by)]
        except DATABASE_AWAY:
            raise
        except Exception as error:  # noqa: BLE001
            if len(counts) == 1:
                return [error if isinstance(error, Refusal) else failure(_log, "a count of a stream")]
        middle = len(counts) // 2
        return [*self._entered(counts[:middle], people), *self._entered(counts[middle:], people)]

    def _known(self, keys: Sequence[str]) -> set[str]:
        """Return the keys among some under which something was posted before."""
        asked = [key for key in keys if key]
        known = Key.objects.filter(site=self.site, key__in=asked) if asked else Key.objects.none()
        return set(known.values_list("key", flat=True))


def _kind(line: Line) -> str:
    """Return how a line is posted: with other bookings, with other counts, or by itself."""
    if isinstance(line.content, CountOperation):
        return "count"
    return "operation" if isinstance(line.content, StreamOperation) else "booking"


def _count_facts(count: StockCount) -> dict[str, Any]:
    return {
        "count": count.pk,
        "status": count.status,
        "expected": None if count.is_book_hidden else written(count.expected_now),
        "difference": None if count.is_book_hidden else written(count.difference),
    }
