"""The kinds of reports that are booked: what a report says, and what a room reads and locks to book it.

`works` and `subcontract` each declare their kinds: a `Report`, and a `ReportKind` that finds the `Subjects` which the
reports name (works orders, purchase order lines, items). `backflushing.booking` books them, whatever their kind.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Final, Generic, Self, TypeVar

from django.utils.translation import gettext_noop as marked

from backflush.backflushing.report_inputs import Inputs, KeyInput, MomentInput, ReportInput, SerialsInput, TextInput
from backflush.core.input_values import PLAIN, Dialect
from backflush.core.moves import Process
from backflush.core.refusals import Refusal
from backflush.items.models import Item
from backflush.ledger.idempotency import Request
from backflush.ledger.models import CostObject
from backflush.people.models import User
from backflush.people.rights import Verb
from backflush.stockmap.models import Action, Location, Site, TransferRule
from backflush.structures.models import FrozenLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report of what was made or received: when, under which key, and where the goods are kept.

    A kind of report adds its own attributes. Each is declared with its input, from which every door reads and shows it
    (docs/decisions/0014). The batch, serial numbers or bin of the goods are needed where the item or its location
    requires them (B8).
    """

    at: Annotated[
        datetime | date | None,
        MomentInput(
            marked("Event time"),
            marked(
                "When it happened: a date, or a date and time. Without an offset it is the site's time. Empty: now."
            ),
            column="date",
        ),
    ] = None
    key: Annotated[
        str,
        KeyInput(
            marked("Key"),
            marked("Idempotency key: a report that is sent again under the same key is posted once."),
            length=200,
        ),
    ] = ""
    batch: Annotated[
        str, TextInput(marked("Batch"), marked("The batch of the goods, for items tracked by batch."), length=60)
    ] = ""
    serials: Annotated[
        Sequence[str],
        SerialsInput(
            marked("Serial numbers"),
            marked("The serial numbers of the goods, one for each piece, for items tracked by serial number."),
        ),
    ] = ()
    bin: Annotated[
        str, TextInput(marked("Bin"), marked("The bin for the goods, at a bin-controlled location."), length=40)
    ] = ""

    units: tuple[tuple[str, str], ...] = ()
    """The units entered after quantities, by attribute. They are converted before booking (`entered_units`)."""
    in_stock_unit: bool = False
    """Whether the quantities are in the stock unit, because six decimals can't hold them in the order's (Q6)."""

    operation: ClassVar[str]
    """Identifies the kind in the content of keys."""
    keeps_details: ClassVar[bool] = False
    """Whether it has inputs whose values are kept with the booking; found when the class is declared."""

    def __init_subclass__(cls) -> None:
        declared = [one for hint in cls.__annotations__.values() for one in getattr(hint, "__metadata__", ())]
        cls.keeps_details |= any(isinstance(one, ReportInput) and one.kept for one in declared)

    @property
    def of(self) -> str:
        """The number of the order, or the code of the item, that the report names."""
        subject: str = getattr(self, inputs_of(type(self)).subject.name)
        return subject

    def request(self) -> Request:
        """Return the content by which a repeated report is recognised: all that was entered, but the key."""
        content: dict[str, Any] = {"serials": sorted(self.serials)}
        for one in inputs_of(type(self)).all:
            value = getattr(self, one.name)
            if one.name not in {"key", "serials"} and (one.name in _ALWAYS_CONTENT or value != one.default):
                content[one.name] = value
        if self.units:
            content["units"] = dict(self.units)
        if self.in_stock_unit:
            content["in_stock_unit"] = True
        return Request(self.key, self.operation, content)

    def details(self) -> dict[str, str] | None:
        """Return the values that are kept with the booking, by input; None where there are none."""
        values = {one: getattr(self, one.name) for one in inputs_of(type(self)).all if one.kept}
        return {one.name: one.as_kept(value) for one, value in values.items() if value != one.default} or None


_ALWAYS_CONTENT: Final = frozenset(
    {"accepted", "at", "batch", "bin", "good", "item", "line", "order", "rejected", "scrap", "scrap_reason"}
)
"""Inputs that were part of a key's content from the start, whether given or not. One that was added later is part of it
only where it is given, so that keys that were posted before it still match."""


_INPUTS: Final[dict[type[Report], Inputs]] = {}


def inputs_of(report: type[Report]) -> Inputs:
    """Return what may be entered in a kind of report; its declaration is read once."""
    if report not in _INPUTS:
        _INPUTS[report] = Inputs(report)
    return _INPUTS[report]


R = TypeVar("R", bound=Report)


class LockOrder(IntEnum):
    """The order in which a transaction locks the subjects of its reports, kind by kind (docs/decisions/0003).

    Kinds with the same place are booked on the same subjects.
    """

    WORKS_ORDERS = 1
    PURCHASE_ORDERS = 2
    NO_ORDERS = 3


@dataclass(slots=True, kw_only=True)
class Subject:
    """The order or item that one report is booked on, with everything that a booking needs of it.

    `good` and `scrap` (accepted and rejected for a receipt) are the reported amounts, in a unit of `factor` stock
    units, or in the stock unit itself (`in_stock_unit`); `amount_fields` are their names in refusals, and `unit_code`
    returns the code of that unit. `goods_action` moves the good quantity into stock. The use is assumed from the
    structure `structure_id`, or from that of the day if it is None. `refusals` are the reasons why nothing can be
    booked on the subject. It isn't changed; it isn't frozen either, because that takes three times as long to make.
    """

    item: Item
    process: Process
    good: Decimal
    scrap: Decimal
    amount_fields: tuple[str, str] = ("good", "scrap")
    scrap_reason: str = ""
    factor: Fraction
    unit_code: Callable[[], str]
    ordered: Decimal | None = None
    in_stock_unit: bool = False
    goods_action: Action | None
    structure_id: int | None = None
    received: bool = False
    """Whether it comes from a supplier, who provides some lines of the structure himself (S6)."""
    supplier_stock: Location | None = None
    """The stock at the supplier, from which the lines without a from-location are taken (S7)."""
    cost_object: CostObject | None = None
    refusals: Sequence[Refusal] = ()


@dataclass(slots=True, kw_only=True)
class PlannedBooking:
    """A report that passed every check, with what its posting needs.

    `good_stock`, `scrap_stock` and `produced` (both together) are in the stock unit. Without a `backflush_rule` nothing
    is assumed (B3). `structure_id` is None until the structure of the day is frozen. `draft_lines` are the lines of a
    structure that isn't written, for previews. It isn't changed, like `Subject`.
    """

    report: Report
    subject: Subject
    at: datetime
    good_stock: Decimal
    scrap_stock: Decimal
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
    """One kind of report, as its room declares it.

    `word` names it for programs, and `verb` is the right that it takes. `command` is its console command, `about` what
    that does and `done` the past tense of it; `table` is its table in an import and `rows` what that holds. `example`
    is a report as programs write it, `row` as an import does.
    """

    report: type[R]
    lock_order: LockOrder
    verb: Verb
    word: str
    command: str
    about: str
    done: str
    table: str
    rows: str
    example: Mapping[str, str]
    row: Mapping[str, str]
    may_complete: bool = False
    """Whether a report of this kind has a field that may be left out and is filled in (`completed`)."""

    @property
    def inputs(self) -> Inputs:
        """What may be entered in a report of this kind."""
        return inputs_of(self.report)

    def read(self, raw: Mapping[str, Any], dialect: Dialect = PLAIN) -> R:
        """Return the report that a door's raw values make.

        Refusals: `InvalidValue` for the first value that can't be read, with the others in its details.
        """
        return self.report(**self.inputs.read(raw, dialect))

    def completed(self, reports: Sequence[R], site: Site) -> Sequence[R | Refusal]:
        """Return reports with omitted fields filled in, so that a repeated report is the same however it was sent."""
        return reports

    @abstractmethod
    def subjects(self, reports: Sequence[R], *, site: Site, lock: bool) -> Subjects[R]:
        """Return the subjects of some reports; where they are to be locked, refuse any that doesn't exist."""


ReportKinds = Sequence[ReportKind[Any]]
SubjectsByKind = Mapping[type[Report], Subjects[Any]]
