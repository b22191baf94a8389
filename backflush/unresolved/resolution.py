"""Resolving: moving now what was due, all of it or a revised quantity, from where it really came from."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from django.db import transaction

from backflush.core.counts import Effect, effects_of
from backflush.core.moves import Move, Plan, Reason, Status, Stock, UnresolvedMove, plan_posting, stock_keys_of
from backflush.core.quantity import ZERO, require_positive
from backflush.core.refusals import (
    InvalidQuantity,
    InvalidValue,
    NotABalanceLocation,
    NotFound,
    ReasonRequired,
    SameLocation,
)
from backflush.items.selectors import expired_batches
from backflush.ledger.idempotency import claim_key
from backflush.ledger.lot_allocation import named_moves, require_there_by
from backflush.ledger.models import Movement, Posting
from backflush.ledger.posting import lock_balances, lock_waiting, read_balances, require_possible, set_status
from backflush.ledger.selectors import move_of, movement_numbered, require_not_before
from backflush.people.models import User
from backflush.stockmap.models import Location, Site
from backflush.stockmap.selectors import day_at, event_time, location_at, place_in_bin
from backflush.unresolved.models import Settlement, SettlementOutcome
from backflush.unresolved.settlement import (
    Settled,
    effects_of_waiting,
    kept_rest,
    orders_of_recording,
    post_settlement,
    record,
    settled_already,
)

Remainder = Literal["drop", "keep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveIn:
    """A resolution as it is entered; `quantity` is in the item's stock unit, None for all that is due.

    `source` is the path of a location, empty for the planned one. Of less than was due the `remainder` is dropped (said
    to be not used) or kept as unresolved.
    """

    movement: int
    quantity: Decimal | None = None
    source: str = ""
    bin: str = ""
    to_bin: str = ""
    batch: str = ""
    serials: Sequence[str] = ()
    remainder: Remainder = "drop"
    remarks: str = ""
    at: datetime | date | None = None
    key: str = ""


@transaction.atomic
def resolve(entered: ResolveIn, *, site: Site, by: User) -> Settlement:
    """Move now what was due: all of it or a revised quantity, from the planned place or another one (U3 to U5, T2).

    An expired batch needs a reason in the remarks (`ReasonRequired`), and none is taken before it was there
    (`NotThereYet`, X5). Locks the key, the movement and balances.
    """
    planned = movement_numbered(site, entered.movement)
    content = {name: value for name, value in asdict(entered).items() if name != "key"}
    content["quantity"] = planned.due if entered.quantity is None else entered.quantity
    content["source"] = entered.source or planned.source.path
    content["serials"] = sorted(entered.serials)
    new_key, done = claim_key(site=site, key=entered.key, operation="resolve", content=content)
    if done:
        return done.settlements.get()
    waiting = _lock_one(site, entered.movement)
    moment = event_time(site, entered.at)
    require_not_before(site, moment, waiting.at)
    moves = _resolving_moves(waiting, entered)
    if entered.at is not None:
        require_there_by(site, waiting.item, moves, moment)
    _require_reason(waiting, entered.batch, moment, entered.remarks)
    moved = _moved_of(moves)
    kept = _kept(waiting, moved, entered.remainder)
    due = move_of(waiting)
    stock = lock_balances(site=site, stock_keys=stock_keys_of([*moves, due]))

    def plan() -> Plan:
        planned = plan_posting(moves, (), stock)
        planned.steps.extend(kept)
        return planned

    posting = post_settlement(
        site,
        plan,
        at=moment,
        by=by,
        key=new_key,
        remarks=entered.remarks,
        stock=stock,
        cost_object=waiting.cost_object_id,
        effects=_effects(waiting, moves, kept, stock),
    )
    set_status([waiting.pk], site=site, before=Status.UNRESOLVED, after=Status.RESOLVED)
    return _recorded(posting, waiting, moved, entered.remarks, keeps=bool(kept))


def _effects(waiting: Movement, moves: Sequence[Move], kept: Sequence[UnresolvedMove], stock: Stock) -> list[Effect]:
    """Return how the use is known otherwise than it was assumed: it stands at the assumption's time (H2)."""
    orders = orders_of_recording(waiting.site, [waiting], stock)
    used = [*moves, *(one.move for one in kept)]
    return [
        *effects_of_waiting([waiting], orders, undone=True),
        *effects_of(used, at=waiting.at, order=orders[waiting.pk]),
    ]


@dataclass(frozen=True, slots=True)
class Resolving:
    """What resolving a movement would do: so much moves, and so much is left where it comes from (None: no balance)."""

    waiting: Movement
    source: str
    moves: Decimal
    leaves: Decimal | None

    @property
    def rest(self) -> Decimal:
        """What of the due would be dropped or kept; below zero where more was used."""
        assert self.waiting.due is not None
        return Decimal(self.waiting.due - self.moves)


def preview_resolve(entered: ResolveIn, *, site: Site) -> Resolving:
    """Return what `resolve` would do now, refused as it would be. Locks nothing, writes nothing."""
    waiting = movement_numbered(site, entered.movement)
    if waiting.status != Status.UNRESOLVED:
        raise settled_already(waiting)
    moves = _resolving_moves(waiting, entered)
    _require_reason(waiting, entered.batch, event_time(site, None), entered.remarks)
    stock = read_balances(site=site, stock_keys=stock_keys_of(moves))
    require_possible(plan_posting(moves, (), stock).shortages, stock)
    stock_keys = {move.source_stock_key for move in moves} - {None}
    leaves = (
        sum((stock.there(stock_key) for stock_key in stock_keys if stock_key is not None), ZERO) if stock_keys else None
    )
    return Resolving(waiting, entered.source or waiting.source.path, _moved_of(moves), leaves)


def _lock_one(site: Site, movement: int) -> Movement:
    waiting = lock_waiting(site=site, movements=[movement]).get(movement)
    if waiting is None:
        raise NotFound("There is no movement {movement}.", movement=movement, field="movement")
    if waiting.status != Status.UNRESOLVED:
        raise settled_already(waiting)
    return waiting


def _resolving_moves(waiting: Movement, entered: ResolveIn) -> list[Move]:
    item = waiting.item
    wanted = waiting.due if entered.quantity is None else entered.quantity
    assert wanted is not None
    wanted = require_positive(wanted, item.quantity_decimals, field="quantity", what=item.code)
    taken_from = place_in_bin(_place_named(waiting, entered.source), entered.bin)
    target = place_in_bin(waiting.target, entered.to_bin, field="to_bin", into=True)
    if (taken_from.location_id, taken_from.bin) == (target.location_id, target.bin):
        raise SameLocation(
            "{item} goes to {location}, so it can't also come from there. Choose another location.",
            item=item.code,
            location=waiting.target.path,
            field="source",
        )
    return named_moves(
        item=item,
        quantity=wanted,
        source=taken_from,
        target=target,
        batch=entered.batch,
        serials=entered.serials,
        cost_object_id=waiting.cost_object_id,
        charged=waiting.charged,
        rule_id=waiting.rule_id,
        line_id=waiting.line_id,
        resolves_id=waiting.pk,
        origin_id=waiting.origin_id or waiting.pk,
    )


def _require_reason(waiting: Movement, batch: str, moment: datetime, remarks: str) -> None:
    """Refuse an expired batch without remarks (X5)."""
    if not batch or remarks.strip():
        return
    expires_on = expired_batches(waiting.item, [batch], day_at(waiting.site, moment)).get(batch)
    if expires_on is not None:
        raise ReasonRequired(
            "Batch {batch} of {item} expired on {day}. Enter in the remarks why it was used, or choose another batch.",
            batch=batch,
            item=waiting.item.code,
            day=expires_on,
            field="remarks",
        )


def _place_named(waiting: Movement, path: str) -> Location:
    """Any balance location of the site, or the planned place itself (U3, U5)."""
    if not path or path == waiting.source.path:
        return waiting.source
    location = location_at(waiting.site, path, field="source")
    if not location.has_balance:
        raise NotABalanceLocation(
            "{location} keeps no balances, so nothing can be taken from there. Choose another location.",
            location=path,
            field="source",
        )
    return location


def _moved_of(moves: Iterable[Move]) -> Decimal:
    return sum((move.quantity for move in moves), ZERO)


def _kept(waiting: Movement, moved: Decimal, remainder: Remainder) -> list[UnresolvedMove]:
    """The rest, if it is to be kept; refused where nothing would be left (U4)."""
    assert waiting.due is not None
    if remainder not in {"drop", "keep"}:
        raise InvalidValue(
            "The remainder must be dropped or kept, not '{remainder}'.", remainder=remainder, field="remainder"
        )
    if remainder == "drop":
        return []
    if moved >= waiting.due:
        raise InvalidQuantity(
            "{item}: {due} are due, so no remainder is left to keep. Enter less than {due}, or leave the remainder "
            "out.",
            item=waiting.item.code,
            due=waiting.due,
            field="quantity",
        )
    due = replace(move_of(waiting), origin_id=waiting.origin_id or waiting.pk)
    return [kept_rest(due, waiting.due - moved, reason=Reason(waiting.reason), at=waiting.at)]


def _recorded(posting: Posting, waiting: Movement, moved: Decimal, remarks: str, *, keeps: bool) -> Settlement:
    assert waiting.due is not None
    settled = Settled(
        waiting.pk,
        SettlementOutcome.RESOLVED,
        moved,
        dropped=ZERO if keeps else waiting.due - moved,
        rest_of=(waiting.origin_id or waiting.pk) if keeps else None,
    )
    (settlement,) = record(posting, [settled], remarks).settlements()
    settlement.movement, settlement.posting = waiting, posting
    return settlement
