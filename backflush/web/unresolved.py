"""Unresolved: what do I settle next, and can I? The queue, its panel, retry and cancellation of many."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from backflush.core.refusals import InvalidValue, NotFound, Refusal
from backflush.ledger.models import Movement
from backflush.ledger.selectors import movement_numbered, posting_numbered
from backflush.people.rights import Verb
from backflush.unresolved.models import Settlement
from backflush.unresolved.selectors import fits_now, needing_choice, queue, short_now, there_now
from backflush.unresolved.services import cancel, preview_retry, resolve, retry, undo
from backflush.web import showing
from backflush.web.keys import new_key
from backflush.web.pages import page, posts
from backflush.web.paging import COUNTED_MOST, Page, count_up_to, page_of
from backflush.web.resolving import chosen_in, outcome_of, panel_of, picks_in
from backflush.web.visits import PageRequest, Visit
from backflush.web.waiting import Reading, reading_of

ORDERED_BY: Final = ("at", "place", "pk")
RETRIED_MOST: Final = 200
"""So many at a time a person retries from here; more go one press after another."""

Cut = Callable[[QuerySet[Movement]], QuerySet[Movement]]
CUTS: Final[Mapping[str, tuple[str | Promise, Cut]]] = {
    "fit": (_("Fit now"), fits_now),
    "short": (_("Short"), short_now),
    "choice": (_("Needs a choice"), needing_choice),
}
FILTERS: Final = ("item", "location", "order", "supplier")


@dataclass(frozen=True)
class Queue:
    """The queue as it was asked for: one of the usual cuts, and the remaining filters."""

    visit: Visit
    asked: QueryDict

    @property
    def cut(self) -> str:
        """Which of the usual cuts is shown; empty is all."""
        return cut if (cut := self.asked.get("show", "")) in CUTS else ""

    @cached_property
    def filters(self) -> dict[str, str]:
        """The remaining filters that are set."""
        return {name: value for name in (*FILTERS, "days") if (value := self.asked.get(name, "").strip())}

    @property
    def view(self) -> str:
        """The same as a part of an address, without which row is open."""
        return urlencode({**({"show": self.cut} if self.cut else {}), **self.filters})

    @cached_property
    def filtered(self) -> QuerySet[Movement]:
        """Everything that the filters leave, oldest first."""
        found = queue(self.visit.site, **{name: self.filters.get(name, "") for name in FILTERS})
        if days := self.filters.get("days", ""):
            if not days.isdecimal() or len(days) > 5:
                raise InvalidValue("Write the age in whole days.", field="days")
            found = found.filter(at__lte=timezone.now() - timedelta(days=int(days)))
        return found.select_related("cost", "posting__booking__item").annotate(place=Coalesce("origin", "id"))

    @property
    def shown(self) -> QuerySet[Movement]:
        """What the cut leaves of it."""
        return CUTS[self.cut][1](self.filtered) if self.cut else self.filtered

    @cached_property
    def page(self) -> Page[Movement]:
        """The rows of this page."""
        return page_of(self.shown, self.asked, by=ORDERED_BY)

    @cached_property
    def rows(self) -> list[Reading]:
        """The rows with what is there for them now."""
        there = there_now(self.visit.site, self.page.rows)
        return [reading_of(row, there[row.pk]) for row in self.page.rows]

    @cached_property
    def total(self) -> int:
        """How many the filters leave, counted up to a limit."""
        return count_up_to(self.filtered)

    @cached_property
    def chips(self) -> list[tuple[str, str | Promise, int | None]]:
        """The usual cuts with their counts. In a very long queue they aren't counted, because that means to read it."""
        counted = self.total <= COUNTED_MOST
        counts = {name: count_up_to(cut(self.filtered)) if counted else None for name, (_word, cut) in CUTS.items()}
        return [("", _("All"), self.total), *((name, word, counts[name]) for name, (word, _cut) in CUTS.items())]

    @property
    def fitting(self) -> int | None:
        """How many would fit now; None where that isn't counted."""
        return next(count for name, _word, count in self.chips if name == "fit")

    def after(self, movement: Movement) -> Movement | None:
        """The next one behind a movement, or from the beginning again where it was the last."""
        place = movement.origin_id or movement.pk
        behind = Q(at__gt=movement.at) | Q(at=movement.at, place__gt=place)
        others = self.shown.exclude(pk=movement.pk)
        return others.filter(Q(at__gte=movement.at) & behind).first() or others.first()


@page()
def queue_page(request: PageRequest) -> HttpResponse:
    """The queue, and the panel of the row that is open; the only row opens by itself."""
    asked = Queue(request.visit, request.GET)
    number = request.GET.get("open", "")
    panel_alone = bool(request.htmx) and request.htmx.target == "panel"
    if not number and not panel_alone and asked.total == 1 and asked.page.rows:
        number = str(asked.page.rows[0].pk)
    shown = _panel(request, number, request.GET) if number else {}
    if panel_alone:
        return render(request, "web/parts/panel.html", {"queue": asked, **shown})
    return render(request, "web/unresolved.html", {"queue": asked, **shown, **_strip(request)})


def _panel(request: PageRequest, number: str, typed: QueryDict) -> dict[str, Any]:
    """What the panel of a movement shows."""
    panel = panel_of(request.visit, _movement(request.visit, number))
    if "quantity" not in typed:
        # As it opens: all that is due, and the planned place if that fits.
        typed = typed.copy()
        typed["quantity"] = showing.typed(panel.reading.due)
        typed.setlist("from", panel.beforehand)
    return {
        "panel": panel,
        "typed": typed,
        "picked": typed.getlist("from"),
        "key": typed.get("key") or new_key(),
        "outcome": outcome_of(request.visit, panel, typed) if panel.waits else None,
        "not_used": "not_used" in typed or "remarks" in typed,
    }


def _movement(visit: Visit, number: str) -> Movement:
    if not number.isdecimal() or len(number) > 18:
        raise NotFound(f"There is no movement {number}.")
    return movement_numbered(visit.site, int(number))


@page()
def outcome_part(request: PageRequest, number: int) -> HttpResponse:
    """What would happen with what is chosen so far."""
    panel = panel_of(request.visit, movement_numbered(request.visit.site, number))
    outcome = outcome_of(request.visit, panel, request.GET)
    shown = {"panel": panel, "outcome": outcome, "typed": request.GET}
    return render(request, "web/parts/resolve_outcome.html", shown)


def _view(request: PageRequest) -> Queue:
    """The queue as it was shown beside a form."""
    return Queue(request.visit, QueryDict(request.POST.get("view", "")))


def _panel_again(request: PageRequest, refusal: Refusal, number: int) -> HttpResponse:
    shown = {"queue": _view(request), "refusal": refusal, **_panel(request, str(number), request.POST)}
    return render(request, "web/unresolved.html", shown)


@posts(Verb.RESOLVE, again=_panel_again)
def resolve_one(request: PageRequest, number: int) -> HttpResponse:
    """Resolve a movement as it was chosen, and open the next."""
    waiting = movement_numbered(request.visit.site, number)
    chosen = chosen_in(panel_of(request.visit, waiting), request.POST)
    following = _view(request).after(waiting)
    settlement = resolve(
        site=request.visit.site,
        movement=number,
        by=request.user,
        remainder="keep" if request.POST.get("remainder") == "keep" and chosen.quantity < _due(waiting) else "drop",
        key=request.POST.get("key", ""),
        **chosen.arguments(),
    )
    return _onwards(request, settlement.posting_id, following)


def _due(waiting: Movement) -> Decimal:
    due: Decimal | None = waiting.due
    assert due is not None, "what waits is due"
    return due


def _onwards(request: PageRequest, posting: int, following: Movement | None) -> HttpResponse:
    """The queue with what was done on a strip, and the next one open."""
    asked = QueryDict(_view(request).view, mutable=True)
    asked["settled"] = str(posting)
    if following is not None:
        asked["open"] = str(following.pk)
    return redirect(f"{reverse('unresolved')}?{asked.urlencode()}")


def _strip(request: PageRequest) -> dict[str, Any]:
    """What was just settled or undone, read from the ledger."""
    number = request.GET.get("settled", "")
    if not number.isdecimal() or len(number) > 18:
        return {}
    settled = list(
        Settlement.objects.filter(site=request.visit.site, posting=int(number))
        .select_related("movement__item__stock_unit", "posting__by", "undone_by")
        .order_by("pk")[: RETRIED_MOST + 1]
    )
    return {"settled": settled, "undo_key": new_key()} if settled else {}


def _cancel_again(request: PageRequest, refusal: Refusal) -> HttpResponse:
    if number := request.POST.get("open", ""):
        shown = {"queue": _view(request), "refusal": refusal, **_panel(request, number, request.POST)}
        return render(request, "web/unresolved.html", shown)
    return _show_cancelling(request, request.POST, refusal)


@page(Verb.CANCEL)
def cancel_page(request: PageRequest) -> HttpResponse:
    """Say of several that they were not used, and why."""
    return _show_cancelling(request, request.GET)


def _show_cancelling(request: PageRequest, typed: QueryDict, refusal: Refusal | None = None) -> HttpResponse:
    picked = queue(request.visit.site).filter(pk__in=picks_in(typed))
    shown = {
        "rows": [reading_of(row, None) for row in picked],
        "view": typed.get("view", ""),
        "typed": typed,
        "key": typed.get("key") or new_key(),
        "refusal": refusal,
    }
    return render(request, "web/unresolved_cancel.html", shown)


@posts(Verb.CANCEL, again=_cancel_again)
def cancel_some(request: PageRequest) -> HttpResponse:
    """Cancel what was picked: it was not used."""
    picked = picks_in(request.POST)
    following = None
    if number := request.POST.get("open", ""):
        following = _view(request).after(_movement(request.visit, number))
    settled = cancel(
        site=request.visit.site,
        movements=picked,
        remarks=request.POST.get("remarks", ""),
        by=request.user,
        key=request.POST.get("key", ""),
    )
    return _onwards(request, settled[0].posting_id, following)


@page(Verb.RETRY)
def retry_page(request: PageRequest) -> HttpResponse:
    """What would go through, before it does: of what was picked, else of the oldest that fit."""
    asked = Queue(request.visit, request.GET)
    picked = picks_in(request.GET) or list(fits_now(asked.filtered).values_list("pk", flat=True)[: RETRIED_MOST + 1])
    some = picked[:RETRIED_MOST]
    foreseen = preview_retry(site=request.visit.site, movements=some)
    shown = {
        "foreseen": foreseen,
        "asked": len(some),
        "stays": len(some) - len(foreseen),
        "more": len(picked) > RETRIED_MOST,
        "view": asked.view,
        "key": new_key(),
    }
    return render(request, "web/unresolved_retry.html", shown)


@posts(Verb.RETRY)
def retry_some(request: PageRequest) -> HttpResponse:
    """Settle what fits. What fits no longer goes on waiting."""
    settled = retry(
        site=request.visit.site,
        by=request.user,
        movements=picks_in(request.POST)[:RETRIED_MOST],
        key=request.POST.get("key", ""),
    )
    if not settled:
        return redirect(f"{reverse('unresolved')}?{_view(request).view}")
    return _onwards(request, settled[0].posting_id, None)


@posts(Verb.UNDO)
def undo_settling(request: PageRequest) -> HttpResponse:
    """Take a resolution, a cancellation or a retry back: the same is due again."""
    number = request.POST.get("posting", "")
    if not number.isdecimal():
        raise InvalidValue("Say what is to be taken back.", field="posting")
    posting = posting_numbered(request.visit.site, int(number))
    undo(site=request.visit.site, posting=posting.pk, by=request.user, key=request.POST.get("key", ""))
    return _onwards(request, posting.pk, None)


urlpatterns = [
    path("unresolved/", queue_page, name="unresolved"),
    path("unresolved/<int:number>/outcome/", outcome_part, name="resolve-outcome"),
    path("unresolved/<int:number>/resolve/", resolve_one, name="resolve"),
    path("unresolved/cancel/", cancel_page, name="cancel-page"),
    path("unresolved/cancel/post/", cancel_some, name="cancel"),
    path("unresolved/retry/", retry_page, name="retry-page"),
    path("unresolved/retry/post/", retry_some, name="retry"),
    path("unresolved/undo/", undo_settling, name="undo-settling"),
]
