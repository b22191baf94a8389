"""Compute the expected totals of AdventureWorks from its tables, without Backflush. Standard library only.

    python expected.py TABLES [--stock ample|snapshot]

Every works order counts with its whole quantity, and with the lines of the bill of materials in force on the day on
which it was finished, one level deep. The same is then posted against the opening stock, order by order: a line with
too little stock is unresolved as a whole.
"""

import argparse
import csv
import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

SUBASSEMBLY = "50"
"""The location of components. Finished goods go elsewhere, so later orders can't use them."""

Line = tuple[int, str, str, Decimal]
Totals = dict[str, Any]


def rows(folder: Path, name: str) -> Iterator[list[str]]:
    """Yield the rows of a table."""
    packed = folder / f"{name}.csv.gz"
    with gzip.open(packed, "rt") if packed.exists() else (folder / f"{name}.csv").open() as lines:
        for row in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield [field.strip() for field in row]


def bill_of_materials(folder: Path) -> tuple[dict[str, list[Line]], dict[int, str]]:
    """Return component, first day, last day and quantity by assembly; and the unit of each component."""
    bill: dict[str, list[Line]] = defaultdict(list)
    units = {}
    for _, assembly, component, start, end, unit, _, quantity, _ in rows(folder, "BillOfMaterials"):
        if assembly:
            bill[assembly].append((int(component), start[:10], end[:10] or "9999", Decimal(quantity)))
            units[int(component)] = unit
    return bill, units


def opening(folder: Path) -> dict[int, Decimal]:
    """Return the snapshot's stock at the location of components."""
    there: dict[int, Decimal] = defaultdict(Decimal)
    for row in rows(folder, "ProductInventory"):
        if row[1] == SUBASSEMBLY:
            there[int(row[0])] += Decimal(row[4])
    return there


def expected(folder: Path, *, stock: str) -> Totals:
    """Return the totals: orders, pieces and lines; by unit and by component; posted and unresolved."""
    bill, units = bill_of_materials(folder)
    there = opening(folder) if stock == "snapshot" else None
    assumed: dict[int, Decimal] = defaultdict(Decimal)
    moved: dict[int, Decimal] = defaultdict(Decimal)
    totals = dict.fromkeys(("orders", "good", "scrap", "lines", "lines waiting"), 0)
    for _, product, _, stocked, scrapped, _, end, *_ in finished(folder):
        totals["orders"] += 1
        totals["good"] += int(stocked)
        totals["scrap"] += int(scrapped)
        for component, first, last, each in sorted(bill[product]):
            if not first <= end[:10] <= last:
                continue
            quantity = each * (int(stocked) + int(scrapped))
            totals["lines"] += 1
            assumed[component] += quantity
            if there is not None and there[component] < quantity:
                totals["lines waiting"] += 1
                continue
            moved[component] += quantity
            if there is not None:
                there[component] -= quantity
    return {**totals, **by_name(folder, units, assumed, moved)}


def finished(folder: Path) -> list[list[str]]:
    """Return the works orders in the order in which they were finished."""
    return sorted(rows(folder, "WorkOrder"), key=lambda row: (row[6], int(row[0])))


def by_name(folder: Path, units: dict[int, str], assumed: dict[int, Decimal], moved: dict[int, Decimal]) -> Totals:
    """Return the sums by unit and by product number."""
    code = {row[0]: row[2] for row in rows(folder, "Product")}
    by_unit: dict[str, Decimal] = defaultdict(Decimal)
    for component, quantity in assumed.items():
        by_unit[units[component]] += quantity
    return {
        "by unit": dict(by_unit),
        "assumed": {code[str(component)]: quantity for component, quantity in sorted(assumed.items())},
        "moved": {code[str(component)]: quantity for component, quantity in sorted(moved.items())},
    }


def main() -> None:
    """Print the totals, the long lists last."""
    parser = argparse.ArgumentParser(description="What AdventureWorks must come to.")
    parser.add_argument("tables", type=Path, help="the folder of the tables")
    parser.add_argument("--stock", choices=("ample", "snapshot"), default="ample", help="as for convert.py")
    asked = parser.parse_args()
    totals = expected(asked.tables, stock=asked.stock)
    sys.stdout.write(json.dumps(totals, indent=2, default=lambda number: f"{number:f}") + "\n")


if __name__ == "__main__":
    main()
