"""Counts: their time, their differences, and the postings that change them afterwards."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from backflush.core.moves import Process
from backflush.core.refusals import Refusal
from backflush.counts.models import CountChange, CountStatus, StockCount
from backflush.counts.services import CountIn, enter_counts
from backflush.ledger.models import Movement, Posting
from backflush.ledger.periods import close_period
from backflush.setup_check.selectors import examine
from backflush.stockmap.deactivation import end_location
from backflush.stockmap.models import Site, TransferRule
from backflush.stockmap.services import LocationIn, change_locations, set_adjustment
from tests.cast import DAY, Plant
from tests.hands import REFUSALS, Deed, Hands
from tests.oracle import own_faults, refused, snapshot

LATER = DAY + timedelta(days=3)


def test_a_count_keeps_what_the_ledger_said_at_its_time(plant: Plant) -> None:
    plant.has(10, "BOLT")
    plant.books(5, "BRACKET")
    count = plant.counts(3, "BOLT")
    assert (count.expected, count.waiting, count.difference) == (Decimal(-10), Decimal(20), Decimal(13))
    assert plant.balance("BOLT") == 23
    assert count.status == CountStatus.POSTED
    assert count.posting.process == Process.COUNT
    assert count.counted_by == plant.storekeeper


def test_a_count_that_agrees_is_kept_with_an_empty_posting(plant: Plant) -> None:
    plant.has(10, "BOLT")
    count = plant.counts(10, "BOLT")
    assert not Movement.objects.filter(posting=count.posting).exists()
    assert StockCount.objects.get().difference == 0


def test_zero_is_a_count_of_its_own(plant: Plant) -> None:
    plant.has(10, "BOLT")
    plant.counts(0, "BOLT")
    assert plant.balance("BOLT") == 0


def test_an_item_that_never_was_there_can_be_counted(plant: Plant) -> None:
    plant.counts(4, "BOLT", place="RAW")
    assert plant.balance("BOLT", at="RAW") == 4


def test_a_count_of_before_another_leaves_the_balance_and_corrects_the_later_difference(plant: Plant) -> None:
    plant.has(50, "BOLT")
    later = plant.counts(40, "BOLT", at=LATER)
    earlier = plant.counts(44, "BOLT", at=DAY)
    later.refresh_from_db()
    assert (earlier.difference, later.difference) == (-6, -4)
    assert plant.balance("BOLT") == 40
    assert later.expected_now == 44


def test_a_count_that_would_make_the_balance_negative_is_kept_and_not_posted(plant: Plant) -> None:
    plant.has(50, "BOLT")
    plant.moves(45, "BOLT", "LINE", "RAW", at=LATER)
    count = plant.counts(10, "BOLT")
    assert (count.status, count.difference) == (CountStatus.SHORT, -40)
    assert plant.balance("BOLT") == 5
    assert not CountChange.objects.exists()
    plant.counts(5, "BOLT", at=LATER)
    assert own_faults(plant.site) == []


def test_an_undo_that_would_take_more_off_a_count_than_is_there_is_refused(plant: Plant) -> None:
    plant.has(2, "BOLT")
    plant.books(1, "BRACKET")
    plant.counts(3, "BOLT")
    plant.moves(6, "BOLT", "LINE", "RAW", at=LATER)
    with refused("insufficient_stock", field="quantity"):
        plant.cancels("BOLT")


def test_the_correction_of_a_count_in_a_closed_period_is_dated_on_the_first_open_day(plant: Plant) -> None:
    plant.has(2, "BOLT")
    plant.books(1, "BRACKET")
    count = plant.counts(3, "BOLT")
    through = DAY + timedelta(days=10)
    close_period(site=plant.site, through=through, by=plant.storekeeper, known_unresolved=1)
    plant.site = Site.objects.get()
    plant.cancels("BOLT")
    count.refresh_from_db()
    assert count.difference == 1
    correction = CountChange.objects.order_by("pk").last()
    assert correction is not None
    assert correction.posting.at.date() == through + timedelta(days=1)
    assert correction.because is not None
    assert correction.because.process == Process.RESOLUTION
    assert own_faults(plant.site) == []


def test_of_two_counts_of_one_balance_in_one_call_the_second_finds_what_the_first_left(plant: Plant) -> None:
    plant.has(50, "BOLT")
    both = [
        CountIn(item="BOLT", location="MAIN/LINE", quantity=Decimal(quantity), at=DAY + timedelta(days=day))
        for quantity, day in ((40, 0), (38, 1))
    ]
    first, second = enter_counts(both, site=plant.site, by=plant.storekeeper)
    assert (first.difference, second.difference) == (-10, -2)
    assert plant.balance("BOLT") == 38


def test_the_same_key_counts_once(plant: Plant) -> None:
    plant.has(50, "BOLT")
    first = plant.counts(40, "BOLT", key="c1")
    assert plant.counts(40, "BOLT", key="c1").pk == first.pk
    assert Posting.objects.filter(process=Process.COUNT).count() == 1
    with refused("key_reused", field="key"):
        plant.counts(41, "BOLT", key="c1")


@pytest.mark.parametrize(
    ("code", "field", "given"),
    [
        ("not_found", "item", {"item": "NOWHERE"}),
        ("not_found", "location", {"location": "MAIN/NOWHERE"}),
        ("not_a_balance_location", "location", {"location": "MAIN/WIP"}),
        ("bin_required", "bin", {"location": "MAIN/RACK", "item": "LUG"}),
        ("not_found", "bin", {"location": "MAIN/RACK", "item": "LUG", "bin": "R9"}),
        ("batch_required", "batch", {"item": "RESIN"}),
        ("serials_required", "serial", {"item": "MOTOR"}),
        ("invalid_quantity", "quantity", {"item": "MOTOR", "serial": "S1", "quantity": Decimal(2)}),
        ("invalid_quantity", "quantity", {"quantity": Decimal("1.5")}),
        ("invalid_quantity", "quantity", {"quantity": Decimal(-1)}),
        ("invalid_quantity", "quantity", {"quantity": Decimal("NaN")}),
        ("invalid_value", "method", {"method": "guessed"}),
        ("invalid_value", "batch", {"batch": "B1"}),
        ("invalid_value", "serial", {"serial": "S1"}),
    ],
)
def test_a_count_that_makes_no_sense_is_refused(plant: Plant, code: str, field: str, given: dict[str, Any]) -> None:
    content = {"item": "BOLT", "location": "MAIN/LINE", "quantity": Decimal(1), "at": DAY, **given}
    with refused(code, field=field):
        enter_counts([CountIn(**content)], site=plant.site, by=plant.storekeeper)


def test_without_an_adjustment_place_nothing_is_counted(plant: Plant) -> None:
    Site.objects.update(adjustment=None)
    plant.site = Site.objects.get()
    with refused("no_adjustment_place", field="location"):
        plant.counts(1, "BOLT")


def test_batches_bins_and_serial_numbers_are_counted_apart(plant: Plant) -> None:
    plant.has(3, "RESIN", batch="B1")
    plant.has(3, "RESIN", batch="B2")
    plant.has(1, "MOTOR", serials=["S1"])
    plant.has(6, "LUG", at="RACK", bin="R1")
    differences = [
        plant.counts("2.5", "RESIN", batch="B1").difference,
        plant.counts(0, "MOTOR", serial="S1").difference,
        plant.counts(1, "MOTOR", serial="S2").difference,
        plant.counts(7, "LUG", place="RACK", bin="R1").difference,
    ]
    assert differences == [Decimal("-0.5"), -1, 1, 1]
    assert own_faults(plant.site) == []


class CountingRoom(RuleBasedStateMachine):
    """Counts of one component at one place among everything else that changes what they should have found."""

    KINDS = ("book", "book", "move", "resolve", "cancel", "retry", "reverse", "undo", "count", "take_back_count")

    def __init__(self, plant: Plant) -> None:
        super().__init__()
        self.plant = plant
        self.around = transaction.atomic()
        self.around.__enter__()

    @initialize()
    def opens(self) -> None:
        self.plant.releases(1000, "BRACKET")
        self.plant.has(20, "BOLT")
        self.plant.has(50, "BOLT", at="RAW")

    @rule(kind=st.sampled_from(KINDS), data=st.data())
    def something_is_done(self, kind: str, data: st.DataObject) -> None:
        deed = OneComponent(self.plant, lambda some: data.draw(st.sampled_from(some))).pick(kind)
        if deed is None:
            return
        before = snapshot()
        try:
            deed.do(self.plant)
        except Refusal as refusal:
            assert refusal.code in REFUSALS, refusal  # noqa: PT017
            assert snapshot() == before, f"{refusal.code} changed something"  # noqa: PT017
        assert own_faults(self.plant.site) == []

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.around.__exit__(None, None, None)


class OneComponent(Hands):
    """Picks operations on one component only."""

    def book(self) -> Deed:
        return Deed("books", {"good": self._quantity(), "item": "BRACKET", "at": self._day()})

    def move(self) -> Deed:
        source, target = self.choose((("RAW", "LINE"), ("LINE", "RAW")))
        what = {"quantity": self._quantity(), "item": "BOLT", "at": self._day()}
        return Deed("moves", {**what, "source": source, "target": target, "action": "REPLENISH"})

    def count(self) -> Deed:
        place = self.choose(("LINE", "LINE", "RAW"))
        return Deed("counts", {"quantity": self._quantity(), "item": "BOLT", "place": place, "at": self._day()})


def count_in_any_order(plant: Plant, **how: Any) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        lambda: CountingRoom(plant),  # type: ignore[arg-type]  # it only wants to call it
        settings=settings(deadline=None, suppress_health_check=checks, **how),
    )


@pytest.mark.slow
def test_in_any_order_the_ledger_holds_what_was_counted(plant: Plant) -> None:
    """Any order of booking, counting, settling, cancelling and reversing keeps what was counted (H4)."""
    count_in_any_order(plant, max_examples=25, stateful_step_count=20, derandomize=True)


@pytest.mark.soak
def test_in_any_order_the_ledger_holds_what_was_counted_in_a_long_run(plant: Plant) -> None:
    count_in_any_order(plant, max_examples=500, stateful_step_count=40)


def test_the_adjustment_place_keeps_no_balances_and_stays_in_use(plant: Plant) -> None:
    line, adjust = plant.location("LINE"), plant.location("ADJUST")
    with refused("invalid_value", field="adjustment"):
        set_adjustment(site=plant.site, location=line)
    with refused("in_use", field="has_balance"):
        change_locations([(adjust, LocationIn(store=adjust.store, code=adjust.code, has_balance=True))], in_use=[])
    adjust.refresh_from_db()
    TransferRule.objects.filter(action__name="ADJUST").update(active=False)
    with refused("in_use"):
        end_location(location=adjust, on=DAY, holds_stock=False, lines=0)


def test_the_adjustment_place_of_another_site_is_refused(plant: Plant) -> None:
    other = Plant.build_site(code="SOUTH")
    with refused("wrong_site", field="adjustment"):
        set_adjustment(site=plant.site, location=other.location("ADJUST"))


def test_the_set_up_check_reports_a_site_without_adjustment_place(plant: Plant) -> None:
    assert "no_adjustment_place" not in {finding.code for finding in examine(plant.site)}
    Site.objects.update(adjustment=None)
    found = [finding for finding in examine(Site.objects.get()) if finding.code == "no_adjustment_place"]
    assert [finding.subject for finding in found] == ["MAIN"]
