"""Who is here, at which site, and what they may do: known once for each request.

Every page that `page` wraps has `request.visit`. A person without a role at any site has none, and is told so.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

from backflush.core.refusals import NotAllowed, Refusal
from backflush.people.models import User
from backflush.people.rights import Role, Verb, verbs_of
from backflush.people.selectors import not_allowed, roles_of, sites_of
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import day_at
from backflush.web.platform.errors import answer_refusal
from backflush.web.platform.resubmission import type_again

SITE: Final = "site"
"""In the session: the code of the site that the person has chosen."""


@dataclass
class Visit:
    """One person at one site, for the length of a request."""

    user: User
    site: Site
    sites: list[Site]

    @cached_property
    def roles(self) -> list[Role]:
        """What the person is here."""
        return roles_of(self.user, self.site)

    @cached_property
    def verbs(self) -> frozenset[Verb]:
        """What the person may do here."""
        return verbs_of(self.roles)

    def may(self, verb: Verb) -> bool:
        """Whether the person may do something here."""
        return verb in self.verbs

    def require(self, *verbs: Verb) -> None:
        """Refuse what takes a right that the person hasn't; one of several is enough."""
        if not any(verb in self.verbs for verb in verbs):
            raise not_allowed(verbs[0])

    @property
    def zone(self) -> ZoneInfo:
        """The site's clocks."""
        return ZoneInfo(self.site.time_zone)

    @property
    def today(self) -> date:
        """The site's day."""
        return day_at(self.site, timezone.now())

    def local(self, moment: datetime) -> datetime:
        """A moment as the site's clocks show it."""
        return moment.astimezone(self.zone)


class PageRequest(HttpRequest):
    """A request as our pages get it. For the type checker: the middlewares give every request these."""

    user: User
    htmx: HtmxDetails
    visit: Visit


def open_visit(request: HttpRequest) -> Visit:
    """Who is here and where: the site chosen, else the first at which the person has a role."""
    user = request.user
    assert isinstance(user, User), "only pages behind the log-in have a visit"
    sites = list(Site.objects.filter(pk__in=sites_of(user)).order_by("code"))
    if not sites:
        raise NotAllowed("You have no role at any site yet. Ask an administrator for one.", field="user")
    chosen = request.session.get(SITE, "")
    return Visit(user, next((site for site in sites if site.code == chosen), sites[0]), sites)


class VisitMiddleware:
    """Shows times by the site's clocks, and turns a refusal that nobody else took into its page.

    The visit itself is opened by `page`, so that a page without log-in asks nothing of the database.
    """

    def __init__(self, answer: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with ExitStack() as clocks:
            request.clocks = clocks  # type: ignore[attr-defined]
            return self._answer(request)

    def process_view(self, request: HttpRequest, *_: object) -> None:
        """Show a form again with what was typed before its person had to sign in."""
        type_again(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """Answer a refusal; what is no refusal is a fault of ours."""
        return answer_refusal(request, error) if isinstance(error, Refusal) else None


def enter(request: HttpRequest) -> None:
    """Open the visit, and show times by the site's clocks from here on."""
    request.visit = open_visit(request)  # type: ignore[attr-defined]
    request.clocks.enter_context(timezone.override(request.visit.zone))  # type: ignore[attr-defined]
