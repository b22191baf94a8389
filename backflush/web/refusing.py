"""Every refusal of the rooms becomes an answer here: which status, and what is shown.

A form's own page takes its refusals by `posts(again=…)` and comes back with what was typed. What nobody takes becomes
a page of its own, or, for a part that htmx asked for, a sentence.
"""

from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from backflush.core.refusals import (
    AlreadyReversed,
    AlreadyThere,
    KeyReused,
    NotAllowed,
    NotFound,
    NotUnresolved,
    OrderNotNew,
    OrderNotOpen,
    OrderNotReleased,
    Refusal,
    SettledSince,
)

CONFLICTS: Final = (
    AlreadyReversed,
    AlreadyThere,
    KeyReused,
    NotUnresolved,
    OrderNotNew,
    OrderNotOpen,
    OrderNotReleased,
    SettledSince,
)
"""Somebody else was quicker, or it was done before."""


def status_of(refusal: Refusal) -> HTTPStatus:
    """The status that goes with a refusal."""
    match refusal:
        case NotAllowed():
            return HTTPStatus.FORBIDDEN
        case NotFound() if not refusal.field:
            return HTTPStatus.NOT_FOUND
    return HTTPStatus.CONFLICT if isinstance(refusal, CONFLICTS) else HTTPStatus.UNPROCESSABLE_ENTITY


def answer_refusal(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """A refusal that no form took: what was looked for isn't there, isn't allowed, or can't be read."""
    status = HTTPStatus.NOT_FOUND if isinstance(refusal, NotFound) else status_of(refusal)
    part = bool(getattr(request, "htmx", False)) and not request.htmx.boosted  # type: ignore[attr-defined]
    template = "web/parts/refusal.html" if part else "web/refused.html"
    return render(request, template, {"refusal": refusal, "status": status.value}, status=status)


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token, mostly one that stood open while the person signed in again elsewhere."""
    return render(request, "web/forged.html", status=HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No page has this address."""
    return render(request, "web/missing.html", status=HTTPStatus.NOT_FOUND)


def failed(request: HttpRequest) -> HttpResponse:
    """A fault of ours. Shown without anything that could fail again: no database, no visit."""
    return render(request, "web/failed.html", status=HTTPStatus.INTERNAL_SERVER_ERROR)
