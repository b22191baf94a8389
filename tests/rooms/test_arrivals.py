"""Arriving stock settles unresolved movements of actions with automatic retry, and changes nothing else (U7)."""

from typing import Any

import pytest

from backflush.audit.verification import verify
from backflush.core.refusals import QuantityTooLarge
from backflush.ledger.models import Movement, Posting
from backflush.stockmap.models import Action, RetryRule, ShortRule
from backflush.unresolved.arrivals import proposed_by
from backflush.unresolved.auto_settlement import REMARKS, Arrivals, settle_arrivals
from backflush.unresolved.retry import retry_part
from backflush.unresolved.settlement import Recorded
from tests.cast import Plant
from tests.rooms.test_statement_budgets import statements_of


def settles_by_itself(plant: Plant, rule: RetryRule = RetryRule.AUTOMATIC, short: ShortRule = ShortRule.WHOLE) -> None:
    Action.objects.filter(name="BACKFLUSH").update(retry=rule, short=short)


def test_unresolved_movements_are_settled_oldest_first_once_stock_has_arrived(plant: Plant) -> None:
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
def test_an_action_without_automatic_retry_is_left_alone(plant: Plant, rule: RetryRule) -> None:
    settles_by_itself(plant, rule)
    plant.books(2, "BRACKET")
    plant.has(100, "BOLT")
    assert settle_arrivals(plant.site) == []
    assert plant.waiting() == ["BOLT 8 short"]


def test_an_action_that_posts_in_part_uses_the_arrived_stock(plant: Plant) -> None:
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


def test_an_automatic_settlement_is_recorded_under_the_user_who_posted_the_receipt(plant: Plant) -> None:
    settles_by_itself(plant)
    plant.books(2, "BRACKET")
    plant.has(8, "BOLT")
    [settled] = settle_arrivals(plant.site)
    assert settled.posting.by == plant.storekeeper
    assert settled.posting.remarks == REMARKS
    assert [one.remarks for one in settled.settlements()] == [REMARKS]


def test_a_movement_that_needs_a_choice_stays_unresolved(plant: Plant) -> None:
    settles_by_itself(plant)
    plant.books(1, "FRAME")
    waiting = plant.waiting()
    settle_arrivals(plant.site)
    assert [line for line in waiting if "batch" in line or "serial" in line] == [
        line for line in plant.waiting() if "batch" in line or "serial" in line
    ]


def test_a_site_is_checked_again_only_after_a_posting(plant: Plant) -> None:
    settles_by_itself(plant)
    plant.books(2, "BRACKET")
    arrivals = Arrivals()
    assert arrivals.settle() == 0
    quiet = statements_of(arrivals.settle)
    plant.has(8, "BOLT")
    assert arrivals.settle() == 1
    assert quiet == 2
    assert plant.waiting() == []


def test_a_check_takes_the_same_statements_for_one_or_many(plant: Plant) -> None:
    settles_by_itself(plant)

    def look(bookings: int) -> int:
        for _ in range(bookings):
            plant.books(1, "BRACKET")
        plant.has(4 * bookings, "BOLT")
        taken = statements_of(lambda: settle_arrivals(plant.site))
        assert plant.waiting() == []
        return taken

    assert look(1) == look(20)


def test_an_automatic_settlement_can_be_undone(plant: Plant) -> None:
    settles_by_itself(plant)
    plant.books(2, "BRACKET")
    plant.has(8, "BOLT")
    [settled] = settle_arrivals(plant.site)
    settles_by_itself(plant, RetryRule.NEVER)
    plant.reverses(settled.posting)
    assert plant.waiting() == ["BOLT 8 short"]
    assert Movement.objects.filter(posting=settled.posting, reversed_by__isnull=False).count() == 1


def test_a_refused_movement_does_not_keep_stock_from_the_others(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
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

    monkeypatch.setattr("backflush.unresolved.auto_settlement.retry_part", refuses_bolts)
    assert len(settle_arrivals(plant.site)) == 1
    assert "BOLT 8 short" in plant.waiting()
    assert len(plant.waiting()) == len(waiting) - 1


# Proposals


def proposals(plant: Plant, posting: Posting) -> list[str]:
    named = {one.pk: one for one in plant.queue()}
    return [
        f"{named[number].item.code} {named[number].due}" for number in proposed_by(posting, site=plant.site).movements
    ]


def test_arrived_stock_proposes_the_movements_that_fit_now_oldest_first(plant: Plant) -> None:
    settles_by_itself(plant, RetryRule.PROPOSE)
    for good in (2, 1, 3):
        plant.books(good, "BRACKET")
    found = plant.finds(13, "BOLT")
    # 8 and 4 fit, then one is left.
    assert proposals(plant, found) == ["BOLT 8", "BOLT 4"]
    assert len(plant.waiting()) == 3
    plant.retries(movements=proposed_by(found, site=plant.site).movements)
    assert not proposed_by(found, site=plant.site)
    assert plant.waiting() == ["BOLT 12 short"]


@pytest.mark.parametrize("rule", [RetryRule.NEVER, RetryRule.AUTOMATIC])
def test_under_another_rule_nothing_is_proposed(plant: Plant, rule: RetryRule) -> None:
    settles_by_itself(plant, rule)
    plant.books(2, "BRACKET")
    assert not proposed_by(plant.finds(100, "BOLT"), site=plant.site)


def test_only_movements_of_the_arrived_item_and_location_are_proposed(plant: Plant) -> None:
    settles_by_itself(plant, RetryRule.PROPOSE)
    plant.books(2, "BRACKET")
    plant.books(1, "FRAME")
    plant.has(50, "LUG")
    plant.has(5, "BOLT", at="RAW")
    assert proposals(plant, plant.finds(9, "BOLT")) == ["BOLT 8"]
    assert not proposed_by(plant.finds(1, "SHEET"), site=plant.site)


def test_too_little_proposes_nothing_unless_the_action_posts_in_part(plant: Plant) -> None:
    settles_by_itself(plant, RetryRule.PROPOSE)
    plant.books(2, "BRACKET")
    found = plant.finds(5, "BOLT")
    assert proposals(plant, found) == []
    settles_by_itself(plant, RetryRule.PROPOSE, ShortRule.PART)
    assert proposals(plant, found) == ["BOLT 8"]


def test_a_reversal_proposes_nothing(plant: Plant) -> None:
    settles_by_itself(plant, RetryRule.PROPOSE)
    plant.books(2, "BRACKET")
    plant.finds(8, "BOLT")
    [settled] = plant.retries()
    assert not proposed_by(plant.reverses(settled), site=plant.site)
    assert plant.waiting() == ["BOLT 8 short"]


def test_stock_of_another_site_proposes_nothing(plant: Plant) -> None:
    settles_by_itself(plant, RetryRule.PROPOSE)
    plant.books(2, "BRACKET")
    south = Plant.build_site(code="SOUTH")
    assert not proposed_by(south.finds(100, "BOLT"), site=south.site)


def test_a_proposal_takes_the_same_statements_for_one_or_many_and_few_without_a_proposal(plant: Plant) -> None:
    settles_by_itself(plant, RetryRule.PROPOSE)

    def asks(bookings: int) -> int:
        for _ in range(bookings):
            plant.books(1, "BRACKET")
        found = plant.finds(4 * bookings, "BOLT")
        taken = statements_of(lambda: proposed_by(found, site=plant.site))
        assert len(plant.retries(movements=proposed_by(found, site=plant.site).movements)) == bookings
        return taken

    assert asks(1) == asks(20) <= 6
    settles_by_itself(plant, RetryRule.NEVER)
    found = plant.finds(1, "BOLT")
    assert statements_of(lambda: proposed_by(found, site=plant.site)) == 1


def test_a_long_queue_proposes_its_oldest_movements_and_says_that_there_may_be_more(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backflush.unresolved.arrivals.PROPOSED_MOST", 2)
    settles_by_itself(plant, RetryRule.PROPOSE)
    for _ in range(3):
        plant.books(1, "BRACKET")
    proposal = proposed_by(plant.finds(100, "BOLT"), site=plant.site)
    assert (len(proposal.movements), proposal.more) == (2, True)
