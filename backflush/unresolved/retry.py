"""Retry: settling every unresolved movement that has become possible, oldest first, at once or in parts."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from backflush.core.moves import (
    Moved,
    Plan,
    Reason,
    Status,
    Stock,
    Tracking,
    choice_needed,
    plan_posting,
    stock_keys_of,
)
from backflush.ledger.idempotency import Request, claim_keys
from backflush.ledger.models import Key, Movement
from backflush.ledger.open_requirements import Due, lock_due, read_due
from backflush.ledger.posting import lock_balances, read_balances, set_status
from backflush.ledger.selectors import waiting_movements
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import event_time
from backflush.unresolved.models import Settlement, SettlementOutcome
from backflush.unresolved.settlement import Recorded, Settled, kept_rest, post_settlement, record

PART = 1_000
"""The number of unresolved movements that a long retry examines in one transaction."""
_UNKEYED: Final = Request("", "retry", {})


def retry(
    *,
    site: Site,
    by: User,
    movements: Collection[int] | None = None,
    at: datetime | date | None = None,
    key: str = "",
) -> list[Settlement]:
    """Settle every unresolved movement that has become possible, oldest first: of all at the site, or of some (U7).

    Each is settled whole, unless its action posts in part. Those that are still short or need a choice stay as they
    are. Locks the key, the movements with their origins, and balances. Raises `KeyReused`, `PeriodClosed`,
    `DateInFuture`.
    """
    done = retry_part(site=site, by=by, movements=movements, at=at, request=_request(key, movements, at))
    return done.settlements() if done else []


def retry_in_parts(
    *,
    site: Site,
    by: User,
    movements: Collection[int] | None = None,
    at: datetime | date | None = None,
    key: str = "",
    part: int = PART,
) -> Iterator[tuple[int, Recorded | None]]:
    """Retry a long queue in parts, each in a transaction of its own. Yield movements examined, and result.

    The parts of a keyed retry are posted under KEY#1, KEY#2 and so on, and KEY itself marks its end. Sent again under
    the same key, a finished retry returns its first result and one that was stopped goes on where it stopped.
    """
    waiting = _candidates(site, movements)
    done = _parts_done(site, key) if key else 0
    if len(waiting) <= part and not done:
        request = _request(key, movements, at)
        yield len(waiting), retry_part(site=site, by=by, movements=movements, at=at, request=request)
        return
    for number in range(1, done + 1):
        request = _request(f"{key}#{number}", movements, at)
        yield 0, retry_part(site=site, by=by, movements=(), at=at, request=request)
    ended = key and Key.objects.filter(site=site, key=key).exists()
    starts = range(0) if ended else range(0, len(waiting), part)
    for number, start in enumerate(starts, done + 1):
        some = waiting[start : start + part]
        request = _request(f"{key}#{number}" if key else "", movements, at)
        yield len(some), retry_part(site=site, by=by, movements=some, at=at, request=request)
    if key:
        yield 0, retry_part(site=site, by=by, movements=(), at=at, request=_request(key, movements, at))


def _parts_done(site: Site, key: str) -> int:
    """Return how many parts of a retry were posted under a key."""
    number = 0
    while Key.objects.filter(site=site, key=f"{key}#{number + 1}").exists():
        number += 1
    return number


def _request(key: str, movements: Collection[int] | None, at: datetime | date | None) -> Request:
    return Request(key, "retry", {"movements": None if movements is None else sorted(movements), "at": at})


@transaction.atomic
def retry_part(
    *,
    site: Site,
    by: User,
    movements: Collection[int] | None,
    at: datetime | date | None = None,
    request: Request = _UNKEYED,
    remarks: str = "",
) -> Recorded | None:
    """Retry some movements in one transaction. Return what it settled, or None if nothing.

    See `retry` for locks and refusals.
    """
    claims = claim_keys(site=site, requests=[request])
    if request.key in claims.posted:
        return Recorded.under(claims.posted[request.key])
    new_key = claims.new.get(request.key)
    moment = event_time(site, at)
    candidates = _candidates(site, None) if movements is None else movements
    due = [one for one in lock_due(site=site, movements=candidates) if one.at <= moment and not choice_needed(one.move)]
    stock = lock_balances(site=site, stock_keys=stock_keys_of(one.move for one in due))
    # What moves was assumed to be used from where it is taken, so no count is affected (H2).
    plan, settled = _plan_retry(due, stock)
    if not settled and new_key is None:
        return None
    posting = post_settlement(site, lambda: plan, at=moment, by=by, key=new_key, remarks=remarks, stock=stock)
    set_status([one.movement for one in settled], site=site, before=Status.UNRESOLVED, after=Status.RESOLVED)
    return record(posting, settled, remarks)


def preview_retry(*, site: Site, movements: Collection[int] | None = None) -> list[tuple[Movement, Decimal]]:
    """Return the movements that a retry would settle now, with the quantities that would move; nothing is posted."""
    waiting = {row.pk: row for row in _without_choice(site, movements)}
    due = read_due(site=site, movements=waiting.keys())
    _, settled = _plan_retry(due, read_balances(site=site, stock_keys=stock_keys_of(one.move for one in due)))
    return [(waiting[one.movement], one.moved) for one in settled]


@dataclass(frozen=True, slots=True)
class RetryPreview:
    """Return what a retry would settle, with the quantities that would move, and how many movements it would leave.

    Of those left, `short` are short, perhaps because an older one takes the stock, and `choice` need a choice.
    """

    settled: list[tuple[Movement, Decimal]]
    short: int
    choice: int


def preview_retry_with_counts(*, site: Site, movements: Collection[int] | None = None) -> RetryPreview:
    """Return the preview of a retry with how many movements it leaves: of all at the site, or of some."""
    settled = preview_retry(site=site, movements=movements)
    waits = Q(site=site, status=Status.UNRESOLVED)
    # The status of some is checked afterwards, or SQLite reads all unresolved movements to find them.
    candidates = Movement.objects.filter(waits if movements is None else Q(site=site, pk__in=movements))
    found = candidates.aggregate(
        all=Count("pk", filter=waits), choice=Count("pk", filter=waits & ~Q(reason=Reason.SHORT))
    )
    # One that needed a choice when it was booked needs none where its item or location isn't tracked any more.
    choice = found["choice"] - sum(1 for waiting, _ in settled if waiting.reason != Reason.SHORT)
    return RetryPreview(settled, found["all"] - len(settled) - choice, choice)


def _plan_retry(due: Sequence[Due], stock: Stock) -> tuple[Plan, list[Settled]]:
    """Return the plan of what can move, with the remainders of what moves in part, and how each movement is settled."""
    plan, settled = Plan(), list[Settled]()
    by_number = {one.number: one for one in due}
    for step in plan_posting((), [one.move for one in due], stock).steps:
        assert step.move.resolves_id is not None
        one = by_number[step.move.resolves_id]
        if isinstance(step, Moved):
            rest_of = one.root if step.move.quantity < one.move.quantity else None
            settled.append(Settled(one.number, SettlementOutcome.RESOLVED, step.move.quantity, rest_of=rest_of))
            plan.steps.append(step)
        elif settled and settled[-1].movement == one.number:
            rest = kept_rest(replace(one.move, cost_id=one.cost), step.move.quantity, reason=one.reason, at=one.at)
            plan.steps.append(rest)
    return plan, settled


NO_CHOICE: Final = Q(item__tracking=Tracking.NONE, source__bin_controlled=False, target__bin_controlled=False)
"""Movements that need no choice, as `choice_needed` decides it in the core: a retry can settle only these."""


def _without_choice(site: Site, movements: Collection[int] | None) -> QuerySet[Movement]:
    found = waiting_movements(site).filter(NO_CHOICE)
    return found if movements is None else found.filter(pk__in=movements)


def _candidates(site: Site, movements: Collection[int] | None) -> list[int]:
    return list(_without_choice(site, movements).values_list("pk", flat=True))
