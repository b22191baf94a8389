"""A remedy for each refusal code, for people who write a program and haven't met the refusal yet."""

from typing import Any, Final

from backflush.api.errors import (
    NoSuchMethod,
    NotSignedIn,
    TooLarge,
    TooManyTries,
    WrongType,
)
from backflush.core import refusals
from backflush.core.failures import Failed
from backflush.core.refusals import Refusal
from backflush.delivery.refusals import status_of

REMEDIES: Final[dict[type[Refusal], str]] = {
    refusals.InvalidValue: "Correct the named field; the sentence shows the format.",
    refusals.InvalidQuantity: "Send a quantity above zero that fits the item's decimals.",
    refusals.QuantityTooLarge: "Send a smaller quantity.",
    refusals.NotFound: "Correct the site, order or item. If it is part of the address, the status is 404.",
    refusals.OrderNotOpen: "Release or reopen the order, or book on another.",
    refusals.WrongClass: "Book an item of this class on an order.",
    refusals.BatchRequired: "Send the batch of the goods.",
    refusals.SerialsRequired: "Send one serial number for each good piece.",
    refusals.BinRequired: "Send the bin for the goods.",
    refusals.SerialInStock: "Correct the serial number: a piece is in one place only.",
    refusals.InsufficientStock: "Correct the quantity, or move stock to the from-location first.",
    refusals.DateInFuture: "Correct the time, or set the machine's clock.",
    refusals.PeriodClosed: "Send a later time, or ask a controller to reopen the period.",
    refusals.KeyReused: "Use a new key for this booking, or send the first one again unchanged.",
    refusals.Archived: "The booking was posted and has been archived. Don't send it again.",
    refusals.NoConversion: "Ask an engineer to add the conversion.",
    refusals.NoCompletionAction: "Ask an engineer to give the type code a completion action.",
    refusals.NoReceiveAction: "Ask an engineer to set a receive action.",
    refusals.NoRule: "Ask an engineer to add a rule for the action at this site.",
    refusals.SameLocation: "Ask an engineer to give the structure line another from-location.",
    refusals.Ended: "Use one that is active.",
    refusals.FixedOnPhantom: "Ask an engineer to correct the structure.",
    refusals.StructureTooDeep: "Ask an engineer to take levels out of the structure.",
    refusals.StructureTooLarge: "Ask an engineer to make some of the phantoms stocked items.",
    refusals.NotAllowed: "Ask an administrator for a role with this right.",
    NotSignedIn: "Send a token that isn't revoked.",
    TooManyTries: "Correct the token, and wait a few minutes.",
    TooLarge: "Send the bookings in several requests.",
    WrongType: "Set Content-Type to the type of the body.",
    NoSuchMethod: "Use a method that the Allow header lists.",
    refusals.DatabaseUnreachable: "Send it again under the same key, after as many seconds as Retry-After says.",
    Failed: "Try again later under the same key; give the reference to your administrator.",
}
"""The refusals that are worth naming. The sentence of any other refusal contains its remedy."""


def refusals_described() -> list[dict[str, Any]]:
    """Return the refusals for the description of the API: code, status, meaning and remedy."""
    return [
        {
            "code": kind.code,
            "status": int(status_of(kind("", field="any"))),
            "meaning": _meaning(kind),
            "remedy": remedy,
        }
        for kind, remedy in sorted(REMEDIES.items(), key=lambda one: one[0].code)
    ]


def _meaning(kind: type[Refusal]) -> str:
    return " ".join((kind.__doc__ or "").split()).split(" (")[0].rstrip(".") + "."
