"""The tables of an import: their columns with meanings, and example rows.

The examples together are a tiny plant that makes brackets and has them plated by a sub-contractor. They import without
faults.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from backflush.backflushing.report_inputs import (
    KeyInput,
    MomentInput,
    QuantityInput,
    ReportInput,
    SerialsInput,
    SubjectInput,
    TextInput,
    WholeInput,
)
from backflush.backflushing.report_kinds import ReportKind
from backflush.booking_kinds import KINDS
from backflush.core.lifecycle import PurchaseStatus
from backflush.core.moves import Tracking
from backflush.core.quantity import ZERO
from backflush.counts.models import CountMethod
from backflush.items.models import ComponentClass
from backflush.items.services import COST_ELEMENTS
from backflush.stockmap.models import ActionType, RetryRule, ShortRule


class CellType(Enum):
    """The type of a column's cells, with its description in the template."""

    TEXT = "text"
    NUMBER = "number"
    RATIO = "number or ratio"
    WHOLE = "whole number"
    DAY = "date"
    MOMENT = "date or time"
    YES_NO = "yes or no"
    CHOICE = "one of"
    QUANTITY = "number, with or without a unit after it"
    SERIALS = "serial numbers, separated by spaces"


@dataclass(frozen=True, slots=True)
class ImportColumn:
    """One column. `default` is the value of an empty cell; `refers` names the table that the column refers to."""

    name: str
    means: str
    kind: CellType = CellType.TEXT
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    length: int = 0
    refers: str = ""
    positive: bool = False
    """Whether zero is refused. Negative numbers are refused everywhere."""
    input: ReportInput | None = None
    """The declaration of the input, if the column is one of a booking."""
    percent: bool = False
    """Whether the numbers are per cent, so that 4 and 4% are the same."""


@dataclass(frozen=True, slots=True)
class ImportTable:
    """One table of an import. `key` are the columns that identify a row from one import to the next."""

    name: str
    means: str
    key: tuple[str, ...]
    columns: tuple[ImportColumn, ...]
    examples: tuple[Mapping[str, str], ...]

    def column(self, name: str) -> ImportColumn | None:
        """Return the column with this name."""
        return next((column for column in self.columns if column.name == name), None)

    def naming_column(self, key: Mapping[str, Any]) -> str:
        """Return the column that tells a row from others: its serial number, batch or line, else what the row is of."""
        filled = [name for name in ("serial", "batch", "line") if key.get(name)]
        named = [name for name in ("item", "action", "number", "code") if key.get(name)]
        return (filled or named or [self.key[-1]])[0]


def code(name: str, means: str, length: int, *, required: bool = True, refers: str = "") -> ImportColumn:
    """Declare a column of codes."""
    return ImportColumn(name, means, CellType.TEXT, required, "", (), length, refers)


def text(name: str, means: str, length: int) -> ImportColumn:
    """Declare a column of text, which may be empty."""
    return ImportColumn(name, means, CellType.TEXT, default="", length=length)


def number(
    name: str, means: str, *, required: bool = False, default: Any = None, percent: bool = False
) -> ImportColumn:
    """Declare a column of exact numbers, zero or more."""
    return ImportColumn(name, means, CellType.NUMBER, required, default, percent=percent)


def quantity(means: str) -> ImportColumn:
    """Declare a required column of quantities above zero."""
    return ImportColumn("quantity", means, CellType.NUMBER, required=True, positive=True)


def whole(name: str, means: str, *, required: bool = False, default: int | None = None) -> ImportColumn:
    """Declare a column of whole numbers."""
    return ImportColumn(name, means, CellType.WHOLE, required, default)


def day(name: str, means: str, *, required: bool = False) -> ImportColumn:
    """Declare a column of dates."""
    return ImportColumn(name, means, CellType.DAY, required)


def yes_no(name: str, means: str, *, default: bool) -> ImportColumn:
    """Declare a column of yes and no."""
    return ImportColumn(name, means, CellType.YES_NO, default=default)


def choice(name: str, means: str, choices: tuple[str, ...], *, default: str | None = None) -> ImportColumn:
    """Declare a column of fixed words; required unless it has a default."""
    return ImportColumn(name, means, CellType.CHOICE, default is None, default, choices)


SITE: Final = code("site", "The site. Can be empty if there is only one.", 20, required=False, refers="sites")

SITES = ImportTable(
    "sites",
    "Plants with stores of their own. If left out, there is one site, MAIN.",
    ("code",),
    (
        code("code", "The site code.", 20),
        text("name", "The name.", 100),
        ImportColumn("time_zone", "The time zone, which decides when a day begins and ends.", default="UTC", length=60),
        code(
            "receive_action",
            "The receive action for purchase orders that name none.",
            40,
            required=False,
            refers="actions",
        ),
        code(
            "adjustment",
            "The location without balances that count differences go to and come from, as STORE/LOCATION.",
            81,
            required=False,
            refers="locations",
        ),
        yes_no("complete_when_full", "Whether works orders complete themselves when full.", default=False),
    ),
    (
        {
            "code": "MAIN",
            "name": "Main works",
            "time_zone": "UTC",
            "receive_action": "RECEIVE",
            "adjustment": "MAIN/ADJUST",
        },
    ),
)

UNITS = ImportTable(
    "units",
    "Units of measure.",
    ("code",),
    (code("code", "The unit code.", 20), text("name", "The name.", 100)),
    ({"code": "PCS", "name": "Pieces"}, {"code": "KG", "name": "Kilograms"}, {"code": "G", "name": "Grams"}),
)

CONVERSIONS = ImportTable(
    "conversions",
    "Unit conversions, for one item or for all. One row gives both directions.",
    ("item", "from", "to"),
    (
        code("item", "The item; empty for all items.", 60, required=False, refers="items"),
        code("from", "One of this unit", 20, refers="units"),
        code("to", "is this many of this unit.", 20, refers="units"),
        ImportColumn(
            "factor",
            "The exact factor: a decimal, or a ratio like 1/3.",
            CellType.RATIO,
            required=True,
            positive=True,
        ),
    ),
    ({"from": "KG", "to": "G", "factor": "1000"},),
)

STORES = ImportTable(
    "stores",
    "Buildings, halls or sub-contractors that hold locations.",
    ("site", "code"),
    (SITE, code("code", "The store code, without a slash.", 40), text("description", "The description.", 200)),
    ({"code": "MAIN", "description": "The hall"}, {"code": "ACME", "description": "Acme Plating"}),
)

LOCATIONS = ImportTable(
    "locations",
    "Places for stock. Other tables name a location as STORE/LOCATION.",
    ("site", "store", "code"),
    (
        SITE,
        code("store", "The store.", 40, refers="stores"),
        code("code", "The location code.", 40),
        text("description", "The description.", 200),
        yes_no("has_balance", "Whether the location keeps balances; no for the outside.", default=True),
        yes_no("bin_controlled", "Whether the location is bin controlled.", default=False),
        code("supplier", "The supplier to which the location belongs.", 40, required=False, refers="suppliers"),
    ),
    (
        {"store": "MAIN", "code": "LINE", "description": "Beside the machines"},
        {"store": "MAIN", "code": "STOCK", "description": "Finished goods"},
        {"store": "MAIN", "code": "RACK", "description": "High rack", "bin_controlled": "yes"},
        {"store": "MAIN", "code": "WIP", "description": "Work in progress", "has_balance": "no"},
        {"store": "MAIN", "code": "BOUGHT", "description": "Suppliers' deliveries", "has_balance": "no"},
        {"store": "ACME", "code": "STOCK", "description": "Our stock at Acme", "supplier": "ACME"},
        {"store": "ACME", "code": "USED", "description": "Used at Acme", "has_balance": "no"},
        {"store": "MAIN", "code": "ADJUST", "description": "Differences of counts", "has_balance": "no"},
    ),
)

BINS = ImportTable(
    "bins",
    "Bins of bin-controlled locations.",
    ("site", "location", "code"),
    (
        SITE,
        code("location", "The location, as STORE/LOCATION.", 81, refers="locations"),
        code("code", "The bin code.", 40),
    ),
    ({"location": "MAIN/RACK", "code": "R1"},),
)

SUPPLIERS = ImportTable(
    "suppliers",
    "Suppliers and sub-contractors.",
    ("site", "code"),
    (
        code("code", "The supplier code.", 40),
        text("name", "The name.", 100),
        SITE,
        code(
            "stock",
            (
                "The supplier's stock location, STORE/LOCATION: its backflush takes from here instead of "
                "the rule's from-location."
            ),
            81,
            required=False,
            refers="locations",
        ),
    ),
    ({"code": "ACME", "name": "Acme Plating", "stock": "ACME/STOCK"},),
)

ACTIONS = ImportTable(
    "actions",
    "Named ways of moving stock.",
    ("name",),
    (
        code("name", "The action name.", 40),
        choice("type", "The action type.", tuple(ActionType.values)),
        text("description", "The description.", 200),
        choice(
            "short",
            "A short line: the whole line waits, or the available part moves.",
            tuple(ShortRule.values),
            default=ShortRule.WHOLE.value,
        ),
        choice(
            "retry",
            "When stock arrives: do nothing, propose a retry, or settle automatically.",
            tuple(RetryRule.values),
            default=RetryRule.NEVER.value,
        ),
    ),
    (
        {"name": "COMPLETE", "type": "completion", "description": "Into stock"},
        {"name": "BACKFLUSH", "type": "backflush", "description": "Used beside the machines"},
        {"name": "OUTSIDE", "type": "backflush", "description": "Used at the sub-contractor"},
        {"name": "RECEIVE", "type": "receive", "description": "From a supplier"},
    ),
)

RULES = ImportTable(
    "rules",
    "The from- and to-location of each action at a site.",
    ("site", "action", "from", "to"),
    (
        SITE,
        code("action", "The action.", 40, refers="actions"),
        code("from", "The from-location, STORE/LOCATION.", 81, refers="locations"),
        code("to", "The to-location, STORE/LOCATION.", 81, refers="locations"),
    ),
    (
        {"action": "COMPLETE", "from": "MAIN/WIP", "to": "MAIN/STOCK"},
        {"action": "BACKFLUSH", "from": "MAIN/LINE", "to": "MAIN/WIP"},
        {"action": "OUTSIDE", "from": "ACME/STOCK", "to": "ACME/USED"},
        {"action": "RECEIVE", "from": "MAIN/BOUGHT", "to": "MAIN/STOCK"},
    ),
)

PRODUCT_GROUPS = ImportTable(
    "product_groups",
    "Groups of items for reports.",
    ("code",),
    (code("code", "The group code.", 40), text("description", "The description.", 200)),
    ({"code": "PARTS", "description": "Parts"},),
)

TYPE_CODES = ImportTable(
    "type_codes",
    "The actions by which items are completed, backflushed, issued and returned.",
    ("code",),
    (
        code("code", "The type code.", 40),
        text("description", "The description.", 200),
        code("completion", "The completion action.", 40, required=False, refers="actions"),
        code(
            "backflush",
            "The backflush action; empty: nothing is assumed.",
            40,
            required=False,
            refers="actions",
        ),
        code("issue", "The action for issues by hand.", 40, required=False, refers="actions"),
        code("return", "The action for returns by hand.", 40, required=False, refers="actions"),
    ),
    (
        {"code": "MADE", "description": "Manufactured here", "completion": "COMPLETE", "backflush": "BACKFLUSH"},
        {"code": "OUTSIDE", "description": "Made by a sub-contractor from our parts", "backflush": "OUTSIDE"},
        {"code": "BOUGHT", "description": "Bought in"},
    ),
)

ITEMS = ImportTable(
    "items",
    "Stocked items, and phantoms.",
    ("code",),
    (
        code("code", "The item code.", 60),
        text("description", "The description.", 200),
        choice(
            "class",
            "B bought in, M manufactured, S sub-contracted, P phantom, K kit.",
            tuple(ComponentClass.values),
        ),
        code("type_code", "The type code.", 40, refers="type_codes"),
        code("unit", "The stock unit.", 20, refers="units"),
        whole("decimals", "The decimals of quantities, 0 to 6.", default=0),
        code("product_group", "The product group.", 40, required=False, refers="product_groups"),
        choice("tracking", "The tracking: none, batch or serial.", tuple(Tracking), default=Tracking.NONE.value),
        ImportColumn("abc_class", "The ABC class, one letter.", default="", length=1),
        number("stock_min", "The minimum stock."),
        number("stock_max", "The maximum stock."),
        number("batch_size", "The batch size for making or buying."),
        whole("lead_time_days", "The lead time in days."),
        day("obsolete_on", "The date from which the item is obsolete."),
        whole("cost_decimals", "The decimals of costs, 0 to 6.", default=4),
        *(
            number(element, f"{element.replace('_', ' ').capitalize()} cost per stock unit.", default=ZERO)
            for element in COST_ELEMENTS
        ),
    ),
    (
        {
            "code": "BRACKET",
            "description": "Bracket",
            "class": "M",
            "type_code": "MADE",
            "unit": "PCS",
            "product_group": "PARTS",
            "standard_material": "1.44",
        },
        {
            "code": "PLATED",
            "description": "Bracket, plated",
            "class": "S",
            "type_code": "OUTSIDE",
            "unit": "PCS",
            "standard_material": "1.44",
            "standard_outside": "0.80",
        },
        {
            "code": "STEEL",
            "description": "Steel sheet",
            "class": "B",
            "type_code": "BOUGHT",
            "unit": "KG",
            "decimals": "3",
            "standard_material": "4.00",
        },
        {
            "code": "BOLT",
            "description": "Bolt M8",
            "class": "B",
            "type_code": "BOUGHT",
            "unit": "PCS",
            "standard_material": "0.10",
        },
    ),
)

STRUCTURES = ImportTable(
    "structures",
    "Structure lines for one stock unit of an item. Lines that are left out stay, unless --replace removes them.",
    ("item", "line", "starts"),
    (
        code("item", "The parent item.", 60, refers="items"),
        whole("line", "The line number. Dated versions of a line share it.", required=True),
        code("component", "The component.", 60, refers="items"),
        number(
            "quantity",
            "The quantity for one parent; any decimals. 0 for a line with a fixed quantity alone.",
            required=True,
        ),
        code(
            "unit", "The unit of the quantity; empty: the component's stock unit.", 20, required=False, refers="units"
        ),
        number(
            "waste", "The waste in per cent of the quantity taken, from 0 to below 100.", default=ZERO, percent=True
        ),
        number("fixed", "The fixed quantity (set-up loss) per order, in the same unit.", default=ZERO),
        yes_no("by_hand", "Whether the line is issued by hand and never assumed.", default=False),
        yes_no(
            "supplier_provides",
            "Whether the supplier provides it; such lines are left out for receipts.",
            default=False,
        ),
        SITE,
        code("from", "The line's own from-location, STORE/LOCATION.", 81, required=False, refers="locations"),
        day("starts", "The first day in force; empty: from the beginning."),
        day("ends", "The last day in force; empty: open."),
    ),
    (
        {"item": "BRACKET", "line": "10", "component": "STEEL", "quantity": "250", "unit": "G", "waste": "4"},
        {"item": "BRACKET", "line": "20", "component": "BOLT", "quantity": "4"},
        {"item": "PLATED", "line": "10", "component": "BRACKET", "quantity": "1"},
    ),
)

OPENING_STOCK = ImportTable(
    "opening_stock",
    "The stock when the ledger begins. It is posted once.",
    ("site", "item", "location", "bin", "batch", "serial"),
    (
        SITE,
        code("item", "The item.", 60, refers="items"),
        code("location", "The location, STORE/LOCATION.", 81, refers="locations"),
        quantity("The quantity, in the stock unit."),
        code("bin", "The bin, at a bin-controlled location.", 40, required=False),
        code("batch", "The batch, for items tracked by batch.", 60, required=False),
        code("serial", "The serial number, for items tracked by serial number; one row each.", 60, required=False),
        day("expires_on", "The expiry date of the batch."),
        ImportColumn("date", "The date of the stock; empty: now.", CellType.MOMENT),
    ),
    (
        {"item": "STEEL", "location": "MAIN/LINE", "quantity": "100", "date": "2026-01-05"},
        {"item": "BOLT", "location": "MAIN/LINE", "quantity": "1000", "date": "2026-01-05"},
        {"item": "BOLT", "location": "MAIN/RACK", "quantity": "500", "bin": "R1", "date": "2026-01-05"},
        {"item": "BRACKET", "location": "ACME/STOCK", "quantity": "50", "date": "2026-01-05"},
    ),
)

COUNT_TOLERANCES = ImportTable(
    "count_tolerances",
    "How far counts may differ: of an item at a location, an item, an ABC class or, with none of these, the site.",
    ("site", "item", "location", "abc_class"),
    (
        SITE,
        code("item", "The item; empty: the class or the site.", 60, required=False, refers="items"),
        code("location", "The location, STORE/LOCATION; only with an item.", 81, required=False, refers="locations"),
        text("abc_class", "The ABC class, if no item is named.", 1),
        number("quantity_up", "The largest surplus, in the stock unit."),
        number("quantity_down", "The largest loss, in the stock unit."),
        number("percent_up", "The largest surplus, in per cent of the expected quantity.", percent=True),
        number("percent_down", "The largest loss, in per cent of the expected quantity.", percent=True),
        number("value_up", "The largest surplus, at standard cost."),
        number("value_down", "The largest loss, at standard cost."),
        number("approval_value", "The value above which a recount needs approval; empty: it always does."),
        yes_no("post_within", "Whether a difference within the tolerance is posted at once.", default=True),
        yes_no("recount_beyond", "Whether another person counts again beyond the tolerance.", default=True),
        yes_no("blind", "Whether counters don't see the book quantity.", default=False),
    ),
    ({"quantity_up": "5", "quantity_down": "5", "approval_value": "100"},),
)

COUNTS = ImportTable(
    "counts",
    "Counts of stock with their times. A row without a quantity wasn't counted; 0 says that nothing was there.",
    ("site", "item", "location", "bin", "batch", "serial", "at"),
    (
        SITE,
        code("item", "The item.", 60, refers="items"),
        code("location", "The location, STORE/LOCATION.", 81, refers="locations"),
        ImportColumn(
            "quantity",
            "What was there, in the stock unit or with a unit after it; empty: not counted.",
            CellType.QUANTITY,
            input=QuantityInput("Quantity", "What was there.", name="quantity"),
        ),
        ImportColumn("at", "When it was counted.", CellType.MOMENT, required=True),
        code("bin", "The bin, at a bin-controlled location.", 40, required=False),
        code("batch", "The batch, for items tracked by batch.", 60, required=False),
        code(
            "serial",
            "The serial number, if the item has them; the quantity is 1 or 0.",
            60,
            required=False,
        ),
        choice("method", "How it was counted.", tuple(CountMethod.values), default=CountMethod.SEEN),
        yes_no("blind", "Whether the counter didn't see the book quantity.", default=False),
        text("counted_by", "The log-in name of the person who counted, if another than the one who imports.", 150),
        whole("sheet", "The number of the count sheet that it belongs to; empty: none."),
        text("remarks", "Remarks.", 500),
        text("key", "A key of your own; a count with the same key is entered once.", 200),
    ),
    ({"item": "BOLT", "location": "MAIN/LINE", "quantity": "1000", "at": "2026-01-06T16:30"},),
)

PURCHASE_ORDERS = ImportTable(
    "purchase_orders",
    "Purchase orders, with one row per order line.",
    ("site", "number", "line"),
    (
        SITE,
        code("number", "The order number.", 50),
        code("supplier", "The supplier.", 40, refers="suppliers"),
        day("placed_on", "The date of the order.", required=True),
        code("receive_action", "The receive action; empty: the site's.", 40, required=False, refers="actions"),
        whole("line", "The line number.", default=10),
        code("item", "The item ordered.", 60, refers="items"),
        quantity("The quantity."),
        code("unit", "The unit; empty: the item's stock unit.", 20, required=False, refers="units"),
        day("due_date", "The due date."),
        choice(
            "status",
            "The status of the order: open, or closed after its receipts, full or short.",
            tuple(PurchaseStatus),
            default=PurchaseStatus.OPEN.value,
        ),
    ),
    (
        {
            "number": "PO-1",
            "supplier": "ACME",
            "placed_on": "2026-01-07",
            "item": "PLATED",
            "quantity": "20",
            "due_date": "2026-01-14",
        },
    ),
)

CLOSED_SHORT: Final = "closed short"
"""The status of a works order that was completed with less than was ordered."""

WORKS_ORDERS = ImportTable(
    "works_orders",
    "Works orders: the item to make, how many, and how far they are.",
    ("site", "number"),
    (
        SITE,
        code("number", "The order number.", 60),
        code("item", "The parent item.", 60, refers="items"),
        quantity("The quantity."),
        code("unit", "The unit; empty: the item's stock unit.", 20, required=False, refers="units"),
        day("start_date", "The start date, which decides the structure.", required=True),
        day("due_date", "The due date."),
        choice(
            "status",
            "The status: new; released or open for booking; or how it ended after its bookings: complete, closed short "
            "(complete with less than was ordered), cancelled.",
            ("new", "released", "open", "complete", CLOSED_SHORT, "cancelled"),
            default="released",
        ),
        ImportColumn("ended_at", "When it was completed or cancelled; empty: now.", CellType.MOMENT),
        text("remarks", "Remarks.", 500),
    ),
    (
        {
            "number": "WO-1",
            "item": "BRACKET",
            "quantity": "10",
            "start_date": "2026-01-07",
            "due_date": "2026-01-09",
            "status": "released",
        },
    ),
)

_CELLS: Final[Mapping[type[ReportInput], CellType]] = {
    SubjectInput: CellType.TEXT,
    TextInput: CellType.TEXT,
    KeyInput: CellType.TEXT,
    QuantityInput: CellType.QUANTITY,
    WholeInput: CellType.WHOLE,
    MomentInput: CellType.MOMENT,
    SerialsInput: CellType.SERIALS,
}


def _input_column(one: ReportInput) -> ImportColumn:
    """Return the column of a booking input."""
    return ImportColumn(
        one.column,
        one.help,
        _CELLS[type(one)],
        one.required,
        one.default,
        length=one.length if isinstance(one, TextInput) else 0,
        refers=one.refers if isinstance(one, SubjectInput) else "",
        input=one,
    )


def _booking_table(kind: ReportKind[Any]) -> ImportTable:
    """Return the table of a kind of booking: site, key, and the inputs of the kind."""
    by_name = kind.inputs.by_name
    named = (by_name["key"], *(one for name, one in by_name.items() if name != "key"))
    return ImportTable(kind.table, kind.rows, ("site", "key"), (SITE, *map(_input_column, named)), (kind.row,))


BOOKINGS: Final = tuple(_booking_table(kind) for kind in reversed(KINDS))

TABLES: Final = {
    table.name: table
    for table in (
        SITES,
        UNITS,
        CONVERSIONS,
        STORES,
        LOCATIONS,
        BINS,
        SUPPLIERS,
        ACTIONS,
        RULES,
        PRODUCT_GROUPS,
        TYPE_CODES,
        ITEMS,
        STRUCTURES,
        OPENING_STOCK,
        COUNT_TOLERANCES,
        COUNTS,
        PURCHASE_ORDERS,
        WORKS_ORDERS,
        *BOOKINGS,
    )
}
"""All tables by name, in the order in which they are listed."""
