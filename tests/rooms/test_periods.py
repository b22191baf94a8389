"""Periods: a closed one takes no postings, its balances are stored, and past balances stay the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backflush.audit.statements import PERIOD_BALANCES_AGAINST_MOVEMENTS
from backflush.audit.verification import verify
from backflush.core.refusals import Refusal
from backflush.ledger.history import INSTANT, Known, balances_at, known_nearest, totals_until
from backflush.ledger.models import PeriodBalance, PeriodClosing
from backflush.ledger.periods import (
    close_period,
    closings,
    count_balances,
    end_of_day,
    reopen_period,
    waiting_through,
)
from backflush.people.services import known_user
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import day_at, site_named
from tests.cast import DAY, Plant
from tests.databases import Database, rolled_back
from tests.doors.web.visitors import person
from tests.imports import EXAMPLE, bring, brought, files, said
from tests.oracle import faults, refused
from tests.rooms.test_statement_budgets import statements_of

FEBRUARY = date(2026, 2, 28)
MARCH = date(2026, 3, 31)
APRIL = date(2026, 4, 30)
LATER = date(2026, 4, 2)


def closes(plant: Plant, through: date, **more: Any) -> PeriodClosing:
    return close_period(site=plant.site, through=through, by=plant.storekeeper, **more)


def reopens(plant: Plant, through: date, remarks: str = "a booking was forgotten") -> list[PeriodClosing]:
    return reopen_period(site=plant.site, through=through, by=plant.storekeeper, remarks=remarks)


def kept(closing: PeriodClosing) -> dict[str, Decimal]:
    rows = PeriodBalance.objects.filter(closing=closing).values_list("item__code", "location__path", "quantity")
    return {f"{item}@{path}": quantity for item, path, quantity in rows}


# Nothing is posted into a closed period


def test_nothing_is_posted_on_or_before_the_closed_day(plant: Plant) -> None:
    plant.has(100, "BOLT")
    plant.has(100, "BOLT", at="RAW")
    plant.releases(100, "BRACKET")
    plant.buys(10, "PLATED")
    booked = plant.books(1, "BRACKET", at=DAY)
    closes(plant, MARCH)
    for does in (
        lambda: plant.books(1, "BRACKET", at=MARCH),
        lambda: plant.books(1, "BRACKET", at=DAY),
        lambda: plant.produces(1, "PACK", at=MARCH),
        lambda: plant.receives(1, "PLATED", at=MARCH),
        lambda: plant.issues(1, "BOLT", to="BRACKET", at=MARCH),
        lambda: plant.returns(1, "BOLT", of="BRACKET", at=MARCH),
        lambda: plant.moves(1, "BOLT", at=MARCH),
        lambda: plant.has(1, "BOLT"),
        lambda: plant.reverses(booked, at=MARCH),
        lambda: plant.foresees(1, "BRACKET", at=MARCH),
    ):
        with refused("period_closed", field="at"):
            does()
    assert plant.books(1, "BRACKET", at=MARCH + timedelta(days=1)).good == 1
    assert faults(plant.site) == []


def test_the_refusal_names_the_first_open_day_and_a_person_to_ask(plant: Plant) -> None:
    person_who_closes = person(plant, name="ama")
    plant.releases(100, "BRACKET")
    close_period(site=plant.site, through=FEBRUARY, by=person_who_closes)
    with pytest.raises(Refusal) as caught:
        plant.books(1, "BRACKET", at=date(2026, 2, 14))
    assert caught.value.sentence == "February 2026 is closed. Use 1 Mar 2026 or later, or ask Rosa Marsh to reopen it."
    closes(plant, date(2026, 3, 14))
    with pytest.raises(Refusal) as caught:
        plant.books(1, "BRACKET", at=DAY)
    assert caught.value.sentence.startswith("Everything up to 14 Mar 2026 is closed. Use 15 Mar 2026 or later")


def test_a_booking_checked_before_the_closing_is_refused_by_the_ledger(plant: Plant) -> None:
    """The site object was read a moment before the closing."""
    plant.has(100, "BOLT")
    plant.releases(100, "BRACKET")
    close_period(site=Site.objects.get(pk=plant.site.pk), through=MARCH, by=plant.storekeeper)
    assert plant.site.closed_through is None
    with refused("period_closed", field="at"):
        plant.books(1, "BRACKET", at=MARCH)
    with refused("period_closed", field="at"):
        plant.moves(1, "BOLT", "LINE", "RAW", at=DAY)
    plant.books(1, "BRACKET", at=LATER)


def test_a_booking_checked_before_the_reopening_is_posted(plant: Plant) -> None:
    plant.releases(100, "BRACKET")
    closes(plant, MARCH)
    reopen_period(
        site=Site.objects.get(pk=plant.site.pk), through=MARCH, by=plant.storekeeper, remarks="a booking was forgotten"
    )
    assert plant.site.closed_through == MARCH
    assert plant.books(1, "BRACKET", at=MARCH).good == 1


def test_the_closed_day_is_in_the_site_s_time_zone(plant: Plant) -> None:
    """Half past eleven in the evening of the last day in Auckland is closed; half an hour later is open."""
    Site.objects.filter(pk=plant.site.pk).update(time_zone="Pacific/Auckland")
    there = Plant(Site.objects.get(pk=plant.site.pk))
    there.has(10, "BOLT")
    closing = closes(there, MARCH)
    assert closing.until == datetime(2026, 3, 31, 11, tzinfo=UTC)
    with refused("period_closed"):
        there.moves(1, "BOLT", "LINE", "RAW", at=datetime(2026, 3, 31, 10, 59, 59, 999999, tzinfo=UTC))
    there.moves(1, "BOLT", "LINE", "RAW", at=datetime(2026, 3, 31, 11, tzinfo=UTC))
    assert kept(closing) == {"BOLT@MAIN/LINE": 10}


def test_postings_of_a_closed_period_can_be_settled_and_reversed_after_it(plant: Plant) -> None:
    plant.has(2, "BOLT")
    plant.has(50, "BOLT", at="RAW")
    booked = plant.books(1, "BRACKET", at=DAY)
    again = plant.books(1, "BRACKET", at=DAY)
    closes(plant, MARCH, known_unresolved=2)
    resolved = plant.resolves(booked.posting.movements.get(due__isnull=False).pk, source="RAW")
    plant.reverses(resolved)
    plant.cancels("BOLT")
    plant.moves(20, "BOLT", at=LATER)
    assert len(plant.retries(at=LATER)) == 1
    plant.reverses(booked)
    plant.reverses(again, at=LATER)
    assert plant.waiting() == []
    assert faults(plant.site) == []


def test_a_kept_remainder_keeps_its_event_time_in_the_closed_period(plant: Plant) -> None:
    plant.has(50, "BOLT", at="RAW")
    plant.books(1, "BRACKET", at=DAY)
    closes(plant, MARCH, known_unresolved=1)
    plant.resolves("BOLT", 3, source="RAW", remainder="keep")
    assert plant.waiting() == ["BOLT 1 short"]
    assert waiting_through(plant.site, MARCH).count() == 1
    assert faults(plant.site) == []


def test_a_repeated_key_returns_the_first_outcome_although_its_day_is_closed(plant: Plant) -> None:
    plant.has(50, "BOLT", at="RAW")
    booked = plant.books(1, "BRACKET", at=DAY, key="slip 1")
    moved = plant.moves(1, "BOLT", at=DAY, key="slip 2")
    closes(plant, MARCH, known_unresolved=1)
    assert plant.books(1, "BRACKET", at=DAY, key="slip 1") == booked
    assert plant.moves(1, "BOLT", at=DAY, key="slip 2") == moved


def test_each_site_closes_its_own_periods(plant: Plant) -> None:
    other = Plant.build_site(code="NORTH")
    other.has(5, "BOLT", at="RAW")
    closes(plant, MARCH)
    other.moves(1, "BOLT", at=DAY)
    with refused("period_closed"):
        plant.has(5, "BOLT", at="RAW")


# Closing and reopening


def test_a_day_that_is_not_over_cannot_be_closed(plant: Plant) -> None:
    today = day_at(plant.site, timezone.now())
    for day in (today, today + timedelta(days=1)):
        with refused("date_in_future", field="through"):
            closes(plant, day)
    assert closes(plant, today - timedelta(days=1)).through == today - timedelta(days=1)


def test_a_closing_is_after_the_last_one(plant: Plant) -> None:
    closes(plant, MARCH)
    for day in (FEBRUARY, MARCH):
        with refused("period_closed", field="through"):
            closes(plant, day)
    assert [one.through for one in closings(plant.site)] == [MARCH]


def test_unresolved_movements_must_be_confirmed_before_closing(plant: Plant) -> None:
    plant.books(1, "BRACKET", at=DAY)
    plant.books(1, "BRACKET", at=LATER)
    for known in ({}, {"known_unresolved": 0}):
        with refused("unresolved_in_period", field="unresolved"):
            closes(plant, MARCH, **known)
    assert plant.site.closed_through is None
    assert closes(plant, MARCH, known_unresolved=1).unresolved == 1
    with refused("unresolved_in_period"):
        closes(plant, APRIL, known_unresolved=1)
    assert closes(plant, APRIL, known_unresolved=None).unresolved == 2


def test_reopening_reopens_later_periods_and_deletes_their_balances(plant: Plant) -> None:
    plant.has(10, "BOLT")
    first, second, third = (closes(plant, day) for day in (FEBRUARY, MARCH, APRIL))
    assert [one.pk for one in reopens(plant, MARCH)] == [third.pk, second.pk]
    assert plant.site.closed_through == Site.objects.get().closed_through == FEBRUARY
    assert set(PeriodBalance.objects.values_list("closing", flat=True)) == {first.pk}
    second.refresh_from_db()
    assert (second.reopened_by, second.reopened_because) == (plant.storekeeper, "a booking was forgotten")
    plant.moves(1, "BOLT", "LINE", "RAW", at=MARCH)
    again = closes(plant, MARCH)
    assert kept(again) == {"BOLT@MAIN/LINE": 9, "BOLT@MAIN/RAW": 1}
    assert [one.pk for one in reopens(plant, FEBRUARY)] == [again.pk, first.pk]
    assert (plant.site.closed_through, plant.site.closed_by) == (None, None)
    assert not PeriodBalance.objects.exists()
    assert faults(plant.site) == []


def test_reopening_needs_a_reason_and_a_closed_period(plant: Plant) -> None:
    closes(plant, MARCH)
    with refused("remarks_required", field="remarks"):
        reopens(plant, MARCH, "  ")
    with refused("not_found", field="through"):
        reopens(plant, FEBRUARY)


def test_the_balances_of_an_interrupted_closing_are_stored_later(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of two transactions closes the period; the process dies before the second."""
    plant.has(10, "BOLT")
    with monkeypatch.context() as stopped:
        stopped.setattr("backflush.ledger.periods.count_balances", lambda site: 0)
        closing = closes(plant, MARCH)
    assert (closing.counted_at, closing.stock_keys) == (None, 0)
    assert totals_until(plant.site, end_of_day(plant.site, MARCH)) != {}
    with refused("period_closed"):
        plant.moves(1, "BOLT", "LINE", "RAW", at=MARCH)
    assert count_balances(plant.site) == 1
    assert kept(closing) == {"BOLT@MAIN/LINE": 10}
    assert count_balances(plant.site) == 0
    assert faults(plant.site) == []


# Balances at the end of a period


def test_a_closing_stores_every_balance_except_zeros(plant: Plant) -> None:
    plant.has(10, "BOLT")
    plant.has(4, "LUG", at="RACK", bin="R1")
    plant.has(1, "MOTOR", serials=["S1"])
    plant.has(2, "RESIN", batch="B7")
    plant.moves(10, "BOLT", "LINE", "RAW", at=DAY)
    plant.moves(10, "BOLT", "RAW", "LINE", at=LATER)
    closing = closes(plant, MARCH)
    rows = PeriodBalance.objects.filter(closing=closing).order_by("item__code")
    assert [(one.item.code, one.location.path, one.bin, one.batch, one.serial, one.quantity) for one in rows] == [
        ("BOLT", "MAIN/RAW", "", "", "", 10),
        ("LUG", "MAIN/RACK", "R1", "", "", 4),
        ("MOTOR", "MAIN/LINE", "", "", "S1", 1),
        ("RESIN", "MAIN/LINE", "", "B7", "", 2),
    ]
    assert closing.stock_keys == 4


def test_negative_past_balances_are_stored(plant: Plant) -> None:
    plant.has(5, "BOLT", at="RAW")
    plant.moves(5, "BOLT", at=LATER)
    plant.moves(5, "BOLT", "LINE", "RAW", at=LATER)
    plant.moves(3, "BOLT", "RAW", "LINE", at=LATER)
    plant.moves(3, "BOLT", "LINE", "RAW", at=DAY)
    assert kept(closes(plant, MARCH)) == {"BOLT@MAIN/LINE": -3, "BOLT@MAIN/RAW": 8}
    assert faults(plant.site) == []


def test_the_verification_finds_wrong_closing_balances(plant: Plant) -> None:
    plant.has(10, "BOLT")
    february, march = closes(plant, FEBRUARY), closes(plant, MARCH)
    assert verify().sound
    for closing, days in ((february, ("2026-02-28", "2026-03-31")), (march, ("2026-03-31",))):
        with rolled_back():
            PeriodBalance.objects.filter(closing=closing).update(quantity=Decimal(7))
            found = next(check for check in verify().checks if check.name == "closed periods").faults
            assert [fault.split(":")[0] for fault in found] == [
                f"BOLT at MAIN/LINE, at the end of {one}" for one in days
            ]
    with rolled_back():
        PeriodBalance.objects.filter(closing=march).delete()
        assert [check.name for check in verify().checks if check.faults] == ["closed periods"]


def test_past_balances_are_counted_from_the_nearest_of_start_closing_and_now(plant: Plant) -> None:
    plant.has(5, "BOLT", at="RAW")
    plant.moves(1, "BOLT", at=DAY)
    plant.moves(1, "BOLT", at=date(2026, 7, 1))
    march = closes(plant, MARCH)

    def nearest(day: date) -> Known:
        return known_nearest(plant.site, end_of_day(plant.site, day))

    assert nearest(date(2000, 1, 5)) == Known()
    assert nearest(FEBRUARY) == Known(march.until, back=True, closing=march.pk)
    assert nearest(MARCH) == nearest(APRIL) == Known(march.until, closing=march.pk)
    assert nearest(date(2026, 6, 29)) == Known(back=True)


def test_a_past_balance_takes_the_same_statements_for_any_number_of_closings(plant: Plant) -> None:
    plant.has(10, "BOLT")
    plant.moves(1, "BOLT", "LINE", "RAW", at=LATER)
    moments = [end_of_day(plant.site, day) for day in (FEBRUARY, MARCH, APRIL, date(2026, 6, 1))]
    costs = []
    for day in (date(2026, 1, 1) + timedelta(days=7 * week) for week in range(14)):
        closes(plant, day)
        costs.append(max(statements_of(lambda at=at: balances_at(plant.site, at)) for at in moments))  # type: ignore[misc]
    assert max(costs) <= 8


@pytest.fixture
def busy(plant: Plant) -> Plant:
    plant.has(1000, "BOLT")
    plant.has(1000, "BOLT", at="RAW")
    plant.has(1000, "LUG", at="RAW")
    plant.releases(1000, "BRACKET")
    return plant


FIRST = date(2026, 1, 1)
DAYS = st.integers(0, 40).map(lambda days: FIRST + timedelta(days=days))
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("move"), DAYS, st.sampled_from(["BOLT", "LUG"]), st.integers(1, 9), st.booleans()),
        st.tuples(st.just("book"), DAYS, st.integers(1, 3)),
        st.tuples(st.just("close"), DAYS),
        st.tuples(st.just("reopen"), st.integers(0, 3)),
    ),
    max_size=14,
)


@contextmanager
def without_closings() -> Iterator[None]:
    """Hide all stored balances of periods."""
    with transaction.atomic():
        PeriodClosing.objects.update(counted_at=None)
        yield
        transaction.set_rollback(True)


@pytest.mark.slow
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(deeds=DEEDS)
def test_every_past_is_the_same_with_and_without_closings(busy: Plant, deeds: list[tuple[Any, ...]]) -> None:
    with rolled_back():
        for deed in deeds:
            does(busy, *deed)
        moments = [
            end_of_day(busy.site, FIRST + timedelta(days=days)) - INSTANT
            for days in (-1, 0, 6, 7, 13, 20, 27, 34, 40, 41)
        ]
        with_them = [balances_at(busy.site, moment) for moment in moments]
        bolts = [balances_at(busy.site, moment, item="BOLT", location="MAIN/LINE") for moment in moments]
        with without_closings():
            assert [balances_at(busy.site, moment) for moment in moments] == with_them
        for found, some in zip(with_them, bolts, strict=True):
            assert [one for one in found if (one.item, one.location) == ("BOLT", "MAIN/LINE")] == some
        assert PERIOD_BALANCES_AGAINST_MOVEMENTS.fetch_replanned() == []
    busy.site.refresh_from_db()


def does(plant: Plant, what: str, *how: Any) -> None:
    """Carry out one more operation; a refusal because of a closed period is accepted."""
    try:
        with transaction.atomic():
            match what, how:
                case "move", (day, item, quantity, there):
                    plant.moves(quantity, item, *(("RAW", "LINE") if there else ("LINE", "RAW")), at=day)
                case "book", (day, good):
                    plant.books(good, "BRACKET", at=day)
                case "close", (day,):
                    closes(plant, day, known_unresolved=None)
                case "reopen", (place,):
                    standing = [one.through for one in closings(plant.site) if one.reopened_at is None]
                    if standing:
                        reopens(plant, standing[place % len(standing)])
    except Refusal as refusal:
        assert refusal.code in {"period_closed", "insufficient_stock"}, refusal  # noqa: PT017
        plant.site.refresh_from_db()


def test_existing_opening_stock_of_a_closed_day_is_no_fault(database: Database, tmp_path: Path) -> None:
    brought(files(tmp_path / "first"))
    site = site_named()
    close_period(site=site, through=MARCH, by=known_user(name="cora"), known_unresolved=None)
    brought(files(tmp_path / "again"))
    more = [*EXAMPLE["opening_stock"], {**EXAMPLE["opening_stock"][0], "location": "MAIN/STOCK", "quantity": "3"}]
    report = bring(files(tmp_path / "more", opening_stock=more))
    assert [one.fault.endswith("is closed.") for one in report.findings] == [True]
    assert report.findings[0].remedy.startswith("Use 1 Apr 2026 or later, or ask cora")
    assert said(report.findings[0]) == ("opening_stock.csv", len(more) + 1, "date")
