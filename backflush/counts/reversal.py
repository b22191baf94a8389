"""Reverse a count, with all corrections of its difference (H5)."""

from datetime import date, datetime

from django.db import transaction

from backflush.core.counts import effects_of
from backflush.core.moves import Process, plan_posting
from backflush.counts.corrections import post_corrected, stock_key_of
from backflush.counts.models import CountChange, CountStatus, SheetLine, StockCount
from backflush.counts.selectors import count_of, movements_of_count, not_a_count, require_count_not_reversed
from backflush.ledger.idempotency import claim_key
from backflush.ledger.models import Posting
from backflush.ledger.posting import Entry, lock_balances
from backflush.ledger.selectors import move_of, posting_numbered, require_not_before
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import event_time


@transaction.atomic
def reverse_count(*, site: Site, posting: int, by: User, at: datetime | date | None = None, key: str = "") -> Posting:
    """Reverse a count once, with all corrections of its difference (H5, V3). The count is kept as reversed.

    Locks the key, the posting and the balance. Raises `AlreadyReversed`, `NotFound`, `DateBeforeOriginal`,
    `InsufficientStock`, `PeriodClosed`, `KeyReused`.
    """
    new_key, done = claim_key(site=site, key=key, operation="reverse", content={"posting": posting, "at": at})
    if done:
        return done
    original = posting_numbered(site, posting)
    count = count_of(original)
    if count is None:
        raise not_a_count(posting)
    Posting.objects.select_for_update(no_key=True, of=("self",)).get(site=site, pk=posting)
    stock = lock_balances(site=site, stock_keys=[stock_key_of(count)])
    # Read it again under the lock: a correction or another reversal may have come first.
    count = count_of(original)
    assert count is not None, "counts are never deleted"
    require_count_not_reversed(count)
    moment = event_time(site, at)
    require_not_before(site, moment, count.at)
    taken = movements_of_count(count).select_related("item", "source", "target")
    back = [move_of(movement).mirrored(movement=movement.pk) for movement in taken]
    # What comes into stock first, so that the balance doesn't fall below zero in between.
    back.sort(key=lambda move: move.target_stock_key is None)
    reversal = post_corrected(
        lambda: Entry(Process.REVERSAL, moment, plan_posting(back, (), stock), new_key, reverses_id=posting),
        effects_of(back, at=count.at, order=posting),
        site=site,
        by=by,
        stock=stock,
    )
    # The difference itself stays on the count, as a record of what was found.
    if count.status == CountStatus.POSTED and count.difference:
        CountChange.objects.create(site=site, count=count, posting=reversal, change=-count.difference)
    StockCount.objects.filter(site=site, pk=count.pk).update(reversed_by=reversal)
    # The line of its sheet is to be counted again.
    SheetLine.objects.filter(site=site, count=count, open=True).update(count=None)
    return reversal
