"""The kinds of findings of the set-up check. A kind has a severity and a heading; a finding names its subject and a
remedy."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from backflush.core.sentences import Sentence


class Severity(StrEnum):
    """The consequence of a finding if nothing is done, the most severe first."""

    REFUSED = "refused"
    """A booking, receipt, issue, return, release or count will be refused."""
    UNRESOLVED = "unresolved"
    """Bookings go through, but each leaves some use unresolved."""
    NOTICE = "notice"
    """Nothing is refused or waits; use is assumed differently than one may expect, or not at all."""


class About(StrEnum):
    """The kinds of things that a finding can concern."""

    ACTION = "action"
    TYPE_CODE = "type code"
    LOCATION = "location"
    UNIT = "unit"
    ITEM = "item"
    SITE = "site"
    PURCHASE_ORDER = "purchase order"


Named = tuple[About, str]
"""A kind of thing, and the code or name of this one."""


@dataclass(frozen=True, slots=True)
class FindingKind:
    """One kind of finding."""

    severity: Severity
    heading: str


@dataclass(frozen=True, slots=True)
class SetupFinding:
    """One problem in the set-up: what it concerns, a sentence, and a remedy.

    `about` lists every thing that it concerns, so that the finding is shown on the page of each.
    """

    code: str
    severity: Severity
    subject: str
    sentence: Sentence
    remedy: Sentence
    about: tuple["Named", ...] = ()


KINDS: Final = {
    "not_set_up": FindingKind(Severity.REFUSED, "Sites that aren't set up yet"),
    "no_rule": FindingKind(Severity.REFUSED, "Actions without a rule at the site"),
    "no_receive_action": FindingKind(Severity.REFUSED, "Purchase orders without a receive action"),
    "no_adjustment_place": FindingKind(Severity.REFUSED, "Sites without an adjustment place for counts"),
    "no_completion_action": FindingKind(
        Severity.REFUSED, "Manufactured items whose type code has no completion action"
    ),
    "no_conversion": FindingKind(Severity.REFUSED, "Missing unit conversions"),
    "structure_loop": FindingKind(Severity.REFUSED, "Items that contain themselves"),
    "structure_too_large": FindingKind(Severity.REFUSED, "Structures with too many lines"),
    "fixed_on_phantom": FindingKind(Severity.REFUSED, "Fixed quantities on phantom lines"),
    "same_location": FindingKind(Severity.REFUSED, "Lines whose from-location is the backflush's to-location"),
    "batch_tracked": FindingKind(Severity.UNRESOLVED, "Batch-tracked components that are backflushed"),
    "serial_tracked": FindingKind(Severity.UNRESOLVED, "Serial-tracked components that are backflushed"),
    "bin_controlled": FindingKind(Severity.UNRESOLVED, "Backflush from or to bin-controlled locations"),
    "no_stock_record": FindingKind(Severity.UNRESOLVED, "Components that were never in stock at their from-location"),
    "no_balance": FindingKind(Severity.NOTICE, "Backflush from locations without balances"),
    "no_backflush_action": FindingKind(Severity.NOTICE, "Sub-contracted items without a backflush action"),
    "no_structure": FindingKind(Severity.NOTICE, "Backflushed items without a structure in force"),
    "empty_phantom": FindingKind(Severity.NOTICE, "Phantoms without a line in force"),
    "obsolete_component": FindingKind(Severity.NOTICE, "Obsolete components in current structures"),
}
"""The kinds by code, in display order."""


def found(code: str, subject: str, sentence: Sentence, remedy: Sentence, *about: Named) -> SetupFinding:
    """Return a finding of a kind."""
    return SetupFinding(code, KINDS[code].severity, subject, sentence, remedy, about)
