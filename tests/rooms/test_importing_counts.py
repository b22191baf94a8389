"""Counts and their tolerances from files."""

from decimal import Decimal
from pathlib import Path

import pytest

from backflush.counts.models import CountStatus, CountTolerance, StockCount
from backflush.stockmap.models import Site
from tests.imports import bring, files

ROW = {"item": "BOLT", "location": "MAIN/LINE", "quantity": "990", "at": "2026-01-06T16:30"}

pytestmark = pytest.mark.usefixtures("database")


def test_counts_are_entered_with_their_times_once(tmp_path: Path) -> None:
    folder = files(tmp_path, counts=[ROW, {**ROW, "item": "STEEL", "quantity": ""}])
    assert bring(folder).applied
    count = StockCount.objects.get()
    assert (count.quantity, count.expected, count.difference) == (Decimal(990), Decimal(1000), Decimal(-10))
    again = bring(folder)
    assert (again.counts["counts"].new, again.counts["counts"].there) == (0, 1)
    assert StockCount.objects.count() == 1


def test_the_adjustment_place_is_named_in_the_table_of_sites(tmp_path: Path) -> None:
    bring(files(tmp_path))
    adjustment = Site.objects.get().adjustment
    assert adjustment is not None
    assert adjustment.path == "MAIN/ADJUST"


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"item": "NOWHERE"}, "item"),
        ({"location": "MAIN/NOWHERE"}, "location"),
        ({"location": "MAIN/WIP"}, "location"),
        ({"quantity": "1.5"}, "quantity"),
        ({"quantity": "-1"}, "quantity"),
        ({"at": ""}, "at"),
        ({"at": "2999-01-01"}, "at"),
        ({"method": "guessed"}, "method"),
        ({"counted_by": "nobody"}, "counted_by"),
        ({"location": "MAIN/RACK"}, "bin"),
    ],
)
def test_a_faulty_count_is_found_and_nothing_is_imported(tmp_path: Path, changed: dict[str, str], column: str) -> None:
    report = bring(files(tmp_path, counts=[{**ROW, **changed}]))
    assert not report.applied
    assert [(fault.table, fault.row, fault.column) for fault in report.findings] == [("counts", 2, column)]
    assert not StockCount.objects.exists()


def test_a_tolerance_is_set_kept_and_changed_with_update(tmp_path: Path) -> None:
    limits = {"quantity_up": "5", "quantity_down": "5"}
    folder = files(tmp_path, count_tolerances=[limits], counts=[ROW])
    assert bring(folder).applied
    assert StockCount.objects.get().status == CountStatus.RECOUNT
    assert bring(folder).counts["count_tolerances"].there == 1
    folder = files(tmp_path, count_tolerances=[{**limits, "quantity_down": "8"}])
    report = bring(folder)
    assert [fault.column for fault in report.findings] == ["quantity_down"]
    assert bring(folder, update=True).applied
    assert CountTolerance.objects.get().quantity_down == 8
