"""Scan or find: one field for every number and code. An exact match opens at once.

Each kind of thing has a finder that returns the address for an exact code. If none matches, similar things are listed
by kind.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from backflush.core.input_values import whole_or_none
from backflush.core.lifecycle import BOOKABLE
from backflush.core.moves import Status
from backflush.core.refusals import Archived
from backflush.items.models import Item
from backflush.items.selectors import items_found
from backflush.ledger.archived_numbers import archived_as
from backflush.ledger.models import Movement
from backflush.people.rights import Verb
from backflush.stockmap.models import Bin, Location, Site
from backflush.stockmap.selectors import bin_labelled
from backflush.subcontract.models import PurchaseOrder
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest, Visit
from backflush.web.stock.map import place_address
from backflush.works.models import WorksOrder

Finder = Callable[[Visit, str], str]


def _works_order(visit: Visit, text: str) -> str:
    """For an operator, open the booking page if the order takes bookings; otherwise the order's page."""
    order = WorksOrder.objects.filter(site=visit.site, number=text).first()
    if order is None:
        return ""
    if not visit.may(Verb.BOOK) or order.status not in BOOKABLE:
        return reverse("order", args=[order.number])
    return f"{reverse('book')}?{urlencode({'order': order.number})}"


def _purchase_order(visit: Visit, text: str) -> str:
    found = PurchaseOrder.objects.filter(site=visit.site, number=text).exists()
    return reverse("purchase-order", args=[text]) if found else ""


def _unresolved(visit: Visit, text: str) -> str:
    movement_id = whole_or_none(text)
    waits = (
        movement_id is not None
        and Movement.objects.filter(site=visit.site, pk=movement_id, status=Status.UNRESOLVED).exists()
    )
    return f"{reverse('unresolved')}?{urlencode({'open': str(movement_id)})}" if waits else ""


def _movement(visit: Visit, text: str) -> str:
    movement_id = whole_or_none(text)
    found = movement_id is not None and Movement.objects.filter(site=visit.site, pk=movement_id).exists()
    return reverse("movement", args=[movement_id]) if found else ""


def _item(visit: Visit, text: str) -> str:
    return reverse("item", args=[text]) if Item.objects.filter(code=text).exists() else ""


def _location(visit: Visit, text: str) -> str:
    """Open the stock of a location; a location without balances opens its set-up."""
    place = Location.objects.filter(site=visit.site, path=text).first()
    return place_address(place, 0) if place is not None else ""


def _bin(visit: Visit, text: str) -> str:
    """Open a bin by location and code, or by its code alone if that is unique."""
    found = bin_labelled(visit.site, text)
    return place_address(found.location, 0) if found is not None else ""


FINDERS: Final[Sequence[Finder]] = (_works_order, _purchase_order, _item, _location, _bin, _unresolved, _movement)
LISTED_MOST: Final = 8
_LAST: Final = "\uffff"


@dataclass(frozen=True, slots=True)
class Like:
    """Things of one kind that are similar to the search text, each with address, code and description."""

    kind: str
    found: Sequence[tuple[str, str, str]]


def likes(visit: Visit, text: str) -> list[Like]:
    """Return similar things by kind. Orders only match by the start of their number, because there may be very many."""
    site, begins = visit.site, {"number__gte": text, "number__lt": text + _LAST}
    orders = WorksOrder.objects.filter(site=site, **begins).select_related("item").order_by("number")
    purchases = PurchaseOrder.objects.filter(site=site, **begins).select_related("supplier").order_by("number")
    places = Location.objects.filter(site=site).select_related("store")
    places = places.filter(Q(path__icontains=text) | Q(description__icontains=text)).order_by("path")
    bins = Bin.objects.filter(site=site, code__icontains=text.rpartition("/")[2]).select_related("location")
    listed = [
        Like(_("Works orders"), [(reverse("order", args=[one.number]), one.number, one.item.code)
                                 for one in orders[:LISTED_MOST]]),
        Like(_("Purchase orders"), [(reverse("purchase-order", args=[one.number]), one.number, str(one.supplier))
                                    for one in purchases[:LISTED_MOST]]),
        Like(_("Items"), [(reverse("item", args=[one.code]), one.code, one.description)
                          for one in items_found(text=text)[:LISTED_MOST]]),
        Like(_("Locations"), [(place_address(one, 0), one.path, one.description) for one in places[:LISTED_MOST]]),
        Like(_("Bins"), [(place_address(one.location, 0), one.code, one.location.path)
                         for one in bins.order_by("code", "location__path")[:LISTED_MOST]]),
    ]  # fmt: skip
    return [like for like in listed if like.found]


@page()
def find_page(request: PageRequest) -> HttpResponse:
    """Open what was scanned, or list similar things."""
    text = request.GET.get("q", "").strip()
    for finder in FINDERS if text else ():
        # A scanner sends the printed capitals; users often don't.
        if address := finder(request.visit, text) or finder(request.visit, text.upper()):
            return redirect(address)
    shown = {
        "text": text,
        "likes": likes(request.visit, text) if text else [],
        "archived": _archived(request.visit.site, text) if text else [],
    }
    return render(request, "web/home/search.html", shown)


def _archived(site: Site, text: str) -> list[Archived]:
    """Return the archives that contain the scanned number, ignoring capitals."""
    return archived_as(site, text) or archived_as(site, text.upper()) if site.archived_through else []


urlpatterns = [path("find/", find_page, name="find")]
