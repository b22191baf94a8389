"""Writes what the plant has in the columns of the import tables, to be edited in a spreadsheet and imported again.

A file that is written and imported again changes nothing, with --update too. Bookings, receipts, productions and counts
are history: they are exported from their own lists.
"""

import csv
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final
from zoneinfo import ZoneInfo

import xlsxwriter
from django.db.models import Max

from backflush.core.lifecycle import OrderStatus
from backflush.core.moves import Process
from backflush.core.refusals import AlreadyThere, InvalidValue
from backflush.counts.models import CountTolerance
from backflush.imports.cell_types import as_written
from backflush.imports.columns import TABLES
from backflush.imports.counts import SETTINGS
from backflush.imports.text_files import spreadsheet_safe
from backflush.items.models import Batch, Item, ProductGroup, TypeCode, Unit, UnitConversion
from backflush.items.services import COST_ELEMENTS
from backflush.ledger.models import Movement
from backflush.ledger.selectors import openings_at
from backflush.stockmap.models import Action, Bin, Location, Site, Store, Supplier, SupplierStock, TransferRule
from backflush.structures.models import StructureLine
from backflush.subcontract.models import PurchaseOrderLine
from backflush.works.models import OrderChange, WorksOrder

AT_ONCE: Final = 5_000

Values = Mapping[str, Any]
"""The values of a row by column; what is left out is empty."""

Sites = Sequence[Site]


def _sites(sites: Sites) -> Iterator[Values]:
    for site in sites:
        yield {
            "code": site.code,
            "name": site.name,
            "time_zone": site.time_zone,
            "receive_action": site.receive_action.name if site.receive_action else "",
            "adjustment": site.adjustment.path if site.adjustment else "",
            "complete_when_full": site.complete_when_full,
        }


def _units(sites: Sites) -> Iterator[Values]:
    yield from Unit.objects.order_by("code").values("code", "name")


def _conversions(sites: Sites) -> Iterator[Values]:
    found = UnitConversion.objects.select_related("item", "source", "target")
    for one in found.order_by("item__code", "source__code", "target__code"):
        item = one.item.code if one.item else ""
        yield {"item": item, "from": one.source.code, "to": one.target.code, "factor": one.ratio}


def _stores(sites: Sites) -> Iterator[Values]:
    for store in Store.objects.filter(site__in=sites).select_related("site").order_by("site__code", "code"):
        yield {"site": store.site.code, "code": store.code, "description": store.description}


def _locations(sites: Sites) -> Iterator[Values]:
    found = Location.objects.filter(site__in=sites).select_related("site", "store", "supplier")
    for one in found.order_by("site__code", "path"):
        yield {
            "site": one.site.code,
            "store": one.store.code,
            "code": one.code,
            "description": one.description,
            "has_balance": one.has_balance,
            "bin_controlled": one.bin_controlled,
            "supplier": one.supplier.code if one.supplier else "",
        }


def _bins(sites: Sites) -> Iterator[Values]:
    found = Bin.objects.filter(site__in=sites).select_related("site", "location")
    for one in found.order_by("site__code", "location__path", "code"):
        yield {"site": one.site.code, "location": one.location.path, "code": one.code}


def _suppliers(sites: Sites) -> Iterator[Values]:
    stocks: dict[int, list[SupplierStock]] = {}
    for stock in SupplierStock.objects.filter(site__in=sites).select_related("site", "location").order_by("site__code"):
        stocks.setdefault(stock.supplier_id, []).append(stock)
    for supplier in Supplier.objects.order_by("code"):
        named = {"code": supplier.code, "name": supplier.name}
        own = stocks.get(supplier.pk, [])
        yield from ({**named, "site": one.site.code, "stock": one.location.path} for one in own)
        if not own:
            yield named


def _actions(sites: Sites) -> Iterator[Values]:
    yield from Action.objects.order_by("name").values("name", "type", "description", "short", "retry")


def _rules(sites: Sites) -> Iterator[Values]:
    found = TransferRule.objects.filter(site__in=sites, active=True)
    found = found.select_related("site", "action", "source", "target")
    for one in found.order_by("site__code", "action__name", "pk"):
        yield {"site": one.site.code, "action": one.action.name, "from": one.source.path, "to": one.target.path}


def _product_groups(sites: Sites) -> Iterator[Values]:
    yield from ProductGroup.objects.order_by("code").values("code", "description")


def _type_codes(sites: Sites) -> Iterator[Values]:
    for one in TypeCode.objects.select_related("completion", "backflush", "issue", "return_action").order_by("code"):
        actions = {
            "completion": one.completion,
            "backflush": one.backflush,
            "issue": one.issue,
            "return": one.return_action,
        }
        named = {column: action.name for column, action in actions.items() if action is not None}
        yield {"code": one.code, "description": one.description, **named}


def _items(sites: Sites) -> Iterator[Values]:
    found = Item.objects.select_related("product_group", "type_code", "stock_unit", "cost").order_by("code")
    for item in found.iterator(AT_ONCE):
        yield {
            "code": item.code,
            "description": item.description,
            "class": item.component_class,
            "type_code": item.type_code.code,
            "unit": item.stock_unit.code,
            "decimals": item.quantity_decimals,
            "product_group": item.product_group.code if item.product_group else "",
            "tracking": item.tracking,
            "abc_class": item.abc_class,
            "stock_min": item.stock_min,
            "stock_max": item.stock_max,
            "batch_size": item.batch_size,
            "lead_time_days": item.lead_time_days,
            "obsolete_on": item.obsolete_on,
            "cost_decimals": item.cost_decimals,
            **{element: getattr(item.cost, element) if item.cost else None for element in COST_ELEMENTS},
        }


def _structures(sites: Sites) -> Iterator[Values]:
    """Yield structure lines; the own from-location of the first of the sites that has one."""
    found = StructureLine.objects.select_related("item", "component", "unit").prefetch_related(
        "sources__location", "sources__site"
    )
    codes = [site.code for site in sites]
    for line in found.order_by("item__code", "number", "starts", "pk").iterator(AT_ONCE):
        here = sorted(
            (source for source in line.sources.all() if source.site.code in codes), key=lambda one: one.site.code
        )
        yield {
            "item": line.item.code,
            "line": line.number,
            "component": line.component.code,
            "quantity": line.quantity,
            "unit": line.unit.code,
            "waste": line.waste,
            "fixed": line.fixed,
            "by_hand": line.by_hand,
            "supplier_provides": line.supplier_provides,
            "site": here[0].site.code if here else next(iter(codes), ""),
            "from": here[0].location.path if here else "",
            "starts": line.starts,
            "ends": line.ends,
        }


def _opening_stock(sites: Sites) -> Iterator[Values]:
    """Yield opening stock as it was posted; what was reversed is left out."""
    items = dict(Item.objects.values_list("pk", "code"))
    expiries = {
        (item, code): expires_on for item, code, expires_on in Batch.objects.values_list("item", "code", "expires_on")
    }
    for site in sites:
        places = dict(Location.objects.filter(site=site).values_list("pk", "path"))
        posted = Movement.objects.filter(site=site, posting__process=Process.OPENING)
        with_opening = sorted(set(posted.values_list("item", flat=True)), key=items.__getitem__)
        for start in range(0, len(with_opening), AT_ONCE):
            found = openings_at(site, with_opening[start : start + AT_ONCE])
            for key, (quantity, at) in sorted(
                found.items(), key=lambda one: (items[one[0].item_id], places[one[0].location_id], one[0])
            ):
                yield {
                    "site": site.code,
                    "item": items[key.item_id],
                    "location": places[key.location_id],
                    "quantity": quantity,
                    "bin": key.bin,
                    "batch": key.batch,
                    "serial": key.serial,
                    "expires_on": expiries.get((key.item_id, key.batch)) if key.batch else None,
                    "date": at.astimezone(ZoneInfo(site.time_zone)),
                }


def _count_tolerances(sites: Sites) -> Iterator[Values]:
    found = CountTolerance.objects.filter(site__in=sites).select_related("site", "item", "location")
    for one in found.order_by("site__code", "item__code", "location__path", "abc_class"):
        yield {
            "site": one.site.code,
            "item": one.item.code if one.item else "",
            "location": one.location.path if one.location else "",
            "abc_class": one.abc_class,
            **{name: getattr(one, name) for name in SETTINGS},
        }


def _purchase_orders(sites: Sites) -> Iterator[Values]:
    found = PurchaseOrderLine.objects.filter(site__in=sites).select_related(
        "site", "order__supplier", "order__receive_action", "item", "unit"
    )
    for line in found.order_by("site__code", "order__number", "number").iterator(AT_ONCE):
        order = line.order
        yield {
            "site": line.site.code,
            "number": order.number,
            "supplier": order.supplier.code,
            "placed_on": order.placed_on,
            "receive_action": order.receive_action.name if order.receive_action else "",
            "line": line.number,
            "item": line.item.code,
            "quantity": line.quantity,
            "unit": line.unit.code,
            "due_date": line.due_date,
            "status": order.status,
        }


def _works_orders(sites: Sites) -> Iterator[Values]:
    ends = OrderChange.objects.filter(site__in=sites, after__in=(OrderStatus.COMPLETE, OrderStatus.CANCELLED))
    ended = dict(ends.values("order").annotate(end=Max("at")).values_list("order", "end"))
    found = WorksOrder.objects.filter(site__in=sites).select_related("site", "item", "unit")
    for order in found.order_by("site__code", "number").iterator(AT_ONCE):
        end = ended.get(order.pk) if order.status in (OrderStatus.COMPLETE, OrderStatus.CANCELLED) else None
        yield {
            "site": order.site.code,
            "number": order.number,
            "item": order.item.code,
            "quantity": order.quantity,
            "unit": order.unit.code,
            "start_date": order.start_date,
            "due_date": order.due_date,
            "status": order.status,
            "ended_at": end.astimezone(ZoneInfo(order.site.time_zone)) if end is not None else None,
            "remarks": order.remarks,
        }


EXPORTS: Final[Mapping[str, Callable[[Sites], Iterator[Values]]]] = {
    "sites": _sites,
    "units": _units,
    "conversions": _conversions,
    "stores": _stores,
    "locations": _locations,
    "bins": _bins,
    "suppliers": _suppliers,
    "actions": _actions,
    "rules": _rules,
    "product_groups": _product_groups,
    "type_codes": _type_codes,
    "items": _items,
    "structures": _structures,
    "opening_stock": _opening_stock,
    "count_tolerances": _count_tolerances,
    "purchase_orders": _purchase_orders,
    "works_orders": _works_orders,
}
"""The tables that can be exported, each with its rows for some sites."""


def rows_of(table: str, *, site: str = "", without: Collection[str] = ()) -> Iterator[list[str]]:
    """Yield the header and the rows of a table as text, for one site or for all, without some columns.

    The text is what an import reads; see `spreadsheet_safe` for cells that a spreadsheet would compute.
    Raises `InvalidValue` for a table that isn't exported. The number of statements doesn't grow with the rows.
    """
    if table not in EXPORTS:
        raise InvalidValue(
            "There is no table {table} to export. Choose from: {tables}.",
            table=table,
            tables=[*EXPORTS],
            field="tables",
        )
    names = [column.name for column in TABLES[table].columns if column.name not in without]
    yield names
    sites = Site.objects.select_related("receive_action", "adjustment").order_by("code")
    for values in EXPORTS[table]([*(sites.filter(code=site) if site else sites)]):
        yield [as_written(values.get(name)) for name in names]


def csv_of(table: str, *, site: str = "", without: Collection[str] = ()) -> Iterator[list[str]]:
    """Yield the header and the rows of a table for a CSV file."""
    for row in rows_of(table, site=site, without=without):
        yield [spreadsheet_safe(cell) for cell in row]


def write_workbook(
    target: Path | IO[bytes], tables: Sequence[str], *, site: str = "", without: Collection[str] = ()
) -> None:
    """Write a workbook with a sheet for each table. All cells are text, so that 007 and 1/3 stay as they are."""
    options = {"constant_memory": True, "strings_to_numbers": False, "strings_to_formulas": False}
    with xlsxwriter.Workbook(target, options) as book:
        bold, text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
        for table in tables:
            sheet = book.add_worksheet(table)
            sheet.set_column(0, len(TABLES[table].columns) - 1, 16, text)
            sheet.freeze_panes(1, 0)
            for number, row in enumerate(rows_of(table, site=site, without=without)):
                for place, cell in enumerate(row):
                    sheet.write_string(number, place, cell, text if number else bold)


def export_tables(target: Path, tables: Sequence[str], *, site: str = "") -> list[Path]:
    """Write tables to a folder of CSV files, or to a workbook, or one table to a CSV file; return the files.

    Refused where a file exists already (`already_there`), because it may have been edited, and for an unknown table.
    """
    for table in tables:
        next(rows_of(table, site=site))
    suffix = target.suffix.lower()
    files = [target] if suffix in (".xlsx", ".csv") else [target / f"{table}.csv" for table in tables]
    if suffix == ".csv" and len(tables) != 1:
        raise InvalidValue("A CSV file holds one table. Name one, or export to a folder or an XLSX file.", field="to")
    if there := [file.name for file in files if file.exists()]:
        raise AlreadyThere("{files} exists already. Remove it, or export to another place.", files=there, field="to")
    (target.parent if target in files else target).mkdir(parents=True, exist_ok=True)
    if suffix == ".xlsx":
        write_workbook(target, tables, site=site)
    else:
        for table, file in zip(tables, files, strict=True):
            with file.open("w", encoding="utf-8-sig", newline="") as lines:
                csv.writer(lines).writerows(csv_of(table, site=site))
    return files
