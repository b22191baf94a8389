"""Bookings, productions and receipts: goods, assumed use, and event time (B2, B8, B9, Q3, R, S)."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backflush.backflushing.models import Booking
from backflush.core.quantity import round_half_up
from backflush.ledger.models import Movement
from backflush.works.services.booking import book_production_many
from tests.cast import DAY, Plant
from tests.databases import rolled_back
from tests.oracle import faults, refused


def used(plant: Plant, booking: Booking) -> dict[str, Decimal]:
    """Return what a booking assumed by item, posted and unresolved together."""
    found: dict[str, Decimal] = {}
    for row in Movement.objects.filter(posting=booking.posting_id, line__isnull=False).select_related("item"):
        found[row.item.code] = found.get(row.item.code, Decimal(0)) + row.quantity + (row.due or 0)
    return found


def test_good_and_scrap_are_backflushed_together_and_good_alone_goes_into_stock(plant: Plant) -> None:
    booking = plant.books(3, "BRACKET", 2, scrap_reason="bent")
    assert used(plant, booking) == {"BOLT": 20}
    assert plant.balance("BRACKET", at="FG") == 3
    assert (plant.cost_object("BRACKET").good, plant.cost_object("BRACKET").scrap) == (3, 2)
    assert booking.scrap_reason == "bent"


def test_scrap_alone_can_be_booked_and_an_empty_booking_cannot(plant: Plant) -> None:
    assert used(plant, plant.books(0, "BRACKET", 2)) == {"BOLT": 8}
    assert plant.balance("BRACKET", at="FG") == 0
    for good, scrap in ((0, 0), (-1, 2), (2, -1), ("NaN", 1), (1, "Infinity"), ("0.5", "0.5")):
        with refused("invalid_quantity"):
            plant.books(good, "BRACKET", scrap)


def test_a_scrap_reason_that_a_database_cannot_store_is_refused(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    with refused("invalid_value", field="scrap_reason"):
        plant.books(1, "BRACKET", 1, scrap_reason="x" * 61)


def test_a_call_of_many_is_all_or_nothing(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    many = [plant.booking(1, "BRACKET"), plant.booking(2, "FRAME"), plant.booking("1.5", "BRACKET")]
    with refused("invalid_quantity"):
        book_production_many(many, site=plant.site, by=plant.storekeeper)


def test_the_second_booking_of_a_call_finds_the_stock_that_the_first_left(plant: Plant) -> None:
    plant.has(9, "BOLT")
    many = [plant.booking(1, "BRACKET"), plant.booking(2, "BRACKET"), plant.booking(1, "BRACKET")]
    book_production_many(many, site=plant.site, by=plant.storekeeper)
    assert plant.waiting() == ["BOLT 8 short"]
    assert plant.balance("BOLT") == 1
    assert faults(plant.site) == []


# Rounding never drifts (Q3)


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    per_piece=st.fractions(Fraction(1, 40), 3, max_denominator=40).map(lambda ratio: round(Decimal(float(ratio)), 3)),
    waste=st.sampled_from(["0", "3", "4", "33.3"]),
    fixed=st.sampled_from(["0", "0.5"]),
    pieces=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)).filter(any), min_size=1, max_size=7),
    in_one_call=st.booleans(),
    by_receipt=st.booleans(),
)
def test_any_split_of_a_total_into_bookings_assumes_the_same_as_one(
    plant: Plant,
    per_piece: Decimal,
    waste: str,
    fixed: str,
    pieces: list[tuple[int, int]],
    in_one_call: bool,
    by_receipt: bool,
) -> None:
    item = "PLATED" if by_receipt else "BRACKET"
    good, scrap = (sum(some) for some in zip(*pieces, strict=True))
    exact = Fraction(per_piece or "0.001") * (good + scrap) * 100 / (100 - Fraction(waste)) + Fraction(fixed)
    with rolled_back():
        plant.consists(item, plant.line(10, "PAINT", per_piece or "0.001", "KG", waste, fixed=fixed))
        if by_receipt:
            plant.buys(1000, item)
            bookings = [plant.receives(some, item, scrapped) for some, scrapped in pieces]
        else:
            many = [plant.booking(some, item, scrapped) for some, scrapped in pieces]
            calls = [many] if in_one_call else [[one] for one in many]
            bookings = [
                booking
                for call in calls
                for booking in book_production_many(call, site=plant.site, by=plant.storekeeper)
            ]
        assumed = sum((used(plant, booking).get("PAINT", Decimal(0)) for booking in bookings), Decimal(0))
        assert assumed == round_half_up(exact, 3)
        assert faults(plant.site) == []


def test_a_requirement_that_rounds_to_zero_makes_no_movement(plant: Plant) -> None:
    plant.consists("BRACKET", plant.line(10, "BOLT", "0.3"))
    assert [used(plant, plant.books(1, "BRACKET")).get("BOLT", 0) for _ in range(6)] == [0, 1, 0, 0, 1, 0]
    assert faults(plant.site) == []


def test_a_production_without_order_has_its_own_cumulative_use(plant: Plant) -> None:
    plant.consists("PACK", plant.line(10, "BOLT", "0.4", fixed="0.2"))
    assert [used(plant, plant.produces(1, "PACK")) for _ in range(3)] == [{"BOLT": 1}] * 3


def test_a_new_version_of_a_line_continues_the_rounding_of_receipts(plant: Plant) -> None:
    tomorrow = DAY + timedelta(1)
    plant.consists("PLATED", plant.line(10, "LUG", "0.4", ends=DAY), plant.line(10, "LUG", "0.3", starts=tomorrow))
    plant.buys(100, "PLATED")
    assert [used(plant, plant.receives(1, "PLATED", at=day)) for day in (DAY, tomorrow, DAY)] == [
        {},
        {"LUG": 1},
        {},
    ]
    assert faults(plant.site) == []


def test_a_fixed_quantity_is_assumed_once_per_order_by_the_first_booking_not_reversed(plant: Plant) -> None:
    plant.consists("BRACKET", plant.line(10, "BOLT", 4, "EA", 50, fixed=10))
    first = plant.books(0, "BRACKET", 1)
    second = plant.books(1, "BRACKET")
    assert [used(plant, one)["BOLT"] for one in (first, second)] == [18, 8]
    plant.reverses(first)
    assert used(plant, plant.books(1, "BRACKET"))["BOLT"] == 18
    plant.releases(10, "BRACKET", number="W-2")
    assert used(plant, plant.books(1, "W-2"))["BOLT"] == 18
    assert faults(plant.site) == []


# Phantoms and the settings of lines (S3, S6, S7)


def test_settings_of_a_phantom_line_apply_to_all_lines_below(plant: Plant) -> None:
    plant.has(100, "SHEET", at="RAW")
    plant.has(100, "BOLT", at="LINE")
    plant.consists("BRACKET", plant.line(10, "PANEL", 2, source="RAW"), plant.line(20, "BOLT", 1))
    plant.consists("PANEL", plant.line(10, "SHEET", 2), plant.line(20, "BOLT", 6, source="LINE"))
    plant.books(1, "BRACKET")
    assert (plant.balance("SHEET", at="RAW"), plant.balance("BOLT")) == (96, 87)
    assert plant.waiting() == []


@pytest.mark.parametrize("below", [False, True])
def test_a_line_by_hand_is_never_backflushed_by_any_kind_of_booking(plant: Plant, below: bool) -> None:
    lines = [plant.line(10, "PANEL", 1, by_hand=not below), plant.line(20, "LUG", 1)]
    plant.consists("PANEL", plant.line(10, "SHEET", 1, by_hand=below))
    for item in ("BRACKET", "PACK", "PLATED"):
        plant.consists(item, *lines)
    plant.buys(10, "PLATED")
    for booking in (plant.books(2, "BRACKET"), plant.produces(2, "PACK"), plant.receives(2, "PLATED")):
        assert used(plant, booking) == {"LUG": 2}
    assert faults(plant.site) == []


@pytest.mark.parametrize("below", [False, True])
def test_supplier_provided_lines_are_left_out_of_receipts_only(plant: Plant, below: bool) -> None:
    lines = [plant.line(10, "PANEL", 1, supplier_provides=not below), plant.line(20, "LUG", 1)]
    plant.consists("PANEL", plant.line(10, "SHEET", 1, supplier_provides=below))
    for item in ("BRACKET", "PLATED"):
        plant.consists(item, *lines)
    plant.buys(10, "PLATED")
    assert used(plant, plant.receives(2, "PLATED")) == {"LUG": 2}
    assert used(plant, plant.books(2, "BRACKET")) == {"SHEET": 2, "LUG": 2}
    assert faults(plant.site) == []


def test_a_phantom_with_nothing_in_force_uses_nothing(plant: Plant) -> None:
    plant.consists("PANEL")
    plant.consists("BRACKET", plant.line(10, "PANEL", 1))
    assert used(plant, plant.books(1, "BRACKET")) == {}


def test_a_manufactured_component_is_consumed_itself(plant: Plant) -> None:
    plant.consists("FRAME", plant.line(10, "BRACKET", 2))
    plant.has(5, "BRACKET")
    plant.books(1, "FRAME")
    assert (plant.balance("BRACKET"), plant.waiting()) == (3, [])


def test_a_line_s_own_from_location_precedes_the_supplier_s_and_the_rule_s(plant: Plant) -> None:
    plant.consists("PLATED", plant.line(10, "LUG", 4), plant.line(20, "BOLT", 1, source="RAW"))
    plant.buys(10, "PLATED")
    for item, at in (("LUG", "ACME/STOCK"), ("LUG", "RAW"), ("LUG", "LINE"), ("BOLT", "RAW"), ("BOLT", "LINE")):
        plant.has(100, item, at=at)
    plant.receives(1, "PLATED")
    plant.names_stock_of("ACME", at="LINE")
    plant.receives(1, "PLATED")
    assert plant.balance("LUG", at="ACME/STOCK") == plant.balance("LUG", at="LINE") == 96
    assert plant.balance("BOLT", at="RAW") == 98
    assert plant.balance("BOLT", at="LINE") == plant.balance("LUG", at="RAW") == 100


def test_a_line_whose_from_location_is_the_rule_s_to_location_is_refused(plant: Plant) -> None:
    plant.consists("BRACKET", plant.line(10, "BOLT", 4, source="WIP"))
    plant.releases(10, "BRACKET")
    with refused("same_location", field="from"):
        plant.books(1, "BRACKET")


def test_an_item_never_contains_itself_on_any_day(plant: Plant) -> None:
    with refused("structure_loop", field="component"):
        plant.consists("BRACKET", plant.line(10, "BRACKET", 1))
    plant.consists("FRAME", plant.line(10, "BRACKET", 1, ends=date(2001, 1, 1)))
    plant.consists("PANEL", plant.line(10, "FRAME", 1))
    with refused("structure_loop", field="component"):
        plant.consists("BRACKET", plant.line(10, "PANEL", 1, starts=date(2030, 1, 1)))


# Tracked goods and bins (B8)


def test_tracked_goods_need_their_batch_or_serials(plant: Plant) -> None:
    plant.stocks("MIX", "M", "MADE", "KG", 3, tracking="batch")
    plant.stocks("ENGINE", "K", "MADE", tracking="serial")
    plant.stocks("VALVE", "S", "SUBCON", tracking="serial")
    plant.releases(10, "MIX")
    plant.buys(10, "VALVE")
    attempts: list[tuple[str, Callable[[], object]]] = [
        ("batch_required", lambda: plant.books(1, "MIX")),
        ("serials_required", lambda: plant.produces(2, "ENGINE")),
        ("serials_required", lambda: plant.produces(2, "ENGINE", serials=["S1"])),
        ("serials_required", lambda: plant.produces(2, "ENGINE", serials=["S1", "S1"])),
        ("serials_required", lambda: plant.receives(1, "VALVE")),
        ("invalid_value", lambda: plant.produces(1, "PACK", batch="B1")),
        ("invalid_value", lambda: plant.books(1, "MIX", batch="B1", serials=["S1"])),
        ("invalid_value", lambda: plant.books(1, "MIX", batch="x" * 61)),
        ("invalid_value", lambda: plant.produces(1, "ENGINE", serials=["x" * 61])),
    ]
    for code, attempt in attempts:
        with refused(code):
            attempt()
    plant.books("1.5", "MIX", batch="B1")
    plant.produces(2, "ENGINE", 1, serials=["S1", "S2"])
    plant.receives(1, "VALVE", 3, serials=["V1"])
    assert [plant.balance(item, at="FG") for item in ("MIX", "ENGINE", "VALVE")] == [Decimal("1.5"), 2, 1]
    assert faults(plant.site) == []


def test_scrap_needs_neither_batch_nor_serials_nor_bin(plant: Plant) -> None:
    plant.stocks("MIX", "M", "MADE", "KG", 3, tracking="batch")
    plant.stocks("ENGINE", "K", "MADE", tracking="serial")
    plant.books(0, "MIX", "0.5")
    plant.produces(0, "ENGINE", 2)
    plant.buys(10, "PLATED", receive_action=plant.action("RECEIVE TO RACK", "receive", "BOUGHT", "RACK"))
    plant.receives(0, "PLATED", 2)
    assert faults(plant.site) == []


def test_goods_for_a_bin_controlled_location_need_their_bin(plant: Plant) -> None:
    plant.buys(10, "PLATED", receive_action=plant.action("RECEIVE TO RACK", "receive", "BOUGHT", "RACK"))
    with refused("bin_required"):
        plant.receives(1, "PLATED")
    with refused("not_found", field="bin"):
        plant.receives(1, "PLATED", bin="R9")
    plant.receives(1, "PLATED", bin="R2")
    assert plant.balance("PLATED", at="RACK") == 1
    plant.releases(10, "BRACKET")
    with refused("not_found", field="bin"):
        plant.books(1, "BRACKET", bin="R1")


# Receipts (R1 to R5)


def test_a_receipt_assumes_for_accepted_and_rejected_in_the_stock_unit(plant: Plant) -> None:
    plant.has(1000, "LUG", at="ACME/STOCK")
    plant.boxes("PLATED", of=10)
    plant.buys(5, "PLATED", unit="BOX")
    booking = plant.receives("1.5", "PLATED", "0.2")
    assert used(plant, booking) == {"LUG": 68}
    assert plant.balance("PLATED", at="FG") == 15
    for accepted, rejected in ((0, 0), (-1, 1), ("0.15", 0)):
        with refused("invalid_quantity"):
            plant.receives(accepted, "PLATED", rejected)
    assert faults(plant.site) == []


def test_the_order_s_receive_action_precedes_the_site_s_and_one_is_required(plant: Plant) -> None:
    plant.buys(5, "PLATED", receive_action=plant.action("RECEIVE AT LINE", "receive", "BOUGHT", "LINE"))
    plant.receives(1, "PLATED")
    assert plant.balance("PLATED", at="LINE") == 1
    plant.buys(5, "PLATED", number="P-2")
    plant.receives(1, "P-2")
    assert plant.balance("PLATED", at="FG") == 1
    plant.site.receive_action = None
    plant.site.save()
    with refused("no_receive_action"):
        plant.receives(1, "P-2")


# Event times, B9


def test_a_future_event_time_is_refused_and_a_past_one_is_not(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    plant.has(100, "BOLT")
    now = timezone.now()
    for when in (
        now + timedelta(minutes=1),
        now.date() + timedelta(2),
        date(9998, 12, 30),
        datetime(9998, 12, 30, tzinfo=UTC),
    ):
        with refused("date_in_future", field="at"):
            plant.books(1, "BRACKET", at=when)
    for when in (now - timedelta(seconds=1), date(1999, 12, 31), date(1970, 1, 2)):
        plant.books(1, "BRACKET", at=when)
    assert faults(plant.site) == []


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
def test_a_day_is_in_the_site_s_time_zone(plant: Plant, zone: str) -> None:
    """Kiritimati is a day ahead of Pago Pago, so today at one may be tomorrow at the other."""
    there = Plant.build_site(code="FAR", time_zone=zone)
    there.releases(10, "BRACKET", at=date(2020, 1, 1))
    today = timezone.now().astimezone(ZoneInfo(zone)).date()
    booking = there.books(1, "BRACKET", at=today)
    local = booking.posting.at.astimezone(ZoneInfo(zone))
    assert (local.date(), local.hour, local.minute) == (today, 0, 0)
    with refused("date_in_future"):
        there.books(1, "BRACKET", at=today + timedelta(1))


def test_a_time_without_an_offset_is_in_the_site_s_time_zone(plant: Plant) -> None:
    there = Plant.build_site(code="FAR", time_zone="Europe/London")
    there.releases(10, "BRACKET")
    booking = there.books(1, "BRACKET", at=datetime(2026, 7, 1, 12))  # noqa: DTZ001  # that is the point
    assert booking.posting.at == datetime(2026, 7, 1, 11, tzinfo=UTC)


def test_a_receipt_or_production_uses_the_structure_of_its_day_in_the_site_s_time_zone(plant: Plant) -> None:
    """Half past ten in the evening in London in summer is still the day before in UTC plus two."""
    there = Plant.build_site(code="FAR", time_zone="Pacific/Kiritimati")
    plant.consists(
        "PACK", plant.line(10, "BOLT", 1, ends=date(2026, 3, 1)), plant.line(10, "BOLT", 2, starts=date(2026, 3, 2))
    )
    late = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert used(plant, plant.produces(1, "PACK", at=late)) == {"BOLT": 1}
    assert used(there, there.produces(1, "PACK", at=late)) == {"BOLT": 2}


def test_a_backdated_booking_does_not_change_earlier_records(plant: Plant) -> None:
    plant.has(100, "BOLT")
    plant.books(1, "BRACKET", at=DAY)
    before = list(Movement.objects.order_by("pk").values("pk", "source_after", "target_after"))
    plant.books(1, "BRACKET", at=DAY - timedelta(30))
    assert list(Movement.objects.order_by("pk").values("pk", "source_after", "target_after"))[: len(before)] == before
    assert faults(plant.site) == []


def test_a_booking_is_one_transaction(plant: Plant) -> None:
    """A caller that rolls back its own transaction rolls the booking back too."""
    plant.releases(10, "BRACKET")
    with transaction.atomic():
        plant.books(1, "BRACKET")
        transaction.set_rollback(True)
    assert not Booking.objects.exists()
    assert plant.cost_object("BRACKET").good == 0
