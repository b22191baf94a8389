"""Exports of lists: short ones at once, long ones as a background job.

    @page()
    def export_things(request: PageRequest, kind: str) -> HttpResponse:
        return send("things", request, kind)

`LISTS` names the function that returns the `Sent` of a list for a visit and a query. Both ways produce equal files.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, Final, Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import Expression, QuerySet
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django_tasks import task

from backflush.background.jobs import Write, add_part, begin_background_job, carry_on, report
from backflush.background.models import BackgroundJob, BackgroundJobKind
from backflush.core.refusals import InvalidValue
from backflush.core.sentences import Count
from backflush.delivery.pagination import count_up_to
from backflush.web.display import formats
from backflush.web.forms.values import text_in
from backflush.web.lists.files import FileColumn, as_csv, as_xlsx, csv_heads, csv_lines, flat_rows, workbook_of
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest, Visit

AT_ONCE_MOST: Final = 100_000
"""The most rows that are exported while the user waits."""
STEP_ROWS: Final = 20_000
SHEET_MOST: Final = 1_048_575
"""The most rows of a worksheet, without the header."""
PIECE: Final = 4 * 1024 * 1024
KINDS: Final = ("csv", "xlsx")
LISTS: Final[Mapping[str, str]] = {
    "counts": "backflush.web.stock.counts.count_list.counts_sent",
    "transactions": "backflush.web.stock.transactions.transactions_sent",
    "unresolved": "backflush.web.unresolved.queue.waiting_sent",
}

Line = TypeVar("Line")


@dataclass(frozen=True, slots=True)
class Sent(Generic[Line]):
    """A list to export: `line` builds a row from the values of `lookups`, and the columns are taken from it."""

    name: str
    title: str
    columns: Sequence[FileColumn[Line]]
    found: QuerySet[Any]
    lookups: Sequence[str | Expression]
    line: Callable[[Sequence[Any]], Line]
    by: Sequence[str]
    descending: bool = False

    def rows(self, *, after: Sequence[Any] = (), most: int | None = None) -> Iterator[tuple[Any, ...]]:
        """Yield the rows as plain values, followed by the values of their position."""
        return flat_rows(self.found, self.lookups, by=self.by, descending=self.descending, after=after, most=most)

    def line_of(self, row: Sequence[Any]) -> Line:
        """Return a row without its position."""
        return self.line(row[: len(self.lookups)])

    def lines(self) -> Iterator[Line]:
        """Yield all rows."""
        return map(self.line_of, self.rows())


def sent_named(name: str, visit: Visit, asked: QueryDict) -> Sent[Any]:
    """Return the list with this name."""
    if name not in LISTS:
        raise Http404
    make: Callable[[Visit, QueryDict], Sent[Any]] = import_string(LISTS[name])
    return make(visit, asked)


def send(name: str, request: PageRequest, kind: str) -> HttpResponse:
    """Return a list as a file, or for a long list the page that offers a background job."""
    if kind not in KINDS:
        raise Http404
    sent = sent_named(name, request.visit, request.GET)
    if count_up_to(sent.found, AT_ONCE_MOST) > AT_ONCE_MOST:
        asked = urlencode({"list": name, "kind": kind, "asked": request.GET.urlencode()})
        return redirect(f"{reverse('export-later')}?{asked}")
    if kind == "csv":
        return as_csv(sent.name, sent.columns, sent.lines(), request.visit.zone)
    return as_xlsx(sent.name, sent.columns, sent.lines(), request.visit.zone)


@page()
def later_page(request: PageRequest) -> HttpResponse:
    """Offer to make the file in the background."""
    asked = request.GET.get("asked", "")
    sent = sent_named(request.GET.get("list", ""), request.visit, QueryDict(asked))
    shown = {"sent": sent, "most": AT_ONCE_MOST, "asked": request.GET}
    return render(request, "web/home/background_jobs/export.html", shown)


@posts()
def begin_export(request: PageRequest) -> HttpResponse:
    """Start a background job that makes the file."""
    kind, name, asked = (request.POST.get(field, "") for field in ("kind", "list", "asked"))
    text_in(request.POST, "asked", most=4_000, empty=True)
    if kind not in KINDS:
        raise InvalidValue("Choose from the list.", field="kind")
    sent = sent_named(name, request.visit, QueryDict(asked))
    if kind == "xlsx" and count_up_to(sent.found, SHEET_MOST) > SHEET_MOST:
        raise InvalidValue(
            "The list has more than {most} rows, too many for one sheet. Export it as CSV, or filter it.",
            most=Count(SHEET_MOST),
            field="kind",
        )
    background_job = begin_background_job(
        site=request.visit.site,
        kind=BackgroundJobKind.EXPORT,
        work=make_export,
        title=_("%(list)s as %(kind)s") % {"list": sent.title, "kind": kind.upper()},
        by=request.user,
        asked={"list": name, "kind": kind, "asked": asked},
    )
    return redirect("background-job", background_job.pk)


# Background job


@task()
def make_export(number: int) -> None:
    """Make the file of a background job."""
    carry_on(number, _next_piece)


def _next_piece(background_job: BackgroundJob) -> Write:
    visit = Visit(background_job.by, background_job.site, [background_job.site])
    with timezone.override(visit.zone):
        sent = sent_named(background_job.asked["list"], visit, QueryDict(background_job.asked["asked"]))
        if background_job.asked["kind"] == "xlsx":
            return _workbook(background_job, sent, visit)
        return _csv_piece(background_job, sent, visit)


def _csv_piece(background_job: BackgroundJob, sent: Sent[Any], visit: Visit) -> Write:
    """Return a step that adds twenty thousand rows to the CSV file."""
    mark = background_job.mark or {"after": [], "parts": 0}
    whole = background_job.of if background_job.mark else _count(sent)
    rows = list(sent.rows(after=mark["after"], most=STEP_ROWS))
    content = b"".join(csv_lines(sent.columns, map(sent.line_of, rows), visit.zone))
    if not background_job.mark:
        content = csv_heads(sent.columns) + content

    def write(background_job: BackgroundJob) -> bool:
        add_part(background_job, mark["parts"], content)
        background_job.of, background_job.done = whole, background_job.done + len(rows)
        if len(rows) < STEP_ROWS:
            return _ready(background_job, f"{sent.name}.csv", background_job.done)
        background_job.mark = {
            "after": [_plain(value) for value in rows[-1][len(sent.lookups) :]],
            "parts": mark["parts"] + 1,
        }
        return True

    return write


def _count(sent: Sent[Any]) -> int:
    return int(sent.found.order_by().count())


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _workbook(background_job: BackgroundJob, sent: Sent[Any], visit: Visit) -> Write:
    """Return a step that makes the whole workbook. It can't be continued: if it is stopped, it starts again."""
    BackgroundJob.objects.filter(pk=background_job.pk).update(of=(whole := _count(sent)))
    read = 0

    def lines() -> Iterator[Any]:
        nonlocal read
        for read, row in enumerate(sent.rows(), 1):
            if not read % STEP_ROWS:
                report(background_job, read)
            yield sent.line_of(row)

    made = workbook_of(sent.columns, lines(), visit.zone)

    def write(background_job: BackgroundJob) -> bool:
        with made:
            for number, piece in enumerate(_pieces(made)):
                add_part(background_job, number, piece)
        background_job.of, background_job.done, background_job.mark = whole, read, {"whole": True}
        return _ready(background_job, f"{sent.name}.xlsx", read)

    return write


def _pieces(made: IO[bytes]) -> Iterator[bytes]:
    while piece := made.read(PIECE):
        yield piece


def _ready(background_job: BackgroundJob, name: str, rows: int) -> bool:
    background_job.counted, background_job.file_name = rows, name
    background_job.outcome = _("%(rows)s rows, ready to download.") % {"rows": formats.number(rows)}
    return False


urlpatterns = [
    path("exports/", later_page, name="export-later"),
    path("exports/begin/", begin_export, name="export-begin"),
]
