"""What to do about a refusal, by its code: for those who write a program before it has met one."""

from typing import Final

from backflush.api.errors import (
    Failed,
    NoSuchMethod,
    NotSignedIn,
    TooLarge,
    TooManyTries,
    WrongType,
)
from backflush.core import refusals
from backflush.core.refusals import Refusal

REMEDIES: Final[dict[type[Refusal], str]] = {
    refusals.InvalidValue: "Correct the field that is named; the sentence shows how it is written.",
    refusals.InvalidQuantity: "Send a quantity above zero that fits the item's decimals.",
    refusals.QuantityTooLarge: "Send a smaller quantity.",
    refusals.NotFound: "Correct the site, the order or the item. In an address the status is 404.",
    refusals.OrderNotOpen: "Release or reopen the order, or book on another.",
    refusals.WrongClass: "Book an item of this class on an order.",
    refusals.BatchRequired: "Send the batch of the goods.",
    refusals.SerialsRequired: "Send as many serial numbers as there are good pieces.",
    refusals.BinRequired: "Send the bin that the goods go to.",
    refusals.SerialInStock: "Correct the serial number: a piece is in one place only.",
    refusals.InsufficientStock: "Correct the quantity, or move stock to where it is taken from.",
    refusals.DateInFuture: "Correct the time, or the machine's clock.",
    refusals.PeriodClosed: "Send a later time, or ask a controller to reopen the period.",
    refusals.KeyReused: "Give this booking a key of its own, or send the first one again unchanged.",
    refusals.Archived: "It was posted long ago and is in an archive. Send nothing again.",
    refusals.NoConversion: "Ask an engineer to add the conversion.",
    refusals.NoCompletionAction: "Ask an engineer to give the type code a completion action.",
    refusals.NoReceiveAction: "Ask an engineer to name a receive action.",
    refusals.NoRule: "Ask an engineer to give the action a rule at this site.",
    refusals.SameLocation: "Ask an engineer to give the structure line another from-location.",
    refusals.Ended: "Name one that is in use.",
    refusals.FixedOnPhantom: "Ask an engineer to correct the structure.",
    refusals.StructureTooLarge: "Ask an engineer to divide the structure.",
    refusals.NotAllowed: "Ask an administrator for a role that may do this.",
    NotSignedIn: "Send a token that is in use.",
    TooManyTries: "Correct the token, and wait a few minutes.",
    TooLarge: "Send it in parts.",
    WrongType: "Say in Content-Type what the body is.",
    NoSuchMethod: "Use a method that Allow names.",
    Failed: "Try again later under the same key; tell the reference to whoever looks after Backflush.",
}
"""What may come of a request; whatever else a refusal says, its sentence says what to do."""
