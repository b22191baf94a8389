"""Booking what was made, with the use that it assumes; and taking a booking back.

`works` and `subcontract` hand over what was made, with their orders locked; here the use is assumed, planned and
posted, for one booking or for a thousand with the same statements.
"""

from collections.abc import Container, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from backflush.backflushing.consumption import Assumption, FrozenLines, UseBook
from backflush.backflushing.models import Booking
from backflush.core.consumption import plan_posting
from backflush.core.moves import Move, Plan, Process, Status, stock_keys_of
from backflush.core.quantity import to_scaled
from backflush.core.refusals import AlreadyReversed, NotFound, SameLocation
from backflush.db.gc_pause import no_search
from backflush.items.models import Item
from backflush.ledger.idempotency import claim_key
from backflush.ledger.lot_allocation import named_moves
from backflush.ledger.models import CostObject, Movement, Posting
from backflush.ledger.posting import Entry, advance_cost_objects, lock_balances, lock_waiting, post
from backflush.ledger.selectors import move_of, posting_numbered, require_had, require_not_before
from backflush.ledger.statements import Row, add, adding
from backflush.people.models import User
from backflush.stockmap.models import Location, ShortRule, Site, TransferRule
from backflush.stockmap.selectors import bins_of, day_at, event_time, place_in_bin, place_of, written_day
from backflush.structures.models import FrozenLine
from backflush.unresolved.cancellation import cancel_locked

ADD_BOOKINGS = adding(
    "backflushing_booking",
    {
        "site_id": "bigint",
        "posting_id": "bigint",
        "job_id": "bigint",
        "item_id": "bigint",
        "good": "bigint",
        "scrap": "bigint",
        "quantity": "bigint",
        "scrap_reason": "text",
        "structure_id": "bigint",
        "assumed": "boolean",
        "type_code_id": "bigint",
        "rule_id": "bigint",
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was made or received, and what its use is to be assumed from.

    `good` and `scrap` are in the order's unit, `good_stock` and `quantity` (both together) in the stock unit.
    `structure` is the number of the frozen one; `of_day` is whether that is the one of its day, still to be frozen.
    Without a backflush rule nothing is assumed (B3). `draft` are the lines of a structure that isn't written, for
    previews. The item has its type code at hand.
    """

    item: Item
    process: Process
    at: datetime
    good: Decimal
    scrap: Decimal
    good_stock: Decimal
    quantity: Decimal
    goods_rule: TransferRule
    backflush_rule: TransferRule | None = None
    structure: int | None = None
    of_day: bool = False
    draft: Sequence[FrozenLine] = ()
    supplier_stock: Location | None = None
    cost_object: CostObject | None = None
    key: int | None = None
    batch: str = ""
    serials: Sequence[str] = ()
    bin: str = ""
    scrap_reason: str = ""
    remarks: str = ""

    @property
    def assumes(self) -> bool:
        """Whether any use is assumed at all."""
        return self.backflush_rule is not None and self.structure is not None

    @property
    def received(self) -> bool:
        """Whether it comes from a supplier, who then provides some lines himself (S6)."""
        return self.process is Process.GOODS_RECEIVED


def goods_bins(batch: Iterable[Made]) -> set[tuple[int, str]]:
    """The bins of the places that some goods go to, where any names one."""
    return (
        bins_of(places, into=True) if (places := {made.goods_rule.target_id for made in batch if made.bin}) else set()
    )


def goods_moves(made: Made, *, bins: Container[tuple[int, str]]) -> list[Move]:
    """What was made, into stock, with the batch, serials or bin that it needs (B8); scrap goes nowhere."""
    if not made.good_stock:
        return []
    rule = made.goods_rule
    return named_moves(
        item=made.item,
        quantity=made.good_stock,
        source=place_of(rule.source),
        target=place_in_bin(rule.target, made.bin, into=True, known=bins),
        batch=made.batch,
        serials=made.serials,
        cost_object=made.cost_object.pk if made.cost_object else None,
        rule=rule.pk,
    )


def due_moves(made: Made, assumed: Sequence[Assumption]) -> list[Move]:
    """The assumed use of a booking as moves, in line order; a line that rounds to nothing yet has none.

    They name no job: it is that of the posting.
    """
    rule = made.backflush_rule
    if rule is None:
        return []
    target = place_of(rule.target)
    parts_allowed = rule.action.short == ShortRule.PART
    moves = []
    for assumption in assumed:
        if not assumption.use.quantity:
            continue
        source = _taken_from(assumption.line, made, rule)
        component = assumption.line.component
        assert component.cost_id is not None
        moves.append(
            Move(
                item=component.pk,
                quantity=assumption.use.quantity,
                source=place_of(source),
                target=target,
                cost=component.cost_id,
                tracking=assumption.tracking,
                charged=1,
                rule=rule.pk,
                line=assumption.line.pk,
                parts_allowed=parts_allowed,
            )
        )
    return moves


def require_two_ends(made: Made, lines: FrozenLines) -> None:
    """Refuse a booking of which a line would be taken from where it goes to, whether or not it comes to anything."""
    if made.backflush_rule is None or made.structure is None:
        return
    for line, _ in lines.of(made.structure, received=made.received):
        _taken_from(line, made, made.backflush_rule)


def _taken_from(line: FrozenLine, made: Made, rule: TransferRule) -> Location:
    source = source_of(line, made, rule)
    if source.pk == rule.target_id:
        raise SameLocation(
            f"Line {line.path} takes {line.component.code} from {source.path}, "
            f"where {rule.action.name} puts it. Give the line another from-location.",
            field="from",
        )
    return source


def source_of(line: FrozenLine, made: Made, rule: TransferRule) -> Location:
    """Where a component is taken from: the line's own from-location, else the supplier's, else the rule's (S7)."""
    return line.source or made.supplier_stock or rule.source


def post_bookings(batch: Sequence[Made], *, site: Site, by: User) -> list[Booking]:
    """Put what was made into stock and assume what went into it, all of it or nothing; jobs must be locked.

    Bookings are planned one after the other on the same stock, so the second finds what the first has left.
    """
    with no_search() if len(batch) > 1 else nullcontext():
        return _post_bookings(batch, site, by)


def _post_bookings(batch: Sequence[Made], site: Site, by: User) -> list[Booking]:
    uses = UseBook(site, batch)
    assumed = [uses.book(made) for made in batch]
    bins = goods_bins(batch)
    goods = [goods_moves(made, bins=bins) for made in batch]
    due = _all_due(batch, assumed)
    stock = lock_balances(site=site, stock_keys=stock_keys_of(move for moves in (*goods, *due) for move in moves))
    entries = [_entry(made, plan_posting(out, used, stock)) for made, out, used in zip(batch, goods, due, strict=True)]
    postings = post(entries, site=site, by=by, stock=stock)
    bookings = [_booking(made, posting) for made, posting in zip(batch, postings, strict=True)]
    add(ADD_BOOKINGS, bookings, [_row(booking) for booking in bookings])
    advance_cost_objects(_advanced(batch))
    return bookings


def _all_due(batch: Sequence[Made], assumed: Sequence[Sequence[Assumption]]) -> list[list[Move]]:
    """The assumed use of some bookings; those that assume the same share their moves, which name no job."""
    known: dict[tuple[int, int | None, int | None], list[Move]] = {}
    due = []
    for made, assumptions in zip(batch, assumed, strict=True):
        rule, place = made.backflush_rule, made.supplier_stock
        alike = id(assumptions), rule.pk if rule else None, place.pk if place else None
        if alike not in known:
            known[alike] = due_moves(made, assumptions)
        due.append(known[alike])
    return due


def _entry(made: Made, plan: Plan) -> Entry:
    return Entry(
        made.process, made.at, plan, made.key, made.cost_object.pk if made.cost_object else None, remarks=made.remarks
    )


def _booking(made: Made, posting: Posting) -> Booking:
    return Booking(
        site_id=posting.site_id,
        posting=posting,
        cost_object_id=made.cost_object.pk if made.cost_object else None,
        item_id=made.item.pk,
        good=made.good,
        scrap=made.scrap,
        quantity=made.quantity,
        scrap_reason=made.scrap_reason,
        structure_id=made.structure,
        assumed=made.assumes,
        type_code_id=made.item.type_code_id,
        rule_id=made.backflush_rule.pk if made.backflush_rule else None,
    )


def _row(booking: Booking) -> Row:
    return (
        booking.site_id,
        booking.posting_id,
        booking.cost_object_id,
        booking.item_id,
        to_scaled(booking.good),
        to_scaled(booking.scrap),
        to_scaled(booking.quantity),
        booking.scrap_reason,
        booking.structure_id,
        booking.assumed,
        booking.type_code_id,
        booking.rule_id,
    )


def _advanced(batch: Sequence[Made]) -> list[CostObject]:
    """The jobs of some bookings, moved on by them."""
    cost_objects: dict[int, CostObject] = {}
    for made in batch:
        if made.cost_object is None:
            continue
        cost_object = cost_objects.setdefault(made.cost_object.pk, made.cost_object)
        cost_object.good += made.good
        cost_object.scrap += made.scrap
        if made.assumes:
            assert made.structure is not None
            cost_object.needs_replay = cost_object.needs_replay or cost_object.structure_id not in {
                None,
                made.structure,
            }
            cost_object.structure_id = made.structure
            cost_object.produced += made.quantity
    return list(cost_objects.values())


@transaction.atomic
def reverse_booking(*, site: Site, posting: int, by: User, at: datetime | date | None = None, key: str = "") -> Booking:
    """Take a booking, production or receipt back, once, from what it recorded (V1, V2).

    Goods and components go back to where they were, with what was resolved for it; what is unresolved of it is
    cancelled. The order's status stays.
    """
    new_key, done = claim_key(site=site, key=key, operation="reverse", content={"posting": posting, "at": at})
    if done:
        return Booking.objects.get(reversed_by=done)
    booking = _lock_booking(site, posting)
    moment = event_time(site, at)
    require_not_before(site, moment, booking.posting.at)
    waiting = _lock_family(site, booking)
    taken = movements_standing(booking)
    back = [move_of(movement).mirrored(movement=movement.pk) for movement in taken]
    if booking.cost_object is not None:
        require_had(booking.cost_object, back)
    stock = lock_balances(site=site, stock_keys=stock_keys_of(back))
    plan = plan_posting(back, (), stock)
    entry = Entry(Process.REVERSAL, moment, plan, new_key, booking.cost_object_id, booking.posting_id)
    reversal = post([entry], site=site, by=by, stock=stock)[0]
    cancel_locked(waiting, posting=reversal, remarks="reversed with its booking")
    booking.reversed_by = reversal
    Booking.objects.filter(site=site, pk=booking.pk).update(reversed_by=reversal)
    if booking.cost_object is not None:
        advance_cost_objects([_set_back(booking.cost_object, booking)])
    return booking


def _lock_booking(site: Site, posting: int) -> Booking:
    found = Booking.objects.filter(site=site, posting=posting).first()
    if found is None:
        posting_numbered(site, posting)
        raise NotFound(f"There is no booking with the posting number {posting}.", field="posting")
    cost_objects = CostObject.objects.select_for_update(no_key=True)
    cost_object = cost_objects.get(site=site, pk=found.cost_object_id) if found.cost_object_id is not None else None
    # Who took it back meanwhile must be read afterwards: a join beside the lock would still see nobody.
    bookings = Booking.objects.select_for_update(no_key=True, of=("self",)).select_related("posting")
    booking = bookings.get(site=site, pk=found.pk)
    booking.cost_object = cost_object
    require_not_reversed(booking)
    return booking


def require_not_reversed(booking: Booking) -> None:
    """Refuse to take a booking back twice."""
    if booking.reversed_by is not None:
        on = written_day(day_at(booking.site, booking.reversed_by.at))
        raise AlreadyReversed(f"This was reversed on {on} by {booking.reversed_by.by.name}.", field="posting")


def _lock_family(site: Site, booking: Booking) -> list[Movement]:
    """Lock all that is, was or goes back to unresolved use of a booking; answers with what is unresolved still."""
    roots = Movement.objects.filter(site=site, posting=booking.posting_id, due__isnull=False).values_list(
        "pk", flat=True
    )
    family = lock_waiting(site=site, movements=set(roots))
    kept = Movement.objects.filter(site=site, origin__in=family, due__isnull=False).values_list("pk", flat=True)
    family |= lock_waiting(site=site, movements=set(kept))
    return [movement for _, movement in sorted(family.items()) if movement.status == Status.UNRESOLVED]


def movements_standing(booking: Booking) -> list[Movement]:
    """What a booking and its resolutions moved and nobody has taken back yet, the last first."""
    here = Movement.objects.filter(site=booking.site_id)
    own = here.filter(posting=booking.posting_id, status=Status.OK)
    resolved = here.filter(
        origin__posting=booking.posting_id, status=Status.OK, reverses__isnull=True, reversed_by__isnull=True
    )
    named = ("item__stock_unit", "source", "target")
    rows = [*own.select_related(*named), *resolved.select_related(*named)]
    return sorted(rows, key=lambda movement: -movement.pk)


def _set_back(cost_object: CostObject, booking: Booking) -> CostObject:
    """The job without a booking. What its lines have assumed no longer follows from the sum alone."""
    cost_object.good -= booking.good
    cost_object.scrap -= booking.scrap
    if booking.assumed:
        cost_object.produced -= booking.quantity
        cost_object.needs_replay = True
    return cost_object
