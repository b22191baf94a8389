"""The kinds of reports that are booked: what a report says, and what a room reads and locks to book it.

`works` and `subcontract` each declare their kinds: a `Report`, and a `ReportKind` that finds the `Subjects` which the
reports name (works orders, purchase order lines, items). `backflushing.booking` books them, whatever their kind.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any, Generic, Self, TypeVar

from backflush.core.moves import Process
from backflush.core.refusals import Refusal
from backflush.items.models import Item
from backflush.ledger.idempotency import Request
from backflush.ledger.models import CostObject
from backflush.people.models import User
from backflush.stockmap.models import Action, Location, Site, TransferRule
from backflush.structures.models import FrozenLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(ABC):
    """A report of what was made or received: when, under which key, and where the goods are kept.

    The batch, serial numbers or bin of the goods are needed where the item or its location requires them (B8).
    """

    at: datetime | date | None = None
    key: str = ""
    batch: str = ""
    serials: Sequence[str] = ()
    bin: str = ""

    @property
    @abstractmethod
    def of(self) -> str:
        """The number of the order, or the code of the item, that the report names."""

    @abstractmethod
    def request(self) -> Request:
        """Return the content by which a repeated report is recognised."""


R = TypeVar("R", bound=Report)


class LockOrder(IntEnum):
    """The order in which a transaction locks the subjects of its reports, kind by kind (docs/decisions/0003)."""

    WORKS_ORDERS = 1
    PURCHASE_ORDERS = 2
    NO_ORDERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What one report is booked on, with everything about it that a booking needs.

    `good` and `scrap` (accepted and rejected for a receipt) are the reported amounts, in a unit of which one is
    `factor` stock units; `amount_fields` are the names that refusals use for them. `goods_action` brings the good ones
    into stock. The use is assumed from the structure `structure_id`, or from that of the day where it is None.
    `refusals` say why nothing can be booked on the subject, whatever the amounts.
    """

    item: Item
    process: Process
    good: Decimal
    scrap: Decimal
    amount_fields: tuple[str, str] = ("good", "scrap")
    scrap_reason: str = ""
    factor: Fraction
    goods_action: Action | None
    structure_id: int | None = None
    supplier_stock: Location | None = None
    cost_object: CostObject | None = None
    refusals: Sequence[Refusal] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBooking:
    """A report that passed every check, with what its posting needs.

    `good_stock` and `produced` (good and scrap together) are in the stock unit. Without a `backflush_rule` nothing is
    assumed (B3). `structure_id` is None until the structure of the day is frozen. `draft_lines` are the lines of a
    structure that isn't written, for previews.
    """

    report: Report
    subject: Subject
    at: datetime
    good_stock: Decimal
    produced: Decimal
    goods_rule: TransferRule
    backflush_rule: TransferRule | None
    structure_id: int | None
    draft_lines: Sequence[FrozenLine] = ()
    key_id: int | None = None


class Subjects(ABC, Generic[R]):
    """The subjects that some reports of one kind name, read by a fixed number of statements.

    `found` are the orders or items that exist, by the name that reports use (`Report.of`); `rules` the transfer rules
    that bookings on them need, by the number of their action.
    """

    site: Site
    found: Mapping[str, Any]
    rules: Mapping[int, TransferRule]

    @abstractmethod
    def subject(self, report: R) -> Subject:
        """Return what a report is booked on; refused where it doesn't exist (`NotFound`, `Archived`)."""

    def count(self, report: R) -> None:
        """Count a planned report for the plans of those after it, before any of them is posted."""
        return

    def count_from(self, before: Self) -> None:
        """Go on counting from subjects of the same kind whose reports came `before` these."""
        return

    def note_booked(self, by: User) -> None:
        """Record on the subjects that their reports are posted."""
        return


class ReportKind(ABC, Generic[R]):
    """One kind of report, as its room declares it."""

    report: type[R]
    lock_order: LockOrder
    may_complete: bool = False
    """Whether a report of this kind has a field that may be left out and is filled in (`completed`)."""

    def completed(self, reports: Sequence[R], site: Site) -> Sequence[R | Refusal]:
        """Return reports with omitted fields filled in, so that a repeated report is the same however it was sent."""
        return reports

    @abstractmethod
    def subjects(self, reports: Sequence[R], *, site: Site, lock: bool) -> Subjects[R]:
        """Return the subjects of some reports; where they are to be locked, refuse any that doesn't exist."""


ReportKinds = Sequence[ReportKind[Any]]
SubjectsByKind = Mapping[type[Report], Subjects[Any]]
