"""Opening stock, line after line: scan the place, scan the item, enter how many were there; the next one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from backflush.core.moves import Tracking
from backflush.core.refusals import InvalidValue, NotABalanceLocation, Refusal
from backflush.handling.rights import may_reverse, require_may_reverse
from backflush.handling.selectors import MoveForeseen, foresee_opening, goes_back
from backflush.handling.services import OpeningIn, open_stock
from backflush.handling.services import reverse as take_back
from backflush.items.models import Item
from backflush.items.selectors import item_coded
from backflush.ledger.selectors import movements_of, posting_numbered, total_at
from backflush.people.rights import Verb
from backflush.stockmap.ending import offered, require_in_use
from backflush.stockmap.models import Bin, Location
from backflush.stockmap.selectors import location_at, place_names
from backflush.unresolved.arrivals import proposed_by
from backflush.web.keys import new_key
from backflush.web.pages import page, posts
from backflush.web.reading import day_in, number_in, serials_in
from backflush.web.stock import SUGGESTED_MOST
from backflush.web.visits import PageRequest, Visit

SHOWN_MOST: Final = 200
"""So many bins are offered, and so many movements of one line are summed up."""
SCANNED: Final = frozenset({"location", "item"})
FIELDS: Final = SCANNED | {"quantity", "bin", "batch", "serials", "serial", "at"}


@dataclass
class Asked:
    """Which item is where, as far as it has been said. `refusal` is about the place or the item."""

    location: Location | None = None
    item: Item | None = None
    there: Decimal = Decimal(0)
    bins: list[Bin] = field(default_factory=list)
    refusal: Refusal | None = None

    @property
    def by_serial(self) -> bool:
        """Whether one names each piece, and so how many there are."""
        return self.item is not None and self.item.tracking == Tracking.SERIAL

    @property
    def by_batch(self) -> bool:
        """Whether one names the batch."""
        return self.item is not None and self.item.tracking == Tracking.BATCH

    @property
    def ready(self) -> bool:
        """Whether it can be said how many are there."""
        return self.location is not None and self.item is not None


def _asked(visit: Visit, said: Mapping[str, str]) -> Asked:
    asked = Asked()
    place, code = said.get("location", "").strip(), said.get("item", "").strip()
    try:
        if place:
            asked.location = _place(visit, place)
        if code:
            asked.item = item_coded(code)
    except Refusal as refusal:
        asked.refusal = refusal
    if asked.location and asked.item:
        asked.there = total_at(visit.site, asked.item, asked.location.pk)
        if asked.location.bin_controlled:
            asked.bins = list(offered(Bin.objects.filter(location=asked.location).order_by("code"))[:SHOWN_MOST])
    return asked


def _place(visit: Visit, path: str) -> Location:
    """The place that was scanned, refused before anything else is asked where no stock can be."""
    location = location_at(visit.site, path)
    require_in_use(location, field="location")
    if not location.has_balance:
        sentence = _("%(place)s keeps no balances, so no stock can be there. Choose another place.")
        raise NotABalanceLocation(sentence % {"place": path}, field="location")
    return location


def _openings_in(asked: Asked, said: QueryDict) -> list[OpeningIn]:
    """What `open_stock` is asked for: one line, or one for each serial number."""
    assert asked.item is not None
    assert asked.location is not None
    serials = serials_in(said, "serials") if asked.by_serial else []
    if asked.by_serial and not serials:
        raise InvalidValue(_("Scan the serial numbers that are there."), field="serials")
    quantity = Decimal(1) if serials else number_in(said, "quantity", unit=asked.item.stock_unit.code, empty=None)
    return [
        OpeningIn(
            item=asked.item,
            location=asked.location,
            quantity=quantity,
            bin=said.get("bin", "").strip(),
            batch=said.get("batch", "").strip(),
            serial=serial,
        )
        for serial in serials or [""]
    ]


def _will(visit: Visit, asked: Asked, said: QueryDict) -> dict[str, Any]:
    """What would be there then, for the sentence; nothing as long as too little has been said."""
    if not asked.ready or not (said.get("quantity", "").strip() or said.get("serials", "").strip()):
        return {}
    try:
        openings = _openings_in(asked, said)
        foreseen: MoveForeseen = foresee_opening(openings, visit.site)
    except Refusal as refusal:
        return {"will_refusal": refusal}
    return {"will": openings[0], "enters": sum((one.quantity for one in openings), Decimal(0)), "foreseen": foreseen}


def _show(request: PageRequest, refusal: Refusal | None, said: QueryDict) -> HttpResponse:
    asked = _asked(request.visit, said)
    refusal = refusal or asked.refusal
    shown = {
        "asked": asked,
        "typed": said,
        "refusal": refusal,
        # Until place and item are known there are no other fields to say it at.
        "loose": refusal is not None and refusal.field not in (FIELDS if asked.ready else SCANNED),
        "day": said.get("at", "") or request.visit.today.isoformat(),
        "places": place_names(request.visit.site, most=SUGGESTED_MOST, in_use=True),
        "key": said.get("key", "") or new_key(),
        "undo_key": new_key(),
        **_will(request.visit, asked, said),
        **_strip(request),
    }
    return render(request, "web/stock/opening.html", shown)


@page(Verb.COUNT)
def opening_page(request: PageRequest) -> HttpResponse:
    """What is where, how many, and since when."""
    return _show(request, None, request.GET)


@page(Verb.COUNT)
def will_part(request: PageRequest) -> HttpResponse:
    """The sentence that says what will be there."""
    asked = _asked(request.visit, request.GET)
    return render(request, "web/stock/opening_will.html", {"asked": asked, **_will(request.visit, asked, request.GET)})


def _again(request: PageRequest, refusal: Refusal) -> HttpResponse:
    return _show(request, refusal, request.POST)


@posts(Verb.COUNT, again=_again)
def enter(request: PageRequest) -> HttpResponse:
    """Enter it; place and day stay for the next item."""
    said = request.POST
    asked = _asked(request.visit, said)
    if asked.refusal is not None:
        raise asked.refusal
    if not asked.ready:
        raise InvalidValue(_("Scan the place and the item first."), field="location")
    posting = open_stock(
        _openings_in(asked, said),
        site=request.visit.site,
        by=request.user,
        at=day_in(said, "at"),
        key=said.get("key", ""),
    )
    assert posting is not None, "there is one line at least"
    return _on(request, posting.pk)


@posts(Verb.REVERSE_OWN, Verb.REVERSE, again=_again)
def undo(request: PageRequest) -> HttpResponse:
    """Take it back at once: it can be entered again."""
    number = request.POST.get("posting", "")
    if not number.isdecimal() or len(number) > 18:
        raise InvalidValue(_("Say what is to be taken back."), field="posting")
    posting = posting_numbered(request.visit.site, int(number))
    require_may_reverse(request.user, request.visit.site, posting)
    take_back(site=request.visit.site, posting=posting.pk, by=request.user, key=request.POST.get("key", ""))
    return _on(request, posting.pk)


def _on(request: PageRequest, posting: int) -> HttpResponse:
    """To the next line, at the same place and for the same day."""
    kept = {name: request.POST.get(name, "").strip() for name in ("location", "at")}
    return redirect(f"{reverse('opening-stock')}?{urlencode({**kept, 'entered': str(posting)})}")


def _strip(request: PageRequest) -> dict[str, Any]:
    """What was just entered, read from the ledger."""
    number = request.GET.get("entered", "") or request.POST.get("posting", "")
    if not number.isdecimal() or len(number) > 18:
        return {}
    posting = posting_numbered(request.visit.site, int(number))
    movements = list(movements_of(posting)[: SHOWN_MOST + 1])
    if not movements:
        return {}
    return {
        "entered": posting,
        "first": movements[0],
        "amount": sum((movement.quantity for movement in movements), Decimal(0)),
        "undone": not goes_back(posting),
        "may_undo": may_reverse(request.user, request.visit.site, posting),
        "proposal": proposed_by(posting, site=request.visit.site) if goes_back(posting) else None,
    }


urlpatterns = [
    path("stock/opening/", opening_page, name="opening-stock"),
    path("stock/opening/will/", will_part, name="opening-will"),
    path("stock/opening/enter/", enter, name="opening-enter"),
    path("stock/opening/undo/", undo, name="opening-undo"),
]
