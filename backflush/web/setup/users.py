"""People: who may sign in, their roles at each site, and what a change of roles takes away.

A person is never deleted, because postings name the people who made them. People who have left may no longer sign in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from backflush.people.models import Assignment, User
from backflush.people.rights import ROLES, Role, Verb, verbs_of
from backflush.people.services import (
    add_person,
    change_person,
    require_administers,
    require_name_free,
    require_signs_in,
    require_strong,
    set_password,
)
from backflush.stockmap.models import Site
from backflush.web.display import translation
from backflush.web.forms.fields import Field, FieldKind
from backflush.web.forms.values import text_in
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest, Visit
from backflush.web.setup.resource import FormData, SetupResource


class UserResource(SetupResource[User], icon="users"):
    """People, who are added and changed by administrators."""

    slug, title, singular = "people", lazy("People"), lazy("person")
    purpose = lazy("People who may sign in, and their roles at this site.")
    verb = Verb.PEOPLE
    viewed_by = (Verb.PEOPLE,)
    ordering = ("username",)
    checked_always = ("roles", "user")
    columns = (lazy("Roles here"), lazy("Other sites"), lazy("May sign in"))

    def records(self, visit: Visit) -> QuerySet[User]:
        """Return everybody, of all sites."""
        return User.objects.all()

    def name(self, record: User) -> str:
        """Return the log-in name."""
        return record.username

    def about(self, record: User) -> str:
        """Return the full name."""
        return record.get_full_name()

    def cells(self, visit: Visit, records: Sequence[User]) -> Mapping[int, Sequence[str]]:
        """Return the roles here, the other sites with a role, and whether the person may sign in."""
        here: dict[int, list[str]] = {}
        elsewhere: dict[int, list[str]] = {}
        found = Assignment.objects.filter(user__in=records).order_by("site__code", "role")
        for user, site, code, role in found.values_list("user", "site", "site__code", "role"):
            if site == visit.site.pk:
                here.setdefault(user, []).append(role)
            elif code not in elsewhere.setdefault(user, []):
                elsewhere[user].append(code)
        return {
            user.pk: (
                ", ".join(here.get(user.pk, [])),
                ", ".join(elsewhere.get(user.pk, [])),
                _("yes") if user.is_active and user.has_usable_password() else _("no"),
            )
            for user in records
        }

    def fields(self, visit: Visit, record: User | None) -> list[Field]:
        """Return log-in name, names, password and, for an existing person, whether they may sign in."""
        hint = (
            _("Leave it empty to keep the password. A new one also ends a lock-out.")
            if record
            else _("At least twelve characters.")
        )
        locked = _("A log-in name can't be changed.") if record else ""
        return [
            Field("name", _("Log-in name"), required=True, locked=locked, length_max=150),
            Field("first_name", _("First name"), length_max=150),
            Field("last_name", _("Last name"), length_max=150),
            Field("password", _("Password"), FieldKind.PASSWORD, hint),
            *([_active_field()] if record else []),
        ]

    def values(self, visit: Visit, record: User | None) -> dict[str, str]:
        """Return what is on record; never a password."""
        if record is None:
            return {}
        names = {"name": record.username, "first_name": record.first_name, "last_name": record.last_name}
        return {**names, "active": "on" if record.is_active else ""}

    def save(self, visit: Visit, record: User | None, form_data: FormData) -> User:
        """Add a person or change one, with roles and password."""
        names = {name: text_in(form_data, name, most=150, empty=True) for name in ("first_name", "last_name")}
        roles = roles_in(visit, form_data)
        password = form_data.get("password", "")
        if record is None:
            return _add(visit, text_in(form_data, "name", most=150), password, roles, names)
        change_person(user=record, by=visit.user, active=bool(form_data.get("active")), roles=roles, **names)
        if password:
            require_administers(visit.user, record)
            require_signs_in(record)
            set_password(user=record, password=password)
        return record

    def save_dry(self, visit: Visit, record: User | None, form_data: FormData) -> object:
        """Check everything, but don't hash the password, which takes long; only check that it is strong enough."""
        names = {name: text_in(form_data, name, most=150, empty=True) for name in ("first_name", "last_name")}
        password = form_data.get("password", "")
        user = record or User(username=text_in(form_data, "name", most=150), **names)
        if record is None:
            require_name_free(user.username)
        else:
            active = bool(form_data.get("active"))
            change_person(user=record, by=visit.user, active=active, roles=roles_in(visit, form_data), **names)
        if password and record is not None:
            require_signs_in(record)
        if password:
            require_strong(password, user=user)
        return user

    def deletable(self, record: User) -> bool:
        """Return False: people are never deleted."""
        return False


def _active_field() -> Field:
    return Field("active", _("May sign in"), FieldKind.CHECKBOX, _("Without it, everything the person did is kept."))


def _add(visit: Visit, name: str, password: str, roles: Mapping[int, list[Role]], names: Mapping[str, str]) -> User:
    """Add a person with roles at one or more sites."""
    first, last = names["first_name"], names["last_name"]
    user = add_person(name=name, password=password, site=visit.site, first_name=first, last_name=last)
    change_person(user=user, by=visit.user, active=True, roles=roles, first_name=first, last_name=last)
    return user


def administered_sites(visit: Visit) -> list[Site]:
    """Return the sites at which the visitor is an administrator, this site first."""
    held = Assignment.objects.filter(user=visit.user, role=Role.ADMINISTRATOR).values_list("site", flat=True)
    administered = set(held)
    sites = [site for site in visit.sites if site.pk in administered]
    return sorted(sites, key=lambda site: site.pk != visit.site.pk)


def roles_in(visit: Visit, form_data: FormData) -> dict[int, list[Role]]:
    """Return the roles that are ticked, by site."""
    known = set(Role)
    return {
        site.pk: [Role(role) for role in _ticked(form_data, f"roles-{site.code}") if role in known]
        for site in administered_sites(visit)
    }


def _ticked(form_data: FormData, name: str) -> list[str]:
    assert isinstance(form_data, QueryDict), "several boxes have one name"
    return form_data.getlist(name)


def roles_everywhere(user: User | None) -> dict[int, list[Role]]:
    """Return a person's roles, by site."""
    held: dict[int, list[Role]] = {}
    for site, role in Assignment.objects.filter(user=user).values_list("site", "role") if user else ():
        held.setdefault(site, []).append(Role(role))
    return held


def role_fields(visit: Visit) -> list[Field]:
    """Return a field with the roles of each site that the visitor administers.

    Refusals about roles name no site; they are shown at the first.
    """
    roles = [
        (role.value, translation.word(role.value).capitalize(), ", ".join(map(translation.word, sorted(ROLES[role]))))
        for role in Role
    ]
    return [
        Field(
            f"roles-{site.code}",
            _("Roles at %(site)s") % {"site": site.name or site.code},
            FieldKind.CHECKBOXES,
            choices=roles,
            also=() if number else ("roles",),
        )
        for number, site in enumerate(administered_sites(visit))
    ]


def role_values(visit: Visit, user: User | None) -> dict[str, list[str]]:
    """Return the roles that a person has now, as the role fields show them."""
    held = roles_everywhere(user)
    return {f"roles-{site.code}": [role.value for role in held.get(site.pk, ())] for site in administered_sites(visit)}


@dataclass(frozen=True, slots=True)
class RightsChange:
    """The rights that a change of roles takes away and gives at one site."""

    site: Site
    takes: Sequence[str]
    gives: Sequence[str]


@page(Verb.PEOPLE)
def effect_part(request: PageRequest, key: str = "") -> HttpResponse:
    """Show which rights the ticked roles would take away and give, before they are saved.

    A person who may not sign in has no rights, whatever is ticked.
    """
    user = User.objects.filter(username=key).first() if key else None
    before, after = roles_everywhere(user), roles_in(request.visit, request.GET)
    may_sign_in = user is None or bool(request.GET.get("active"))
    changes = []
    for site in administered_sites(request.visit):
        had = verbs_of(before.get(site.pk, ()) if user is not None and user.is_active else ())
        has = verbs_of(after[site.pk] if may_sign_in else ())
        if had != has:
            changes.append(RightsChange(site, sorted(had - has), sorted(has - had)))
    return render(request, "web/setup/effect.html", {"changes": changes, "checked": True, "may_sign_in": may_sign_in})


def rights_matrix() -> Mapping[str, Any]:
    """Return which rights each role has."""
    return {
        "roles": [role.value for role in Role],
        "verbs": [(verb.value, [verb in ROLES[role] for role in Role]) for verb in Verb],
    }


urlpatterns = [
    path("set-up/people/effect/", effect_part, name="people-effect"),
    path("set-up/people/effect/<path:key>/", effect_part, name="person-effect"),
]
