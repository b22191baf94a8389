"""Hostile values at every form, filter, mark and API field: taken as text or refused, and never a server error.

The forms are those of `test_every_form`, whose fields are read from the pages; the API's fields from its description.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.http import Http404, QueryDict
from django.urls import URLPattern

from backflush.core.refusals import InvalidValue, Refusal
from backflush.delivery.gateway import QUERY_LONGEST
from backflush.people.models import User
from backflush.people.rights import Role
from tests.cast import Plant
from tests.doors.api.programs import program
from tests.doors.hostile_values import HOSTILE
from tests.doors.web.test_every_form import FORMS, SENTENCE, Numbers, busy, controls, shown
from tests.doors.web.test_every_right import arguments, asked, asked_rights, routes
from tests.doors.web.visitors import signed_in

__all__ = ["busy"]

FILTERS = (
    *("q", "item", "after", "before", "open", "status", "since", "until", "on", "person", "what", "process", "sort"),
    *("settled", "days", "count", "booked", "done", "arrived", "place", "store", "kind", "show", "action", "order"),
)


def answered(view: Any, request: Any, given: Mapping[str, Any]) -> None:
    """Call a view; a refusal and a thing that isn't there are answers, and everything else is a server error."""
    with transaction.atomic():
        try:
            response = view(request, **given)
            assert response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
            assert b"<script>alert(1)" not in b"".join(response)
        except (Refusal, Http404, SuspiciousOperation):
            pass
        finally:
            transaction.set_rollback(True)


FIELDS: dict[str, set[str]] = {}
TYPED: tuple[str, ...] = tuple(value for value in HOSTILE if value.isascii() or "\ud800" not in value)
"""What can arrive in a form: a browser's bytes that are no text are replaced before."""


def fields_of(busy: Numbers, name: str) -> set[str]:
    if name not in FIELDS:
        found = controls(shown(busy, name, InvalidValue(SENTENCE)))
        FIELDS[name] = {control.attributes["name"] for control in found}
    return FIELDS[name]


def send(busy: Numbers, name: str, value: str) -> None:
    """Send a form with a value in all its fields, and in each of those alone that it is sent with in any case."""
    pattern = next(pattern for pattern in routes() if pattern.name == name)
    case, user = FORMS[name](busy), User.objects.get(username="ama")
    given = dict(zip(pattern.pattern.converters, case.arguments, strict=True)) | pattern.default_args
    fields = {*fields_of(busy, name), *case.sent, "after", "note", "key"}
    for typed in (dict.fromkeys(fields, value), *({**case.sent, one: value} for one in sorted(case.sent))):
        with asked(user, "POST", typed) as request:
            answered(pattern.callback, request, given)


def look(pattern: URLPattern, value: str) -> None:
    """Open a page with a value in every filter and mark."""
    with asked(User.objects.get(username="ama"), "GET") as request:
        request.GET = QueryDict(mutable=True)
        request.GET.update(dict.fromkeys(FILTERS, value[:QUERY_LONGEST]))
        answered(pattern.callback, request, arguments(pattern))


READ = [pattern for pattern in routes() if "GET" in asked_rights(pattern)]


def test_every_form_takes_or_refuses_some_hostile_values(busy: Numbers) -> None:
    """Three of them each; together the forms meet all."""
    for number, name in enumerate(FORMS):
        for step in range(3):
            send(busy, name, TYPED[(3 * number + step) % len(TYPED)])


def test_every_page_takes_or_refuses_some_hostile_filters(busy: Numbers) -> None:
    for number, pattern in enumerate(READ):
        for step in range(3):
            look(pattern, TYPED[(3 * number + step) % len(TYPED)])


@pytest.mark.soak
@pytest.mark.parametrize("place", range(len(TYPED)))
def test_every_form_and_page_takes_or_refuses_every_hostile_value(busy: Numbers, place: int) -> None:
    for name in FORMS:
        send(busy, name, TYPED[place])
    for pattern in READ:
        look(pattern, TYPED[place])


def test_every_field_of_the_api_takes_or_refuses_a_hostile_value(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    comes_in = program(plant, Role.ADMINISTRATOR)
    described = signed_in(plant).get("/api/v1/openapi.json").json()
    fields = {
        name
        for schema in described["components"]["schemas"].values()
        for name in (*schema.get("properties", ()), *(one for part in schema.get("oneOf", ()) for one in part))
    }
    assert len(fields) > 20
    for value in HOSTILE:
        sent = json.loads(json.dumps(dict.fromkeys(fields, value), ensure_ascii=True))
        for kind in ("booking", "receipt", "production", "move", "count", "issue", "return", "resolve", "reverse"):
            for one in ({**sent, "kind": kind}, {"kind": kind, "order": "W-BRACKET", "good": value, "at": value}):
                status, body = comes_in.posts("/sites/MAIN/bookings", one)
                assert status in {400, 404, 413, 422}, (kind, value[:40], body)
