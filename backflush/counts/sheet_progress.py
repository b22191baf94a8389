"""Count sheets as people see them: the state of each line, what isn't finished, and what a counter does next (H6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from backflush.core.quantity import ZERO
from backflush.counts.corrections import stock_key_of
from backflush.counts.differences import LedgerAtCount, ledger_at
from backflush.counts.models import CountDecision, CountSheet, CountStatus, Decision, SheetLine, StockCount
from backflush.counts.tolerances import Tolerances
from backflush.ledger.posting import read_balances
from backflush.people.models import User
from backflush.stockmap.models import Site


class LineState(StrEnum):
    """The state of a line: not counted, counted, beyond the tolerance, to approve, not posted, approved or rejected."""

    NOT_COUNTED = "not counted"
    COUNTED = "counted"
    BEYOND = "beyond tolerance"
    TO_APPROVE = "to approve"
    NOT_POSTED = "not posted"
    APPROVED = "approved"
    REJECTED = "rejected"

    @property
    def finished(self) -> bool:
        """Whether nobody has to do anything about the line."""
        return self in {LineState.COUNTED, LineState.APPROVED, LineState.REJECTED}


_STATES: Mapping[str, LineState] = {
    CountStatus.POSTED: LineState.COUNTED,
    CountStatus.REPLACED: LineState.COUNTED,
    CountStatus.SHORT: LineState.NOT_POSTED,
    CountStatus.RECOUNT: LineState.BEYOND,
    CountStatus.APPROVAL: LineState.TO_APPROVE,
    CountStatus.REJECTED: LineState.REJECTED,
}


@dataclass(frozen=True, slots=True)
class LineShown:
    """A line with its state. `expected` and `difference` are None while the book quantity isn't to be seen.

    `waiting` is what is unresolved there, which counts as used: it isn't in `expected`.
    """

    line: SheetLine
    state: LineState
    expected: Decimal | None
    difference: Decimal | None
    waiting: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sheet is: its lines, and how many are not counted, beyond the tolerance, to approve or not posted."""

    lines: int = 0
    not_counted: int = 0
    beyond: int = 0
    to_approve: int = 0
    not_posted: int = 0

    @property
    def unfinished(self) -> int:
        """How many lines somebody still has to do something about."""
        return self.not_counted + self.beyond + self.to_approve + self.not_posted

    @property
    def counted(self) -> int:
        """How many lines have a count."""
        return self.lines - self.not_counted


def sheets(site: Site, *, status: str = "") -> QuerySet[CountSheet]:
    """Return the count sheets of a site, the latest first."""
    found = CountSheet.objects.filter(site=site).select_related("made_by", "ended_by")
    return (found.filter(status=status) if status else found).order_by("-pk")


def progress_of(sheets: Sequence[CountSheet]) -> dict[int, Progress]:
    """Return how far each of some sheets is, in three statements."""
    if not sheets:
        return {}
    lines = SheetLine.objects.filter(site=sheets[0].site_id, sheet__in=[sheet.pk for sheet in sheets]).order_by()
    total = dict(lines.values_list("sheet").annotate(Count("pk")))
    left = dict(lines.filter(count__isnull=True).values_list("sheet").annotate(Count("pk")))
    open_ones = lines.filter(count__status__in=[status for status in CountStatus if status.open])
    waiting: dict[int, dict[str, int]] = {}
    for sheet, status, number in open_ones.values_list("sheet", "count__status").annotate(Count("pk")):
        waiting.setdefault(sheet, {})[status] = number
    return {
        sheet.pk: Progress(
            total.get(sheet.pk, 0),
            left.get(sheet.pk, 0),
            waiting.get(sheet.pk, {}).get(CountStatus.RECOUNT, 0),
            waiting.get(sheet.pk, {}).get(CountStatus.APPROVAL, 0),
            waiting.get(sheet.pk, {}).get(CountStatus.SHORT, 0),
        )
        for sheet in sheets
    }


def sheet_lines(sheet: CountSheet, *, state: str = "", counter: User | None = None) -> QuerySet[SheetLine]:
    """Return the lines of a sheet in walking order; `state` is a `LineState`, or "unfinished"."""
    found = SheetLine.objects.filter(site=sheet.site_id, sheet=sheet)
    not_counted = Q(count__isnull=True)
    statuses = [status for status, named in _STATES.items() if named == state]
    if state == LineState.NOT_COUNTED:
        found = found.filter(not_counted)
    elif state == LineState.APPROVED:
        found = found.filter(count__decisions__decision=Decision.APPROVED)
    elif state == "unfinished":
        found = found.filter(not_counted | Q(count__status__in=[status for status in CountStatus if status.open]))
    elif state:
        found = found.filter(count__status__in=statuses)
    if counter is not None:
        found = found.filter(counter=counter)
    related = ("item__stock_unit", "location", "counter", "count__counted_by", "sheet", "site")
    return found.select_related(*related).order_by("position", "pk")


def shown_lines(lines: Sequence[SheetLine]) -> list[LineShown]:
    """Return some lines of a sheet with their states, in at most six more statements.

    A line that isn't counted shows what is expected now and what waits there, unless it is counted blind.
    """
    numbers = [line.count_id for line in lines if line.count_id is not None]
    decided = CountDecision.objects.filter(count__in=numbers, decision=Decision.APPROVED)
    approved = set(decided.values_list("count_id", flat=True)) if numbers else set()
    known = _expected([line for line in lines if line.count_id is None])
    return [_shown(line, line.count_id in approved, known.get(line.pk)) for line in lines]


def _shown(line: SheetLine, approved: bool, known: LedgerAtCount | None) -> LineShown:
    count = line.count
    if count is None:
        expected, waiting = (None, ZERO) if known is None else (known.expected, known.waiting)
        return LineShown(line, LineState.NOT_COUNTED, expected, None, waiting)
    state = LineState.APPROVED if approved else _STATES[count.status]
    if count.is_book_hidden:
        return LineShown(line, state, None, None)
    return LineShown(line, state, count.expected_now, count.difference, count.waiting)


def _expected(lines: Sequence[SheetLine]) -> dict[int, LedgerAtCount]:
    """Return what the ledger expects now for some lines of open sheets, without those that are counted blind."""
    site = lines[0].site if lines else None
    if site is None or not lines[0].open or lines[0].sheet.blind:
        return {}
    tolerances = Tolerances(site, {line.item_id: line.item for line in lines}.values())
    seen = [line for line in lines if not tolerances.blind(line.item, line.location_id)]
    now = timezone.now()
    counts = [
        StockCount(
            item_id=line.item_id,
            location_id=line.location_id,
            bin=line.bin,
            batch=line.batch,
            serial=line.serial,
            at=now,
        )
        for line in seen
    ]
    stock = read_balances(site=site, stock_keys=[stock_key_of(count) for count in counts])
    known = ledger_at(counts, stock, site=site)
    return {line.pk: one for line, one in zip(seen, known, strict=True)}


def lines_to_count(sheet: CountSheet, counter: User, *, most: int) -> list[SheetLine]:
    """Return what a person counts next: the lines of their own part, else those that are nobody's, else the rest.

    Lines of which another person must be the second counter come after those that aren't counted.
    """
    lines = sheet_lines(sheet).filter(Q(count__isnull=True) | Q(count__status=CountStatus.RECOUNT))
    lines = lines.exclude(count__counted_by=counter)
    for some in (lines.filter(counter=counter), lines.filter(counter__isnull=True), lines):
        found = list(some.order_by("position", "pk")[:most])
        if found:
            return sorted(found, key=lambda line: line.count_id is not None)
    return []
