"""Processes killed while they archive or restore: every row is in the database, or all of them are in the file."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from backflush.archives.file_format import is_archive
from backflush.archives.services import archive, unarchive
from backflush.archives.verification import prove_archives
from backflush.audit.verification import verify
from backflush.core.refusals import Refusal
from backflush.ledger.models import Archive
from backflush.stockmap.models import Site
from backflush.works.services.transitions import complete_order
from tests.cast import DAY, Plant
from tests.databases import Database
from tests.oracle import snapshot
from tests.races.processes import Outcome, Worker, killed_before, race

EVERY = 9
"""The distance between the statements before which it is killed: an archive takes over a hundred."""


def a_year(plant: Plant) -> None:
    """Create a year of finished orders, and an unfinished one."""
    plant.has(100, "BOLT")
    plant.has(100, "SHEET")
    for _ in range(3):
        plant.books(2, "BRACKET")
    complete_order(site=plant.site, number="W-BRACKET", by=plant.storekeeper)
    plant.books(3, "FRAME")
    Site.objects.filter(pk=plant.site.pk).update(closed_through=DAY)


def puts_away(plant: Plant, folder: str) -> str:
    return archive(site=plant.site, through=DAY, folder=Path(folder), by=plant.storekeeper).file


def brings_back(plant: Plant, folder: str) -> str:
    standing = Archive.objects.get(brought_back_at__isnull=True)
    return unarchive(file=Path(folder) / standing.file, by=plant.storekeeper).file


def attempt(plant: Plant, task: Callable[[Plant, str], str], folder: str, before: int) -> str:
    """Archive or restore in this process, which dies before its n-th statement if there are that many."""
    with killed_before(before):
        return task(plant, folder)


@pytest.mark.parametrize("task", [puts_away, brings_back])
def test_an_archive_killed_at_any_moment_loses_nothing_and_is_completed_by_a_second_try(
    committed_plant: Plant, committed_database: Database, tmp_path: Path, task: Callable[[Plant, str], str]
) -> None:
    a_year(committed_plant)
    whole = snapshot()
    if task is brings_back:
        puts_away(committed_plant, str(tmp_path))
    untouched, standing = snapshot(), Archive.objects.filter(brought_back_at__isnull=True).count()
    died, outcome = 0, Outcome(failure="died")
    for step in count():
        worker = Worker(committed_database, attempt, task, str(tmp_path), 1 + step * EVERY)
        outcome = worker.outcome()
        if outcome.failure != "died":
            break
        died += 1
        if Archive.objects.filter(brought_back_at__isnull=True).count() != standing:
            break
        assert snapshot() == untouched
    assert outcome.failure in {"", "died"}, outcome
    assert died > 2
    if task is brings_back:
        assert snapshot() == whole
    else:
        made = Archive.objects.get()
        assert is_archive(tmp_path / made.file)
        assert prove_archives([tmp_path / made.file]).sound
    assert verify().sound


def reverses_one(plant: Plant, posting: int) -> object:
    return plant.reverses_number(posting)


def test_two_concurrent_archives_archive_every_row_once(
    committed_plant: Plant, committed_database: Database, tmp_path: Path
) -> None:
    a_year(committed_plant)
    outcomes = race(committed_database, (puts_away, str(tmp_path)), (puts_away, str(tmp_path)))
    assert [one.failure for one in outcomes] == ["", ""]
    assert sorted(one.refusal for one in outcomes) in (["", "changed_meanwhile"], ["", "not_found"])
    assert Archive.objects.count() == 1
    assert prove_archives([tmp_path]).sound
    assert verify().sound


def test_a_posting_reversed_during_archiving_is_archived_whole_or_not_at_all(
    committed_plant: Plant, committed_database: Database, tmp_path: Path
) -> None:
    a_year(committed_plant)
    posting = committed_plant.cost_object("BRACKET").bookings.order_by("pk")[0].posting_id
    outcomes = race(committed_database, (puts_away, str(tmp_path)), (reverses_one, posting))
    assert verify().sound
    assert [one for one in outcomes if not one.failure and not one.refusal], outcomes
    if Archive.objects.exists():
        assert prove_archives([tmp_path]).sound


def test_a_refusal_leaves_no_file(committed_plant: Plant, tmp_path: Path) -> None:
    with pytest.raises(Refusal):
        puts_away(committed_plant, str(tmp_path))
    assert list(tmp_path.iterdir()) == []
