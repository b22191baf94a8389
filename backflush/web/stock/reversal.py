"""Reversing a posting: a preview, the reversal, and the undo of what was just done.

One page serves all kinds of postings. A user who came from an order returns there (`home`); a user who came from a
movement sees what became of it.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as lazy

from backflush.backflushing.models import Booking
from backflush.core.input_values import whole_or_none
from backflush.core.moves import Process
from backflush.core.refusals import Refusal
from backflush.handling.moves import reverse as reverse_posting
from backflush.handling.rights import may_reverse, require_may_reverse
from backflush.handling.selectors import preview_reversal
from backflush.ledger.models import Posting
from backflush.ledger.selectors import movements_of, posting_numbered
from backflush.people.rights import Verb
from backflush.subcontract.models import PurchaseOrder
from backflush.unresolved.arrivals import proposed_by
from backflush.web.forms.fields import Form
from backflush.web.forms.idempotency import new_key
from backflush.web.forms.standard_fields import event_time_field
from backflush.web.forms.values import moment_in
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest
from backflush.works.models import WorksOrder

SHOWN: Final = 100
GOING_BACK_MOST: Final = 200

TAKING_BACK: Final[Mapping[str, str | Promise]] = {
    Process.WORKS_ORDER: lazy("Reverse the booking"),
    Process.PRODUCTION: lazy("Reverse the production"),
    Process.GOODS_RECEIVED: lazy("Reverse the receipt"),
    Process.ISSUE: lazy("Reverse the issue"),
    Process.RETURN: lazy("Reverse the return"),
    Process.HAND: lazy("Reverse the hand movement"),
    Process.RESOLUTION: lazy("Undo the settlement"),
    Process.COUNT: lazy("Reverse the count"),
    Process.REVERSAL: lazy("Reverse"),
    Process.OPENING: lazy("Reverse"),
}


@page()
def reversal_page(request: PageRequest, number: int) -> HttpResponse:
    """Show what a reversal would do."""
    return show_reversal(request, None, number)


def show_reversal(request: PageRequest, refusal: Refusal | None, number: int) -> HttpResponse:
    """Show what reversing a posting would do, or why it can't be reversed."""
    visit = request.visit
    posting = posting_numbered(visit.site, number)
    preview = preview_reversal(posting)
    may = may_reverse(request.user, visit.site, posting)
    fields = [event_time_field(posting.at)] if may and not preview.refusal else []
    at_home = bool(request.GET.get("home") or request.POST.get("home"))
    shown: dict[str, Any] = {
        "posting": posting,
        "taking_back": TAKING_BACK[posting.process],
        "first": movements_of(posting).first(),
        "home": where_of(posting) if at_home else "",
        "booking": Booking.objects.filter(posting=posting).select_related("item__stock_unit", "cost_object").first(),
        "preview": preview,
        "back": preview.back[:GOING_BACK_MOST],
        "form": Form(fields, request.POST, refusal or preview.refusal),
        "may_reverse": may,
        "key": request.POST.get("key", "") or new_key(),
    }
    return render(request, "web/stock/reverse.html", shown)


@posts(Verb.REVERSE_OWN, Verb.REVERSE, Verb.UNDO, again=show_reversal)
def take_back(request: PageRequest, number: int) -> HttpResponse:
    """Reverse the posting."""
    visit = request.visit
    posting = posting_numbered(visit.site, number)
    require_may_reverse(request.user, visit.site, posting)
    reversal = reverse_posting(
        site=visit.site,
        posting=number,
        by=request.user,
        at=moment_in(request.POST, "at"),
        key=request.POST.get("key", ""),
    )
    if request.POST.get("home"):
        return redirect(f"{where_of(posting)}?undone={posting.pk}")
    first = movements_of(posting).first() or movements_of(reversal).first()
    return redirect("movement", first.pk) if first else redirect("reversal", number)


def where_of(posting: Posting) -> str:
    """Return the page on which a posting is shown."""
    cost_object = posting.cost_object
    if cost_object is None:
        return reverse("produce")
    order = WorksOrder.objects.filter(cost_object=cost_object).first()
    if order is not None:
        return reverse("order-bookings", args=[order.number])
    return reverse("purchase-order", args=[PurchaseOrder.objects.get(lines__cost_object=cost_object).number])


def banner(request: PageRequest) -> dict[str, Any]:
    """Return what was just posted or reversed. It is read from the ledger, so it survives a reload."""
    done, undone = request.GET.get("done", ""), request.GET.get("undone", "")
    posting_id = whole_or_none(done or undone)
    if posting_id is None:
        return {}
    posting = Posting.objects.filter(site=request.visit.site, pk=posting_id).prefetch_related("reversals").first()
    if posting is None:
        return {}
    if posting.reversals.all():
        return {"banner_undone": posting}
    moved = list(movements_of(posting)[:SHOWN])
    return {
        "banner_done": posting,
        "banner_booking": Booking.objects.filter(posting=posting).select_related("item").first(),
        "banner_moved": [one for one in moved if one.due is None],
        "banner_waits": sum(1 for one in moved if one.due is not None),
        "banner_may_undo": may_reverse(request.user, request.visit.site, posting),
        "banner_key": new_key(),
        "proposal": proposed_by(posting, site=request.visit.site),
    }


urlpatterns = [
    path("stock/postings/<int:number>/", reversal_page, name="reversal"),
    path("stock/postings/<int:number>/reverse/", take_back, name="take-back"),
]
