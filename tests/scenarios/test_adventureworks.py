"""AdventureWorks from its tables to the ledger, compared with totals that were computed without Backflush.

A small artificial slice always runs. The whole data set, 72,591 works orders, runs if BACKFLUSH_ADVENTUREWORKS names
the folder of its tables.
"""

import gzip
import os
import runpy
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from django.db.models import Sum

from backflush.core.moves import Process, Status
from backflush.ledger.models import CostObject, Movement
from backflush.ledger.selectors import waiting_movements
from backflush.stockmap.selectors import site_named
from backflush.works.models import WorksOrder
from tests.databases import Database
from tests.imports import bring, brought, counts

EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "adventureworks"
VARIABLE: Final = "BACKFLUSH_ADVENTUREWORKS"
STOCKS: Final = ("ample", "snapshot")
CHANGED: Final = "2014-01-01 00:00:00"


def convert(tables: Path, output: Path, *, stock: str) -> None:
    runpy.run_path(str(EXAMPLE / "convert.py"))["convert"](tables, output, stock=stock)


def expected(tables: Path, *, stock: str) -> dict[str, Any]:
    totals: dict[str, Any] = runpy.run_path(str(EXAMPLE / "expected.py"))["expected"](tables, stock=stock)
    return totals


def found() -> dict[str, Any]:
    """Return the same totals from the ledger."""
    assumed = Movement.objects.filter(posting__process=Process.WORKS_ORDER, line__isnull=False)
    sums = assumed.values_list("item__code", "item__stock_unit__code").annotate(Sum("quantity"), Sum("due"))
    rows = [(item, unit, moved or Decimal(0), due or Decimal(0)) for item, unit, moved, due in sums.order_by("item")]
    units: dict[str, Decimal] = {}
    for _, unit, moved, due in rows:
        units[unit] = units.get(unit, Decimal(0)) + moved + due
    made = CostObject.objects.aggregate(good=Sum("good"), scrap=Sum("scrap"))
    return {
        "orders": WorksOrder.objects.filter(status="open").count(),
        "good": made["good"],
        "scrap": made["scrap"],
        "lines": assumed.count(),
        "lines waiting": assumed.filter(status=Status.UNRESOLVED).count(),
        "by unit": units,
        "assumed": {item: moved + due for item, _, moved, due in rows},
        "moved": {item: moved for item, _, moved, _ in rows if moved},
    }


def line(*fields: object) -> str:
    return "\t".join("" if field is None else str(field) for field in fields) + "\n"


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """A few rows in the format of the source: a frame with two versions of a tube, painted by the ounce, and a bike."""
    folder = tmp_path / "tables"
    folder.mkdir()
    write: dict[str, list[tuple[object, ...]]] = {
        "UnitMeasure": [("EA ", "Each", CHANGED), ("OZ ", "Ounces", CHANGED)],
        "Location": [(name, place, 0, ".00", CHANGED) for name, place in LOCATIONS],
        "ScrapReason": [(1, "Gouge in metal", CHANGED)],
        "ProductSubcategory": [(1, 1, "Road Bikes", "{X}", CHANGED)],
        "Product": [
            (
                number,
                name,
                code,
                made,
                *(0, None, 4, 3),
                cost,
                0,
                *NONE * 4,
                1,
                *NONE * 3,
                group,
                *(CHANGED, None, None),
            )
            for number, name, code, made, cost, group in PRODUCTS
        ],
        "BillOfMaterials": [
            (place, *fields, level, quantity, CHANGED) for place, (*fields, level, quantity) in enumerate(BILL, 1)
        ],
        "ProductInventory": [(10, 50, "A", 1, 25, "{X}", CHANGED), (11, 6, "A", 1, 9, "{X}", CHANGED)],
    }
    for name, rows in write.items():
        (folder / f"{name}.csv").write_text("".join(line(*row) for row in rows))
    with gzip.open(folder / "WorkOrder.csv.gz", "wt") as lines:
        lines.writelines(line(*row) for row in ORDERS)
    return folder


NONE = [None]
LOCATIONS = ((6, "Miscellaneous Storage"), (7, "Finished Goods Storage"), (50, "Subassembly"))
PRODUCTS = (
    (1, "Bike", "BK-1", 1, "100.5", 1),
    (2, "Frame", "FR-1", 1, "40", None),
    (10, "Tube", "TU-1", 0, "3.25", None),
    (11, "Tube, new", "TU-2", 0, "3.5", None),
    (12, "Paint", "PA-1", 0, "0", None),
)
BEGIN, SWITCH, NEXT = "2010-01-01 00:00:00", "2011-06-30 00:00:00", "2011-07-01 00:00:00"
BILL = (
    (None, 1, BEGIN, None, "EA ", 0, "1.00"),
    (1, 2, BEGIN, None, "EA ", 1, "1.00"),
    (2, 10, BEGIN, SWITCH, "EA ", 2, "4.00"),
    (2, 10, NEXT, None, "EA ", 2, "3.00"),
    (2, 11, NEXT, None, "EA ", 2, "1.00"),
    (2, 12, BEGIN, None, "OZ ", 2, "8.50"),
)
ORDERS = (
    (1, 2, 5, 4, 1, "2011-06-20 00:00:00", SWITCH, SWITCH, 1, CHANGED),
    (2, 2, 6, 6, 0, "2011-06-20 00:00:00", NEXT, SWITCH, None, CHANGED),
    (3, 1, 3, 3, 0, "2011-06-20 00:00:00", SWITCH, NEXT, None, CHANGED),
)


@pytest.mark.parametrize("stock", STOCKS)
@pytest.mark.usefixtures("database")
def test_a_slice_matches_the_totals_of_its_tables(stock: str, tables: Path, tmp_path: Path) -> None:
    convert(tables, tmp_path / "import", stock=stock)
    brought(tmp_path / "import")
    totals = expected(tables, stock=stock)
    assert found() == totals
    assert totals["lines"] == 6
    assert totals["assumed"] == {"FR-1": 3, "TU-1": 38, "TU-2": 6, "PA-1": Decimal("93.5")}
    assert totals["lines waiting"] == (0 if stock == "ample" else 5)
    assert all(new == 0 for new, _, _ in counts(brought(tmp_path / "import")).values())


@pytest.fixture
def whole() -> Path:
    named = os.environ.get(VARIABLE)
    if not named:
        pytest.skip(f"left out: {VARIABLE} doesn't name the folder of the AdventureWorks tables")
    return Path(named)


@pytest.mark.parametrize("stock", STOCKS)
def test_the_whole_data_set_matches_the_totals_of_its_tables(
    stock: str, whole: Path, committed_database: Database, tmp_path: Path
) -> None:
    convert(whole, tmp_path, stock=stock)
    assert bring(tmp_path).findings == []
    totals = expected(whole, stock=stock)
    assert found() == totals
    assert totals["orders"] == 72_591
    assert list(first_of_the_queue()) == sorted(first_of_the_queue(), key=lambda row: (row[0], row[1]))


def first_of_the_queue() -> Iterator[tuple[Any, int]]:
    """Return the first pages of the unresolved queue."""
    for movement in waiting_movements(site_named())[:50]:
        yield movement.at, movement.pk
