"""(j) Close the periods of a long history, read balances at a date after it, and archive the oldest part."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from time import perf_counter
from typing import Final

from django.db.models import Exists, OuterRef

from backflush.archives.services import archive
from backflush.audit.models import Audit
from backflush.core.lifecycle import OrderStatus
from backflush.core.moves import Process
from backflush.ledger.models import Movement, Posting
from backflush.ledger.periods import close_period
from backflush.works.models import WorksOrder
from tests.speed.copies import Places
from tests.speed.figures import Figure, counted, peak_memory_mb
from tests.speed.pages import busiest_site_and_user, visited

MONTHS, A_MONTH = 14, timedelta(days=30)
TO_ARCHIVE: Final = 5_000
"""The approximate number of bookings to archive, the oldest ones of complete orders."""
LIST, PAGE = "/stock/balances/?item={item}&on={month_ago}", "/stock/balances/?on={month_ago}"


def closed_and_archived(places: Places, of: str) -> list[Figure]:
    """Close all days month by month, as a plant does; then archive the oldest bookings."""
    site, person = busiest_site_and_user()
    complete = WorksOrder.objects.filter(cost_object=OuterRef("cost_object"), status=OrderStatus.COMPLETE)
    bookings = Posting.objects.filter(Exists(complete), site=site, process=Process.WORKS_ORDER)
    through = bookings.order_by("at").values_list("at", flat=True)[TO_ARCHIVE].date()
    last = datetime.now(UTC).date() - timedelta(days=2)

    def closes_all() -> None:
        for back in range(MONTHS - 1, -1, -1):
            close_period(site=site, through=last - back * A_MONTH, by=person, known_unresolved=None)

    figures = [
        _took(places, f"close {MONTHS} months one after the other, {of}", closes_all),
        *_seen(places, f"{of}, closed month by month"),
    ]
    # Mark the audit of the page measurement as signed off, because a current audit prevents archiving.
    Audit.objects.filter(site=site, signed_at__isnull=True).update(signed_at=datetime.now(UTC), signed_by=person)
    site.refresh_from_db()
    before = Movement.objects.filter(site=site).count()
    put_away = _took(
        places,
        f"archive the first {TO_ARCHIVE:,} bookings of complete orders, {of}",
        partial(archive, site=site, through=through, folder=places.folder, by=person),
    )
    put_away.more["movements that went into the archive"] = before - Movement.objects.filter(site=site).count()
    return [*figures, put_away]


def _seen(places: Places, of: str) -> list[Figure]:
    pages = visited(places.engine, of, (("list", [LIST]), ("page", [PAGE])))
    return [replace(figure, measurement="j", detail=False) for figure in pages]


def _took(places: Places, what: str, does: Callable[[], object]) -> Figure:
    with counted() as statements:
        begun = perf_counter()
        does()
        seconds = perf_counter() - begun
    return Figure(
        "j", places.engine, what, "times", 0, median_ms=1000 * seconds,
        statements=len(statements), memory_mb=peak_memory_mb(),
    )  # fmt: skip
