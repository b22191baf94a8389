"""People: who may sign in, what they are at which site, and what a change of that takes away.

Nobody is deleted, because postings name who made them; who is gone may not sign in any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from axes.utils import reset
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backflush.people.models import Assignment, User
from backflush.people.rights import ROLES, Role, Verb, verbs_of
from backflush.people.services import (
    add_person,
    change_person,
    require_administers,
    require_name_free,
    require_strong,
    set_password,
)
from backflush.stockmap.models import Site
from backflush.web.forms.fields import Field
from backflush.web.forms.values import text_in
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest, Visit
from backflush.web.setup.resource import ListRow, SetupResource


class People(SetupResource, icon="users"):
    slug, title, one = "people", gettext_lazy("People"), gettext_lazy("person")
    why = gettext_lazy("Who may sign in, and what they may do at this site.")
    verb = Verb.PEOPLE
    looks = (Verb.PEOPLE,)
    by = ("username",)
    whole = ("roles", "user")
    columns = (gettext_lazy("Roles here"), gettext_lazy("Elsewhere"), gettext_lazy("Signs in"))

    def things(self, visit: Visit) -> QuerySet[Any]:
        return User.objects.all()

    def rows(self, visit: Visit, things: Sequence[Any]) -> list[ListRow]:
        here: dict[int, list[str]] = {}
        elsewhere: dict[int, list[str]] = {}
        found = Assignment.objects.filter(user__in=things).order_by("site__code", "role")
        for user, site, code, role in found.values_list("user", "site", "site__code", "role"):
            if site == visit.site.pk:
                here.setdefault(user, []).append(role)
            elif code not in elsewhere.setdefault(user, []):
                elsewhere[user].append(code)
        for thing in things:
            thing.held = ", ".join(here.get(thing.pk, []))
            thing.elsewhere = ", ".join(elsewhere.get(thing.pk, []))
        return super().rows(visit, things)

    def name(self, thing: Any) -> str:
        return str(thing.username)

    def about(self, thing: Any) -> str:
        return str(thing.get_full_name())

    def cells(self, thing: Any) -> Sequence[str]:
        enters = thing.is_active and thing.has_usable_password()
        return (thing.held, thing.elsewhere, _("yes") if enters else _("no"))

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        hint = (
            _("Empty: as it is. A new one also ends a wait after too many tries.")
            if thing
            else _("At least twelve characters are hard to guess.")
        )
        name = Field("name", _("Log-in name"), required=True, settled=_("A log-in name stays.") if thing else "")
        active = (
            [Field("active", _("May sign in"), "tick", _("Taken away, nothing of theirs is lost."))] if thing else []
        )
        return [
            name,
            Field("first_name", _("First name")),
            Field("last_name", _("Last name")),
            Field("password", _("Password"), "password", hint),
            *active,
        ]

    def values(self, visit: Visit, thing: Any | None) -> dict[str, str]:
        if thing is None:
            return {}
        facts = {"name": thing.username, "first_name": thing.first_name, "last_name": thing.last_name}
        return {**facts, "active": "on" if thing.is_active else ""}

    def save(self, visit: Visit, thing: Any | None, typed: Any) -> Any:
        names = {name: text_in(typed, name, most=150, empty=True) for name in ("first_name", "last_name")}
        roles = roles_in(visit, typed)
        password = typed.get("password", "")
        if thing is None:
            return _added(visit, text_in(typed, "name", most=150), password, roles, names)
        change_person(user=thing, by=visit.user, active=bool(typed.get("active")), roles=roles, **names)
        if password:
            require_administers(visit.user, thing)
            set_password(user=thing, password=password)
            reset(username=thing.username)
        return thing

    def try_it(self, visit: Visit, thing: Any | None, typed: Any) -> Any:
        """The same but for the password, which takes its time to be kept: whether it is good enough is said at once."""
        names = {name: text_in(typed, name, most=150, empty=True) for name in ("first_name", "last_name")}
        password = typed.get("password", "")
        if thing is None:
            thing = User(username=text_in(typed, "name", most=150), **names)
            require_name_free(thing.username)
        else:
            change_person(
                user=thing, by=visit.user, active=bool(typed.get("active")), roles=roles_in(visit, typed), **names
            )
        if password:
            require_strong(password, user=thing)
        return thing

    def removable(self, thing: Any) -> bool:
        return False


def _added(visit: Visit, name: str, password: str, roles: Mapping[int, list[Role]], names: Mapping[str, str]) -> User:
    """Someone new, with roles at one site or several."""
    first, last = names["first_name"], names["last_name"]
    user = add_person(name=name, password=password, site=visit.site, first_name=first, last_name=last)
    change_person(user=user, by=visit.user, active=True, roles=roles, first_name=first, last_name=last)
    return user


def sites_set_up(visit: Visit) -> list[Site]:
    """The sites at which the person may set up people."""
    held = Assignment.objects.filter(user=visit.user, role=Role.ADMINISTRATOR).values_list("site", flat=True)
    administered = set(held)
    return [site for site in visit.sites if site.pk in administered]


def roles_in(visit: Visit, typed: Any) -> dict[int, list[Role]]:
    """The roles that are ticked, by site."""
    known = set(Role)
    return {
        site.pk: [Role(role) for role in typed.getlist(f"roles-{site.code}") if role in known]
        for site in sites_set_up(visit)
    }


def roles_of_everywhere(user: User | None) -> dict[int, list[Role]]:
    """What somebody is, by site."""
    held: dict[int, list[Role]] = {}
    for site, role in Assignment.objects.filter(user=user).values_list("site", "role") if user else ():
        held.setdefault(site, []).append(Role(role))
    return held


@dataclass(frozen=True, slots=True)
class SiteRoles:
    """The roles at one site as the form shows them: each with whether it is held, and what it may do."""

    site: Site
    roles: Sequence[tuple[str, bool, Sequence[str]]]


def role_sites(visit: Visit, user: User | None, typed: Any) -> list[SiteRoles]:
    """Every site's roles: as they are, or as they were ticked. The site one is at comes first."""
    held = roles_of_everywhere(user) if typed is None else roles_in(visit, typed)
    sites = sorted(sites_set_up(visit), key=lambda site: site.pk != visit.site.pk)
    return [
        SiteRoles(site, [(role.value, role in held.get(site.pk, ()), sorted(ROLES[role])) for role in Role])
        for site in sites
    ]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change of roles comes to at one site."""

    site: Site
    takes: Sequence[str]
    gives: Sequence[str]


@page(Verb.PEOPLE)
def effect_part(request: PageRequest, key: str = "") -> HttpResponse:
    """What the roles that are ticked now would take away, and give, before they are saved.

    Who may not sign in may do nothing, whatever is ticked.
    """
    user = User.objects.filter(username=key).first() if key else None
    before, after = roles_of_everywhere(user), roles_in(request.visit, request.GET)
    enters = user is None or bool(request.GET.get("active"))
    effects = []
    for site in sites_set_up(request.visit):
        had = verbs_of(before.get(site.pk, ()) if user is not None and user.is_active else ())
        has = verbs_of(after[site.pk] if enters else ())
        if had != has:
            effects.append(Effect(site, sorted(had - has), sorted(has - had)))
    return render(request, "web/setup/effect.html", {"effects": effects, "asked": True, "enters": enters})


def rights() -> Mapping[str, Any]:
    """What each role may do, verb by verb."""
    return {
        "roles": [role.value for role in Role],
        "verbs": [(verb.value, [verb in ROLES[role] for role in Role]) for verb in Verb],
    }


urlpatterns = [
    path("set-up/people/effect/", effect_part, name="people-effect"),
    path("set-up/people/effect/<path:key>/", effect_part, name="person-effect"),
]
