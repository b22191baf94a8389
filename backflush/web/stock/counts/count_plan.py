"""What to count next, with the settings of the plan, and the cut-off list before a count."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from backflush.core.input_values import read_whole
from backflush.core.refusals import Refusal
from backflush.counts.plan import (
    DAILY_MOST,
    YEARLY_MOST,
    PlannedCount,
    count_plan,
    day_plan,
    days_since,
    set_count_plan,
)
from backflush.dashboard.count_opportunities import Occasion, Opportunity, opportunities
from backflush.dashboard.cut_off import cut_off
from backflush.items.models import Item
from backflush.people.rights import Verb
from backflush.stockmap.models import Location
from backflush.web.forms.fields import Field, FieldKind, Form, input_text
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest

WHY: Final = {
    Occasion.UNRESOLVED: lazy("Something is unresolved there"),
    Occasion.RECEIPT: lazy("A receipt is expected: count before it is put away"),
    Occasion.ORDER_END: lazy("An order was completed today"),
    Occasion.EMPTY: lazy("The book says that nothing is there"),
    Occasion.BELOW_MINIMUM: lazy("Little is left"),
}


@dataclass(frozen=True, slots=True)
class ToCount:
    """A row: an item at a place, and why it is to be counted in words."""

    item: Item
    location: Location
    why: str
    order: str = ""

    @property
    def balance(self) -> str:
        """The value of its tick box: location and item."""
        return f"{self.location.path}\t{self.item.code}"


def planned_row(one: PlannedCount) -> ToCount:
    """Return a planned count with its reason in words."""
    if one.counted_at is None:
        return ToCount(one.item, one.location, _("Never counted"))
    days = days_since(one.counted_at, timezone.now())
    why = ngettext(
        "Counted %(days)s day ago; due every %(every)s days",
        "Counted %(days)s days ago; due every %(every)s days",
        days,
    )
    return ToCount(one.item, one.location, why % {"days": days, "every": 365 // max(1, one.yearly)})


def offered_row(one: Opportunity) -> ToCount:
    """Return an offered count with its reason in words."""
    return ToCount(one.item, one.location, str(WHY[one.occasion]), one.order)


def _fields() -> list[Field]:
    yearly = _("Counts a year, %(name)s items")
    return [
        *(
            Field(f"yearly_{name.lower()}", yearly % {"name": name}, FieldKind.WHOLE, look="narrow", required=True)
            for name in "ABC"
        ),
        Field(
            "daily_most",
            _("Counts a day"),
            FieldKind.WHOLE,
            hint=_("As many as are managed beside the other work."),
            look="narrow",
            required=True,
        ),
        Field("blind", _("All counts are blind"), FieldKind.CHECKBOX),
    ]


def _show(request: PageRequest, refusal: Refusal | None) -> HttpResponse:
    site = request.visit.site
    plan, settings = day_plan(site), count_plan(site)
    names = ("yearly_a", "yearly_b", "yearly_c", "daily_most", "blind")
    stored = {name: input_text(getattr(settings, name)) for name in names}
    context: dict[str, Any] = {
        "plan": plan,
        "planned": [planned_row(one) for one in plan.lines],
        "offered": [offered_row(one) for one in opportunities(site)],
        "form": Form(_fields(), request.POST if request.method == "POST" else stored, refusal),
        "may_count": Verb.COUNT in request.visit.verbs,
        "may_plan": Verb.APPROVE_COUNTS in request.visit.verbs,
    }
    return render(request, "web/stock/counts/to_count.html", context)


@page()
def to_count_page(request: PageRequest) -> HttpResponse:
    """Show today's list, and counts that cost little now."""
    return _show(request, None)


@posts(Verb.APPROVE_COUNTS, again=_show)
def set_plan(request: PageRequest) -> HttpResponse:
    """Set how often and how much is counted."""
    form_data = request.POST

    def whole(name: str, most: int) -> int:
        return read_whole(form_data.get(name, "").strip(), field=name, least=1, most=most)

    set_count_plan(
        site=request.visit.site,
        yearly_a=whole("yearly_a", YEARLY_MOST),
        yearly_b=whole("yearly_b", YEARLY_MOST),
        yearly_c=whole("yearly_c", YEARLY_MOST),
        daily_most=whole("daily_most", DAILY_MOST),
        blind=bool(form_data.get("blind")),
    )
    return redirect("counts-next")


@page()
def cut_off_page(request: PageRequest) -> HttpResponse:
    """Show what isn't in the books yet, to settle it before a count."""
    return render(request, "web/stock/counts/cut_off.html", {"found": cut_off(request.visit.site)})


urlpatterns = [
    path("stock/counts/next/", to_count_page, name="counts-next"),
    path("stock/counts/next/plan/", set_plan, name="count-plan"),
    path("stock/counts/cut-off/", cut_off_page, name="count-cut-off"),
]
