"""The schemas of requests and responses. Quantities are strings, because JSON numbers are inexact."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from ninja import Field, Schema

from backflush.backflushing.report_kinds import ReportKind
from backflush.booking_kinds import KINDS
from backflush.delivery.payloads import JSON, JSON_LINES
from backflush.streams.operations import OPERATIONS, RENAMED, StreamOperation


class RefusalOut(Schema):
    """The reason why a request was refused. Nothing was changed."""

    code: str = Field(description="A code for programs; all codes are listed under Refusals.")
    field: str = Field(description="The field that is wrong, or empty.")
    sentence: str = Field(description="The fault and its remedy, for people.")
    params: dict[str, Any] = Field(description="The values in the sentence, by name.")
    details: list[str] = Field(description="Further faults, one sentence each.")


class WaitingOut(Schema):
    """A component of a booking that could not be posted and is unresolved."""

    movement: int
    item: str
    due: str = Field(description="The quantity due, in the stock unit.")
    reason: str = Field(description="short, batch, serial or bin.")


class BookingOut(Schema):
    """A booking that was posted now, or earlier under the same key."""

    outcome: Literal["booked", "repeated"]
    kind: str = Field(description=f"One of {', '.join(kind.word for kind in KINDS)}.")
    order: str = Field("", description="The works or purchase order, if there is one.")
    item: str = Field("", description="The item produced, if there is no order.")
    key: str | None
    posting: int = Field(description="The posting number.")
    unresolved: list[WaitingOut] = Field(description="The components that could not be posted.")
    fits_now: list[int] = Field(
        description=(
            "Earlier unresolved movements that fit now because of this stock, for actions that propose a retry."
        )
    )


class PreviewLineOut(Schema):
    """One component: the quantity that would be assumed, the stock available, and the part that would be unresolved."""

    path: str = Field(description="The line number, after those of the phantoms above it.")
    component: str
    unit: str
    source: str = Field(description="The from-location.")
    assumed: str
    there: str | None = Field(description="The stock available; null if the location keeps no balances.")
    moves: str
    waits: str
    reason: str | None = Field(description="Why it would be unresolved: short, batch, serial or bin.")


class PreviewOut(Schema):
    """The result of a preview."""

    lines: list[PreviewLineOut]
    largest: str | None = Field(description="The largest good quantity without a shortage; null if there is no limit.")


class OrderOut(Schema):
    """A works order."""

    number: str
    item: str
    status: str
    quantity: str = Field(description="The quantity ordered. Good and scrap are in the same unit.")
    unit: str
    good: str
    scrap: str
    start_date: str
    due_date: str | None
    remarks: str


class UnresolvedOut(Schema):
    """An unresolved movement, with its source and target."""

    movement: int
    posting: int
    at: str
    order: str | None
    item: str
    unit: str
    due: str = Field(description="The quantity due, in the stock unit.")
    reason: str = Field(description="short, batch, serial or bin.")
    source: str
    target: str


class UnresolvedPage(Schema):
    """A page of unresolved movements, oldest first."""

    lines: list[UnresolvedOut]
    after: str = Field(description="The value of `after` for the next page; empty on the last page.")


def _booking_schema(kind: ReportKind[Any]) -> dict[str, Any]:
    """Return the JSON schema of a kind of booking, from its declaration. The first kind is the default."""
    schema, subject = kind.inputs.schema(), kind.inputs.subject.name
    named = kind is not KINDS[0]
    return {
        "title": kind.word,
        "description": kind.about,
        "examples": [{"kind": kind.word, **kind.example} if named else dict(kind.example)],
        **schema,
        "required": ["kind", subject] if named else [subject],
        "properties": {"kind": {"const": kind.word}, **schema["properties"]},
    }


def _operation_schema(operation: type[StreamOperation]) -> dict[str, Any]:
    """Return the JSON schema of another operation of a stream, with the fields as its lines name them."""
    schema = operation.inputs().schema()
    written = {attribute: field for field, attribute in RENAMED.items()}
    properties = {written.get(name, name): one for name, one in schema["properties"].items()}
    return {
        "title": operation.word,
        "description": (operation.__doc__ or "").partition("\n")[0],
        **schema,
        "required": ["kind", *(written.get(name, name) for name in schema.get("required", ()))],
        "properties": {"kind": {"const": operation.word}, **properties},
    }


BOOKING: Final[Mapping[str, Any]] = {
    "description": "A booking of one of several kinds.",
    "oneOf": [_booking_schema(kind) for kind in KINDS],
}
OPERATION: Final[Mapping[str, Any]] = {
    "description": "An operation of a stream that isn't a booking.",
    "oneOf": [_operation_schema(operation) for operation in OPERATIONS.values()],
}
_BOOKING: Final = {"$ref": "#/components/schemas/Booking"}
_OPERATION: Final = {"$ref": "#/components/schemas/StreamOperation"}
LINE: Final[Mapping[str, Any]] = {
    "description": "A line of a stream: a booking, or another operation.",
    "oneOf": [_BOOKING, _OPERATION],
}
COMPONENTS: Final[Mapping[str, Any]] = {"Booking": BOOKING, "StreamOperation": OPERATION, "Line": LINE}
"""Schemas of requests, which the framework doesn't know."""
KEY_HEADER: Final[Mapping[str, Any]] = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "maxLength": 150},
    "description": (
        "The key of a booking that has no key field. For a stream, its name: each line gets a key "
        "from the name and its number."
    ),
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
            JSON: {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}}},
            JSON_LINES: {"schema": {"type": "string", "description": "One Line per line."}},
        },
    },
    "responses": {
        200: {"description": "One result per line.", "content": {JSON_LINES: {"schema": {"type": "string"}}}}
    },
}
