"""Sub-contractors: our stock there, its unresolved movements, and the next receipts."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path

from backflush.people.rights import Verb
from backflush.subcontract.selectors import held_at, outside_coded, outsides, purchase_orders_in_turn
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest

WHO_SEES: Final = (Verb.SEE, Verb.SUBCONTRACTORS, Verb.PURCHASE, Verb.SEND, Verb.TAKE_BACK, Verb.RECEIVE)
SHOWN: Final = 20


@page(*WHO_SEES)
def outsides_page(request: PageRequest) -> HttpResponse:
    """List all sub-contractors with the value of our stock there."""
    found = outsides(request.visit.site)
    together = sum(one.value for one in found)
    return render(request, "web/purchasing/subcontractors.html", {"found": found, "together": together})


@page(*WHO_SEES)
def outside_page(request: PageRequest, code: str) -> HttpResponse:
    """Show one sub-contractor: stock by item and place, and the open orders."""
    one = outside_coded(request.visit.site, code)
    orders = purchase_orders_in_turn(request.visit.site, status="open", supplier=code).order_by("-number")
    context = {
        "one": one,
        "held": held_at(request.visit.site, one.places),
        "orders": list(orders[:SHOWN]),
        "may_buy": request.visit.may(Verb.PURCHASE),
    }
    return render(request, "web/purchasing/subcontractor.html", context)


urlpatterns = [
    path("sub-contractors/", outsides_page, name="sub-contractors"),
    path("sub-contractors/stock/<path:code>/", outside_page, name="sub-contractor"),
]
