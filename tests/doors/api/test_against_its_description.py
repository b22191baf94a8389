"""Random requests, valid by the API's own description and invalid: it never fails, and responds as described."""

import json
import string
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from backflush.config.wsgi import application
from backflush.people.rights import Role
from backflush.people.tokens import make_token
from tests.cast import Plant
from tests.doors.api.programs import program
from tests.doors.web.visitors import person
from tests.oracle import faults

Asked = APIOperation[Any, Any, Any, Any]
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
OPERATIONS: Final = (
    "POST /api/v1/sites/{site}/bookings",
    "POST /api/v1/sites/{site}/bookings/bulk",
    "POST /api/v1/sites/{site}/bookings/preview",
    "GET /api/v1/sites/{site}/orders/{number}",
    "GET /api/v1/sites/{site}/unresolved",
)
GOOD: Final[dict[str, Any]] = {
    OPERATIONS[0]: {"body": {"order": "W-BRACKET", "good": "1"}, "media_type": "application/json"},
    OPERATIONS[1]: {"body": [{"order": "W-BRACKET", "good": "1"}], "media_type": "application/json"},
    OPERATIONS[2]: {"body": {"order": "W-BRACKET", "good": "1"}, "media_type": "application/json"},
}
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
HELD_BACK: Final = list(HealthCheck)
QUICK: Final = settings(
    max_examples=50, deadline=None, derandomize=True, database=None, suppress_health_check=HELD_BACK
)
SOAK: Final = settings(max_examples=2_000, deadline=None, suppress_health_check=HELD_BACK)
ON_SQLITE: Final = pytest.mark.parametrize("plant", ["sqlite"], indirect=True)
"""Requests and responses don't depend on the engine; the other tests of the API run on both."""


@contextmanager
def one_connection() -> Iterator[None]:
    """Keep the connection open inside the block, because the test will roll back its transaction."""
    ends = (request_started, request_finished)
    for end in ends:
        end.disconnect(close_old_connections)
    yield
    for end in ends:
        end.connect(close_old_connections)


@cache
def operations() -> dict[str, Asked]:
    """Return the operations by method and address."""
    with one_connection():
        described = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    return {one.ok().label: one.ok() for one in described.get_all_operations() if isinstance(one, Ok)}


@st.composite
def cases(draw: st.DrawFn, operation: Asked) -> Case[Asked]:
    """Draw valid and invalid requests; some name existing records, so that something is posted."""
    mode = draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
    case = draw(operation.as_strategy(generation_mode=mode))
    assert isinstance(case, Case)
    if draw(st.integers(0, 4)):
        case.path_parameters["site"] = "MAIN"
    if "number" in case.path_parameters and draw(st.booleans()):
        case.path_parameters["number"] = "W-BRACKET"
    for one in case.body if isinstance(case.body, list) else [case.body]:
        if isinstance(one, dict) and draw(st.integers(0, 3)):
            _aim(draw, one)
    return case


def _aim(draw: st.DrawFn, booking: dict[str, Any]) -> None:
    """Fill in an existing order or item, and a plausible quantity."""
    names = {"receipt": ("order", "P-PLATED"), "production": ("item", "PACK")}
    name, there = names.get(str(booking.get("kind")), ("order", "W-BRACKET"))
    booking[name] = there
    for field in ("at", "batch", "serials", "bin", "line", "scrap_reason"):
        if draw(st.integers(0, 3)):
            booking.pop(field, None)
    for field in ("good", "scrap", "accepted", "rejected"):
        if field in booking and draw(st.booleans()):
            booking[field] = str(draw(st.integers(0, 5)))


def ask(plant: Plant, label: str, how: settings) -> set[int]:
    """Send many variants of a request, and return the statuses received."""
    plant.releases(1_000, "BRACKET")
    plant.buys(1_000, "PLATED")
    plant.books(1, "BRACKET")
    token = make_token(user=person(plant, Role.ADMINISTRATOR))
    met: set[int] = set()

    def answers(case: Case[Asked]) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        with transaction.atomic():
            response = case.call(headers=headers)
            met.add(response.status_code)
            case.validate_response(response, checks=CHECKS)
            require_as_it_says(response)
            if response.status_code < HTTPStatus.BAD_REQUEST:
                assert faults(plant.site) == []
            transaction.set_rollback(True)

    @how
    @given(cases(operations()[label]))
    def asked(case: Case[Asked]) -> None:
        answers(case)

    with one_connection():
        # One valid request in any case, because fifty drawn ones may all be refused.
        answers(
            operations()[label].Case(path_parameters={"site": "MAIN", "number": "W-BRACKET"}, **GOOD.get(label, {}))
        )
        asked()
    return met


def require_as_it_says(response: Any) -> None:
    """Require that a refusal, and every line of a stream, has the described form."""
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        require_refusal(response.json())
    elif response.headers["content-type"][0].startswith("application/x-ndjson"):
        for line in response.content.decode().splitlines():
            said = json.loads(line)
            assert said["outcome"] in {"booked", "repeated", "refused"}
            for refusal in said.get("refusals", []):
                require_refusal(refusal)


def require_refusal(said: dict[str, Any]) -> None:
    assert set(said) == {"code", "field", "sentence", "params", "details"}
    assert said["sentence"].endswith(".")


@ON_SQLITE
@pytest.mark.parametrize("label", OPERATIONS)
def test_every_response_matches_the_description(plant: Plant, label: str) -> None:
    met = ask(plant, label, QUICK)
    assert met & {HTTPStatus.OK, HTTPStatus.CREATED}
    assert met - {HTTPStatus.OK, HTTPStatus.CREATED}


@pytest.mark.soak
@pytest.mark.parametrize("label", OPERATIONS)
def test_every_response_matches_the_description_in_a_long_run(plant: Plant, label: str) -> None:
    ask(plant, label, SOAK)


@ON_SQLITE
@pytest.mark.parametrize("label", OPERATIONS)
def test_every_unsupported_method_is_refused_as_json(plant: Plant, label: str) -> None:
    has, address = label.split(" ")
    asks = program(plant).asks
    for method in METHODS:
        if method != has:
            response = asks(method, address.replace("{site}", "MAIN").replace("{number}", "W-BRACKET"))
            assert (response.status_code, response.headers["Allow"]) == (HTTPStatus.METHOD_NOT_ALLOWED, has)
            assert response.headers["Content-Type"] == "application/json"
            assert response.json()["code"] == "not_allowed_method"


@ON_SQLITE
def test_every_unknown_address_is_refused_as_json(plant: Plant) -> None:
    asks = program(plant).asks

    @QUICK
    @given(rest=st.text(string.printable + "äß€", max_size=20), method=st.sampled_from(METHODS))
    def asked(rest: str, method: str) -> None:
        response = asks(method, f"/api/v1/nothing/{quote(rest, safe='/')}")
        assert (response.status_code, response.headers["Content-Type"]) == (HTTPStatus.NOT_FOUND, "application/json")
        require_refusal(response.json())

    asked()
