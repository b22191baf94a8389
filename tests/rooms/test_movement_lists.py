"""Queries on the ledger: filters, pages by key, the bin card, and balances at any date."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from backflush.core.moves import Process, Status
from backflush.items.selectors import item_coded
from backflush.ledger import movement_list
from backflush.ledger.bin_card import card_lines, card_movements
from backflush.ledger.history import Known, balances_at
from backflush.ledger.models import Movement, Posting
from backflush.ledger.movement_list import REVERSED, STATUSES, MovementFilter, filtered_movements, movements_named
from backflush.ledger.selectors import balances
from backflush.stockmap.models import Site
from tests.cast import DAY, Plant

DAYS = [DAY + timedelta(days=days) for days in range(4)]


@pytest.fixture
def morning(plant: Plant) -> Plant:
    """Postings of every kind over four days."""
    plant.has(40, "BOLT", at="RAW")
    plant.has(10, "LUG", at="ACME/STOCK")
    plant.moves(20, "BOLT", at=DAYS[0])
    plant.books(3, "BRACKET", at=DAYS[1])
    plant.books(4, "BRACKET", at=DAYS[2])
    plant.buys(10, "PLATED", at=DAYS[2])
    plant.receives(2, "PLATED", at=DAYS[2])
    plant.resolves("BOLT", source="MAIN/RAW", at=DAYS[3])
    plant.books(1, "TRAY", at=DAYS[3])
    plant.cancels("LUG", at=DAYS[3])
    return plant


FILTERS: list[dict[str, Any]] = [
    {},
    {"item": "BOLT"},
    {"item": "NOPE"},
    {"status": Status.CANCELLED},
    {"status": Status.OK},
    {"status": Status.UNRESOLVED, "item": "BOLT"},
    {"status": Status.CANCELLED, "item": "LUG", "location": "MAIN/RAW"},
    {"location": "MAIN/RAW"},
    {"location": "ACME"},
    {"location": "MAIN/NOWHERE"},
    {"process": Process.HAND},
    {"process": Process.RESOLUTION, "location": "MAIN/RAW"},
    {"order": "W-BRACKET"},
    {"order": "P-PLATED"},
    {"action": "REPLENISH"},
    {"person": "sam"},
    {"person": "nobody"},
    {"since": datetime(2026, 3, 4, tzinfo=UTC)},
    {"until": datetime(2026, 3, 4, tzinfo=UTC)},
    {"status": Status.RESOLVED, "order": "W-BRACKET"},
    {"item": "LUG", "location": "ACME/STOCK", "process": Process.GOODS_RECEIVED},
]


def matches(movement: Movement, what: dict[str, Any]) -> bool:
    """Return whether one movement matches a filter, in plain Python."""
    ends = {end for place in (movement.source, movement.target) for end in (place.path, place.store.code)}
    order = movement.cost_object.number.split("/")[0] if movement.cost_object else ""
    return all(
        (
            what.get("status", movement.status) == movement.status,
            what.get("item", movement.item.code) == movement.item.code,
            "location" not in what or what["location"] in ends,
            what.get("process", movement.posting.process) == movement.posting.process,
            what.get("order", order) == order,
            "action" not in what or (movement.rule is not None and movement.rule.action.name == what["action"]),
            what.get("person", movement.posting.by.username) == movement.posting.by.username,
            what.get("since", movement.at) <= movement.at,
            "until" not in what or movement.at < what["until"],
        )
    )


@pytest.mark.parametrize("what", FILTERS, ids=[" ".join(what) or "all" for what in FILTERS])
@pytest.mark.parametrize("few", [10_000, 2], ids=["few", "many"])
def test_each_filter_finds_what_matches_newest_first(
    morning: Plant, monkeypatch: pytest.MonkeyPatch, what: dict[str, Any], few: int
) -> None:
    monkeypatch.setattr(movement_list, "FEW", few)
    everything = Movement.objects.order_by("-at", "-pk")
    expected = [movement.pk for movement in everything if matches(movement, what)]
    found = filtered_movements(morning.site, MovementFilter(**what))
    assert [movement.pk for movement in found.movements] == expected
    assert found.total == min(len(expected), few + 1)


def test_what_was_taken_back_is_found_as_reversed_and_by_no_other_status(morning: Plant) -> None:
    """A booking of which a line was resolved, with that resolution; and the undone cancellation of another."""
    morning.reverses(Posting.objects.filter(process=Process.WORKS_ORDER).earliest("pk"))
    morning.reverses(Posting.objects.filter(process=Process.RESOLUTION).latest("pk"))
    shown = {
        status: {row.pk for row in filtered_movements(morning.site, MovementFilter(status=status)).movements}
        for status in STATUSES
    }
    mirrors = list(Movement.objects.filter(reverses__isnull=False))
    reversals = [mirror.posting.reverses_id for mirror in mirrors]
    undone = {row.pk for row in Movement.objects.filter(posting__in=reversals)} | {row.reverses_id for row in mirrors}
    assert shown[REVERSED] == undone
    assert sum(len(rows) for rows in shown.values()) == Movement.objects.count()
    assert not any(rows & undone for status, rows in shown.items() if status != REVERSED)
    assert {row.is_reversed for row in movements_named().filter(pk__in=list(undone))} == {True}


def test_movements_of_another_site_are_never_found(morning: Plant) -> None:
    other = Site.objects.create(code="ELSEWHERE")
    assert [list(filtered_movements(other, MovementFilter(**what)).movements) for what in FILTERS] == [
        [] for _ in FILTERS
    ]


@pytest.mark.parametrize("few", [10_000, 2], ids=["little moved there", "much moved there"])
def test_the_bin_card_ends_with_the_balance_and_its_pages_are_continuous(
    morning: Plant, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(movement_list, "FEW", few)
    bolt, raw = item_coded("BOLT"), morning.location("RAW")
    rows = list(card_movements(morning.site, bolt, raw))
    whole = [line.after for line in card_lines(morning.site, bolt, raw, rows)]
    assert whole == [Decimal(4), Decimal(20), Decimal(40)]
    parts = [line.after for row in rows for line in card_lines(morning.site, bolt, raw, [row])]
    assert parts == whole


def test_the_bin_card_shows_negative_past_stock_after_late_recording(plant: Plant) -> None:
    plant.has(5, "BOLT", at="RAW")
    plant.moves(5, "BOLT", "RAW", "LINE", at=DAYS[0])
    plant.moves(5, "BOLT", "LINE", "RAW", at=DAYS[2])
    plant.moves(5, "BOLT", "RAW", "LINE", at=DAYS[1])
    bolt, raw = item_coded("BOLT"), plant.location("RAW")
    lines = card_lines(plant.site, bolt, raw, list(card_movements(plant.site, bolt, raw)))
    assert [(line.after, line.negative) for line in lines] == [(0, False), (-5, True), (0, False), (5, False)]


def moment_after(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 23, 59, tzinfo=UTC)


@pytest.mark.parametrize("day", [date(1999, 1, 1), date(2001, 1, 1), *DAYS])
def test_balances_at_a_date_are_equal_counted_forwards_and_backwards(
    morning: Plant, monkeypatch: pytest.MonkeyPatch, day: date
) -> None:
    found = []
    for from_the_end in (True, False):
        known = Known(back=from_the_end)
        monkeypatch.setattr("backflush.ledger.history.known_nearest", lambda *_, known=known: known)
        found.append(balances_at(morning.site, moment_after(day)))
        some = [item_coded("BOLT").pk]
        assert balances_at(morning.site, moment_after(day), items=some) == [
            one for one in found[0] if one.item == "BOLT"
        ]
        assert balances_at(morning.site, moment_after(day), location="ACME") == [
            one for one in found[0] if one.location.startswith("ACME/")
        ]
    assert found[0] == found[1]


def test_balances_as_at_now_are_the_present_balances(morning: Plant) -> None:
    now = [(one.item.code, one.location.path, one.quantity) for one in balances(morning.site)]
    last = balances_at(morning.site, moment_after(DAYS[3]))
    assert [(one.item, one.location, one.quantity) for one in last] == now
