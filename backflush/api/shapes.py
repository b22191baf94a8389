"""What the API says and is told, for its description. Quantities are text, because JSON's numbers are inexact."""

from collections.abc import Mapping
from typing import Any, Final

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
    """A booking that was made, now or under the same key before."""

    outcome: str
    order: str
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
BOOKING: Final[Mapping[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["order"],
    "properties": {
        "order": {"type": "string", "minLength": 1, "description": "The works order's number."},
        "good": {**_QUANTITY, "description": "In the order's unit."},
        "scrap": _QUANTITY,
        "at": {
            "type": "string",
            "description": "A date, or a date and time; without a zone it is the site's. Now unless given.",
            "examples": ["2026-03-12T14:30"],
        },
        "key": {"type": "string", "maxLength": 200, "description": "Sent again under it, nothing is posted twice."},
        "batch": {"type": "string"},
        "serials": {"type": "array", "items": {"type": "string"}},
        "bin": {"type": "string"},
        "scrap_reason": {"type": "string"},
    },
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
