"""Scan or find: one field for everything that has a number or a code. An exact hit opens at once.

Each kind of thing has a finder: it answers with the address of what has exactly this code, or nothing. Where nobody
finds anything, what begins or is called like it is listed kind by kind, a few of each.
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


def _works_order(visit: Visit, asked: str) -> str:
    """A works order that an operator scans opens booking, where it takes any; for others its own page."""
    order = WorksOrder.objects.filter(site=visit.site, number=asked).first()
    if order is None:
        return ""
    if not visit.may(Verb.BOOK) or order.status not in BOOKABLE:
        return reverse("order", args=[order.number])
    return f"{reverse('book')}?{urlencode({'order': order.number})}"


def _purchase_order(visit: Visit, asked: str) -> str:
    found = PurchaseOrder.objects.filter(site=visit.site, number=asked).exists()
    return reverse("purchase-order", args=[asked]) if found else ""


def _unresolved(visit: Visit, asked: str) -> str:
    movement_id = whole_or_none(asked)
    waits = (
        movement_id is not None
        and Movement.objects.filter(site=visit.site, pk=movement_id, status=Status.UNRESOLVED).exists()
    )
    return f"{reverse('unresolved')}?{urlencode({'open': str(movement_id)})}" if waits else ""


def _movement(visit: Visit, asked: str) -> str:
    movement_id = whole_or_none(asked)
    found = movement_id is not None and Movement.objects.filter(site=visit.site, pk=movement_id).exists()
    return reverse("movement", args=[movement_id]) if found else ""


def _item(visit: Visit, asked: str) -> str:
    return reverse("item", args=[asked]) if Item.objects.filter(code=asked).exists() else ""


def _location(visit: Visit, asked: str) -> str:
    """What is there; an outside place has only its set-up."""
    place = Location.objects.filter(site=visit.site, path=asked).first()
    return place_address(place, 0) if place is not None else ""


def _bin(visit: Visit, asked: str) -> str:
    """The place of a bin, where only one is called so; with its location in front it always is."""
    found = bin_labelled(visit.site, asked)
    return place_address(found.location, 0) if found is not None else ""


FINDERS: Final[Sequence[Finder]] = (_works_order, _purchase_order, _item, _location, _bin, _unresolved, _movement)
LISTED_MOST: Final = 8
_LAST: Final = "\uffff"


@dataclass(frozen=True, slots=True)
class Like:
    """What of one kind is called like what was asked for: each with its address, code and description."""

    kind: str
    found: Sequence[tuple[str, str, str]]


def likes(visit: Visit, asked: str) -> list[Like]:
    """What is called like it, kind by kind; orders only by how their number begins, because there may be very many."""
    site, begins = visit.site, {"number__gte": asked, "number__lt": asked + _LAST}
    orders = WorksOrder.objects.filter(site=site, **begins).select_related("item").order_by("number")
    purchases = PurchaseOrder.objects.filter(site=site, **begins).select_related("supplier").order_by("number")
    places = Location.objects.filter(site=site).select_related("store")
    places = places.filter(Q(path__icontains=asked) | Q(description__icontains=asked)).order_by("path")
    bins = Bin.objects.filter(site=site, code__icontains=asked.rpartition("/")[2]).select_related("location")
    listed = [
        Like(_("Works orders"), [(reverse("order", args=[one.number]), one.number, one.item.code)
                                 for one in orders[:LISTED_MOST]]),
        Like(_("Purchase orders"), [(reverse("purchase-order", args=[one.number]), one.number, str(one.supplier))
                                    for one in purchases[:LISTED_MOST]]),
        Like(_("Items"), [(reverse("item", args=[one.code]), one.code, one.description)
                          for one in items_found(text=asked)[:LISTED_MOST]]),
        Like(_("Locations"), [(place_address(one, 0), one.path, one.description) for one in places[:LISTED_MOST]]),
        Like(_("Bins"), [(place_address(one.location, 0), one.code, one.location.path)
                         for one in bins.order_by("code", "location__path")[:LISTED_MOST]]),
    ]  # fmt: skip
    return [like for like in listed if like.found]


@page()
def find_page(request: PageRequest) -> HttpResponse:
    """Open what was scanned, or say that there is nothing of that name."""
    asked = request.GET.get("q", "").strip()
    for finder in FINDERS if asked else ():
        # A scanner sends it as it is printed; by hand one seldom minds capitals.
        if address := finder(request.visit, asked) or finder(request.visit, asked.upper()):
            return redirect(address)
    shown = {
        "asked": asked,
        "likes": likes(request.visit, asked) if asked else [],
        "archived": _archived(request.visit.site, asked) if asked else [],
    }
    return render(request, "web/home/search.html", shown)


def _archived(site: Site, asked: str) -> list[Archived]:
    """What is in archives under the number that was scanned; by hand one seldom minds capitals."""
    return archived_as(site, asked) or archived_as(site, asked.upper()) if site.archived_through else []


urlpatterns = [path("find/", find_page, name="find")]
