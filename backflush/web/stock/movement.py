"""One movement: how its quantity came about, and what became of it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path

from backflush.backflushing.explanation import QuantityExplanation, in_words
from backflush.backflushing.models import Booking
from backflush.backflushing.selectors import explain
from backflush.core.refusals import NotFound
from backflush.delivery.pagination import count_up_to
from backflush.handling.rights import may_reverse
from backflush.handling.selectors import goes_back
from backflush.ledger.models import Movement, Posting
from backflush.ledger.selectors import movement_numbered, movements_of
from backflush.people.rights import Verb
from backflush.unresolved.selectors import fate_of
from backflush.web.display.translation import sentence_of
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest, Visit
from backflush.web.stock.reversal import TAKING_BACK

TOGETHER_MOST: Final = 50
"""The most movements of the same posting shown on the page; the list has the rest."""
LATE_SECONDS: Final = 60
"""The recorded time is shown if it is this much later than the event (docs/ux.md, Numbers, units and dates)."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of a movement: the change, and the balance before and after."""

    path: str
    bin: str
    out: Decimal | None
    into: Decimal | None
    before: Decimal | None
    after: Decimal | None
    keeps_balance: bool


def ends_of(movement: Movement) -> tuple[End, End]:
    """Return the two ends. An unresolved movement has no balance before and after."""
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


def _explained(visit: Visit, movement: Movement) -> QuantityExplanation | str:
    """Return the explanation of an assumed quantity, or that the quantity was entered."""
    try:
        return in_words(explain(visit.site, movement.pk))
    except NotFound as entered:
        return sentence_of(entered)


@page()
def movement_page(request: PageRequest, number: int) -> HttpResponse:
    """Show a movement: the explanation, the rest of its posting, and what became of it."""
    movement = movement_numbered(request.visit.site, number)
    posting = Posting.objects.select_related("by", "key", "cost_object", "reverses").get(pk=movement.posting_id)
    explanation = _explained(request.visit, movement)
    together = movements_of(posting)
    shown = {
        "movement": movement,
        "posting": posting,
        "taking_back": TAKING_BACK[posting.process],
        "explanation": explanation if isinstance(explanation, QuantityExplanation) else None,
        "entered": explanation if isinstance(explanation, str) else "",
        "ends": ends_of(movement),
        "together": together[:TOGETHER_MOST],
        "together_total": count_up_to(together),
        "booking": Booking.objects.filter(posting=posting).select_related("item__stock_unit").first(),
        "fate": fate_of(movement),
        "costs": _costs(movement) if request.visit.may(Verb.SEE) or request.visit.may(Verb.COSTS) else None,
        "late": abs((posting.recorded_at - movement.at).total_seconds()) > LATE_SECONDS,
        "goes_back": goes_back(posting),
        "may_reverse": may_reverse(request.user, request.visit.site, posting),
    }
    return render(request, "web/stock/movement.html", shown)


@dataclass(frozen=True, slots=True)
class Costs:
    """The unit cost of the moment, all elements together, and the value of the movement."""

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


urlpatterns = [
    path("stock/movements/<int:number>/", movement_page, name="movement"),
]
