"""Written values read back equal, and workbooks are read as displayed."""

import csv
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from backflush.booking_kinds import KINDS
from backflush.core.input_values import FIRST_YEAR, LAST_YEAR
from backflush.core.refusals import InvalidValue
from backflush.imports.cell_types import Reader, as_seen, as_written
from backflush.imports.columns import TABLES, CellType, ImportColumn
from backflush.imports.findings import as_fault
from backflush.imports.templates import write_csv
from tests.imports import workbook

NUMBERS = st.decimals(min_value=0, max_value=10**9, places=6)
FACTORS = st.fractions(min_value=Fraction(1, 10**6), max_value=10**6, max_denominator=10**6)
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60).map(str.strip)
VALUES: dict[CellType, st.SearchStrategy[Any]] = {
    CellType.TEXT: TEXTS,
    CellType.NUMBER: NUMBERS,
    CellType.RATIO: FACTORS,
    CellType.WHOLE: st.integers(0, 2**31 - 1),
    CellType.DAY: st.dates(),
    CellType.MOMENT: st.one_of(
        st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)),
        st.datetimes(datetime(FIRST_YEAR, 1, 1), datetime(LAST_YEAR, 12, 31)),  # noqa: DTZ001
    ),
    CellType.YES_NO: st.booleans(),
    CellType.CHOICE: st.sampled_from(["B", "M"]),
}


def column(kind: CellType) -> ImportColumn:
    return ImportColumn("column", "Anything.", kind, default="" if kind is CellType.TEXT else None, choices=("B", "M"))


def read(kind: CellType, cell: Any) -> Any:
    return Reader(column(kind))(cell)


@given(st.data(), st.sampled_from(list(VALUES)))
def test_a_written_value_reads_back_equal(data: st.DataObject, kind: CellType) -> None:
    value = data.draw(VALUES[kind])
    assert read(kind, as_written(value)) == value


@given(rows=st.lists(st.tuples(TEXTS, TEXTS), max_size=20))
def test_texts_survive_being_written_to_a_csv_file(
    rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("texts") / "texts.csv"
    write_csv(path, ("one", "two"), *rows)
    with path.open(encoding="utf-8-sig", newline="") as lines:
        _, *found = csv.reader(lines, strict=True)
    assert [tuple(row) for row in found] == rows


@given(st.decimals(min_value=0, max_value=10**9, places=5))
def test_a_workbooks_float_is_the_number_that_was_typed(value: Decimal) -> None:
    assert Decimal(str(as_seen(float(value)))) == value


def test_a_real_workbook_is_read_as_displayed(tmp_path: Path) -> None:
    cells: list[Any] = [1001, 1001.0, 0.1 + 0.2, "0042", True, date(2026, 3, 2), datetime(2026, 3, 2, 14, 30), 1e15, ""]  # noqa: DTZ001
    path = workbook(tmp_path / "cells.xlsx", {"cells": [cells]})
    (row,) = CalamineWorkbook.from_path(path).get_sheet_by_name("cells").to_python()
    seen = [as_seen(cell) for cell in row]
    assert seen[:6] == ["1001", "1001", "0.3", "0042", "yes", date(2026, 3, 2)]
    assert seen[6] == datetime(2026, 3, 2, 14, 30)  # noqa: DTZ001
    assert seen[7] == "1000000000000000"


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        *((CellType.NUMBER, cell) for cell in ("1,5", "1 000", "1_000", "NaN", "inf", "-1", "1e999")),
        *((CellType.NUMBER, cell) for cell in ("\uff11", "1" * 41, "x")),
        *((CellType.RATIO, cell) for cell in ("1/0", "0", "-1/2", "1/2/3", "/", "1/")),
        *((CellType.WHOLE, cell) for cell in ("1.5", "-1", "2147483648", "ten")),
        *((CellType.DAY, cell) for cell in ("2026-02-30", "02/03/2026", "2026-3-2", "20260302", "2026-03-02T10:00")),
        (CellType.MOMENT, "2026-03-02T25:00"),
        (CellType.YES_NO, "maybe"),
        (CellType.CHOICE, "X"),
        (CellType.TEXT, "a\0b"),
        (CellType.TEXT, date(2026, 3, 2)),
    ],
)
def test_a_value_that_cannot_be_read_exactly_is_a_fault_with_a_remedy(kind: CellType, cell: Any) -> None:
    with pytest.raises(InvalidValue) as refused:
        read(kind, cell)
    fault, remedy = as_fault(refused.value)
    assert fault
    assert remedy
    assert refused.value.field == "column"


def test_every_input_of_a_booking_has_a_column_that_reads_it() -> None:
    for kind in KINDS:
        table = TABLES[kind.table]
        read = {
            column.input.name: Reader(column)(kind.row.get(column.name, "")) for column in table.columns if column.input
        }
        assert read.keys() == kind.inputs.by_name.keys()
        assert kind.report(**kind.inputs.with_units(read)).of
    serials = next(column for column in TABLES["bookings"].columns if column.name == "serials")
    assert Reader(serials)("S1 S2;S3,S4") == ("S1", "S2", "S3", "S4")


def test_every_table_has_examples_of_its_own_columns_and_a_key_of_them() -> None:
    for table in TABLES.values():
        names = {column.name for column in table.columns}
        assert set(table.key) <= names
        assert table.examples
        assert all(set(example) <= names for example in table.examples), table.name
        assert all(column.refers in {"", *TABLES} for column in table.columns)
