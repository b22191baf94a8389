"""One movement: why this quantity? And taking back the whole posting that it belongs to, seen before it is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from backflush.backflushing.explaining import Told, tell
from backflush.backflushing.models import Booking
from backflush.backflushing.selectors import explain
from backflush.core.moves import Process
from backflush.core.refusals import NotFound, Refusal
from backflush.handling.rights import may_reverse, require_may_reverse
from backflush.handling.selectors import foresee_reversal, goes_back
from backflush.handling.services import reverse
from backflush.ledger.models import Movement, Posting
from backflush.ledger.selectors import movement_numbered, movements_of, posting_numbered
from backflush.people.rights import Verb
from backflush.unresolved.selectors import fate_of
from backflush.web import signs
from backflush.web.keys import new_key
from backflush.web.pages import page, posts
from backflush.web.paging import count_up_to
from backflush.web.reading import moment_in
from backflush.web.visits import PageRequest, Visit

TOGETHER_MOST: Final = 50
"""So many movements of one posting are shown with one of them; the rest is in the list."""
GOING_BACK_MOST: Final = 200
LATE_SECONDS: Final = 60
"""Recorded so much later than it happened, it is said (UX.md section 5)."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of the pair: what left it or came to it, and what was there before and after."""

    path: str
    bin: str
    out: Decimal | None
    into: Decimal | None
    before: Decimal | None
    after: Decimal | None
    keeps_balance: bool


TAKING_BACK: Final[Mapping[str, str | Promise]] = {
    Process.WORKS_ORDER: _("Reverse the booking"),
    Process.PRODUCTION: _("Reverse the production"),
    Process.GOODS_RECEIVED: _("Reverse the receipt"),
    Process.ISSUE: _("Reverse the issue"),
    Process.RETURN: _("Reverse the return"),
    Process.HAND: _("Reverse the hand movement"),
    Process.COUNT: _("Reverse the count"),
    Process.RESOLUTION: _("Undo the settlement"),
    Process.REVERSAL: _("Reverse"),
    Process.OPENING: _("Reverse"),
}


def ends_of(movement: Movement) -> tuple[End, End]:
    """The two lines of the pair. Of what didn't move there is no before and after."""
    source, target, moved = movement.source, movement.target, movement.quantity
    left, there = movement.source_after, movement.target_after
    return (
        End(
            source.path,
            movement.source_bin,
            moved,
            None,
            None if left is None else left + moved,
            left,
            source.has_balance,
        ),
        End(
            target.path,
            movement.target_bin,
            None,
            moved,
            None if there is None else there - moved,
            there,
            target.has_balance,
        ),
    )


def _explained(visit: Visit, movement: Movement) -> Told | str:
    """The story of an assumed quantity; of what was entered, that it was."""
    try:
        return tell(explain(visit.site, movement.pk))
    except NotFound as entered:
        return entered.sentence


@page()
def movement_page(request: PageRequest, number: int) -> HttpResponse:
    """Why this quantity, what was booked with it, and what became of it."""
    movement = movement_numbered(request.visit.site, number)
    posting = Posting.objects.select_related("by", "key", "job", "reverses").get(pk=movement.posting_id)
    told = _explained(request.visit, movement)
    together = movements_of(posting)
    shown = {
        "movement": movement,
        "posting": posting,
        "taking_back": TAKING_BACK[posting.process],
        "told": told if isinstance(told, Told) else None,
        "entered": told if isinstance(told, str) else "",
        "ends": ends_of(movement),
        "together": together[:TOGETHER_MOST],
        "together_total": count_up_to(together),
        "booking": Booking.objects.filter(posting=posting).select_related("item__stock_unit").first(),
        "fate": fate_of(movement),
        "costs": _costs(movement) if request.visit.may(Verb.SEE) or request.visit.may(Verb.COSTS) else None,
        "late": abs((posting.recorded_at - movement.at).total_seconds()) > LATE_SECONDS,
        "reversed": signs.REVERSED,
        "goes_back": goes_back(posting),
        "may_reverse": may_reverse(request.user, request.visit.site, posting),
    }
    return render(request, "web/stock/movement.html", shown)


@dataclass(frozen=True, slots=True)
class Costs:
    """What the item cost at that moment, all elements together, and what that makes for the quantity."""

    standard: Decimal
    latest: Decimal
    quantity: Decimal

    @property
    def standard_amount(self) -> Decimal:
        return self.standard * self.quantity

    @property
    def latest_amount(self) -> Decimal:
        return self.latest * self.quantity


def _costs(movement: Movement) -> Costs:
    cost = movement.cost
    return Costs(
        cost.standard_material + cost.standard_labour + cost.standard_outside + cost.standard_overhead,
        cost.latest_material + cost.latest_labour + cost.latest_outside + cost.latest_overhead,
        movement.quantity if movement.due is None else movement.due,
    )


def show_reversal(request: PageRequest, refusal: Refusal | None, number: int) -> HttpResponse:
    """What taking a posting back would do, the reason where it can't be, and the button."""
    visit = request.visit
    posting = posting_numbered(visit.site, number)
    foreseen = foresee_reversal(posting)
    first = _first(movements_of(posting))
    shown: dict[str, Any] = {
        "posting": posting,
        "taking_back": TAKING_BACK[posting.process],
        "first": first,
        "booking": Booking.objects.filter(posting=posting).select_related("item__stock_unit", "job").first(),
        "undoes": posting.process == Process.RESOLUTION,
        "foreseen": foreseen,
        "back": foreseen.back[:GOING_BACK_MOST],
        "refusal": refusal or foreseen.refusal,
        "may_reverse": may_reverse(request.user, visit.site, posting),
        "typed": request.POST,
        "key": request.POST.get("key", "") or new_key(),
    }
    return render(request, "web/stock/reverse.html", shown)


def _first(movements: QuerySet[Movement]) -> Movement | None:
    return movements.first()


@page()
def reversal_page(request: PageRequest, number: int) -> HttpResponse:
    """See before it is done."""
    return show_reversal(request, None, number)


@posts(Verb.REVERSE_OWN, Verb.REVERSE, Verb.UNDO, again=show_reversal)
def take_back(request: PageRequest, number: int) -> HttpResponse:
    """Take the posting back, whole."""
    visit = request.visit
    posting = posting_numbered(visit.site, number)
    require_may_reverse(request.user, visit.site, posting)
    reversal = reverse(
        site=visit.site,
        posting=number,
        by=request.user,
        at=moment_in(request.POST, "at"),
        key=request.POST.get("key", ""),
    )
    first = _first(movements_of(posting)) or _first(movements_of(reversal))
    return redirect("movement", first.pk) if first else redirect("reversal", number)


urlpatterns = [
    path("stock/movements/<int:number>/", movement_page, name="movement"),
    path("stock/postings/<int:number>/", reversal_page, name="reversal"),
    path("stock/postings/<int:number>/reverse/", take_back, name="take-back"),
]
