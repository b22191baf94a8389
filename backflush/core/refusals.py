"""Domain errors: each says what is wrong, where, and what to do about it.

    Refusal
    ├── Invalid
    │   ├── InvalidQuantity, QuantityTooLarge
    │   ├── NoConversion, ConversionsDisagree
    │   ├── StructureLoop, OverlappingLines, DuplicateLine, FixedOnPhantom, StructureTooLarge,
    │   │   StructureTooDeep
    │   ├── WrongClass, ObsoleteItem, InUse, Ended
    │   ├── TooManyRules, NoRule, NoSuchRule, SameLocation, DuplicateRule, WrongActionType, NoCompletionAction,
    │   │   NoIssueAction, NoReturnAction, NoReceiveAction
    │   ├── InsufficientStock, SerialInStock, MoreThanIssued, BatchRequired, SerialsRequired, BinRequired,
    │   │   NotABalanceLocation, NoAdjustmentPlace, WrongSite
    │   ├── NotReversible, RemarksRequired, ReasonRequired, NotThereYet
    │   ├── PeriodClosed, UnresolvedInPeriod, DateInFuture, DateBeforeOriginal, InvalidDates
    │   ├── NotLookedAt, NotWorkedOut
    │   └── InvalidValue
    ├── Conflict
    │   ├── OrderNotNew, OrderNotReleased, OrderNotOpen, OrderNotComplete, OrderHasBookings
    │   ├── AlreadyReversed, NotUnresolved, CountNotOpen, AlreadyCounted, SheetNotOpen, SheetNotFinished
    │   ├── SettledSince, KeyReused
    │   └── AlreadyThere, AuditSigned, ChangedMeanwhile
    ├── NotFound
    │   └── Archived
    ├── Forbidden
    │   └── NotAllowed
    └── Unavailable
        └── DatabaseUnreachable, NoPlant, UpgradeNeeded

A refusal changes nothing at all. It has a `code` for programs, the `field` that it is about, and a sentence that a
person can act on. The sentence is a template with parameters (`core/sentences.py`), so pages can translate it and
programs can read the values. A refusal about several lines has one sentence for each (`details`).

The five families decide the status: `delivery/refusals.py` maps them to 422, 409, 404, 403 and 503. Catch a family
where the reaction is the same for all of it:

    try:
        order = order_numbered(site, number)
    except NotFound as refusal:
        ...

A broken invariant *inside* the program is an assertion, not a refusal.
"""

from collections.abc import Mapping, Sequence
from typing import Self

from backflush.core.sentences import Sentence


class Refusal(Exception):
    """A request that can't be carried out, with the reason. Nothing has been changed."""

    code = "refused"

    def __init__(self, template: str, /, *, field: str = "", details: Sequence[str] = (), **params: object) -> None:
        """Make the sentence from a template and its parameters.

        `field` is the name of the wrong field, or empty. `details` are further sentences, one for each further line.
        The parameters can't be named `code`, `field`, `details` or `remedy`.
        """
        self.sentence = Sentence(template, **params)
        self.field = field
        self.details = tuple(details)
        super().__init__(" ".join((self.sentence, *self.details)))

    @classmethod
    def of(cls, sentence: Sentence, *, field: str = "", details: Sequence[str] = ()) -> Self:
        """Return a refusal with an existing sentence, and further sentences for further lines."""
        return cls(sentence.template, field=field, details=details, **sentence.params)

    @property
    def template(self) -> str:
        """The sentence with `{places}` for its parameters: the message id of its translation."""
        return self.sentence.template

    @property
    def params(self) -> Mapping[str, object]:
        """The values in the sentence, by name."""
        return self.sentence.params


class Invalid(Refusal):
    """The request itself is wrong: a value, a unit, a date, or the set-up that it would use (422)."""

    code = "invalid"


class InvalidQuantity(Invalid):
    """The quantity isn't positive, or the item's decimals can't hold it (Q5)."""

    code = "invalid_quantity"


class QuantityTooLarge(Invalid):
    """The quantity is larger than the database can hold."""

    code = "quantity_too_large"


class NoConversion(Invalid):
    """There is no conversion between the two units (Q4)."""

    code = "no_conversion"


class ConversionsDisagree(Invalid):
    """Two conversions contradict each other (Q4)."""

    code = "conversions_disagree"


class StructureLoop(Invalid):
    """The item would contain itself (S5)."""

    code = "structure_loop"


class OverlappingLines(Invalid):
    """Two versions of a structure line are in force on the same day."""

    code = "overlapping_lines"


class DuplicateLine(Invalid):
    """Two lines of an order's own structure have the same number."""

    code = "duplicate_line"


class FixedOnPhantom(Invalid):
    """A phantom line has a fixed quantity; a phantom itself is never taken from stock (S6)."""

    code = "fixed_on_phantom"


class StructureTooLarge(Invalid):
    """The phantoms expand to more lines than the limit."""

    code = "structure_too_large"


class StructureTooDeep(Invalid):
    """The structure would have more levels than the limit (S8)."""

    code = "structure_too_deep"


class WrongClass(Invalid):
    """The item's component class doesn't allow this (W)."""

    code = "wrong_class"


class ObsoleteItem(Invalid):
    """The item is past its obsolete date (W)."""

    code = "obsolete_item"


class InUse(Invalid):
    """The value is in use, so it can't change or be deactivated."""

    code = "in_use"


class Ended(Invalid):
    """The thing named is deactivated: old records keep it, new ones can't use it."""

    code = "ended"


class TooManyRules(Invalid):
    """The action's type takes one rule per site (A2)."""

    code = "too_many_rules"


class NoRule(Invalid):
    """The action has no transfer rule at the site, so it is inactive (A2)."""

    code = "no_rule"


class NoSuchRule(Invalid):
    """The action has no rule from this source to this target (A3)."""

    code = "no_such_rule"


class SameLocation(Invalid):
    """Source and target are the same location (A2)."""

    code = "same_location"


class DuplicateRule(Invalid):
    """The action has this rule already (A2)."""

    code = "duplicate_rule"


class WrongActionType(Invalid):
    """The action isn't of the required type (A4)."""

    code = "wrong_action_type"


class NoCompletionAction(Invalid):
    """The type code has no completion action (B1)."""

    code = "no_completion_action"


class NoIssueAction(Invalid):
    """The type code has no issue action (B4)."""

    code = "no_issue_action"


class NoReturnAction(Invalid):
    """The type code has no return action (B4)."""

    code = "no_return_action"


class NoReceiveAction(Invalid):
    """Neither the order nor the site has a receive action (R5)."""

    code = "no_receive_action"


class InsufficientStock(Invalid):
    """There is not enough stock."""

    code = "insufficient_stock"


class SerialInStock(Invalid):
    """The serial number is in stock already."""

    code = "serial_in_stock"


class MoreThanIssued(Invalid):
    """The return is larger than what was issued to the order (B4)."""

    code = "more_than_issued"


class BatchRequired(Invalid):
    """The batch is missing (T2, B8)."""

    code = "batch_required"


class SerialsRequired(Invalid):
    """The number of serial numbers differs from the quantity (T3, B8)."""

    code = "serials_required"


class BinRequired(Invalid):
    """The bin is missing (T2, B8)."""

    code = "bin_required"


class NotABalanceLocation(Invalid):
    """The location keeps no balances, so it holds no stock (U3)."""

    code = "not_a_balance_location"


class NoAdjustmentPlace(Invalid):
    """The site names no adjustment place for the differences of counts (H5)."""

    code = "no_adjustment_place"


class WrongSite(Invalid):
    """The stock transfer is for another site, or source and target are the same site."""

    code = "wrong_site"


class NotReversible(Invalid):
    """Postings of this kind can't be reversed, or not this way (V3)."""

    code = "not_reversible"


class RemarksRequired(Invalid):
    """The reason is missing (U6)."""

    code = "remarks_required"


class ReasonRequired(Invalid):
    """The entry is unusual, so a reason must be given (X5)."""

    code = "reason_required"


class NotThereYet(Invalid):
    """The batch, serial number or bin was not at the place before the event (X5)."""

    code = "not_there_yet"


class PeriodClosed(Invalid):
    """The event is in a closed period (P)."""

    code = "period_closed"


class UnresolvedInPeriod(Invalid):
    """The period has more unresolved movements than the user has seen (P)."""

    code = "unresolved_in_period"


class DateInFuture(Invalid):
    """The event is in the future (B9)."""

    code = "date_in_future"


class DateBeforeOriginal(Invalid):
    """A reversal or settlement is dated before its original (V4)."""

    code = "date_before_original"


class InvalidDates(Invalid):
    """The end is before the start."""

    code = "invalid_dates"


class NotLookedAt(Invalid):
    """A check hasn't been reviewed, so the audit can't be signed off."""

    code = "not_looked_at"


class NotWorkedOut(Invalid):
    """The check hasn't been computed yet."""

    code = "not_worked_out"


class InvalidValue(Invalid):
    """The value can't be read, or isn't one of the choices."""

    code = "invalid_value"


class Conflict(Refusal):
    """The request is right, but the thing has changed, or it was done before (409)."""

    code = "conflict"


class OrderNotNew(Conflict):
    """The order's status is past *new* (W)."""

    code = "order_not_new"


class OrderNotReleased(Conflict):
    """The order isn't *released* with nothing booked (W)."""

    code = "order_not_released"


class OrderNotOpen(Conflict):
    """The order takes no bookings in its status (W)."""

    code = "order_not_open"


class OrderNotComplete(Conflict):
    """The order isn't complete (W)."""

    code = "order_not_complete"


class OrderHasBookings(Conflict):
    """Something was posted to the order already (W)."""

    code = "order_has_bookings"


class AlreadyReversed(Conflict):
    """The posting was reversed before (V1)."""

    code = "already_reversed"


class NotUnresolved(Conflict):
    """The movement is no longer unresolved (U3)."""

    code = "not_unresolved"


class CountNotOpen(Conflict):
    """The count is posted, replaced or rejected already (H5)."""

    code = "count_not_open"


class AlreadyCounted(Conflict):
    """The line of a count sheet has been counted."""

    code = "already_counted"


class SheetNotOpen(Conflict):
    """The count sheet is closed or cancelled."""

    code = "sheet_not_open"


class SheetNotFinished(Conflict):
    """Counts of the sheet still wait for a recount or an approval."""

    code = "sheet_not_finished"


class SettledSince(Conflict):
    """The kept remainder has been settled since; undo that first (V3)."""

    code = "settled_since"


class KeyReused(Conflict):
    """The idempotency key was used for another request (I)."""

    code = "key_reused"


class AlreadyThere(Conflict):
    """There is one already, with other content."""

    code = "already_there"


class AuditSigned(Conflict):
    """The audit is signed off and can't change any more."""

    code = "audit_signed"


class ChangedMeanwhile(Conflict):
    """Another user changed the data that was about to be archived."""

    code = "changed_meanwhile"


class NotFound(Refusal):
    """There is no such thing (404)."""

    code = "not_found"


class Archived(NotFound):
    """The record is in an archive file and no longer in the database."""

    code = "archived"

    def __init__(
        self,
        template: str,
        /,
        *,
        field: str = "",
        details: Sequence[str] = (),
        archives: Sequence[int] = (),
        **params: object,
    ) -> None:
        """Add `archives`, the numbers of the archives that hold the record."""
        super().__init__(template, field=field, details=details, **params)
        self.archives = tuple(archives)


class Forbidden(Refusal):
    """The user may not do this (403)."""

    code = "forbidden"


class NotAllowed(Forbidden):
    """The user's roles at the site don't include the right."""

    code = "not_allowed"


class Unavailable(Refusal):
    """The database can't be used as it is (503)."""

    code = "unavailable"


class DatabaseUnreachable(Unavailable):
    """The database doesn't answer, or refuses the connection."""

    code = "database_unreachable"


class NoPlant(Unavailable):
    """The database is empty: nothing has been set up."""

    code = "no_plant"


class UpgradeNeeded(Unavailable):
    """Another version of Backflush made the database or the file."""

    code = "upgrade_needed"
