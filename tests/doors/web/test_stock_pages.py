"""Stock: movements, balances, explanations, reversals and manual moves."""

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal
from html import unescape
from http import HTTPStatus
from typing import Any

import pytest
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from python_calamine import CalamineWorkbook

from backflush.core.moves import Status
from backflush.delivery import pagination
from backflush.ledger import movement_list
from backflush.ledger.models import Movement, Posting
from backflush.people.rights import Role
from backflush.stockmap.models import Site
from backflush.web.lists import export_jobs, files
from tests.cast import DAY, Plant
from tests.doors.web.visitors import MODEL_BACKEND, browser, person, signed_in, statements, text_of

PAGES = ("stock", "balances", "bin-card")


@pytest.fixture
def morning(plant: Plant) -> Plant:
    """Frames: tubes are in stock, lugs come from the raw store, paint is short."""
    plant.has(100, "TUBE")
    plant.has(100, "LUG", at="RAW")
    plant.moves(20, "LUG", at=DAY)
    plant.books(2, "FRAME", at=DAY + timedelta(days=1))
    return plant


@pytest.fixture
def stores(morning: Plant) -> Client:
    """A user with the role stores."""
    return signed_in(morning, Role.STORES)


def numbers_in(text: str) -> list[int]:
    """Return the movements that a list shows, in order."""
    return [int(number) for number in re.findall(r'href="/stock/movements/(\d+)/"', text)]


def key_of(text: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', text)
    assert found
    return found.group(1)


def movement_of(item: str, **what: Any) -> Movement:
    return Movement.objects.filter(item__code=item, **what).latest("pk")


def content_of(response: Any) -> bytes:
    assert isinstance(response, StreamingHttpResponse)
    assert response.status_code == HTTPStatus.OK
    parts: Any = response.streaming_content
    return b"".join(parts)


# The list


def test_every_movement_is_shown_as_its_pair_newest_first(morning: Plant, stores: Client) -> None:
    text = text_of(stores.get(reverse("stock")))
    newest_first = Movement.objects.order_by("-at", "-pk").values_list("pk", flat=True)
    assert numbers_in(text) == list(newest_first)
    assert "MAIN/LINE" in text
    assert "no balance" in text
    assert "Unresolved" in text


def test_filters_are_shown_as_chips_that_can_be_removed(stores: Client) -> None:
    asked = {"item": "LUG", "location": "MAIN/RAW", "process": "hand movement", "since": "2026-03-01"}
    text = text_of(stores.get(reverse("stock"), asked))
    assert numbers_in(text) == [movement_of("LUG", posting__process="hand movement").pk]
    for chip in ("item <b>LUG</b>", "place <b>MAIN/RAW</b>", "from <b>1 Mar 2026</b>"):
        assert chip in text
    assert 'href="?item=LUG&amp;process=hand+movement&amp;since=2026-03-01"' in text


def test_an_empty_list_says_what_to_do(stores: Client) -> None:
    text = text_of(stores.get(reverse("stock"), {"item": "NOPE"}))
    assert "No movement matches" in text
    assert "Remove all filters" in text


def test_no_day_is_too_early_or_too_late_for_a_filter(stores: Client) -> None:
    asked = {"since": "0001-01-01", "until": "9999-12-31"}
    assert "No movement matches" not in text_of(stores.get(reverse("stock"), asked))


@pytest.mark.parametrize("asked", [{"since": "soon"}, {"status": "lost"}, {"process": "magic"}])
def test_an_unreadable_value_is_refused_at_its_field(stores: Client, asked: dict[str, str]) -> None:
    response = stores.get(reverse("stock"), asked)
    assert f'id="{next(iter(asked))}-error"' in text_of(response, HTTPStatus.UNPROCESSABLE_ENTITY)


def test_a_tampered_page_mark_is_refused(stores: Client) -> None:
    for mark in ("x", "e30", "WzFd", "W251bGwsIG51bGxd"):
        response = stores.get(reverse("stock"), {"after": mark})
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, mark


def test_older_and_newer_lead_through_all_pages_and_back(
    morning: Plant, stores: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pagination.page_of, "__kwdefaults__", {**(pagination.page_of.__kwdefaults__ or {}), "size": 3})
    seen: list[list[int]] = []
    address: str | None = reverse("stock")
    text = ""
    while address:
        text = text_of(stores.get(address))
        seen.append(numbers_in(text))
        older = re.search(r'href="(\?after=[^"]+)" rel="next"', text)
        address = reverse("stock") + older.group(1) if older else None
    assert [number for shown in seen for number in shown] == list(
        Movement.objects.order_by("-at", "-pk").values_list("pk", flat=True)
    )
    newer = re.search(r'href="(\?before=[^"]+)" rel="prev"', text)
    assert newer
    assert numbers_in(text_of(stores.get(reverse("stock") + newer.group(1)))) == seen[-2]


# Files


def test_slow_counts_are_loaded_after_the_page(morning: Plant, stores: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(movement_list, "FEW", pagination.PAGE_SIZE)
    for _ in range(13):
        morning.books(1, "FRAME")
    # One more than the limit stands for more; 14 bookings of four movements each.
    said = "50 of 51"
    asked = {"process": "works order"}
    page = text_of(stores.get(reverse("stock"), asked))
    assert "50 shown," in page
    later = re.search(r'hx-get="([^"]+)"\s+hx-trigger="load"', page)
    assert later
    address = reverse("stock") + unescape(later.group(1))
    part = text_of(stores.get(address, headers={"hx-request": "true", "hx-target": "count"}))
    assert part == said
    assert f"{said}, newest first" in text_of(stores.get(address)), "without a script, by the link"
    assert "All 14, newest first" in text_of(stores.get(reverse("stock"), {**asked, "item": "FRAME"}))


def test_the_csv_equals_the_list(stores: Client) -> None:
    shown = numbers_in(text_of(stores.get(reverse("stock"), {"item": "LUG"})))
    response = stores.get(reverse("stock-export", args=["csv"]), {"item": "LUG"})
    rows = list(csv.DictReader(io.StringIO(content_of(response).decode())))
    assert [int(row["Movement"]) for row in rows] == shown
    moved = next(row for row in rows if row["Process"] == "hand movement")
    assert (moved["From"], moved["To"], moved["Moved"], moved["Left at from"]) == ("MAIN/RAW", "MAIN/LINE", "20", "80")


def test_the_workbook_has_typed_numbers_and_times(stores: Client) -> None:
    response = stores.get(reverse("stock-export", args=["xlsx"]), {"item": "LUG", "process": "hand movement"})
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content_of(response))).get_sheet_by_index(0)
    head, row = sheet.to_python()
    assert head[:3] == ["Movement", "When", "Item"]
    assert row[head.index("Moved")] == 20
    assert f"{row[1]:%Y-%m-%d}" == f"{DAY}"


def test_a_long_list_is_offered_as_a_background_export(stores: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "AT_ONCE", 2)
    lines = content_of(stores.get(reverse("stock-export", args=["csv"]))).decode().splitlines()
    assert len(lines) == 1 + Movement.objects.count()
    monkeypatch.setattr(export_jobs, "AT_ONCE_MOST", 2)
    for kind in ("csv", "xlsx"):
        answer = stores.get(reverse("stock-export", args=[kind]))
        assert answer.status_code == HTTPStatus.FOUND
        assert "more than 2 rows" in text_of(stores.get(answer.headers["Location"]))


def test_balances_too_many_for_a_workbook_are_refused(stores: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "WORKBOOK_MOST", 1)
    text = text_of(stores.get(reverse("balances-export", args=["xlsx"])), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "The list has more than 1 rows, too many for a workbook. Export it as CSV" in text


def test_a_code_that_looks_like_a_formula_stays_a_text(plant: Plant) -> None:
    plant.stocks("=1+1")
    plant.has(3, "=1+1")
    client = signed_in(plant, Role.VIEWER)
    rows = csv.DictReader(io.StringIO(content_of(client.get(reverse("stock-export", args=["csv"]))).decode()))
    assert [row["Item"] for row in rows] == ["'=1+1"]
    book = content_of(client.get(reverse("stock-export", args=["xlsx"])))
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0)
    assert sheet.to_python()[1][2] == "=1+1"


@pytest.mark.parametrize("name", ["stock-export", "balances-export", "bin-card-export"])
@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf"])
def test_each_list_has_its_files_and_no_others(stores: Client, name: str, kind: str) -> None:
    response: Any = stores.get(reverse(name, args=[kind]), {"item": "LUG", "location": "MAIN/RAW"})
    if kind == "pdf":
        assert response.status_code == HTTPStatus.NOT_FOUND
    else:
        assert content_of(response)
        assert response.headers["Content-Disposition"].endswith(f'.{kind}"')


# One movement


def test_an_assumed_quantity_is_explained_step_by_step(morning: Plant, stores: Client) -> None:
    text = text_of(stores.get(reverse("movement", args=[movement_of("TUBE", cost_object__isnull=False).pk])))
    assert "from MAIN/LINE to MAIN/WIP" in text
    assert "2 EA of FRAME were booked on W-FRAME. By its structure, one FRAME takes 3.2 M of TUBE" in text
    assert "Assumed now" in text
    assert "Type code MADE → action BACKFLUSH → rule from MAIN/LINE to MAIN/WIP." in text
    assert "4 movements of posting" in text


def test_an_entered_quantity_is_explained_as_such(stores: Client) -> None:
    text = text_of(stores.get(reverse("movement", args=[movement_of("LUG", cost_object__isnull=True).pk])))
    assert "were entered for its hand movement." in text


def test_a_movement_and_its_settlement_link_to_each_other(morning: Plant) -> None:
    client = signed_in(morning, Role.SUPERVISOR)
    waiting = morning.queue("PAINT")[0]
    assert "It is unresolved." in text_of(client.get(reverse("movement", args=[waiting.pk])))
    settlement = morning.cancels(waiting.pk, remarks="spilled")
    text = text_of(client.get(reverse("movement", args=[waiting.pk])))
    assert "Cancelled by" in text
    assert "spilled" in text
    assert reverse("reversal", args=[settlement.posting_id]) in text
    morning.reverses(settlement)
    assert "Undone by" in text_of(client.get(reverse("movement", args=[waiting.pk])))


def test_a_kept_remainder_and_the_settled_part_link_to_each_other(morning: Plant, stores: Client) -> None:
    morning.has(100, "PAINT", at="RAW")
    waiting = morning.queue("PAINT")[0]
    settlement = morning.resolves("PAINT", "0.1", source="MAIN/RAW", remainder="keep")
    assert settlement.kept is not None
    moved = Movement.objects.get(resolves=waiting)
    text = text_of(stores.get(reverse("movement", args=[waiting.pk])))
    assert {moved.pk, settlement.kept.pk} <= set(numbers_in(text))
    for number in (moved.pk, settlement.kept.pk):
        assert waiting.pk in numbers_in(text_of(stores.get(reverse("movement", args=[number]))))


def test_movement_costs_need_the_right_to_see_costs(morning: Plant, stores: Client) -> None:
    address = reverse("movement", args=[movement_of("TUBE").pk])
    assert "Standard cost" not in text_of(stores.get(address))
    assert "Standard cost" in text_of(signed_in(morning, Role.AUDITOR, name="ann").get(address))


def test_an_unknown_movement_is_not_found(stores: Client) -> None:
    assert "There is no movement 999999." in text_of(
        stores.get(reverse("movement", args=[999999])), HTTPStatus.NOT_FOUND
    )


# Reversals


def test_a_supervisor_previews_a_reversal_and_reverses_once(morning: Plant) -> None:
    client = signed_in(morning, Role.SUPERVISOR)
    booked = movement_of("FRAME").posting
    page = text_of(client.get(reverse("reversal", args=[booked.pk])))
    assert "3 movements go back to where they came from. 1 unresolved movement is cancelled." in page
    typed = {"key": key_of(page)}
    response = client.post(reverse("take-back", args=[booked.pk]), typed)
    again = client.post(reverse("take-back", args=[booked.pk]), typed)
    assert response.status_code == again.status_code == HTTPStatus.FOUND
    assert Posting.objects.filter(reverses=booked).count() == 1
    text = text_of(client.get(response.headers["Location"]))
    assert "Reversed by Rosa Marsh" in text
    refused = client.post(reverse("take-back", args=[booked.pk]), {"key": "another"})
    assert "This was reversed on" in text_of(refused, HTTPStatus.CONFLICT)


def test_a_reversal_is_previewed_with_source_and_target_swapped(morning: Plant) -> None:
    page = text_of(signed_in(morning, Role.SUPERVISOR).get(reverse("reversal", args=[movement_of("FRAME").posting_id])))
    back, waits = page.split("Movements to cancel</h2>")
    assert "MAIN/FG to MAIN/WIP" in ends_in(back.split("Movements to reverse</h2>")[1])
    assert ends_in(waits) == ["MAIN/LINE to MAIN/WIP"]


def ends_in(text: str) -> list[str]:
    """Return source and target of each row."""
    places = re.findall(r"<span>(MAIN/[A-Z]+)", text)
    return [f"{source} to {target}" for source, target in zip(places[::2], places[1::2], strict=True)]


def test_a_reversal_without_the_goods_is_refused_and_has_no_button(morning: Plant) -> None:
    client = signed_in(morning, Role.SUPERVISOR)
    booked = movement_of("FRAME").posting
    morning.moves(2, "FRAME", "FG", "ADJUST", action="ADJUST")
    page = text_of(client.get(reverse("reversal", args=[booked.pk])))
    assert "FRAME: only 0 EA are at MAIN/FG, and 2 are needed." in page
    assert 'name="key"' not in page
    refused = client.post(reverse("take-back", args=[booked.pk]), {"key": "k"})
    assert "FRAME: only 0 EA are at MAIN/FG" in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)


def test_a_time_before_the_posting_is_refused_at_its_field(morning: Plant) -> None:
    client = signed_in(morning, Role.SUPERVISOR)
    booked = movement_of("FRAME").posting
    response = client.post(reverse("take-back", args=[booked.pk]), {"key": "k", "at": "2026-01-01T10:00"})
    text = text_of(response, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="at-error"' in text
    assert 'value="2026-01-01T10:00"' in text


def test_users_who_may_not_reverse_see_who_may(morning: Plant, stores: Client) -> None:
    booked = movement_of("FRAME").posting
    assert "Supervisors may reverse this" in text_of(stores.get(reverse("reversal", args=[booked.pk])))
    refused = stores.post(reverse("take-back", args=[booked.pk]), {"key": "k"})
    assert "You need the right to reverse anything" in text_of(refused, HTTPStatus.FORBIDDEN)
    assert not Posting.objects.filter(reverses=booked).exists()


# Balances and the bin card


def test_balances_show_the_present_stock(morning: Plant, stores: Client) -> None:
    text = text_of(stores.get(reverse("balances"), {"location": "MAIN/RAW"}))
    assert "LUG" in text
    assert "80" in text
    assert "TUBE" not in text


def test_balances_at_a_date_mark_negative_past_stock(plant: Plant) -> None:
    plant.has(5, "BOLT", at="RAW")
    plant.moves(5, "BOLT", "RAW", "LINE", at=DAY)
    plant.moves(5, "BOLT", "LINE", "RAW", at=DAY + timedelta(days=2))
    plant.moves(5, "BOLT", "RAW", "LINE", at=DAY + timedelta(days=1))
    client = signed_in(plant, Role.VIEWER)
    asked = {"on": f"{DAY + timedelta(days=1)}"}
    text = text_of(client.get(reverse("balances"), asked))
    assert "Balances at the end of Tuesday 3 March 2026" in text
    assert "recorded late" in text
    assert "\N{MINUS SIGN}5" in text
    rows = csv.DictReader(io.StringIO(content_of(client.get(reverse("balances-export", args=["csv"]), asked)).decode()))
    assert [(row["Place"], row["There"]) for row in rows] == [("MAIN/LINE", "10"), ("MAIN/RAW", "-5")]


def test_a_future_day_is_refused_at_its_field(stores: Client) -> None:
    text = text_of(stores.get(reverse("balances"), {"on": "2999-01-01"}), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "1 Jan 2999 is in the future." in text


def test_the_bin_card_reaches_back_to_its_first_movement(morning: Plant, stores: Client) -> None:
    text = text_of(stores.get(reverse("bin-card"), {"item": "LUG", "location": "MAIN/RAW"}))
    assert "in stock now:" in text
    assert len(numbers_in(text)) == 2
    assert "to MAIN/LINE" in text


@pytest.mark.parametrize(
    ("item", "location", "field"),
    [("NOPE", "MAIN/RAW", "item"), ("LUG", "NOPE", "location"), ("LUG", "MAIN/WIP", "location")],
)
def test_a_bin_card_without_item_and_location_is_refused_at_its_field(
    stores: Client, item: str, location: str, field: str
) -> None:
    response = stores.get(reverse("bin-card"), {"item": item, "location": location})
    assert f'id="{field}-error"' in text_of(response, HTTPStatus.UNPROCESSABLE_ENTITY)


# Manual moves


def way(plant: Plant, target: str, action: str = "REPLENISH") -> str:
    rules = plant.site.rules.filter(action__name=action, target__path=plant.path(target), active=True)
    return str(rules.get(source__path="MAIN/RAW").pk)


def test_a_manual_move_posts_once_keeps_the_places_and_can_be_undone(morning: Plant, stores: Client) -> None:
    page = text_of(stores.get(reverse("move"), {"source": "MAIN/RAW", "item": "LUG"}))
    typed = {"source": "MAIN/RAW", "item": "LUG", "quantity": "30", "rule": way(morning, "LINE"), "key": key_of(page)}
    response = stores.post(reverse("move-post"), typed)
    assert stores.post(reverse("move-post"), typed).headers["Location"] == response.headers["Location"]
    assert morning.balance("LUG", at="RAW") == 50
    text = text_of(stores.get(response.headers["Location"]))
    assert "Moved 30 EA LUG from MAIN/RAW to MAIN/LINE at" in text
    assert 'value="MAIN/RAW"' in text
    assert 'value="LUG"' not in text
    posting = Posting.objects.filter(process="hand movement").latest("pk")
    undone = stores.post(reverse("move-undo"), {"posting": posting.pk, "key": "undo", "source": "MAIN/RAW"})
    assert "are back at MAIN/RAW" in text_of(stores.get(undone.headers["Location"]))
    assert morning.balance("LUG", at="RAW") == 80


def test_a_sentence_previews_the_move(morning: Plant, stores: Client) -> None:
    asked = {"source": "MAIN/RAW", "item": "LUG", "quantity": "30", "rule": way(morning, "LINE")}
    text = text_of(stores.get(reverse("move-preview"), asked))
    assert "will move from MAIN/RAW to MAIN/LINE, by REPLENISH." in text
    assert re.search(r"50.{0,40}EA.{0,20}will be left", text)
    short = text_of(stores.get(reverse("move-preview"), {**asked, "quantity": "81"}))
    assert "only 80 EA are at MAIN/RAW, and 81 are needed." in short
    assert morning.balance("LUG", at="RAW") == 80


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"quantity": "81"}, "quantity"),
        ({"quantity": "1.5"}, "quantity"),
        ({"quantity": ""}, "quantity"),
        ({"quantity": "1", "rule": ""}, "rule"),
        ({"item": "NOPE"}, "item"),
        ({"source": "MAIN/NOPE"}, "source"),
        ({"source": "MAIN/BOUGHT"}, "source"),
    ],
)
def test_an_impossible_move_is_refused_at_its_field(
    morning: Plant, stores: Client, typed: dict[str, str], field: str
) -> None:
    whole = {"source": "MAIN/RAW", "item": "LUG", "quantity": "1", "rule": way(morning, "LINE"), "key": "k", **typed}
    text = text_of(stores.post(reverse("move-post"), whole), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert f'id="{field}-error"' in text
    assert f'value="{whole["item"]}"' in text
    assert morning.balance("LUG", at="RAW") == 80


def test_serial_numbers_are_ticked_and_batches_chosen(plant: Plant) -> None:
    plant.has(3, "MOTOR", at="RAW", serials=("S1", "S2", "S3"))
    plant.has(3, "RESIN", at="RAW", batch="B1")
    client = signed_in(plant, Role.STORES)
    stock_keys = {
        stock_key.serial or stock_key.batch: str(stock_key.pk) for stock_key in plant.location("RAW").balances.all()
    }
    typed: dict[str, Any] = {"source": "MAIN/RAW", "rule": way(plant, "LINE")}
    motors = {**typed, "item": "MOTOR", "key": "1", "stock_key": [stock_keys["S1"], stock_keys["S3"]]}
    assert client.post(reverse("move-post"), motors).status_code == HTTPStatus.FOUND
    assert plant.balance("MOTOR", at="LINE") == 2
    without = client.post(reverse("move-post"), {**typed, "item": "RESIN", "quantity": "1", "key": "2"})
    assert 'id="stock_key-error"' in text_of(without, HTTPStatus.UNPROCESSABLE_ENTITY)
    resin = {**typed, "item": "RESIN", "quantity": "0.5", "key": "3", "stock_key": stock_keys["B1"]}
    assert client.post(reverse("move-post"), resin).status_code == HTTPStatus.FOUND
    assert plant.balance("RESIN", at="LINE") == Decimal("0.5")


def test_a_bin_is_asked_for_where_there_are_bins(morning: Plant, stores: Client) -> None:
    typed = {"source": "MAIN/RAW", "item": "LUG", "quantity": "5", "rule": way(morning, "RACK", "RACK UP"), "key": "1"}
    refused = stores.post(reverse("move-post"), typed)
    assert 'id="to_bin-error"' in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert stores.post(reverse("move-post"), {**typed, "to_bin": "R1"}).status_code == HTTPStatus.FOUND
    assert morning.balance("LUG", at="RACK") == 5


def test_moving_needs_its_right(morning: Plant) -> None:
    operator = signed_in(morning, Role.OPERATOR)
    assert operator.get(reverse("move")).status_code == HTTPStatus.FORBIDDEN
    assert operator.post(reverse("move-post"), {}).status_code == HTTPStatus.FORBIDDEN
    assert reverse("move") not in text_of(operator.get(reverse("stock")))


def test_a_movement_of_another_user_cannot_be_reversed_by_its_number(morning: Plant, stores: Client) -> None:
    moved = movement_of("LUG", posting__process="hand movement").posting
    assert stores.post(reverse("move-undo"), {"posting": moved.pk}).status_code == HTTPStatus.FORBIDDEN
    assert not Posting.objects.filter(reverses=moved).exists()


# All pages


@pytest.mark.parametrize("name", ["move-post", "move-undo", "take-back"])
def test_nothing_is_posted_without_the_csrf_token(morning: Plant, name: str) -> None:
    client = browser(enforce_csrf_checks=True)
    client.force_login(person(morning, Role.SUPERVISOR), backend=MODEL_BACKEND)
    address = reverse(name, args=[movement_of("FRAME").posting_id] if name == "take-back" else [])
    response = client.post(address, {"source": "MAIN/RAW", "item": "LUG", "quantity": "1"})
    assert "Nothing was posted." in text_of(response, HTTPStatus.FORBIDDEN)
    assert not Movement.objects.filter(reverses__isnull=False).exists()


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", PAGES)
def test_every_role_may_see_stock(plant: Plant, role: Role, name: str) -> None:
    assert signed_in(plant, role).get(reverse(name)).status_code == HTTPStatus.OK


BUDGETS = {
    "stock": (14, {}),
    "balances": (10, {}),
    "balances as at": (17, {"on": "2026-03-03"}),
    "bin-card": (17, {"item": "LUG", "location": "MAIN/RAW"}),
}


@pytest.mark.parametrize("name", BUDGETS)
def test_many_rows_cost_no_more_statements_than_few(morning: Plant, stores: Client, name: str) -> None:
    most, asked = BUDGETS[name]
    for more in range(2):
        with statements(most):
            assert stores.get(reverse(name.split()[0]), asked).status_code == HTTPStatus.OK
        for number in range(12 * (1 - more)):
            morning.moves(1, "LUG", at=DAY + timedelta(days=2))
            morning.stocks(f"PART-{number}")
            morning.has(1, f"PART-{number}", at="RAW")


def test_a_movement_of_a_large_posting_costs_no_more_statements(plant: Plant) -> None:
    client = signed_in(plant, Role.SUPERVISOR)
    for good in (1, 12):
        plant.has(100, "MOTOR", at="LINE", serials=[f"{good}-{n}" for n in range(good)])
        plant.books(good, "CABINET")
        waiting = Movement.objects.filter(item__code="MOTOR", status=Status.UNRESOLVED).latest("pk")
        settled = plant.resolves(waiting.pk, serials=[f"{good}-{n}" for n in range(good)])
        with statements(34):
            assert client.get(reverse("movement", args=[waiting.pk])).status_code == HTTPStatus.OK
        with statements(26):
            assert client.get(reverse("reversal", args=[waiting.posting_id])).status_code == HTTPStatus.OK
        with statements(22):
            assert client.get(reverse("reversal", args=[settled.posting_id])).status_code == HTTPStatus.OK


# Archived movements


@pytest.mark.parametrize("name", ["stock", "balances", "bin-card"])
def test_a_stock_list_says_that_older_movements_are_archived(morning: Plant, stores: Client, name: str) -> None:
    assert "are in archives" not in text_of(stores.get(reverse(name)))
    Site.objects.filter(pk=morning.site.pk).update(archived_through=DAY)
    assert f"up to {DAY.day} {DAY:%b %Y} are in archives" in text_of(stores.get(reverse(name)))


def test_a_waiting_movement_begins_with_resolving_it(plant: Plant) -> None:
    plant.books(1, "BRACKET")
    waiting = plant.queue("BOLT")[0]
    text = text_of(signed_in(plant, Role.STORES).get(reverse("movement", args=[waiting.pk])))
    assert text.index("Resolve…") < text.index("Why this quantity?")
    assert f"{reverse('unresolved')}?open={waiting.pk}" in text
