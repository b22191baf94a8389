"""Cancelling: saying that what was due was not used, and why."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from django.db import transaction

from backflush.core.moves import Plan, Status, stock_keys_of
from backflush.core.refusals import InvalidValue, RemarksRequired
from backflush.ledger.archived_numbers import no_number
from backflush.ledger.idempotency import claim_key
from backflush.ledger.models import ArchivedKind, Movement, Posting
from backflush.ledger.posting import lock_balances, lock_waiting, set_status
from backflush.ledger.selectors import move_of, require_not_before
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import event_time
from backflush.unresolved.models import Settlement, SettlementOutcome
from backflush.unresolved.settlement import (
    Settled,
    effects_of_waiting,
    orders_of_recording,
    post_settlement,
    record,
    settled_already,
)


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
        raise InvalidValue("No movement is chosen. Choose those that were not used.", field="movements")
    content = {"movements": sorted(movements), "remarks": remarks, "at": at}
    new_key, done = claim_key(site=site, key=key, operation="cancel", content=content)
    if done:
        return list(done.settlements.order_by("pk"))
    locked = lock_waiting(site=site, movements=movements)
    for movement in sorted(movements):
        if movement not in locked:
            raise no_number(site, ArchivedKind.MOVEMENT, movement)
        if locked[movement].status != Status.UNRESOLVED:
            raise settled_already(locked[movement])
    if not remarks.strip():
        raise RemarksRequired("The reason is missing. Enter why the material was not used.", field="remarks")
    moment = event_time(site, at)
    for waiting in locked.values():
        require_not_before(site, moment, waiting.at)
    unused = list(locked.values())
    stock = lock_balances(site=site, stock_keys=stock_keys_of(map(move_of, unused)))
    effects = effects_of_waiting(unused, orders_of_recording(site, unused, stock), undone=True)
    posting = post_settlement(site, Plan, at=moment, by=by, key=new_key, remarks=remarks, stock=stock, effects=effects)
    return cancel_locked(list(locked.values()), posting=posting, remarks=remarks)


def cancel_locked(waiting: Sequence[Movement], *, posting: Posting, remarks: str) -> list[Settlement]:
    """Cancel locked unresolved movements as a part of some posting: a cancellation, or a booking's reversal."""
    set_status(
        [movement.pk for movement in waiting], site=posting.site, before=Status.UNRESOLVED, after=Status.CANCELLED
    )
    return record(
        posting, [Settled(movement.pk, SettlementOutcome.CANCELLED) for movement in waiting], remarks
    ).settlements()
