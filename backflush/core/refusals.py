"""Every way to say no.

    Refusal
    ├── InvalidQuantity, QuantityTooLarge            the number itself
    ├── NoConversion, ConversionsDisagree            units
    ├── StructureLoop, OverlappingLines, DuplicateLine, FixedOnPhantom, StructureTooLarge
    ├── WrongClass, ObsoleteItem, InUse, Ended       items and the set-up
    ├── TooManyRules, NoRule, NoSuchRule, SameLocation, DuplicateRule, WrongActionType
    ├── NoCompletionAction, NoIssueAction, NoReturnAction, NoReceiveAction
    ├── OrderNotNew, OrderNotReleased, OrderNotOpen, OrderNotComplete, OrderHasBookings, MoreThanIssued
    ├── InsufficientStock, SerialInStock             stock
    ├── NotUnresolved, RemarksRequired, SettledSince
    ├── BatchRequired, SerialsRequired, BinRequired, NotABalanceLocation
    ├── AlreadyReversed, NotReversible
    ├── WrongSite                                    between sites
    ├── KeyReused
    ├── PeriodClosed, UnresolvedInPeriod, DateInFuture, DateBeforeOriginal, InvalidDates
    ├── AuditSigned, NotLookedAt, NotWorkedOut       audits
    ├── Archived, ChangedMeanwhile                   what is in a file now
    ├── NotFound, AlreadyThere, NotAllowed, InvalidValue
    └── DatabaseUnreachable, NoPlant, UpgradeNeeded  where the stock is kept

A refusal changes nothing at all. It carries a code for programs, the field that it is about, and a sentence
that a person can act on. Where several lines are concerned it speaks of every one of them (`details`). A broken
promise *inside* the program is an assertion, not a refusal.
"""

from collections.abc import Sequence


class Refusal(Exception):
    """Something that was asked can't be done as it stands."""

    code = "refused"

    def __init__(self, sentence: str, *, field: str = "", details: Sequence[str] = ()) -> None:
        self.sentence = sentence
        self.field = field
        self.details = tuple(details)
        super().__init__(" ".join((sentence, *self.details)))


class InvalidQuantity(Refusal):
    """A quantity isn't positive, or doesn't fit the item's decimals (Q5)."""

    code = "invalid_quantity"


class QuantityTooLarge(Refusal):
    """A quantity is beyond what stock can be counted in."""

    code = "quantity_too_large"


class NoConversion(Refusal):
    """There is no way from one unit to the other (Q4)."""

    code = "no_conversion"


class ConversionsDisagree(Refusal):
    """Two conversions say different things about the same units (Q4)."""

    code = "conversions_disagree"


class StructureLoop(Refusal):
    """An item would contain itself (S5)."""

    code = "structure_loop"


class OverlappingLines(Refusal):
    """Two versions of a structure line would be in force on the same day."""

    code = "overlapping_lines"


class DuplicateLine(Refusal):
    """A line number stands twice in an order's own structure."""

    code = "duplicate_line"


class FixedOnPhantom(Refusal):
    """A phantom line can't have a fixed quantity: a phantom itself is never taken (S6)."""

    code = "fixed_on_phantom"


class StructureTooLarge(Refusal):
    """Phantoms within phantoms give more lines than anyone can check."""

    code = "structure_too_large"


class WrongClass(Refusal):
    """The item's class doesn't go with what was asked (W)."""

    code = "wrong_class"


class ObsoleteItem(Refusal):
    """The item is past its obsolete date (W)."""

    code = "obsolete_item"


class InUse(Refusal):
    """Stock has moved under the old value, so it can't change any more."""

    code = "in_use"


class Ended(Refusal):
    """It was ended: what names it stays, nothing new may."""

    code = "ended"


class TooManyRules(Refusal):
    """The action's type takes one rule per site (A2)."""

    code = "too_many_rules"


class NoRule(Refusal):
    """The action has no transfer rule here, so it is inactive (A2)."""

    code = "no_rule"


class NoSuchRule(Refusal):
    """The action has no rule from here to there (A3)."""

    code = "no_such_rule"


class SameLocation(Refusal):
    """A movement needs two different ends (A2)."""

    code = "same_location"


class DuplicateRule(Refusal):
    """The action has this rule already (A2)."""

    code = "duplicate_rule"


class WrongActionType(Refusal):
    """The action isn't of the type that this place needs (A4)."""

    code = "wrong_action_type"


class NoCompletionAction(Refusal):
    """The type code has no completion action (B1)."""

    code = "no_completion_action"


class NoIssueAction(Refusal):
    """The type code has no issue action (B4)."""

    code = "no_issue_action"


class NoReturnAction(Refusal):
    """The type code has no return action (B4)."""

    code = "no_return_action"


class NoReceiveAction(Refusal):
    """Neither the order nor the site names a receive action (R5)."""

    code = "no_receive_action"


class OrderNotNew(Refusal):
    """The order is past being new (W)."""

    code = "order_not_new"


class OrderNotReleased(Refusal):
    """The order isn't released with nothing booked (W)."""

    code = "order_not_released"


class OrderNotOpen(Refusal):
    """The order takes no bookings in its status (W)."""

    code = "order_not_open"


class OrderNotComplete(Refusal):
    """The order isn't complete (W)."""

    code = "order_not_complete"


class OrderHasBookings(Refusal):
    """Something was posted to the order already (W)."""

    code = "order_has_bookings"


class MoreThanIssued(Refusal):
    """More would go back than the order has had (B4)."""

    code = "more_than_issued"


class InsufficientStock(Refusal):
    """The stock isn't there."""

    code = "insufficient_stock"


class SerialInStock(Refusal):
    """The serial number is in stock already."""

    code = "serial_in_stock"


class NotUnresolved(Refusal):
    """The movement is no longer unresolved (U3)."""

    code = "not_unresolved"


class RemarksRequired(Refusal):
    """A cancellation says why (U6)."""

    code = "remarks_required"


class SettledSince(Refusal):
    """What was kept back has been settled since; undo that first (V3)."""

    code = "settled_since"


class BatchRequired(Refusal):
    """The batch must be named (T2, B8)."""

    code = "batch_required"


class SerialsRequired(Refusal):
    """The serial numbers must be named, as many as the quantity (T3, B8)."""

    code = "serials_required"


class BinRequired(Refusal):
    """The bin must be named (T2, B8)."""

    code = "bin_required"


class NotABalanceLocation(Refusal):
    """Stock is only at locations that keep balances (U3)."""

    code = "not_a_balance_location"


class AlreadyReversed(Refusal):
    """It was reversed before (V1)."""

    code = "already_reversed"


class NotReversible(Refusal):
    """This kind of posting has a reversal of its own, or none (V3)."""

    code = "not_reversible"


class WrongSite(Refusal):
    """Stock on the way is for another site, or would go to where it is."""

    code = "wrong_site"


class KeyReused(Refusal):
    """The key was used for something else (I)."""

    code = "key_reused"


class PeriodClosed(Refusal):
    """The event lies in a closed period (P)."""

    code = "period_closed"


class UnresolvedInPeriod(Refusal):
    """More waits in the period than whoever would close it knows of (P)."""

    code = "unresolved_in_period"


class DateInFuture(Refusal):
    """The event lies in the future (B9)."""

    code = "date_in_future"


class DateBeforeOriginal(Refusal):
    """A reversal or settlement can't come before what it is about (V4)."""

    code = "date_before_original"


class InvalidDates(Refusal):
    """The end comes before the start."""

    code = "invalid_dates"


class AuditSigned(Refusal):
    """The audit is signed off, and stands as it was signed."""

    code = "audit_signed"


class NotLookedAt(Refusal):
    """An audit is signed off when somebody has looked at every check."""

    code = "not_looked_at"


class NotWorkedOut(Refusal):
    """What the check finds isn't worked out yet."""

    code = "not_worked_out"


class NotFound(Refusal):
    """There is no such thing."""

    code = "not_found"


class Archived(Refusal):
    """It is in the file of an archive, no longer in the database. `archives` are the numbers of those that have it."""

    code = "archived"

    def __init__(
        self, sentence: str, *, field: str = "", details: Sequence[str] = (), archives: Sequence[int] = ()
    ) -> None:
        super().__init__(sentence, field=field, details=details)
        self.archives = tuple(archives)


class ChangedMeanwhile(Refusal):
    """Somebody worked on what was about to be put away."""

    code = "changed_meanwhile"


class AlreadyThere(Refusal):
    """There is such a thing already, with other content."""

    code = "already_there"


class NotAllowed(Refusal):
    """The person has no right to this here."""

    code = "not_allowed"


class InvalidValue(Refusal):
    """The value can't be read, or isn't one of those possible."""

    code = "invalid_value"


class DatabaseUnreachable(Refusal):
    """The database isn't there, or doesn't let us in."""

    code = "database_unreachable"


class NoPlant(Refusal):
    """Nothing was ever set up in this database."""

    code = "no_plant"


class UpgradeNeeded(Refusal):
    """The database was made by another version."""

    code = "upgrade_needed"
