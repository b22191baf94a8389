"""Stock that arrives settles what waits for it, where the action says so, and beside nothing else (U7)."""

from typing import Any

import pytest

from backflush.audit.verify import verify
from backflush.core.refusals import QuantityTooLarge
from backflush.ledger.models import Movement, Posting
from backflush.stockmap.models import Action, RetryRule, ShortRule
from backflush.unresolved.services.arriving import REMARKS, Arrivals, settle_arrivals
from backflush.unresolved.services.retrying import retry_part
from backflush.unresolved.services.settling import Recorded
from tests.cast import Plant
from tests.rooms.test_statement_budgets import statements_of


def settles_by_itself(plant: Plant, rule: RetryRule = RetryRule.AUTOMATIC, short: ShortRule = ShortRule.WHOLE) -> None:
    Action.objects.filter(name="BACKFLUSH").update(retry=rule, short=short)


def test_what_waits_is_settled_once_stock_has_arrived_oldest_first(plant: Plant) -> None:
    settles_by_itself(plant)
    for good in (2, 1, 3):
        plant.books(good, "BRACKET")
    plant.has(13, "BOLT")
    settle_arrivals(plant.site)
    # 8 and 4 fit, then one is left.
    assert plant.waiting() == ["BOLT 12 short"]
    assert plant.balance("BOLT") == 1
    assert verify().sound


@pytest.mark.parametrize("rule", [RetryRule.NEVER, RetryRule.PROPOSE])
def test_an_action_that_waits_for_a_person_is_left_alone(plant: Plant, rule: RetryRule) -> None:
    settles_by_itself(plant, rule)
    plant.books(2, "BRACKET")
    plant.has(100, "BOLT")
    assert settle_arrivals(plant.site) == []
    assert plant.waiting() == ["BOLT 8 short"]


def test_an_action_that_posts_in_part_takes_what_has_come(plant: Plant) -> None:
    settles_by_itself(plant, short=ShortRule.PART)
    plant.books(2, "BRACKET")
    plant.has(5, "BOLT")
    settle_arrivals(plant.site)
    assert plant.waiting() == ["BOLT 3 short"]
    assert plant.balance("BOLT") == 0


def test_too_little_settles_nothing_and_posts_nothing(plant: Plant) -> None:
    settles_by_itself(plant)
    plant.books(2, "BRACKET")
    plant.has(5, "BOLT")
    before = Posting.objects.count()
    assert settle_arrivals(plant.site) == []
    assert Posting.objects.count() == before


def test_whoever_brought_the_stock_stands_beside_it_and_that_nobody_asked(plant: Plant) -> None:
    settles_by_itself(plant)
    plant.books(2, "BRACKET")
    plant.has(8, "BOLT")
    [settled] = settle_arrivals(plant.site)
    assert settled.posting.by == plant.storekeeper
    assert settled.posting.remarks == REMARKS
    assert [one.remarks for one in settled.settlements()] == [REMARKS]


def test_what_needs_a_choice_goes_on_waiting(plant: Plant) -> None:
    settles_by_itself(plant)
    plant.books(1, "FRAME")
    waiting = plant.waiting()
    settle_arrivals(plant.site)
    assert [line for line in waiting if "batch" in line or "serial" in line] == [
        line for line in plant.waiting() if "batch" in line or "serial" in line
    ]


def test_a_site_is_looked_at_again_only_after_something_was_posted(plant: Plant) -> None:
    settles_by_itself(plant)
    plant.books(2, "BRACKET")
    arrivals = Arrivals()
    assert arrivals.settle() == 0
    quiet = statements_of(arrivals.settle)
    plant.has(8, "BOLT")
    assert arrivals.settle() == 1
    assert quiet == 2
    assert plant.waiting() == []


def test_a_look_costs_the_same_for_one_or_many(plant: Plant) -> None:
    settles_by_itself(plant)

    def look(bookings: int) -> int:
        for _ in range(bookings):
            plant.books(1, "BRACKET")
        plant.has(4 * bookings, "BOLT")
        taken = statements_of(lambda: settle_arrivals(plant.site))
        assert plant.waiting() == []
        return taken

    assert look(1) == look(20)


def test_what_was_settled_by_itself_can_be_undone(plant: Plant) -> None:
    settles_by_itself(plant)
    plant.books(2, "BRACKET")
    plant.has(8, "BOLT")
    [settled] = settle_arrivals(plant.site)
    settles_by_itself(plant, RetryRule.NEVER)
    plant.reverses(settled.posting)
    assert plant.waiting() == ["BOLT 8 short"]
    assert Movement.objects.filter(posting=settled.posting, reversed_by__isnull=False).count() == 1


def test_one_that_is_refused_keeps_no_other_from_its_stock(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    settles_by_itself(plant)
    plant.books(2, "BRACKET")
    plant.books(1, "FRAME")
    waiting = plant.waiting()
    plant.has(8, "BOLT")
    plant.has(100, "LUG")
    bolt = plant.queue("BOLT")[0].item_id

    def refuses_bolts(*, movements: list[int], **more: Any) -> Recorded | None:
        if Movement.objects.get(pk=movements[0]).item_id == bolt:
            raise QuantityTooLarge("A balance would reach too much.", field="quantity")
        return retry_part(movements=movements, **more)

    monkeypatch.setattr("backflush.unresolved.services.arriving.retry_part", refuses_bolts)
    assert len(settle_arrivals(plant.site)) == 1
    assert "BOLT 8 short" in plant.waiting()
    assert len(plant.waiting()) == len(waiting) - 1
