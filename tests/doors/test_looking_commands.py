"""balance, transactions, cost, explain, verify and sites: they change nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from backflush.backflushing.models import Booking
from backflush.ledger.models import Movement
from tests.cast import Plant
from tests.doors.console import Console


@contextmanager
def reading_only() -> Iterator[None]:
    """Make the database refuse writes inside the block."""
    sqlite = connection.vendor == "sqlite"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = ON" if sqlite else "SET TRANSACTION READ ONLY")
        try:
            yield
        finally:
            if sqlite:
                cursor.execute("PRAGMA query_only = OFF")
        # This ends the read-only mode on PostgreSQL.
        transaction.set_rollback(True)


def test_balances_are_listed_by_location_bin_batch_and_serial(plant: Plant, console: Console) -> None:
    plant.has(5, "LUG", at="RACK", bin="R1")
    plant.has("1.25", "RESIN", batch="B1")
    plant.has(1, "MOTOR", serials=["S1"])
    told = console.tells("balance")
    assert told["total"] == 3
    assert told["balances"][0] == {
        "item": "LUG",
        "location": "MAIN/RACK",
        "bin": "R1",
        "batch": "",
        "serial": "",
        "quantity": "5",
        "unit": "EA",
    }
    said = console.says("balance", "--item", "RESIN")
    assert said.split() == [
        "Item",
        "Location",
        "Batch",
        "Quantity",
        "RESIN",
        "MAIN/LINE",
        "B1",
        "1.250",
        "KG",
        *said.split()[-2:],
    ]
    assert [row["item"] for row in console.tells("balance", "--location", "MAIN/LINE")["balances"]] == [
        "MOTOR",
        "RESIN",
    ]
    assert console.says("balance", "--item", "BOLT") == "There is no stock.\n"
    assert console.refuses("balance", "--item", "NO") == "not_found"
    assert console.refuses("balance", "--location", "NO/WHERE") == "not_found"


def test_balances_of_a_past_day_are_shown(plant: Plant, console: Console) -> None:
    plant.has(10, "LUG", at="RAW")
    plant.moves(4, "LUG", "RAW", "LINE", at=date(2026, 3, 2))

    def there(day: str) -> dict[str, str]:
        rows = console.tells("balance", "--item", "LUG", "--at", day)["balances"]
        return {row["location"]: row["quantity"] for row in rows}

    assert there("2026-03-01") == {"MAIN/RAW": "10"}
    assert there("2026-03-02") == {"MAIN/LINE": "4", "MAIN/RAW": "6"}
    assert console.refuses("balance", "--at", "yesterday") == "invalid_value"


def test_transactions_newest_first_and_how_many_there_are(plant: Plant, console: Console) -> None:
    plant.has(50, "BOLT")
    plant.books(2, "BRACKET", at=date(2026, 3, 2))
    plant.books(3, "BRACKET", at=date(2026, 3, 4))
    told = console.tells("transactions", "--limit", 3)
    assert (told["total"], [row["item"] for row in told["transactions"]]) == (5, ["BOLT", "BRACKET", "BOLT"])
    said = console.says("transactions", "--limit", 3)
    assert "MAIN/LINE -> MAIN/WIP" in said
    assert said.splitlines()[-1].startswith("3 of 5 movements.")


def test_the_balance_of_an_item_is_asked_for_by_its_code(plant: Plant, console: Console) -> None:
    plant.has(8, "BOLT")
    plant.has(3, "LUG", at="RAW")
    assert console.tells("balance", "BOLT")["balances"] == console.tells("balance", "--item", "BOLT")["balances"]
    assert console.tells("balance", "BOLT")["total"] == 1
    assert console.refuses("balance", "BOLTS") == "not_found"


def test_filters_of_transactions(plant: Plant, console: Console) -> None:
    plant.has(8, "BOLT")
    plant.books(2, "BRACKET", at=date(2026, 3, 2))
    plant.books(3, "BRACKET", at=date(2026, 3, 4))

    def total(*words: str) -> int:
        return int(console.tells("transactions", *words)["total"])

    assert total("--item", "BRACKET") == 2
    assert total("--status", "unresolved") == 1
    assert total("--order", "W-BRACKET") == 4
    assert total("--location", "MAIN/FG") == 2
    assert (total("--location", "MAIN"), total("--location", "ACME")) == (5, 0)
    assert total("--since", "2026-03-02", "--until", "2026-03-03") == total("--since", "2026-03-04") == 2
    assert total("--until", "2026-03-02T00:00:00") == total("--until", "2026-03-02") == 3
    assert console.says("transactions", "--item", "TUBE") == "No movement matches.\n"
    for words, code in (
        (("--status", "lost"), "invalid_value"),
        (("--item", "NO"), "not_found"),
        (("--location", "NO"), "not_found"),
        (("--order", "NO"), "not_found"),
        (("--since", "12.3.2026"), "invalid_value"),
    ):
        assert console.refuses("transactions", *words) == code


def test_the_material_cost_of_an_order_beside_its_structure(plant: Plant, console: Console) -> None:
    plant.has(100, "BOLT")
    plant.has(100, "BOLT", at="RAW")
    plant.books(10, "BRACKET")
    plant.issues(5, "BOLT", "BRACKET")
    (cost_object,) = console.tells("cost", "W-BRACKET")["jobs"]
    assert (cost_object["material"], cost_object["standard"], cost_object["variance"]) == ("4.5", "4", "0.5")
    assert cost_object["components"] == [
        {
            "item": "BOLT",
            "unit": "EA",
            "standard_quantity": "40",
            "standard_amount": "4",
            "actual_quantity": "45",
            "actual_amount": "4.5",
            "unresolved_quantity": "0",
            "unresolved_amount": "0",
            "variance_quantity": "5",
            "variance_amount": "0.5",
            "price_effect": "0",
        }
    ]
    said = console.says("cost", "W-BRACKET")
    assert "the material cost is 4.50. The standard for the quantity made is 4.00: 0.50 over it." in said
    assert "Of this: 0.50 used beyond the structure." in said
    assert console.refuses("cost", "W-NONE") == "not_found"


def test_an_assumed_quantity_is_explained(plant: Plant, console: Console) -> None:
    plant.has(50, "PAINT")
    plant.books(57, "FRAME", 3)
    second = plant.books(40, "FRAME")
    number = second.posting.movements.get(item__code="PAINT").pk
    told = console.tells("explain", number)
    assert {name: told[name] for name in ("exact", "rounded", "assumed_before", "assumed", "moved", "per_piece")} == {
        "exact": "125/8",
        "rounded": "15.625",
        "assumed_before": "9.375",
        "assumed": "6.25",
        "moved": "6.25",
        "per_piece": "5/32",
    }
    said = console.says("explain", number)
    assert told["sentence"] in said
    assert "Type code MADE → action BACKFLUSH → rule from MAIN/LINE to MAIN/WIP." in said


def test_an_entered_quantity_has_no_explanation(plant: Plant, console: Console) -> None:
    plant.has(5, "LUG", at="RAW")
    moved = plant.moves(1, "LUG")
    assert console.refuses("explain", moved.movements.get().pk) == "not_found"
    assert console.refuses("explain", 987654) == "not_found"


def test_verify_lists_its_checks(plant: Plant, console: Console) -> None:
    plant.has(50, "BOLT")
    plant.books(2, "BRACKET")
    told = console.tells("verify")
    assert (told["sound"], told["faults"]) == (True, 0)
    assert {"balances", "assumed use"} <= {check["name"] for check in told["checks"]}
    assert all(set(check) == {"name", "sentence", "counted", "fault_count", "faults"} for check in told["checks"])
    assert console.says("verify").splitlines()[-1] == "All checks passed."


def test_verify_ends_with_exit_code_one_where_an_invariant_is_broken(plant: Plant, console: Console) -> None:
    plant.has(50, "BOLT")
    plant.books(2, "BRACKET")
    Movement.objects.filter(item__code="BRACKET").update(quantity=3)
    result = console.run("verify")
    assert result.exit_code == 1
    assert "balances: BRACKET at MAIN/FG" in result.stdout
    assert console.run("verify", "--json").exit_code == 1


def test_sites(plant: Plant, console: Console) -> None:
    assert console.tells("sites") == {"sites": [{"site": "MAIN", "name": "", "time_zone": "UTC"}]}


def test_the_database_refuses_to_write_where_only_looking_is_allowed(plant: Plant) -> None:
    with pytest.raises(DatabaseError), reading_only():
        plant.books(1, "BRACKET")


@pytest.mark.parametrize(
    "words",
    [
        ("balance",),
        ("balance", "--at", "2026-03-02"),
        ("transactions",),
        ("unresolved",),
        ("orders",),
        ("order", "show", "W-CABINET"),
        ("cost", "W-CABINET"),
        ("preview", "W-CABINET", "1"),
        ("preview", "--item", "PACK", "1"),
        ("preview", "--purchase-order", "P-PLATED", "1"),
        ("purchase-order", "show", "P-PLATED"),
        ("retry", "--preview"),
        ("sites",),
        ("verify",),
    ],
)
def test_looking_writes_nothing(plant: Plant, console: Console, words: tuple[str, ...]) -> None:
    plant.books(2, "CABINET")
    plant.buys(5, "PLATED")
    with reading_only():
        console.says(*words)


@pytest.mark.parametrize("words", [("unresolved",), ("transactions",), ("orders",), ("balance",)])
def test_a_list_costs_the_same_number_of_statements_however_long(
    plant: Plant, console: Console, words: tuple[str, ...]
) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            console.says(*words)
        return len(asked.captured_queries)

    plant.books(1, "CABINET")
    few = statements()
    for _ in range(4):
        plant.books(1, "CABINET")
        plant.produces(1, "PACK")
    assert statements() <= few + 1
    assert Booking.objects.count() == 9
