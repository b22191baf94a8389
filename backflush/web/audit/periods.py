"""Periods: through which day the site is closed, closing the next period, and reopening one."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from backflush.core.input_values import read_day, whole_or_none
from backflush.core.refusals import InvalidValue, NotFound, Refusal
from backflush.delivery.pagination import COUNTED_MOST, count_up_to, page_of
from backflush.ledger.models import PeriodClosing
from backflush.ledger.periods import (
    close_period,
    closings,
    count_balances,
    reopen_period,
    require_closable,
    waiting_through,
)
from backflush.people.rights import Verb
from backflush.stockmap.models import Site
from backflush.web.forms.fields import Field, FieldKind, Form
from backflush.web.forms.standard_fields import remarks_field
from backflush.web.forms.values import day_in, text_in
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest, Visit

SEEN_BY: Final = (Verb.SEE, Verb.SIGN_OFF, Verb.PERIODS)
REMARKS_MOST: Final = 500


def next_end(site: Site, today: date) -> date | None:
    """Return the day that is usually closed next: the end of the month after the last closed day, or of last month.

    None while that month isn't over.
    """
    after = site.closed_through + timedelta(days=1) if site.closed_through else today - timedelta(days=today.day)
    end = (after.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return end if end < today else None


@page(*SEEN_BY)
def periods_page(request: PageRequest) -> HttpResponse:
    """Show through which day the site is closed, what to check before the next closing, and all closings."""
    return _show(request, None)


def _show(request: PageRequest, refusal: Refusal | None) -> HttpResponse:
    visit = request.visit
    found = closings(visit.site)
    next_closing = _next_closing(visit, request) if visit.may(Verb.PERIODS) else NextClosing()
    fields = []
    if next_closing.offered:
        fields.append(Field("through", _("Through the end of"), FieldKind.DATE, required=True, look="narrow"))
    if next_closing.day is not None:
        if next_closing.waiting:
            although = _("Close although movements are unresolved")
            fields.append(Field("although", although, FieldKind.CHECKBOX, also=("unresolved",)))
        fields.append(remarks_field())
    values = {**request.POST.dict(), "through": next_closing.through}
    context = {
        "site": visit.site,
        "page": page_of(found, request.GET, by=("pk",), descending=True, total=count_up_to(found)),
        "may_close": visit.may(Verb.PERIODS),
        "uncounted": found.filter(reopened_at__isnull=True, counted_at__isnull=True).exists(),
        "next_closing": next_closing,
        "form": Form(fields, values, refusal or next_closing.refusal),
    }
    return render(request, "web/audit/periods.html", context)


@dataclass(frozen=True, slots=True)
class NextClosing:
    """The closing that is offered: through which day, and how many movements up to then are unresolved."""

    offered: bool = False
    through: str = ""
    """The day as it stands in the field."""
    day: date | None = None
    """The day, if the site can be closed through it."""
    waiting: int = 0
    refusal: Refusal | None = None


def _next_closing(visit: Visit, request: PageRequest) -> NextClosing:
    form_data = request.POST or request.GET
    try:
        through = day_in(form_data, "through") or next_end(visit.site, visit.today)
        if through is None:
            return NextClosing(offered=True)
        require_closable(visit.site, through)
    except Refusal as refusal:
        return NextClosing(offered=True, through=form_data.get("through", ""), refusal=refusal)
    waiting = count_up_to(waiting_through(visit.site, through))
    return NextClosing(offered=True, through=through.isoformat(), day=through, waiting=waiting)


@posts(Verb.PERIODS, again=_show)
def close(request: PageRequest) -> HttpResponse:
    """Close the site through a day. If more movements are unresolved by now than the page showed, it is refused."""
    through = day_in(request.POST, "through")
    if through is None:
        raise InvalidValue("Choose the last day of the period.", field="through")
    close_period(
        site=request.visit.site,
        through=through,
        by=request.user,
        remarks=text_in(request.POST, "remarks", most=REMARKS_MOST, empty=True),
        known_unresolved=_known(request) if "although" in request.POST else 0,
    )
    return redirect("periods")


def _known(request: PageRequest) -> int | None:
    """Return how many unresolved movements the page showed; None where it showed only that there are very many."""
    shown = whole_or_none(request.POST.get("waiting", ""))
    if shown is None:
        raise InvalidValue("Look at the unresolved movements first, then close the period.", field="unresolved")
    return None if shown > COUNTED_MOST else shown


@posts(Verb.PERIODS, again=_show)
def count(request: PageRequest) -> HttpResponse:
    """Keep the balances of a period whose closing was interrupted before they were kept."""
    count_balances(request.visit.site)
    return redirect("periods")


@page(Verb.PERIODS)
def reopen_page(request: PageRequest, day: str) -> HttpResponse:
    """Show which periods are reopened together, and ask for the reason."""
    return _reopening(request, None, day)


def _reopening(request: PageRequest, refusal: Refusal | None, day: str) -> HttpResponse:
    again = closings(request.visit.site).filter(reopened_at__isnull=True, through__gte=_day(day)).order_by("through")
    rows: list[PeriodClosing] = list(again)
    if not rows or rows[0].through != _day(day):
        raise NotFound("No period is closed through {day}.", day=day)
    form = Form([remarks_field(_("Reason for reopening"), required=True)], request.POST, refusal)
    return render(request, "web/audit/reopen.html", {"first": rows[0], "rows": rows, "form": form})


def _day(day: str) -> date:
    try:
        return read_day(day, field="")
    except InvalidValue as refusal:
        raise NotFound.of(refusal.sentence) from None


@posts(Verb.PERIODS, again=_reopening)
def reopen(request: PageRequest, day: str) -> HttpResponse:
    """Reopen a period and those after it."""
    remarks = text_in(request.POST, "remarks", most=REMARKS_MOST, empty=True)
    reopen_period(site=request.visit.site, through=_day(day), by=request.user, remarks=remarks)
    return redirect("periods")


urlpatterns = [
    path("audit/periods/", periods_page, name="periods"),
    path("audit/periods/close/", close, name="period-close"),
    path("audit/periods/count/", count, name="period-count"),
    path("audit/periods/<str:day>/", reopen_page, name="period-reopen"),
    path("audit/periods/<str:day>/reopen/", reopen, name="period-reopen-now"),
]
