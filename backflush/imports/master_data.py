"""Master data: sites, units, the stock map, type codes, items, conversions.

Each table is a small class: how a row becomes the service's input, and what exists under the same name. The loop over
the rows is common to all.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from backflush.core.refusals import Refusal
from backflush.imports.cell_types import as_written
from backflush.imports.columns import TABLES
from backflush.imports.context import Work
from backflush.imports.files import ImportRow
from backflush.items import services as item_services
from backflush.items.models import Item, ItemCost, UnitConversion
from backflush.items.services import (
    COST_ELEMENTS,
    ConversionIn,
    ItemIn,
    ProductGroupIn,
    TypeCodeIn,
    UnitIn,
    item_refusals,
)
from backflush.ledger.selectors import items_in_use, locations_in_use, sites_in_use
from backflush.stockmap import services as map_services
from backflush.stockmap.models import Site, Supplier
from backflush.stockmap.services import ActionIn, BinIn, LocationIn, StoreIn, SupplierIn

DEFAULT_SITE = "MAIN"
UPDATE = "Correct it, or import with --update to change the database."

RowValues = dict[str, Any]


class Master:
    """How the rows of one table are imported.

    `fields` maps columns to the service's fields; `refers` names the records that a column refers to.
    """

    table: ClassVar[str]
    fields: ClassVar[Mapping[str, str]]
    refers: ClassVar[Mapping[str, str]] = {}
    columns: ClassVar[Mapping[str, str]] = {}
    """The service's field names for columns with other names."""

    def __init__(self, work: Work) -> None:
        self.work = work

    def rows(self) -> Iterator[ImportRow]:
        """Return the rows to import."""
        return self.work.rows(self.table)

    def values(self, row: ImportRow) -> RowValues | None:
        """Return a row's values for the service, or None if it refers to something missing."""
        values = {}
        complete = True
        for column, name in self.fields.items():
            value = row[column]
            if column in self.refers and value:
                value = self.work.find(self.table, row, column, getattr(self.work, self.refers[column]), value)
                complete = complete and value is not None
            elif column in self.refers:
                value = None
            values[name] = value
        return values if complete else None

    def there(self, values: RowValues) -> Any:
        """Return the existing record with the same name."""
        raise NotImplementedError

    def value(self, there: Any, name: str) -> Any:
        """Return one value of an existing record."""
        return getattr(there, name)

    def shape(self, values: RowValues) -> Any:
        """Return the service's input for a row."""
        raise NotImplementedError

    def refusals(self, new: Any) -> Sequence[Refusal]:
        """Yield the service's refusals of one row. Where the service can't check a row by itself, rows are tried."""
        return ()

    def add(self, new: list[Any]) -> Sequence[Any]:
        """Pass new rows to the service."""
        raise NotImplementedError

    def change(self, changes: list[tuple[Any, Any]]) -> None:
        """Pass existing records with their new values to the service. Called only if something may differ."""
        raise NotImplementedError

    def keep(self, made: Any) -> None:
        """Remember what was created, for rows that refer to it."""


def take(master: Master) -> None:
    """Import a table: new rows are added, equal ones skipped, and different ones are faults or, with --update,
    changes."""
    work, table = master.work, master.table
    new: list[tuple[ImportRow, Any]] = []
    changes: list[tuple[ImportRow, tuple[Any, Any]]] = []
    for row in master.rows():
        values = master.values(row)
        there = master.there(values) if values is not None else None
        if values is None:
            work.skip(table, row)
        elif there is None:
            shape = master.shape(values)
            if _sound(master, row, shape):
                new.append((row, shape))
        elif change := _change(master, row, values, there):
            changes.append((row, change))
    for _, made in work.hand_over(table, new, master.add, master.columns):
        work.counts[table].new += 1
        master.keep(made)
    work.counts[table].changed += len(work.hand_over(table, changes, _changing(master), master.columns))


def _sound(master: Master, row: ImportRow, shape: Any) -> bool:
    refusals = master.refusals(shape)
    for refusal in refusals:
        master.work.refused(master.table, row, refusal, master.columns)
    if refusals:
        master.work.skip(master.table, row)
    return not refusals


def _change(master: Master, row: ImportRow, values: RowValues, there: Any) -> tuple[Any, Any] | None:
    """Return the values to change. A column that the file leaves out changes nothing."""
    work, table = master.work, TABLES[master.table]
    compared = {column: name for column, name in master.fields.items() if column not in table.key}
    before = {name: master.value(there, name) for name in compared.values()}
    given = work.sheets[table.name].given
    different = {column: name for column, name in compared.items() if column in given and before[name] != values[name]}
    if not different:
        work.counts[table.name].there += 1
        return None
    if not work.update:
        for column, name in different.items():
            note_difference(work, table.name, row, column, before[name], values[name])
        return None
    shape = master.shape({**values, **before, **{name: values[name] for name in different.values()}})
    return (there, shape) if _sound(master, row, shape) else None


def note_difference(work: Work, table: str, row: ImportRow, column: str, before: object, after: object) -> None:
    """Record that a row differs from the existing record."""
    shown = [as_written(value) or "nothing" for value in (after, before)]
    work.fault(table, row, column, f"is {shown[0]} here and {shown[1]} in the database.", UPDATE)


def _changing(master: Master) -> Callable[[list[tuple[Any, Any]]], Sequence[Any]]:
    def change(changes: list[tuple[Any, Any]]) -> Sequence[Any]:
        master.change(changes)
        return changes

    return change


class SiteRows(Master):
    """Sites. The actions that they name are set later."""

    table = "sites"
    fields = {"code": "code", "name": "name", "time_zone": "time_zone"}

    def there(self, values: RowValues) -> Any:
        return self.work.sites.get(values["code"])

    def shape(self, values: RowValues) -> Any:
        return values

    def add(self, new: list[Any]) -> Sequence[Any]:
        return [map_services.add_site(**values) for values in new]

    def change(self, changes: list[tuple[Any, Any]]) -> None:
        in_use = sites_in_use([site.pk for site, _ in changes])
        for site, values in changes:
            map_services.change_site(site, name=values["name"], time_zone=values["time_zone"], in_use=site.pk in in_use)

    def keep(self, made: Any) -> None:
        self.work.sites[made.code] = made
        self.work.new_sites.add(made.code)


class UnitRows(Master):
    table = "units"
    fields = {"code": "code", "name": "name"}

    def there(self, values: RowValues) -> Any:
        return self.work.units.get(values["code"])

    def shape(self, values: RowValues) -> Any:
        return UnitIn(**values)

    def add(self, new: list[Any]) -> Sequence[Any]:
        return item_services.add_units(new)

    def change(self, changes: list[tuple[Any, Any]]) -> None:
        item_services.rename_units([(unit, new.name) for unit, new in changes])

    def keep(self, made: Any) -> None:
        self.work.units[made.code] = made


class ActionRows(Master):
    table = "actions"
    fields = {name: name for name in ("name", "type", "description", "short", "retry")}

    def there(self, values: RowValues) -> Any:
        return self.work.actions.get(values["name"])

    def shape(self, values: RowValues) -> Any:
        return ActionIn(**values)

    def add(self, new: list[Any]) -> Sequence[Any]:
        return map_services.add_actions(new)

    def change(self, changes: list[tuple[Any, Any]]) -> None:
        map_services.change_actions(changes)

    def keep(self, made: Any) -> None:
        self.work.actions[made.name] = made


class StoreRows(Master):
    table = "stores"
    fields = {"code": "code", "description": "description"}

    def values(self, row: ImportRow) -> RowValues | None:
        values, site = super().values(row), self.work.site(self.table, row)
        return {**values, "site": site} if values is not None and site is not None else None

    def there(self, values: RowValues) -> Any:
        return self.work.stores.get((values["site"].pk, values["code"]))

    def shape(self, values: RowValues) -> Any:
        return StoreIn(**values)

    def add(self, new: list[Any]) -> Sequence[Any]:
        return map_services.add_stores(new)

    def change(self, changes: list[tuple[Any, Any]]) -> None:
        map_services.describe_stores([(store, new.description) for store, new in changes])

    def keep(self, made: Any) -> None:
        self.work.stores[made.site_id, made.code] = made


class LocationRows(Master):
    table = "locations"
    fields = {name: name for name in ("code", "description", "has_balance", "bin_controlled", "supplier")}
    refers = {"supplier": "suppliers"}

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self._owners: dict[tuple[str, str], str] | None = None

    def values(self, row: ImportRow) -> RowValues | None:
        values, site = super().values(row), self.work.site(self.table, row)
        if values is None or site is None:
            return None
        store = self.work.find(self.table, row, "store", self.work.stores, (site.pk, row["store"]))
        if values["supplier"] is None:
            values["supplier"] = self._owner(f"{row['store']}/{row['code']}", site)
        return {**values, "store": store} if store is not None else None

    def _owner(self, path: str, site: Site) -> Supplier | None:
        """Return the supplier whose stock location this is, according to the suppliers' file (R5)."""
        if self._owners is None:
            sheet = self.work.sheets.get("suppliers")
            named = [row for row in sheet.rows if row["stock"]] if sheet is not None else []
            self._owners = {(row["site"], row["stock"]): row["code"] for row in named}
        code = self._owners.get((site.code, path)) or self._owners.get(("", path))
        return self.work.suppliers.get(code) if code is not None else None

    def there(self, values: RowValues) -> Any:
        store = values["store"]
        return self.work.locations.get((store.site_id, f"{store.code}/{values['code']}"))

    def shape(self, values: RowValues) -> Any:
        return LocationIn(**values)

    def add(self, new: list[Any]) -> Sequence[Any]:
        return map_services.add_locations(new)

    def change(self, changes: list[tuple[Any, Any]]) -> None:
        in_use = locations_in_use([location.pk for location, _ in changes])
        map_services.change_locations(changes, in_use=in_use)

    def keep(self, made: Any) -> None:
        self.work.locations[made.site_id, made.path] = made


class BinRows(Master):
    table = "bins"
    fields = {"code": "code"}

    def values(self, row: ImportRow) -> RowValues | None:
        location = self.work.location(self.table, row, "location")
        return {"code": row["code"], "location": location} if location is not None else None

    def there(self, values: RowValues) -> Any:
        return (values["location"].pk, values["code"]) in self.work.bins or None

    def shape(self, values: RowValues) -> Any:
        return BinIn(**values)

    def add(self, new: list[Any]) -> Sequence[Any]:
        return map_services.add_bins(new)

    def keep(self, made: Any) -> None:
        self.work.bins.add((made.location_id, made.code))


class SupplierRows(Master):
    """Suppliers. A further row per site names the supplier's stock location there."""

    table = "suppliers"
    fields = {"code": "code", "name": "name"}

    def rows(self) -> Iterator[ImportRow]:
        first: dict[str, ImportRow] = {}
        for row in self.work.rows(self.table):
            if first.setdefault(row["code"], row) is row:
                yield row
            elif row["name"] != first[row["code"]]["name"]:
                number = first[row["code"]].number
                self.work.fault(
                    self.table,
                    row,
                    "name",
                    f"is a different name than in row {number}.",
                    "Use the same name in both rows.",
                )
            else:
                self.work.counts[self.table].there += 1

    def there(self, values: RowValues) -> Any:
        return self.work.suppliers.get(values["code"])

    def shape(self, values: RowValues) -> Any:
        return SupplierIn(**values)

    def add(self, new: list[Any]) -> Sequence[Any]:
        return map_services.add_suppliers(new)

    def change(self, changes: list[tuple[Any, Any]]) -> None:
        map_services.rename_suppliers([(supplier, new.name) for supplier, new in changes])

    def keep(self, made: Any) -> None:
        self.work.suppliers[made.code] = made


class ProductGroupRows(Master):
    table = "product_groups"
    fields = {"code": "code", "description": "description"}

    def there(self, values: RowValues) -> Any:
        return self.work.product_groups.get(values["code"])

    def shape(self, values: RowValues) -> Any:
        return ProductGroupIn(**values)

    def add(self, new: list[Any]) -> Sequence[Any]:
        return item_services.add_product_groups(new)

    def change(self, changes: list[tuple[Any, Any]]) -> None:
        item_services.describe_product_groups([(group, new.description) for group, new in changes])

    def keep(self, made: Any) -> None:
        self.work.product_groups[made.code] = made


class TypeCodeRows(Master):
    table = "type_codes"
    fields = {
        "code": "code",
        "description": "description",
        "completion": "completion",
        "backflush": "backflush",
        "issue": "issue",
        "return": "return_action",
    }
    refers = dict.fromkeys(("completion", "backflush", "issue", "return"), "actions")
    columns = {"return_action": "return"}

    def there(self, values: RowValues) -> Any:
        return self.work.type_codes.get(values["code"])

    def shape(self, values: RowValues) -> Any:
        return TypeCodeIn(**values)

    def add(self, new: list[Any]) -> Sequence[Any]:
        return item_services.add_type_codes(new)

    def change(self, changes: list[tuple[Any, Any]]) -> None:
        item_services.change_type_codes(changes)

    def keep(self, made: Any) -> None:
        self.work.type_codes[made.code] = made


class ItemRows(Master):
    """Items with their costs."""

    table = "items"
    fields = {
        "code": "code",
        "description": "description",
        "class": "component_class",
        "type_code": "type_code",
        "unit": "stock_unit",
        "decimals": "quantity_decimals",
        "product_group": "product_group",
        "tracking": "tracking",
        "abc_class": "abc_class",
        "stock_min": "stock_min",
        "stock_max": "stock_max",
        "batch_size": "batch_size",
        "lead_time_days": "lead_time_days",
        "obsolete_on": "obsolete_on",
        "cost_decimals": "cost_decimals",
        **{element: element for element in COST_ELEMENTS},
    }
    refers = {"type_code": "type_codes", "unit": "units", "product_group": "product_groups"}

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self._costs: dict[int, ItemCost] | None = None

    def there(self, values: RowValues) -> Any:
        return self.work.items.get(values["code"])

    def value(self, there: Any, name: str) -> Any:
        return getattr(self._cost(there), name) if name in COST_ELEMENTS else getattr(there, name)

    def _cost(self, item: Item) -> ItemCost:
        if self._costs is None:
            self._costs = {cost.item_id: cost for cost in ItemCost.objects.filter(pk__in=Item.objects.values("cost"))}
        return self._costs[item.pk]

    def shape(self, values: RowValues) -> Any:
        own = {name: value for name, value in values.items() if name not in COST_ELEMENTS}
        return ItemIn(**own, costs={name: values[name] for name in COST_ELEMENTS})

    def refusals(self, new: Any) -> Sequence[Refusal]:
        return [*item_refusals(new)]

    def add(self, new: list[Any]) -> Sequence[Any]:
        return item_services.add_items(new)

    def change(self, changes: list[tuple[Any, Any]]) -> None:
        item_services.change_items(changes, in_use=items_in_use([item.pk for item, _ in changes]))

    def keep(self, made: Any) -> None:
        self.work.items[made.code] = made


class ConversionRows(Master):
    table = "conversions"
    fields = {"item": "item", "from": "source", "to": "target", "factor": "ratio"}
    refers = {"item": "items", "from": "units", "to": "units"}

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self._there = {(one.item_id, one.source_id, one.target_id): one for one in UnitConversion.objects.all()}

    def there(self, values: RowValues) -> Any:
        return self._there.get(self.shape(values).ends)

    def shape(self, values: RowValues) -> Any:
        return ConversionIn(**values)

    def add(self, new: list[Any]) -> Sequence[Any]:
        return item_services.add_conversions(new)

    def change(self, changes: list[tuple[Any, Any]]) -> None:
        item_services.change_conversions([new for _, new in changes])


def take_all(work: Work, masters: Sequence[type[Master]]) -> None:
    """Import several tables in order."""
    for master in masters:
        take(master(work))


def take_sites(work: Work) -> None:
    """Import sites. If no table names one, create one."""
    take(SiteRows(work))
    if not work.sites and "sites" not in work.sheets:
        work.sites[DEFAULT_SITE] = map_services.add_site(code=DEFAULT_SITE)
