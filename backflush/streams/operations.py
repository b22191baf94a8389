"""Operations of a stream besides bookings: moves, counts, issues, returns, settlements and reversals.

    {"kind": "move", "action": "DELIVER", "item": "BOLT", "quantity": "500", "from": "MAIN/RAW", "to": "MAIN/LINE"}
    {"kind": "count", "item": "BOLT", "location": "MAIN/LINE", "quantity": "487", "at": "2026-01-30T15:10"}
    {"kind": "resolve", "of": "B000168", "item": "BOLT", "quantity": "5", "remainder": "keep"}

Each kind declares its inputs like a kind of booking does (`backflushing.report_inputs`), with the right that it takes.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Literal, Self, cast

from django.utils.translation import gettext_noop as marked

from backflush.backflushing.report_inputs import (
    Inputs,
    InUnit,
    KeyInput,
    MomentInput,
    QuantityInput,
    SerialsInput,
    SubjectInput,
    TextInput,
    WholeInput,
)
from backflush.core.input_values import Amount, shortened, whole_or_none
from backflush.core.refusals import InvalidValue, NotFound
from backflush.counts.models import CountMethod
from backflush.counts.services import CountIn, enter_counts
from backflush.handling.moves import MoveIn, move_stock, reverse
from backflush.items.selectors import item_coded, stock_quantity
from backflush.ledger.models import Movement, Posting
from backflush.ledger.selectors import posting_keyed, posting_numbered, waiting_movements
from backflush.people.models import User
from backflush.people.rights import Verb
from backflush.stockmap.models import Site
from backflush.unresolved.cancellation import cancel
from backflush.unresolved.resolution import ResolveIn, resolve
from backflush.works.material_issue import IssueIn, issue, return_material

ITEM: Final = SubjectInput(marked("Item"), marked("The item code."), length=60, refers="items")
QUANTITY: Final = QuantityInput(
    marked("Quantity"), marked("The quantity, in the item's stock unit or with a unit."), unit=InUnit.OF_STOCK
)
BIN: Final = TextInput(marked("Bin"), marked("The bin, at a bin-controlled location."), length=40)
BATCH: Final = TextInput(marked("Batch"), marked("The batch, for items tracked by batch."), length=60)
SERIALS: Final = SerialsInput(marked("Serial numbers"), marked("The serial numbers, one for each piece."))
REMARKS: Final = TextInput(marked("Remarks"), marked("Remarks, kept with the posting."), length=500)
OF: Final = TextInput(
    marked("Booking"), marked("The key or the posting number of the booking that it is about."), length=200
)
MOVEMENT: Final = WholeInput(marked("Movement"), marked("Instead of the booking: the number of the movement."))

RENAMED: Final = {"from": "source", "to": "target", "by": "counted_by"}
"""Fields of a line whose names the code can't use, with the names of the attributes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOperation(ABC):
    """One operation of a line: when it happened, and under which key it is posted once."""

    at: Annotated[
        datetime | date | None,
        MomentInput(marked("Event time"), marked("When it happened. Without an offset it is the site's time.")),
    ] = None
    key: Annotated[str, KeyInput(marked("Key"), marked("Idempotency key: posted once."), length=200)] = ""

    units: tuple[tuple[str, str], ...] = ()
    """The units entered after quantities, by attribute."""

    word: ClassVar[str]
    """The kind, as lines name it."""
    verb: ClassVar[Verb]
    subject: ClassVar[str] = "item"
    """The field that answers repeat, to say what the line was about."""

    @classmethod
    def inputs(cls) -> Inputs:
        """Return what may be entered."""
        return _inputs(cls)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Self:
        """Return the operation of a line. Refusals: `InvalidValue`, with the field's name in the line."""
        written = {attribute: field for field, attribute in RENAMED.items()}
        names = [written.get(name, name) for name in cls.inputs().by_name]
        if unknown := [name for name in raw if name not in names]:
            raise InvalidValue(
                "There is no field '{name}'. The fields are: {names}.", name=shortened(unknown[0]), names=names
            )
        try:
            return cls(**cls.inputs().read({RENAMED.get(name, name): value for name, value in raw.items()}))
        except InvalidValue as refusal:
            refusal.field = written.get(refusal.field, refusal.field)
            raise

    @property
    def about(self) -> str:
        """The subject of the line: an item, an order, or the booking that is reversed."""
        return str(getattr(self, self.subject))

    def stock_amount(self, item: str, quantity: Decimal, name: str = "quantity") -> Decimal:
        """Return a quantity in the item's stock unit."""
        unit = dict(self.units).get(name, "")
        return stock_quantity(item_coded(item), Amount(quantity, unit), field=name) if unit else quantity

    @abstractmethod
    def post(self, *, site: Site, by: User) -> Posting:
        """Carry it out in one transaction, and return its posting. Raises the refusals of its service."""


@cache
def _inputs(operation: type[StreamOperation]) -> Inputs:
    return Inputs(operation)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveOperation(StreamOperation):
    """A manual move along a rule of an action (A3)."""

    item: Annotated[str, ITEM]
    action: Annotated[str, TextInput(marked("Action"), marked("The action."), length=40)]
    quantity: Annotated[Decimal, QUANTITY]
    source: Annotated[str, TextInput(marked("From"), marked("The from-location, STORE/LOCATION."), length=81)]
    target: Annotated[str, TextInput(marked("To"), marked("The to-location, STORE/LOCATION."), length=81)]
    from_bin: Annotated[str, BIN] = ""
    to_bin: Annotated[str, BIN] = ""
    batch: Annotated[str, BATCH] = ""
    serials: Annotated[Sequence[str], SERIALS] = ()
    remarks: Annotated[str, REMARKS] = ""

    word = "move"
    verb = Verb.MOVE

    def post(self, *, site: Site, by: User) -> Posting:
        """Move the stock."""
        return move_stock(
            MoveIn(
                action=self.action,
                item=self.item,
                quantity=self.stock_amount(self.item, self.quantity),
                source=self.source,
                target=self.target,
                from_bin=self.from_bin,
                to_bin=self.to_bin,
                batch=self.batch,
                serials=self.serials,
                remarks=self.remarks,
                at=self.at,
                key=self.key,
            ),
            site=site,
            by=by,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CountOperation(StreamOperation):
    """A count of an item at a location (H1)."""

    item: Annotated[str, ITEM]
    location: Annotated[str, TextInput(marked("Location"), marked("The location, STORE/LOCATION."), length=81)]
    quantity: Annotated[Decimal, QUANTITY]
    bin: Annotated[str, BIN] = ""
    batch: Annotated[str, BATCH] = ""
    serial: Annotated[str, TextInput(marked("Serial number"), marked("The serial number."), length=60)] = ""
    method: Annotated[str, TextInput(marked("Method"), marked("seen, weighed or machine."), length=10)] = (
        CountMethod.SEEN.value
    )
    counted_by: Annotated[
        str, TextInput(marked("Counter"), marked("The log-in name of the person who counted."), length=150)
    ] = ""
    recount_of: Annotated[
        int | None, WholeInput(marked("Recount of"), marked("The number of the count that this one repeats."))
    ] = None
    remarks: Annotated[str, REMARKS] = ""

    word = "count"
    verb = Verb.COUNT

    def counted(self, people: Mapping[str, User]) -> CountIn:
        """Return the count; refused where the counter isn't one of the people (`NotFound`)."""
        if self.counted_by and self.counted_by not in people:
            raise NotFound("There is no person {name}.", name=self.counted_by, field="by")
        return CountIn(
            item=self.item,
            location=self.location,
            quantity=self.stock_amount(self.item, self.quantity),
            bin=self.bin,
            batch=self.batch,
            serial=self.serial,
            at=self.at,
            method=self.method,
            counted_by=people.get(self.counted_by),
            recount_of=self.recount_of,
            remarks=self.remarks,
            key=self.key,
        )

    def post(self, *, site: Site, by: User) -> Posting:
        """Enter the count by itself; a stream enters counts that follow one another together (`line_posting`)."""
        (count,) = enter_counts([self.counted(people_named([self.counted_by]))], site=site, by=by)
        return count.posting


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueOperation(StreamOperation):
    """Material that is issued to a works order by hand (B4)."""

    item: Annotated[str, ITEM]
    order: Annotated[str, TextInput(marked("Works order"), marked("The works order number."), length=60)]
    quantity: Annotated[Decimal, QUANTITY]
    bin: Annotated[str, BIN] = ""
    to_bin: Annotated[str, BIN] = ""
    batch: Annotated[str, BATCH] = ""
    serials: Annotated[Sequence[str], SERIALS] = ()
    remarks: Annotated[str, REMARKS] = ""

    word = "issue"
    verb = Verb.ISSUE
    subject = "order"

    def post(self, *, site: Site, by: User) -> Posting:
        """Issue the material."""
        return issue(self._asked(), site=site, by=by)

    def _asked(self) -> IssueIn:
        return IssueIn(
            order=self.order,
            item=self.item,
            quantity=self.stock_amount(self.item, self.quantity),
            bin=self.bin,
            to_bin=self.to_bin,
            batch=self.batch,
            serials=self.serials,
            remarks=self.remarks,
            at=self.at,
            key=self.key,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnOperation(IssueOperation):
    """Material that is returned from a works order (B4)."""

    word = "return"
    verb = Verb.RETURN

    def post(self, *, site: Site, by: User) -> Posting:
        """Return the material."""
        return return_material(self._asked(), site=site, by=by)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveOperation(StreamOperation):
    """An unresolved component that is resolved: whole, or with a revised quantity (U3 to U5)."""

    item: Annotated[str, ITEM]
    of: Annotated[str, OF] = ""
    movement: Annotated[int | None, MOVEMENT] = None
    quantity: Annotated[Decimal | None, QUANTITY] = None
    source: Annotated[str, TextInput(marked("From"), marked("Where it came from; empty: as planned."), length=81)] = ""
    bin: Annotated[str, BIN] = ""
    to_bin: Annotated[str, BIN] = ""
    batch: Annotated[str, BATCH] = ""
    serials: Annotated[Sequence[str], SERIALS] = ()
    remainder: Annotated[str, TextInput(marked("Remainder"), marked("drop or keep."), length=10)] = "drop"
    remarks: Annotated[str, REMARKS] = ""

    word = "resolve"
    verb = Verb.RESOLVE

    def post(self, *, site: Site, by: User) -> Posting:
        """Resolve the oldest unresolved movement of the item that the booking left."""
        return resolve(
            ResolveIn(
                movement=_waiting(self, site),
                quantity=None if self.quantity is None else self.stock_amount(self.item, self.quantity),
                source=self.source,
                bin=self.bin,
                to_bin=self.to_bin,
                batch=self.batch,
                serials=self.serials,
                remainder=cast("Literal['drop', 'keep']", self.remainder),
                remarks=self.remarks,
                at=self.at,
                key=self.key,
            ),
            site=site,
            by=by,
        ).posting


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOperation(StreamOperation):
    """An unresolved component that was not used (U6)."""

    item: Annotated[str, ITEM]
    of: Annotated[str, OF] = ""
    movement: Annotated[int | None, MOVEMENT] = None
    remarks: Annotated[str, REMARKS] = ""

    word = "cancel"
    verb = Verb.CANCEL

    def post(self, *, site: Site, by: User) -> Posting:
        """Cancel the oldest unresolved movement of the item that the booking left."""
        settled = cancel(
            site=site, movements=[_waiting(self, site)], remarks=self.remarks, by=by, at=self.at, key=self.key
        )
        return settled[0].posting


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseOperation(StreamOperation):
    """The reversal of a posting (V1, V3)."""

    of: Annotated[
        str,
        SubjectInput(marked("Posting"), marked("The key or the number of the posting."), length=200, refers="postings"),
    ]

    word = "reverse"
    verb = Verb.REVERSE
    subject = "of"

    def post(self, *, site: Site, by: User) -> Posting:
        """Reverse the posting."""
        return reverse(site=site, posting=posting_of(self.of, site).pk, by=by, at=self.at, key=self.key)


def posting_of(named: str, site: Site) -> Posting:
    """Return the posting with a key or, if there is none, with a number. Raises `NotFound` and `Archived`."""
    try:
        return posting_keyed(site, named)
    except NotFound as refusal:
        number = whole_or_none(named, least=1)
        if number is None:
            refusal.field = "of"
            raise
        return posting_numbered(site, number)


def _waiting(operation: ResolveOperation | CancelOperation, site: Site) -> int:
    """Return the movement to settle: the one that is named, or the oldest unresolved one of the booking and the item.

    A line that is sent again under its key is about the movement that it settled. Raises `NotFound`, `InvalidValue`.
    """
    if operation.movement is not None:
        return operation.movement
    if not operation.of:
        raise InvalidValue("Name the booking, by its key or posting number, or the movement.", field="of")
    if operation.key:
        earlier = Movement.objects.filter(
            site=site, settlements__posting__key__key=operation.key, item__code=operation.item
        )
        if (settled := earlier.values_list("pk", flat=True).first()) is not None:
            return settled
    posting = posting_of(operation.of, site)
    waiting = waiting_movements(site).filter(item=item_coded(operation.item))
    here = [*waiting.filter(posting=posting)[:1], *waiting.filter(origin__posting=posting)[:1]]
    if not here:
        raise NotFound(
            "Nothing of {item} is unresolved in posting {posting}.",
            item=operation.item,
            posting=posting.pk,
            field="of",
        )
    return min(here, key=lambda movement: (movement.origin_id or movement.pk, movement.pk)).pk


OPERATIONS: Final[Mapping[str, type[StreamOperation]]] = {
    kind.word: kind
    for kind in (
        MoveOperation,
        CountOperation,
        IssueOperation,
        ReturnOperation,
        ResolveOperation,
        CancelOperation,
        ReverseOperation,
    )
}
"""The operations of a stream by their word."""


def people_named(names: Collection[str]) -> dict[str, User]:
    """Return the existing people among some log-in names."""
    return {user.username: user for user in User.objects.filter(username__in=[name for name in names if name])}
