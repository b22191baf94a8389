"""Opening stock, one line after another: scan the location, scan the item, enter how many there were."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from backflush.core.refusals import InvalidValue, NotABalanceLocation, Refusal
from backflush.handling.moves import OpeningIn, open_stock
from backflush.handling.selectors import preview_opening
from backflush.ledger.models import Posting
from backflush.ledger.selectors import total_at
from backflush.people.rights import Verb
from backflush.stockmap.deactivation import require_in_use
from backflush.stockmap.models import Location
from backflush.web.forms.fields import Field, FieldKind
from backflush.web.forms.scan_form import ScanPage, ScanQuery, bins_offered
from backflush.web.forms.values import day_in, serials_in, stock_quantity_in
from backflush.web.platform.visit import PageRequest, Visit


@dataclass
class OpeningQuery(ScanQuery):
    """The location and the item, and how much of it the books say is there."""

    there: Decimal = Decimal(0)


class OpeningStockPage(ScanPage[OpeningQuery]):
    """Opening stock at a location, there since the beginning of a day."""

    address = "opening-stock"
    slug = "opening"
    verb = Verb.OPEN_STOCK
    query_class = OpeningQuery
    place_field = "location"
    place_label = lazy("Location")
    template = "web/stock/opening.html"
    preview_template = "web/stock/opening_preview.html"
    posted_template = "web/stock/opening_posted.html"

    def accept_place(self, visit: Visit, query: OpeningQuery, place: Location) -> None:
        """Refuse a location that is inactive or keeps no balances."""
        require_in_use(place, field="location")
        if not place.has_balance:
            raise NotABalanceLocation(
                "{location} keeps no balances, so it can't hold stock. Choose another location.",
                location=place.path,
                field="location",
            )

    def load_stock(self, visit: Visit, query: OpeningQuery) -> None:
        """Load the balance, and the bins of a location that is kept in bins."""
        assert query.item is not None
        assert query.place is not None
        query.there = total_at(visit.site, query.item, query.place.pk)
        if query.place.bin_controlled:
            query.bins = bins_offered(query.place.pk)

    def line_fields(self, query: OpeningQuery) -> Sequence[Field]:
        """Return bin, batch or serial numbers as the item needs them, quantity, and the day."""
        assert query.item is not None
        assert query.place is not None
        unit = query.item.stock_unit.code
        bins = [bin.code for bin in query.bins]
        hint = _("Separate them by spaces or lines.")
        many = _("How many were there?")
        fields = []
        if query.place.bin_controlled:
            fields.append(Field("bin", _("In which bin"), suggestions=bins))
        if query.by_batch:
            fields.append(Field("batch", _("Batch"), length_max=60))
        if query.by_serial:
            serials = Field("serials", _("Serial numbers"), FieldKind.TEXTAREA, hint, focus=True, also=("serial",))
            fields.append(serials)
        else:
            fields.append(Field("quantity", many, FieldKind.QUANTITY, unit=unit, look="scan", focus=True))
        return [*fields, Field("at", _("There since the beginning of"), FieldKind.DATE)]

    def line_values(self, query: OpeningQuery, form_data: QueryDict) -> dict[str, list[str]]:
        """Return what was entered, with the bin whose label was scanned."""
        return {"bin": [query.bin], **super().line_values(query, form_data)}

    def carried_over(self, visit: Visit, form_data: Mapping[str, str]) -> dict[str, str]:
        """Keep the day for the next line."""
        return {"at": form_data.get("at", "").strip() or visit.today.isoformat()}

    def preview(self, visit: Visit, query: OpeningQuery, form_data: QueryDict) -> dict[str, Any]:
        """Return what will be there once the line is posted."""
        entered = form_data.get("quantity", "").strip() or form_data.get("serials", "").strip()
        if not query.ready or not entered:
            return {}
        try:
            openings = _openings_in(query, form_data)
            preview = preview_opening(openings, visit.site)
        except Refusal as refusal:
            return {"preview_refusal": refusal}
        enters = sum((opening.quantity for opening in openings), Decimal(0))
        return {"opening": openings[0], "enters": enters, "preview": preview}

    def post(self, request: PageRequest, query: OpeningQuery) -> Posting:
        """Post the opening stock of the line."""
        posting = open_stock(
            _openings_in(query, request.POST),
            site=request.visit.site,
            by=request.user,
            at=day_in(request.POST, "at"),
            key=request.POST.get("key", ""),
        )
        assert posting is not None, "there is at least one line"
        return posting


def _openings_in(query: OpeningQuery, form_data: QueryDict) -> list[OpeningIn]:
    """Read the line: one opening, or one for each serial number."""
    assert query.item is not None
    assert query.place is not None
    serials = serials_in(form_data, "serials") if query.by_serial else []
    if query.by_serial and not serials:
        raise InvalidValue("Scan the serial numbers in stock.", field="serials")
    quantity = Decimal(1) if serials else stock_quantity_in(form_data, "quantity", query.item)
    return [
        OpeningIn(
            item=query.item,
            location=query.place,
            quantity=quantity,
            bin=form_data.get("bin", query.bin).strip(),
            batch=form_data.get("batch", "").strip(),
            serial=serial,
        )
        for serial in serials or [""]
    ]


OPENING_STOCK: Final = OpeningStockPage()
urlpatterns = OPENING_STOCK.urls("stock/opening/")
