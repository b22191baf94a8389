"""What the API says and is told, for its description. Quantities are text, because JSON's numbers are inexact."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from ninja import Field, Schema

from backflush.backflushing.report_kinds import ReportKind
from backflush.booking_kinds import KINDS


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
    kind: str = Field(description=f"One of {', '.join(kind.word for kind in KINDS)}.")
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


def _booking_schema(kind: ReportKind[Any]) -> dict[str, Any]:
    """Return the JSON schema of a kind of booking, from its declaration. Without a kind the first is meant."""
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


BOOKING: Final[Mapping[str, Any]] = {
    "description": "What was made or received, in one of several kinds.",
    "oneOf": [_booking_schema(kind) for kind in KINDS],
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
