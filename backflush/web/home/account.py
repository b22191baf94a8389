"""Log-in and log-out, the user's own page, and settings of the browser: theme, language, site."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import login, update_session_auth_hash
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import Resolver404, path, resolve, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from backflush.core.refusals import InvalidValue, Refusal
from backflush.delivery.client_address import address_of
from backflush.people.log_in_limits import (
    COOKIE,
    COOKIE_SECONDS,
    KNOWN_BROWSER,
    WINDOW,
    cookie_with,
    is_limited,
    known_names,
)
from backflush.people.models import User
from backflush.people.second_factor import has_second_factor, takes_code
from backflush.people.security_log import SecurityMatter, note
from backflush.people.services import change_own_password, use_single_keys
from backflush.people.sessions import ADDRESS, BROWSER, forget_old_sessions
from backflush.stockmap.models import Site
from backflush.web.display import number_format
from backflush.web.forms.fields import Field, FieldKind, Form
from backflush.web.platform.decorators import by_method, page, posts
from backflush.web.platform.navigation import AREAS, THEME, THEMES
from backflush.web.platform.resubmission import KEPT, back_to_form
from backflush.web.platform.visit import SITE, PageRequest, Visit

THEME_KEPT_SECONDS = 365 * 24 * 3600
BACKEND: Final = "django.contrib.auth.backends.ModelBackend"
WAITING: Final = "waiting"
"""The session key of somebody whose password was right and who owes the code."""
CODE_WITHIN: Final = timedelta(minutes=5)
WRONG_CODE: Final = "wrong code"
PASSWORD_LONGEST: Final = 1_000
BROWSER_LONGEST: Final = 200


class LogIn(LoginView):
    """The log-in page: name and password. Wrong ones are noted in the security log and limited."""

    template_name = "web/home/log_in.html"
    redirect_authenticated_user = True

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page; before there is a plant, the page on which it begins."""
        if not Site.objects.exists():
            return redirect("begin")
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """Carry the values of an interrupted form along with every attempt."""
        kept = self.request.POST.get(KEPT, "")
        return super().get_context_data(**more, kept=kept, company=settings.OIDC is not None)

    def post(self, request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        """Check the name and the password, unless there were too many wrong ones."""
        name = request.POST.get("username", "")
        if is_limited(name, known=name in self._known()):
            return locked_out(request)
        if len(request.POST.get("password", "")) > PASSWORD_LONGEST:
            return self.form_invalid(self.get_form())
        return super().post(request, *arguments, **named)

    def _known(self) -> list[str]:
        """Return the people who have signed in in this browser."""
        return known_names(self.request.COOKIES.get(COOKIE, ""))

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Note the attempt."""
        name = self.request.POST.get("username", "")
        detail = KNOWN_BROWSER if name in self._known() else ""
        note(SecurityMatter.SIGN_IN, person=name, done=False, detail=detail)
        return super().form_invalid(form)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Begin the session, or ask for the second factor first."""
        user = form.get_user()
        if has_second_factor(user):
            self.request.session[WAITING] = [user.pk, timezone.now().timestamp(), self.get_success_url()]
            return redirect("log-in-code")
        response = super().form_valid(form)
        begin_session(self.request, response)
        return response

    def get_success_url(self) -> str:
        """Return to the interrupted form, else to the requested page."""
        return back_to_form(self.request) or super().get_success_url()


@never_cache
def code_page(request: HttpRequest) -> HttpResponse:
    """Ask somebody whose password was right for the second factor, and begin the session."""
    user, address = _waiting(request)
    if user is None:
        return redirect("log-in")
    if request.method != "POST":
        return render(request, "web/home/log_in_code.html")
    known = user.username in known_names(request.COOKIES.get(COOKIE, ""))
    if is_limited(user.username, known=known):
        del request.session[WAITING]
        return locked_out(request)
    if not takes_code(user=user, code=request.POST.get("code", "")):
        note(SecurityMatter.SIGN_IN, person=user.username, done=False, detail=KNOWN_BROWSER if known else WRONG_CODE)
        return render(request, "web/home/log_in_code.html", {"wrong": True})
    del request.session[WAITING]
    login(request, user, backend=BACKEND)
    response = redirect(address)
    begin_session(request, response)
    return response


def _waiting(request: HttpRequest) -> tuple[User | None, str]:
    """Return the person whose password was right a moment ago, and where to go after the code."""
    number, at, address = request.session.get(WAITING, (0, 0.0, ""))
    if timezone.now().timestamp() - at > CODE_WITHIN.total_seconds():
        return None, ""
    return User.objects.filter(pk=number, is_active=True).first(), address


def begin_session(request: HttpRequest, response: HttpResponse) -> None:
    """Say in a new session where it was begun, note it, and make the browser known for this person."""
    user = request.user
    assert isinstance(user, User), "somebody has just signed in"
    request.session[ADDRESS] = address_of(request)
    request.session[BROWSER] = request.headers.get("User-Agent", "")[:BROWSER_LONGEST]
    note(SecurityMatter.SIGN_IN, person=user.username)
    forget_old_sessions(user)
    response.set_cookie(
        COOKIE,
        cookie_with(known_names(request.COOKIES.get(COOKIE, "")), user),
        max_age=COOKIE_SECONDS,
        samesite="Lax",
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )


class LogOut(LogoutView):
    """The end of a session."""

    def post(self, request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        """End the session and note it."""
        if request.user.is_authenticated:
            note(SecurityMatter.SIGN_OUT, person=request.user.get_username())
        return super().post(request, *arguments, **named)


def locked_out(request: HttpRequest) -> HttpResponse:
    """Answer after too many wrong attempts."""
    minutes = int(WINDOW.total_seconds() // 60)
    shown = {"minutes": minutes, **{name: request.POST.get(name, "") for name in ("username", "next", KEPT)}}
    return render(request, "web/home/log_in.html", shown, status=HTTPStatus.TOO_MANY_REQUESTS)


@page()
def more_page(request: PageRequest) -> HttpResponse:
    """Show all areas, for small screens."""
    return render(request, "web/platform/more.html")


@page()
def you_page(request: PageRequest) -> HttpResponse:
    """Show the user's roles and settings, and the log-out."""
    chosen = number_format.chosen_in(request)
    context = {
        "languages": settings.LANGUAGES,
        "chosen_language": request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""),
        "number_formats": number_format.FORMATS.values(),
        "chosen_number_format": chosen.name if chosen else "",
        "changed": "password" in request.GET,
    }
    return render(request, "web/home/account.html", context)


@page()
def password_page(request: PageRequest) -> HttpResponse:
    """Show the form for a new password."""
    return _password_form(request, None)


def _password_form(request: PageRequest, refusal: Refusal | None) -> HttpResponse:
    hint = _("At least 12 characters. You stay signed in here; elsewhere you must sign in again.")
    fields = [
        Field("present", _("Present password"), FieldKind.PASSWORD, required=True),
        Field("password", _("New password"), FieldKind.PASSWORD, hint, required=True),
    ]
    return render(request, "web/home/password.html", {"form": Form(fields, {}, refusal)})


@posts(again=_password_form)
def change_password(request: PageRequest) -> HttpResponse:
    """Change the user's own password, and keep this session."""
    present, password = request.POST.get("present", ""), request.POST.get("password", "")
    session = request.session.session_key or ""
    change_own_password(user=request.user, present=present, password=password, session=session)
    update_session_auth_hash(request, request.user)
    return redirect(f"{reverse('you')}?password=changed")


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Store the theme for this browser."""
    theme = request.POST.get("theme", "")
    response = _back(request)
    if theme in THEMES:
        response.set_cookie(
            THEME, theme, max_age=THEME_KEPT_SECONDS, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
        )
    return response


@require_POST
def choose_number_format(request: HttpRequest) -> HttpResponse:
    """Store the number format for this browser; without one, follow the languages of the page and the browser."""
    name, response = request.POST.get("numbers", ""), _back(request)
    if name in number_format.FORMATS:
        response.set_cookie(
            number_format.COOKIE,
            name,
            max_age=number_format.KEPT_SECONDS,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    elif not name:
        response.delete_cookie(number_format.COOKIE, samesite="Lax")
    return response


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Store the language for this browser; without one, follow the browser's preference."""
    language, response = request.POST.get("language", ""), _back(request)
    if language in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            samesite="Lax",
            secure=settings.LANGUAGE_COOKIE_SECURE,
        )
    elif not language:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME, samesite="Lax")
    return response


@posts()
def choose_site(request: PageRequest) -> HttpResponse:
    """Switch to another site."""
    code = request.POST.get("site", "")
    if code not in {site.code for site in request.visit.sites}:
        raise InvalidValue("You have no role at this site. Choose another, or ask an administrator.", field="site")
    request.session[SITE] = code
    there = next(site for site in request.visit.sites if site.code == code)
    return redirect(_same_page(request.POST.get("back", ""), Visit(request.user, there, request.visit.sites)))


OF_ALL_SITES: Final = frozenset({"item", "item-structure", "set-up-list", "set-up-new"})
"""The URL names of pages about things that all sites share."""


def _same_page(back: str, visit: Visit) -> str:
    """Return the other site's version of the current page.

    A thing of one site doesn't exist at the other, so its area is opened there, or Home if the user may not see the
    area.
    """
    try:
        found = resolve(urlsplit(back).path)
    except Resolver404:
        return reverse("home")
    verbs = getattr(found.func, "verbs", ())
    common = not found.kwargs or found.url_name in OF_ALL_SITES
    if common and any(map(visit.may, verbs)):
        return urlsplit(back).path
    areas = [area.address for area in AREAS if area.verbs & visit.verbs and area.address]
    within = [address for address in areas if address != reverse("home") and back.startswith(address)]
    return max(within, key=len, default=reverse("home"))


@posts()
def choose_keys(request: PageRequest) -> HttpResponse:
    """Switch single-letter shortcuts on or off for the user, in every browser."""
    use_single_keys(user=request.visit.user, on=request.POST.get("keys") == "on")
    return redirect("you")


def _back(request: HttpRequest) -> HttpResponseRedirect:
    back = request.POST.get("back", "")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(back if safe else reverse("home"))


urlpatterns = [
    path("log-in/", LogIn.as_view(), name="log-in"),
    path("log-in/code/", code_page, name="log-in-code"),
    path("log-out/", LogOut.as_view(), name="log-out"),
    path("more/", more_page, name="more"),
    path("you/", you_page, name="you"),
    path("you/password/", by_method(password_page, change_password), name="change-password"),
    path("you/keys/", choose_keys, name="choose-keys"),
    path("theme/", choose_theme, name="choose-theme"),
    path("language/", choose_language, name="choose-language"),
    path("number-format/", choose_number_format, name="choose-number-format"),
    path("site/", choose_site, name="choose-site"),
]
