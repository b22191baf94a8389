"""Reversals: once, whole, from the records, at the cost of the original (V1 to V5, B4)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from backflush.core.moves import Process, Status
from backflush.costing.selectors import order_cost
from backflush.items.selectors import item_coded
from backflush.items.services import set_costs
from backflush.ledger.models import Balance, Movement, Posting
from backflush.ledger.selectors import openings_at
from backflush.stockmap.services import end_rule
from backflush.works.services.transitions import complete_order
from tests.cast import DAY, Plant
from tests.oracle import faults, refused


def nets(plant: Plant) -> set[Decimal]:
    """Return the net change of all balances, without opening stock."""
    return {balance.quantity for balance in Balance.objects.filter(site=plant.site)}


def test_a_booking_is_reversed_with_its_goods_use_and_unresolved_movements(plant: Plant) -> None:
    plant.has(30, "BOLT")
    plant.has(2, "LUG")
    booking = plant.books(3, "TRAY", 1)
    other = plant.books(3, "BRACKET", 1)
    assert plant.waiting() == ["LUG 38 short"]
    for one in (booking, other):
        plant.reverses(one)
    assert plant.waiting() == []
    assert [plant.balance(item) for item in ("BOLT", "LUG")] == [30, 2]
    assert [plant.balance(item, at="FG") for item in ("TRAY", "BRACKET")] == [0, 0]
    assert (plant.cost_object("TRAY").good, plant.cost_object("TRAY").scrap) == (0, 0)
    assert Movement.objects.get(due=38).status == Status.CANCELLED
    assert faults(plant.site) == []


def test_a_production_and_a_receipt_are_reversed(plant: Plant) -> None:
    plant.has(100, "BOLT")
    plant.has(100, "LUG")
    plant.has(100, "LUG", at="ACME/STOCK")
    plant.buys(10, "PLATED")
    for booking in (plant.produces(2, "PACK"), plant.receives(2, "PLATED", 1)):
        plant.reverses(booking)
        with refused("already_reversed", field="posting"):
            plant.reverses(booking)
    assert nets(plant) == {0, 100}
    assert faults(plant.site) == []


def test_resolved_quantities_return_to_their_source(plant: Plant) -> None:
    plant.has(50, "BOLT", at="RAW")
    plant.has(50, "BOLT", at="FG")
    booking = plant.books(5, "BRACKET")
    plant.resolves("BOLT", 5, source="RAW", remainder="keep")
    plant.resolves("BOLT", 9, source="FG", remainder="keep")
    undone = plant.resolves("BOLT", 1, source="RAW", remainder="keep")
    plant.reverses(undone)
    plant.resolves("BOLT", 2, source="RAW", remainder="keep")
    plant.reverses(booking)
    assert (plant.balance("BOLT", at="RAW"), plant.balance("BOLT", at="FG")) == (50, 50)
    assert plant.waiting() == []
    assert faults(plant.site) == []


def test_a_cancelled_line_stays_cancelled(plant: Plant) -> None:
    booking = plant.books(1, "BRACKET")
    cancelled = plant.cancels("BOLT")
    plant.reverses(booking)
    with refused("already_reversed"):
        plant.reverses(cancelled)
    assert faults(plant.site) == []


def test_a_resolution_is_not_undone_when_its_booking_is(plant: Plant) -> None:
    booking = plant.books(1, "BRACKET")
    plant.has(10, "BOLT")
    resolved = plant.resolves("BOLT")
    plant.reverses(booking)
    with refused("already_reversed"):
        plant.reverses(resolved)


def test_a_reversal_uses_the_records_and_not_today_s_set_up(plant: Plant) -> None:
    plant.has(100, "BOLT")
    booking = plant.books(2, "BRACKET")
    plant.consists("BRACKET", plant.line(10, "LUG", 9))
    for rule in plant.site.rules.filter(action__name__in=["BACKFLUSH", "COMPLETE"]):
        end_rule(rule=rule)
    plant.reverses(booking)
    assert (plant.balance("BOLT"), plant.balance("BRACKET", at="FG")) == (100, 0)
    assert faults(plant.site) == []


def test_a_reversal_is_refused_whole_if_the_goods_have_left(plant: Plant) -> None:
    plant.has(100, "BOLT")
    booking = plant.books(3, "BRACKET")
    plant.moves(1, "BRACKET", "FG", "ADJUST", action="ADJUST")
    with refused("insufficient_stock"):
        plant.reverses(booking)
    # Other pieces will do, because untracked stock of an item is interchangeable.
    plant.books(1, "BRACKET")
    plant.reverses(booking)
    assert faults(plant.site) == []


def test_a_reversal_needs_the_same_batch_or_serial_in_stock(plant: Plant) -> None:
    plant.stocks("ENGINE", "K", "MADE", tracking="serial")
    booking = plant.produces(1, "ENGINE", serials=["S1"])
    plant.moves(1, "ENGINE", "FG", "ADJUST", action="ADJUST", serials=["S1"])
    plant.produces(1, "ENGINE", serials=["S2"])
    with refused("insufficient_stock"):
        plant.reverses(booking)


def test_a_reversal_on_a_complete_order_leaves_its_status(plant: Plant) -> None:
    booking = plant.books(1, "BRACKET")
    complete_order(site=plant.site, number="W-BRACKET", by=plant.storekeeper)
    plant.reverses(booking)
    assert (plant.order("BRACKET").status, plant.cost_object("BRACKET").good) == ("complete", 0)


def test_a_reversed_booking_costs_exactly_nothing(plant: Plant) -> None:
    plant.has(100, "BOLT")
    booking = plant.books(3, "BRACKET")
    waiting = plant.books(90, "BRACKET")
    set_costs(item_coded("BOLT"), {"standard_material": Decimal("0.123457")})
    plant.has(1000, "BOLT", at="RAW")
    plant.resolves("BOLT", source="RAW")
    assert order_cost(plant.cost_object("BRACKET")).material == 12 * Decimal("0.10") + 360 * Decimal("0.123457")
    set_costs(item_coded("BOLT"), {"standard_material": Decimal("9.99")})
    plant.reverses(booking)
    plant.reverses(waiting)
    assert order_cost(plant.cost_object("BRACKET")).material == 0
    assert faults(plant.site) == []


def test_a_reversal_has_its_own_event_time(plant: Plant) -> None:
    booking = plant.books(1, "BRACKET", at=DAY)
    with refused("date_before_original", field="at"):
        plant.reverses(booking, at=DAY - timedelta(1))
    with refused("date_in_future", field="at"):
        plant.reverses(booking, at=timezone.now() + timedelta(1))
    assert plant.reverses(booking, at=DAY + timedelta(3)).at.date() == DAY + timedelta(3)


@pytest.mark.parametrize("how", ["issue", "return", "move"])
def test_a_manual_move_is_reversed_once(plant: Plant, how: str) -> None:
    plant.has(50, "LUG", at="RAW")
    plant.releases(10, "BRACKET")
    plant.issues(20, "LUG", "BRACKET")
    there = plant.balance("LUG", at="RAW")
    posting = {
        "issue": lambda: plant.issues(5, "LUG", "BRACKET"),
        "return": lambda: plant.returns(5, "LUG", "BRACKET"),
        "move": lambda: plant.moves(5, "LUG"),
    }[how]()
    with refused("date_before_original"):
        plant.reverses(posting, at=DAY - timedelta(1))
    reversal = plant.reverses(posting)
    assert plant.balance("LUG", at="RAW") == there
    with refused("already_reversed", field="posting"):
        plant.reverses(posting)
    with refused("not_reversible", field="posting"):
        plant.reverses(reversal)
    assert faults(plant.site) == []


def test_stock_that_has_left_is_not_moved_back(plant: Plant) -> None:
    plant.has(50, "LUG", at="RAW")
    plant.releases(10, "BRACKET")
    moved = plant.moves(20, "LUG")
    plant.moves(1, "LUG", "LINE", "RAW")
    with refused("insufficient_stock"):
        plant.reverses(moved)
    plant.issues(10, "LUG", "BRACKET")
    returned = plant.returns(10, "LUG", "BRACKET")
    plant.moves(plant.balance("LUG", at="RAW"), "LUG")
    with refused("insufficient_stock"):
        plant.reverses(returned)
    assert faults(plant.site) == []


def test_neither_a_return_nor_a_reversal_makes_an_order_s_use_negative(plant: Plant) -> None:
    plant.has(50, "LUG", at="RAW")
    plant.has(50, "BOLT")
    plant.releases(10, "BRACKET")
    with refused("more_than_issued", field="quantity"):
        plant.returns(1, "LUG", "BRACKET")
    issued = plant.issues(5, "LUG", "BRACKET")
    booking = plant.books(1, "BRACKET")
    # Assumed use counts as used.
    plant.returns(3, "BOLT", "BRACKET")
    with refused("more_than_issued"):
        plant.returns(2, "BOLT", "BRACKET")
    with refused("more_than_issued"):
        plant.reverses(booking)
    plant.returns(1, "LUG", "BRACKET")
    with refused("more_than_issued"):
        plant.reverses(issued)
    assert faults(plant.site) == []


def test_unresolved_quantities_cannot_be_returned(plant: Plant) -> None:
    plant.books(1, "BRACKET")
    with refused("more_than_issued"):
        plant.returns(1, "BOLT", "BRACKET")


def test_mistyped_opening_stock_is_reversed_once(plant: Plant) -> None:
    plant.has(5, "BOLT")
    opening = Posting.objects.get(process=Process.OPENING)
    plant.reverses(opening)
    assert plant.balance("BOLT") == 0
    assert openings_at(plant.site, [item_coded("BOLT").pk]) == {}
    assert faults(plant.site) == []
    with refused("already_reversed"):
        plant.reverses(opening)
    plant.has(6, "BOLT")
    assert [quantity for quantity, _ in openings_at(plant.site, [item_coded("BOLT").pk]).values()] == [6]


def test_opening_stock_that_has_moved_cannot_be_reversed(plant: Plant) -> None:
    plant.has(5, "BOLT", at="RAW")
    plant.moves(1, "BOLT")
    with refused("insufficient_stock"):
        plant.reverses(Posting.objects.get(process=Process.OPENING))


def test_an_unknown_posting_is_not_reversed(plant: Plant) -> None:
    with refused("not_found"):
        plant.reverses_number(999_999_999)


def test_the_rounding_after_a_reversal_evens_out(plant: Plant) -> None:
    plant.has(100, "BOLT")
    plant.consists("BRACKET", plant.line(10, "BOLT", "0.5"))
    first, *_ = (plant.books(1, "BRACKET") for _ in range(3))
    plant.reverses(first)
    plant.books(1, "BRACKET")
    plant.books(2, "BRACKET")
    # Five pieces remain, at half a bolt each: two and a half, rounded up.
    assert plant.balance("BOLT") == 97
    assert faults(plant.site) == []


def test_repeated_booking_and_reversing_restores_all_balances(plant: Plant) -> None:
    plant.has(13, "LUG")
    plant.has(7, "TUBE")
    plant.has("0.3", "PAINT")
    for good in (1, 3, 2, 1):
        booking = plant.books(good, "FRAME")
        plant.reverses(booking)
    assert [plant.balance(item) for item in ("LUG", "TUBE", "PAINT")] == [13, 7, Decimal("0.3")]
    assert plant.waiting() == []
    assert faults(plant.site) == []
