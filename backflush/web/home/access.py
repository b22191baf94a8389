"""What a person has open: sessions, tokens of programs, and the second factor, each listed and ended by its owner."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from backflush.core.refusals import InvalidValue, Refusal
from backflush.people.second_factor import (
    begin_second_factor,
    confirm_second_factor,
    end_second_factor,
    has_second_factor,
    takes_code,
)
from backflush.people.sessions import end_sessions, open_sessions
from backflush.people.tokens import end_tokens, tokens_in_use
from backflush.web.forms.fields import Field, Form
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest

SHOWN_MOST: Final = 100


def _show(request: PageRequest, refusal: Refusal | None = None) -> HttpResponse:
    user, has_factor = request.user, has_second_factor(request.user)
    context = {
        "sessions": open_sessions(user)[:SHOWN_MOST],
        "this": request.session.session_key,
        "tokens": tokens_in_use(user)[:SHOWN_MOST],
        "second_factor": has_factor,
        "form": Form([_code_field()] if has_factor else [], {}, refusal),
    }
    return render(request, "web/home/access.html", context)


def _code_field() -> Field:
    return Field("code", _("Code of the app"), required=True, length_max=40)


@page()
def access_page(request: PageRequest) -> HttpResponse:
    """Show the person's sessions and tokens, and whether there is a second factor."""
    return _show(request)


@posts(again=_show)
def end_session(request: PageRequest) -> HttpResponse:
    """End one other session, or all others."""
    this = request.session.session_key or ""
    end_sessions(request.user, but=this, only=request.POST.get("session", ""))
    return redirect("access")


@posts(again=_show)
def end_token(request: PageRequest) -> HttpResponse:
    """Revoke one token of the person."""
    name = request.POST.get("token", "")
    if not name or not end_tokens(user=request.user, name=name):
        raise InvalidValue("This token isn't in use any more.", field="token")
    return redirect("access")


def _show_second_factor(request: PageRequest, refusal: Refusal | None = None) -> HttpResponse:
    user = request.user
    if has_second_factor(user):
        return redirect("access")
    address = begin_second_factor(user=user)
    secret = address.partition("secret=")[2].partition("&")[0]
    context = {"address": address, "secret": secret, "form": Form([_code_field()], {}, refusal)}
    return render(request, "web/home/second_factor.html", context)


@never_cache
@page()
def second_factor_page(request: PageRequest) -> HttpResponse:
    """Show the code that an app scans."""
    return _show_second_factor(request)


@never_cache
@posts(again=_show_second_factor)
def confirm(request: PageRequest) -> HttpResponse:
    """Put the second factor in use, and show the recovery codes once."""
    codes = confirm_second_factor(user=request.user, code=request.POST.get("code", ""))
    end_sessions(request.user, but=request.session.session_key or "")
    return render(request, "web/home/second_factor.html", {"codes": codes})


@posts(again=_show)
def switch_off(request: PageRequest) -> HttpResponse:
    """Switch the second factor off, with one more code: whoever finds an open page can't."""
    if not takes_code(user=request.user, code=request.POST.get("code", "")):
        raise InvalidValue("This code is wrong or over. Enter the code that the app shows now.", field="code")
    end_second_factor(user=request.user)
    return redirect("access")


urlpatterns = [
    path("you/access/", access_page, name="access"),
    path("you/access/end-session/", end_session, name="session-end"),
    path("you/access/end-token/", end_token, name="token-end"),
    path("you/second-factor/", second_factor_page, name="second-factor"),
    path("you/second-factor/confirm/", confirm, name="second-factor-confirm"),
    path("you/second-factor/off/", switch_off, name="second-factor-off"),
]
