"""A serial number is in stock once, whatever operation brought it in (T3, B8)."""

from decimal import Decimal

from backflush.handling.moves import OpeningIn, open_stock
from backflush.items.selectors import item_coded
from backflush.works.services.booking import book_production_many
from tests.cast import DAY, Plant
from tests.oracle import faults, refused


def test_a_serial_in_stock_cannot_be_received_again_at_any_place(plant: Plant) -> None:
    plant.stocks("ENGINE", "M", "MADE", tracking="serial")
    plant.books(1, "ENGINE", serials=["S1"])
    for attempt in (
        lambda: plant.books(1, "ENGINE", serials=["S1"]),
        lambda: plant.produces(2, "ENGINE", serials=["S2", "S1"]),
        lambda: plant.has(1, "ENGINE", at="RAW", serials=["S1"]),
    ):
        with refused("serial_in_stock", field="serials"):
            attempt()
    # The same number of another item is a different piece.
    plant.has(1, "MOTOR", serials=["S1"])
    assert faults(plant.site) == []


def test_a_serial_that_left_stock_can_be_received_again(plant: Plant) -> None:
    plant.has(1, "MOTOR", serials=["S1"])
    plant.moves(1, "MOTOR", "LINE", "ADJUST", action="ADJUST", serials=["S1"])
    back = plant.moves(1, "MOTOR", "ADJUST", "LINE", action="ADJUST", serials=["S1"])
    plant.moves(1, "MOTOR", "LINE", "RAW", serials=["S1"])
    with refused("insufficient_stock"):
        plant.reverses(back)
    assert faults(plant.site) == []


def test_a_serial_moves_between_places(plant: Plant) -> None:
    plant.has(2, "MOTOR", at="RAW", serials=["S1", "S2"])
    plant.moves(2, "MOTOR", serials=["S1", "S2"])
    assert (plant.balance("MOTOR", at="RAW"), plant.balance("MOTOR")) == (0, 2)
    with refused("insufficient_stock"):
        plant.moves(1, "MOTOR", serials=["S1"])
    with refused("serials_required"):
        plant.moves(2, "MOTOR", "LINE", "RAW", serials=["S1"])


def test_two_bookings_of_one_call_cannot_make_the_same_serial(plant: Plant) -> None:
    plant.stocks("ENGINE", "M", "MADE", tracking="serial")
    plant.releases(10, "ENGINE")
    twice = [plant.booking(1, "ENGINE", serials=["S1"]), plant.booking(1, "ENGINE", serials=["S1"])]
    with refused("serial_in_stock", field="serials"):
        book_production_many(twice, site=plant.site, by=plant.storekeeper)


def test_opening_stock_has_each_serial_once(plant: Plant) -> None:
    motor = item_coded("MOTOR")
    openings = [
        OpeningIn(item=motor, location=plant.location(at), quantity=Decimal(1), serial="S1") for at in ("LINE", "RAW")
    ]
    with refused("serial_in_stock", field="serials"):
        open_stock(openings, site=plant.site, by=plant.storekeeper, at=DAY)


def test_a_reversal_is_refused_if_the_serial_was_received_elsewhere_since(plant: Plant) -> None:
    """It left and was received at another place, so it can't be returned as well."""
    plant.has(1, "MOTOR", serials=["S1"])
    plant.has(1, "MOTOR", serials=["S2"])
    booking = plant.books(1, "CABINET")
    plant.resolves("MOTOR", serials=["S1"])
    plant.has(1, "MOTOR", at="RAW", serials=["S1"])
    with refused("serial_in_stock"):
        plant.reverses(booking)
    assert faults(plant.site) == []
