"""Works orders and purchase orders: creation, structures, and status (Q4, S1, W)."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial

import pytest

from backflush.core.lifecycle import OrderStatus
from backflush.core.refusals import NoConversion
from backflush.items.selectors import item_coded, unit_coded
from backflush.items.services import ConversionIn, add_conversions
from backflush.subcontract.services import close_order
from backflush.works.models import OrderChange
from backflush.works.selectors import opened_by, order_numbered
from backflush.works.services.booking import book_production_many
from backflush.works.services.orders import edit_structure, refresh_structure, revise_order
from backflush.works.services.transitions import cancel_order, complete_order, release_order, reopen_order, reset_order
from tests.cast import DAY, Plant
from tests.oracle import faults, refused

ORDER = "W-BRACKET"


def test_an_order_keeps_the_structure_copied_at_creation(plant: Plant) -> None:
    plant.orders(10, "BRACKET")
    plant.consists("BRACKET", plant.line(10, "BOLT", 5))
    release_order(site=plant.site, number=ORDER, by=plant.storekeeper)
    plant.books(1, "BRACKET")
    assert plant.waiting() == ["BOLT 4 short"]


def test_a_new_order_s_structure_can_be_copied_again_or_edited(plant: Plant) -> None:
    plant.orders(10, "BRACKET")
    plant.orders(10, "FRAME")
    plant.consists("BRACKET", plant.line(10, "BOLT", 5))
    refresh_structure(site=plant.site, number=ORDER, by=plant.storekeeper)
    edit_structure(
        site=plant.site,
        number="W-FRAME",
        lines=[plant.line(10, "PANEL", 1), plant.line(20, "LUG", 1)],
        by=plant.storekeeper,
    )
    for number in (ORDER, "W-FRAME"):
        release_order(site=plant.site, number=number, by=plant.storekeeper)
    plant.books(1, "BRACKET")
    plant.books(1, "FRAME")
    assert plant.waiting() == ["BOLT 5 short", "SHEET 2 short", "BOLT 6 short", "LUG 1 short"]
    changes = OrderChange.objects.filter(what="structure").order_by("pk")
    assert [(change.order.number, change.after) for change in changes] == [
        (ORDER, "copied again"),
        ("W-FRAME", "edited"),
    ]


def test_a_released_order_s_structure_is_frozen_until_it_is_reset(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    lines = [plant.line(10, "BOLT", 9)]
    changes: list[Callable[[], object]] = [
        lambda: edit_structure(site=plant.site, number=ORDER, lines=lines, by=plant.storekeeper),
        lambda: refresh_structure(site=plant.site, number=ORDER, by=plant.storekeeper),
        lambda: release_order(site=plant.site, number=ORDER, by=plant.storekeeper),
    ]
    for change in changes:
        with refused("order_not_new", field="order"):
            change()
    reset_order(site=plant.site, number=ORDER, by=plant.storekeeper)
    edit_structure(site=plant.site, number=ORDER, lines=lines, by=plant.storekeeper)
    release_order(site=plant.site, number=ORDER, by=plant.storekeeper)
    plant.books(1, "BRACKET")
    assert plant.waiting() == ["BOLT 9 short"]


def test_an_order_with_something_booked_does_not_go_back_to_new(plant: Plant) -> None:
    plant.has(10, "LUG", at="RAW")
    plant.releases(10, "BRACKET")
    plant.issues(1, "LUG", "BRACKET")
    with refused("order_not_released"):
        reset_order(site=plant.site, number=ORDER, by=plant.storekeeper)
    plant.books(1, "FRAME")
    with refused("order_not_released"):
        reset_order(site=plant.site, number="W-FRAME", by=plant.storekeeper)


def test_an_order_s_own_lines_are_validated(plant: Plant) -> None:
    plant.orders(10, "BRACKET")
    for code, lines in {
        "duplicate_line": [plant.line(10, "BOLT", 1, ends=DAY), plant.line(10, "LUG", 1, starts=DAY + timedelta(1))],
        "overlapping_lines": [plant.line(10, "BOLT", 1), plant.line(10, "LUG", 1)],
        "invalid_quantity": [plant.line(10, "BOLT", 0)],
        "fixed_on_phantom": [plant.line(10, "PANEL", 1, fixed=1)],
    }.items():
        with refused(code):
            edit_structure(site=plant.site, number=ORDER, lines=lines, by=plant.storekeeper)


def test_an_order_s_own_lines_cannot_contain_its_item(plant: Plant) -> None:
    """Neither directly nor through a phantom (S5)."""
    plant.stocks("SHELL", "P", "BOUGHT")
    plant.consists("SHELL", plant.line(10, "BRACKET", 1))
    plant.orders(10, "BRACKET")
    for itself in ("BRACKET", "SHELL"):
        with refused("structure_loop"):
            edit_structure(site=plant.site, number=ORDER, lines=[plant.line(10, itself, 1)], by=plant.storekeeper)


def test_the_lines_in_force_on_the_start_date_are_taken_both_dates_included(plant: Plant) -> None:
    plant.consists(
        "BRACKET",
        plant.line(10, "BOLT", 4, ends=DAY),
        plant.line(10, "BOLT", 5, starts=DAY + timedelta(1)),
        plant.line(20, "LUG", 1, starts=DAY, ends=DAY),
    )
    for number, day in (("W-1", DAY - timedelta(1)), ("W-2", DAY), ("W-3", DAY + timedelta(1))):
        plant.releases(10, "BRACKET", number=number, at=day)
        plant.books(1, number)
    assert plant.waiting() == ["BOLT 4 short", "BOLT 4 short", "LUG 1 short", "BOLT 5 short"]


def test_a_line_without_a_conversion_is_refused_at_release(plant: Plant) -> None:
    plant.consists(
        "BRACKET",
        plant.line(10, "BOLT", 1, "BOX"),
        plant.line(20, "LUG", 1, "M", by_hand=True),
        plant.line(30, "TUBE", 5, "MM"),
    )
    plant.orders(10, "BRACKET")
    with refused("no_conversion", field="unit"):
        release_order(site=plant.site, number=ORDER, by=plant.storekeeper)
    with pytest.raises(NoConversion, match=r"BOX.*line 10.*line 20"):
        release_order(site=plant.site, number=ORDER, by=plant.storekeeper)
    box, piece = unit_coded("BOX"), unit_coded("EA")
    add_conversions([ConversionIn(box, piece, Fraction(6), item_coded("BOLT"))])
    add_conversions([ConversionIn(unit_coded("M"), piece, Fraction(2), item_coded("LUG"))])
    # With the present conversions: there were none when the order was created.
    release_order(site=plant.site, number=ORDER, by=plant.storekeeper)
    plant.books(1, "BRACKET")
    assert plant.waiting() == ["BOLT 6 short", "TUBE 0.005 short"]


def test_a_purchase_order_is_refused_where_a_line_in_force_has_no_conversion(plant: Plant) -> None:
    plant.consists("PLATED", plant.line(10, "LUG", 1, "BOX", starts=DAY))
    with refused("no_conversion"):
        plant.buys(10, "PLATED")
    # The line isn't in force on the day before, so only the receipt can find it, and is refused whole.
    plant.buys(10, "PLATED", at=DAY - timedelta(1))
    with refused("no_conversion"):
        plant.receives(1, "PLATED", at=DAY)
    plant.receives(1, "PLATED", at=DAY - timedelta(1))


def test_a_production_without_order_is_refused_whole_without_a_conversion(plant: Plant) -> None:
    plant.consists("PACK", plant.line(10, "BOLT", 1), plant.line(20, "LUG", 1, "BOX"))
    with refused("no_conversion"):
        plant.produces(1, "PACK")
    with refused("no_conversion"):
        plant.foresees_production(1, "PACK")


def test_an_order_s_own_unit_needs_a_way_to_the_stock_unit(plant: Plant) -> None:
    with refused("no_conversion"):
        plant.orders(10, "BRACKET", unit="KG")
    with refused("not_found"):
        plant.orders(10, "BRACKET", unit="DOZEN")


def test_an_order_in_boxes_assumes_for_the_pieces(plant: Plant) -> None:
    plant.releases(10, "BRACKET", unit="BOX")
    plant.books("0.25", "BRACKET")
    assert plant.waiting() == ["BOLT 12 short"]
    assert plant.balance("BRACKET", at="FG") == 3
    with refused("invalid_quantity"):
        plant.books("0.1", "BRACKET")


@pytest.mark.parametrize("quantity", ["0", "-1", "1.5", "NaN", "Infinity"])
def test_an_order_is_for_a_quantity_that_fits(plant: Plant, quantity: str) -> None:
    with refused("invalid_quantity"):
        plant.orders(quantity, "BRACKET")
    with refused("invalid_quantity"):
        plant.buys(quantity, "PLATED")


def test_works_orders_are_for_made_items_and_purchase_orders_for_bought_ones(plant: Plant) -> None:
    for item in ("BOLT", "PLATED", "PANEL", "PACK"):
        with refused("wrong_class", field="item"):
            plant.orders(1, item)
    for item in ("BRACKET", "PANEL", "PACK"):
        with refused("wrong_class", field="item"):
            plant.buys(1, item)
    for item in ("BOLT", "PLATED", "PANEL"):
        with refused("wrong_class", field="item"):
            plant.produces(1, item)


def test_an_item_obsolete_on_the_start_date_gets_no_order(plant: Plant) -> None:
    plant.stocks("BRACE", "M", "MADE", obsolete_on=DAY)
    plant.orders(1, "BRACE", number="W-1", at=DAY - timedelta(1))
    with refused("obsolete_item", field="item"):
        plant.orders(1, "BRACE", number="W-2", at=DAY)


def test_an_order_number_is_unique(plant: Plant) -> None:
    plant.orders(1, "BRACKET")
    plant.buys(1, "PLATED")
    with refused("already_there", field="number"):
        plant.orders(1, "FRAME", number=ORDER)
    with refused("already_there", field="number"):
        plant.buys(1, "PLATED")


def test_an_order_number_that_a_database_cannot_store_is_refused(plant: Plant) -> None:
    with refused("invalid_value", field="number"):
        plant.orders(1, "BRACKET", number="X" * 61)
    with refused("invalid_value", field="number"):
        plant.buys(1, "PLATED", number="X" * 51)


def test_an_order_goes_from_new_to_complete_and_may_be_reopened(plant: Plant) -> None:
    plant.has(100, "BOLT")
    plant.has(100, "LUG", at="RAW")
    plant.orders(10, "BRACKET")
    completes = partial(complete_order, site=plant.site, number=ORDER, by=plant.storekeeper)
    with refused("order_not_open"):
        plant.books(1, "BRACKET")
    release_order(site=plant.site, number=ORDER, by=plant.storekeeper)
    plant.books(1, "BRACKET")
    assert plant.order("BRACKET").status == OrderStatus.OPEN
    completes()
    attempts: list[Callable[[], object]] = [
        lambda: plant.books(1, "BRACKET"),
        lambda: plant.issues(1, "LUG", "BRACKET"),
        lambda: plant.returns(1, "BOLT", "BRACKET"),
        completes,
    ]
    for attempt in attempts:
        with refused("order_not_open"):
            attempt()
    other = plant.releases(1, "FRAME")
    with refused("order_not_complete"):
        reopen_order(site=plant.site, number=other, by=plant.storekeeper)
    reopen_order(site=plant.site, number=ORDER, by=plant.storekeeper)
    plant.books(1, "BRACKET")
    opened = opened_by(order_numbered(plant.site, ORDER))
    assert opened is not None
    assert opened.by == plant.storekeeper
    changes = OrderChange.objects.filter(order__number=ORDER, what="status").order_by("pk")
    assert [(change.before, change.after, change.remarks) for change in changes] == [
        ("", "new", ""),
        ("new", "released", ""),
        ("open", "complete", ""),
        ("complete", "open", ""),
    ]
    assert faults(plant.site) == []


def test_unresolved_movements_of_a_complete_order_can_be_settled(plant: Plant) -> None:
    plant.books(1, "BRACKET")
    complete_order(site=plant.site, number=ORDER, by=plant.storekeeper)
    plant.has(4, "BOLT")
    settled = plant.resolves("BOLT")
    plant.reverses(settled)
    assert plant.waiting() == ["BOLT 4 short"]
    assert plant.order("BRACKET").status == OrderStatus.COMPLETE


def test_only_an_order_with_nothing_booked_is_cancelled(plant: Plant) -> None:
    plant.orders(1, "FRAME")
    cancel_order(site=plant.site, number="W-FRAME", by=plant.storekeeper, remarks="no demand")
    with refused("order_not_open"):
        plant.books(1, "FRAME")
    plant.books(1, "BRACKET")
    with refused("order_has_bookings"):
        cancel_order(site=plant.site, number=ORDER, by=plant.storekeeper)


def test_an_order_whose_bookings_and_issues_are_taken_back_is_as_new(plant: Plant) -> None:
    plant.has(20, "BOLT", at="RAW")
    booking = plant.books(1, "BRACKET")
    issued = plant.issues(3, "BOLT", to="BRACKET")
    plant.reverses(booking)
    with refused("order_not_released"):
        reset_order(site=plant.site, number=ORDER, by=plant.storekeeper)
    plant.returns(2, "BOLT", of="BRACKET")
    with refused("order_has_bookings"):
        cancel_order(site=plant.site, number=ORDER, by=plant.storekeeper)
    plant.returns(1, "BOLT", of="BRACKET")
    assert issued.pk
    reset_order(site=plant.site, number=ORDER, by=plant.storekeeper)
    assert plant.order("BRACKET").status == OrderStatus.NEW
    refresh_structure(site=plant.site, number=ORDER, by=plant.storekeeper)
    release_order(site=plant.site, number=ORDER, by=plant.storekeeper)
    plant.books(1, "BRACKET")
    assert faults(plant.site) == []


def test_quantity_and_due_date_change_with_a_trace(plant: Plant) -> None:
    plant.orders(10, "BRACKET")
    revises = partial(revise_order, site=plant.site, number=ORDER, by=plant.storekeeper)
    revises(quantity=Decimal(12), due_date=date(2026, 4, 1), remarks="two more")
    changes = OrderChange.objects.order_by("pk").values_list("what", "before", "after", "by__username", "remarks")
    assert list(changes) == [
        ("status", "", "new", "sam", ""),
        ("quantity", "10", "12", "sam", "two more"),
        ("due date", "", "2026-04-01", "sam", "two more"),
    ]
    with refused("invalid_quantity"):
        revises(quantity=Decimal(0))
    with refused("invalid_dates"):
        revises(due_date=DAY - timedelta(1))


def test_more_than_was_ordered_may_be_booked_and_received(plant: Plant) -> None:
    plant.releases(2, "BRACKET")
    plant.books(5, "BRACKET")
    plant.buys(2, "PLATED")
    plant.receives(5, "PLATED")
    assert (plant.cost_object("BRACKET").good, plant.order("BRACKET").status) == (5, OrderStatus.OPEN)


def test_a_full_order_completes_itself_if_the_site_is_set_so(plant: Plant) -> None:
    plant.completes_when_full()
    plant.releases(3, "BRACKET")
    plant.books(2, "BRACKET", 5)
    assert plant.order("BRACKET").status == OrderStatus.OPEN
    booking = plant.books(1, "BRACKET")
    assert plant.order("BRACKET").status == OrderStatus.COMPLETE
    # A reversal leaves the status.
    plant.reverses(booking)
    assert plant.order("BRACKET").status == OrderStatus.COMPLETE


def test_the_first_booking_of_a_call_can_complete_the_order_before_the_second(plant: Plant) -> None:
    plant.completes_when_full()
    plant.releases(1, "BRACKET")
    many = [plant.booking(1, "BRACKET"), plant.booking(1, "BRACKET")]
    book_production_many(many, site=plant.site, by=plant.storekeeper)
    assert plant.order("BRACKET").status == OrderStatus.COMPLETE


def test_a_purchase_order_can_be_closed_short(plant: Plant) -> None:
    plant.buys(10, "PLATED")
    plant.receives(4, "PLATED")
    close_order(site=plant.site, number="P-PLATED", by=plant.storekeeper)
    with refused("order_not_open"):
        plant.receives(1, "PLATED")
    with refused("order_not_open"):
        close_order(site=plant.site, number="P-PLATED", by=plant.storekeeper)


def test_unknown_orders_are_named(plant: Plant) -> None:
    with refused("not_found", field="order"):
        plant.receives(1, "P-404")
    with refused("not_found", field="order"):
        complete_order(site=plant.site, number="W-404", by=plant.storekeeper)
    with refused("not_found", field="item"):
        plant.orders(1, "NOTHING")
