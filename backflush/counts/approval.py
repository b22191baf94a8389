"""Approve or reject counts that wait for it: what is approved is posted at the time of the count (H5)."""

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from backflush.core.refusals import CountNotOpen, InsufficientStock, NotAllowed, NotFound, RemarksRequired
from backflush.core.text import require_short
from backflush.counts.corrections import stock_key_of
from backflush.counts.differences import post_differences
from backflush.counts.models import CountDecision, CountStatus, Decision, StockCount
from backflush.ledger.posting import REMARKS_LENGTH, lock_balances
from backflush.people.models import User
from backflush.stockmap.models import Site


@transaction.atomic
def approve_counts(*, site: Site, counts: Collection[int], by: User, remarks: str = "") -> list[StockCount]:
    """Post the differences of counts that wait for approval, or were short or to be counted again: all, or none.

    The differences are those of the counts' own times, as they are known now. Locks the balances. Raises `NotFound`,
    `CountNotOpen`, `NotAllowed` for a count of one's own, `InsufficientStock` where a balance would be negative, and
    what `post_differences` is refused for.
    """
    found = lock_open(site, counts)
    own = [count for count in found if count.counted_by_id == by.pk]
    if own:
        raise NotAllowed(
            "You counted {item} at {location} yourself. Another person must approve the count.",
            item=own[0].item.code,
            location=own[0].location.path,
            field="counts",
        )
    post_differences(
        found,
        site=site,
        by=by,
        keys=[None] * len(found),
        remarks=[remarks] * len(found),
        decide=lambda count: CountStatus.POSTED,
    )
    for count in found:
        if count.status == CountStatus.SHORT:
            raise InsufficientStock(
                "{item} at {location}: {quantity} were counted, but more has left since than that. Look at its "
                "movements since the count, or count it again.",
                item=count.item.code,
                location=count.location.path,
                quantity=count.quantity,
                field="counts",
            )
    approved = StockCount.objects.filter(site=site, pk__in=[count.pk for count in found])
    approved.update(status=CountStatus.POSTED)
    # The others got theirs with their changes.
    agreeing = [count.pk for count in found if not count.difference]
    StockCount.objects.filter(site=site, pk__in=agreeing).update(difference=0)
    _note(site, found, Decision.APPROVED, by, remarks)
    return found


@transaction.atomic
def reject_counts(*, site: Site, counts: Collection[int], by: User, remarks: str) -> list[StockCount]:
    """Reject counts that wait: they are kept and never posted. Raises `NotFound`, `CountNotOpen`, `RemarksRequired`."""
    if not remarks.strip():
        raise RemarksRequired("The reason is missing. Enter why the count is rejected.", field="remarks")
    found = lock_open(site, counts)
    for count in found:
        count.status = CountStatus.REJECTED
    StockCount.objects.filter(site=site, pk__in=[count.pk for count in found]).update(status=CountStatus.REJECTED)
    _note(site, found, Decision.REJECTED, by, remarks)
    return found


def lock_open(site: Site, numbers: Collection[int]) -> list[StockCount]:
    """Lock the balances of some open counts, and return the counts in the order of their numbers.

    Whoever changes a count holds the lock of its balance. Raises `NotFound` and `CountNotOpen`.
    """
    rows = StockCount.objects.filter(site=site, pk__in=numbers).select_related("item__stock_unit", "location")
    lock_balances(site=site, stock_keys={stock_key_of(count) for count in rows})
    found = list(rows.order_by("pk").all())
    missing = set(numbers) - {count.pk for count in found}
    if missing or not found:
        raise NotFound("There is no count {count}.", count=min(missing, default=0), field="counts")
    for count in found:
        if not CountStatus(count.status).open or count.reversed_by_id is not None:
            raise CountNotOpen(
                "The count of {item} at {location} isn't open any more: it is {status}. Nothing was posted.",
                item=count.item.code,
                location=count.location.path,
                status="reversed" if count.reversed_by_id else CountStatus(count.status),
                field="counts",
            )
    return found


def _note(site: Site, counts: Collection[StockCount], decision: Decision, by: User, remarks: str) -> None:
    if remarks:
        require_short(remarks, REMARKS_LENGTH, field="remarks", what="A remark")
    now = timezone.now()
    CountDecision.objects.bulk_create(
        CountDecision(site=site, count=count, decision=decision, by=by, at=now, remarks=remarks) for count in counts
    )
