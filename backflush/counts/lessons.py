"""What one count taught: the cause of its difference, if the ledger knows one (H8)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from backflush.core.count_statistics import Cause, cause_of
from backflush.counts.models import CountStatus, StockCount
from backflush.items.models import UnitConversion
from backflush.items.selectors import converter
from backflush.stockmap.models import Location

NEARBY: Final = timedelta(days=14)
"""Counts of the same item within this time may explain each other."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """The cause of a difference; for a wrong place, the other place, from or to which the difference may be moved."""

    cause: Cause
    other: Location | None = None


def lesson_of(count: StockCount) -> Lesson:
    """Return what a count taught, in at most five statements. Give it with its item and the item's unit."""
    elsewhere = (
        StockCount.objects.filter(
            site=count.site_id,
            item=count.item_id,
            batch=count.batch,
            serial=count.serial,
            difference=-count.difference,
            reversed_by__isnull=True,
            at__range=(count.at - NEARBY, count.at + NEARBY),
        )
        .exclude(status__in=(CountStatus.REPLACED, CountStatus.REJECTED))
        .exclude(location=count.location_id)
        .select_related("location")
        .order_by("at", "pk")
        .first()
        if count.difference
        else None
    )
    again = StockCount.objects.filter(site=count.site_id, recount_of=count).first()
    found, unit = converter([count.item_id]), count.item.stock_unit.code
    own = UnitConversion.objects.filter(item=count.item_id).values_list("source__code", "target__code")
    factors = {found.factor(count.item_id, code, unit) for pair in own for code in pair}
    cause = cause_of(
        counted=count.quantity,
        expected=count.expected,
        difference=count.difference,
        factors=[factor for factor in factors if factor],
        found_elsewhere=elsewhere is not None,
        recount_agrees=again is not None and bool(again.within),
    )
    return Lesson(cause, elsewhere.location if cause is Cause.WRONG_PLACE and elsewhere else None)
