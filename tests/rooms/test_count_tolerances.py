"""Tolerances of counts: what is posted at once, what another person counts again, and what needs approval."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from backflush.counts.approval import approve_counts, reject_counts
from backflush.counts.models import CountDecision, CountStatus, StockCount
from backflush.counts.tolerances import ToleranceIn, set_tolerances
from backflush.items.selectors import item_coded
from backflush.people.models import User
from backflush.people.services import known_user
from tests.cast import DAY, Plant
from tests.oracle import own_faults, refused


def tolerates(plant: Plant, **limits: Any) -> None:
    set_tolerances([ToleranceIn(**limits)], site=plant.site)


def rosa() -> User:
    return known_user(name="rosa")


def recounts(plant: Plant, first: StockCount, quantity: str | int, **more: Any) -> StockCount:
    return plant.counts(quantity, first.item.code, recount_of=first.pk, counted_by=rosa(), **more)


def approves(plant: Plant, *counts: StockCount, by: User | None = None) -> list[StockCount]:
    return approve_counts(site=plant.site, counts=[one.pk for one in counts], by=by or rosa(), remarks="checked")


@pytest.mark.parametrize(
    ("limits", "counted", "status"),
    [
        ({"quantity_down": Decimal(2)}, 98, "posted"),
        ({"quantity_down": Decimal(2)}, 97, "recount"),
        ({"quantity_down": Decimal(2)}, 150, "posted"),
        ({"quantity_up": Decimal(2)}, 103, "recount"),
        ({"percent_down": Decimal(5)}, 95, "posted"),
        ({"percent_down": Decimal(5)}, 94, "recount"),
        ({"percent_up": Decimal(5)}, 106, "recount"),
        ({"value_down": Decimal("0.50")}, 95, "posted"),
        ({"value_down": Decimal("0.50")}, 94, "recount"),
        ({"value_up": Decimal("0.50")}, 106, "recount"),
        ({"quantity_down": Decimal(10), "percent_down": Decimal(1)}, 98, "recount"),
        ({"quantity_down": Decimal(2), "post_within": False}, 98, "approval"),
        ({"quantity_down": Decimal(2), "post_within": False}, 100, "posted"),
        ({"quantity_down": Decimal(2), "recount_beyond": False}, 90, "approval"),
        ({"quantity_down": Decimal(2), "recount_beyond": False, "approval_value": Decimal(1)}, 90, "posted"),
        ({"quantity_down": Decimal(2), "recount_beyond": False, "approval_value": Decimal(1)}, 89, "approval"),
    ],
)
def test_a_tolerance_decides_what_becomes_of_a_count(
    plant: Plant, limits: dict[str, Any], counted: int, status: str
) -> None:
    plant.has(100, "BOLT")
    tolerates(plant, **limits)
    assert plant.counts(counted, "BOLT").status == status
    assert plant.balance("BOLT") == (counted if status == "posted" else 100)
    assert own_faults(plant.site) == []


def test_the_item_at_a_place_comes_before_the_item_its_class_and_the_site(plant: Plant) -> None:
    bolt = item_coded("BOLT")
    bolt.abc_class = "A"
    bolt.save()
    plant.has(100, "BOLT")
    plant.has(100, "BOLT", at="RAW")
    plant.has(100, "LUG")
    tolerates(plant, quantity_down=Decimal(1))
    assert plant.counts(98, "LUG").status == CountStatus.RECOUNT
    tolerates(plant, abc_class="A", quantity_down=Decimal(2))
    assert plant.counts(98, "BOLT").status == CountStatus.POSTED
    tolerates(plant, item=bolt, quantity_down=Decimal(0))
    assert plant.counts(97, "BOLT").status == CountStatus.RECOUNT
    tolerates(plant, item=bolt, location=plant.location("RAW"), quantity_down=Decimal(50))
    assert plant.counts(60, "BOLT", place="RAW").status == CountStatus.POSTED


def test_nothing_expected_is_beyond_any_share_of_it(plant: Plant) -> None:
    tolerates(plant, percent_up=Decimal(50))
    assert plant.counts(1, "BOLT").status == CountStatus.RECOUNT


def test_a_recount_by_another_person_replaces_the_first_and_both_are_kept(plant: Plant) -> None:
    plant.has(100, "BOLT")
    tolerates(plant, quantity_down=Decimal(2), approval_value=Decimal(5))
    first = plant.counts(60, "BOLT")
    second = recounts(plant, first, 99)
    first.refresh_from_db()
    assert (first.status, second.status, second.attempt) == (CountStatus.REPLACED, CountStatus.POSTED, 2)
    assert plant.balance("BOLT") == 99


def test_a_recount_that_differs_by_more_than_the_approval_value_waits_for_approval(plant: Plant) -> None:
    plant.has(100, "BOLT")
    tolerates(plant, quantity_down=Decimal(2), approval_value=Decimal(3))
    second = recounts(plant, plant.counts(60, "BOLT"), 61)
    assert second.status == CountStatus.APPROVAL
    assert plant.balance("BOLT") == 100
    third = known_user(name="mo")
    approves(plant, second, by=third)
    second.refresh_from_db()
    assert second.status == CountStatus.POSTED
    assert plant.balance("BOLT") == 61
    decision = CountDecision.objects.get()
    assert (decision.by, decision.remarks) == (third, "checked")


def test_a_recount_by_the_same_person_is_refused(plant: Plant) -> None:
    plant.has(100, "BOLT")
    tolerates(plant, quantity_down=Decimal(2))
    first = plant.counts(60, "BOLT")
    with refused("not_allowed", field="recount_of"):
        plant.counts(61, "BOLT", recount_of=first.pk)
    with refused("invalid_value", field="recount_of"):
        plant.counts(61, "LUG", recount_of=first.pk, counted_by=rosa())
    recounts(plant, first, 99)
    with refused("count_not_open", field="counts"):
        recounts(plant, first, 99)


def test_an_approved_count_is_posted_at_its_time_on_top_of_what_moved_since(plant: Plant) -> None:
    plant.has(100, "BOLT")
    tolerates(plant, quantity_down=Decimal(2), recount_beyond=False)
    count = plant.counts(90, "BOLT")
    plant.moves(30, "BOLT", "LINE", "RAW", at=DAY + timedelta(days=1))
    plant.books(2, "BRACKET", at=DAY - timedelta(days=1))
    approves(plant, count)
    count.refresh_from_db()
    # The late booking of 8 was of before the count, so only 92 were expected.
    assert count.difference == -2
    assert plant.balance("BOLT") == 60
    assert own_faults(plant.site) == []


def test_an_approval_that_would_make_the_balance_negative_is_refused_as_a_whole(plant: Plant) -> None:
    plant.has(100, "BOLT")
    plant.has(100, "LUG")
    tolerates(plant, quantity_down=Decimal(2), recount_beyond=False)
    lug, bolt = plant.counts(90, "LUG"), plant.counts(10, "BOLT")
    plant.moves(50, "BOLT", "LINE", "RAW", at=DAY + timedelta(days=1))
    with refused("insufficient_stock", field="counts"):
        approves(plant, lug, bolt)
    approves(plant, lug)
    assert plant.balance("LUG") == 90


def test_nobody_approves_a_count_of_his_own(plant: Plant) -> None:
    plant.has(100, "BOLT")
    tolerates(plant, quantity_down=Decimal(2), recount_beyond=False)
    count = plant.counts(90, "BOLT")
    with refused("not_allowed", field="counts"):
        approves(plant, count, by=plant.storekeeper)


def test_a_rejected_count_is_kept_and_never_posted(plant: Plant) -> None:
    plant.has(100, "BOLT")
    tolerates(plant, quantity_down=Decimal(2), recount_beyond=False)
    count = plant.counts(90, "BOLT")
    with refused("remarks_required", field="remarks"):
        reject_counts(site=plant.site, counts=[count.pk], by=rosa(), remarks=" ")
    reject_counts(site=plant.site, counts=[count.pk], by=rosa(), remarks="the wrong bin")
    count.refresh_from_db()
    assert count.status == CountStatus.REJECTED
    assert plant.balance("BOLT") == 100
    with refused("count_not_open", field="counts"):
        approves(plant, count)


def test_a_reversed_count_is_not_approved(plant: Plant) -> None:
    plant.has(100, "BOLT")
    tolerates(plant, quantity_down=Decimal(2), recount_beyond=False)
    count = plant.counts(90, "BOLT")
    plant.reverses(count.posting)
    with refused("count_not_open", field="counts"):
        approves(plant, count)
    with refused("not_found", field="counts"):
        approve_counts(site=plant.site, counts=[10**9], by=rosa())


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("quantity_up", {"quantity_up": Decimal(-1)}),
        ("item", {"location": "LINE"}),
        ("abc_class", {"item": "BOLT", "abc_class": "A"}),
    ],
)
def test_a_tolerance_that_makes_no_sense_is_refused(plant: Plant, field: str, given: dict[str, Any]) -> None:
    if "location" in given:
        given["location"] = plant.location("LINE")
    if "item" in given:
        given["item"] = item_coded("BOLT")
    with refused("invalid_value", field=field):
        tolerates(plant, **given)
