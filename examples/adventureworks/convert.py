"""Convert the tables of AdventureWorks to files for `backflush import`. Standard library only.

    python convert.py TABLES OUTPUT [--stock ample|snapshot]

TABLES is the folder of the tables as Microsoft publishes them: tab-separated text without a header, plain or gzipped.
The README beside this file explains the choices made.
"""

import argparse
import csv
import gzip
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

STORE = "AW"
WIP = f"{STORE}/WIP"
PARTS = f"{STORE}/Subassembly"
GOODS = f"{STORE}/Finished Goods Storage"
PIECES = "EA"
OPEN_END = date.max
AMPLE, SNAPSHOT = "ample", "snapshot"


@dataclass(frozen=True)
class Line:
    """A row of the bill of materials: a quantity of a component in one assembly, with its dates."""

    assembly: str
    component: str
    unit: str
    quantity: Decimal
    starts: date
    ends: date


@dataclass(frozen=True)
class Order:
    """A works order; `done` is the day on which it was finished."""

    number: str
    product: str
    good: int
    scrap: int
    done: date
    due: date
    reason: str


class Tables:
    """The tables of a folder, by name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def rows(self, name: str) -> Iterator[list[str]]:
        """Yield the rows of a table, without the padding of fixed-width fields."""
        plain, packed = self._folder / f"{name}.csv", self._folder / f"{name}.csv.gz"
        with gzip.open(packed, "rt", encoding="utf-8") if packed.exists() else plain.open(encoding="utf-8") as lines:
            for line in lines:
                yield [field.strip() for field in line.rstrip("\r\n").split("\t")]

    def names(self, name: str) -> dict[str, str]:
        """Return the second column of a table by its first."""
        return {row[0]: row[1] for row in self.rows(name)}

    def lines(self) -> list[Line]:
        """Yield the component lines; root rows, which have no assembly, are left out."""
        return [
            Line(row[1], row[2], row[5], Decimal(row[7]), day(row[3]), day(row[4]) if row[4] else OPEN_END)
            for row in self.rows("BillOfMaterials")
            if row[1]
        ]

    def orders(self) -> list[Order]:
        """Return the works orders in the order in which they were finished."""
        orders = [
            Order(row[0], row[1], int(row[3]), int(row[4]), day(row[6]), day(row[7]), row[8])
            for row in self.rows("WorkOrder")
        ]
        return sorted(orders, key=lambda order: (order.done, int(order.number)))


def day(text: str) -> date:
    """Return the date of a timestamp."""
    return date.fromisoformat(text[:10])


def main() -> None:
    """Parse the arguments, and write the files."""
    parser = argparse.ArgumentParser(description="Converts AdventureWorks to files for `backflush import`.")
    parser.add_argument("tables", type=Path, help="the folder of the tables")
    parser.add_argument("output", type=Path, help="the folder for the import files")
    parser.add_argument(
        "--stock",
        choices=(AMPLE, SNAPSHOT),
        default=AMPLE,
        help="opening stock: enough for every order, or what the tables say was there",
    )
    asked = parser.parse_args()
    if not asked.tables.is_dir():
        parser.error(f"{asked.tables} is no folder")
    convert(asked.tables, asked.output, stock=asked.stock)
    sys.stdout.write(f"Written to {asked.output}. Now: backflush import {asked.output}\n")


def convert(tables_folder: Path, output: Path, *, stock: str) -> None:
    """Write all import files."""
    tables = Tables(tables_folder)
    codes = {row[0]: row[2] for row in tables.rows("Product")}
    lines, orders = tables.lines(), tables.orders()
    output.mkdir(parents=True, exist_ok=True)
    write_set_up(tables, output)
    write_items(tables, lines, output)
    write_structures(lines, codes, output)
    # The ledger begins on the day before the first order is finished.
    opened = min((order.done for order in orders), default=date(2011, 1, 1)) - timedelta(days=1)
    heaps = snapshot(tables) if stock == SNAPSHOT else ample(lines, orders)
    write_file(
        output / "opening_stock.csv",
        ("item", "location", "quantity", "date"),
        ((codes[product], place, quantity, opened) for (product, place), quantity in sorted(heaps.items())),
    )
    write_orders(tables, orders, codes, output)


def write_set_up(tables: Tables, output: Path) -> None:
    """Write units, stock map, actions and type codes."""
    write_file(output / "units.csv", ("code", "name"), tables.names("UnitMeasure").items())
    write_file(output / "stores.csv", ("code", "description"), [(STORE, "AdventureWorks")])
    places = [(STORE, name, "yes", name) for name in tables.names("Location").values()]
    write_file(
        output / "locations.csv",
        ("store", "code", "has_balance", "description"),
        [*places, (STORE, "WIP", "no", "Work in progress")],
    )
    write_file(
        output / "actions.csv",
        ("name", "type", "description"),
        [
            ("COMPLETE", "completion", "What was made, into finished goods"),
            ("BACKFLUSH", "backflush", "What an order used"),
        ],
    )
    write_file(
        output / "rules.csv",
        ("action", "from", "to"),
        [("COMPLETE", WIP, GOODS), ("BACKFLUSH", PARTS, WIP)],
    )
    write_file(
        output / "type_codes.csv",
        ("code", "description", "completion", "backflush"),
        [
            ("MADE", "Made here", "COMPLETE", "BACKFLUSH"),
            ("BOUGHT", "Bought in", "", ""),
        ],
    )


def write_items(tables: Tables, lines: Sequence[Line], output: Path) -> None:
    """Write products as items: in pieces, unless the bill of materials uses another unit."""
    units, exact = {}, defaultdict(list)
    for line in lines:
        units[line.component] = line.unit
        exact[line.component].append(line.quantity)
    groups = {row[0]: row[2] for row in tables.rows("ProductSubcategory")}
    write_file(output / "product_groups.csv", ("code", "description"), ((name, name) for name in groups.values()))
    write_file(
        output / "items.csv",
        (
            "code",
            "description",
            "class",
            "type_code",
            "unit",
            "decimals",
            "product_group",
            "stock_min",
            "lead_time_days",
            "standard_material",
        ),
        (
            (
                row[2],
                row[1],
                "M" if row[3] == "1" else "B",
                "MADE" if row[3] == "1" else "BOUGHT",
                units.get(row[0], PIECES),
                decimals_for(units.get(row[0], PIECES), exact[row[0]]),
                groups.get(row[18], ""),
                row[6],
                row[14],
                row[8],
            )
            for row in tables.rows("Product")
        ),
    )


def decimals_for(unit: str, quantities: Iterable[Decimal]) -> int:
    """Return 0 decimals for pieces, and for other units the two decimals of the bill of materials."""
    whole = unit == PIECES and all(quantity == int(quantity) for quantity in quantities)
    return 0 if whole else 2


def write_structures(lines: Sequence[Line], codes: dict[str, str], output: Path) -> None:
    """Write the bill of materials; dated versions of a component in an assembly share a line number."""
    by_assembly: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_assembly[line.assembly].append(line)
    write_file(
        output / "structures.csv",
        ("item", "line", "component", "quantity", "unit", "starts", "ends"),
        (
            (
                codes[assembly],
                number,
                codes[line.component],
                line.quantity,
                line.unit,
                line.starts,
                "" if line.ends == OPEN_END else line.ends,
            )
            for assembly, own in sorted(by_assembly.items(), key=lambda pair: int(pair[0]))
            for number, line in numbered(own)
        ),
    )


def numbered(lines: Iterable[Line]) -> Iterator[tuple[int, Line]]:
    """Number lines in tens; a version gets the number of the version that ended before it."""
    last: list[Line] = []
    for line in sorted(lines, key=lambda line: (int(line.component), line.starts)):
        for place, before in enumerate(last):
            if before.component == line.component and before.ends < line.starts:
                last[place] = line
                break
        else:
            place = len(last)
            last.append(line)
        yield 10 * (place + 1), line


def ample(lines: Sequence[Line], orders: Sequence[Order]) -> dict[tuple[str, str], Decimal]:
    """Return opening stock of every component for all orders together, at its from-location."""
    in_force: dict[tuple[str, date], list[Line]] = {}
    by_assembly: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_assembly[line.assembly].append(line)
    needed: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for order in orders:
        key = order.product, order.done
        if key not in in_force:
            in_force[key] = [line for line in by_assembly[order.product] if line.starts <= order.done <= line.ends]
        for line in in_force[key]:
            needed[line.component, PARTS] += line.quantity * (order.good + order.scrap)
    return needed


def snapshot(tables: Tables) -> dict[tuple[str, str], Decimal]:
    """Return the stock in the tables by location."""
    names = tables.names("Location")
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in tables.rows("ProductInventory"):
        found[row[0], f"{STORE}/{names[row[1]]}"] += Decimal(row[4])
    return {heap: quantity for heap, quantity in found.items() if quantity}


def write_orders(tables: Tables, orders: Sequence[Order], codes: dict[str, str], output: Path) -> None:
    """Write works orders, and one booking for each."""
    reasons = tables.names("ScrapReason")
    write_file(
        output / "works_orders.csv",
        ("number", "item", "quantity", "start_date", "due_date"),
        (
            (
                order.number,
                codes[order.product],
                order.good + order.scrap,
                order.done,
                order.due if order.due >= order.done else "",
            )
            for order in orders
        ),
    )
    write_file(
        output / "bookings.csv",
        ("key", "order", "good", "scrap", "date", "scrap_reason"),
        (
            (f"aw-{order.number}", order.number, order.good, order.scrap, order.done, reasons.get(order.reason, ""))
            for order in orders
        ),
    )


def write_file(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write one import file."""
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
