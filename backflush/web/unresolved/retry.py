"""Retry: settle unresolved movements that fit by now, after a preview. Few at once, any number in the background."""

from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from backflush.background.selectors import running_retries
from backflush.core.input_values import whole_or_none
from backflush.core.refusals import NotFound
from backflush.delivery.pagination import count_up_to
from backflush.ledger.movement_list import FEW
from backflush.ledger.selectors import posting_numbered
from backflush.people.rights import Verb
from backflush.unresolved.arrivals import proposed_by
from backflush.unresolved.background_retry import begin_retry, retry_candidates
from backflush.unresolved.queue import QueueTab
from backflush.unresolved.retry import RetryPreview, preview_retry_with_counts, retry
from backflush.web.forms.idempotency import new_key
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest
from backflush.web.unresolved.queue import Queue
from backflush.web.unresolved.resolve_panel import picks_in

AT_ONCE_MOST: Final = 200
"""The most movements that are settled while a user waits; more are settled in the background."""
LOOKED_AT_MOST: Final = 500
"""The number of movements of a long queue that a preview checks."""
SHOWN_MOST: Final = 200


@page(Verb.RETRY)
def retry_page(request: PageRequest) -> HttpResponse:
    """Preview a retry of the selected movements, else of the whole filtered queue."""
    page_queue = Queue(request.visit, request.GET)
    if request.GET.get("view"):
        page_queue = Queue(request.visit, QueryDict(request.GET["view"]))
    arrived = request.GET.get("arrived", "")
    picked = picks_in(request.GET)[:AT_ONCE_MOST]
    if arrived:
        picked = list(_proposed(request, arrived))
    shown: dict[str, Any] = {"view": page_queue.view, "key": new_key(), "picked": bool(picked or arrived), "more": 0}
    if not picked and not arrived:
        candidates = retry_candidates(request.visit.site, page_queue.conditions)
        picked = list(candidates.values_list("pk", flat=True)[: LOOKED_AT_MOST + 1])
        if len(picked) > AT_ONCE_MOST:
            shown["more"] = count_up_to(candidates) if len(picked) > LOOKED_AT_MOST else len(picked)
            shown["running"] = running_retries(request.visit.site)
    looked_at = picked[:LOOKED_AT_MOST]
    found = preview_retry_with_counts(site=request.visit.site, movements=looked_at)
    shown |= {
        "settling": found.settled[:SHOWN_MOST],
        "fitting": len(found.settled),
        "looked_at": len(looked_at),
        "short": found.short,
        "choice": found.choice,
    }
    if not shown["picked"]:
        shown |= _of_all(page_queue, found, long=bool(shown["more"]))
    return render(request, "web/unresolved/retry.html", shown)


def _of_all(page_queue: Queue, found: RetryPreview, *, long: bool) -> dict[str, Any]:
    """Return how many movements of the queue would be settled, are short, or need a choice, each with its tab.

    `after_older` would fit by themselves but stay short, because older movements take the stock. For a long queue only
    the oldest movements are checked, so the counts of the tabs are shown.
    """
    counts = page_queue.waiting.counts
    fit, short, choice = counts[QueueTab.FIT], counts[QueueTab.SHORT], counts[QueueTab.CHOICE]
    known = not long and page_queue.total <= FEW and fit is not None and choice is not None
    whole = sum(1 for waiting, moved in found.settled if moved == waiting.due)
    return {
        "short": page_queue.total - len(found.settled) - (choice or 0) if known else short,
        "choice": choice,
        "after_older": (fit or 0) - whole if known else 0,
        "tab_addresses": {tab.value: page_queue.tab_address(tab) for tab in QueueTab},
    }


def _proposed(request: PageRequest, arrived: str) -> Sequence[int]:
    """Return the movements that fit now because of a posting."""
    posting_id = whole_or_none(arrived)
    if posting_id is None:
        raise NotFound("There is no posting {posting}.", posting=arrived[:18])
    return proposed_by(posting_numbered(request.visit.site, posting_id), site=request.visit.site).movements


@posts(Verb.RETRY)
def retry_some(request: PageRequest) -> HttpResponse:
    """Settle the previewed movements that still fit; the others stay unresolved."""
    settled = retry(
        site=request.visit.site,
        by=request.user,
        movements=picks_in(request.POST)[:AT_ONCE_MOST],
        key=request.POST.get("key", ""),
    )
    view = Queue(request.visit, QueryDict(request.POST.get("view", ""))).view
    address = f"{reverse('unresolved')}?{view}"
    return redirect(f"{address}&{urlencode({'settled': settled[0].posting_id})}" if settled else address)


@posts(Verb.RETRY)
def retry_all(request: PageRequest) -> HttpResponse:
    """Start a background retry of the filtered queue."""
    page_queue = Queue(request.visit, QueryDict(request.POST.get("view", "")))
    narrowed = ", ".join(f"{name} {value}" for name, value in page_queue.filters.items())
    title = (
        _("Retry of what waits: %(filters)s") % {"filters": narrowed}
        if narrowed
        else _("Retry of all unresolved movements")
    )
    background_job = begin_retry(site=request.visit.site, filters=page_queue.conditions, title=title, by=request.user)
    return redirect("background-job", background_job.pk)


urlpatterns = [
    path("unresolved/retry/", retry_page, name="retry-page"),
    path("unresolved/retry/post/", retry_some, name="retry"),
    path("unresolved/retry/all/", retry_all, name="retry-all"),
]
