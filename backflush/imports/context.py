"""The state of a running import, and the hand-over of its rows to the services."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeVar

from django.db import transaction

from backflush.core.refusals import InvalidValue, NotFound, Refusal
from backflush.imports.columns import TABLES, ImportTable
from backflush.imports.files import ImportRow, Sheet
from backflush.imports.findings import Findings, ImportFault, as_fault
from backflush.items.models import Item, ProductGroup, TypeCode, Unit
from backflush.people.models import User
from backflush.stockmap.models import Action, Bin, Location, Site, Store, Supplier
from backflush.works.services.transitions import EndingIn

BATCH: Final = 5_000
"""Rows per call of a service: enough to be fast, few enough for any database's limit on parameters."""

NEW_FROM_FILES: Final[Mapping[str, str]] = {"items": "--new-items B=TYPE_CODE", "units": "--new-units"}
"""The options that add what a file from elsewhere names and the plant doesn't have."""

Tell = Callable[[str, int, int], None]
"""Called with the current task, the number done and the total."""

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(slots=True)
class RowCounts:
    """How many rows of a table were read, new, existing and changed, and the names of what was removed."""

    rows: int = 0
    new: int = 0
    changed: int = 0
    there: int = 0
    removed: list[str] = field(default_factory=list)


@dataclass
class Work:
    """A running import: the rows read, the faults found so far, and the records that rows can refer to."""

    sheets: Mapping[str, Sheet]
    findings: Findings
    by: User
    update: bool
    tell: Tell
    site_code: str = ""
    replace: bool = False
    """Whether structure lines that the files leave out are removed."""
    undated: str = ""
    """The user's answer about bookings without key and date that equal some of an earlier day: the same, or new."""
    counts: dict[str, RowCounts] = field(default_factory=lambda: defaultdict(RowCounts))
    new_sites: set[str] = field(default_factory=set)
    to_complete: dict[Site, list[tuple[ImportRow, EndingIn]]] = field(default_factory=dict)
    """Works orders that are completed after their bookings, by site."""
    to_close: dict[Site, list[tuple[ImportRow, str]]] = field(default_factory=dict)
    """Purchase orders that are closed after their receipts, by site."""

    # Existing and new records, by the names that files use

    @cached_property
    def sites(self) -> dict[str, Site]:
        return {site.code: site for site in Site.objects.select_related("receive_action", "adjustment")}

    @cached_property
    def units(self) -> dict[str, Unit]:
        return {unit.code: unit for unit in Unit.objects.all()}

    @cached_property
    def suppliers(self) -> dict[str, Supplier]:
        return {supplier.code: supplier for supplier in Supplier.objects.all()}

    @cached_property
    def stores(self) -> dict[tuple[int, str], Store]:
        return {(store.site_id, store.code): store for store in Store.objects.all()}

    @cached_property
    def locations(self) -> dict[tuple[int, str], Location]:
        owners = {supplier.pk: supplier for supplier in self.suppliers.values()}
        found = {(location.site_id, location.path): location for location in Location.objects.all()}
        for location in found.values():
            location.supplier = owners[location.supplier_id] if location.supplier_id is not None else None
        return found

    @cached_property
    def bins(self) -> set[tuple[int, str]]:
        return set(Bin.objects.values_list("location", "code"))

    @cached_property
    def actions(self) -> dict[str, Action]:
        return {action.name: action for action in Action.objects.all()}

    @cached_property
    def product_groups(self) -> dict[str, ProductGroup]:
        return {group.code: group for group in ProductGroup.objects.all()}

    @cached_property
    def type_codes(self) -> dict[str, TypeCode]:
        codes = TypeCode.objects.select_related("completion", "backflush", "issue", "return_action")
        return {code.code: code for code in codes}

    @cached_property
    def items(self) -> dict[str, Item]:
        units = {unit.pk: unit for unit in self.units.values()}
        codes = {code.pk: code for code in self.type_codes.values()}
        groups = {group.pk: group for group in self.product_groups.values()}
        found = {item.code: item for item in Item.objects.all()}
        for item in found.values():
            item.stock_unit, item.type_code = units[item.stock_unit_id], codes[item.type_code_id]
            item.product_group = groups[item.product_group_id] if item.product_group_id is not None else None
        return found

    @cached_property
    def announced(self) -> dict[str, set[str]]:
        """The keys of faulty rows. A reference to one of them isn't a fault of its own."""
        return {name: {_called(sheet.table, key) for key in sheet.faulty} for name, sheet in self.sheets.items()}

    # Findings

    def fault(
        self,
        table: str,
        row: ImportRow,
        column: str,
        fault: str,
        remedy: str,
        code: str = InvalidValue.code,
        option: str = "",
    ) -> None:
        """Record a fault of a row."""
        self.findings.add(ImportFault(table, self.sheets[table].file, row.number, column, fault, remedy, code, option))

    def refused(self, table: str, row: ImportRow, refusal: Refusal, columns: Mapping[str, str]) -> None:
        """Record a service's refusal of a row; `columns` maps the service's field names to columns of the file."""
        column = columns.get(refusal.field, refusal.field)
        self.fault(table, row, column if TABLES[table].column(column) else "", *as_fault(refusal), refusal.code)

    def skip(self, table: str, row: ImportRow) -> None:
        """Leave out a faulty row. Rows that refer to it aren't reported for that."""
        key = tuple(row[column] for column in TABLES[table].key)
        self.sheets[table].faulty.add(key)
        self.announced.setdefault(table, set()).add(_called(TABLES[table], key))

    # Rows

    def rows(self, table: str) -> Iterator[ImportRow]:
        """Return the rows of a table by unique key. A repeated key is a fault."""
        sheet = self.sheets.get(table)
        if sheet is None:
            return
        self.counts[table].rows = sheet.found
        columns = TABLES[table].key
        seen: dict[tuple[Any, ...], int] = {}
        for row in sheet.rows:
            key = tuple(row[column] for column in columns)
            first = seen.setdefault(key, row.number)
            if first != row.number:
                named = ", ".join(f"{column} {value}" for column, value in zip(columns, key, strict=True) if value)
                column = TABLES[table].naming_column(dict(zip(columns, key, strict=True)))
                self.fault(table, row, column, f"{named} is in row {first} already.", "Delete one of them.")
            else:
                yield row

    def site(self, table: str, row: ImportRow) -> Site | None:
        """Return the site that a row names, else the only one."""
        site_code = row["site"] or self.site_code
        if site_code:
            return self.find(table, row, "site", self.sites, site_code)
        if len(self.sites) > 1:
            self.fault(table, row, "site", "There is more than one site.", "Name the site.")
            return None
        return next(iter(self.sites.values()), None)

    def location(self, table: str, row: ImportRow, column: str) -> Location | None:
        """Return the location of a path at the row's site."""
        site = self.site(table, row)
        return self.find(table, row, column, self.locations, (site.pk, row[column])) if site is not None else None

    def find(self, table: str, row: ImportRow, column: str, known: Mapping[Any, Out], key: Any) -> Out | None:
        """Return the record that a row refers to. A missing one is a fault, unless it is a faulty row of the files."""
        found = known.get(key)
        if found is not None:
            return found
        declared = TABLES[table].column(column)
        assert declared is not None
        target, name = declared.refers, key[-1] if isinstance(key, tuple) else key
        sheet = self.sheets.get(target)
        if (sheet is None or sheet.whole) and name not in self.announced.get(target, ()):
            what = TABLES[target].name.removesuffix("s").replace("_", " ")
            remedy = f"Add it to {target}, or correct it here."
            own = table not in self.sheets or getattr(self.sheets[table].understanding, "own", True)
            option = "" if own or target not in NEW_FROM_FILES else f"Or import with {NEW_FROM_FILES[target]}."
            self.fault(table, row, column, f"There is no {what} {name}.", remedy, NotFound.code, option)
        return None

    def check_broken(self) -> None:
        """Check the references of unreadable rows, so that their other faults are listed too."""
        by_name: dict[str, Mapping[str, object]] = {
            "sites": self.sites,
            "units": self.units,
            "suppliers": self.suppliers,
            "actions": self.actions,
            "product_groups": self.product_groups,
            "type_codes": self.type_codes,
            "items": self.items,
            "stores": {store.code: store for store in self.stores.values()},
            "locations": {location.path: location for location in self.locations.values()},
        }
        for name, sheet in self.sheets.items():
            for row, readable in sheet.broken:
                for column in sheet.table.columns:
                    if column.name in readable and column.refers in by_name and row[column.name]:
                        self.find(name, row, column.name, by_name[column.refers], row[column.name])

    # Handing over

    def hand_over(
        self,
        table: str,
        rows: Sequence[tuple[ImportRow, In]],
        service: Callable[[list[In]], Sequence[Out]],
        columns: Mapping[str, str],
    ) -> list[tuple[ImportRow, Out]]:
        """Pass rows to a service, and record a fault for each row that it refuses."""
        taken = []
        for start in range(0, len(rows), BATCH):
            taken += self._hand_over(table, rows[start : start + BATCH], service, columns)
            self.tell(table, min(start + BATCH, len(rows)), len(rows))
        return taken

    def _hand_over(
        self,
        table: str,
        rows: Sequence[tuple[ImportRow, In]],
        service: Callable[[list[In]], Sequence[Out]],
        columns: Mapping[str, str],
    ) -> list[tuple[ImportRow, Out]]:
        try:
            with transaction.atomic():
                made = service([content for _, content in rows])
                return [(row, out) for (row, _), out in zip(rows, made, strict=True)]
        except Refusal as refusal:
            if len(rows) == 1:
                self.refused(table, rows[0][0], refusal, columns)
                self.skip(table, rows[0][0])
                return []
        # A service names only the first row that it refuses. Halving the rows finds every one.
        middle = len(rows) // 2
        first = self._hand_over(table, rows[:middle], service, columns)
        return first + self._hand_over(table, rows[middle:], service, columns)


def _called(table: ImportTable, key: tuple[Any, ...]) -> str:
    """Return the name by which other tables refer to a row: for a purchase order, its number, whatever the line."""
    if table.name == "locations":
        return f"{key[-2]}/{key[-1]}"
    return str(key[-2] if table.name == "purchase_orders" else key[-1])
