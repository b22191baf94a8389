"""What somebody typed into a form when they turned out to be signed out: they sign in, and are back with it.

The log-in carries it, signed, in a hidden field, so that nothing is stored for whoever merely knocks; once the person
is in, it lies in their session until they post something. The form is shown as after a refusal: nothing is posted by
itself, because somebody may have been quicker, and another person may have signed in.
"""

from typing import Any, Final

from django.core import signing
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from backflush.core.refusals import Refusal

KEPT: Final = "kept"
"""The hidden field, and where it lies in the session."""
AGAIN: Final = "typed-again"
"""In the address of a form that is to be shown with what was kept."""
_SALT: Final = "backflush.web.platform.resubmission"
_SECONDS: Final = 12 * 3600
_LONGEST: Final = 200_000
_SECRET: Final = ("csrfmiddlewaretoken", "password")


class SignedOut(Refusal):
    """The person was signed out before the form was sent."""

    code = "signed_out"


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """The log-in in place of an answer to a form, with what was typed in it."""
    response = render(request, "web/home/log_in.html", {"kept": _keep(request), "next": ""})
    if getattr(request, "htmx", False):
        response.headers["HX-Retarget"] = "body"
        response.headers["HX-Reswap"] = "innerHTML"
    return response


def _keep(request: HttpRequest) -> str:
    typed = [(name, values) for name, values in request.POST.lists() if name not in _SECRET]
    signed = signing.dumps({"path": request.path, "typed": typed}, salt=_SALT, compress=True)
    return signed if len(signed) <= _LONGEST else ""


def back_to_form(request: HttpRequest) -> str:
    """After the log-in: where to go to be back with what was typed; empty where there is nothing of the kind."""
    try:
        kept = signing.loads(request.POST.get(KEPT, ""), salt=_SALT, max_age=_SECONDS)
    except signing.BadSignature:
        return ""
    request.session[KEPT] = kept
    return f"{kept['path']}?{urlencode({AGAIN: 1})}"


def type_again(request: HttpRequest) -> None:
    """Make what was kept the typed values of a request that asks for them."""
    kept: Any = request.session.get(KEPT)
    if request.method == "GET" and AGAIN in request.GET and kept and kept["path"] == request.path:
        typed = QueryDict(mutable=True)
        for name, values in kept["typed"]:
            typed.setlist(name, values)
        request.method = "POST"
        request.POST = typed  # type: ignore[assignment]
        request.typed_again = True  # type: ignore[attr-defined]


def require_sent_now(request: HttpRequest) -> None:
    """Show a form again that wasn't sent now, but before the person signed in; one sent now ends that."""
    if getattr(request, "typed_again", False):
        raise SignedOut(_("You were signed out and are back with what you typed. Nothing was posted yet."))
    request.session.pop(KEPT, None)
