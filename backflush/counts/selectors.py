"""Counts and the movements of their differences."""

from django.db.models import QuerySet

from backflush.core.refusals import AlreadyReversed, NotFound, NotReversible
from backflush.counts.models import CountChange, StockCount
from backflush.ledger.models import Movement, Posting
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import day_at


def counts(site: Site, *, item: str = "", location: str = "", status: str = "") -> QuerySet[StockCount]:
    """Return the counts of a site, the latest first; all filters must match. `location` is a path or a store."""
    found = StockCount.objects.filter(site=site).select_related(
        "item__stock_unit", "location", "counted_by", "posting__by", "reversed_by"
    )
    if item:
        found = found.filter(item__code=item)
    if location:
        found = found.filter(**{"location__path" if "/" in location else "location__store__code": location})
    if status:
        found = found.filter(status=status)
    return found.order_by("-at", "-id")


def count_numbered(site: Site, number: int) -> StockCount:
    """Return a count of a site; raises `NotFound`."""
    found = counts(site).filter(pk=number).first()
    if found is None:
        raise NotFound("There is no count {count}.", count=number, field="count")
    return found


def count_of(posting: Posting) -> StockCount | None:
    """Return the count that a posting entered; None for a posting of another kind, or a correction of a count."""
    found = StockCount.objects.filter(site=posting.site_id, posting=posting)
    return found.select_related("item__stock_unit", "location", "reversed_by__by").first()


def movements_of_count(count: StockCount) -> QuerySet[Movement]:
    """Return the movements of a count's difference, corrections too, the latest first."""
    changes = CountChange.objects.filter(site=count.site_id, count=count)
    return Movement.objects.filter(site=count.site_id, posting__in=changes.values("posting")).order_by("-pk")


def not_a_count(posting: int) -> NotReversible:
    """Return the refusal of reversing the correction of a count by itself."""
    return NotReversible(
        "Posting {posting} corrects the difference of a count, so it can't be reversed by itself. Reverse the "
        "count, or the posting that made the correction necessary.",
        posting=posting,
        field="posting",
    )


def require_count_not_reversed(count: StockCount) -> None:
    """Refuse to reverse a count twice (`already_reversed`)."""
    if count.reversed_by is not None:
        raise AlreadyReversed(
            "This was reversed on {day} by {user}.",
            day=day_at(count.site, count.reversed_by.at),
            user=count.reversed_by.by.name,
            field="posting",
        )
