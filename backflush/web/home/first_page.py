"""The first page of an empty database, and the ready-made set-ups of a new plant."""

import os
import secrets
from typing import Any, Final
from zoneinfo import available_timezones

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from backflush.beginnings.patterns import PATTERNS
from backflush.beginnings.services import PlantIn, begin_plant, pattern_named, take_over
from backflush.config.env import BEGIN_CODE
from backflush.core.refusals import Refusal
from backflush.delivery.refusals import status_of
from backflush.people.rights import Verb
from backflush.stockmap.models import Site
from backflush.web.forms.fields import Field, FieldKind, Form
from backflush.web.forms.values import text_in
from backflush.web.home.account import begin_session
from backflush.web.platform.decorators import posts
from backflush.web.platform.visit import PageRequest

NAME_LENGTH: Final = 100
CODE_LENGTH: Final = 20
BACKEND: Final = "django.contrib.auth.backends.ModelBackend"


def _holds_code(request: HttpRequest) -> bool:
    """Return whether the visitor has the code that `backflush serve` printed."""
    code = os.environ.get(BEGIN_CODE, "")
    given = request.POST.get("code", request.GET.get("code", ""))
    return bool(code) and secrets.compare_digest(code.encode(), given.encode())


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def begin_page(request: HttpRequest) -> HttpResponse:
    """Create the first site with its administrator, and sign them in; only for who has the code of the server."""
    if Site.objects.exists():
        return redirect("home")
    if not _holds_code(request):
        return render(request, "web/home/begin.html", {"closed": True})
    if request.method != "POST":
        return _form(request, None)
    try:
        plant = PlantIn(
            code=text_in(request.POST, "code_of_site", most=CODE_LENGTH),
            name=text_in(request.POST, "name", most=NAME_LENGTH),
            time_zone=text_in(request.POST, "time_zone"),
            person=text_in(request.POST, "person", most=NAME_LENGTH),
            password=request.POST.get("password", ""),
            first_name=text_in(request.POST, "first_name", most=NAME_LENGTH, empty=True),
            last_name=text_in(request.POST, "last_name", most=NAME_LENGTH, empty=True),
        )
        _site, user = begin_plant(plant)
    except Refusal as refusal:
        return _form(request, refusal)
    login(request, user, backend=BACKEND)
    response = redirect("home")
    begin_session(request, response)
    return response


def _form(request: HttpRequest, refusal: Refusal | None) -> HttpResponse:
    fields = [
        Field("name", _("Name of the plant"), required=True, length_max=NAME_LENGTH, focus=True),
        Field(
            "code_of_site",
            _("Short code of the plant"),
            hint=_("One word, for example KELSO. It can't be changed later."),
            required=True,
            length_max=CODE_LENGTH,
            also=("code",),
        ),
        Field("time_zone", _("Time zone"), required=True, suggestions=sorted(available_timezones())),
        Field("first_name", _("Your first name"), optional=True),
        Field("last_name", _("Your last name"), optional=True),
        Field("person", _("The name you sign in with"), required=True, length_max=NAME_LENGTH),
        Field("password", _("Your password"), FieldKind.PASSWORD, required=True),
    ]
    values = request.POST if request.method == "POST" else {"time_zone": "UTC"}
    shown = {"form": Form(fields, values, refusal), "code": request.POST.get("code", request.GET.get("code", ""))}
    return render(request, "web/home/begin.html", shown, status=status_of(refusal) if refusal else 200)


def _again(request: PageRequest, refusal: Refusal) -> HttpResponse:
    context: dict[str, Any] = {"form": Form(pattern_fields(), request.POST, refusal)}
    return render(request, "web/home/set_up_ready_made.html", context)


def pattern_fields() -> list[Field]:
    """Return the field that chooses a ready-made set-up."""
    choices = [(pattern.name, _(pattern.title), _(pattern.about)) for pattern in PATTERNS.values()]
    return [Field("pattern", _("How do you work?"), FieldKind.RADIO, choices=choices)]


@posts(Verb.STOCK_MAP, again=_again)
def take_pattern(request: PageRequest) -> HttpResponse:
    """Take a ready-made set-up over, and show the first steps again."""
    take_over(request.visit.site, pattern_named(request.POST.get("pattern", "")))
    return redirect("home")


urlpatterns = [
    path("begin/", begin_page, name="begin"),
    path("begin/ready-made/", take_pattern, name="begin-ready-made"),
]
