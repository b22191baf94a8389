"""Processes killed at any moment: an operation is complete or absent, and is posted once when sent again with its
key."""

import time
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

import pytest

from backflush.backflushing.models import Booking
from backflush.counts.models import CountDecision, CountSheet, CountStatus, SheetLine, StockCount
from backflush.counts.sheets import SheetIn, approve_sheet, make_sheet
from backflush.counts.tolerances import ToleranceIn, set_tolerances
from backflush.ledger.models import Movement, Posting
from backflush.people.services import known_user
from tests.cast import Plant
from tests.databases import Database
from tests.hands import identity
from tests.oracle import faults, snapshot
from tests.races.processes import Outcome, Worker, killed_before

KEY = "sent again"
MOMENTS = 6


def books(plant: Plant) -> Any:
    return plant.books(3, "CABINET", 1, key=KEY)


def receives(plant: Plant) -> Any:
    return plant.receives(3, "PLATED", 1, key=KEY)


def produces(plant: Plant) -> Any:
    return plant.produces(2, "PACK", key=KEY)


def resolves_a_part(plant: Plant) -> Any:
    """Resolve seven of twelve bolts from the raw store, and keep the rest."""
    return plant.resolves(first_due(plant), 7, source="RAW", remainder="keep", key=KEY)


def retries(plant: Plant) -> Any:
    return plant.retries(key=KEY)


def reverses(plant: Plant) -> Any:
    return plant.reverses(Booking.objects.order_by("pk")[0], key=KEY)


def undoes(plant: Plant) -> Any:
    return plant.reverses_number(Posting.objects.filter(process="resolution").order_by("pk")[0].pk, key=KEY)


def first_due(plant: Plant) -> int:
    return Movement.objects.filter(site=plant.site, due__isnull=False).order_by("pk")[0].pk


def a_morning(plant: Plant) -> None:
    """Create a booking to reverse, a resolution, an unresolved movement, and stock to resolve it."""
    for item in ("BRACKET", "CABINET"):
        plant.releases(100, item)
    plant.buys(100, "PLATED")
    plant.books(3, "BRACKET")
    plant.books(2, "BRACKET")
    plant.has(100, "SHEET")
    plant.has(100, "BOLT", at="RAW")
    plant.has(40, "LUG", at="ACME/STOCK")


def an_afternoon(plant: Plant) -> None:
    """Create the same, with stock at the line, and the first movement resolved in part."""
    a_morning(plant)
    plant.has(30, "BOLT")
    plant.resolves(first_due(plant), 7, source="RAW", remainder="keep")


def attempt(plant: Plant, task: Callable[[Plant], Any], before: int) -> Any:
    """Carry out an operation in this process, which dies before its n-th statement if there are that many."""
    with killed_before(before):
        return identity(task(plant))


CASES = [
    (books, an_afternoon),
    (receives, a_morning),
    (produces, a_morning),
    (resolves_a_part, a_morning),
    (retries, an_afternoon),
    (reverses, an_afternoon),
    (undoes, an_afternoon),
]


@pytest.mark.parametrize(("task", "before"), CASES, ids=[task.__name__ for task, _ in CASES])
def test_an_operation_killed_before_any_statement_leaves_nothing_and_can_be_sent_again(
    committed_plant: Plant, committed_database: Database, task: Callable[[Plant], Any], before: Callable[[Plant], None]
) -> None:
    plant = committed_plant
    before(plant)
    untouched, postings = snapshot(), Posting.objects.count()
    died, outcome = 0, Outcome(failure="died")
    for statement in count(1):
        outcome = Worker(committed_database, attempt, task, statement).outcome()
        if outcome.failure != "died":
            break
        died += 1
        # Only the last process, killed after the commit, may have left anything, and then everything.
        if Posting.objects.count() == postings:
            assert snapshot() == untouched
        else:
            assert faults(plant.site) == []
    assert outcome.failure == outcome.refusal == ""
    # The process that died after its commit posted it; the surviving one got the earlier outcome.
    assert Posting.objects.count() == postings + 1
    assert outcome.answer == identity(task(plant))
    assert Posting.objects.count() == postings + 1
    assert died > 8
    assert faults(plant.site) == []


def approves_the_sheet(plant: Plant) -> int:
    sheet = CountSheet.objects.get().pk
    return len(approve_sheet(site=plant.site, sheet=sheet, by=known_user(name="ama"), remarks="looked at"))


def counted_beyond_the_tolerance(plant: Plant) -> None:
    for item in ("BOLT", "LUG", "TUBE", "SHEET"):
        plant.has(100, item)
    set_tolerances([ToleranceIn(quantity_down=Decimal(1), recount_beyond=False)], site=plant.site)
    sheet = make_sheet(SheetIn(), site=plant.site, by=plant.storekeeper).sheet
    for line in SheetLine.objects.select_related("item"):
        plant.counts(90, line.item.code, sheet=sheet.pk)


def test_an_approval_killed_before_any_statement_approves_a_whole_sheet_or_nothing(
    committed_plant: Plant, committed_database: Database
) -> None:
    plant = committed_plant
    counted_beyond_the_tolerance(plant)
    untouched = snapshot()
    died, outcome = 0, Outcome(failure="died")
    # Every fourth statement is enough here, because a process takes a second to start.
    for statement in count(2, 4):
        outcome = Worker(committed_database, killed_in, approves_the_sheet, statement).outcome()
        if outcome.failure != "died" or StockCount.objects.filter(status=CountStatus.POSTED).exists():
            break
        died += 1
        assert snapshot() == untouched
    assert died > 2
    assert StockCount.objects.filter(status=CountStatus.POSTED).count() == 4
    assert CountDecision.objects.count() == 4
    assert [plant.balance(item) for item in ("BOLT", "LUG", "TUBE", "SHEET")] == [90] * 4
    assert faults(plant.site) == []


def killed_in(plant: Plant, task: Callable[[Plant], Any], before: int) -> Any:
    with killed_before(before):
        return task(plant)


def keeps_booking(plant: Plant, first: int) -> None:
    """Book, resolve and reverse, each under its own key, until the process is killed."""
    for number in count(first):
        turn(plant, number)


def turn(plant: Plant, number: int) -> None:
    """Carry out one round of work, which can be repeated."""
    booking = plant.books(1, "BRACKET", key=f"book {number}")
    retried = plant.retries(key=f"retry {number}")
    if number % 3 == 0:
        plant.reverses(booking, key=f"reverse {number}")
    elif number % 3 == 1 and retried:
        plant.reverses(retried[0], key=f"undo {number}")


def kill_at_random_moments(plant: Plant, database: Database, moments: int, seed: int) -> None:
    rng = Random(seed)
    plant.releases(100_000, "BRACKET")
    plant.has(10, "BOLT")
    done = 0
    for _ in range(moments):
        worker = Worker(database, keeps_booking, done)
        time.sleep(0.1 + rng.random() * 0.3)
        worker.kill()
        assert worker.outcome() == Outcome(failure="died")
        found = Posting.objects.filter(key__key__startswith="book ").count()
        assert faults(plant.site) == []
        # Sent again from where it may have stopped, each booking is posted once.
        for number in range(max(0, found - 1), found + 1):
            turn(plant, number)
        done = found + 1
        assert Posting.objects.filter(key__key__startswith="book ").count() == done
        assert Booking.objects.count() == done
        assert faults(plant.site) == []
    assert done > moments


def test_processes_killed_at_random_moments_post_every_booking_once(
    committed_plant: Plant, committed_database: Database
) -> None:
    kill_at_random_moments(committed_plant, committed_database, MOMENTS, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
def test_processes_killed_at_random_moments_in_a_long_run(
    committed_plant: Plant, committed_database: Database, seed: int
) -> None:
    kill_at_random_moments(committed_plant, committed_database, 60, seed)
