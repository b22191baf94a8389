"""What the API says and is told, for its description. Quantities are text, because JSON's numbers are inexact."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from ninja import Field, Schema


class RefusalOut(Schema):
    """Why something can't be done as it stands. Nothing was changed."""

    code: str = Field(description="For programs; they are listed under Refusals.")
    field: str = Field(description="The field that it is about; empty where it is about none.")
    sentence: str = Field(description="What is wrong and what to do, for people.")
    details: list[str] = Field(description="What else is wrong, a sentence each.")


class WaitingOut(Schema):
    """A line of a booking that could not move and waits."""

    movement: int
    item: str
    due: str = Field(description="How much should have moved, in its stock unit.")
    reason: str = Field(description="short, batch, serial or bin.")


class BookingOut(Schema):
    """A booking that was made, now or under the same key before."""

    outcome: Literal["booked", "repeated"]
    kind: Literal["booking", "receipt", "production"]
    order: str = Field("", description="The order that it is on, where it is on one.")
    item: str = Field("", description="The item that was made, where it is on no order.")
    key: str | None
    posting: int = Field(description="The number of its posting.")
    unresolved: list[WaitingOut] = Field(description="The components that weren't there, and wait.")
    fits_now: list[int] = Field(
        description="Unresolved movements that wait for what was made and fit now, where their action proposes it."
    )


class PreviewLineOut(Schema):
    """One component: what would be assumed, what is there, and what would wait."""

    path: str = Field(description="Its line number, with those of the phantoms on the way.")
    component: str
    unit: str
    source: str = Field(description="Where it is taken from.")
    assumed: str
    there: str | None = Field(description="Null where the place keeps no balance.")
    moves: str
    waits: str
    reason: str | None = Field(description="Why it would wait: short, batch, serial or bin.")


class PreviewOut(Schema):
    """What a booking would do."""

    lines: list[PreviewLineOut]
    largest: str | None = Field(description="The largest good quantity that leaves no line short; null for any.")


class OrderOut(Schema):
    """A works order."""

    number: str
    item: str
    status: str
    quantity: str = Field(description="How much was ordered, in its unit, as good and scrap are.")
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
    due: str = Field(description="How much should have moved, in its stock unit.")
    reason: str = Field(description="short, batch, serial or bin.")
    source: str
    target: str


class UnresolvedPage(Schema):
    """Some of what is unresolved, oldest first."""

    lines: list[UnresolvedOut]
    after: str = Field(description="The mark of the next page; empty on the last.")


_QUANTITY: Final = {"type": "string", "pattern": r"^-?\d{1,12}(\.\d{1,6})?$", "examples": ["38"]}
_TEXT: Final[Mapping[str, Any]] = {"type": "string"}
_COMMON: Final[Mapping[str, Any]] = {
    "at": {
        "type": "string",
        "description": "A date, or a date and time; without a zone it is the site's. Now unless given.",
        "examples": ["2026-03-12T14:30"],
    },
    "key": {"type": "string", "maxLength": 200, "description": "Sent again under it, nothing is posted twice."},
    "batch": {**_TEXT, "description": "Of goods that are kept by batch."},
    "serials": {"type": "array", "items": _TEXT, "description": "Of goods that are kept by serial number."},
    "bin": {**_TEXT, "description": "Where the goods go to a place with bins."},
}
_MADE: Final[Mapping[str, Any]] = {
    "good": {**_QUANTITY, "description": "In the order's unit, or the item's stock unit."},
    "scrap": {**_QUANTITY, "description": "They used their components too."},
    "scrap_reason": _TEXT,
}


def _kind(
    word: str, about: str, what: str, fields: Mapping[str, Any], example: Mapping[str, Any], *, named: bool = True
) -> dict[str, Any]:
    return {
        "title": word,
        "examples": [example],
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
    "description": "What was made or received, in one of three kinds.",
    "oneOf": [
        _kind(
            "booking",
            "order",
            "The works order's number.",
            _MADE,
            {"order": "W-1001", "good": "38", "scrap": "2", "key": "press-7/4711"},
            named=False,
        ),
        _kind(
            "receipt",
            "order",
            "The purchase order's number.",
            {
                "line": {"type": "integer", "description": "The order's line; may be left out where it has one only."},
                "accepted": {**_QUANTITY, "description": "In the order's unit."},
                "rejected": {**_QUANTITY, "description": "They used their components too."},
            },
            {"kind": "receipt", "order": "P-207", "accepted": "18", "rejected": "2", "key": "gate-2/88"},
        ),
        _kind(
            "production",
            "item",
            "The item's code: a kit or a manufactured item.",
            _MADE,
            {"kind": "production", "item": "PACK", "good": "5", "key": "cell-3/12"},
        ),
    ],
}
COMPONENTS: Final[Mapping[str, Any]] = {"Booking": BOOKING}
"""What the description has beyond what is answered."""
_BOOKING: Final = {"$ref": "#/components/schemas/Booking"}
JSON: Final = "application/json"
JSON_LINES: Final = "application/x-ndjson"
KEY_HEADER: Final[Mapping[str, Any]] = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "maxLength": 150},
    "description": "The key of a booking that has none itself; of a stream its name, from which each line gets one.",
}
ONE_BOOKING: Final[dict[str, Any]] = {
    "parameters": [KEY_HEADER],
    "requestBody": {"required": True, "content": {JSON: {"schema": _BOOKING}}},
}
MANY_BOOKINGS: Final[dict[str, Any]] = {
    "parameters": [KEY_HEADER],
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": {"type": "array", "items": _BOOKING}},
            JSON_LINES: {"schema": {"type": "string", "description": "A Booking a line."}},
        },
    },
    "responses": {200: {"description": "An outcome a line.", "content": {JSON_LINES: {"schema": {"type": "string"}}}}},
}
