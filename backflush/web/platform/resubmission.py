"""Keeps the values of a form whose user turned out to be signed out, so that they are there after the log-in.

The log-in page carries them in a signed hidden field, so nothing is stored for visitors who aren't signed in. After the
log-in they are in the session until the user posts a form. The form is shown as after a refusal and is never posted by
itself, because the data may have changed, or another user may have signed in.
"""

from typing import Any, Final

from django.core import signing
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.http import urlencode

from backflush.core.refusals import Refusal

KEPT: Final = "kept"
"""The name of the hidden field and of the session key."""
AGAIN: Final = "typed-again"
"""The query parameter of a form that is to be shown with the kept values."""
_SALT: Final = "backflush.web.platform.resubmission"
_SECONDS: Final = 12 * 3600
_LONGEST: Final = 200_000
_SECRET: Final = ("csrfmiddlewaretoken", "password")


class SignedOut(Refusal):
    """The user was signed out before the form was sent."""

    code = "signed_out"


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """Answer a form with the log-in page, and keep the entered values."""
    response = render(request, "web/home/log_in.html", {"kept": _keep(request), "next": ""})
    if getattr(request, "htmx", False):
        response.headers["HX-Retarget"] = "body"
        response.headers["HX-Reswap"] = "innerHTML"
    return response


def _keep(request: HttpRequest) -> str:
    form_data = [(name, values) for name, values in request.POST.lists() if name not in _SECRET]
    signed = signing.dumps({"path": request.path, "typed": form_data}, salt=_SALT, compress=True)
    return signed if len(signed) <= _LONGEST else ""


def back_to_form(request: HttpRequest) -> str:
    """Return the address of the form to return to after the log-in, or an empty string."""
    try:
        kept = signing.loads(request.POST.get(KEPT, ""), salt=_SALT, max_age=_SECONDS)
    except signing.BadSignature:
        return ""
    request.session[KEPT] = kept
    return f"{kept['path']}?{urlencode({AGAIN: 1})}"


def restore_form_data(request: HttpRequest) -> None:
    """Use the kept values as the entered values of a request that asks for them."""
    kept: Any = request.session.get(KEPT)
    if request.method == "GET" and AGAIN in request.GET and kept and kept["path"] == request.path:
        form_data = QueryDict(mutable=True)
        for name, values in kept["typed"]:
            form_data.setlist(name, values)
        request.method = "POST"
        request.POST = form_data  # type: ignore[assignment]
        request.is_resubmitted = True  # type: ignore[attr-defined]


def require_sent_now(request: HttpRequest) -> None:
    """Refuse a form with kept values, so that it is shown again; a form sent now discards them."""
    if getattr(request, "is_resubmitted", False):
        raise SignedOut("You had been signed out. Nothing was posted yet. Check your entries, and send the form again.")
    request.session.pop(KEPT, None)
