"""Saying what really happened to what couldn't be assumed: resolve, cancel, retry, and undo of each.

Each settles under the lock of the movement that it is about, so two people can't both do it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from django.db import transaction
from django.db.models import QuerySet

from backflush.core.consumption import plan_posting
from backflush.core.moves import Move, Moved, Plan, Process, Reason, Status, Stock, Tracking, Waiting, pots_of
from backflush.core.quantity import ZERO, require_positive, to_scaled, written
from backflush.core.refusals import (
    AlreadyReversed,
    InvalidQuantity,
    InvalidValue,
    NotABalanceLocation,
    NotFound,
    NotReversible,
    NotUnresolved,
    RemarksRequired,
    SameLocation,
    SettledSince,
)
from backflush.ledger.keys import Request, claim_key, claim_keys
from backflush.ledger.models import Job, Key, Movement, Posting
from backflush.ledger.selectors import move_of, movement_numbered, require_had, require_not_before, waiting_movements
from backflush.ledger.services import (
    Entry,
    lock_balances,
    lock_waiting,
    post,
    read_balances,
    require_possible,
    set_status,
)
from backflush.ledger.statements import add, adding
from backflush.ledger.tracking import named_moves
from backflush.people.models import User
from backflush.stockmap.models import Location, ShortRule, Site
from backflush.stockmap.selectors import event_time, location_at, place_in_bin
from backflush.unresolved.models import Outcome, Settlement

Remainder = Literal["drop", "keep"]

PART = 1_000
"""So many unresolved movements a long retry looks at in one transaction."""


@transaction.atomic
def resolve(
    *,
    site: Site,
    movement: int,
    by: User,
    quantity: Decimal | None = None,
    source: str = "",
    bin: str = "",
    to_bin: str = "",
    batch: str = "",
    serials: Sequence[str] = (),
    remainder: Remainder = "drop",
    remarks: str = "",
    at: datetime | date | None = None,
    key: str = "",
) -> Settlement:
    """Move now what was due: all of it or a revised quantity, from the planned place or where it really came from.

    Of less than was due the rest is dropped (said to be not used) or kept as unresolved (U3 to U5, T2).
    """
    planned = movement_numbered(site, movement)
    content = {
        "movement": movement,
        "quantity": planned.due if quantity is None else quantity,
        "source": source or planned.source.path,
        "bin": bin,
        "to_bin": to_bin,
        "batch": batch,
        "serials": sorted(serials),
        "remainder": remainder,
        "remarks": remarks,
        "at": at,
    }
    new_key, done = claim_key(site=site, key=key, operation="resolve", content=content)
    if done:
        return done.settlements.get()
    waiting = _lock_one(site, movement)
    moment = event_time(site, at)
    require_not_before(site, moment, waiting.at)
    moves = _resolving_moves(
        waiting, quantity=quantity, source=source, bin=bin, to_bin=to_bin, batch=batch, serials=serials
    )
    kept = _kept(waiting, _moved_of(moves), remainder)
    stock = lock_balances(site=site, pots=pots_of(moves))
    plan = plan_posting(moves, (), stock)
    plan.steps.extend(kept)
    posting = _post(site, plan, process_at=moment, by=by, key=new_key, remarks=remarks, stock=stock, job=waiting.job_id)
    set_status([waiting.pk], before=Status.UNRESOLVED, after=Status.RESOLVED)
    return _record(posting, [_settled(waiting, _moved_of(moves), bool(kept))], remarks)[0]


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


def preview_resolve(
    *,
    site: Site,
    movement: int,
    quantity: Decimal | None = None,
    source: str = "",
    bin: str = "",
    to_bin: str = "",
    batch: str = "",
    serials: Sequence[str] = (),
) -> Resolving:
    """What `resolve` would do now, refused as it would be. Locks nothing, writes nothing."""
    waiting = movement_numbered(site, movement)
    if waiting.status != Status.UNRESOLVED:
        raise _settled_already(waiting)
    moves = _resolving_moves(
        waiting, quantity=quantity, source=source, bin=bin, to_bin=to_bin, batch=batch, serials=serials
    )
    stock = read_balances(site=site, pots=pots_of(moves))
    require_possible(plan_posting(moves, (), stock).shortages, stock)
    pots = {move.source_pot for move in moves} - {None}
    leaves = sum((stock.there(pot) for pot in pots if pot is not None), ZERO) if pots else None
    return Resolving(waiting, source or waiting.source.path, _moved_of(moves), leaves)


def _settled_already(waiting: Movement) -> NotUnresolved:
    return NotUnresolved(
        f"{waiting.item.code} ({waiting.pk}) is {waiting.status} already. Nothing was posted.", field="movement"
    )


def _lock_one(site: Site, movement: int) -> Movement:
    waiting = lock_waiting(site=site, movements=[movement]).get(movement)
    if waiting is None:
        raise NotFound(f"There is no movement {movement}.", field="movement")
    if waiting.status != Status.UNRESOLVED:
        raise _settled_already(waiting)
    return waiting


def _resolving_moves(
    waiting: Movement,
    *,
    quantity: Decimal | None,
    source: str,
    bin: str,
    to_bin: str,
    batch: str,
    serials: Sequence[str],
) -> list[Move]:
    item = waiting.item
    wanted = waiting.due if quantity is None else quantity
    assert wanted is not None
    wanted = require_positive(wanted, item.quantity_decimals, field="quantity", what=item.code)
    taken_from = place_in_bin(_place_named(waiting, source), bin)
    target = place_in_bin(waiting.target, to_bin, field="to_bin")
    if (taken_from.location, taken_from.bin) == (target.location, target.bin):
        raise SameLocation(
            f"{item.code} goes to {waiting.target.path}, so it can't come from there. Choose another place.",
            field="source",
        )
    return named_moves(
        item=item,
        quantity=wanted,
        source=taken_from,
        target=target,
        batch=batch,
        serials=serials,
        job=waiting.job_id,
        charged=waiting.charged,
        rule=waiting.rule_id,
        line=waiting.line_id,
        resolves=waiting.pk,
        origin=waiting.origin_id or waiting.pk,
    )


def _place_named(waiting: Movement, path: str) -> Location:
    """Any balance location of the site, or the planned place itself (U3, U5)."""
    if not path or path == waiting.source.path:
        return waiting.source
    location = location_at(waiting.site, path, field="source")
    if not location.has_balance:
        raise NotABalanceLocation(
            f"{path} keeps no balances, so nothing can have come from there. Choose another place.", field="source"
        )
    return location


def _moved_of(moves: Iterable[Move]) -> Decimal:
    return sum((move.quantity for move in moves), ZERO)


def _kept(waiting: Movement, moved: Decimal, remainder: Remainder) -> list[Waiting]:
    """The rest as a new unresolved movement with the original's place, reason and event time (U4)."""
    assert waiting.due is not None
    if remainder not in {"drop", "keep"}:
        raise InvalidValue(f"The remainder is dropped or kept, not {remainder!r}.", field="remainder")
    if remainder == "drop":
        return []
    if moved >= waiting.due:
        raise InvalidQuantity(
            f"{waiting.item.code}: of {written(waiting.due)} nothing would be left to keep. "
            f"Enter less than {written(waiting.due)}, or leave the remainder out.",
            field="quantity",
        )
    rest = replace(move_of(waiting), quantity=waiting.due - moved, origin=waiting.origin_id or waiting.pk)
    return [Waiting(rest, Reason(waiting.reason), waiting.at)]


def _post(
    site: Site,
    plan: Plan,
    *,
    process_at: datetime,
    by: User,
    key: int | None,
    remarks: str,
    stock: Stock,
    job: int | None = None,
) -> Posting:
    entry = Entry(Process.RESOLUTION, process_at, plan, key=key, job=job, remarks=remarks)
    return post([entry], site=site, by=by, stock=stock)[0]


@dataclass(frozen=True, slots=True)
class _Settled:
    waiting: Movement
    moved: Decimal
    keeps: bool


def _settled(waiting: Movement, moved: Decimal, keeps: bool) -> _Settled:
    return _Settled(waiting, moved, keeps)


def _record(posting: Posting, settled: Sequence[_Settled], remarks: str) -> list[Settlement]:
    """Write what became of some movements; what was kept is found by the movement that it goes back to."""
    kept: dict[int, Movement] = {}
    if any(one.keeps for one in settled):
        rows = Movement.objects.filter(posting=posting, status=Status.UNRESOLVED)
        kept = {row.origin_id: row for row in rows if row.origin_id is not None}
    settlements = []
    for one in settled:
        rest = kept[one.waiting.origin_id or one.waiting.pk] if one.keeps else None
        assert one.waiting.due is not None
        dropped = ZERO if rest else one.waiting.due - one.moved
        settlements.append(
            Settlement(
                site_id=posting.site_id,
                movement=one.waiting,
                posting=posting,
                outcome=Outcome.RESOLVED,
                moved=one.moved,
                dropped=dropped,
                kept=rest,
                remarks=remarks,
            )
        )
    _add_settlements(settlements)
    return settlements


ADD_SETTLEMENTS = adding(
    "unresolved_settlement",
    {
        "site_id": "bigint",
        "movement_id": "bigint",
        "posting_id": "bigint",
        "outcome": "text",
        "moved": "bigint",
        "dropped": "bigint",
        "kept_id": "bigint",
        "remarks": "text",
    },
)


def _add_settlements(settlements: Sequence[Settlement]) -> None:
    rows = [
        (
            one.site_id,
            one.movement_id,
            one.posting_id,
            str(one.outcome),
            to_scaled(Decimal(one.moved)),
            to_scaled(Decimal(one.dropped)),
            one.kept_id,
            one.remarks,
        )
        for one in settlements
    ]
    add(ADD_SETTLEMENTS, settlements, rows)


@transaction.atomic
def cancel(
    *,
    site: Site,
    movements: Collection[int],
    remarks: str,
    by: User,
    at: datetime | date | None = None,
    key: str = "",
) -> list[Settlement]:
    """Say that what was due was not used, and why (U6). All of the movements, or none."""
    if not movements:
        raise InvalidValue("Say which movements were not used.", field="movements")
    content = {"movements": sorted(movements), "remarks": remarks, "at": at}
    new_key, done = claim_key(site=site, key=key, operation="cancel", content=content)
    if done:
        return list(done.settlements.order_by("pk"))
    locked = lock_waiting(site=site, movements=movements)
    for movement in sorted(movements):
        if movement not in locked:
            raise NotFound(f"There is no movement {movement}.", field="movement")
        if locked[movement].status != Status.UNRESOLVED:
            raise NotUnresolved(
                f"{locked[movement].item.code} ({movement}) is {locked[movement].status} already.", field="movement"
            )
    if not remarks.strip():
        raise RemarksRequired("Say why it was not used.", field="remarks")
    moment = event_time(site, at)
    for waiting in locked.values():
        require_not_before(site, moment, waiting.at)
    posting = _post(site, Plan(), process_at=moment, by=by, key=new_key, remarks=remarks, stock=Stock({}))
    return cancel_locked(list(locked.values()), posting=posting, remarks=remarks)


def cancel_locked(waiting: Sequence[Movement], *, posting: Posting, remarks: str) -> list[Settlement]:
    """Cancel locked unresolved movements as a part of some posting: a cancellation, or a booking's reversal."""
    set_status([movement.pk for movement in waiting], before=Status.UNRESOLVED, after=Status.CANCELLED)
    settlements = [
        Settlement(
            site_id=posting.site_id, movement=movement, posting=posting, outcome=Outcome.CANCELLED, remarks=remarks
        )
        for movement in waiting
    ]
    _add_settlements(settlements)
    return settlements


def retry(
    *,
    site: Site,
    by: User,
    movements: Collection[int] | None = None,
    at: datetime | date | None = None,
    key: str = "",
) -> list[Settlement]:
    """Settle whatever has become possible, oldest first; of all that is unresolved, or of some (U7).

    Whole, unless the action posts in part. What still doesn't fit, or needs a choice, goes on waiting.
    """
    return _retry(_retry_request(key, movements, at), site=site, by=by, movements=movements, at=at)


def retry_in_parts(
    *,
    site: Site,
    by: User,
    movements: Collection[int] | None = None,
    at: datetime | date | None = None,
    key: str = "",
    part: int = PART,
) -> Iterator[tuple[int, list[Settlement]]]:
    """The same for a long queue: part by part, each a transaction of its own, with how many movements it looked at.

    The parts of a keyed retry are posted under KEY#1, KEY#2 and so on, and KEY itself says that it came to its end:
    sent again it gives the first outcome, and one that was stopped halfway goes on where it stopped.
    """
    waiting = _candidates(site, movements)
    done = _parts_done(site, key) if key else 0
    if len(waiting) <= part and not done:
        yield len(waiting), retry(site=site, by=by, movements=movements, at=at, key=key)
        return
    for number in range(1, done + 1):
        yield 0, _retry(_retry_request(f"{key}#{number}", movements, at), site=site, by=by, movements=(), at=at)
    ended = key and Key.objects.filter(site=site, key=key).exists()
    starts = range(0) if ended else range(0, len(waiting), part)
    for number, start in enumerate(starts, done + 1):
        some = waiting[start : start + part]
        request = _retry_request(f"{key}#{number}" if key else "", movements, at)
        yield len(some), _retry(request, site=site, by=by, movements=some, at=at)
    if key:
        yield 0, _retry(_retry_request(key, movements, at), site=site, by=by, movements=(), at=at)


def _parts_done(site: Site, key: str) -> int:
    """How many parts of a retry were posted under a key."""
    number = 0
    while Key.objects.filter(site=site, key=f"{key}#{number + 1}").exists():
        number += 1
    return number


def _retry_request(key: str, movements: Collection[int] | None, at: datetime | date | None) -> Request:
    return Request(key, "retry", {"movements": None if movements is None else sorted(movements), "at": at})


@transaction.atomic
def _retry(
    request: Request,
    *,
    site: Site,
    by: User,
    movements: Collection[int] | None,
    at: datetime | date | None,
) -> list[Settlement]:
    claims = claim_keys(site=site, requests=[request])
    if request.key in claims.posted:
        return list(claims.posted[request.key].settlements.order_by("pk"))
    new_key = claims.new.get(request.key)
    moment = event_time(site, at)
    candidates = _candidates(site, movements)
    locked = lock_waiting(site=site, movements=candidates)
    queue = [
        waiting
        for waiting in sorted(locked.values(), key=_oldest_first)
        if waiting.status == Status.UNRESOLVED and waiting.at <= moment
    ]
    due = [_due_now(waiting) for waiting in queue]
    stock = lock_balances(site=site, pots=pots_of(due))
    plan, settled = _plan_retry(queue, due, stock)
    if not settled and new_key is None:
        return []
    posting = _post(site, plan, process_at=moment, by=by, key=new_key, remarks="", stock=stock)
    set_status([one.waiting.pk for one in settled], before=Status.UNRESOLVED, after=Status.RESOLVED)
    return _record(posting, settled, "")


def preview_retry(*, site: Site, movements: Collection[int] | None = None) -> list[tuple[Movement, Decimal]]:
    """What a retry would settle now, with the quantity that would move: the same plan, not posted."""
    queue = list(_without_choice(site, movements))
    due = [_due_now(waiting) for waiting in queue]
    _, settled = _plan_retry(queue, due, read_balances(site=site, pots=pots_of(due)))
    return [(one.waiting, one.moved) for one in settled]


def _without_choice(site: Site, movements: Collection[int] | None) -> QuerySet[Movement]:
    """Those unresolved movements that a retry can settle at all: what needs a choice is for a person."""
    untracked = waiting_movements(site).filter(
        item__tracking=Tracking.NONE, source__bin_controlled=False, target__bin_controlled=False
    )
    return untracked if movements is None else untracked.filter(pk__in=movements)


def _candidates(site: Site, movements: Collection[int] | None) -> list[int]:
    return list(_without_choice(site, movements).values_list("pk", flat=True))


def _oldest_first(waiting: Movement) -> tuple[datetime, int, int]:
    return waiting.at, waiting.origin_id or waiting.pk, waiting.pk


def _due_now(waiting: Movement) -> Move:
    """What is due, as it would move now, at the cost of now."""
    action = waiting.rule.action if waiting.rule else None
    assert waiting.item.cost_id is not None
    return replace(
        move_of(waiting),
        cost=waiting.item.cost_id,
        resolves=waiting.pk,
        origin=waiting.origin_id or waiting.pk,
        parts_allowed=action is not None and action.short == ShortRule.PART,
    )


def _plan_retry(queue: Sequence[Movement], due: Sequence[Move], stock: Stock) -> tuple[Plan, list[_Settled]]:
    plan, settled = Plan(), []
    for waiting, move in zip(queue, due, strict=True):
        steps = plan_posting((), [move], stock).steps
        moved = sum((step.move.quantity for step in steps if isinstance(step, Moved)), ZERO)
        if not moved:
            continue
        rest = _kept(waiting, moved, "keep") if moved < move.quantity else []
        plan.steps.extend(step for step in steps if isinstance(step, Moved))
        plan.steps.extend(rest)
        settled.append(_Settled(waiting, moved, bool(rest)))
    return plan, settled


@transaction.atomic
def undo(*, site: Site, posting: int, by: User, at: datetime | date | None = None, key: str = "") -> Posting:
    """Undo a resolution, a cancellation or a retry: the stock goes back and the same due is unresolved again (V3)."""
    new_key, done = claim_key(site=site, key=key, operation="undo", content={"posting": posting, "at": at})
    if done:
        return done
    settlements = _lock_settled(site, posting)
    original = settlements[0].posting
    moment = event_time(site, at)
    require_not_before(site, moment, original.at)
    taken = Movement.objects.filter(posting=original, status=Status.OK).select_related("item", "source", "target")
    back = [move_of(movement).mirrored(movement=movement.pk) for movement in taken.order_by("-pk")]
    require_jobs_had(back)
    stock = lock_balances(site=site, pots=pots_of(back))
    entry = Entry(Process.REVERSAL, moment, plan_posting(back, (), stock), new_key, original.job_id, original.pk)
    undoing = post([entry], site=site, by=by, stock=stock)[0]
    for outcome, before in ((Outcome.RESOLVED, Status.RESOLVED), (Outcome.CANCELLED, Status.CANCELLED)):
        again = [one.movement_id for one in settlements if one.outcome == outcome]
        set_status(again, before=before, after=Status.UNRESOLVED)
    kept = [one.kept_id for one in settlements if one.kept_id is not None]
    set_status(kept, before=Status.UNRESOLVED, after=Status.WITHDRAWN)
    Settlement.objects.filter(pk__in=[one.pk for one in settlements]).update(undone_by=undoing)
    return undoing


def _lock_settled(site: Site, posting: int) -> list[Settlement]:
    """Lock what a posting settled, with its jobs first; refused where it can't be undone."""
    settlements = list(
        Settlement.objects.filter(site=site, posting=posting)
        .select_related("posting", "kept", "movement__item")
        .order_by("pk")
    )
    if not settlements or settlements[0].posting.process != Process.RESOLUTION:
        raise NotReversible(f"Posting {posting} settled nothing that could be undone.", field="posting")
    jobs = {one.movement.job_id for one in settlements if one.movement.job_id is not None}
    list(Job.objects.select_for_update(no_key=True).filter(site=site, pk__in=jobs).order_by("pk"))
    kept = {one.kept_id for one in settlements if one.kept_id is not None}
    locked = lock_waiting(site=site, movements={one.movement_id for one in settlements} | kept)
    require_undoable(settlements, kept=locked)
    return settlements


def require_undoable(settlements: Sequence[Settlement], *, kept: Mapping[int, Movement]) -> None:
    """Refuse to undo what was undone before, what went back with its booking, or of which the rest was settled since.

    `kept` are the rests that were kept, as they stand now.
    """
    posting = settlements[0].posting_id
    if Settlement.objects.filter(posting=posting, undone_by__isnull=False).exists():
        raise AlreadyReversed(f"Posting {posting} was undone before.", field="posting")
    roots = {one.movement.origin_id or one.movement_id for one in settlements}
    if Posting.objects.filter(reverses__movements__in=roots).exists():
        raise AlreadyReversed("The booking itself was reversed since, with all that became of it.", field="posting")
    for one in settlements:
        if one.kept_id is not None and kept[one.kept_id].status != Status.UNRESOLVED:
            raise SettledSince(
                f"{one.movement.item.code}: the rest that was kept has been settled since. Undo that first.",
                field="posting",
            )


def require_jobs_had(back: Sequence[Move]) -> None:
    """Refuse to give back more than the jobs have had (`more_than_issued`)."""
    for job in Job.objects.filter(pk__in={move.job for move in back if move.job is not None}):
        require_had(job, [move for move in back if move.job == job.pk])
