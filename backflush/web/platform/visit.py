"""The visit: the user, the site, and the user's rights there, read once per request.

Every page wrapped by `page` has `request.visit`. A user without a role at any site has none and is told so.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

from backflush.config.logs import asked
from backflush.core.refusals import NotAllowed, Refusal
from backflush.delivery.visitor import Visitor
from backflush.people.models import User
from backflush.people.security_log import SecurityMatter, note
from backflush.people.selectors import sites_of
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import day_at
from backflush.web.platform.errors import answer_refusal
from backflush.web.platform.resubmission import restore_form_data

SITE: Final = "site"
"""The session key of the chosen site's code."""


@dataclass
class Visit(Visitor):
    """A user at a site for the duration of a request, with the sites that the user can switch to."""

    sites: list[Site]

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.site.time_zone)

    @property
    def today(self) -> date:
        """Today's date at the site."""
        return day_at(self.site, timezone.now())

    def local(self, moment: datetime) -> datetime:
        """Convert a time to the site's time zone."""
        return moment.astimezone(self.zone)


class PageRequest(HttpRequest):
    """A request with the attributes that the middlewares add, for the type checker."""

    user: User
    htmx: HtmxDetails
    visit: Visit


def open_visit(request: HttpRequest) -> Visit:
    """Return the visit at the chosen site, else at the first site where the user has a role."""
    user = request.user
    assert isinstance(user, User), "only pages that need a log-in have a visit"
    sites = list(Site.objects.filter(pk__in=sites_of(user)).order_by("code"))
    if not sites:
        raise NotAllowed("You have no role at any site yet. Ask an administrator for one.", field="user")
    chosen = request.session.get(SITE, "")
    return Visit(user, next((site for site in sites if site.code == chosen), sites[0]), sites)


class VisitMiddleware:
    """Activates the site's time zone, and answers refusals that no view took.

    `page` opens the visit itself, so that a page without log-in needs no database.
    """

    def __init__(self, answer: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with ExitStack() as clocks:
            request.clocks = clocks  # type: ignore[attr-defined]
            return self._answer(request)

    def process_view(self, request: HttpRequest, *_: object) -> None:
        """Show a form again with the values entered before the user had to sign in."""
        restore_form_data(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """Answer a refusal. Any other exception is an internal error."""
        if isinstance(error, NotAllowed) and request.user.is_authenticated:
            note(SecurityMatter.RIGHT, person="", done=False, detail=asked(request))
        return answer_refusal(request, error) if isinstance(error, Refusal) else None


def enter(request: HttpRequest) -> None:
    """Open the visit, and activate the site's time zone."""
    request.visit = open_visit(request)  # type: ignore[attr-defined]
    request.clocks.enter_context(timezone.override(request.visit.zone))  # type: ignore[attr-defined]
