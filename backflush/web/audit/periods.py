"""Periods: the date through which the site is closed, and what stands in the way of closing the next one."""

from datetime import date, timedelta
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from backflush.core.input_values import read_day, whole_or_none
from backflush.core.refusals import InvalidValue, NotFound, Refusal
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
from backflush.web.forms.values import day_in, text_in
from backflush.web.lists.pagination import COUNTED_MOST, count_up_to, page_of
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest, Visit

SEEN_BY: Final = (Verb.SEE, Verb.SIGN_OFF, Verb.PERIODS)
REMARKS_MOST: Final = 500


def next_end(site: Site, today: date) -> date | None:
    """Return the usual next closing date: the end of the month after the last closed day, else of last month.

    None if that day isn't over yet.
    """
    after = site.closed_through + timedelta(days=1) if site.closed_through else today - timedelta(days=today.day)
    end = (after.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return end if end < today else None


@page(*SEEN_BY)
def periods_page(request: PageRequest) -> HttpResponse:
    """Show the closed date, the check for the next closing, and all closings."""
    return _show(request, None)


def _show(request: PageRequest, refusal: Refusal | None) -> HttpResponse:
    visit = request.visit
    found = closings(visit.site)
    facts: dict[str, Any] = {
        "site": visit.site,
        "page": page_of(found, request.GET, by=("pk",), descending=True, total=count_up_to(found)),
        "may_close": visit.may(Verb.PERIODS),
        "uncounted": found.filter(reopened_at__isnull=True, counted_at__isnull=True).exists(),
        "typed": request.POST,
        "refusal": refusal,
    }
    if facts["may_close"]:
        facts |= _asked(visit, request)
        facts["refusal"] = refusal or facts.get("not_closable")
    return render(request, "web/audit/periods.html", facts)


def _asked(visit: Visit, request: PageRequest) -> dict[str, Any]:
    """Return the date to close through, and the unresolved movements up to it."""
    typed = request.POST or request.GET
    try:
        through = day_in(typed, "through") or next_end(visit.site, visit.today)
        if through is None:
            return {"asks": True}
        require_closable(visit.site, through)
    except Refusal as refusal:
        return {"asks": True, "through": typed.get("through", ""), "not_closable": refusal}
    waiting = count_up_to(waiting_through(visit.site, through))
    return {"asks": True, "through": through.isoformat(), "day": through, "waiting": waiting}


@posts(Verb.PERIODS, again=_show)
def close(request: PageRequest) -> HttpResponse:
    """Close the site through a date. If more movements are unresolved than the page showed, show it again."""
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
    """Return how many unresolved movements the page showed; None if it said "very many"."""
    shown = whole_or_none(request.POST.get("waiting", ""))
    if shown is None:
        raise InvalidValue("Look at the unresolved movements first, then close the period.", field="unresolved")
    return None if shown > COUNTED_MOST else shown


@posts(Verb.PERIODS, again=_show)
def count(request: PageRequest) -> HttpResponse:
    """Store the balances of a closing that was interrupted before they were stored."""
    count_balances(request.visit.site)
    return redirect("periods")


@page(Verb.PERIODS)
def reopen_page(request: PageRequest, day: str) -> HttpResponse:
    """Show which periods are reopened, and ask for the reason."""
    return _reopening(request, None, day)


def _reopening(request: PageRequest, refusal: Refusal | None, day: str) -> HttpResponse:
    again = closings(request.visit.site).filter(reopened_at__isnull=True, through__gte=_day(day)).order_by("through")
    rows: list[PeriodClosing] = list(again)
    if not rows or rows[0].through != _day(day):
        raise NotFound("No period is closed up to {day}.", day=day)
    facts = {"first": rows[0], "rows": rows, "refusal": refusal, "typed": request.POST}
    return render(request, "web/audit/reopen.html", facts)


def _day(day: str) -> date:
    try:
        return read_day(day, field="")
    except InvalidValue as refusal:
        raise NotFound.of(refusal.sentence) from None


@posts(Verb.PERIODS, again=_reopening)
def reopen(request: PageRequest, day: str) -> HttpResponse:
    """Reopen a period and all later ones."""
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
