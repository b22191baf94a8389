"""The queries behind Home's blocks."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache

from backflush.core.moves import Reason
from backflush.dashboard import cache as block_cache
from backflush.dashboard import long_queues
from backflush.dashboard.cache import kept
from backflush.dashboard.consumption_by_day import consumption_by_day
from backflush.dashboard.hand_issues_due import hand_issues_due
from backflush.dashboard.orders_in_work import orders_in_work
from backflush.dashboard.start_here import start_here
from backflush.dashboard.stock_outside import stock_outside
from backflush.dashboard.unresolved_by_age import unresolved_by_age
from backflush.dashboard.unresolved_over_time import unresolved_over_time
from backflush.setup_check import last_check as checking
from backflush.setup_check.last_check import check, last_check
from backflush.works.hand_issues import orders_with_hand_issues
from backflush.works.models import WorksOrder
from tests.cast import DAY, Plant

WEEK = timedelta(weeks=1)
TODAY = DAY + 3 * WEEK


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable the cache, however slow the machine is."""
    cache.clear()
    monkeypatch.setattr(block_cache, "LONG_SECONDS", float("inf"))


def by_week(plant: Plant, today: date = TODAY) -> dict[str, int]:
    """Return the unresolved movements at the end of each week that has any."""
    weeks = unresolved_over_time(plant.site, today).answer.weeks
    assert len(weeks) == 12
    return {f"{week.begins:%d %b}": week.total for week in weeks if week.total}


def test_an_unresolved_movement_counts_in_each_week_since_its_event_time(plant: Plant) -> None:
    plant.books(1, "BRACKET", at=DAY)
    plant.books(1, "BRACKET", at=DAY + WEEK)
    assert by_week(plant) == {"02 Mar": 1, "09 Mar": 2, "16 Mar": 2, "23 Mar": 2}


def test_a_movement_older_than_the_first_week_counts_in_all_weeks(plant: Plant) -> None:
    plant.books(1, "BRACKET", at=DAY)
    assert set(by_week(plant, DAY + 30 * WEEK).values()) == {1}


def test_a_settled_movement_counts_until_the_week_of_its_settlement(plant: Plant) -> None:
    plant.has(100, "BOLT", at="RAW")
    plant.books(1, "BRACKET", at=DAY)
    settled = plant.resolves("BOLT", source="RAW", at=DAY + 2 * WEEK)
    assert by_week(plant) == {"02 Mar": 1, "09 Mar": 1}
    plant.reverses(settled)
    assert by_week(plant) == {"02 Mar": 1, "09 Mar": 1, "16 Mar": 1, "23 Mar": 1}


def test_a_kept_remainder_continues_its_original(plant: Plant) -> None:
    plant.has(100, "BOLT", at="RAW")
    plant.books(1, "BRACKET", at=DAY)
    settled = plant.resolves("BOLT", quantity=Decimal(1), source="RAW", remainder="keep", at=DAY + WEEK)
    assert by_week(plant) == {"02 Mar": 1, "09 Mar": 1, "16 Mar": 1, "23 Mar": 1}
    plant.reverses(settled)
    assert by_week(plant) == {"02 Mar": 1, "09 Mar": 1, "16 Mar": 1, "23 Mar": 1}


def test_reasons_are_split_unless_there_are_too_many_movements(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.books(1, "BRACKET", at=DAY)
    plant.books(1, "CRATE", at=DAY)
    apart = unresolved_over_time(plant.site, TODAY).answer
    assert apart.by_reason
    assert apart.weeks[-1].waiting == {Reason.SHORT: 1, Reason.BIN: 1, Reason.BATCH: 0, Reason.SERIAL: 0}
    monkeypatch.setattr(long_queues, "COUNTED_MOST", 1)
    together = unresolved_over_time(plant.site, TODAY).answer
    assert not together.by_reason
    assert [week.total for week in together.weeks] == [week.total for week in apart.weeks]
    ages = unresolved_by_age(plant.site, TODAY).answer
    assert [(age.days_min, age.total) for age in ages.ages if age.total] == [(8, 2)]


def test_ages_are_counted_in_days_of_the_site(plant: Plant) -> None:
    for back in (0, 1, 7, 8, 90, 91):
        plant.books(1, "BRACKET", at=TODAY - timedelta(days=back))
    ages = unresolved_by_age(plant.site, TODAY).answer.ages
    assert [(age.days_min, age.days_max, age.total) for age in ages] == [
        (0, 0, 1),
        (1, 7, 2),
        (8, 30, 1),
        (31, 90, 1),
        (91, None, 1),
    ]


def test_consumption_is_use_less_returns(plant: Plant) -> None:
    plant.has(100, "BOLT")
    plant.has(100, "LUG", at="RAW")
    plant.books(2, "BRACKET", at=DAY)
    plant.issues(4, "LUG", to="BRACKET", at=DAY)
    plant.returns(1, "LUG", of="BRACKET", at=DAY + timedelta(days=1))
    taken_back = plant.books(5, "BRACKET", at=DAY + timedelta(days=1))
    plant.reverses(taken_back, at=DAY + timedelta(days=2))
    days = {day.day: (day.assumed, day.by_hand) for day in consumption_by_day(plant.site, DAY + WEEK).answer}
    assert len(days) == 14
    assert {day: used for day, used in days.items() if any(used)} == {
        DAY: (Decimal("0.8"), Decimal(3)),
        DAY + timedelta(days=1): (Decimal(2), Decimal("-0.75")),
        DAY + timedelta(days=2): (Decimal(-2), Decimal(0)),
    }


def test_orders_in_work_show_their_unresolved_movements(plant: Plant) -> None:
    plant.has(100, "LUG")
    plant.books(1, "BRACKET")
    plant.releases(3, "FRAME")
    found = orders_in_work(plant.site)
    assert found.total == 2
    assert {one.order.item.code: one.unresolved for one in found.first} == {"BRACKET": 1, "FRAME": 0}


def test_issues_by_hand_are_due_until_they_are_posted(plant: Plant) -> None:
    plant.consists("BRACKET", plant.line(10, "BOLT", 4), plant.line(20, "LUG", 2, by_hand=True))
    plant.has(100, "LUG", at="RAW")
    plant.releases(10, "BRACKET")
    plant.releases(5, "FRAME")
    assert [(one.component.code, one.due) for one in hand_issues_due(plant.site).first] == [("LUG", 20)]
    plant.issues(15, "LUG", to="BRACKET")
    plant.returns(1, "LUG", of="BRACKET")
    assert [one.due for one in hand_issues_due(plant.site).first] == [6]
    plant.issues(6, "LUG", to="BRACKET")
    assert hand_issues_due(plant.site).total == 0


def test_issues_by_hand_are_ordered_by_start_date_of_the_order(plant: Plant) -> None:
    plant.consists("BRACKET", plant.line(10, "LUG", 2, by_hand=True))
    for back, number in enumerate(("W-LATE", "W-SOON", "W-BEGUN", "W-FIRST")):
        plant.releases(1, "BRACKET", number=number)
        WorksOrder.objects.filter(number=number).update(start_date=DAY - timedelta(days=back))
    plant.books(1, "W-BEGUN")
    assert [order.number for order in orders_with_hand_issues(plant.site, 3)] == ["W-FIRST", "W-BEGUN", "W-SOON"]


def test_all_components_of_an_order_without_backflush_are_issued_by_hand(plant: Plant) -> None:
    plant.stocks("STAND", "M", "BYHAND")
    plant.consists("STAND", plant.line(10, "BOLT", 4))
    plant.releases(3, "STAND")
    assert [(one.component.code, one.due) for one in hand_issues_due(plant.site).first] == [("BOLT", 12)]


def test_stock_outside_shows_its_value_and_unresolved_movements(plant: Plant) -> None:
    plant.names_stock_of("ACME", at="ACME/STOCK")
    plant.has(10, "LUG", at="ACME/STOCK")
    plant.buys(100, "PLATED")
    plant.receives(5, "PLATED")
    found = stock_outside(plant.site).answer
    assert (found.total, found.value) == (1, Decimal("7.5"))
    assert [(one.supplier.code, one.unresolved) for one in found.first] == [("ACME", 1)]


def test_a_plant_without_bookings_shows_the_first_steps(plant: Plant) -> None:
    begins = start_here(plant.site)
    assert begins is not None
    assert (begins.places, begins.rules, begins.structures, begins.stock) == (True, True, True, False)
    plant.has(4, "BOLT")
    begins = start_here(plant.site)
    assert begins is not None
    assert (begins.stock, begins.orders) == (True, False)
    plant.books(1, "BRACKET")
    assert start_here(plant.site) is None


def test_a_slow_answer_is_cached_with_its_time(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_cache, "LONG_SECONDS", 0)
    first = kept("asked", plant.site, lambda: 1)
    again = kept("asked", plant.site, lambda: 2)
    assert (first.answer, again.answer) == (1, 1)
    assert first.as_at is None
    assert again.as_at is not None


def test_a_small_set_up_is_checked_and_a_large_one_only_when_asked(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = last_check(plant.site)
    assert small is not None
    assert small.total >= len(small.findings) > 0
    cache.clear()
    monkeypatch.setattr(checking, "SMALL", 3)
    assert last_check(plant.site) is None
    found = check(plant.site)
    after = last_check(plant.site)
    assert after is not None
    assert (after.total, list(after.findings)) == (len(found), found[: checking.KEPT])
