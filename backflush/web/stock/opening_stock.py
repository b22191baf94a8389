"""Opening stock, line by line: scan the place, scan the item, enter the quantity; then the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.http import QueryDict

from backflush.core.refusals import InvalidValue, NotABalanceLocation, Refusal
from backflush.handling.moves import OpeningIn, open_stock
from backflush.handling.selectors import MoveForeseen, foresee_opening
from backflush.ledger.models import Posting
from backflush.ledger.selectors import total_at
from backflush.people.rights import Verb
from backflush.stockmap.deactivation import require_in_use
from backflush.stockmap.models import Location
from backflush.web.forms.scan_form import Scanning, ScanQuery, bins_offered
from backflush.web.forms.values import day_in, number_in, serials_in
from backflush.web.platform.visit import PageRequest, Visit


@dataclass
class OpeningAsked(ScanQuery):
    """The item and place entered so far."""

    there: Decimal = Decimal(0)


class Opening(Scanning[OpeningAsked]):
    """The form: opening stock at the scanned place, as of the start of a day."""

    at = "opening-stock"
    slug = "opening"
    verb = Verb.OPEN_STOCK
    asks = OpeningAsked
    place = "location"
    fields = frozenset({"quantity", "bin", "batch", "serials", "serial", "at"})
    template = "web/stock/opening.html"
    will_template = "web/stock/opening_will.html"
    words = "web/stock/opening_words.html"

    def look_at(self, visit: Visit, asked: OpeningAsked, place: Location) -> None:
        require_in_use(place, field="location")
        if not place.has_balance:
            raise NotABalanceLocation(
                "{location} keeps no balances, so it can't hold stock. Choose another location.",
                location=place.path,
                field="location",
            )

    def look_into(self, visit: Visit, asked: OpeningAsked) -> None:
        assert asked.item is not None
        assert asked.place is not None
        asked.there = total_at(visit.site, asked.item, asked.place.pk)
        if asked.place.bin_controlled:
            asked.bins = bins_offered(asked.place.pk)

    def stays(self, visit: Visit, said: Mapping[str, str]) -> dict[str, str]:
        return {"at": said.get("at", "").strip() or visit.today.isoformat()}

    def will(self, visit: Visit, asked: OpeningAsked, said: QueryDict) -> dict[str, Any]:
        if not asked.ready or not (said.get("quantity", "").strip() or said.get("serials", "").strip()):
            return {}
        try:
            openings = _openings_in(asked, said)
            foreseen: MoveForeseen = foresee_opening(openings, visit.site)
        except Refusal as refusal:
            return {"will_refusal": refusal}
        enters = sum((one.quantity for one in openings), Decimal(0))
        return {"will": openings[0], "enters": enters, "foreseen": foreseen}

    def post(self, request: PageRequest, asked: OpeningAsked) -> Posting:
        posting = open_stock(
            _openings_in(asked, request.POST),
            site=request.visit.site,
            by=request.user,
            at=day_in(request.POST, "at"),
            key=request.POST.get("key", ""),
        )
        assert posting is not None, "there is one line at least"
        return posting


def _openings_in(asked: OpeningAsked, said: QueryDict) -> list[OpeningIn]:
    """Return the input for `open_stock`: one line, or one per serial number."""
    assert asked.item is not None
    assert asked.place is not None
    serials = serials_in(said, "serials") if asked.by_serial else []
    if asked.by_serial and not serials:
        raise InvalidValue("Scan the serial numbers in stock.", field="serials")
    quantity = Decimal(1) if serials else number_in(said, "quantity", unit=asked.item.stock_unit.code, empty=None)
    return [
        OpeningIn(
            item=asked.item,
            location=asked.place,
            quantity=quantity,
            bin=said.get("bin", asked.bin).strip(),
            batch=said.get("batch", "").strip(),
            serial=serial,
        )
        for serial in serials or [""]
    ]


OPENING: Final = Opening()
urlpatterns = OPENING.urls("stock/opening/")
