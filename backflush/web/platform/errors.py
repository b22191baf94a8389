"""Turns refusals into responses: the status code, and what is shown.

A form takes its own refusals by `posts(again=…)` and shows the entered values again. Any other refusal becomes a page,
or a sentence if htmx asked for a part of a page.
"""

import logging
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from backflush.config.logs import asked
from backflush.core.failures import log_failure
from backflush.core.refusals import Refusal
from backflush.delivery.metrics import count_refusal
from backflush.delivery.refusals import REFERENCE, status_of


def answer_refusal(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Answer a refusal that no form took: not found, not allowed, or invalid."""
    count_refusal(refusal)
    # No form took it, so what it names is part of the address.
    status = status_of(refusal, address=[refusal.field])
    part = bool(getattr(request, "htmx", False)) and not request.htmx.boosted  # type: ignore[attr-defined]
    template = "web/forms/refusal.html" if part else "web/platform/refused.html"
    return render(request, template, {"refusal": refusal, "status": status.value}, status=status)


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form with a missing or old CSRF token, mostly one that was open while the user signed in again
    elsewhere."""
    return render(request, "web/platform/forged.html", status=HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an unknown address."""
    return render(request, "web/platform/missing.html", status=HTTPStatus.NOT_FOUND)


_log: Final = logging.getLogger(__name__)


def failed(request: HttpRequest) -> HttpResponse:
    """Answer an internal error, with a reference that is in the log too.

    Uses neither the database nor the visit, which may be what failed.
    """
    reference = log_failure(_log, asked(request))
    response = render(
        request, "web/platform/failed.html", {"reference": reference}, status=HTTPStatus.INTERNAL_SERVER_ERROR
    )
    response.headers[REFERENCE] = reference
    return response
