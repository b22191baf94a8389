"""Assumed use: rounding that never drifts, and the plan of what can be posted (Q2, Q3, S6, U1, U2, T1, T4, B7)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backflush.core.consumption import CumulativeUse, UseLine, largest_good
from backflush.core.moves import (
    Move,
    Place,
    Plan,
    Reason,
    Shortage,
    Stock,
    StockKey,
    Tracking,
    UnresolvedMove,
    plan_posting,
)
from backflush.core.quantity import LARGEST, ZERO, round_half_up, smallest_step

RATIOS = st.fractions(Fraction(1, 97), 20, max_denominator=97)
PIECES = st.lists(st.integers(1, 9), min_size=1, max_size=12)
DECIMALS = st.integers(0, 3)


def use(
    per_piece: Fraction, decimals: int = 0, *, fixed: Fraction = Fraction(0), path: str = "10", key: int = 1
) -> UseLine:
    return UseLine(key, path, 1, decimals, per_piece, fixed)


def assumed(cumulative_use: CumulativeUse, booking: int, line: UseLine, pieces: int | Decimal) -> Decimal:
    return cumulative_use.book(booking, [line], Decimal(pieces))[0].quantity


@given(RATIOS, PIECES, DECIMALS, st.sampled_from([Fraction(0), Fraction(1, 3), Fraction(5, 2)]))
def test_any_split_of_a_total_assumes_the_same_as_one_booking(
    per_piece: Fraction, pieces: list[int], decimals: int, fixed: Fraction
) -> None:
    line = use(per_piece, decimals, fixed=fixed)
    cumulative_use, whole = CumulativeUse(), CumulativeUse()
    parts = [assumed(cumulative_use, number, line, some) for number, some in enumerate(pieces)]
    assert sum(parts) == assumed(whole, 0, line, sum(pieces))
    assert all(part >= 0 for part in parts)


@given(RATIOS, PIECES, DECIMALS)
def test_the_sum_of_what_was_assumed_is_never_off_by_more_than_half_a_step(
    per_piece: Fraction, pieces: list[int], decimals: int
) -> None:
    cumulative_use, total, made = CumulativeUse(), ZERO, 0
    for number, some in enumerate(pieces):
        total += assumed(cumulative_use, number, use(per_piece, decimals), some)
        made += some
        assert total == round_half_up(per_piece * made, decimals)


@given(RATIOS, st.data(), DECIMALS)
def test_a_reversal_takes_back_exactly_what_its_booking_assumed(
    per_piece: Fraction, data: st.DataObject, decimals: int
) -> None:
    """After any bookings and reversals, the next booking raises the sum to the requirement of those not reversed."""
    line, cumulative_use = use(per_piece, decimals), CumulativeUse()
    standing: dict[int, tuple[int, Decimal]] = {}
    for number in range(data.draw(st.integers(1, 15))):
        gone = data.draw(st.sampled_from([None, *standing]))
        if gone is not None:
            cumulative_use.take_back(gone)
            del standing[gone]
            continue
        pieces = data.draw(st.integers(1, 6))
        before = sum(quantity for _, quantity in standing.values())
        needed = round_half_up(per_piece * (sum(one for one, _ in standing.values()) + pieces), decimals)
        quantity = assumed(cumulative_use, number, line, pieces)
        assert quantity == max(ZERO, needed - before)
        standing[number] = pieces, quantity


def test_the_next_booking_evens_out_the_rounding() -> None:
    line, cumulative_use = use(Fraction(1, 2)), CumulativeUse()
    assert [assumed(cumulative_use, number, line, 1) for number in (1, 2, 3)] == [1, 0, 1]
    cumulative_use.take_back(1)
    # The two remaining bookings assumed 0 and 1, and need 1. So a third assumes the requirement of three, less that.
    assert assumed(cumulative_use, 4, line, 1) == 1


def test_a_line_never_assumes_less_than_nothing() -> None:
    line, cumulative_use = use(Fraction(1, 2)), CumulativeUse()
    for number in range(1, 6):
        assumed(cumulative_use, number, line, 1)
    cumulative_use.take_back(2)
    cumulative_use.take_back(4)
    # The odd ones assumed one piece each: three pieces for three bookings that need one and a half.
    assert assumed(cumulative_use, 6, line, 1) == 0


def test_a_new_version_of_a_line_continues_the_rounding() -> None:
    cumulative_use = CumulativeUse()
    assert assumed(cumulative_use, 1, use(Fraction(4, 10)), 1) == 0
    assert assumed(cumulative_use, 2, use(Fraction(3, 10), key=2), 1) == 1
    assert assumed(cumulative_use, 3, use(Fraction(8, 10), key=3), 1) == 1


def test_another_path_or_component_starts_from_zero() -> None:
    cumulative_use = CumulativeUse()
    assumed(cumulative_use, 1, use(Fraction(4, 10)), 1)
    assert assumed(cumulative_use, 2, use(Fraction(4, 10), path="20"), 1) == 0
    assert assumed(cumulative_use, 3, UseLine(9, "10", 2, 0, Fraction(4, 10)), 1) == 0


def test_a_fixed_quantity_is_assumed_once() -> None:
    line, cumulative_use = use(Fraction(1), fixed=Fraction(10)), CumulativeUse()
    assert [assumed(cumulative_use, number, line, 1) for number in (1, 2, 3)] == [11, 1, 1]


def test_the_first_booking_that_is_not_reversed_has_the_fixed_quantity() -> None:
    line, cumulative_use = use(Fraction(1), fixed=Fraction(10)), CumulativeUse()
    for number in (1, 2):
        assumed(cumulative_use, number, line, 1)
    cumulative_use.take_back(1)
    # The first booking's fixed quantity was reversed. The second is the first one now, so the third assumes it.
    assert assumed(cumulative_use, 3, line, 1) == 11
    cumulative_use.take_back(2)
    cumulative_use.take_back(3)
    assert assumed(cumulative_use, 4, line, 1) == 11


@given(RATIOS, PIECES, DECIMALS)
def test_cumulative_use_from_the_total_equals_the_replayed_history(
    per_piece: Fraction, pieces: list[int], decimals: int
) -> None:
    line = use(per_piece, decimals, fixed=Fraction(7, 2))
    history = CumulativeUse()
    for number, some in enumerate(pieces):
        assumed(history, number, line, some)
    even = CumulativeUse()
    even.book(0, [line], Decimal(sum(pieces)))
    assert even.would_assume(line, Fraction(5)) == history.would_assume(line, Fraction(5))


def test_a_preview_of_assumed_use_changes_nothing() -> None:
    line, cumulative_use = use(Fraction(1, 3)), CumulativeUse()
    assert cumulative_use.would_assume(line, Fraction(4)) == cumulative_use.would_assume(line, Fraction(4))
    assert assumed(cumulative_use, 1, line, 4) == 1


BOLT, LUG = 1, 2
LINE, WIP, RACK, RAW = Place(10), Place(20, keeps_balance=False), Place(30, bin_controlled=True), Place(40)


def move(item: int, quantity: int, source: Place = LINE, target: Place = WIP, **more: Any) -> Move:
    return Move(item, Decimal(quantity), source, target, cost_id=1, **more)


def stock(**there: int) -> Stock:
    return Stock(
        {StockKey({"bolt": BOLT, "lug": LUG}[name], LINE.location_id): Decimal(much) for name, much in there.items()}
    )


def planned(due: Sequence[Move], there: Stock) -> list[tuple[int, Decimal, str]]:
    plan = plan_posting((), due, there)
    return [
        (step.move.item_id, step.move.quantity, step.reason.value if isinstance(step, UnresolvedMove) else "moved")
        for step in plan.steps
    ]


def test_a_short_line_waits_whole_and_moves_nothing() -> None:
    there = stock(bolt=5)
    assert planned([move(BOLT, 8)], there) == [(BOLT, 8, "short")]
    assert there.changes() == {}


def test_lines_are_planned_in_order_and_a_later_one_may_use_stock_that_an_earlier_one_left() -> None:
    due = [move(BOLT, 3), move(BOLT, 4), move(BOLT, 2)]
    assert planned(due, stock(bolt=5)) == [(BOLT, 3, "moved"), (BOLT, 4, "short"), (BOLT, 2, "moved")]


def test_in_parts_the_available_part_moves_and_the_rest_waits() -> None:
    due = [move(BOLT, 8, parts_allowed=True), move(BOLT, 1, parts_allowed=True)]
    assert planned(due, stock(bolt=5)) == [(BOLT, 5, "moved"), (BOLT, 3, "short"), (BOLT, 1, "short")]


def test_in_parts_without_any_stock_the_whole_line_waits() -> None:
    assert planned([move(BOLT, 8, parts_allowed=True)], stock()) == [(BOLT, 8, "short")]


def test_a_place_without_balances_is_never_short() -> None:
    assert planned([move(BOLT, 8, Place(50, keeps_balance=False))], stock()) == [(BOLT, 8, "moved")]


def test_a_plan_can_use_stock_that_it_moved_before() -> None:
    there = stock(bolt=5)
    plan = plan_posting([move(BOLT, 5, LINE, RAW)], [move(BOLT, 3, RAW, WIP)], there)
    assert [step.move.quantity for step in plan.moved] == [5, 3]
    assert there.changes() == {StockKey(BOLT, LINE.location_id): -5, StockKey(BOLT, RAW.location_id): 2}


@pytest.mark.parametrize(
    ("tracking", "source", "target", "reason"),
    [
        (Tracking.BATCH, RACK, WIP, Reason.BATCH),
        (Tracking.SERIAL, RACK, WIP, Reason.SERIAL),
        (Tracking.NONE, RACK, WIP, Reason.BIN),
        (Tracking.NONE, LINE, RACK, Reason.BIN),
        (Tracking.BATCH, LINE, WIP, Reason.BATCH),
        (Tracking.NONE, LINE, WIP, Reason.SHORT),
    ],
)
def test_the_first_of_several_reasons_is_given(
    tracking: Tracking, source: Place, target: Place, reason: Reason
) -> None:
    """The order is batch, serial, bin, short: without any stock, short would always be true (T4)."""
    (waiting,) = plan_posting([], [move(BOLT, 1, source, target, tracking=tracking)], stock()).waiting
    assert waiting.reason is reason


def test_tracked_stock_is_unresolved_even_with_enough_stock() -> None:
    tracked = move(BOLT, 1, tracking=Tracking.BATCH, parts_allowed=True)
    assert planned([tracked], stock(bolt=100)) == [(BOLT, 1, "batch")]


def test_tracked_stock_from_a_place_without_balances_waits_for_its_batch_too() -> None:
    tracked = move(BOLT, 1, Place(50, keeps_balance=False), tracking=Tracking.BATCH)
    assert planned([tracked], stock()) == [(BOLT, 1, "batch")]


def test_if_the_goods_cannot_be_posted_nothing_is() -> None:
    back = move(BOLT, 8)
    assert plan_posting([back], (), stock(bolt=5)).shortages == [Shortage(back, Decimal(5))]


def test_every_shortage_is_named_not_only_the_first() -> None:
    plan = plan_posting([move(BOLT, 8), move(LUG, 1)], (), stock(bolt=5))
    assert [shortage.move.item_id for shortage in plan.shortages] == [BOLT, LUG]


@given(
    st.lists(st.tuples(st.sampled_from([BOLT, LUG]), st.integers(1, 9), st.booleans()), max_size=8),
    st.integers(0, 20),
    st.integers(0, 20),
)
def test_a_plan_never_takes_more_than_the_stock_and_loses_nothing(
    lines: list[tuple[int, int, bool]], bolts: int, lugs: int
) -> None:
    there = stock(bolt=bolts, lug=lugs)
    plan = plan_posting((), [move(item, much, parts_allowed=parts) for item, much, parts in lines], there)
    for item, much in ((BOLT, bolts), (LUG, lugs)):
        assert there.there(StockKey(item, LINE.location_id)) == much - total(plan, item)
        assert total(plan, item) <= much
        due = sum(quantity for one, quantity, _ in lines if one == item)
        assert total(plan, item) + sum(s.move.quantity for s in plan.waiting if s.move.item_id == item) == due


def total(plan: Plan, item: int) -> Decimal:
    return sum((step.move.quantity for step in plan.moved if step.move.item_id == item), ZERO)


@pytest.mark.parametrize(
    ("factor", "decimals", "step"),
    [
        (Fraction(1), 0, "1"),
        (Fraction(1), 3, "0.001"),
        (Fraction(12), 0, "0.25"),
        (Fraction(10), 0, "0.1"),
        (Fraction(1, 10), 0, "10"),
        (Fraction(7), 0, "1"),
        (Fraction(1000), 0, "0.001"),
        (Fraction(2_000_000), 0, "0.000001"),
    ],
)
def test_the_smallest_step_is_the_least_that_can_be_booked(factor: Fraction, decimals: int, step: str) -> None:
    assert smallest_step(factor, decimals) == Decimal(step)


@given(
    st.lists(st.tuples(RATIOS, st.sampled_from([1, 2]), st.integers(0, 2)), min_size=1, max_size=4),
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(0, 3),
    st.integers(0, 4),
    st.sampled_from([(Fraction(1), 0), (Fraction(12), 0), (Fraction(10), 0), (Fraction(1), 1), (Fraction(1, 2), 0)]),
)
def test_the_largest_good_quantity_is_the_one_that_trying_all_finds(
    needs: list[tuple[Fraction, int, int]],
    bolts: int,
    lugs: int,
    made_before: int,
    scrapped: int,
    unit: tuple[Fraction, int],
) -> None:
    """With scrap, with earlier bookings, with lines that share a stock key, and in boxes as order unit."""
    factor, decimals = unit
    step = smallest_step(factor, decimals)
    scrap = scrapped * step
    on_hand = {StockKey(BOLT, 10): Decimal(bolts), StockKey(LUG, 10): Decimal(lugs)}
    uses = [
        (UseLine(n, str(n), item, places, per_piece), StockKey(item, 10))
        for n, (per_piece, item, places) in enumerate(needs)
    ]
    cumulative_use = CumulativeUse()
    if made_before:
        cumulative_use.book(0, [line for line, _ in uses], Decimal(made_before))
    found = largest_good(uses, cumulative_use, on_hand, scrap=Fraction(scrap), factor=factor, step=step)

    def leaves_none_short(good: Decimal) -> bool:
        left = dict(on_hand)
        for line, stock_key in uses:
            left[stock_key] -= cumulative_use.would_assume(line, (Fraction(good) + Fraction(scrap)) * factor).quantity
        return min(left.values()) >= 0

    assert found is not None
    assert found == 0 or leaves_none_short(found)
    assert not leaves_none_short(found + step)


def test_there_is_no_largest_quantity_if_nothing_is_used() -> None:
    tiny = [(use(Fraction(1, 10**15)), StockKey(BOLT, 10))]
    assert (
        largest_good(
            tiny, CumulativeUse(), {StockKey(BOLT, 10): ZERO}, scrap=Fraction(0), factor=Fraction(1), step=Decimal(1)
        )
        is None
    )
    some = [(use(Fraction(1, 10**11)), StockKey(BOLT, 10))]
    found = largest_good(
        some, CumulativeUse(), {StockKey(BOLT, 10): ZERO}, scrap=Fraction(0), factor=Fraction(1), step=Decimal(1)
    )
    assert found == Decimal(5 * 10**10 - 1) < LARGEST


def test_scrap_alone_can_cause_a_shortage() -> None:
    four = [(use(Fraction(4)), StockKey(BOLT, 10))]
    there = {StockKey(BOLT, 10): Decimal(7)}
    assert largest_good(four, CumulativeUse(), there, scrap=Fraction(2), factor=Fraction(1), step=Decimal(1)) == 0


def test_planning_does_not_change_the_moves() -> None:
    part = move(BOLT, 8, parts_allowed=True, remarks="as planned")
    plan = plan_posting((), [part], stock(bolt=5))
    assert [replace(step.move, quantity=Decimal(8)) for step in plan.steps] == [part, part]
