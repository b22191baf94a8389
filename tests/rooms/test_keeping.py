"""Backups: complete, made while users book, and restored exactly into either kind of database."""

import json
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from backflush.audit.verification import verify
from backflush.backflushing.models import Booking
from backflush.core.refusals import AlreadyThere, DatabaseUnreachable, InvalidValue, NotFound, UpgradeNeeded
from backflush.ledger.models import Balance, Movement
from backflush.operations import backup, portable
from backflush.operations.backup import CopyFormat, back_up, is_empty, kind_of, restore
from tests.cast import Plant
from tests.databases import Database, Databases
from tests.doors.console import Console
from tests.races.processes import Worker

ENGINES = ("sqlite", "postgres")


def everything() -> dict[str, list[str]]:
    """Return every row of every table, as values that are equal in both databases."""
    tables = ((table.name, portable.rows_of(table)) for table in portable.tables())
    # Sort inside JSON too, because PostgreSQL has its own order of names.
    return {name: sorted(json.dumps(row, sort_keys=True) for row in rows) for name, rows in tables}


def figures() -> list[tuple[Any, ...]]:
    """Return the main figures: balances, unresolved movements and bookings."""
    return [
        *Balance.objects.order_by("pk").values_list("item__code", "location__path", "batch", "serial", "quantity"),
        *Movement.objects.order_by("pk").values_list("item__code", "status", "quantity", "due", "at", "source_after"),
        *Booking.objects.order_by("pk").values_list("posting", "good", "scrap", "posting__recorded_at"),
    ]


def a_busy_morning(plant: Plant) -> None:
    plant.has(100, "BOLT")
    plant.has("0.001", "PAINT")
    plant.has(3, "MOTOR", serials=["S1", "S2", "S3"])
    plant.has("999999999999.999", "TUBE")
    plant.books(10, "BRACKET", 2)
    plant.books(3, "FRAME")
    plant.books(1, "CABINET")
    plant.has(200, "LUG")
    plant.resolves("LUG")


@pytest.fixture
def empty(databases: Databases, request: pytest.FixtureRequest) -> Iterator[Database]:
    with databases.fresh(request.param) as database:
        yield database


def ways(engine: str) -> list[tuple[str, bool, str]]:
    return [(engine, as_portable, target) for as_portable in (False, True) for target in ENGINES]


@pytest.mark.parametrize(
    ("committed_database", "as_portable", "empty"),
    [way for engine in ENGINES for way in ways(engine) if way != ("postgres", False, "sqlite")],
    indirect=["committed_database", "empty"],
)
def test_a_backup_is_restored_unchanged(
    committed_database: Database, as_portable: bool, empty: Database, tmp_path: Path
) -> None:
    plant = Plant.build()
    a_busy_morning(plant)
    before, rows = figures(), everything()
    kept = back_up(tmp_path / "copy", as_portable=as_portable)
    assert kept.kind == kind_of(tmp_path / "copy")
    with empty.as_default():
        restore(tmp_path / "copy")
        assert (figures(), everything()) == (before, rows)
        assert verify().sound
        # New rows get higher keys than the restored ones.
        plant = Plant()
        plant.books(1, "BRACKET")
        assert verify().sound
        assert len(figures()) > len(before)


BUSY = 3.0


def books_until_told(plant: Plant, stop: str) -> int:
    booked = 0
    while not Path(stop).exists():
        plant.has(4, "BOLT")
        plant.books(1, "BRACKET")
        booked += 1
    return booked


@pytest.mark.slow
@pytest.mark.parametrize("as_portable", [False, True])
@pytest.mark.parametrize(
    ("committed_database", "empty"), [(one, one) for one in ENGINES], indirect=["committed_database", "empty"]
)
def test_users_can_book_while_a_backup_is_made(
    committed_database: Database, empty: Database, as_portable: bool, tmp_path: Path
) -> None:
    Plant.build()
    stop = tmp_path / "stop"
    worker = Worker(committed_database, books_until_told, str(stop))
    try:
        _wait_for_bookings(3)
        for number in range(3):
            back_up(tmp_path / f"copy{number}", as_portable=as_portable)
        _wait_for_bookings(Booking.objects.count() + 2)
    finally:
        stop.touch()
        outcome = worker.outcome()
    assert outcome.failure == ""
    after = Booking.objects.count()
    assert outcome.answer == after
    with empty.as_default():
        for number in range(3):
            restore(tmp_path / f"copy{number}", replace=True)
            assert 3 <= Booking.objects.count() < after
            # Consistent: every booking has its movements, and every balance equals its movements.
            assert verify().sound


def _wait_for_bookings(count: int) -> None:
    patience = monotonic() + 120
    while Booking.objects.count() < count:
        assert monotonic() < patience
        sleep(0.02)


def test_a_database_with_a_plant_is_overwritten_only_on_request(committed_database: Database, tmp_path: Path) -> None:
    plant = Plant.build()
    back_up(tmp_path / "copy")
    plant.has(5, "BOLT")
    assert not is_empty()
    with pytest.raises(AlreadyThere):
        restore(tmp_path / "copy")
    assert plant.balance("BOLT") == 5
    restore(tmp_path / "copy", replace=True)
    assert Plant().balance("BOLT") == 0


def test_a_backup_never_overwrites_a_file(committed_database: Database, tmp_path: Path) -> None:
    (tmp_path / "copy").write_text("mine")
    with pytest.raises(AlreadyThere):
        back_up(tmp_path / "copy")
    with pytest.raises(NotFound):
        back_up(tmp_path / "nowhere" / "copy")
    assert (tmp_path / "copy").read_text() == "mine"


def test_a_backup_is_readable_by_its_owner_only_and_never_incomplete(
    committed_database: Database, tmp_path: Path
) -> None:
    Plant.build()
    for as_portable in (False, True):
        file = tmp_path / f"copy{as_portable}"
        back_up(file, as_portable=as_portable)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"copyFalse", "copyTrue"}


def test_a_failed_backup_leaves_nothing_behind(
    committed_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(portable, "_write_rows", full)
    with pytest.raises(OSError, match="No space"):
        back_up(tmp_path / "copy", as_portable=True)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("content", [b"", b"something else", b"PK\x03\x04 no zip"])
def test_a_file_that_is_not_a_backup_is_refused(committed_database: Database, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "copy").write_bytes(content)
    with pytest.raises(InvalidValue):
        restore(tmp_path / "copy")
    with pytest.raises(NotFound):
        restore(tmp_path / "missing")


def _changed(copy: Path, changed: Path, name: str, change: Any) -> None:
    with ZipFile(copy) as old, ZipFile(changed, "w", ZIP_DEFLATED) as new:
        for entry in old.namelist():
            content = old.read(entry)
            new.writestr(entry, change(content) if entry == name else content)


def test_a_portable_backup_with_missing_rows_is_refused_and_changes_nothing(
    committed_database: Database, tmp_path: Path
) -> None:
    plant = Plant.build()
    plant.has(5, "BOLT")
    back_up(tmp_path / "copy", as_portable=True)
    _changed(tmp_path / "copy", tmp_path / "cut", "ledger_movement.jsonl", lambda content: b"")
    with pytest.raises(InvalidValue, match="not complete: ledger_movement"):
        restore(tmp_path / "cut", replace=True)
    assert plant.balance("BOLT") == 5


def test_a_portable_backup_of_another_version_is_refused(committed_database: Database, tmp_path: Path) -> None:
    Plant.build()
    back_up(tmp_path / "copy", as_portable=True)
    newer = lambda content: content.replace(b'"0001_initial"', b'"0001_other"', 1)  # noqa: E731
    _changed(tmp_path / "copy", tmp_path / "newer", portable.CONTENTS, newer)
    with pytest.raises(UpgradeNeeded):
        restore(tmp_path / "newer", replace=True)
    assert Plant().balance("BOLT") == Decimal(0)


@pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)
def test_a_backup_of_sqlite_is_one_file_without_a_log(committed_database: Database, tmp_path: Path) -> None:
    a_busy_morning(Plant.build())
    back_up(tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]
    with sqlite3.connect(f"file:{tmp_path / 'copy'}?mode=ro", uri=True) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("committed_database", ["postgres"], indirect=True)
def test_without_pg_dump_the_backup_is_portable(
    committed_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Plant.build()
    monkeypatch.setattr(backup, "USUAL_PLACES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert back_up(tmp_path / "copy").kind == CopyFormat.PORTABLE
    assert shutil.which("pg_dump") is None


@pytest.mark.parametrize("committed_database", ["postgres"], indirect=True)
def test_a_failed_pg_dump_is_reported_and_leaves_nothing(
    committed_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "pg_dump").write_text("#!/bin/sh\necho 'server version mismatch' >&2; exit 1\n")
    (tools / "pg_dump").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    with pytest.raises(DatabaseUnreachable, match="pg_dump failed: server version mismatch"):
        back_up(tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["tools"]


def test_the_command_line_backs_up_and_restores(committed_database: Database, tmp_path: Path) -> None:
    plant = Plant.build()
    a_busy_morning(plant)
    console = Console()
    told = console.tells("backup", tmp_path / "copy")
    assert told["bytes"] == (tmp_path / "copy").stat().st_size
    assert console.refuses("backup", tmp_path / "copy") == "already_there"
    assert console.refuses("restore", tmp_path / "copy") == "already_there"
    told = console.tells("restore", tmp_path / "copy", "--replace")
    assert (told["verified"], told["sound"], told["faults"]) == (True, True, 0)
    assert "All checks passed." in console.says("restore", tmp_path / "copy", "--replace")
