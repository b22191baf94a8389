"""Decorators that make a function a page: they require the log-in and a right, and open the visit.

    @page(Verb.SEE_WORK)
    def queue_page(request: PageRequest) -> HttpResponse: ...

    @posts(Verb.RESOLVE, again=show_panel)
    def resolve(request: PageRequest, number: int) -> HttpResponse: ...

`again(request, refusal, *arguments)` shows the form with the entered values and the refusal at its field.
"""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from backflush.core.refusals import NotAllowed, Refusal
from backflush.delivery.metrics import count_refusal
from backflush.delivery.refusals import status_of
from backflush.ledger.idempotency import require_own_key
from backflush.people.rights import Verb
from backflush.web.platform.resubmission import SignedOut, ask_to_sign_in, require_sent_now
from backflush.web.platform.visit import PageRequest, enter

View = Callable[..., HttpResponse]


def page(*verbs: Verb) -> Callable[[View], View]:
    """Make a function a page for GET. The user needs one of the rights; without any, a role at the site is enough."""

    def wrap(view: View) -> View:
        needed = verbs or (Verb.SEE_WORK,)
        looked_at = require_GET(_entered(view, needed))
        looked_at.verbs = needed  # type: ignore[attr-defined]
        return looked_at

    return wrap


def posts(*verbs: Verb, again: View | None = None) -> Callable[[View], View]:
    """Make a function a handler for POST. `again` shows a refusal, with status 422, or 409 for a conflict."""

    def wrap(view: View) -> View:
        @wraps(view)
        def answered(request: PageRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                require_sent_now(request)
                require_own_key(request.POST.get("key", ""))
                return view(request, *args, **kwargs)
            except Refusal as refusal:
                if again is None or isinstance(refusal, NotAllowed):
                    raise
                count_refusal(refusal)
                response = again(request, refusal, *args, **kwargs)
                response.status_code = HTTPStatus.OK if isinstance(refusal, SignedOut) else status_of(refusal)
                return response

        posted = require_POST(_entered(answered, verbs or (Verb.SEE_WORK,)))
        posted.again = again  # type: ignore[attr-defined]
        posted.post_verbs = verbs or (Verb.SEE_WORK,)  # type: ignore[attr-defined]
        return posted

    return wrap


def by_method(get: View, post: View) -> View:
    """Return the view of an address at which a form is both shown and sent."""

    @wraps(get)
    def either(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return (post if request.method == "POST" else get)(request, *args, **kwargs)

    either.again = getattr(post, "again", None)  # type: ignore[attr-defined]
    either.post_verbs = getattr(post, "post_verbs", ())  # type: ignore[attr-defined]
    return either


def _entered(view: View, verbs: tuple[Verb, ...]) -> View:
    @cache_control(private=True, no_cache=True)
    @wraps(view)
    def entered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _to_log_in(request)
        enter(request)
        page_request = cast(PageRequest, request)
        page_request.visit.require(*verbs)
        return view(page_request, *args, **kwargs)

    return entered


def _to_log_in(request: HttpRequest) -> HttpResponse:
    """Redirect to the log-in, and back here afterwards. For a part of a page, back to the page; for a form, with its
    values."""
    if request.method == "POST":
        return ask_to_sign_in(request)
    htmx = getattr(request, "htmx", None)
    if htmx:
        here = htmx.current_url_abs_path or reverse("home")
        return HttpResponseClientRedirect(redirect_to_login(here).url)
    return redirect_to_login(request.get_full_path())
