"""The unresolved queue with its resolve panel, and cancelling."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse

from backflush.background.selectors import running_retries
from backflush.core.input_values import shortened, whole_or_none
from backflush.core.refusals import InvalidValue, NotFound, Refusal
from backflush.ledger.models import Movement
from backflush.ledger.selectors import movement_numbered, posting_numbered
from backflush.people.rights import Verb
from backflush.unresolved.cancellation import cancel
from backflush.unresolved.models import Settlement
from backflush.unresolved.resolution import resolve
from backflush.unresolved.selectors import last_settlement, queue
from backflush.unresolved.undo import undo
from backflush.web.display import formats
from backflush.web.forms.fields import Form
from backflush.web.forms.idempotency import new_key
from backflush.web.forms.values import moment_in
from backflush.web.lists.export_jobs import send
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest, Visit
from backflush.web.unresolved.queue import Queue
from backflush.web.unresolved.resolve_panel import (
    cancel_fields,
    chosen_in,
    outcome_of,
    panel_fields,
    panel_of,
    picks_in,
)
from backflush.web.unresolved.row import reading_of

SETTLED_SHOWN: Final = 200
"""The most settlements of one posting that the banner counts."""


@page()
def queue_page(request: PageRequest) -> HttpResponse:
    """Show the queue, and the panel of the open row. A single row is opened."""
    page_queue = Queue(request.visit, request.GET)
    number = request.GET.get("open", "")
    panel_alone = bool(request.htmx) and request.htmx.target == "panel"
    if not number and not panel_alone and page_queue.total == 1 and not page_queue.group_by and page_queue.page.rows:
        number = str(page_queue.page.rows[0].pk)
    shown = _panel(request, page_queue, number, request.GET) if number else {}
    if panel_alone:
        return render(request, "web/unresolved/panel.html", {"queue": page_queue, **shown})
    if not page_queue.total and not page_queue.filters:
        shown["last"] = last_settlement(request.visit.site)
    shown["retries"] = running_retries(request.visit.site)
    return render(request, "web/unresolved/queue.html", {"queue": page_queue, **shown, **_banner(request)})


def _panel(
    request: PageRequest, page_queue: Queue, number: str, form_data: QueryDict, refusal: Refusal | None = None
) -> dict[str, Any]:
    """Return the context of a movement's panel."""
    panel = panel_of(request.visit, _movement(request.visit, number))
    if "quantity" not in form_data:
        # Initial values: the quantity due, and the planned place if it has enough.
        form_data = form_data.copy()
        form_data["quantity"] = formats.for_input(panel.reading.due)
        form_data.setlist("from", panel.beforehand)
    not_used = "not_used" in form_data or "remarks" in form_data
    return {
        "panel": panel,
        "form": Form(panel_fields(request.visit, panel, not_used=not_used), form_data, refusal),
        "refusal": refusal,
        "form_data": form_data,
        "picked": form_data.getlist("from"),
        "key": form_data.get("key") or new_key(),
        "outcome": outcome_of(request.visit, panel, form_data) if panel.waits else None,
        "following": None if panel.waits else page_queue.after(panel.movement),
        "not_used": not_used,
    }


def _movement(visit: Visit, number: str) -> Movement:
    movement_id = whole_or_none(number)
    if movement_id is None:
        raise NotFound("There is no movement '{movement}'.", movement=shortened(number))
    return movement_numbered(visit.site, movement_id)


@page()
def outcome_part(request: PageRequest, number: int) -> HttpResponse:
    """Show what would happen with the current choice."""
    panel = panel_of(request.visit, movement_numbered(request.visit.site, number))
    outcome = outcome_of(request.visit, panel, request.GET)
    shown = {"panel": panel, "outcome": outcome, "form_data": request.GET}
    return render(request, "web/unresolved/resolve_outcome.html", shown)


def _view(request: PageRequest) -> Queue:
    """Return the queue's filters as they were beside a form."""
    return Queue(request.visit, QueryDict(request.POST.get("view", "")))


def _panel_again(request: PageRequest, refusal: Refusal, number: int) -> HttpResponse:
    page_queue = _view(request)
    context = {"queue": page_queue, **_panel(request, page_queue, str(number), request.POST, refusal)}
    return render(request, "web/unresolved/queue.html", context)


@posts(Verb.RESOLVE, again=_panel_again)
def resolve_one(request: PageRequest, number: int) -> HttpResponse:
    """Resolve a movement, and open the next."""
    waiting = movement_numbered(request.visit.site, number)
    chosen = chosen_in(panel_of(request.visit, waiting), request.POST)
    following = _view(request).after(waiting)
    less = chosen.quantity is not None and chosen.quantity < _due(waiting)
    entered = replace(
        chosen,
        remainder="keep" if request.POST.get("remainder") == "keep" and less else "drop",
        at=moment_in(request.POST, "at"),
        key=request.POST.get("key", ""),
    )
    settlement = resolve(entered, site=request.visit.site, by=request.user)
    return _onwards(request, settlement.posting_id, following)


def _due(waiting: Movement) -> Decimal:
    due: Decimal | None = waiting.due
    assert due is not None, "an unresolved movement has a quantity due"
    return due


def _onwards(request: PageRequest, posting: int, following: Movement | None) -> HttpResponse:
    """Show the queue with a banner about what was done, and open the next movement."""
    page_queue = QueryDict(_view(request).view, mutable=True)
    page_queue["settled"] = str(posting)
    if following is not None:
        page_queue["open"] = str(following.pk)
    return redirect(f"{reverse('unresolved')}?{page_queue.urlencode()}")


def _banner(request: PageRequest) -> dict[str, Any]:
    """Return what was just settled or undone, read from the ledger."""
    posting_id = whole_or_none(request.GET.get("settled", ""))
    if posting_id is None:
        return {}
    settled = list(
        Settlement.objects.filter(site=request.visit.site, posting=posting_id)
        .select_related("movement__item__stock_unit", "posting__by", "undone_by", "kept")
        .order_by("pk")[: SETTLED_SHOWN + 1]
    )
    return {"settled": settled, "undo_key": new_key()} if settled else {}


def _cancel_again(request: PageRequest, refusal: Refusal) -> HttpResponse:
    if number := request.POST.get("open", ""):
        page_queue = _view(request)
        context = {"queue": page_queue, **_panel(request, page_queue, number, request.POST, refusal)}
        return render(request, "web/unresolved/queue.html", context)
    return _show_cancelling(request, request.POST, refusal)


@page(Verb.CANCEL)
def cancel_page(request: PageRequest) -> HttpResponse:
    """Ask why the selected movements were not used."""
    return _show_cancelling(request, request.GET)


def _show_cancelling(request: PageRequest, form_data: QueryDict, refusal: Refusal | None = None) -> HttpResponse:
    picked = list(queue(request.visit.site).filter(pk__in=picks_in(form_data)))
    newest = max((row.at for row in picked), default=None)
    context = {
        "rows": [reading_of(row, None) for row in picked],
        "view": form_data.get("view", ""),
        "form": Form(cancel_fields(newest) if picked else [], form_data, refusal),
        "key": form_data.get("key") or new_key(),
    }
    return render(request, "web/unresolved/cancel.html", context)


@posts(Verb.CANCEL, again=_cancel_again)
def cancel_some(request: PageRequest) -> HttpResponse:
    """Cancel the selected movements."""
    picked = picks_in(request.POST)
    following = None
    if number := request.POST.get("open", ""):
        following = _view(request).after(_movement(request.visit, number))
    settled = cancel(
        site=request.visit.site,
        movements=picked,
        remarks=request.POST.get("remarks", ""),
        by=request.user,
        at=moment_in(request.POST, "at"),
        key=request.POST.get("key", ""),
    )
    return _onwards(request, settled[0].posting_id, following)


@posts(Verb.UNDO)
def undo_settling(request: PageRequest) -> HttpResponse:
    """Undo a resolution, a cancellation or a retry: its movements are unresolved again."""
    posting_id = whole_or_none(request.POST.get("posting", ""))
    if posting_id is None:
        raise InvalidValue("Choose what to reverse.", field="posting")
    posting = posting_numbered(request.visit.site, posting_id)
    undo(site=request.visit.site, posting=posting.pk, by=request.user, key=request.POST.get("key", ""))
    return _onwards(request, posting.pk, None)


@page()
def export_queue(request: PageRequest, kind: str) -> HttpResponse:
    """Export the filtered queue as a file."""
    return send("unresolved", request, kind)


urlpatterns = [
    path("unresolved/", queue_page, name="unresolved"),
    path("unresolved/export.<slug:kind>", export_queue, name="unresolved-export"),
    path("unresolved/<int:number>/outcome/", outcome_part, name="resolve-outcome"),
    path("unresolved/<int:number>/resolve/", resolve_one, name="resolve"),
    path("unresolved/cancel/", cancel_page, name="cancel-page"),
    path("unresolved/cancel/post/", cancel_some, name="cancel"),
    path("unresolved/undo/", undo_settling, name="undo-settling"),
]
