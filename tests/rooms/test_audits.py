"""Audits of backflushes: each check finds the planted findings, and a signed audit never changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from backflush.audit.checks import last_computation, latest_looks, listed
from backflush.audit.lines import FindingLine
from backflush.audit.models import Audit, AuditComputation, CheckFinding, CheckName, CheckReview
from backflush.audit.selectors import audit_at_work, audits
from backflush.audit.services import begin_audit, compute_audit, look_at, request_computation, sign_off, work_out_later
from backflush.core.refusals import Refusal
from backflush.ledger.models import Balance
from tests.cast import DAY, Plant

CHECKS = list(CheckName)


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(Refusal) as caught:
        yield
    assert caught.value.code == code, caught.value


def begins(plant: Plant, **more: Any) -> Audit:
    return begin_audit(site=plant.site, by=plant.storekeeper, **more)


def looks(plant: Plant, check: str, number: int = 1, **more: Any) -> CheckReview:
    return look_at(site=plant.site, number=number, check=check, by=plant.storekeeper, **more)


def signs(plant: Plant, number: int = 1, **more: Any) -> Audit:
    return sign_off(site=plant.site, number=number, by=plant.storekeeper, **more)


def looks_through(plant: Plant, audit: Audit) -> None:
    compute_audit(audit=audit, by=plant.storekeeper)
    for check in CHECKS:
        looks(plant, check.value, audit.number)


def found(plant: Plant, check: CheckName) -> list[FindingLine]:
    """Return the findings of a check of a new audit."""
    audit = audit_at_work(plant.site) or begins(plant)
    computation = compute_audit(audit=audit, by=plant.storekeeper)
    return listed(audit, check, computation).first(100)


def test_unresolved_comes_oldest_first_whatever_its_period(plant: Plant) -> None:
    plant.books(1, "BRACKET", at=DAY)
    plant.books(2, "FRAME", at=DAY - timedelta(days=3))
    plant.has(5, "TUBE")
    lines = found(plant, CheckName.UNRESOLVED)
    assert [line.item for line in lines] == ["TUBE", "LUG", "PAINT", "BOLT"]
    assert (lines[0].quantity, lines[0].order, lines[0].kind) == (Decimal("6.4"), "W-FRAME", "short")


def test_cancelled_says_who_and_why_and_leaves_out_what_was_undone_or_reversed(plant: Plant) -> None:
    plant.books(1, "BRACKET")
    plant.cancels("BOLT", "never used")
    plant.books(2, "BRACKET")
    plant.reverses(plant.cancels("BOLT", "a slip"))
    plant.reverses(plant.books(3, "BRACKET"))
    lines = found(plant, CheckName.CANCELLED)
    assert [(line.quantity, line.why, line.who) for line in lines] == [(4, "never used", plant.storekeeper.name)]


def test_revised_is_another_quantity_another_place_and_a_rest_kept_or_dropped(plant: Plant) -> None:
    plant.has(100, "BOLT")
    plant.has(100, "BOLT", at="RAW")
    for good in (30, 31, 32, 33, 34):
        plant.books(good, "BRACKET")
    waiting = plant.queue("BOLT")
    assert [row.due for row in waiting] == [120, 124, 128, 132, 136]
    plant.has(900, "BOLT")
    plant.has(900, "BOLT", at="RAW")
    plant.resolves(waiting[0].pk, 100, remainder="keep")
    plant.resolves(waiting[1].pk, 100)
    plant.resolves(waiting[2].pk, 130)
    plant.resolves(waiting[3].pk, source="MAIN/RAW")
    plant.resolves(waiting[4].pk)
    lines = found(plant, CheckName.REVISED)
    assert [(line.kind, line.quantity, line.other, line.other_place) for line in lines] == [
        ("kept", 120, 100, ""),
        ("dropped", 124, 100, ""),
        ("more", 128, 130, ""),
        ("elsewhere", 132, 132, "MAIN/RAW"),
    ]


def test_the_serials_of_one_resolution_are_one_revision(plant: Plant) -> None:
    plant.books(2, "CABINET")
    plant.has(3, "MOTOR", at="RAW", serials=["S1", "S2", "S3"])
    plant.resolves("MOTOR", 2, source="MAIN/RAW", serials=["S1", "S2"])
    assert [(line.item, line.other) for line in found(plant, CheckName.REVISED)] == [("MOTOR", 2)]


def test_never_moved_is_a_component_of_which_every_assumption_waits_or_was_cancelled(plant: Plant) -> None:
    plant.has(100, "TUBE")
    plant.books(1, "FRAME")
    plant.books(2, "FRAME")
    plant.cancels(plant.queue("LUG")[0].pk)
    plant.has(100, "PAINT")
    plant.resolves(plant.queue("PAINT")[0].pk)
    lines = found(plant, CheckName.NEVER_MOVED)
    assert [(line.item, line.count, line.quantity) for line in lines] == [("LUG", 2, 18)]


def test_issues_by_hand_of_backflushed_components_show_the_assumed_use_too(plant: Plant) -> None:
    for item in ("BOLT", "LUG", "TUBE"):
        plant.has(100, item, at="RAW")
    plant.releases(10, "BRACKET")
    plant.issues(3, "BOLT", "BRACKET")
    plant.issues(2, "LUG", "BRACKET")
    plant.reverses(plant.issues(1, "TUBE", "BRACKET"))
    plant.consists("TRAY", plant.line(10, "BOLT", 4), plant.line(20, "LUG", 1, by_hand=True))
    plant.releases(10, "TRAY")
    plant.issues(10, "LUG", "TRAY")
    plant.stocks("STOOL", "M", "BYHAND")
    plant.consists("STOOL", plant.line(10, "BOLT", 4))
    plant.releases(10, "STOOL")
    plant.issues(4, "BOLT", "STOOL")
    lines = found(plant, CheckName.HAND_ISSUES)
    assert [(line.item, line.quantity, line.order, line.kind) for line in lines] == [
        ("BOLT", 3, "W-BRACKET", "assumed too"),
        ("LUG", 2, "W-BRACKET", "beyond"),
    ]


def test_a_structure_that_changed_while_orders_were_open_is_found_with_the_orders(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    plant.releases(5, "BRACKET", number="W-2")
    plant.releases(10, "FRAME")
    assert found(plant, CheckName.STRUCTURES) == []
    plant.consists("BRACKET", plant.line(10, "BOLT", 5))
    plant.releases(5, "BRACKET", number="W-3")
    (line,) = found(plant, CheckName.STRUCTURES)
    assert (line.item, line.count, line.why) == ("BRACKET", 2, "W-2, W-BRACKET")


def test_negative_past_stock_and_recurring_shortages_are_tendencies(plant: Plant) -> None:
    plant.has(5, "LUG", at="RAW")
    plant.moves(5, "LUG", "RAW", "LINE", at=DAY)
    plant.moves(5, "LUG", "LINE", "RAW", at=DAY + timedelta(days=2))
    plant.moves(5, "LUG", "RAW", "LINE", at=DAY + timedelta(days=1))
    for _ in range(3):
        plant.books(1, "BRACKET")
    plant.books(1, "FRAME")
    plant.books(1, "FRAME")
    lines = found(plant, CheckName.NEGATIVE)
    assert [(line.kind, line.item, line.place, line.count, line.other) for line in lines] == [
        ("below zero", "LUG", "MAIN/RAW", 1, -5),
        ("recurs", "BOLT", "MAIN/LINE", 3, None),
    ]


def test_the_verification_names_each_broken_invariant(plant: Plant) -> None:
    plant.has(5, "BOLT")
    assert found(plant, CheckName.PROOF) == []
    Balance.objects.update(quantity=6)
    lines = found(plant, CheckName.PROOF)
    assert "BOLT at MAIN/LINE" in lines[0].why
    computation = last_computation(begun(plant))
    assert computation is not None
    assert computation.counts["proof"] == len(lines)
    assert [one["faults"] for one in computation.invariants if one["name"] == "balances"] == [1]


def begun(plant: Plant) -> Audit:
    audit = audit_at_work(plant.site)
    assert audit is not None
    return audit


def test_an_audit_is_signed_off_only_after_all_eight_checks_were_reviewed(plant: Plant) -> None:
    audit = begins(plant)
    compute_audit(audit=audit, by=plant.storekeeper)
    for check in CHECKS[:-1]:
        looks(plant, check.value)
    with refused("not_looked_at"):
        signs(plant)
    looks(plant, CHECKS[-1].value, remarks="sound")
    signed = signs(plant, remarks="as it should be")
    assert (signed.signed_by, signed.remarks) == (plant.storekeeper, "as it should be")
    assert [one.number for one in audits(plant.site)] == [1]


def test_nothing_changes_a_signed_audit(plant: Plant) -> None:
    plant.books(1, "BRACKET")
    audit = begins(plant)
    looks_through(plant, audit)
    before = list(CheckReview.objects.order_by("pk").values())
    signs(plant)
    plant.cancels("BOLT")
    for attempt in (
        lambda: signs(plant, remarks="again"),
        lambda: looks(plant, "unresolved"),
        lambda: compute_audit(audit=audit, by=plant.storekeeper),
    ):
        with refused("audit_signed"):
            attempt()
    assert list(CheckReview.objects.order_by("pk").values()) == before
    kept = latest_looks(audit)["unresolved"]
    assert (kept.count, FindingLine.of(kept.lines[0]).item) == (1, "BOLT")


def test_a_check_cannot_be_reviewed_before_it_is_computed(plant: Plant) -> None:
    begins(plant)
    for check in ("revised", "never-moved", "hand-issues", "structures", "negative", "proof"):
        with refused("not_worked_out"):
            looks(plant, check)
    with refused("invalid_value"):
        looks(plant, "weather")
    with refused("not_found"):
        looks(plant, "unresolved", number=7)


def test_reviews_are_added_and_the_last_one_counts(plant: Plant) -> None:
    plant.books(1, "BRACKET")
    audit = begins(plant)
    looks(plant, "unresolved", remarks="one waits")
    plant.cancels("BOLT")
    looks(plant, "unresolved", remarks="settled")
    assert CheckReview.objects.count() == 2
    assert (latest_looks(audit)["unresolved"].count, latest_looks(audit)["unresolved"].remarks) == (0, "settled")


def test_there_is_one_current_audit_at_a_time(plant: Plant) -> None:
    begins(plant)
    with refused("already_there"):
        begins(plant)
    with pytest.raises(IntegrityError), transaction.atomic():
        Audit.objects.create(
            site=plant.site,
            number=2,
            until=timezone.now(),
            first_posting=0,
            last_posting=0,
            begun_by=plant.storekeeper,
            begun_at=timezone.now(),
        )


def test_the_next_audit_begins_where_the_last_one_ended(plant: Plant) -> None:
    plant.books(1, "BRACKET")
    plant.cancels("BOLT", "first")
    first = begins(plant)
    plant.books(1, "BRACKET", at=DAY - timedelta(days=300))
    plant.cancels("BOLT", "second")
    assert [line.why for line in listed(first, CheckName.CANCELLED).first(9)] == ["first"]
    looks_through(plant, first)
    signs(plant)
    second = begins(plant)
    assert (second.number, second.since, second.first_posting) == (2, first.until, first.last_posting)
    assert [line.why for line in listed(second, CheckName.CANCELLED).first(9)] == ["second"]


def test_a_day_that_is_not_over_or_was_audited_is_refused(plant: Plant) -> None:
    today = timezone.now().date()
    with refused("date_in_future"):
        begins(plant, until=today + timedelta(days=1))
    audit = begins(plant, until=today - timedelta(days=1))
    assert audit.last_posting == 0
    looks_through(plant, audit)
    signs(plant)
    with refused("invalid_dates"):
        begins(plant, until=today - timedelta(days=1))
    assert begins(plant, until=today).number == 2


def test_the_same_key_is_carried_out_once(plant: Plant) -> None:
    day = date(2026, 1, 31)
    assert begins(plant, key="begin", until=day) == begins(plant, key="begin", until=day)
    assert Audit.objects.count() == 1
    compute_audit(audit=begun(plant), by=plant.storekeeper)
    assert looks(plant, "proof", key="look") == looks(plant, "proof", key="look")
    for check in CHECKS[:-1]:
        looks(plant, check.value)
    assert CheckReview.objects.count() == 8
    assert signs(plant, key="sign") == signs(plant, key="sign")
    with refused("key_reused"):
        signs(plant, key="sign", remarks="something else")
    with refused("key_reused"):
        begins(plant, key="look")
    plant.books(1, "BRACKET", key="scan")
    with refused("key_reused"):
        begins(plant, key="scan")


def test_a_small_ledger_is_computed_at_once_and_a_large_one_by_the_worker(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = begins(plant)
    assert request_computation(audit=audit, by=plant.storekeeper).finished_at is not None
    monkeypatch.setattr("backflush.audit.selectors.SMALL", -1)
    asked = request_computation(audit=audit, by=plant.storekeeper)
    assert asked.finished_at is None
    assert request_computation(audit=audit, by=plant.storekeeper) == asked
    work_out_later.call(asked.pk)
    work_out_later.call(asked.pk)
    last = last_computation(audit)
    assert last == asked
    assert AuditComputation.objects.count() == 2


def test_a_failed_computation_is_shown_and_can_be_repeated(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = begins(plant)

    def breaks(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr("backflush.audit.computation.verify", breaks)
        with pytest.raises(OSError, match="disk"):
            compute_audit(audit=audit, by=plant.storekeeper)
    assert AuditComputation.objects.get().failed
    assert last_computation(audit) is None
    assert request_computation(audit=audit, by=plant.storekeeper).finished_at is not None


def test_each_site_has_audits_of_its_own(plant: Plant) -> None:
    other = Plant.build_site(code="NORTH")
    plant.books(1, "BRACKET")
    other.books(1, other.releases(5, "BRACKET", number="N-1"))
    first, second = begins(plant), begins(other)
    assert (first.number, second.number) == (1, 1)
    for mine, order in ((first, "W-BRACKET"), (second, "N-1")):
        assert [line.order for line in listed(mine, CheckName.UNRESOLVED).first(9)] == [order]
    compute_audit(audit=second, by=plant.storekeeper)
    assert set(CheckFinding.objects.values_list("site", flat=True)) == {other.site.pk}


def test_a_finding_is_stored_as_it_was() -> None:
    line = FindingLine(item="BOLT", quantity=Decimal("6.250"), at=timezone.now(), movement=7, kind="short")
    assert FindingLine.of(line.kept()) == line
