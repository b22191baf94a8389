"""Queries: candidates, past balances, and warnings on release."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from backflush.items.selectors import item_coded
from backflush.items.services import set_batch
from backflush.ledger.history import balances_at
from backflush.ledger.selectors import waiting_movements
from backflush.unresolved.selectors import candidates
from backflush.works.models import WorksOrder
from backflush.works.selectors import release_warnings
from tests.cases.adapter import World
from tests.cases.reading import Case, load
from tests.databases import Database

PLANT = load(Path(__file__).parent.parent / "cases" / "plant.yaml")


def a_plant(change: dict[str, Any], stock: dict[str, Any], steps: list[dict[str, Any]]) -> World:
    world = World(Case("questions", "a plant", [], PLANT, change, stock, [], {}))
    for step in steps:
        world.do(step)
    return world


def test_candidates_are_ordered_by_expiry_with_other_places_last(database: Database) -> None:
    paint = {"code": "PAINT", "class": "B", "type": "BOUGHT", "uom": "KG", "decimals": 3, "tracking": "batch"}
    world = a_plant(
        {"items": [paint]},
        {
            "PAINT@MAIN/LINE": [
                {"qty": 5, "batch": "LATE"},
                {"qty": 0.5, "batch": "SOON"},
                {"qty": 5, "batch": "NEVER"},
            ],
            "PAINT@MAIN/RAW": {"qty": 9, "batch": "SOON"},
        },
        [
            {"works_order": {"number": "W1", "item": "FRAME", "qty": 10}},
            {"release": "W1"},
            {"book": {"order": "W1", "good": 8}},
        ],
    )
    set_batch(item=item_coded("PAINT"), code="LATE", expires_on=date(2099, 9, 1))
    set_batch(item=item_coded("PAINT"), code="SOON", expires_on=date(2099, 4, 1))
    offered = candidates(waiting_movements(world.site).get(item__code="PAINT"))
    assert [(one.balance.location.path, one.balance.batch, one.planned) for one in offered] == [
        ("MAIN/LINE", "SOON", True),
        ("MAIN/LINE", "LATE", True),
        ("MAIN/LINE", "NEVER", True),
        ("MAIN/RAW", "SOON", False),
    ]


def test_a_past_balance_adds_up_by_event_time_and_may_be_negative(database: Database) -> None:
    world = a_plant(
        {},
        {},
        [
            {"purchase_order": {"number": "P1", "supplier": "ACME", "item": "TUBE", "qty": 50}},
            {"receive": {"order": "P1", "qty": 50, "at": date(2026, 3, 2)}},
        ],
    )
    world.do({"rule": {"action": "REPLENISH", "from": "MAIN/FG", "to": "MAIN/LINE"}})
    moved = {"action": "REPLENISH", "item": "TUBE", "qty": 20, "from": "MAIN/FG", "to": "MAIN/LINE"}
    world.do({"move": {**moved, "at": date(2026, 3, 1)}})

    def there(day: int) -> list[tuple[str, Decimal, bool]]:
        moment = datetime(2026, 3, day, 12, tzinfo=UTC)
        return [(one.location, one.quantity, one.negative) for one in balances_at(world.site, moment, item="TUBE")]

    assert there(1) == [("MAIN/FG", Decimal(-20), True), ("MAIN/LINE", Decimal(20), False)]
    assert there(2) == [("MAIN/FG", Decimal(30), False), ("MAIN/LINE", Decimal(20), False)]


def test_release_warns_of_a_phantom_with_no_line_in_force(database: Database) -> None:
    fixings = {"code": "FIXINGS", "class": "P", "type": "BOUGHT", "uom": "EA", "decimals": 0}
    lines = [{"line": 10, "item": "FIXINGS", "qty": 2, "uom": "EA"}, {"line": 20, "item": "LUG", "qty": 6, "uom": "EA"}]
    ended = [{"line": 10, "item": "BOLT", "qty": 4, "uom": "EA", "end": date(2026, 3, 1)}]
    a_plant(
        {"items": [fixings], "structures": {"FRAME": lines, "FIXINGS": ended}},
        {},
        [{"works_order": {"number": "W1", "item": "FRAME", "qty": 10}}, {"release": "W1"}],
    )
    warnings = release_warnings(WorksOrder.objects.select_related("structure").get(number="W1"))
    assert warnings == ["FIXINGS is a phantom with no line in force on 02 Mar 2026: nothing will be used for it."]
