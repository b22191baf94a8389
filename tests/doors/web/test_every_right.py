"""Routes x roles x own and other site: every page asks for its right, and nobody reaches another site's things.

The routes are read from the addresses themselves, so a new page is tried without an entry here; one that asks for no
right must be named in `OPEN`.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final

import pytest
from django.apps import apps
from django.db import transaction
from django.http import Http404
from django.test import RequestFactory
from django.urls import URLPattern, get_resolver
from django_htmx.middleware import HtmxDetails

from backflush.core.refusals import NotAllowed, Refusal
from backflush.people.models import User
from backflush.people.rights import ROLES, Role, Verb
from backflush.people.services import give_role
from backflush.people.sessions import SessionStore
from backflush.people.tokens import make_token
from backflush.stockmap.models import Site
from backflush.stockmap.services import add_site
from tests.cast import Plant
from tests.doors.api.programs import Program
from tests.doors.web.test_every_form import FORMS, Numbers, busy

__all__ = ["busy"]

OPEN: Final = frozenset(
    {
        *("log-in", "log-in-code", "log-out", "company-log-in", "company-log-in-back", "begin"),
        *("health", "ready", "metrics", "choose-theme", "choose-language", "choose-number-format"),
    }
)
"""Addresses before the log-in, and what a browser keeps for itself."""
PROGRAMS: Final = "api/"
ARGUMENTS: Final[Mapping[str, Any]] = {"int": 1, "str": "X", "path": "X", "slug": "units", "number": "X", "uuid": "X"}


def routes() -> Iterator[URLPattern]:
    for included in get_resolver().url_patterns:
        for pattern in getattr(included, "url_patterns", [included]):
            if isinstance(pattern, URLPattern) and not str(included.pattern).startswith(PROGRAMS):
                yield pattern


def asked_rights(pattern: URLPattern) -> dict[str, tuple[Verb, ...]]:
    """Return the rights of an address by method."""
    view: Any = pattern.callback
    found = {"GET": getattr(view, "verbs", None), "POST": getattr(view, "post_verbs", None)}
    return {method: verbs for method, verbs in found.items() if verbs}


GUARDED: Final = {str(pattern.name): pattern for pattern in routes() if asked_rights(pattern)}


def arguments(pattern: URLPattern) -> dict[str, Any]:
    return {
        name: ARGUMENTS.get(type(converter).__name__.removesuffix("Converter").lower(), "X")
        for name, converter in pattern.pattern.converters.items()
    } | pattern.default_args


@contextmanager
def asked(user: User, method: str, data: Mapping[str, Any] | None = None) -> Iterator[Any]:
    request: Any = getattr(RequestFactory(), method.lower())("/", data or {}, headers={"host": "localhost"})
    request.user, request.session, request.htmx = user, SessionStore(), HtmxDetails(request)
    with ExitStack() as clocks:
        request.clocks = clocks
        yield request


def user_with(role: Role, site: Site) -> User:
    user, _ = User.objects.get_or_create(username=f"{role}-{site.code}")
    give_role(user=user, site=site, role=role)
    return user


def test_every_address_asks_for_a_right_or_is_open_on_purpose() -> None:
    unguarded = {str(pattern.name) for pattern in routes() if not asked_rights(pattern)}
    assert {name for name in unguarded if name not in OPEN and not name.startswith("old")} <= {"None", ""}
    assert len(GUARDED) > 150


@pytest.mark.parametrize("role", list(Role))
def test_a_role_without_the_right_is_refused_at_every_address(busy: Numbers, role: Role) -> None:
    user = user_with(role, Site.objects.get(code="MAIN"))
    for pattern in GUARDED.values():
        for method, verbs in asked_rights(pattern).items():
            if not ROLES[role].isdisjoint(verbs):
                continue
            with asked(user, method) as request, pytest.raises(NotAllowed):
                pattern.callback(request, **arguments(pattern))


def test_somebody_without_a_role_is_refused_at_every_address(busy: Numbers) -> None:
    nobody, _ = User.objects.get_or_create(username="nobody")
    for pattern in GUARDED.values():
        for method in asked_rights(pattern):
            with asked(nobody, method) as request, pytest.raises(NotAllowed):
                pattern.callback(request, **arguments(pattern))


def rows_of_main() -> dict[str, Any]:
    """Return every row that belongs to MAIN."""
    site = Site.objects.get(code="MAIN")
    found: dict[str, Any] = {"site": Site.objects.filter(pk=site.pk).values().get()}
    for model in apps.get_models():
        if any(field.name == "site" and field.is_relation for field in model._meta.fields):
            found[model._meta.label] = list(model._base_manager.filter(site=site.pk).order_by("pk").values())
    return found


def test_an_administrator_of_another_site_changes_nothing_here_by_any_form(busy: Numbers) -> None:
    south = Site.objects.filter(code="SOUTH").first() or add_site(code="SOUTH")
    stranger = user_with(Role.ADMINISTRATOR, south)
    before = rows_of_main()
    patterns = {str(pattern.name): pattern for pattern in routes()}
    for name, make in FORMS.items():
        case, pattern = make(busy), patterns[name]
        names = list(pattern.pattern.converters)
        given = dict(zip(names, case.arguments, strict=True)) | pattern.default_args
        with asked(stranger, "POST", case.sent) as request, transaction.atomic():
            with suppress(Refusal, Http404):
                pattern.callback(request, **given)
            changed = [label for label, rows in rows_of_main().items() if rows != before[label]]
            transaction.set_rollback(True)
        assert changed == [], name


def test_an_administrator_of_another_site_sees_nothing_of_this_one(busy: Numbers) -> None:
    """By the addresses of things of one site, with the numbers and codes that they have here."""
    south = Site.objects.filter(code="SOUTH").first() or add_site(code="SOUTH")
    stranger, own = user_with(Role.ADMINISTRATOR, south), User.objects.get(username="ama")
    known: dict[str, list[Any]] = {
        "int": [busy.waiting, busy.posting, 1, 2],
        "str": ["W-BRACKET", "P-PLATED"],
        "path": ["W-BRACKET", "P-PLATED", "MAIN/RACK"],
        "number": ["W-BRACKET", "P-PLATED"],
    }
    seen: set[str] = set()
    for name, pattern in GUARDED.items():
        converters = pattern.pattern.converters
        if len(converters) != 1 or "GET" not in asked_rights(pattern):
            continue
        ((argument, converter),) = converters.items()
        for value in known.get(type(converter).__name__.removesuffix("Converter").lower(), []):
            answers = []
            for user in (own, stranger):
                with asked(user, "GET") as request:
                    try:
                        status = pattern.callback(request, **{argument: value}, **pattern.default_args).status_code
                    except (Refusal, Http404):
                        status = 404
                    answers.append(status)
            if answers[0] == 200 and answers[1] == 200:
                seen.add(name)
    assert seen <= SHARED


SHARED: Final = frozenset({"person-effect", "item", "item-structure", "item-orders", "item-where-used", "item-costs"})
"""Pages about people and items, which all sites share; what they show of stock is the reader's own site's."""


def test_a_token_of_another_site_reaches_no_call_of_the_api(plant: Plant) -> None:
    south = add_site(code="SOUTH")
    program = Program(make_token(user=user_with(Role.ADMINISTRATOR, south)))
    plant.releases(10, "BRACKET")
    description = program.gets("/openapi.json")[1]
    tried = 0
    for path, methods in description["paths"].items():
        address = path.removeprefix("/api/v1").replace("{site}", "MAIN").replace("{number}", "W-BRACKET")
        if "{site}" not in path:
            continue
        for method in methods:
            call = program.gets if method == "get" else lambda address: program.posts(address, [])
            status, _ = call(address)
            assert status in {404, 415, 422}, (method, path)
            tried += 1
    assert tried >= 5
