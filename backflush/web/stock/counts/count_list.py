"""The list of counts, and the approval of those that wait for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from backflush.core.refusals import InvalidValue, Refusal
from backflush.counts.approval import approve_counts, reject_counts
from backflush.counts.models import CountStatus, StockCount
from backflush.counts.selectors import counts
from backflush.delivery.pagination import Page, page_of
from backflush.people.rights import Verb
from backflush.stockmap.selectors import place_names
from backflush.web.display import badges
from backflush.web.forms.fields import Field, Form
from backflush.web.forms.standard_fields import remarks_field
from backflush.web.forms.values import pks_in
from backflush.web.lists.export_jobs import Sent, send
from backflush.web.lists.files import FileColumn
from backflush.web.lists.filters import Chip, chips_of, same_list
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest, Visit
from backflush.web.stock.counts.count_entry import entry_address
from backflush.web.stock.transactions import SUGGESTED_MOST

ORDERED_BY: Final = ("at", "id")
APPROVED_MOST: Final = 5_000
FILTERS: Final[Sequence[tuple[str, str | Promise]]] = (
    ("item", lazy("item")),
    ("location", lazy("place")),
    ("status", lazy("status")),
)


@dataclass(frozen=True, slots=True)
class CountRow:
    """A count of the list, with what can be done about it."""

    count: StockCount
    badge: badges.Badge
    may_decide: bool
    recount: str


@dataclass(frozen=True)
class CountList:
    """The requested list."""

    visit: Visit
    query: QueryDict

    def _word(self, name: str) -> str:
        return self.query.get(name, "").strip()

    @cached_property
    def found(self) -> QuerySet[StockCount]:
        """All counts that match."""
        status = self._word("status")
        if status and status not in CountStatus.values:
            raise InvalidValue("Choose from the list.", field="status")
        return counts(self.visit.site, item=self._word("item"), location=self._word("location"), status=status)

    @cached_property
    def page(self) -> Page[StockCount]:
        """The counts of this page, the latest first."""
        return page_of(self.found, self.query, by=ORDERED_BY, descending=True)

    def rows(self) -> list[CountRow]:
        """The rows of this page."""
        decides, recounts = Verb.APPROVE_COUNTS in self.visit.verbs, Verb.COUNT in self.visit.verbs
        return [
            CountRow(
                count,
                badges.REVERSED if count.reversed_by_id is not None else badges.COUNT[count.status],
                decides and _is_open(count) and count.counted_by_id != self.visit.user.pk,
                f"{reverse('count-entry')}?{urlencode(entry_address(count))}" if recounts and _is_open(count) else "",
            )
            for count in self.page.rows
        ]

    def chips(self) -> list[Chip]:
        """The active filters."""
        status = self._word("status")
        return chips_of(self.query, FILTERS, {"status": str(badges.COUNT[status].word)} if status else {})


def _is_open(count: StockCount) -> bool:
    return CountStatus(count.status).open and count.reversed_by_id is None


@page()
def counts_page(request: PageRequest) -> HttpResponse:
    """List the counts, the latest first, with those that somebody has to decide about."""
    return _show(request, None, request.GET)


def _show(request: PageRequest, refusal: Refusal | None, form_data: QueryDict) -> HttpResponse:
    listed = CountList(request.visit, request.GET)
    context: dict[str, Any] = {
        "query": request.GET,
        "whole": same_list(request.GET),
        "form": Form([remarks_field(), *(Field(name, word) for name, word in FILTERS)], form_data, refusal),
        "refusal": refusal,
        "places": place_names(request.visit.site, most=SUGGESTED_MOST),
        "statuses": [(status.value, badges.COUNT[status].word) for status in CountStatus],
        "open_counts": _open_counts(request.visit),
        "may_count": Verb.COUNT in request.visit.verbs,
    }
    status = HTTPStatus.OK if refusal is None else HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        context |= {"page": listed.page, "rows": listed.rows(), "chips": listed.chips()}
    except Refusal as wrong:
        context["refusal"] = wrong
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    context["deciding"] = any(row.may_decide for row in context.get("rows", ()))
    return render(request, "web/stock/counts/count_list.html", context, status=status)


def _open_counts(visit: Visit) -> list[tuple[str, badges.Badge, int]]:
    """Return how many counts wait, by status; one statement."""
    statuses = [status for status in CountStatus if status.open]
    waiting = StockCount.objects.filter(site=visit.site, status__in=statuses, reversed_by__isnull=True)
    found = waiting.aggregate(**{status.value: Count("pk", filter=Q(status=status)) for status in statuses})
    return [(status.value, badges.COUNT[status], found[status.value]) for status in statuses if found[status.value]]


def _again(request: PageRequest, refusal: Refusal) -> HttpResponse:
    return _show(request, refusal, request.POST)


@posts(Verb.APPROVE_COUNTS, again=_again)
def decide_counts(request: PageRequest) -> HttpResponse:
    """Approve or reject the counts that were ticked."""
    chosen = pks_in(request.POST.getlist("count"), field="count")
    if not chosen or len(chosen) > APPROVED_MOST:
        raise InvalidValue("Tick the counts to approve or reject.", field="count")
    remarks = request.POST.get("remarks", "").strip()
    decide = reject_counts if request.POST.get("decision") == "reject" else approve_counts
    decide(site=request.visit.site, counts=chosen, by=request.user, remarks=remarks)
    return redirect("counts")


class CountLine(NamedTuple):
    """A count of an export: the values of `LOOKUPS`, in their order."""

    number: int
    at: datetime
    item: str
    description: str
    location: str
    bin: str
    batch: str
    serial: str
    quantity: Decimal
    difference: Decimal
    waiting: Decimal
    unit: str
    status: str
    attempt: int
    method: str
    blind: bool
    reversed_by: int | None
    first_name: str
    last_name: str
    username: str

    @property
    def hidden(self) -> bool:
        """Whether nobody may see its book quantity yet (`StockCount.is_book_hidden`)."""
        return self.blind and self.status == CountStatus.RECOUNT and self.reversed_by is None


LOOKUPS: Final = (
    "pk",
    "at",
    "item__code",
    "item__description",
    "location__path",
    "bin",
    "batch",
    "serial",
    "quantity",
    "difference",
    "waiting",
    "item__stock_unit__code",
    "status",
    "attempt",
    "method",
    "blind",
    "reversed_by",
    "counted_by__first_name",
    "counted_by__last_name",
    "counted_by__username",
)
COLUMNS: Final[Sequence[FileColumn[CountLine]]] = (
    FileColumn(lazy("Count"), lambda row: row.number),
    FileColumn(lazy("When"), lambda row: row.at),
    FileColumn(lazy("Item"), lambda row: row.item),
    FileColumn(lazy("Description"), lambda row: row.description),
    FileColumn(lazy("Place"), lambda row: row.location),
    FileColumn(lazy("Bin"), lambda row: row.bin),
    FileColumn(lazy("Batch"), lambda row: row.batch),
    FileColumn(lazy("Serial"), lambda row: row.serial),
    FileColumn(lazy("Counted"), lambda row: row.quantity),
    FileColumn(lazy("Expected"), lambda row: None if row.hidden else row.quantity - row.difference),
    FileColumn(lazy("Difference"), lambda row: None if row.hidden else row.difference),
    FileColumn(lazy("Unresolved"), lambda row: None if row.hidden else row.waiting),
    FileColumn(lazy("Unit"), lambda row: row.unit),
    FileColumn(
        lazy("Status"), lambda row: str((badges.REVERSED if row.reversed_by else badges.COUNT[row.status]).word)
    ),
    FileColumn(lazy("Attempt"), lambda row: row.attempt),
    FileColumn(lazy("How it was counted"), lambda row: str(badges.COUNT_METHOD[row.method])),
    FileColumn(lazy("Counted by"), lambda row: f"{row.first_name} {row.last_name}".strip() or row.username),
)


def counts_sent(visit: Visit, query: QueryDict) -> Sent[CountLine]:
    """Return the list for an export, with the page's filters and order."""
    return Sent(
        name=f"counts-{visit.today:%Y-%m-%d}",
        title=_("Counts"),
        columns=COLUMNS,
        found=CountList(visit, query).found,
        lookups=LOOKUPS,
        line=CountLine._make,
        by=ORDERED_BY,
        descending=True,
    )


@page()
def export_counts(request: PageRequest, kind: str) -> HttpResponse:
    """Export the list as a file."""
    try:
        return send("counts", request, kind)
    except InvalidValue as refusal:
        return _show(request, refusal, request.GET)


urlpatterns = [
    path("stock/counts/export.<slug:kind>", export_counts, name="counts-export"),
    path("stock/counts/", counts_page, name="counts"),
    path("stock/counts/decide/", decide_counts, name="counts-decide"),
]
