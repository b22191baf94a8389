"""The API: tokens, bookings and queries, on both databases."""

import json
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

import pytest
from django.test import Client
from django.utils import timezone

from backflush.backflushing.models import Booking
from backflush.booking_kinds import KINDS
from backflush.people.models import Token, User
from backflush.people.rights import ROLES, Role, Verb
from backflush.people.tokens import end_tokens, make_token
from backflush.stockmap.models import Action, RetryRule, Site, TransferRule
from tests.cast import Plant
from tests.doors.api.programs import Program, booking, production, program, receipt
from tests.doors.console import Console
from tests.doors.web.visitors import person, signed_in, statements

HERE = "/sites/MAIN"
BOOKINGS = f"{HERE}/bookings"
JSON_LINES = "application/x-ndjson"


def told(body: Any) -> tuple[str, str]:
    assert set(body) == {"code", "field", "sentence", "params", "details"}
    assert body["sentence"].endswith(".")
    return body["code"], body["field"]


# Authentication


def test_a_token_is_shown_once_and_kept_as_a_digest(plant: Plant) -> None:
    facts = Console().tells("person", "gateway", "--role", "operator", "--token", "--json")
    _, secret = facts["token"].split(".")
    assert all(secret not in str(value) for value in Token.objects.values_list().get())
    plant.releases(10, "BRACKET")
    assert Program(facts["token"]).posts(BOOKINGS, booking())[0] == HTTPStatus.CREATED
    assert Booking.objects.get().posting.by.username == "gateway"


def test_a_revoked_token_is_refused(plant: Plant) -> None:
    comes_in = program(plant)
    assert comes_in.gets(f"{HERE}/unresolved")[0] == HTTPStatus.OK
    assert "1 tokens were revoked" in Console().says("person", "gateway", "--end-tokens")
    status, body = comes_in.gets(f"{HERE}/unresolved")
    assert (status, told(body)[0]) == (HTTPStatus.UNAUTHORIZED, "not_signed_in")


def test_the_token_of_a_deactivated_user_is_refused(plant: Plant) -> None:
    comes_in = program(plant)
    User.objects.filter(username="gateway").update(is_active=False)
    assert comes_in.gets(f"{HERE}/unresolved")[0] == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize("token", ["", "nonsense", "0123456789ab.wrong", "0123456789ab", "\u00e9.x"])
def test_without_a_valid_token_every_request_is_refused(plant: Plant, token: str) -> None:
    status, body = Program(token).gets(f"{HERE}/unresolved")
    assert (status, told(body)[0]) == (HTTPStatus.UNAUTHORIZED, "not_signed_in")


def test_the_session_of_the_pages_does_not_authenticate_here(plant: Plant) -> None:
    client = signed_in(plant, Role.ADMINISTRATOR)
    response = client.post(f"/api/v1{BOOKINGS}", json.dumps(booking()), content_type="application/json")
    assert response.status_code == HTTPStatus.UNAUTHORIZED


def streams(one: Program, sent: Any) -> int:
    """Return the status or the refusal code of a stream with one line."""
    status, lines = one.posts(f"{BOOKINGS}/bulk", [sent])
    if status != HTTPStatus.OK or lines[0]["outcome"] != "refused":
        return status
    return HTTPStatus.FORBIDDEN if told(lines[0]["refusals"][0])[0] == "not_allowed" else HTTPStatus.CONFLICT


ASKED: Final[dict[str, tuple[Verb, Callable[[Program], int]]]] = {
    "book": (Verb.BOOK, lambda one: one.posts(BOOKINGS, booking())[0]),
    "produce": (Verb.PRODUCE, lambda one: one.posts(BOOKINGS, production())[0]),
    "receive": (Verb.RECEIVE, lambda one: one.posts(BOOKINGS, receipt())[0]),
    "bulk": (Verb.BOOK, lambda one: streams(one, booking())),
    "bulk of productions": (Verb.PRODUCE, lambda one: streams(one, production())),
    "bulk of receipts": (Verb.RECEIVE, lambda one: streams(one, receipt())),
    "preview": (Verb.BOOK, lambda one: one.posts(f"{BOOKINGS}/preview", booking())[0]),
    "preview of a receipt": (Verb.RECEIVE, lambda one: one.posts(f"{BOOKINGS}/preview", receipt())[0]),
    "order": (Verb.SEE_WORK, lambda one: one.gets(f"{HERE}/orders/W-BRACKET")[0]),
    "unresolved": (Verb.SEE_WORK, lambda one: one.gets(f"{HERE}/unresolved")[0]),
}


@pytest.mark.parametrize("role", list(Role))
def test_roles_have_the_same_rights_as_in_the_pages(plant: Plant, role: Role) -> None:
    plant.releases(10, "BRACKET")
    plant.buys(10, "PLATED")
    comes_in = program(plant, role)
    for name, (verb, asks) in ASKED.items():
        allowed = asks(comes_in) in {HTTPStatus.OK, HTTPStatus.CREATED}
        assert allowed == (verb in ROLES[role]), name


def test_rights_are_checked_at_the_site_in_the_address(plant: Plant) -> None:
    Site.objects.create(code="ELSEWHERE")
    status, body = program(plant).posts("/sites/ELSEWHERE/bookings", booking())
    assert (status, told(body)[0]) == (HTTPStatus.NOT_FOUND, "not_found")
    unknown = program(plant).posts("/sites/NOWHERE/bookings", booking())[1]
    assert unknown["sentence"].replace("NOWHERE", "ELSEWHERE") == body["sentence"]
    status, body = program(plant).posts("/sites/NOWHERE/bookings", booking())
    assert (status, told(body)) == (HTTPStatus.NOT_FOUND, ("not_found", "site"))


# Booking


def test_a_booking_returns_its_posting_and_unresolved_movements(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    status, body = program(plant).posts(BOOKINGS, booking(key="K"))
    made = Booking.objects.get()
    assert (status, body["posting"], body["outcome"]) == (HTTPStatus.CREATED, made.posting_id, "booked")
    assert (body["key"], [(one["item"], one["due"]) for one in body["unresolved"]]) == ("K", [("BOLT", "4")])


def test_a_booking_returns_movements_that_fit_now_if_the_action_proposes_them(plant: Plant) -> None:
    TransferRule.objects.filter(site=plant.site, action__name="COMPLETE").update(target=plant.location("LINE"))
    Action.objects.filter(name="BACKFLUSH").update(retry=RetryRule.PROPOSE)
    plant.stocks("GATE", "M", "MADE")
    plant.consists("GATE", plant.line(10, "BRACKET", 2))
    plant.books(1, plant.releases(5, "GATE", number="G-1"))
    plant.releases(10, "BRACKET")
    comes_in = program(plant)
    assert comes_in.posts(BOOKINGS, booking(good="1"))[1]["fits_now"] == []
    assert comes_in.posts(BOOKINGS, booking(good="1"))[1]["fits_now"] == [plant.queue("BRACKET")[0].pk]


def test_the_same_key_posts_once(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    comes_in = program(plant)
    first = comes_in.posts(BOOKINGS, booking(), key="K")
    again = comes_in.posts(BOOKINGS, booking(key="K"))
    assert [first[0], again[0]] == [HTTPStatus.CREATED, HTTPStatus.OK]
    assert (first[1]["posting"], again[1]["outcome"]) == (again[1]["posting"], "repeated")
    status, body = comes_in.posts(BOOKINGS, booking(good="2"), key="K")
    assert (status, told(body)) == (HTTPStatus.CONFLICT, ("key_reused", "key"))
    assert Booking.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        (booking(order="W-NONE"), 422, "not_found", "order"),
        (booking(good="-1"), 422, "invalid_quantity", "good"),
        (booking(good="0"), 422, "invalid_quantity", "good"),
        (booking(good="x"), 422, "invalid_value", "good"),
        (booking(at="2999-01-01"), 422, "date_in_future", "at"),
        (booking(more="1"), 422, "invalid_value", ""),
        (booking(kind="delivery"), 422, "invalid_value", "kind"),
        (booking(kind=1), 422, "invalid_value", "kind"),
        (booking(accepted="1"), 422, "invalid_value", ""),
        (production(order="W-1"), 422, "invalid_value", ""),
        (production(item=""), 422, "invalid_value", "item"),
        ("nonsense", 422, "invalid_value", ""),
        ([], 422, "invalid_value", ""),
        (b"\xff", 422, "invalid_value", ""),
        ({"order": "\0"}, 422, "invalid_value", "order"),
    ],
)
def test_a_refusal_has_a_code_a_field_and_a_sentence(
    plant: Plant, body: Any, status: int, code: str, field: str
) -> None:
    plant.releases(10, "BRACKET")
    answer = program(plant).posts(BOOKINGS, body)
    assert (answer[0], *told(answer[1])) == (status, code, field)
    assert Booking.objects.count() == 0


def test_a_closed_order_is_a_conflict(plant: Plant) -> None:
    plant.orders(10, "BRACKET")
    status, body = program(plant).posts(BOOKINGS, booking())
    assert (status, told(body)) == (HTTPStatus.CONFLICT, ("order_not_open", "order"))


def test_a_body_that_is_too_large_or_of_another_type_is_refused_before_it_is_read(plant: Plant) -> None:
    comes_in = program(plant)
    status, body = comes_in.posts(BOOKINGS, booking(scrap_reason="x" * 70_000))
    assert (status, told(body)[0]) == (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large")
    status, body = comes_in.posts(BOOKINGS, "order=W", kind="application/x-www-form-urlencoded")
    assert (status, told(body)[0]) == (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wrong_type")
    assert comes_in.posts(f"{BOOKINGS}/bulk", [booking()] * 60_000)[0] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert comes_in.posts(BOOKINGS, booking(), key="x" * 151)[0] == HTTPStatus.UNPROCESSABLE_ENTITY


@pytest.mark.parametrize("kind", ["application/json", JSON_LINES])
def test_a_stream_is_answered_line_by_line(plant: Plant, kind: str) -> None:
    plant.releases(10, "BRACKET")
    sent: Any = [booking(), booking(order="W-NONE"), booking(key="own")]
    if kind == JSON_LINES:
        sent = "\n".join(map(json.dumps, sent))
    for words in (["booked", "refused", "booked"], ["repeated", "refused", "repeated"]):
        status, lines = program(plant).posts(f"{BOOKINGS}/bulk", sent, key="shift 7", kind=kind)
        assert (status, [line["line"] for line in lines]) == (HTTPStatus.OK, [1, 2, 3])
        assert [line["outcome"] for line in lines] == words
        assert told(lines[1]["refusals"][0]) == ("not_found", "order")
    assert Booking.objects.count() == 2


def test_a_stream_of_all_kinds_of_bookings_is_answered_line_by_line(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    plant.buys(10, "PLATED")
    sent = [receipt(), booking(), production(), receipt(order="P-NONE"), receipt(rejected="1", line=10)]
    status, lines = program(plant, Role.STORES).posts(f"{BOOKINGS}/bulk", sent, key="gate 7")
    assert (status, [(line["kind"], line["outcome"]) for line in lines]) == (
        HTTPStatus.OK,
        [
            ("receipt", "booked"),
            ("booking", "booked"),
            ("production", "booked"),
            ("receipt", "refused"),
            ("receipt", "booked"),
        ],
    )
    assert (lines[0]["order"], lines[2]["item"], lines[2].get("order")) == ("P-PLATED", "PACK", None)
    assert [(one["item"], one["due"]) for one in lines[4]["unresolved"]] == [("LUG", "8")]
    again = program(plant, Role.STORES).posts(f"{BOOKINGS}/bulk", sent, key="gate 7")[1]
    assert [line["outcome"] for line in again] == ["repeated", "repeated", "repeated", "refused", "repeated"]


def test_only_the_lines_of_a_stream_that_the_user_may_book_are_booked(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    plant.buys(10, "PLATED")
    for role, words in ((Role.OPERATOR, ["booked", "refused"]), (Role.BUYER, ["refused", "booked"])):
        lines = program(plant, role, name=role).posts(f"{BOOKINGS}/bulk", [booking(), receipt()])[1]
        assert [line["outcome"] for line in lines] == words
        assert told(lines[words.index("refused")]["refusals"][0]) == ("not_allowed", "user")


def test_a_single_receipt_is_previewed_and_booked(plant: Plant) -> None:
    plant.buys(10, "PLATED")
    comes_in = program(plant, Role.BUYER)
    seen = comes_in.posts(f"{BOOKINGS}/preview", receipt())[1]
    assert [(line["component"], line["waits"]) for line in seen["lines"]] == [("LUG", "4")]
    status, body = comes_in.posts(BOOKINGS, receipt(), key="K")
    assert (status, body["kind"], body["order"], body["key"]) == (HTTPStatus.CREATED, "receipt", "P-PLATED", "K")
    assert comes_in.posts(BOOKINGS, receipt(line=10), key="K")[1]["outcome"] == "repeated"


def test_a_body_that_is_not_an_array_is_refused(plant: Plant) -> None:
    status, body = program(plant).posts(f"{BOOKINGS}/bulk", {"order": "W"})
    assert (status, told(body)[0]) == (HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_value")


# Queries


def test_a_preview_returns_what_would_be_unresolved_and_posts_nothing(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    plant.has(9, "BOLT")
    status, body = program(plant).posts(f"{BOOKINGS}/preview", booking(good="3"))
    assert (status, body["largest"]) == (HTTPStatus.OK, "2")
    assert [(one["component"], one["assumed"], one["there"], one["reason"]) for one in body["lines"]] == [
        ("BOLT", "12", "9", "short")
    ]
    assert Booking.objects.count() == 0


def test_an_order_shows_its_progress(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    plant.books(3, "BRACKET", 1)
    plant.releases(5, "TRAY", number="A/1 B")
    comes_in = program(plant, Role.VIEWER)
    status, body = comes_in.gets(f"{HERE}/orders/W-BRACKET")
    assert (status, body["status"], body["good"], body["scrap"]) == (HTTPStatus.OK, "open", "3", "1")
    assert comes_in.gets(f"{HERE}/orders/A/1%20B")[1]["item"] == "TRAY"
    status, body = comes_in.gets(f"{HERE}/orders/W-NONE")
    assert (status, told(body)) == (HTTPStatus.NOT_FOUND, ("not_found", "number"))


def test_unresolved_movements_come_in_pages_oldest_first(plant: Plant) -> None:
    plant.releases(1000, "BRACKET")
    for back in range(60):
        plant.books(1, "BRACKET", at=timezone.now() - timedelta(hours=back + 1))
    comes_in = program(plant)
    seen, after = [], ""
    while True:
        status, body = comes_in.gets(f"{HERE}/unresolved", after=after)
        assert status == HTTPStatus.OK
        seen += body["lines"]
        after = body["after"]
        if not after:
            break
    assert [one["movement"] for one in seen] == [movement.pk for movement in plant.queue()]
    assert {(one["item"], one["due"], one["order"]) for one in seen} == {("BOLT", "4", "W-BRACKET")}
    assert comes_in.gets(f"{HERE}/unresolved", item="LUG")[1] == {"lines": [], "after": ""}
    status, body = comes_in.gets(f"{HERE}/unresolved", after="nonsense")
    assert (status, told(body)[0]) == (HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_value")


# The API as a whole


def test_an_unknown_address_or_method_is_refused_in_json(plant: Plant) -> None:
    comes_in = program(plant)
    for address in ("/api/", "/api/v1/", "/api/v1/nothing", "/api/v2/sites"):
        response = comes_in.asks("GET", address)
        assert (response.status_code, told(response.json())[0]) == (HTTPStatus.NOT_FOUND, "not_found")
    response = comes_in.asks("DELETE", f"/api/v1{BOOKINGS}")
    assert (response.status_code, response.headers["Allow"]) == (HTTPStatus.METHOD_NOT_ALLOWED, "POST")
    assert told(response.json())[0] == "not_allowed_method"


@pytest.mark.parametrize("address", ["/api/v1/sites/MAIN/unresolved?item=%00", "/api/v1/nothing/%00", "/api/v1/%0A"])
def test_text_that_a_database_cannot_store_is_refused_in_json(plant: Plant, address: str) -> None:
    response = program(plant).asks("GET", address)
    assert (response.headers["Content-Type"], told(response.json())[0]) == (
        "application/json",
        "not_found" if address.endswith("%0A") else "invalid_value",
    )


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=", "nonsense", ""])
def test_an_invalid_body_is_refused_in_json(plant: Plant, kind: str) -> None:
    status, body = program(plant).posts(BOOKINGS, b"\0\xff--", kind=kind)
    assert (status, told(body)[0]) == (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wrong_type")


def test_a_server_error_is_json_with_a_reference(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backflush.api.endpoints.queue", lambda *_, **__: 1 / 0)
    status, body = program(plant).gets(f"{HERE}/unresolved")
    assert (status, told(body)[0]) == (HTTPStatus.INTERNAL_SERVER_ERROR, "failed")


def test_the_description_is_public(plant: Plant) -> None:
    response = Client(headers={"host": "localhost"}).get("/api/v1/openapi.json")
    described = response.json()
    assert described["openapi"].startswith("3.1")
    assert set(described["paths"]) == {
        "/api/v1/sites/{site}/bookings",
        "/api/v1/sites/{site}/bookings/bulk",
        "/api/v1/sites/{site}/bookings/preview",
        "/api/v1/sites/{site}/orders/{number}",
        "/api/v1/sites/{site}/unresolved",
    }
    posted = described["paths"]["/api/v1/sites/{site}/bookings"]["post"]
    assert posted["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Booking"}
    kinds = described["components"]["schemas"]["Booking"]["oneOf"]
    assert {kind["title"]: set(kind["properties"]) for kind in kinds} == {
        kind.word: {"kind", *kind.inputs.by_name} for kind in KINDS
    }


BUDGET = {
    "book": 21,
    "produce": 19,
    "receive": 22,
    "bulk": 21,
    "bulk of productions": 19,
    "bulk of receipts": 22,
    "preview": 14,
    "preview of a receipt": 20,
    "order": 9,
    "unresolved": 9,
}
"""Authentication takes five of them: site, token, failed attempts, and roles."""


@pytest.mark.parametrize("name", list(ASKED))
def test_statements_stay_within_their_budget(plant: Plant, name: str) -> None:
    plant.releases(1000, "BRACKET")
    plant.buys(1000, "PLATED")
    for _ in range(20):
        plant.books(1, "BRACKET")
    comes_in = program(plant, Role.STORES)
    _, asks = ASKED[name]
    asks(comes_in)
    with statements(BUDGET[name]):
        asks(comes_in)


def test_revoking_tokens_returns_how_many(plant: Plant) -> None:
    user = person(plant, Role.OPERATOR)
    make_token(user=user)
    make_token(user=user)
    assert (end_tokens(user=user), end_tokens(user=user)) == (2, 0)
