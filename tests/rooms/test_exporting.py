"""What is exported and imported again changes nothing."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backflush.core.refusals import Refusal
from backflush.imports.exports import EXPORTS, export_tables, rows_of
from backflush.imports.text_files import spreadsheet_safe, text_file
from backflush.items.models import Item, TypeCode, Unit
from backflush.items.services import ItemIn, add_items
from backflush.stockmap.models import Site
from backflush.structures.services import LineIn, set_structures
from tests.databases import Database
from tests.imports import EXAMPLE, brought, counts, files

pytestmark = pytest.mark.usefixtures("database")

ENDING = {"ends": "2026-12-31", "by_hand": "yes"}
HISTORY = {"bookings", "receipts", "productions", "counts"}


def changed(path: Path) -> dict[str, tuple[int, int]]:
    """Import a path with --update and --replace, and return what was new or changed."""
    report = brought(path, update=True, replace=True)
    assert [name for count in report.counts.values() for name in count.removed] == []
    return {name: (new, changed) for name, (new, changed, _) in counts(report).items() if new or changed}


@pytest.mark.parametrize("to", ["folder", "plant.xlsx"])
def test_a_whole_plant_comes_back_as_it_was(to: str, tmp_path: Path) -> None:
    structures = [
        *EXAMPLE["structures"],
        {"item": "PLATED", "line": "20", "component": "BOLT", "quantity": "0.3", "fixed": "2", "from": "MAIN/LINE"}
        | ENDING,
        {"item": "PLATED", "line": "20", "component": "STEEL", "quantity": "1", "starts": "2027-01-01", "waste": "3"},
    ]
    opening = [*EXAMPLE["opening_stock"], {"item": "BOLT", "location": "MAIN/STOCK", "quantity": "7"}]
    orders = [
        *EXAMPLE["works_orders"],
        {**EXAMPLE["works_orders"][0], "number": "WO-2", "status": "cancelled", "ended_at": "2026-01-08T12:30"},
        {**EXAMPLE["works_orders"][0], "number": "WO-3", "status": "new", "quantity": "2.000"},
    ]
    tolerances = EXAMPLE["count_tolerances"]
    brought(
        files(
            tmp_path / "plant",
            structures=structures,
            opening_stock=opening,
            works_orders=orders,
            count_tolerances=tolerances,
        )
    )
    assert {table for table in EXAMPLE if table not in EXPORTS} == HISTORY
    export_tables(tmp_path / to, [*EXPORTS])
    assert changed(tmp_path / to) == {}
    with pytest.raises(Refusal, match="exists already"):
        export_tables(tmp_path / to, [*EXPORTS])


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), max_size=30).map(str.strip)
CODE = st.text(st.sampled_from("ABCäß019-=+@'/. ;,\""), min_size=1, max_size=12).map(str.strip).filter(bool)
QUANTITY = st.decimals(min_value=Decimal("0.000001"), max_value=10**6, places=6)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_items_and_structures_come_back_as_they_were(
    data: st.DataObject, database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("plant")
    if not Item.objects.exists():
        brought(files(folder / "plant", bookings=None))
    with transaction.atomic():
        _export_and_import(data, folder)
        transaction.set_rollback(True)


def _export_and_import(data: st.DataObject, folder: Path) -> None:
    new = [
        ItemIn(
            code=code,
            description=data.draw(TEXT),
            component_class="M",
            type_code=TypeCode.objects.get(code="MADE"),
            stock_unit=Unit.objects.get(code="KG"),
            quantity_decimals=3,
            product_group=None,
            tracking="none",
            abc_class="",
            stock_min=data.draw(st.none() | QUANTITY),
            stock_max=None,
            batch_size=None,
            lead_time_days=data.draw(st.none() | st.integers(0, 400)),
            obsolete_on=data.draw(st.none() | st.dates(date(2030, 1, 1), date(2040, 1, 1))),
            cost_decimals=4,
            costs={"standard_material": data.draw(st.decimals(0, 1000, places=4))},
        )
        for code in data.draw(st.lists(CODE, min_size=2, max_size=5, unique_by=str.casefold))
    ]
    made = add_items(new)
    components = [*Item.objects.filter(code__in=("BOLT", "STEEL"))]
    set_structures(
        {
            item: [
                LineIn(
                    number=number,
                    component=data.draw(st.sampled_from(components)),
                    quantity=data.draw(QUANTITY),
                    unit=data.draw(st.sampled_from(components)).stock_unit,
                    waste=data.draw(st.decimals(0, 99, places=2)),
                )
                for number in data.draw(st.lists(st.integers(1, 90), max_size=3, unique=True))
            ]
            for item in made
        }
    )
    target = folder / data.draw(st.sampled_from(["out", "out.xlsx"]))
    export_tables(target, ["items", "structures"])
    assert changed(target) == {}


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=20))
def test_no_cell_is_computed_by_a_spreadsheet_and_each_reads_back_as_it_was(text: str) -> None:
    safe = spreadsheet_safe(text)
    assert safe[:1] not in ("=", "+", "-", "@", "\t", "\uff1d")
    quoted = safe.replace('"', '""')
    assert next(text_file(f'"{quoted}","x"'.encode()).rows(",")) == [text, "x"]


def test_only_one_sites_own_rows_are_exported_for_it(tmp_path: Path) -> None:
    brought(files(tmp_path / "plant", bookings=None))
    Site.objects.create(code="EAST")
    assert [row[0] for row in rows_of("sites")] == ["code", "EAST", "MAIN"]
    assert len([*rows_of("stores", site="EAST")]) == 1
    assert len([*rows_of("stores", site="MAIN")]) > 1


def test_an_export_takes_as_many_statements_for_many_rows_as_for_one(tmp_path: Path) -> None:
    brought(files(tmp_path / "plant"))

    def statements(table: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            list(rows_of(table))
        return len(captured)

    before = {table: statements(table) for table in EXPORTS}
    assert max(before.values()) <= 7
