"""Counting, one item after another: scan the location, scan the item, enter what is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.http import HttpResponse, JsonResponse, QueryDict
from django.template.loader import render_to_string
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from backflush.core.input_values import whole_or_none
from backflush.core.refusals import InvalidValue, NotABalanceLocation, NotAllowed, Refusal
from backflush.counts.models import CountMethod, StockCount
from backflush.counts.selectors import count_of
from backflush.counts.services import CountIn, enter_counts, preview_count
from backflush.delivery.refusals import status_of
from backflush.handling.rights import may_reverse
from backflush.ledger.models import Posting
from backflush.ledger.selectors import posting_numbered, total_at
from backflush.people.rights import Verb
from backflush.stockmap.models import Location
from backflush.web.display import badges
from backflush.web.display.translation import sentence_of
from backflush.web.forms.fields import Field, FieldKind
from backflush.web.forms.scan_form import ScanPage, ScanQuery, bins_offered
from backflush.web.forms.standard_fields import event_time_field, remarks_field
from backflush.web.forms.values import moment_in, piles_in
from backflush.web.platform.decorators import posts
from backflush.web.platform.visit import PageRequest, Visit


@dataclass
class CountQuery(ScanQuery):
    """The location and the item, and the count that this one repeats, if any."""

    there: Decimal = Decimal(0)


class CountEntryPage(ScanPage[CountQuery]):
    """Counts at a location, one item after another."""

    address = "count-entry"
    slug = "count"
    verb = Verb.COUNT
    query_class = CountQuery
    place_field = "location"
    place_label = lazy("Location")
    template = "web/stock/counts/count_entry.html"
    preview_template = "web/stock/counts/count_preview.html"
    posted_template = "web/stock/counts/count_posted.html"

    def accept_place(self, visit: Visit, query: CountQuery, place: Location) -> None:
        """Refuse a location that keeps no balances. A deactivated one may still be counted."""
        if not place.has_balance:
            raise NotABalanceLocation(
                "{location} keeps no balances, so nothing can be counted there. Choose another location.",
                location=place.path,
                field="location",
            )

    def load_stock(self, visit: Visit, query: CountQuery) -> None:
        """Load the balance, and the bins of a location that is kept in bins."""
        assert query.item is not None
        assert query.place is not None
        query.there = total_at(visit.site, query.item, query.place.pk)
        if query.place.bin_controlled:
            query.bins = bins_offered(query.place.pk)

    def line_fields(self, query: CountQuery) -> Sequence[Field]:
        """Return bin, batch or serial number as the item needs them, then what is there, when and how."""
        assert query.item is not None
        assert query.place is not None
        fields = []
        if query.place.bin_controlled:
            fields.append(Field("bin", _("Bin"), suggestions=[bin.code for bin in query.bins], required=True))
        if query.by_batch:
            fields.append(Field("batch", _("Batch"), length_max=60, required=True))
        if query.by_serial:
            fields.append(Field("serial", _("Serial number"), length_max=60, required=True, look="scan"))
        hint = _("In %(unit)s, or with a unit. Add up piles like 12x50 + 30. Enter 0 if nothing is there.")
        found = Field(
            "quantity",
            _("What is there?"),
            hint=hint % {"unit": query.item.stock_unit.code},
            look="scan",
            focus=True,
            required=True,
            length_max=100,
        )
        methods = [(method.value, badges.COUNT_METHOD[method]) for method in CountMethod]
        return [
            *fields,
            found,
            event_time_field(),
            Field("method", _("How it was counted"), FieldKind.CHOICE, choices=methods),
            remarks_field(),
        ]

    def line_values(self, query: CountQuery, form_data: QueryDict) -> dict[str, list[str]]:
        """Return what was entered, with the bin whose label was scanned."""
        return {"bin": [query.bin], **super().line_values(query, form_data)}

    def carried_over(self, visit: Visit, form_data: Mapping[str, str]) -> dict[str, str]:
        """Keep the time, and the sheet, for the next item of the same round."""
        sheet = whole_or_none(form_data.get("sheet", ""))
        return {"at": form_data.get("at", "").strip(), **({"sheet": str(sheet)} if sheet else {})}

    def preview(self, visit: Visit, query: CountQuery, form_data: QueryDict) -> dict[str, Any]:
        """Return what the ledger expects and how far the count is off; nothing of it for a blind count."""
        recount_of = form_data.get("recount_of", "")
        if not query.ready or not form_data.get("quantity", "").strip():
            return {"recount_of": recount_of}
        try:
            counted = _count_in(query, form_data)
            previewed = preview_count(counted, site=visit.site, by=visit.user)
        except NotAllowed as refusal:
            blind = refusal.field == "item"
            return {"recount_of": recount_of, "blind": blind, **({} if blind else {"preview_refusal": refusal})}
        except Refusal as refusal:
            return {"recount_of": recount_of, "preview_refusal": refusal}
        return {
            "recount_of": recount_of,
            "counted": counted.quantity,
            "previewed": previewed,
            "amount": abs(previewed.difference),
        }

    def post(self, request: PageRequest, query: CountQuery) -> Posting:
        """Enter the count."""
        (count,) = enter_counts([_count_in(query, request.POST)], site=request.visit.site, by=request.user)
        return count.posting

    def _just_posted(self, request: PageRequest) -> dict[str, Any]:
        """Return the count that was just entered or undone; one that agrees has no movement."""
        number = whole_or_none(request.GET.get("done", "") or request.POST.get("posting", ""))
        if number is None:
            return {}
        posting = posting_numbered(request.visit.site, number)
        count = count_of(posting)
        if count is None:
            return {}
        return {
            "done": posting,
            "count": count,
            "undone": count.reversed_by_id is not None,
            "may_undo": may_reverse(request.user, request.visit.site, posting),
        }


def _count_in(query: CountQuery, form_data: QueryDict) -> CountIn:
    """Read the count from the form."""
    assert query.item is not None
    assert query.place is not None
    return CountIn(
        item=query.item.code,
        location=query.place.path,
        quantity=piles_in(form_data, "quantity", query.item),
        bin=form_data.get("bin", query.bin).strip(),
        batch=form_data.get("batch", "").strip(),
        serial=form_data.get("serial", "").strip(),
        at=moment_in(form_data, "at"),
        method=form_data.get("method", "") or CountMethod.SEEN,
        remarks=form_data.get("remarks", "").strip(),
        recount_of=whole_or_none(form_data.get("recount_of", "")),
        sheet=whole_or_none(form_data.get("sheet", "")),
        key=form_data.get("key", ""),
    )


def entry_address(count: StockCount) -> dict[str, str]:
    """Return the parameters with which the page opens to count the same item and place again."""
    return {"location": count.location.path, "item": count.item.code, "recount_of": str(count.pk)}


COUNT_ENTRY: Final = CountEntryPage()


def kept_answer(request: PageRequest, count: StockCount) -> JsonResponse:
    """Answer a page's script about a count that it had kept until there was a network."""
    said = render_to_string("web/stock/counts/count_posted.html", {"count": count}, request=request)
    return JsonResponse({"said": " ".join(said.split()), "status": count.status})


def kept_refusal(refusal: Refusal) -> JsonResponse:
    """Answer that a kept count is refused; the script shows why, and doesn't send it again."""
    return JsonResponse({"refused": sentence_of(refusal)}, status=status_of(refusal))


@posts(Verb.COUNT)
def enter_kept(request: PageRequest) -> HttpResponse:
    """Enter a count that the page kept while there was no network. Its key makes it once."""
    query = COUNT_ENTRY.query(request.visit, request.POST)
    try:
        if query.refusal is not None:
            raise query.refusal
        if not query.ready:
            raise InvalidValue("Scan the location and the item first.", field="location")
        (count,) = enter_counts([_count_in(query, request.POST)], site=request.visit.site, by=request.user)
    except Refusal as refusal:
        return kept_refusal(refusal)
    return kept_answer(request, count)


urlpatterns = [
    *COUNT_ENTRY.urls("stock/counts/enter/"),
    path("stock/counts/enter/kept/", enter_kept, name="count-kept"),
]
