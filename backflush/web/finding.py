"""Scan or find: one field for everything that has a number or a code. An exact hit opens at once.

Each kind of thing has a finder: it answers with the address of what has exactly this code, or nothing.
"""

from collections.abc import Callable, Sequence
from typing import Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode

from backflush.core.lifecycle import BOOKABLE
from backflush.core.moves import Status
from backflush.items.models import Item
from backflush.ledger.models import Movement
from backflush.people.rights import Verb
from backflush.stockmap.models import Location
from backflush.subcontract.models import PurchaseOrder
from backflush.web.pages import page
from backflush.web.stock_map import place_address
from backflush.web.visits import PageRequest, Visit
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
    if not asked.isdecimal() or len(asked) > 18:
        return ""
    waits = Movement.objects.filter(site=visit.site, pk=int(asked), status=Status.UNRESOLVED).exists()
    return f"{reverse('unresolved')}?{urlencode({'open': asked})}" if waits else ""


def _movement(visit: Visit, asked: str) -> str:
    if not asked.isdecimal() or len(asked) > 18:
        return ""
    found = Movement.objects.filter(site=visit.site, pk=int(asked)).exists()
    return reverse("movement", args=[asked]) if found else ""


def _item(visit: Visit, asked: str) -> str:
    return reverse("item", args=[asked]) if Item.objects.filter(code=asked).exists() else ""


def _location(visit: Visit, asked: str) -> str:
    """What is there; an outside place has only its set-up."""
    place = Location.objects.filter(site=visit.site, path=asked).first()
    return place_address(place, 0) if place is not None else ""


FINDERS: Final[Sequence[Finder]] = (_works_order, _purchase_order, _item, _location, _unresolved, _movement)


@page()
def find_page(request: PageRequest) -> HttpResponse:
    """Open what was scanned, or say that there is nothing of that name."""
    asked = request.GET.get("q", "").strip()
    for finder in FINDERS if asked else ():
        if address := finder(request.visit, asked):
            return redirect(address)
    return render(request, "web/find.html", {"asked": asked})


urlpatterns = [path("find/", find_page, name="find")]
