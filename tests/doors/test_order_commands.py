"""orders, order and purchase-order, as a person types them."""

from backflush.works.models import WorksOrder
from tests.cast import Plant
from tests.doors.console import Console


def status(console: Console, number: str) -> str:
    return str(console.tells("order", "show", number)["status"])


def test_an_order_from_new_to_complete(plant: Plant, console: Console) -> None:
    created = console.tells("order", "new", "W-1", "BRACKET", 40, "--start", "2026-03-02", "--due", "2026-04-01")
    assert created == {
        "order": "W-1",
        "item": "BRACKET",
        "status": "new",
        "quantity": "40",
        "unit": "EA",
        "good": "0",
        "scrap": "0",
        "start_date": "2026-03-02",
        "due_date": "2026-04-01",
        "remarks": "",
        "warnings": [],
    }
    assert console.refuses("book", "W-1", 1) == "order_not_open"
    assert console.says("order", "release", "W-1") == "Released W-1.\n"
    assert console.refuses("order", "release", "W-1") == "order_not_new"
    assert status(console, "W-1") == "released"
    assert "Reset to new." in console.says("order", "reset", "W-1")
    assert "new copy of the item's structure" in console.says("order", "structure-afresh", "W-1")
    console.says("order", "release", "W-1")
    console.says("book", "W-1", 5)
    assert status(console, "W-1") == "open"
    assert console.refuses("order", "reset", "W-1") == "order_not_released"
    assert console.refuses("order", "cancel", "W-1") == "order_has_bookings"
    completed = console.tells("order", "complete", "W-1")
    assert (completed["status"], [row["due"] for row in completed["unresolved"]]) == ("complete", ["20"])
    assert console.refuses("order", "complete", "W-1") == "order_not_open"
    assert "Reopened." in console.says("order", "reopen", "W-1")
    assert console.refuses("order", "reopen", "W-1") == "order_not_complete"
    assert "1 unresolved, which can still be settled." in console.says("order", "complete", "W-1")


def test_an_order_released_at_once_in_a_unit_of_its_own(plant: Plant, console: Console) -> None:
    said = console.says("order", "new", "W-1", "BRACKET", 3, "--unit", "BOX", "--release")
    assert "Created and released. W-1: 3 BOX of BRACKET, released." in said
    plant.has(100, "BOLT")
    console.says("book", "W-1", 1)
    assert plant.balance("BOLT") == 52


def test_an_invalid_order_is_refused(plant: Plant, console: Console) -> None:
    assert console.refuses("order", "new", "W-1", "BOLT", 5) == "wrong_class"
    assert console.refuses("order", "new", "W-1", "NONE", 5) == "not_found"
    assert console.refuses("order", "new", "W-1", "BRACKET", 0) == "invalid_quantity"
    assert console.refuses("order", "new", "W-1", "BRACKET", "-3") == "invalid_quantity"
    assert console.refuses("order", "new", "W-1", "BRACKET", 5, "--unit", "KG") == "no_conversion"
    assert console.refuses("order", "new", "W-1", "BRACKET", 5, "--start", "soon") == "invalid_value"
    assert console.refuses("order", "new", "W-1", "BRACKET", 5, "--due", "2026-03-02T10:00") == "invalid_value"
    plant.orders(5, "BRACKET", number="W-1")
    assert console.refuses("order", "new", "W-1", "BRACKET", 5) == "already_there"
    assert WorksOrder.objects.count() == 1


def test_releasing_several_releases_all_or_none(plant: Plant, console: Console) -> None:
    plant.orders(5, "BRACKET", number="W-1")
    plant.releases(5, "BRACKET", number="W-2")
    assert console.refuses("order", "release", "W-1", "W-2") == "order_not_new"
    assert console.refuses("order", "release", "W-1", "W-9") == "not_found"
    assert status(console, "W-1") == "new"
    plant.orders(5, "BRACKET", number="W-3")
    assert console.says("order", "release", "W-1", "W-3") == "Released W-1, W-3.\n"


def test_revising_and_cancelling_leave_a_trace(plant: Plant, console: Console) -> None:
    plant.orders(5, "BRACKET", number="W-1")
    assert console.refuses("order", "revise", "W-1") == "invalid_value"
    assert console.refuses("order", "revise", "W-1", "--quantity", "0") == "invalid_quantity"
    assert console.refuses("order", "revise", "W-1", "--quantity", "") == "invalid_value"
    assert console.refuses("order", "revise", "W-1", "--due", "2020-01-01") == "invalid_dates"
    revised = console.tells("order", "revise", "W-1", "--quantity", 8, "--due", "2026-05-01", "--by", "jan")
    assert (revised["quantity"], revised["due_date"]) == ("8", "2026-05-01")
    console.says("order", "cancel", "W-1", "--remarks", "customer withdrew")
    changes = console.tells("order", "show", "W-1")["changes"]
    assert [(one["what"], one["before"], one["after"], one["remarks"]) for one in changes] == [
        ("status", "", "new", ""),
        ("quantity", "5", "8", ""),
        ("due date", "", "2026-05-01", ""),
        ("status", "new", "cancelled", "customer withdrew"),
    ]
    assert changes[1]["by"] == "jan"
    assert "customer withdrew" in console.says("order", "show", "W-1")


def test_an_order_shows_its_used_and_unresolved_components(plant: Plant, console: Console) -> None:
    plant.has(20, "SHEET")
    plant.books(2, "CABINET")
    materials = {line["item"]: line for line in console.tells("order", "show", "W-CABINET")["materials"]}
    assert {item: (line["line"], line["for_one"], line["had"], line["waits"]) for item, line in materials.items()} == {
        "SHEET": ("10/10", "4", "8", "0"),
        "BOLT": ("10/20", "12", "0", "24"),
        "MOTOR": ("20", "1", "0", "2"),
        "RESIN": ("30", "1/2", "0", "1"),
    }
    assert "Booked: 2 good, 0 scrap" in console.says("order", "show", "W-CABINET")


def test_needed_is_assumed_and_still_to_come_with_scrap_and_what_was_issued_beside(
    plant: Plant, console: Console
) -> None:
    """One component on two lines, and material that isn't in the structure: the same figures as on the order's page."""
    plant.consists("BRACKET", plant.line(10, "BOLT", 4), plant.line(20, "BOLT", 2))
    plant.releases(10, "BRACKET")
    plant.has(100, "BOLT")
    plant.has(5, "LUG", at="RAW")
    plant.books(2, "BRACKET", 1)
    plant.issues(3, "LUG", "BRACKET")
    figures = ("line", "item", "needed", "assumed", "had", "to_come")
    shown = [tuple(row[name] for name in figures) for row in console.tells("order", "show", "W-BRACKET")["materials"]]
    assert shown == [
        ("10", "BOLT", "44", "12", "12", "32"),
        ("20", "BOLT", "22", "6", "6", "16"),
        ("", "LUG", "0", None, "3", "0"),
    ]
    said = console.says("order", "show", "W-BRACKET")
    assert "not in the structure" in said
    assert console.refuses("order", "show", "W-NONE") == "not_found"


def test_orders_newest_first(plant: Plant, console: Console) -> None:
    for number in ("W-1", "W-2", "W-3"):
        plant.orders(5, "BRACKET", number=number)
    plant.releases(5, "TRAY", number="W-4")
    assert [order["order"] for order in console.tells("orders")["orders"]] == ["W-4", "W-3", "W-2", "W-1"]
    assert console.tells("orders", "--status", "released")["total"] == 1
    assert console.tells("orders", "--item", "BRACKET")["total"] == 3
    assert console.says("orders", "--limit", 1).splitlines()[-1].startswith("1 of 4 works orders.")
    assert console.says("orders", "--item", "PACK") == "No works order matches.\n"
    assert console.refuses("orders", "--status", "lost") == "invalid_value"
    assert console.refuses("orders", "--item", "NONE") == "not_found"


def test_a_purchase_order_from_placed_to_closed(plant: Plant, console: Console) -> None:
    placed = console.tells(
        "purchase-order", "new", "P-1", "ACME", "PLATED=20", "BOLT=100/EA", "--on", "2026-03-02", "--due", "2026-04-01"
    )
    assert placed == {
        "order": "P-1",
        "supplier": "ACME",
        "status": "open",
        "placed_on": "2026-03-02",
        "lines": [
            {
                "line": number,
                "item": item,
                "quantity": quantity,
                "unit": "EA",
                "accepted": "0",
                "rejected": "0",
                "due_date": "2026-04-01",
            }
            for number, item, quantity in ((10, "PLATED", "20"), (20, "BOLT", "100"))
        ],
    }
    assert console.refuses("receive", "P-1", 5) == "not_found"
    console.says("receive", "P-1", 5, "--line", 20)
    assert console.tells("purchase-order", "show", "P-1")["lines"][1]["accepted"] == "5"
    assert "Closed P-1 for ACME" in console.says("purchase-order", "close", "P-1")
    assert console.refuses("purchase-order", "close", "P-1") == "order_not_open"


def test_an_invalid_purchase_order_is_refused(plant: Plant, console: Console) -> None:
    new = ("purchase-order", "new", "P-1")
    assert console.refuses(*new, "ACME", "BRACKET=5") == "wrong_class"
    assert console.refuses(*new, "NOBODY", "BOLT=5") == "not_found"
    assert console.refuses(*new, "ACME", "BOLT") == "invalid_value"
    assert console.refuses(*new, "ACME", "BOLT=") == "invalid_value"
    assert console.refuses(*new, "ACME", "BOLT=0") == "invalid_quantity"
    assert console.refuses(*new, "ACME", "BOLT=5/PALLET") == "not_found"
    assert console.refuses(*new, "ACME", "BOLT=5", "--receive-action", "ISSUE") == "wrong_action_type"
    assert console.refuses("purchase-order", "show", "P-1") == "not_found"
