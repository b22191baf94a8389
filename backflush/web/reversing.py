"""Taking back what was posted: first what will go back, then done; and the undo of what was just done."""

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse

from backflush.backflushing.models import Booking
from backflush.core.refusals import Refusal
from backflush.handling.rights import may_reverse, require_may_reverse
from backflush.handling.services import reverse as take_back
from backflush.ledger.models import Posting
from backflush.ledger.selectors import movements_of, posting_numbered
from backflush.people.rights import Verb
from backflush.web.keys import new_key
from backflush.web.pages import page, posts
from backflush.web.visits import PageRequest
from backflush.works.models import WorksOrder

SHOWN: Final = 100
ANY_WAY_BACK: Final = (Verb.REVERSE, Verb.REVERSE_OWN)


def _posting(request: PageRequest, number: int) -> Posting:
    posting = posting_numbered(request.visit.site, number)
    require_may_reverse(request.user, request.visit.site, posting)
    return posting


@page(*ANY_WAY_BACK)
def reverse_page(request: PageRequest, number: int) -> HttpResponse:
    """What will go back, and the button that does it."""
    return _ask(request, None, number)


def _ask(request: PageRequest, refusal: Refusal | None, number: int) -> HttpResponse:
    posting = _posting(request, number)
    moved = list(movements_of(posting)[: SHOWN + 1])
    facts = {
        "posting": posting,
        "booking": Booking.objects.filter(posting=posting).select_related("item__stock_unit", "job").first(),
        "movements": moved[:SHOWN],
        "more": len(moved) > SHOWN,
        "back": where_of(posting),
        "key": new_key(),
        "refusal": refusal,
    }
    return render(request, "web/orders/reverse.html", facts)


@posts(*ANY_WAY_BACK, again=_ask)
def take_it_back(request: PageRequest, number: int) -> HttpResponse:
    """Reverse it whole, or be told why not."""
    posting = _posting(request, number)
    take_back(site=request.visit.site, posting=posting.pk, by=request.user, key=request.POST.get("key", ""))
    return redirect(f"{where_of(posting)}?undone={posting.pk}")


def where_of(posting: Posting) -> str:
    """The page on which a posting is at home."""
    job = posting.job
    if job is None:
        return reverse("produce")
    order = WorksOrder.objects.filter(job=job).first()
    if order is not None:
        return reverse("order-bookings", args=[order.number])
    return reverse("purchase-order", args=[job.purchase_line.order.number])


def strip(request: PageRequest) -> dict[str, Any]:
    """What was just posted or taken back, for `orders/strip.html`: read from the ledger, so it survives a reload."""
    done, undone = request.GET.get("done", ""), request.GET.get("undone", "")
    number = done or undone
    if not number.isdecimal() or len(number) > 18:
        return {}
    posting = Posting.objects.filter(site=request.visit.site, pk=int(number)).prefetch_related("reversals").first()
    if posting is None:
        return {}
    if posting.reversals.all():
        return {"strip_undone": posting}
    moved = list(movements_of(posting)[:SHOWN])
    return {
        "strip_done": posting,
        "strip_booking": Booking.objects.filter(posting=posting)
        .select_related("item__stock_unit", "job__purchase_line__unit")
        .first(),
        "strip_moved": [one for one in moved if one.due is None],
        "strip_waits": sum(1 for one in moved if one.due is not None),
        "strip_may_undo": may_reverse(request.user, request.visit.site, posting),
        "strip_key": new_key(),
    }


urlpatterns = [
    path("orders/reverse/<int:number>/", reverse_page, name="reverse"),
    path("orders/reversed/<int:number>/", take_it_back, name="reverse-now"),
]
