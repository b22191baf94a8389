"""Import bookings of all kinds: check all of them first, then post them in chunks, one transaction per chunk.

Each booking has a key: the row's own, or one made from its content and its position among identical rows. So an
interrupted import is finished by running it again, and a file that is imported twice is posted once. A row that has
neither key nor date says only what happened, not when: if one like it was imported on an earlier day, nobody can know
whether it happened again. The user is asked then (`Choices.undated`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils import timezone

from backflush.backflushing.booking import (
    checked,
    completed_reports,
    goods_refusals,
)
from backflush.backflushing.consumption import FrozenLines, require_two_ends
from backflush.backflushing.day_structures import structure_refusals, with_structures_of_day
from backflush.backflushing.report_kinds import PlannedBooking, Report, ReportKind, Subjects
from backflush.backflushing.stream import Booker, StreamLine
from backflush.booking_kinds import KINDS
from backflush.core.refusals import AlreadyThere, Refusal
from backflush.core.sentences import written_day
from backflush.imports.context import Work
from backflush.imports.files import ImportRow
from backflush.ledger.idempotency import posted_keys
from backflush.ledger.models import Posting
from backflush.ledger.selectors import serials_there
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import event_time

MADE_KEY: Final = "import "
"""The beginning of a key that is made from a row."""
SAME: Final = "same"
NEW: Final = "new"
"""The answers to the question whether rows without key and date that were imported on an earlier day happened again."""

CHUNK: Final = 2_000
CHECKED_AT_ONCE: Final = 5_000


Entered = tuple[ImportRow, Report]


def _columns(kind: ReportKind[Any]) -> Mapping[str, str]:
    """Map the field names of refusals to columns. Fields of the set-up map to the column of the order or item."""
    subject = kind.inputs.subject.column
    columns = {one.name: one.column for one in kind.inputs.all}
    return {"item": subject, "receive_action": subject, "action": subject, **columns}


@dataclass(frozen=True, slots=True)
class ToPost:
    """The reports of one table for one site that aren't posted yet."""

    kind: ReportKind[Any]
    site: Site
    entered: Sequence[Entered]


def check_bookings(work: Work) -> list[ToPost]:
    """Check every booking against the existing orders and those of this import. Return the bookings that are still to
    post.

    Bookings that were posted before under the same key are skipped, because their order has changed since.
    """
    seen: dict[tuple[int, str], tuple[ReportKind[Any], Entered]] = {}
    to_post = []
    for kind in reversed(KINDS):
        by_site: dict[Site, list[Entered]] = {}
        for row, site, report in _entered(work, kind):
            by_site.setdefault(site, []).append((row, report))
        for site, entered in by_site.items():
            rows = _Rows(work, kind, site)
            fresh = [one for part in _parts(entered, CHECKED_AT_ONCE) for one in rows.fresh(part, seen)]
            to_post.append(ToPost(kind, site, fresh))
            _check(work, to_post[-1])
    return to_post


def _check(work: Work, to_post: ToPost) -> None:
    checks = _Checks(work, to_post.kind, to_post.site)
    done = 0
    for part in _parts(to_post.entered, CHECKED_AT_ONCE):
        checks.check(part)
        done += len(part)
        work.tell(f"{to_post.kind.table} checked", done, len(to_post.entered))


def post_bookings(work: Work, to_post: ToPost, *, chunk: int) -> Iterator[int]:
    """Post a table's reports for a site in row order. Yield the size of each chunk.

    A report can still be refused, if another user has changed something since the check. The refusal becomes a finding.
    """
    kind = to_post.kind
    lines = (StreamLine(row.number, report) for row, report in to_post.entered)
    results = Booker([kind], to_post.site, work.by).book(lines, chunk=chunk)
    for part in _parts(to_post.entered, chunk):
        for (row, _), result in zip(part, islice(results, len(part)), strict=True):
            work.counts[kind.table].new += result.booking is not None
            for refusal in result.refusals:
                work.refused(kind.table, row, refusal, _columns(kind))
        yield len(part)


def _parts(entered: Sequence[Entered], size: int) -> Iterator[Sequence[Entered]]:
    return (entered[start : start + size] for start in range(0, len(entered), size))


def _entered(work: Work, kind: ReportKind[Any]) -> Iterator[tuple[ImportRow, Site, Report]]:
    sheet = work.sheets.get(kind.table)
    if sheet is None:
        return
    work.counts[kind.table].rows = sheet.found
    times: Counter[str] = Counter()
    for row in sheet.rows:
        site = work.site(kind.table, row)
        if site is not None:
            report = kind.report(**kind.inputs.with_units({one.name: row[one.column] for one in kind.inputs.all}))
            if not report.key:
                again = work.undated == NEW and report.at is None
                report = _with_key(report, site, times, of_today=again)
            yield row, site, report


def _with_key(report: Report, site: Site, times: Counter[str], *, of_today: bool) -> Report:
    """Return a report with a key made from its content, for a row without date perhaps from the day too."""
    digest = report.request().digest
    times[f"{site.pk} {digest}"] += 1
    key = f"{MADE_KEY}{digest[:40]} {times[f'{site.pk} {digest}']}"
    return replace(report, key=f"{key} {_today(site)}" if of_today else key)


def _today(site: Site) -> date:
    return timezone.now().astimezone(ZoneInfo(site.time_zone)).date()


class _Rows:
    """The rows of a table for a site. Some may have been posted before."""

    def __init__(self, work: Work, kind: ReportKind[Any], site: Site) -> None:
        self._work, self._kind, self._site = work, kind, site

    def fresh(
        self, entered: Sequence[Entered], seen: dict[tuple[int, str], tuple[ReportKind[Any], Entered]]
    ) -> list[Entered]:
        """Return the reports that weren't posted before, each key once."""
        whole = completed_reports([report for _, report in entered], [self._kind], site=self._site)
        # A report that can't be completed is kept as it is: the check reports why.
        entered = [
            (row, report if isinstance(one, Refusal) else one)
            for (row, report), one in zip(entered, whole, strict=True)
        ]
        once = [one for one in entered if self._first_of_its_key(one, seen)]
        posted, reused = posted_keys(site=self._site, requests=[report.request() for _, report in once])
        self._work.counts[self._kind.table].there += len(posted)
        self._ask_about_undated([one for one in once if one[1].key in posted])
        for row, report in once:
            if report.key in reused:
                self._work.refused(self._kind.table, row, reused[report.key], _columns(self._kind))
        return [one for one in once if one[1].key not in posted and one[1].key not in reused]

    def _ask_about_undated(self, there: Sequence[Entered]) -> None:
        """Record rows without key and date of which one like it was imported on an earlier day."""
        undated = {report.key: row for row, report in there if report.at is None and report.key.startswith(MADE_KEY)}
        if not undated or self._work.undated:
            return
        zone, today = ZoneInfo(self._site.time_zone), _today(self._site)
        found = Posting.objects.filter(site=self._site, key__key__in=list(undated))
        for key, recorded_at in found.values_list("key__key", "recorded_at"):
            day = recorded_at.astimezone(zone).date()
            if day < today:
                fault = f"A row like this, without key and date, was imported on {written_day(day)}."
                remedy = "Give it a date or a key, or say whether such rows are the same or new."
                option = "That is --undated same or --undated new."
                row = undated[key]
                self._work.fault(self._kind.table, row, "date", fault, remedy, AlreadyThere.code, option)

    def _first_of_its_key(self, entered: Entered, seen: dict[tuple[int, str], tuple[ReportKind[Any], Entered]]) -> bool:
        row, report = entered
        kind, (first_row, first) = seen.setdefault((self._site.pk, report.key), (self._kind, entered))
        if first is report:
            return True
        if first.request().digest == report.request().digest:
            self._work.counts[self._kind.table].there += 1
        else:
            where = f"row {first_row.number}" if kind is self._kind else f"{kind.table}, row {first_row.number}"
            fault = f"{report.key} is the key of another booking in {where}."
            self._work.fault(self._kind.table, row, "key", fault, "Give each booking a key of its own, or none.")
        return False


class _Checks:
    """Checks reports in order before any is posted."""

    def __init__(self, work: Work, kind: ReportKind[Any], site: Site) -> None:
        self._work, self._kind, self._site = work, kind, site
        self._before: Subjects[Any] | None = None
        self._serials: dict[tuple[int, str], int] = {}
        self._ends: dict[tuple[int | None, ...], Refusal | None] = {}

    def check(self, entered: Sequence[Entered]) -> None:
        """Record every fault of some reports."""
        subjects = self._subjects(entered)
        rows: dict[int, ImportRow] = {}
        planned: dict[int, PlannedBooking] = {}
        for row, report in entered:
            rows[row.number] = row
            if (
                self._work.find(self._kind.table, row, self._kind.inputs.subject.column, subjects.found, report.of)
                is None
            ):
                self._note(row, self._future(report))
                continue
            one = checked(report, subjects)
            if isinstance(one, PlannedBooking):
                planned[row.number] = one
                subjects.count(report)
            else:
                self._note(row, one)
        for number, why in structure_refusals(planned, site=self._site).items():
            del planned[number]
            columns = {**_columns(self._kind), "unit": self._kind.inputs.subject.column}
            self._work.refused(self._kind.table, rows[number], why, columns)
        # Posting will find the structures that are frozen here.
        whole = with_structures_of_day(list(planned.values()), site=self._site)
        planned = dict(zip(planned, whole, strict=True))
        for number, why in goods_refusals(planned):
            self._note(rows[number], [why])
        self._check_serials([(rows[number], one) for number, one in planned.items()])
        self._check_ends([(rows[number], one) for number, one in planned.items()])

    def _subjects(self, entered: Sequence[Entered]) -> Subjects[Any]:
        """Return the orders and items of some reports, with the quantities of the reports checked before."""
        subjects = self._kind.subjects([report for _, report in entered], site=self._site, lock=False)
        if self._before is not None:
            subjects.count_from(self._before)
        self._before = subjects
        return subjects

    def _note(self, row: ImportRow, refusals: Iterable[Refusal]) -> None:
        for refusal in refusals:
            self._work.refused(self._kind.table, row, refusal, _columns(self._kind))

    def _future(self, report: Report) -> Iterator[Refusal]:
        try:
            event_time(self._site, report.at)
        except Refusal as refusal:
            yield refusal

    def _check_serials(self, planned: Sequence[tuple[ImportRow, PlannedBooking]]) -> None:
        """Record serial numbers that occur in two rows or are in stock already."""
        tracked = [(row, one.subject.item, serial) for row, one in planned for serial in one.report.serials]
        there = serials_there(self._site, {item.pk for _, item, _ in tracked}, [serial for _, _, serial in tracked])
        for row, item, serial in tracked:
            stock_key = item.pk, serial
            first = self._serials.setdefault(stock_key, row.number)
            where = f"in row {first}" if first != row.number else f"at {there[stock_key]}" if stock_key in there else ""
            if where:
                fault = f"{item.code} serial {serial} is {where} already."
                self._work.fault(self._kind.table, row, "serials", fault, "Correct the serial number.")

    def _check_ends(self, planned: Sequence[tuple[ImportRow, PlannedBooking]]) -> None:
        """Record lines whose from-location is also the to-location. Checked once per structure, rule and supplier."""
        new = {self._end(one): one for _, one in planned if self._end(one) not in self._ends}
        lines = FrozenLines(self._site.pk, {one.structure_id for one in new.values() if one.structure_id is not None})
        for key, one in new.items():
            self._ends[key] = None
            try:
                require_two_ends(one, lines)
            except Refusal as refusal:
                self._ends[key] = refusal
        for row, one in planned:
            ends = self._ends[self._end(one)]
            if ends is not None:
                self._work.refused(self._kind.table, row, ends, {"from": self._kind.inputs.subject.column})

    @staticmethod
    def _end(planned: PlannedBooking) -> tuple[int | None, ...]:
        rule, place = planned.backflush_rule, planned.subject.supplier_stock
        return rule.pk if rule else None, planned.structure_id, place.pk if place else None
