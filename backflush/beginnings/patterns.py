"""Ready-made set-ups of a site: stores, locations, actions with their rules, type codes and units.

Locations, actions and type codes of the parts that several patterns share are declared once, and a pattern names its
parts. Codes are those of the demo plant, so that the documentation fits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_noop as marked

from backflush.stockmap.models import ActionType


@dataclass(frozen=True, slots=True)
class PatternLocation:
    """A location by its path. One without balances stands for the outside."""

    path: str
    description: str
    has_balance: bool = True


@dataclass(frozen=True, slots=True)
class PatternAction:
    """An action with its transfer rules, each from one path to another."""

    name: str
    type: ActionType
    description: str
    rules: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class PatternTypeCode:
    """A type code with the names of its actions; empty for none."""

    code: str
    description: str
    completion: str = ""
    backflush: str = ""
    issue: str = ""
    return_action: str = ""


@dataclass(frozen=True, slots=True)
class PatternPart:
    """Part of a set-up: what is needed for one way of working."""

    stores: Mapping[str, str]
    locations: Sequence[PatternLocation]
    actions: Sequence[PatternAction]
    type_codes: Sequence[PatternTypeCode]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A ready-made set-up that people choose by its title."""

    name: str
    title: str
    about: str
    parts: Sequence[PatternPart]


UNITS: Final[Mapping[str, str]] = {
    "EA": "each",
    "KG": "kilogram",
    "G": "gram",
    "M": "metre",
    "MM": "millimetre",
    "L": "litre",
    "BOX": "box",
}
ADJUSTMENT: Final = "MAIN/ADJUST"
RECEIVE_ACTION: Final = "RECEIVE"

_COMMON = PatternPart(
    stores={"MAIN": "Main building"},
    locations=(
        PatternLocation("MAIN/RAW", "Material store"),
        PatternLocation("MAIN/FG", "Finished goods"),
        PatternLocation("MAIN/WIP", "Work in progress", has_balance=False),
        PatternLocation("MAIN/BOUGHT", "Suppliers", has_balance=False),
        PatternLocation("MAIN/CUSTOMER", "Customers", has_balance=False),
        PatternLocation(ADJUSTMENT, "Differences of counts, write-offs", has_balance=False),
    ),
    actions=(
        PatternAction(RECEIVE_ACTION, ActionType.RECEIVE, "Bought goods into the store", [("MAIN/BOUGHT", "MAIN/RAW")]),
        PatternAction("FINISH", ActionType.COMPLETION, "Made goods into the store", [("MAIN/WIP", "MAIN/FG")]),
        PatternAction("DESPATCH", ActionType.DESPATCH, "To the customer", [("MAIN/FG", "MAIN/CUSTOMER")]),
        PatternAction("WRITE-OFF", ActionType.MANUAL, "Scrapped from the store", [("MAIN/RAW", ADJUSTMENT)]),
        PatternAction("ISSUE", ActionType.ISSUE, "By hand to a works order", [("MAIN/RAW", "MAIN/WIP")]),
        PatternAction("RETURN", ActionType.RETURN, "By hand from a works order", [("MAIN/WIP", "MAIN/RAW")]),
    ),
    type_codes=(PatternTypeCode("BOUGHT", "Bought material"),),
)
_LINE = PatternPart(
    stores={},
    locations=(PatternLocation("MAIN/LINE", "Production line"),),
    actions=(
        PatternAction("REPLENISH", ActionType.MANUAL, "From the store to the line", [("MAIN/RAW", "MAIN/LINE")]),
        PatternAction("BACKFLUSH", ActionType.BACKFLUSH, "At the line, assumed", [("MAIN/LINE", "MAIN/WIP")]),
    ),
    type_codes=(
        PatternTypeCode("MADE", "Made on the line, components backflushed", "FINISH", "BACKFLUSH", "ISSUE", "RETURN"),
    ),
)
_BY_HAND = PatternPart(
    stores={},
    locations=(),
    actions=(),
    type_codes=(
        PatternTypeCode(
            "MADE-BY-HAND", "Made on works orders, components issued by hand", "FINISH", "", "ISSUE", "RETURN"
        ),
    ),
)
_SUBCONTRACT = PatternPart(
    stores={"SUBCON": "Sub-contractors"},
    locations=(
        PatternLocation("SUBCON/STOCK", "Free-issue stock at the sub-contractor"),
        PatternLocation("SUBCON/USED", "Used by the sub-contractor", has_balance=False),
    ),
    actions=(
        PatternAction("SEND", ActionType.MANUAL, "Free-issue stock out", [("MAIN/RAW", "SUBCON/STOCK")]),
        PatternAction("SEND-BACK", ActionType.MANUAL, "Free-issue stock back", [("SUBCON/STOCK", "MAIN/RAW")]),
        PatternAction(
            "SUBFLUSH", ActionType.BACKFLUSH, "At the sub-contractor, assumed", [("SUBCON/STOCK", "SUBCON/USED")]
        ),
    ),
    type_codes=(
        PatternTypeCode("SUBCON", "Made by a sub-contractor, components backflushed on receipt", "", "SUBFLUSH"),
    ),
)

PATTERNS: Final[Mapping[str, Pattern]] = {
    pattern.name: pattern
    for pattern in (
        Pattern(
            "line",
            marked("Make to stock with a line"),
            marked("Material is brought to the line. What is booked as made takes its components from there."),
            (_COMMON, _LINE),
        ),
        Pattern(
            "by-hand",
            marked("Works orders with issue by hand"),
            marked("Each component is issued to its works order from the store. Nothing is assumed."),
            (_COMMON, _BY_HAND),
        ),
        Pattern(
            "subcontract",
            marked("Sub-contracting with free issue"),
            marked("Material is sent to a sub-contractor. A receipt takes its components from the stock there."),
            (_COMMON, _SUBCONTRACT),
        ),
        Pattern(
            "all",
            marked("All of them"),
            marked("A line, issue by hand, and a sub-contractor."),
            (_COMMON, _LINE, _BY_HAND, _SUBCONTRACT),
        ),
    )
}
