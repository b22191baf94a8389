"""Rights to reverse, and previews of reversals, which equal the result."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from backflush.core.moves import Status
from backflush.core.refusals import AlreadyReversed, InsufficientStock, NotReversible, Refusal, SettledSince
from backflush.handling.moves import reverse
from backflush.handling.rights import may_reverse, require_may_reverse
from backflush.handling.selectors import goes_back, preview_reversal
from backflush.ledger.models import Movement, Posting
from backflush.people.models import User
from backflush.people.rights import Role
from backflush.people.services import give_role, known_user
from tests.cast import Plant


def user_with(plant: Plant, *roles: Role, name: str = "ken") -> User:
    user = known_user(name=name)
    for role in roles:
        give_role(user=user, site=plant.site, role=role)
    return user


def posting_of(what: Any) -> Posting:
    return what if isinstance(what, Posting) else Posting.objects.get(pk=what.posting_id)


def of_somebody(posting: Posting, user: User, *, days_ago: int = 0) -> Posting:
    """Let another user have made a posting, a number of days ago."""
    recorded = timezone.now() - timedelta(days=days_ago)
    Posting.objects.filter(pk=posting.pk).update(by=user, recorded_at=recorded)
    return Posting.objects.get(pk=posting.pk)


def test_an_operator_reverses_own_bookings_of_today_and_nothing_else(plant: Plant) -> None:
    plant.has(40, "BOLT")
    ken, other = user_with(plant, Role.OPERATOR), user_with(plant, Role.OPERATOR, name="jan")
    booked = posting_of(plant.books(2, "BRACKET"))
    assert may_reverse(ken, plant.site, of_somebody(booked, ken))
    assert not may_reverse(other, plant.site, of_somebody(booked, ken))
    assert not may_reverse(ken, plant.site, of_somebody(booked, ken, days_ago=1))


def test_the_day_of_recording_counts_so_a_backdated_booking_can_be_reversed(plant: Plant) -> None:
    plant.has(40, "BOLT")
    ken = user_with(plant, Role.OPERATOR)
    backdated = posting_of(plant.books(2, "BRACKET"))
    assert backdated.at < timezone.now() - timedelta(days=2)
    assert may_reverse(ken, plant.site, of_somebody(backdated, ken))


def test_stores_reverse_their_own_manual_move_but_no_settlement(plant: Plant) -> None:
    plant.has(40, "BOLT", at="RAW")
    rosa = user_with(plant, Role.STORES)
    moved = of_somebody(plant.moves(4, "BOLT"), rosa)
    plant.books(2, "BRACKET")
    settled = of_somebody(posting_of(plant.resolves("BOLT", source="MAIN/RAW")), rosa)
    assert may_reverse(rosa, plant.site, moved)
    assert not may_reverse(rosa, plant.site, settled)
    with pytest.raises(Refusal, match="You need the right to undo settlements"):
        require_may_reverse(rosa, plant.site, settled)


def test_a_supervisor_reverses_anything_and_a_viewer_nothing(plant: Plant) -> None:
    plant.has(40, "BOLT")
    booked = posting_of(plant.books(2, "BRACKET"))
    assert may_reverse(user_with(plant, Role.SUPERVISOR), plant.site, booked)
    assert not may_reverse(user_with(plant, Role.VIEWER, name="vera"), plant.site, booked)


def previewed_and_done(plant: Plant, posting: Posting) -> None:
    """Reverse a posting, and require that the result equals the preview."""
    previewed = preview_reversal(posting)
    assert previewed.refusal is None
    reversal = plant.reverses(posting)
    mirrored = Movement.objects.filter(posting=reversal).order_by("pk").values_list("reverses", flat=True)
    assert list(mirrored) == [movement.pk for movement in previewed.back]
    for cancelled in previewed.cancels:
        assert Movement.objects.get(pk=cancelled.pk).status == Status.CANCELLED
    for again in previewed.waits_again:
        assert Movement.objects.get(pk=again.pk).status == Status.UNRESOLVED


def test_a_reversed_booking_returns_resolved_stock_and_withdraws_unresolved_movements(plant: Plant) -> None:
    plant.has(100, "TUBE")
    plant.has(100, "LUG", at="RAW")
    booked = posting_of(plant.books(2, "FRAME"))
    plant.resolves("LUG", source="MAIN/RAW")
    previewed = preview_reversal(booked)
    assert {movement.item.code for movement in previewed.back} == {"FRAME", "TUBE", "LUG"}
    assert [movement.item.code for movement in previewed.cancels] == ["PAINT"]
    previewed_and_done(plant, booked)


def test_an_undone_settlement_makes_its_movement_unresolved_again(plant: Plant) -> None:
    plant.has(100, "BOLT", at="RAW")
    plant.books(2, "BRACKET")
    settled = posting_of(plant.resolves("BOLT", 3, source="MAIN/RAW", remainder="keep"))
    previewed = preview_reversal(settled)
    assert [movement.due for movement in previewed.waits_again] == [8]
    previewed_and_done(plant, settled)
    assert not goes_back(settled)


def test_an_issue_a_return_and_a_manual_move_are_reversed(plant: Plant) -> None:
    plant.has(100, "BOLT", at="RAW")
    plant.releases(10, "BRACKET")
    issued, returned = plant.issues(8, "BOLT", to="BRACKET"), plant.returns(3, "BOLT", of="BRACKET")
    for posting in (returned, issued, plant.moves(5, "BOLT")):
        previewed_and_done(plant, posting)


def same_refusal(plant: Plant, posting: Posting, kind: type[Refusal]) -> None:
    """Require that the reversal is refused with the sentence of the preview."""
    previewed = preview_reversal(posting).refusal
    assert isinstance(previewed, kind)
    with pytest.raises(kind) as refused:
        reverse(site=plant.site, posting=posting.pk, by=plant.storekeeper)
    assert refused.value.sentence == previewed.sentence


def test_a_reversal_is_refused_if_the_goods_have_left(plant: Plant) -> None:
    plant.has(8, "BOLT")
    booked = posting_of(plant.books(2, "BRACKET"))
    plant.moves(1, "BRACKET", "FG", "ADJUST", action="ADJUST")
    same_refusal(plant, booked, InsufficientStock)
    assert goes_back(booked)


def test_a_second_reversal_and_an_empty_one_are_refused(plant: Plant) -> None:
    plant.has(8, "BOLT", at="RAW")
    moved = plant.moves(1, "BOLT")
    reversal = plant.reverses(moved)
    same_refusal(plant, moved, AlreadyReversed)
    same_refusal(plant, reversal, NotReversible)
    assert not any(map(goes_back, (moved, reversal)))


def test_a_second_reversal_of_a_booking_or_settlement_is_refused(plant: Plant) -> None:
    plant.has(100, "BOLT", at="RAW")
    booked = posting_of(plant.books(2, "BRACKET"))
    settled = posting_of(plant.resolves("BOLT", source="MAIN/RAW"))
    plant.reverses(booked)
    same_refusal(plant, booked, AlreadyReversed)
    same_refusal(plant, settled, AlreadyReversed)


def test_undoing_is_refused_if_the_remainder_was_settled_since(plant: Plant) -> None:
    plant.has(100, "BOLT", at="RAW")
    plant.books(2, "BRACKET")
    settled = posting_of(plant.resolves("BOLT", 3, source="MAIN/RAW", remainder="keep"))
    plant.resolves("BOLT", source="MAIN/RAW")
    same_refusal(plant, settled, SettledSince)
