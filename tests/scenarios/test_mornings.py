"""Mornings on the shop floor: what people do, and the result."""

from datetime import timedelta
from decimal import Decimal

from backflush.backflushing.selectors import explain
from backflush.costing.selectors import order_cost
from backflush.ledger.models import Movement
from backflush.works.services.transitions import complete_order
from tests.cast import DAY, Plant
from tests.oracle import faults, refused


def test_finding_the_missing_bolts_clears_the_queue(plant: Plant) -> None:
    plant.has(5, "BOLT", at="LINE")
    plant.books(2, "BRACKET")  # each bracket takes four bolts
    assert plant.waiting() == ["BOLT 8 short"]
    plant.finds(3, "BOLT")
    plant.resolves("BOLT")
    assert plant.waiting() == []
    assert plant.balance("BOLT", at="LINE") == 0
    assert faults(plant.site) == []


def test_a_shift_that_was_booked_on_the_wrong_order_is_put_right(plant: Plant) -> None:
    """Six frames were made but booked as brackets. The bolts resolved for these have to go back."""
    plant.has(20, "TUBE")
    plant.has(36, "LUG")
    plant.has(1, "PAINT")
    wrong = plant.books(6, "BRACKET")
    plant.has(24, "BOLT", at="RAW")
    plant.resolves("BOLT", source="RAW")

    plant.reverses(wrong)
    right = plant.books(6, "FRAME")

    assert plant.balance("BOLT", at="RAW") == 24
    assert plant.balance("BRACKET", at="FG") == 0
    assert plant.balance("FRAME", at="FG") == 6
    assert [plant.balance(item) for item in ("TUBE", "LUG", "PAINT")] == [Decimal("0.8"), 0, Decimal("0.062")]
    assert plant.waiting() == []
    assert order_cost(plant.cost_object("BRACKET")).material == 0
    paint = Movement.objects.get(posting=right.posting_id, item__code="PAINT")
    # 150 g each, 4 % waste, for six: 0.9375 kg, rounded once.
    assert explain(plant.site, paint.pk).exact == Decimal("0.9375")
    assert paint.quantity == Decimal("0.938")
    assert faults(plant.site) == []


def test_the_plater_ran_out_of_lugs_and_used_unbooked_ones(plant: Plant) -> None:
    """Free-issued lugs are sent, plates come back for more than was sent, and the rest turns up at the plant."""
    plant.has(500, "LUG", at="RAW")
    plant.moves(100, "LUG", "RAW", "ACME/STOCK", action="SEND")
    plant.buys(50, "PLATED")
    plant.receives(20, "PLATED")
    plant.receives(18, "PLATED", 2)  # two were spoilt, and used their lugs too
    assert plant.waiting() == ["LUG 80 short"]
    assert plant.balance("LUG", at="ACME/STOCK") == 20

    # Twenty were there after all. Of the others he had forty from us that were never booked, and the rest was not used.
    plant.resolves("LUG", 20, remainder="keep")
    plant.resolves("LUG", 40, source="RAW", remainder="keep")
    plant.cancels("LUG", "used his own")

    assert plant.waiting() == []
    assert plant.balance("LUG", at="RAW") == 360
    assert plant.balance("PLATED", at="FG") == 38
    assert faults(plant.site) == []


def test_a_cabinet_with_numbered_motors_and_resin_by_the_batch(plant: Plant) -> None:
    plant.has(100, "SHEET")
    plant.has(100, "BOLT")
    plant.has(4, "MOTOR", serials=["S1", "S2", "S3", "S4"])
    plant.has(2, "RESIN", batch="old")
    plant.has(5, "RESIN", batch="new")
    plant.books(3, "CABINET")
    assert plant.waiting() == ["MOTOR 3 serial", "RESIN 1.5 batch"]

    plant.retries()  # no one can know which, so nothing is settled
    assert len(plant.waiting()) == 2
    motors = plant.resolves("MOTOR", serials=["S1", "S2", "S4"])
    plant.resolves("RESIN", 1, batch="old", remainder="keep")
    plant.resolves("RESIN", batch="new")

    # S3 was used, not S4.
    plant.reverses(motors)
    plant.resolves("MOTOR", serials=["S1", "S2", "S3"])
    with refused("insufficient_stock"):
        plant.moves(1, "MOTOR", "LINE", "RAW", serials=["S3"])
    plant.moves(1, "MOTOR", "LINE", "RAW", serials=["S4"])
    assert plant.balance("RESIN") == Decimal("5.5")
    assert faults(plant.site) == []


def test_a_delivery_is_recorded_a_week_late(plant: Plant) -> None:
    """Production went on all week; the delivery note was typed in on Friday, and one retry settled what it could."""
    for day in range(5):
        plant.books(4, "FRAME", at=DAY + timedelta(day), key=f"day {day}")
        plant.books(2, "TRAY", at=DAY + timedelta(day))
    assert len(plant.waiting()) == 20
    friday = DAY + timedelta(4)
    for quantity, item in ((1000, "TUBE"), (3, "PAINT"), (150, "LUG")):
        plant.has(quantity, item, at="RAW")
        plant.moves(quantity, item, at=friday)
    plant.retries(at=friday)

    # Oldest first: frames take 24 lugs a day and trays 20, in part where there are not enough. Paint is 0.625 a day.
    assert plant.waiting() == [
        "LUG 24 short",
        "LUG 2 short",
        "LUG 24 short",
        "PAINT 0.625 short",
        "LUG 20 short",
    ]
    assert plant.balance("TUBE") == 1000 - 5 * Decimal("12.8")
    assert (plant.balance("LUG"), plant.balance("PAINT")) == (0, Decimal("0.5"))
    waiting = plant.waiting()
    again = plant.books(4, "FRAME", at=DAY, key="day 0")
    assert again.posting.key is not None
    assert plant.waiting() == waiting

    complete_order(site=plant.site, number="W-FRAME", by=plant.storekeeper)
    while plant.waiting():
        plant.cancels(plant.queue()[0].pk, "counted, was not there")
    assert plant.cost_object("FRAME").good == 20
    assert faults(plant.site) == []
