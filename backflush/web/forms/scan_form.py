"""Pages that post one line after another by scanner: scan a location, scan an item, enter a quantity, confirm.

Each such page says which location field it has, what else it asks, and what it posts (`ScanPage`). All of them share
the template `stock/scan.html`. After a line is posted, the location stays for the next line, and the line can be
undone in place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Final, Generic, TypeVar

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from backflush.core.input_values import whole_or_none
from backflush.core.moves import Tracking
from backflush.core.refusals import InvalidValue, NotFound, Refusal
from backflush.handling.moves import reverse as reverse_posting
from backflush.handling.rights import may_reverse, require_may_reverse
from backflush.handling.selectors import goes_back
from backflush.items.models import Item
from backflush.items.selectors import item_coded
from backflush.ledger.models import Posting
from backflush.ledger.selectors import movements_of, posting_numbered
from backflush.people.rights import Verb
from backflush.stockmap.deactivation import offered
from backflush.stockmap.models import Bin, Location
from backflush.stockmap.selectors import bin_labelled, location_at
from backflush.unresolved.arrivals import proposed_by
from backflush.web.forms.fields import Field, FieldKind, Form, Text
from backflush.web.forms.idempotency import new_key
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest, Visit

SHOWN_MAX: Final = 200
"""How many batches, serial numbers and bins are offered at most, and how many movements of one line are added up."""


@dataclass
class ScanQuery:
    """The location and the item that were scanned, as far as they were, and the refusal about them."""

    place: Location | None = None
    bin: str = ""
    """The code of the bin whose label was scanned for the location."""
    item: Item | None = None
    bins: list[Bin] = field(default_factory=list)
    refusal: Refusal | None = None

    @property
    def by_serial(self) -> bool:
        """Whether each piece is named by its serial number, so that no quantity is entered."""
        return self.item is not None and self.item.tracking == Tracking.SERIAL

    @property
    def by_batch(self) -> bool:
        """Whether the batch must be named."""
        return self.item is not None and self.item.tracking == Tracking.BATCH

    @property
    def ready(self) -> bool:
        """Whether location and item are known."""
        return self.place is not None and self.item is not None


def scanned_place(visit: Visit, text: str, *, field: str) -> tuple[Location, str]:
    """Return the location that was scanned, by its own label or by that of one of its bins, and the bin's code."""
    try:
        return location_at(visit.site, text, field=field), ""
    except NotFound:
        found = bin_labelled(visit.site, text)
        if found is None:
            raise
        return found.location, found.code


def bins_offered(*locations: int) -> list[Bin]:
    """Return the active bins of some locations, by code, up to a limit."""
    return list(offered(Bin.objects.filter(location__in=locations).order_by("code"))[:SHOWN_MAX])


Query = TypeVar("Query", bound=ScanQuery)


class ScanPage(Generic[Query]):
    """A page that posts one line after another by scanner."""

    address: ClassVar[str]
    """The name of its address."""
    slug: ClassVar[str]
    """The beginning of the names of its other addresses."""
    verb: ClassVar[Verb]
    query_class: type[Query]
    place_field: ClassVar[str]
    """The name of the field into which the location is scanned."""
    place_label: Text
    template: ClassVar[str]
    preview_template: ClassVar[str]
    posted_template: ClassVar[str]
    """The sentence about the line that was just posted."""

    def accept_place(self, visit: Visit, query: Query, place: Location) -> None:
        """Check the location that was scanned, and refuse it before anything else is asked."""
        raise NotImplementedError

    def load_stock(self, visit: Visit, query: Query) -> None:
        """Load what is in stock of the item at the location, and what of it can be chosen."""
        raise NotImplementedError

    def line_fields(self, query: Query) -> Sequence[Field]:
        """Return the fields of a line, once location and item are known."""
        raise NotImplementedError

    def line_values(self, query: Query, form_data: QueryDict) -> dict[str, list[str]]:
        """Return what stands in the fields of a line."""
        return dict(form_data.lists())

    def preview(self, visit: Visit, query: Query, form_data: QueryDict) -> dict[str, Any]:
        """Return the context of the preview; empty as long as too little is filled in."""
        raise NotImplementedError

    def post(self, request: PageRequest, query: Query) -> Posting:
        """Post the line."""
        raise NotImplementedError

    def carried_over(self, visit: Visit, form_data: Mapping[str, str]) -> dict[str, str]:
        """Return what stays filled in for the next line, besides the location."""
        raise NotImplementedError

    @property
    def preview_address(self) -> str:
        """The name of the address of the preview."""
        return f"{self.slug}-preview"

    @property
    def post_address(self) -> str:
        """The name of the address at which a line is posted."""
        return f"{self.slug}-post"

    @property
    def undo_address(self) -> str:
        """The name of the address at which a line is undone."""
        return f"{self.slug}-undo"

    def query(self, visit: Visit, form_data: Mapping[str, str]) -> Query:
        """Look up the location and the item that were scanned."""
        query = self.query_class()
        place, code = form_data.get(self.place_field, "").strip(), form_data.get("item", "").strip()
        try:
            if place:
                location, query.bin = scanned_place(visit, place, field=self.place_field)
                self.accept_place(visit, query, location)
                query.place = location
            if code:
                query.item = item_coded(code)
        except Refusal as refusal:
            query.refusal = refusal
        if query.place is not None and query.item is not None:
            self.load_stock(visit, query)
        return query

    def show(self, request: PageRequest, refusal: Refusal | None, form_data: QueryDict) -> HttpResponse:
        """Show the page with what was scanned and entered so far."""
        query = self.query(request.visit, form_data)
        carried_over = self.carried_over(request.visit, form_data)
        fields = [*self._scan_fields(query), *(self.line_fields(query) if query.ready else [])]
        values = {
            **self.line_values(query, form_data),
            **{name: [value] for name, value in carried_over.items()},
            self.place_field: [form_data.get(self.place_field, "")],
            "item": [form_data.get("item", "")],
        }
        context = {
            "scan": self,
            "query": query,
            "form": Form(fields, values, refusal or query.refusal),
            "carried_over": carried_over,
            "place_entered": form_data.get(self.place_field, ""),
            "key": form_data.get("key", "") or new_key(),
            "undo_key": new_key(),
            **self.preview(request.visit, query, form_data),
            **self._just_posted(request),
        }
        return render(request, self.template, context)

    def _scan_fields(self, query: Query) -> list[Field]:
        return [
            Field(
                self.place_field,
                self.place_label,
                FieldKind.CODE,
                codes="locations",
                look="scan",
                required=True,
                focus=query.place is None,
            ),
            Field(
                "item",
                _("Item"),
                FieldKind.CODE,
                codes="items",
                look="scan",
                focus=query.place is not None and query.item is None,
            ),
        ]

    def _just_posted(self, request: PageRequest) -> dict[str, Any]:
        """Return the line that was just posted or undone, read from the ledger."""
        number = whole_or_none(request.GET.get("done", "") or request.POST.get("posting", ""))
        if number is None:
            return {}
        posting = posting_numbered(request.visit.site, number)
        movements = list(movements_of(posting)[: SHOWN_MAX + 1])
        if not movements:
            return {}
        undone = not goes_back(posting)
        return {
            "done": posting,
            "first": movements[0],
            "amount": sum((movement.quantity for movement in movements), Decimal(0)),
            "undone": undone,
            "may_undo": may_reverse(request.user, request.visit.site, posting),
            "proposal": None if undone else proposed_by(posting, site=request.visit.site),
        }

    def _next_line(self, request: PageRequest, posting: int) -> HttpResponse:
        place = request.POST.get(self.place_field, "").strip()
        carried_over = self.carried_over(request.visit, request.POST)
        return redirect(
            f"{reverse(self.address)}?{urlencode({self.place_field: place, **carried_over, 'done': str(posting)})}"
        )

    def urls(self, under: str) -> list[URLPattern]:
        """Return its addresses: the page, the preview, posting a line, and undoing it."""

        def again(request: PageRequest, refusal: Refusal) -> HttpResponse:
            return self.show(request, refusal, request.POST)

        @page(self.verb)
        def scan_page(request: PageRequest) -> HttpResponse:
            return self.show(request, None, request.GET)

        @page(self.verb)
        def preview_part(request: PageRequest) -> HttpResponse:
            query = self.query(request.visit, request.GET)
            context = {"query": query, **self.preview(request.visit, query, request.GET)}
            return render(request, self.preview_template, context)

        @posts(self.verb, again=again)
        def post(request: PageRequest) -> HttpResponse:
            query = self.query(request.visit, request.POST)
            if query.refusal is not None:
                raise query.refusal
            if not query.ready:
                raise InvalidValue("Scan the location and the item first.", field=self.place_field)
            return self._next_line(request, self.post(request, query).pk)

        @posts(Verb.REVERSE_OWN, Verb.REVERSE, again=again)
        def undo(request: PageRequest) -> HttpResponse:
            """Undo the line without a question: undoing is exact, and the line can be posted again."""
            number = whole_or_none(request.POST.get("posting", ""))
            if number is None:
                raise InvalidValue("Choose the line to undo.", field="posting")
            posting = posting_numbered(request.visit.site, number)
            require_may_reverse(request.user, request.visit.site, posting)
            reverse_posting(
                site=request.visit.site, posting=posting.pk, by=request.user, key=request.POST.get("key", "")
            )
            return self._next_line(request, posting.pk)

        return [
            path(under, scan_page, name=self.address),
            path(f"{under}preview/", preview_part, name=self.preview_address),
            path(f"{under}post/", post, name=self.post_address),
            path(f"{under}undo/", undo, name=self.undo_address),
        ]
