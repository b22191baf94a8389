"""Unresolved movements: resolve, revise, cancel, retry and undo (U1 to U8, T1 to T4)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.utils import timezone

from backflush.core.moves import Status
from backflush.core.refusals import DateBeforeOriginal
from backflush.ledger.models import Movement
from backflush.unresolved.cancellation import cancel
from backflush.unresolved.models import Settlement
from backflush.unresolved.retry import preview_retry, retry
from backflush.works.services.booking import book_production_many
from tests.cast import DAY, Plant
from tests.oracle import faults, refused, snapshot


def test_a_short_line_waits_whole_and_the_booking_goes_through(plant: Plant) -> None:
    plant.has(5, "BOLT")
    plant.books(2, "BRACKET")
    assert (plant.waiting(), plant.balance("BOLT"), plant.balance("BRACKET", at="FG")) == (["BOLT 8 short"], 5, 2)


def test_if_the_action_allows_parts_the_available_part_moves_and_the_rest_waits(plant: Plant) -> None:
    plant.has(5, "LUG")
    plant.books(2, "TRAY")
    assert (plant.waiting(), plant.balance("LUG")) == (["LUG 15 short"], 0)
    assert faults(plant.site) == []


def test_resolving_moves_the_stock_now_and_leaves_the_original_as_it_was(plant: Plant) -> None:
    plant.books(2, "BRACKET")
    plant.has(8, "BOLT")
    waiting = plant.queue()[0]
    settlement = plant.resolves("BOLT")
    waiting.refresh_from_db()
    assert (waiting.status, waiting.quantity, waiting.due) == (Status.RESOLVED, 0, 8)
    moved = Movement.objects.get(resolves=waiting)
    assert (moved.status, moved.quantity, moved.at.date()) == (Status.OK, 8, timezone.now().date())
    assert (settlement.moved, settlement.dropped, settlement.kept) == (8, 0, None)
    with refused("not_unresolved", field="movement"):
        plant.resolves(waiting.pk)
    with refused("not_unresolved", field="movement"):
        plant.cancels(waiting.pk)
    with refused("not_unresolved", field="movement"):
        plant.resolves(moved.pk)
    with refused("not_found", field="movement"):
        plant.resolves(999_999_999)
    assert faults(plant.site) == []


def test_resolving_needs_the_stock(plant: Plant) -> None:
    plant.books(2, "BRACKET")
    plant.has(7, "BOLT")
    with refused("insufficient_stock", field="quantity"):
        plant.resolves("BOLT")


@pytest.mark.parametrize(
    ("quantity", "remainder", "dropped", "waiting"),
    [(8, "drop", 0, []), (5, "drop", 3, []), (5, "keep", 0, ["BOLT 3 short"]), (11, "drop", -3, [])],
)
def test_the_quantity_may_be_revised_down_or_up(
    plant: Plant, quantity: int, remainder: str, dropped: int, waiting: list[str]
) -> None:
    plant.books(2, "BRACKET")
    plant.has(20, "BOLT")
    settlement = plant.resolves("BOLT", quantity, remainder=remainder)
    assert (settlement.moved, settlement.dropped) == (quantity, dropped)
    assert (plant.waiting(), plant.balance("BOLT")) == (waiting, 20 - quantity)
    assert faults(plant.site) == []


def test_a_kept_remainder_has_the_original_s_place_reason_and_time(plant: Plant) -> None:
    plant.has(20, "BOLT", at="RAW")
    plant.books(2, "BRACKET", at=DAY)
    original = plant.queue()[0]
    plant.resolves("BOLT", 5, source="RAW", remainder="keep")
    kept = plant.queue()[0]
    for name in ("at", "source", "target", "reason", "item", "cost_object", "line", "rule"):
        assert getattr(kept, name) == getattr(original, name), name
    assert (kept.origin, kept.due) == (original, 3)


@pytest.mark.parametrize("quantity", [8, 9])
def test_nothing_is_kept_if_nothing_remains(plant: Plant, quantity: int) -> None:
    plant.books(2, "BRACKET")
    plant.has(20, "BOLT")
    with refused("invalid_quantity", field="quantity"):
        plant.resolves("BOLT", quantity, remainder="keep")


@pytest.mark.parametrize("quantity", ["0", "-1", "1.5", "NaN"])
def test_a_revised_quantity_fits_the_item(plant: Plant, quantity: str) -> None:
    plant.books(2, "BRACKET")
    plant.has(20, "BOLT")
    with refused("invalid_quantity", field="quantity"):
        plant.resolves("BOLT", quantity)


def test_the_remainder_is_dropped_or_kept(plant: Plant) -> None:
    plant.books(2, "BRACKET")
    plant.has(20, "BOLT")
    with refused("invalid_value", field="remainder"):
        plant.resolves("BOLT", 1, remainder="burn")


def test_a_movement_can_be_resolved_from_another_location_with_balances(plant: Plant) -> None:
    plant.books(2, "BRACKET")
    plant.has(8, "BOLT", at="FG")
    for nowhere in ("WIP", "BOUGHT"):
        with refused("not_a_balance_location", field="source"):
            plant.resolves("BOLT", source=nowhere)
    with refused("not_found", field="source"):
        plant.resolves("BOLT", source="NOWHERE")
    plant.resolves("BOLT", source="FG")
    assert plant.balance("BOLT", at="FG") == 0
    assert faults(plant.site) == []


def test_a_movement_cannot_be_resolved_from_its_own_target(plant: Plant) -> None:
    flush = plant.action("LINEFLUSH", "backflush", "LINE", "RAW")
    plant.type_code("LINED", completion="COMPLETE", backflush=flush)
    plant.stocks("LEVER", "M", "LINED")
    plant.consists("LEVER", plant.line(10, "BOLT", 4))
    plant.books(1, "LEVER")
    plant.has(100, "BOLT", at="RAW")
    with refused("same_location", field="source"):
        plant.resolves("BOLT", source="RAW")


def test_a_resolution_from_a_bin_controlled_location_needs_a_bin(plant: Plant) -> None:
    plant.books(1, "CRATE")
    plant.has(3, "LUG", at="RACK", bin="R1")
    plant.books(1, "BRACKET")
    plant.has(4, "BOLT", at="RACK", bin="R2")
    with refused("bin_required"):
        plant.resolves("LUG")
    with refused("not_found", field="bin"):
        plant.resolves("LUG", bin="R9")
    with refused("insufficient_stock"):
        plant.resolves("LUG", bin="R2")
    with refused("bin_required"):
        plant.resolves("BOLT", source="RACK")
    plant.resolves("LUG", bin="R1")
    plant.resolves("BOLT", source="RACK", bin="R2")
    assert faults(plant.site) == []


def test_a_cancellation_needs_a_reason_and_is_all_or_nothing(plant: Plant) -> None:
    plant.books(1, "BRACKET")
    plant.books(2, "BRACKET")
    one, two = (waiting.pk for waiting in plant.queue())
    cancels = partial(cancel, site=plant.site, by=plant.storekeeper)
    for nothing_said in ("", "  "):
        with refused("remarks_required", field="remarks"):
            plant.cancels("BOLT", nothing_said)
    with refused("invalid_value", field="movements"):
        cancels(movements=[], remarks="none")
    with refused("invalid_value", field="remarks"):
        cancels(movements=[one], remarks="x" * 501)
    with refused("not_found", field="movement"):
        cancels(movements=[one, 999_999_999], remarks="counted")
    plant.cancels(two)
    with refused("not_unresolved", field="movement"):
        cancels(movements=[one, two], remarks="counted")
    assert plant.waiting() == ["BOLT 4 short"]
    assert Settlement.objects.get().remarks == "not used"
    assert faults(plant.site) == []


def test_a_settlement_is_not_dated_before_its_booking(plant: Plant) -> None:
    plant.books(1, "BRACKET", at=DAY)
    plant.has(10, "BOLT")
    with refused("date_before_original", field="at"):
        plant.resolves("BOLT", at=DAY - timedelta(1))
    with refused("date_before_original", field="at"):
        plant.cancels("BOLT", at=DAY - timedelta(1))
    assert plant.retries(at=DAY - timedelta(1)) == []
    with refused("date_in_future"):
        plant.resolves("BOLT", at=timezone.now() + timedelta(1))
    plant.resolves("BOLT", at=DAY)


# Retry, U7


def test_a_retry_settles_the_oldest_by_event_time_first(plant: Plant) -> None:
    plant.books(2, "BRACKET", at=DAY)
    plant.books(1, "BRACKET", at=DAY - timedelta(9))
    plant.books(3, "BRACKET", at=DAY)
    plant.has(12, "BOLT")
    assert [settlement.moved for settlement in plant.retries()] == [4, 8]
    assert plant.waiting() == ["BOLT 12 short"]
    assert faults(plant.site) == []


def test_a_retry_skips_movements_that_still_do_not_fit(plant: Plant) -> None:
    plant.books(3, "BRACKET")
    plant.books(1, "BRACKET")
    plant.has(5, "BOLT")
    plant.retries()
    assert (plant.waiting(), plant.balance("BOLT")) == (["BOLT 12 short"], 1)


def test_a_retry_settles_in_part_where_the_action_posts_in_part(plant: Plant) -> None:
    plant.books(1, "TRAY")
    plant.books(1, "TRAY")
    plant.has(13, "LUG")
    assert [(one.moved, one.kept is not None) for one in plant.retries()] == [(10, False), (3, True)]
    assert plant.waiting() == ["LUG 7 short"]
    plant.has(2, "LUG")
    plant.retries()
    assert plant.waiting() == ["LUG 5 short"]
    assert faults(plant.site) == []


def test_a_retry_skips_movements_that_need_a_choice(plant: Plant) -> None:
    plant.books(1, "CABINET")
    plant.books(1, "CRATE")
    for item in ("SHEET", "BOLT", "LUG"):
        plant.has(100, item)
    plant.has(100, "LUG", at="RACK", bin="R1")
    plant.has(1, "RESIN", batch="B1")
    plant.has(1, "MOTOR", serials=["S1"])
    plant.retries()
    assert plant.waiting() == ["MOTOR 1 serial", "RESIN 0.5 batch", "LUG 3 bin"]


def test_a_retry_can_be_limited_to_given_movements(plant: Plant) -> None:
    plant.books(1, "BRACKET")
    plant.books(2, "BRACKET")
    plant.has(100, "BOLT")
    second = plant.queue()[1]
    retry(site=plant.site, by=plant.storekeeper, movements=[second.pk])
    assert plant.waiting() == ["BOLT 4 short"]


def test_the_preview_of_a_retry_equals_the_retry_and_writes_nothing(plant: Plant) -> None:
    for good in (3, 1, 2):
        plant.books(good, "BRACKET")
        plant.books(good, "TRAY")
    plant.has(14, "BOLT")
    plant.has(35, "LUG")
    before = snapshot()
    foreseen = [(movement.pk, quantity) for movement, quantity in preview_retry(site=plant.site)]
    assert snapshot() == before
    assert [(one.movement_id, one.moved) for one in plant.retries()] == foreseen
    assert faults(plant.site) == []


def test_a_later_line_of_a_retry_can_use_stock_moved_by_an_earlier_one(plant: Plant) -> None:
    """One backflush moves into a location with balances, and another takes from it."""
    first = plant.action("TO RAW", "backflush", "LINE", "RAW")
    second = plant.action("FROM RAW", "backflush", "RAW", "WIP")
    for code, flush in (("FIRST", first), ("SECOND", second)):
        plant.type_code(code, completion="COMPLETE", backflush=flush)
        plant.stocks(f"{code} PART", "M", code)
        plant.consists(f"{code} PART", plant.line(10, "BOLT", 4))
        plant.books(1, f"{code} PART")
    plant.has(4, "BOLT")
    assert [one.moved for one in plant.retries()] == [4, 4]
    assert faults(plant.site) == []


def test_a_retry_without_fitting_movements_posts_nothing(plant: Plant) -> None:
    plant.books(1, "BRACKET")
    before = snapshot()
    assert plant.retries() == []
    assert snapshot() == before


# Tracked stock (T1 to T4)


def test_tracked_stock_is_never_assumed(plant: Plant) -> None:
    plant.has(100, "SHEET")
    plant.has(100, "BOLT")
    plant.has(100, "RESIN", batch="B1")
    plant.has(1, "MOTOR", serials=["S1"])
    plant.books(1, "CABINET")
    assert plant.waiting() == ["MOTOR 1 serial", "RESIN 0.5 batch"]


def test_resolving_tracked_stock_needs_the_batch_or_the_serials(plant: Plant) -> None:
    plant.books(2, "CABINET")
    plant.has(10, "RESIN", batch="B1")
    plant.has(3, "MOTOR", serials=["S1", "S2", "S3"])
    with refused("batch_required"):
        plant.resolves("RESIN")
    with refused("insufficient_stock"):
        plant.resolves("RESIN", batch="B2")
    for serials in ((), ["S1"], ["S1", "S2", "S3"], ["S1", "S1"]):
        with refused("serials_required"):
            plant.resolves("MOTOR", serials=serials)
    with refused("insufficient_stock"):
        plant.resolves("MOTOR", serials=["S1", "S9"])
    plant.resolves("RESIN", batch="B1")
    plant.resolves("MOTOR", serials=["S1", "S3"])
    assert (plant.balance("RESIN"), plant.balance("MOTOR")) == (9, 1)
    assert faults(plant.site) == []


def test_some_serials_can_be_resolved_and_the_rest_kept(plant: Plant) -> None:
    plant.books(3, "CABINET")
    plant.has(3, "MOTOR", serials=["S1", "S2", "S3"])
    settled = plant.resolves("MOTOR", 2, serials=["S1", "S2"], remainder="keep")
    assert [one for one in plant.waiting() if "MOTOR" in one] == ["MOTOR 1 serial"]
    plant.reverses(settled)
    assert [one for one in plant.waiting() if "MOTOR" in one] == ["MOTOR 3 serial"]
    assert plant.balance("MOTOR") == 3
    assert faults(plant.site) == []


def test_tracked_stock_from_a_location_without_balances_needs_its_batch_or_serials_but_no_stock(plant: Plant) -> None:
    plant.type_code("OUTSIDE", completion="COMPLETE", backflush=plant.action("OUT", "backflush", "BOUGHT", "WIP"))
    plant.stocks("TANK", "M", "OUTSIDE")
    plant.consists("TANK", plant.line(10, "RESIN", 1), plant.line(20, "MOTOR", 1), plant.line(30, "BOLT", 7))
    plant.books(2, "TANK")
    assert plant.waiting() == ["RESIN 2 batch", "MOTOR 2 serial"]
    plant.resolves("RESIN", batch="B7")
    plant.resolves("MOTOR", serials=["S1", "S2"])
    assert plant.waiting() == []
    assert faults(plant.site) == []


def test_the_first_of_several_reasons_is_given(plant: Plant) -> None:
    plant.consists("CRATE", plant.line(10, "RESIN", 1), plant.line(20, "MOTOR", 1), plant.line(30, "LUG", 1))
    plant.books(1, "CRATE")
    assert plant.waiting() == ["RESIN 1 batch", "MOTOR 1 serial", "LUG 1 bin"]


# Undoing, V3


def test_an_undone_resolution_returns_the_stock_and_is_due_again(plant: Plant) -> None:
    plant.books(2, "BRACKET")
    plant.has(8, "BOLT", at="RAW")
    settlement = plant.resolves("BOLT", 6, source="RAW")
    waiting = settlement.movement
    plant.reverses(settlement)
    assert (plant.waiting(), plant.balance("BOLT", at="RAW")) == (["BOLT 8 short"], 8)
    assert plant.queue()[0] == waiting
    with refused("already_reversed"):
        plant.reverses(settlement)
    again = plant.resolves("BOLT", source="RAW")
    plant.reverses(again)
    assert plant.waiting() == ["BOLT 8 short"]
    assert faults(plant.site) == []


def test_an_undone_cancellation_is_unresolved_again(plant: Plant) -> None:
    plant.books(2, "BRACKET")
    settlement = plant.cancels("BOLT")
    plant.reverses(settlement)
    assert plant.waiting() == ["BOLT 8 short"]
    with refused("already_reversed"):
        plant.reverses(settlement)
    assert faults(plant.site) == []


def test_undoing_withdraws_the_kept_remainder_unless_it_was_settled_since(plant: Plant) -> None:
    plant.has(20, "BOLT", at="RAW")
    plant.books(2, "BRACKET")
    first = plant.resolves("BOLT", 5, source="RAW", remainder="keep")
    second = plant.resolves("BOLT", 2, source="RAW", remainder="keep")
    third = plant.cancels("BOLT")
    for settlement in (first, second):
        with refused("settled_since"):
            plant.reverses(settlement)
    plant.reverses(third)
    assert plant.waiting() == ["BOLT 1 short"]
    plant.reverses(second)
    assert plant.waiting() == ["BOLT 3 short"]
    plant.reverses(first)
    assert (plant.waiting(), plant.balance("BOLT", at="RAW")) == (["BOLT 8 short"], 20)
    assert faults(plant.site) == []


def test_a_retry_is_undone_as_a_whole(plant: Plant) -> None:
    plant.books(1, "BRACKET")
    plant.books(1, "FRAME")
    plant.books(1, "TRAY")
    plant.has(4, "BOLT")
    plant.has(12, "LUG")
    waiting = plant.waiting()
    settled = plant.retries()
    assert len(settled) == 3
    plant.reverses(settled[1])
    assert sorted(plant.waiting()) == sorted(waiting)
    assert (plant.balance("BOLT"), plant.balance("LUG")) == (4, 12)
    assert faults(plant.site) == []


def test_an_undo_does_not_make_an_order_s_use_negative(plant: Plant) -> None:
    plant.books(1, "BRACKET")
    plant.has(4, "BOLT")
    settled = plant.resolves("BOLT")
    plant.returns(1, "BOLT", "BRACKET")
    with refused("more_than_issued"):
        plant.reverses(settled)


def test_an_undo_is_not_dated_before_its_original(plant: Plant) -> None:
    plant.books(1, "BRACKET")
    plant.has(4, "BOLT")
    settled = plant.resolves("BOLT", at=DAY + timedelta(5))
    with refused("date_before_original", field="at"):
        plant.reverses(settled, at=DAY + timedelta(4))
    plant.reverses(settled, at=DAY + timedelta(5))


def test_many_bookings_of_one_call_are_accounted_for_separately(plant: Plant) -> None:
    plant.has(10, "LUG")
    many = [plant.booking(1, "TRAY") for _ in range(4)]
    book_production_many(many, site=plant.site, by=plant.storekeeper)
    plant.has(17, "LUG")
    plant.retries()
    plant.cancels("LUG")
    assert plant.waiting() == ["LUG 10 short"]
    assert plant.balance("LUG") == Decimal(0)
    assert faults(plant.site) == []


def test_a_time_before_the_original_is_shown_in_the_site_s_time_zone(plant: Plant) -> None:
    plant.site.time_zone = "Asia/Tokyo"
    plant.site.save()
    plant.books(1, "BRACKET", at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC))
    plant.has(4, "BOLT")
    with pytest.raises(
        DateBeforeOriginal, match=r"2 Mar 2026 18:29 is before the original posting, 2 Mar 2026 18:30\."
    ):
        plant.resolves("BOLT", at=datetime(2026, 3, 2, 9, 29, tzinfo=UTC))
