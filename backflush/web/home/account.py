"""Log-in and log-out, the user's own page, and settings of the browser: theme, language, site."""

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import Resolver404, path, resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from backflush.core.refusals import InvalidValue, Refusal
from backflush.people.services import change_own_password, use_single_keys
from backflush.stockmap.models import Site
from backflush.web.display import number_format
from backflush.web.forms.fields import Field, FieldKind, Form
from backflush.web.platform.decorators import by_method, page, posts
from backflush.web.platform.navigation import AREAS, THEME, THEMES
from backflush.web.platform.resubmission import KEPT, back_to_form
from backflush.web.platform.visit import SITE, PageRequest, Visit

THEME_KEPT_SECONDS = 365 * 24 * 3600


class LogIn(LoginView):
    """The log-in page: name and password."""

    template_name = "web/home/log_in.html"
    redirect_authenticated_user = True

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page; before there is a plant, the page on which it begins."""
        if not Site.objects.exists():
            return redirect("begin")
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """Carry the values of an interrupted form along with every attempt."""
        return super().get_context_data(**more, kept=self.request.POST.get(KEPT, ""))

    def get_success_url(self) -> str:
        """Return to the interrupted form, else to the requested page."""
        return back_to_form(self.request) or super().get_success_url()


def locked_out(request: HttpRequest, original: HttpResponse | None, credentials: Any = None) -> HttpResponse:
    """Answer after too many wrong attempts; programs get JSON."""
    if original is not None and original.headers.get("Content-Type") == "application/json":
        return original
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
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
    change_own_password(user=request.user, present=present, password=password)
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
    path("log-out/", LogoutView.as_view(), name="log-out"),
    path("more/", more_page, name="more"),
    path("you/", you_page, name="you"),
    path("you/password/", by_method(password_page, change_password), name="change-password"),
    path("you/keys/", choose_keys, name="choose-keys"),
    path("theme/", choose_theme, name="choose-theme"),
    path("language/", choose_language, name="choose-language"),
    path("number-format/", choose_number_format, name="choose-number-format"),
    path("site/", choose_site, name="choose-site"),
]
