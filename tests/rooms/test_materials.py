"""The materials of an order: needed, used, unresolved and open quantities by line."""

from decimal import Decimal

from django.db import connection
from django.test.utils import CaptureQueriesContext

from backflush.core.quantity import written
from backflush.works.selectors import Material, materials, order_numbered, own_lines
from backflush.works.services.orders import edit_structure
from backflush.works.services.transitions import complete_order
from tests.cast import Plant

FLAT = 12


def material(plant: Plant, order: str, component: str) -> Material:
    found = materials(order_numbered(plant.site, plant.order_number(order)))
    return next(one for one in found if one.component.code == component)


def figures(one: Material) -> dict[str, str]:
    """Return the figures that aren't zero."""
    names = ("needed", "assumed", "moved", "unresolved", "issued", "to_come", "there", "short")
    values = {name: getattr(one, name) for name in names}
    return {name: written(value) for name, value in values.items() if value}


def test_a_new_order_needs_all_components_and_is_short_of_missing_ones(plant: Plant) -> None:
    plant.has(30, "BOLT")
    plant.releases(10, "BRACKET")
    assert figures(material(plant, "BRACKET", "BOLT")) == {
        "needed": "40",
        "to_come": "40",
        "there": "30",
        "short": "10",
    }


def test_assumed_use_has_moved_or_is_unresolved(plant: Plant) -> None:
    plant.has(10, "BOLT")
    plant.releases(10, "BRACKET")
    plant.books(2, "BRACKET")
    plant.books(1, "BRACKET", scrap=1)
    assert figures(material(plant, "BRACKET", "BOLT")) == {
        "needed": "44",
        "assumed": "16",
        "moved": "8",
        "unresolved": "8",
        # Three are good, seven are to go.
        "to_come": "28",
        "there": "2",
        "short": "34",
    }


def test_a_reversed_booking_does_not_count(plant: Plant) -> None:
    plant.has(100, "BOLT")
    plant.releases(10, "BRACKET")
    plant.books(3, "BRACKET")
    plant.reverses(plant.books(2, "BRACKET"))
    assert figures(material(plant, "BRACKET", "BOLT")) == {
        "needed": "40",
        "assumed": "12",
        "moved": "12",
        "to_come": "28",
        "there": "88",
    }


def test_a_line_by_hand_shows_needed_issued_and_open_quantities(plant: Plant) -> None:
    plant.consists("BRACKET", plant.line(10, "BOLT", 4), plant.line(20, "LUG", 2, by_hand=True))
    plant.has(100, "BOLT")
    plant.has(5, "LUG", at="RAW")
    plant.releases(10, "BRACKET")
    plant.books(2, "BRACKET", scrap=1)
    plant.issues(4, "LUG", "BRACKET")
    plant.returns(1, "LUG", "BRACKET")
    lugs = material(plant, "BRACKET", "LUG")
    assert lugs.by_hand
    assert lugs.assumed is None
    # Three made and eight to go are eleven, at two each, less three that the order has.
    assert figures(lugs) == {"needed": "22", "issued": "3", "to_come": "19", "there": "2", "short": "17"}


def test_issues_outside_the_structure_are_shown(plant: Plant) -> None:
    plant.has(9, "LUG", at="RAW")
    plant.has(100, "BOLT", at="RAW")
    plant.releases(10, "BRACKET")
    plant.issues(3, "LUG", "BRACKET")
    plant.issues(5, "BOLT", "BRACKET")
    assert figures(material(plant, "BRACKET", "BOLT"))["issued"] == "5"
    extra = material(plant, "BRACKET", "LUG")
    assert extra.line is None
    assert figures(extra) == {"issued": "3"}


def test_lines_share_the_stock_of_their_location_in_order(plant: Plant) -> None:
    plant.consists("BRACKET", plant.line(10, "BOLT", 4), plant.line(20, "BOLT", 2))
    plant.has(50, "BOLT")
    plant.releases(10, "BRACKET")
    found = materials(order_numbered(plant.site, "W-BRACKET"))
    assert [(one.path, one.there, one.short) for one in found] == [
        ("10", Decimal(50), Decimal(0)),
        ("20", Decimal(50), Decimal(10)),
    ]


def test_a_complete_order_needs_nothing_more_but_unresolved_lines_are_short(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    plant.books(2, "BRACKET")
    complete_order(site=plant.site, number="W-BRACKET", by=plant.storekeeper)
    assert figures(material(plant, "BRACKET", "BOLT")) == {
        "needed": "8",
        "assumed": "8",
        "unresolved": "8",
        "short": "8",
    }


def test_a_missing_conversion_gives_no_figures(plant: Plant) -> None:
    plant.consists("BRACKET", plant.line(10, "BOLT", 4, "KG"))
    plant.orders(10, "BRACKET")
    bolts = material(plant, "BRACKET", "BOLT")
    assert bolts.needed is None
    assert figures(bolts) == {}


def test_a_phantom_is_named_and_edited_as_one_line(plant: Plant) -> None:
    plant.orders(10, "CABINET")
    order = order_numbered(plant.site, "W-CABINET")
    assert [(one.path, one.phantoms) for one in materials(order)][:2] == [("10/10", ["PANEL"]), ("10/20", ["PANEL"])]
    lines = own_lines(order)
    assert [(line.number, line.component.code, line.quantity) for line in lines] == [
        (10, "PANEL", 2),
        (20, "MOTOR", 1),
        (30, "RESIN", Decimal("0.5")),
    ]
    edited = edit_structure(site=plant.site, number="W-CABINET", lines=lines, by=plant.storekeeper)
    assert edited.structure_id == order.structure_id


def test_many_lines_cost_no_more_statements_than_one(plant: Plant) -> None:
    lines = [plant.line(number, plant.stocks(f"PART-{number}").code, 1) for number in range(10, 260, 10)]
    plant.consists("FRAME", *lines)
    for item in ("BRACKET", "FRAME"):
        plant.releases(10, item)
        plant.books(1, item)
    counts = []
    for number in ("W-BRACKET", "W-FRAME"):
        order = order_numbered(plant.site, number)
        with CaptureQueriesContext(connection) as captured:
            materials(order)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= FLAT
