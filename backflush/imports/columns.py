"""The tables that an import knows: their columns, what these mean, and lines of example.

The examples together are a tiny plant that makes brackets and has them plated outside: importing them works.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from backflush.core.moves import Tracking
from backflush.core.quantity import ZERO
from backflush.items.models import ComponentClass
from backflush.items.services import COST_ELEMENTS
from backflush.stockmap.models import ActionType, RetryRule, ShortRule


class CellType(Enum):
    """What may stand in a column's cells, and how the template says so."""

    TEXT = "text"
    NUMBER = "number"
    RATIO = "number or ratio"
    WHOLE = "whole number"
    DAY = "date"
    MOMENT = "date or time"
    YES_NO = "yes or no"
    CHOICE = "one of"


@dataclass(frozen=True, slots=True)
class ImportColumn:
    """One column. `default` is what an empty cell stands for; `refers` names the table that it points into."""

    name: str
    means: str
    kind: CellType = CellType.TEXT
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    length: int = 0
    refers: str = ""
    positive: bool = False
    """Whether zero is no answer; no number here is ever below zero."""


@dataclass(frozen=True, slots=True)
class ImportTable:
    """One file of an import. `key` is what makes a row the same thing from one import to the next."""

    name: str
    means: str
    key: tuple[str, ...]
    columns: tuple[ImportColumn, ...]
    examples: tuple[Mapping[str, str], ...]

    def column(self, name: str) -> ImportColumn | None:
        """The column of a name."""
        return next((column for column in self.columns if column.name == name), None)


def code(name: str, means: str, length: int, *, required: bool = True, refers: str = "") -> ImportColumn:
    """A column of codes."""
    return ImportColumn(name, means, CellType.TEXT, required, "", (), length, refers)


def text(name: str, means: str, length: int) -> ImportColumn:
    """A column of words, which may be empty."""
    return ImportColumn(name, means, CellType.TEXT, default="", length=length)


def number(name: str, means: str, *, default: Any = None) -> ImportColumn:
    """A column of exact numbers, zero or more."""
    return ImportColumn(name, means, CellType.NUMBER, default=default)


def quantity(means: str) -> ImportColumn:
    """The column of a quantity, which must be there and above zero."""
    return ImportColumn("quantity", means, CellType.NUMBER, required=True, positive=True)


def whole(name: str, means: str, *, required: bool = False, default: int | None = None) -> ImportColumn:
    """A column of whole numbers."""
    return ImportColumn(name, means, CellType.WHOLE, required, default)


def day(name: str, means: str, *, required: bool = False) -> ImportColumn:
    """A column of dates."""
    return ImportColumn(name, means, CellType.DAY, required)


def yes_no(name: str, means: str, *, default: bool) -> ImportColumn:
    """A column of yes and no."""
    return ImportColumn(name, means, CellType.YES_NO, default=default)


def choice(name: str, means: str, choices: tuple[str, ...], *, default: str | None = None) -> ImportColumn:
    """A column of a few words; required where it has no default."""
    return ImportColumn(name, means, CellType.CHOICE, default is None, default, choices)


SITE: Final = code("site", "The site; may be empty where there is only one.", 20, required=False, refers="sites")

SITES = ImportTable(
    "sites",
    "Plants with stores of their own. May be left out: then there is one site, MAIN.",
    ("code",),
    (
        code("code", "The site's code.", 20),
        text("name", "Its name.", 100),
        ImportColumn("time_zone", "Its time zone: days are the site's.", default="UTC", length=60),
        code(
            "receive_action",
            "How goods are received where the purchase order doesn't say.",
            40,
            required=False,
            refers="actions",
        ),
        yes_no("complete_when_full", "Whether a works order is completed by itself when full.", default=False),
    ),
    ({"code": "MAIN", "name": "Main works", "time_zone": "UTC", "receive_action": "RECEIVE"},),
)

UNITS = ImportTable(
    "units",
    "Units of measure.",
    ("code",),
    (code("code", "The unit's code.", 20), text("name", "Its name.", 100)),
    ({"code": "PCS", "name": "Pieces"}, {"code": "KG", "name": "Kilograms"}, {"code": "G", "name": "Grams"}),
)

CONVERSIONS = ImportTable(
    "conversions",
    "One of a unit is so many of another, for one item or for all. Both directions follow from one line.",
    ("item", "from", "to"),
    (
        code("item", "The item that it holds for; empty for all.", 60, required=False, refers="items"),
        code("from", "One of this unit ...", 20, refers="units"),
        code("to", "... is so many of this one.", 20, refers="units"),
        ImportColumn(
            "factor",
            "So many. Exact; a ratio like 1/3 where no decimal is.",
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
    (SITE, code("code", "The store's code, without a slash.", 40), text("description", "What it is.", 200)),
    ({"code": "MAIN", "description": "The hall"}, {"code": "ACME", "description": "Acme Plating"}),
)

LOCATIONS = ImportTable(
    "locations",
    "Where stock is. Other tables name a location as STORE/LOCATION.",
    ("site", "store", "code"),
    (
        SITE,
        code("store", "The store that it is in.", 40, refers="stores"),
        code("code", "The location's code.", 40),
        text("description", "What it is.", 200),
        yes_no("has_balance", "Whether stock is counted here; no for the outside.", default=True),
        yes_no("bin_controlled", "Whether it is kept in bins.", default=False),
        code("supplier", "The supplier that it belongs to.", 40, required=False, refers="suppliers"),
    ),
    (
        {"store": "MAIN", "code": "LINE", "description": "Beside the machines"},
        {"store": "MAIN", "code": "STOCK", "description": "Finished goods"},
        {"store": "MAIN", "code": "RACK", "description": "High rack", "bin_controlled": "yes"},
        {"store": "MAIN", "code": "WIP", "description": "Work in progress", "has_balance": "no"},
        {"store": "MAIN", "code": "BOUGHT", "description": "What suppliers deliver", "has_balance": "no"},
        {"store": "ACME", "code": "STOCK", "description": "Ours, at Acme", "supplier": "ACME"},
        {"store": "ACME", "code": "USED", "description": "Used at Acme", "has_balance": "no"},
    ),
)

BINS = ImportTable(
    "bins",
    "Places within bin-controlled locations.",
    ("site", "location", "code"),
    (
        SITE,
        code("location", "The location, as STORE/LOCATION.", 81, refers="locations"),
        code("code", "The bin's code.", 40),
    ),
    ({"location": "MAIN/RACK", "code": "R1"},),
)

SUPPLIERS = ImportTable(
    "suppliers",
    "Whom we buy from or send work to.",
    ("site", "code"),
    (
        code("code", "The supplier's code.", 40),
        text("name", "Its name.", 100),
        SITE,
        code(
            "stock",
            "Our location with it, STORE/LOCATION, that its backflush takes from instead of the rule's.",
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
        code("name", "The action's name.", 40),
        choice("type", "What it is for.", tuple(ActionType.values)),
        text("description", "What it does.", 200),
        choice(
            "short",
            "A short line: wait whole, or move the part that is there.",
            tuple(ShortRule.values),
            default=ShortRule.WHOLE.value,
        ),
        choice(
            "retry",
            "Stock that arrives: nobody is told, whoever brings it is told what fits now, or that is settled.",
            tuple(RetryRule.values),
            default=RetryRule.NEVER.value,
        ),
    ),
    (
        {"name": "COMPLETE", "type": "completion", "description": "Into stock"},
        {"name": "BACKFLUSH", "type": "backflush", "description": "Used beside the machines"},
        {"name": "OUTSIDE", "type": "backflush", "description": "Used at a sub-contractor"},
        {"name": "RECEIVE", "type": "receive", "description": "From a supplier"},
    ),
)

RULES = ImportTable(
    "rules",
    "From where to where an action moves at a site.",
    ("site", "action", "from", "to"),
    (
        SITE,
        code("action", "The action.", 40, refers="actions"),
        code("from", "The location that it takes from, STORE/LOCATION.", 81, refers="locations"),
        code("to", "The location that it puts to, STORE/LOCATION.", 81, refers="locations"),
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
    "Items that are looked at together.",
    ("code",),
    (code("code", "The group's code.", 40), text("description", "What it is.", 200)),
    ({"code": "PARTS", "description": "Parts"},),
)

TYPE_CODES = ImportTable(
    "type_codes",
    "Decide, by their actions, whether and how their items are backflushed.",
    ("code",),
    (
        code("code", "The type code.", 40),
        text("description", "What it is.", 200),
        code("completion", "The action that takes in what was made.", 40, required=False, refers="actions"),
        code(
            "backflush",
            "The action that takes what was used; empty: none assumed.",
            40,
            required=False,
            refers="actions",
        ),
        code("issue", "The action of issues by hand.", 40, required=False, refers="actions"),
        code("return", "The action of returns by hand.", 40, required=False, refers="actions"),
    ),
    (
        {"code": "MADE", "description": "Made here", "completion": "COMPLETE", "backflush": "BACKFLUSH"},
        {"code": "OUTSIDE", "description": "Made outside from our parts", "backflush": "OUTSIDE"},
        {"code": "BOUGHT", "description": "Bought in"},
    ),
)

ITEMS = ImportTable(
    "items",
    "What is stocked, and phantoms that stand for what is.",
    ("code",),
    (
        code("code", "The item's code.", 60),
        text("description", "What it is.", 200),
        choice(
            "class",
            "B bought in, M manufactured, S sub-contracted, P phantom, K kit.",
            tuple(ComponentClass.values),
        ),
        code("type_code", "Its type code.", 40, refers="type_codes"),
        code("unit", "Its stock unit.", 20, refers="units"),
        whole("decimals", "Decimals of its quantities, 0 to 6.", default=0),
        code("product_group", "Its product group.", 40, required=False, refers="product_groups"),
        choice("tracking", "Whether it matters which pieces moved.", tuple(Tracking), default=Tracking.NONE.value),
        ImportColumn("abc_class", "Its ABC class, one letter.", default="", length=1),
        number("stock_min", "Least stock to keep."),
        number("stock_max", "Most stock to keep."),
        number("batch_size", "How many are made or bought at a time."),
        whole("lead_time_days", "Days from order to stock."),
        day("obsolete_on", "Not to be made or planned from this day."),
        whole("cost_decimals", "Decimals of its costs, 0 to 6.", default=4),
        *(
            number(element, f"{element.replace('_', ' ').capitalize()} cost of one stock unit.", default=ZERO)
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
    "What one stock unit of an item is made of. The lines of an item here are the whole of its structure.",
    ("item", "line", "starts"),
    (
        code("item", "What is made.", 60, refers="items"),
        whole("line", "The line's number; dated versions of a line share it.", required=True),
        code("component", "What goes into it.", 60, refers="items"),
        quantity("How much for one; any decimals."),
        code("unit", "The unit of that; empty: the component's stock unit.", 20, required=False, refers="units"),
        number("waste", "Per cent of what is taken that is lost, 0 to below 100.", default=ZERO),
        number("fixed", "Lost once for each order, in the same unit.", default=ZERO),
        yes_no("by_hand", "Never assumed: issued by hand.", default=False),
        yes_no("supplier_provides", "Left out where it is received from a supplier.", default=False),
        SITE,
        code("from", "Its own from-location, STORE/LOCATION.", 81, required=False, refers="locations"),
        day("starts", "First day in force; empty: from ever."),
        day("ends", "Last day in force; empty: open."),
    ),
    (
        {"item": "BRACKET", "line": "10", "component": "STEEL", "quantity": "250", "unit": "G", "waste": "4"},
        {"item": "BRACKET", "line": "20", "component": "BOLT", "quantity": "4"},
        {"item": "PLATED", "line": "10", "component": "BRACKET", "quantity": "1"},
    ),
)

OPENING_STOCK = ImportTable(
    "opening_stock",
    "What is there when the ledger begins. Once in, it is never added again.",
    ("site", "item", "location", "bin", "batch", "serial"),
    (
        SITE,
        code("item", "The item.", 60, refers="items"),
        code("location", "Where it is, STORE/LOCATION.", 81, refers="locations"),
        quantity("How much, in the stock unit."),
        code("bin", "In which bin, where there are bins.", 40, required=False),
        code("batch", "Of which batch, where it is kept by batch.", 60, required=False),
        code("serial", "Which serial number, where it has them; one line for each.", 60, required=False),
        day("expires_on", "When the batch expires."),
        ImportColumn("date", "As of when; empty: now.", CellType.MOMENT),
    ),
    (
        {"item": "STEEL", "location": "MAIN/LINE", "quantity": "100", "date": "2026-01-05"},
        {"item": "BOLT", "location": "MAIN/LINE", "quantity": "1000", "date": "2026-01-05"},
        {"item": "BOLT", "location": "MAIN/RACK", "quantity": "500", "bin": "R1", "date": "2026-01-05"},
        {"item": "BRACKET", "location": "ACME/STOCK", "quantity": "50", "date": "2026-01-05"},
    ),
)

PURCHASE_ORDERS = ImportTable(
    "purchase_orders",
    "Orders to suppliers, one line of the file for each line of an order.",
    ("site", "number", "line"),
    (
        SITE,
        code("number", "The order's number.", 50),
        code("supplier", "Whom it went to.", 40, refers="suppliers"),
        day("placed_on", "The day that it was placed.", required=True),
        code(
            "receive_action", "How its goods are received; empty: the site's way.", 40, required=False, refers="actions"
        ),
        whole("line", "The line's number.", default=10),
        code("item", "What was ordered.", 60, refers="items"),
        quantity("How much."),
        code("unit", "In which unit; empty: the item's stock unit.", 20, required=False, refers="units"),
        day("due_date", "When it is due."),
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

WORKS_ORDERS = ImportTable(
    "works_orders",
    "What is to be made.",
    ("site", "number"),
    (
        SITE,
        code("number", "The order's number.", 60),
        code("item", "What is made.", 60, refers="items"),
        quantity("How much."),
        code("unit", "In which unit; empty: the item's stock unit.", 20, required=False, refers="units"),
        day("start_date", "The day whose structure it takes.", required=True),
        day("due_date", "When it is due."),
        choice("status", "New, or released so that it can be booked.", ("new", "released"), default="released"),
        text("remarks", "Anything else.", 500),
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

BOOKING_KEY: Final = code(
    "key", "Your own key for the booking; empty: one is made from its content.", 200, required=False
)
WHEN: Final = ImportColumn("date", "When; a date alone is the start of its day. Empty: now.", CellType.MOMENT)
GOODS: Final = (
    code("batch", "The batch of the goods, where they are kept by batch.", 60, required=False),
    text("serials", "The serial numbers of the goods, with spaces between.", 0),
    code("bin", "The bin that the goods go to, where there are bins.", 40, required=False),
)

RECEIPTS = ImportTable(
    "receipts",
    "Goods received on purchase orders. What was posted before is passed over.",
    ("site", "key"),
    (
        SITE,
        BOOKING_KEY,
        code("order", "The purchase order.", 50, refers="purchase_orders"),
        whole("line", "The line of the order; may be empty where it has one only."),
        number("accepted", "How many were accepted, in the order's unit.", default=ZERO),
        number("rejected", "How many were rejected; they used their components too.", default=ZERO),
        WHEN,
        *GOODS,
    ),
    ({"key": "2026-01-09/1", "order": "PO-1", "accepted": "18", "rejected": "1", "date": "2026-01-09"},),
)

PRODUCTIONS = ImportTable(
    "productions",
    "Production booked without a works order. What was posted before is passed over.",
    ("site", "key"),
    (
        SITE,
        BOOKING_KEY,
        code("item", "What was made: a kit or a manufactured item.", 60, refers="items"),
        number("good", "How many are good, in the item's stock unit.", default=ZERO),
        number("scrap", "How many were scrapped.", default=ZERO),
        WHEN,
        text("scrap_reason", "Why they were scrapped.", 60),
        *GOODS,
    ),
    ({"key": "2026-01-08/2", "item": "BRACKET", "good": "2", "date": "2026-01-08"},),
)

BOOKINGS = ImportTable(
    "bookings",
    "Production booked on works orders. What was posted before is passed over.",
    ("site", "key"),
    (
        SITE,
        BOOKING_KEY,
        code("order", "The works order.", 60, refers="works_orders"),
        number("good", "How many are good, in the order's unit.", default=ZERO),
        number("scrap", "How many were scrapped.", default=ZERO),
        WHEN,
        text("scrap_reason", "Why they were scrapped.", 60),
        *GOODS,
    ),
    (
        {
            "key": "2026-01-08/1",
            "order": "WO-1",
            "good": "9",
            "scrap": "1",
            "date": "2026-01-08",
            "scrap_reason": "Bent",
        },
    ),
)

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
        PURCHASE_ORDERS,
        WORKS_ORDERS,
        RECEIPTS,
        PRODUCTIONS,
        BOOKINGS,
    )
}
"""All of them by name, in the order in which they are listed."""
