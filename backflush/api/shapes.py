"""What the API says and is told, for its description. Quantities are text, because JSON's numbers are inexact."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from ninja import Schema


class RefusalOut(Schema):
    """Why something can't be done as it stands. Nothing was changed."""

    code: str
    field: str
    sentence: str
    details: list[str]


class WaitingOut(Schema):
    """A line of a booking that could not move and waits."""

    movement: int
    item: str
    due: str
    reason: str


class BookingOut(Schema):
    """A booking that was made, now or under the same key before; `order` or `item` is what it was about."""

    outcome: Literal["booked", "repeated"]
    kind: Literal["booking", "receipt", "production"]
    order: str = ""
    item: str = ""
    key: str | None
    posting: int
    unresolved: list[WaitingOut]
    fits_now: list[int]
    """Which unresolved movements that wait for what was made fit now, where the action says that it be proposed."""


class PreviewLineOut(Schema):
    """One component: what would be assumed, what is there, and what would wait."""

    path: str
    component: str
    unit: str
    source: str
    assumed: str
    there: str | None
    moves: str
    waits: str
    reason: str | None


class PreviewOut(Schema):
    """What a booking would do. `largest` is the largest good quantity that leaves no line short."""

    lines: list[PreviewLineOut]
    largest: str | None


class OrderOut(Schema):
    """A works order."""

    number: str
    item: str
    status: str
    quantity: str
    unit: str
    good: str
    scrap: str
    start_date: str
    due_date: str | None
    remarks: str


class UnresolvedOut(Schema):
    """What is unresolved, with where it would come from and go to."""

    movement: int
    posting: int
    at: str
    order: str | None
    item: str
    unit: str
    due: str
    reason: str
    source: str
    target: str


class UnresolvedPage(Schema):
    """Some of what is unresolved, oldest first; `after` is the mark of the next page, empty on the last."""

    lines: list[UnresolvedOut]
    after: str


_QUANTITY: Final = {"type": "string", "pattern": r"^-?\d{1,12}(\.\d{1,6})?$", "examples": ["38"]}
_TEXT: Final[Mapping[str, Any]] = {"type": "string"}
_COMMON: Final[Mapping[str, Any]] = {
    "at": {
        "type": "string",
        "description": "A date, or a date and time; without a zone it is the site's. Now unless given.",
        "examples": ["2026-03-12T14:30"],
    },
    "key": {"type": "string", "maxLength": 200, "description": "Sent again under it, nothing is posted twice."},
    "batch": _TEXT,
    "serials": {"type": "array", "items": _TEXT},
    "bin": _TEXT,
}
_MADE: Final[Mapping[str, Any]] = {
    "good": {**_QUANTITY, "description": "In the order's unit, or the item's stock unit."},
    "scrap": _QUANTITY,
    "scrap_reason": _TEXT,
}


def _kind(word: str, about: str, what: str, fields: Mapping[str, Any], *, named: bool = True) -> dict[str, Any]:
    return {
        "title": word,
        "type": "object",
        "additionalProperties": False,
        "required": ["kind", about] if named else [about],
        "properties": {
            "kind": {"const": word},
            about: {"type": "string", "minLength": 1, "description": what},
            **fields,
            **_COMMON,
        },
    }


BOOKING: Final[Mapping[str, Any]] = {
    "oneOf": [
        _kind("booking", "order", "The works order's number.", _MADE, named=False),
        _kind(
            "receipt",
            "order",
            "The purchase order's number.",
            {
                "line": {"type": "integer", "description": "The order's line; may be left out where it has one only."},
                "accepted": {**_QUANTITY, "description": "In the order's unit."},
                "rejected": _QUANTITY,
            },
        ),
        _kind("production", "item", "The item's code: a kit or a manufactured item.", _MADE),
    ]
}
JSON: Final = "application/json"
JSON_LINES: Final = "application/x-ndjson"
KEY_HEADER: Final[Mapping[str, Any]] = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "maxLength": 150},
    "description": "The booking's key, where it has none itself; of a stream its name, from which each line gets one.",
}
ONE_BOOKING: Final[dict[str, Any]] = {
    "parameters": [KEY_HEADER],
    "requestBody": {"required": True, "content": {JSON: {"schema": BOOKING}}},
}
MANY_BOOKINGS: Final[dict[str, Any]] = {
    "parameters": [KEY_HEADER],
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": {"type": "array", "items": BOOKING}},
            JSON_LINES: {"schema": {"type": "string", "description": "A booking a line."}},
        },
    },
    "responses": {200: {"description": "An outcome a line.", "content": {JSON_LINES: {"schema": {"type": "string"}}}}},
}
