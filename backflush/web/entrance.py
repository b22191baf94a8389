"""Log-in, log-out, the person's own page, and the choices kept for the browser: theme, site."""

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from backflush.core.refusals import InvalidValue
from backflush.web.frame import THEME, THEMES
from backflush.web.pages import page, posts
from backflush.web.visits import SITE, PageRequest

THEME_KEPT_SECONDS = 365 * 24 * 3600


class LogIn(LoginView):
    """Name and password, nothing else."""

    template_name = "web/log_in.html"
    redirect_authenticated_user = True


def locked_out(request: HttpRequest, original: HttpResponse | None, credentials: Any = None) -> HttpResponse:
    """After too many wrong tries."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    shown = {"minutes": minutes, "username": request.POST.get("username", ""), "next": request.POST.get("next", "")}
    return render(request, "web/log_in.html", shown, status=HTTPStatus.TOO_MANY_REQUESTS)


@page()
def more_page(request: PageRequest) -> HttpResponse:
    """All areas, for whoever has only the dock."""
    return render(request, "web/more.html")


@page()
def you_page(request: PageRequest) -> HttpResponse:
    """Who one is here, and the way out."""
    return render(request, "web/you.html")


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Keep light or dark for this browser."""
    theme = request.POST.get("theme", "")
    response = _back(request)
    if theme in THEMES:
        response.set_cookie(
            THEME, theme, max_age=THEME_KEPT_SECONDS, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
        )
    return response


@posts()
def choose_site(request: PageRequest) -> HttpResponse:
    """Work at another site from here on."""
    code = request.POST.get("site", "")
    if code not in {site.code for site in request.visit.sites}:
        raise InvalidValue("You have no role at that site.", field="site")
    request.session[SITE] = code
    return redirect("home")


def _back(request: HttpRequest) -> HttpResponseRedirect:
    back = request.POST.get("back", "")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(back if safe else reverse("home"))


urlpatterns = [
    path("log-in/", LogIn.as_view(), name="log-in"),
    path("log-out/", LogoutView.as_view(), name="log-out"),
    path("more/", more_page, name="more"),
    path("you/", you_page, name="you"),
    path("theme/", choose_theme, name="choose-theme"),
    path("site/", choose_site, name="choose-site"),
]
