"""A long queue: groups, filters, counts and export."""

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backflush.core.moves import Tracking
from backflush.ledger import movement_list as all_movements
from backflush.ledger.models import Movement
from backflush.people.rights import Role
from backflush.unresolved import queue
from backflush.unresolved.queue import GroupBy, QueueFilter, QueueTab, WaitingList, groups_of
from backflush.web.unresolved import queue as queue_page
from tests.cast import DAY, Plant
from tests.doors.web.test_booking_page import key_of
from tests.doors.web.test_unresolved_page import choice_at, opened
from tests.doors.web.visitors import signed_in, statements, text_of


@pytest.fixture
def mixed(plant: Plant) -> Plant:
    """Bolts that are short at the line, lugs that fit by now, and glue without a batch."""
    plant.stocks("GLUE-B", tracking=Tracking.BATCH)
    plant.books(2, "BRACKET")
    plant.books(1, "TRAY", at=DAY)
    plant.consists("FRAME", plant.line(10, "GLUE-B", 1))
    plant.has(5, "GLUE-B", batch="A1")
    plant.books(3, "FRAME")
    plant.finds(100, "LUG")
    return plant


@pytest.fixture
def stores(mixed: Plant) -> Client:
    """A user with the role stores."""
    return signed_in(mixed, Role.STORES)


def rows_in(text: str) -> list[int]:
    """Return the movements on a page."""
    return [int(number) for number in re.findall(r'data-row="(\d+)"', text)]


def waiting(plant: Plant, **sought: Any) -> WaitingList:
    """Return the movements that match some filters."""
    return WaitingList(plant.site, QueueFilter(**sought))


def test_each_filter_tab_shows_its_count(mixed: Plant, stores: Client) -> None:
    assert waiting(mixed).counts == {QueueTab.FIT: 1, QueueTab.SHORT: 1, QueueTab.CHOICE: 1}
    text = text_of(stores.get(reverse("unresolved")))
    for word in ("Fit now", "Short", "Needs a choice"):
        assert f"{word} <b>1</b>" in text
    for cut, item in (("fit", "LUG"), ("short", "BOLT"), ("choice", "GLUE-B")):
        shown = rows_in(text_of(stores.get(reverse("unresolved"), {"show": cut})))
        assert [Movement.objects.get(pk=number).item.code for number in shown] == [item]


@pytest.mark.parametrize("few", [0, 1, 10_000])
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["BOLT", "GLUE-B", "LUG"]),
        ({"item": "BOLT"}, ["BOLT"]),
        ({"item": "NO"}, []),
        ({"location": "MAIN/LINE"}, ["BOLT", "GLUE-B", "LUG"]),
        ({"location": "MAIN"}, ["BOLT", "GLUE-B", "LUG"]),
        ({"location": "MAIN/RAW"}, []),
        ({"order": "W-TRAY"}, ["LUG"]),
        ({"order": "NO"}, []),
        ({"supplier": "ACME"}, []),
        ({"reason": "batch"}, ["GLUE-B"]),
        ({"reason": "short", "order": "W-BRACKET"}, ["BOLT"]),
        ({"item": "LUG", "location": "MAIN/LINE", "order": "W-TRAY"}, ["LUG"]),
    ],
)
def test_a_filter_finds_the_same_in_a_short_and_a_long_queue(
    mixed: Plant, monkeypatch: pytest.MonkeyPatch, few: int, filters: dict[str, str], found: list[str]
) -> None:
    for module in (queue, all_movements):
        monkeypatch.setattr(module, "FEW", few)
    found_by_filter = waiting(mixed, **filters)
    assert sorted({one.item.code for one in found_by_filter.plain}) == found
    for tab, item in ((QueueTab.FIT, "LUG"), (QueueTab.SHORT, "BOLT"), (QueueTab.CHOICE, "GLUE-B")):
        codes = {one.item.code for one in found_by_filter.tab(tab)}
        assert codes == ({item} if item in found else set())


def test_movements_at_a_sub_contractor_are_found_by_supplier(plant: Plant) -> None:
    plant.buys(10, "PLATED")
    plant.receives(10, "PLATED")
    found = waiting(plant, supplier="ACME")
    assert {one.item.code for one in found.plain} == {"LUG"}
    assert found.total == len(list(found.plain)) == 1


def test_the_queue_is_grouped_by_item_place_and_reason(mixed: Plant, stores: Client) -> None:
    for by, keys in (
        (GroupBy.ITEM, ["BOLT", "GLUE-B", "LUG"]),
        (GroupBy.PLACE, ["MAIN/LINE"]),
        (GroupBy.CAUSE, ["batch", "short"]),
    ):
        groups = groups_of(waiting(mixed), by, mixed.site)
        assert sorted(group.key for group in groups) == keys
        assert sum(group.count for group in groups) == waiting(mixed).total
        assert [group.fits for group in groups if group.fits] == [1]
        text = text_of(stores.get(reverse("unresolved"), {"group": by.value}))
        for address in re.findall(r'class="row-link code" href="(\?[^"]+)"', text):
            assert rows_in(text_of(stores.get(reverse("unresolved") + address.replace("&amp;", "&"))))


def test_a_group_with_too_many_fitting_movements_links_to_them(
    mixed: Plant, stores: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (queue, all_movements):
        monkeypatch.setattr(module, "FEW", 0)
    assert {group.key: group.fits for group in groups_of(waiting(mixed), GroupBy.CAUSE, mixed.site)} == {
        "short": None,
        "batch": 0,
    }
    assert ">show<" in text_of(stores.get(reverse("unresolved"), {"group": "cause"}))


def test_a_long_queue_is_grouped_until_a_filter_is_set(
    mixed: Plant, stores: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rows_in(text_of(stores.get(reverse("unresolved"))))
    monkeypatch.setattr(queue_page, "FEW", 2)
    assert not rows_in(text_of(stores.get(reverse("unresolved"))))
    for asked in ({"group": "none"}, {"item": "BOLT"}, {"show": "fit"}, {"open": mixed.queue("BOLT")[0].pk}):
        assert rows_in(text_of(stores.get(reverse("unresolved"), asked))), asked


def test_grouping_costs_the_same_for_few_and_for_many(mixed: Plant, stores: Client) -> None:
    for by in GroupBy:
        with statements(18):
            stores.get(reverse("unresolved"), {"group": by.value})
    for _ in range(20):
        mixed.books(1, "BRACKET")
    for by in GroupBy:
        with statements(18):
            stores.get(reverse("unresolved"), {"group": by.value})


def test_the_exported_file_equals_the_list(mixed: Plant, stores: Client) -> None:
    for asked in ({}, {"show": "fit"}, {"item": "BOLT"}, {"order": "W-FRAME", "show": "choice"}):
        shown = rows_in(text_of(stores.get(reverse("unresolved"), {"group": "none", **asked})))
        response: Any = stores.get(reverse("unresolved-export", args=["csv"]), asked)
        content = b"".join(response.streaming_content).decode()
        assert [int(row["Movement"]) for row in csv.DictReader(io.StringIO(content))] == shown
        assert shown
    assert stores.get(reverse("unresolved-export", args=["xlsx"])).status_code == HTTPStatus.OK
    assert stores.get(reverse("unresolved-export", args=["pdf"])).status_code == HTTPStatus.NOT_FOUND


def test_each_filter_is_a_chip_that_can_be_removed(stores: Client) -> None:
    text = text_of(stores.get(reverse("unresolved"), {"item": "BOLT", "reason": "short", "days": "1"}))
    assert 'href="?reason=short&amp;days=1"' in text
    assert "reason <b>short</b>" in text
    assert stores.get(reverse("unresolved"), {"reason": "mood"}).status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_the_empty_queue_names_the_user_who_resolved_the_last(plant: Plant) -> None:
    plant.has(100, "BOLT", at="RAW")
    plant.books(2, "BRACKET")
    plant.resolves(plant.queue("BOLT")[0].pk, source="RAW")
    text = text_of(signed_in(plant, Role.STORES).get(reverse("unresolved")))
    assert re.search(r"Nothing is unresolved</h2> <p> The last was resolved today at \d\d:\d\d by \w+", text)


# Event time (V4)


def test_a_resolution_can_be_dated_earlier_but_not_before_its_original(plant: Plant) -> None:
    plant.has(100, "BOLT", at="RAW")
    plant.books(2, "BRACKET", at=timezone.now() - timedelta(days=2))
    short = plant.queue("BOLT")[0]
    client = signed_in(plant, Role.STORES)
    text = opened(client, short)
    assert "It happened earlier" in text
    asked = {"key": key_of(text), "from": choice_at(text, "MAIN/RAW"), "quantity": "8"}
    early = f"{short.at - timedelta(hours=1):%Y-%m-%dT%H:%M}"
    refused = client.post(reverse("resolve", args=[short.pk]), {**asked, "at": early})
    said = text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="at-error"' in said
    assert f'value="{early}"' in said
    then = (short.at + timedelta(hours=1)).replace(second=0, microsecond=0)
    done = client.post(reverse("resolve", args=[short.pk]), {**asked, "at": f"{then:%Y-%m-%dT%H:%M}"})
    assert done.status_code == HTTPStatus.FOUND
    assert Movement.objects.get(resolves=short).at == then
    assert plant.balance("BOLT", at="RAW") == Decimal(92)


def test_a_cancellation_can_be_dated_earlier_too(plant: Plant) -> None:
    plant.books(2, "BRACKET", at=timezone.now() - timedelta(days=2))
    short = plant.queue("BOLT")[0]
    client = signed_in(plant, Role.STORES)
    asked = {"pick": short.pk, "open": short.pk, "key": "k", "remarks": "not used"}
    early = f"{short.at - timedelta(hours=1):%Y-%m-%dT%H:%M}"
    assert 'id="at-error"' in text_of(
        client.post(reverse("cancel"), {**asked, "at": early}), HTTPStatus.UNPROCESSABLE_ENTITY
    )
    then = (short.at + timedelta(hours=1)).replace(second=0, microsecond=0)
    client.post(reverse("cancel"), {**asked, "at": f"{then:%Y-%m-%dT%H:%M}"})
    assert short.settlements.get().posting.at == then


def test_the_second_person_sees_the_settlement_and_continues(plant: Plant) -> None:
    plant.has(100, "BOLT", at="RAW")
    plant.books(2, "BRACKET")
    plant.books(3, "BRACKET")
    first, second = plant.queue("BOLT")
    client = signed_in(plant, Role.STORES)
    text = opened(client, first)
    plant.resolves(first.pk, source="RAW")
    asked = {"key": key_of(text), "from": choice_at(text, "MAIN/RAW"), "quantity": "7"}
    said = text_of(client.post(reverse("resolve", args=[first.pk]), asked), HTTPStatus.CONFLICT)
    assert "from MAIN/RAW, today at" in said
    assert "7 EA, MAIN/RAW" in said
    assert f"open={second.pk}" in said
    assert reverse("movement", args=[first.pk]) in said


def test_the_quantity_links_to_its_explanation(plant: Plant) -> None:
    plant.books(2, "BRACKET")
    short = plant.queue("BOLT")[0]
    text = opened(signed_in(plant, Role.STORES), short)
    assert f'href="{reverse("movement", args=[short.pk])}">Why 8?' in text
