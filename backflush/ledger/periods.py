"""Close and reopen periods, and store the balances at their end.

A closing takes two transactions. The first locks the site's row, which waits for bookings in progress and blocks new
ones; so it only stores the closed day. From then on nothing in the period can change, and the second transaction
computes its balances while users go on booking.
"""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from backflush.core.refusals import Archived, DateInFuture, NotFound, PeriodClosed, RemarksRequired, UnresolvedInPeriod
from backflush.core.sentences import Count
from backflush.core.text import require_short
from backflush.ledger.history import known_nearest, standing_closings, values_until
from backflush.ledger.models import Movement, PeriodBalance, PeriodClosing
from backflush.ledger.posting import REMARKS_LENGTH
from backflush.ledger.selectors import waiting_movements
from backflush.ledger.statements import KEEP_BALANCES_AT_MOMENT
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import day_at, moment_of

DAY = timedelta(days=1)


def end_of_day(site: Site, day: date) -> datetime:
    """Return the first moment after a day in the site's time zone."""
    return moment_of(site, day + DAY)


def waiting_through(site: Site, through: date) -> QuerySet[Movement]:
    """Return unresolved movements of all days up to one, oldest first, including those of closed periods."""
    return waiting_movements(site).filter(at__lt=end_of_day(site, through))


def closings(site: Site) -> QuerySet[PeriodClosing]:
    """Return every closing of a site, newest first, including reopened ones."""
    return PeriodClosing.objects.filter(site=site).select_related("closed_by", "reopened_by").order_by("-pk")


def require_closable(site: Site, through: date) -> None:
    """Refuse to close through a day that isn't over, or that is closed already."""
    today = day_at(site, timezone.now())
    if through >= today:
        raise DateInFuture(
            "{day} isn't over. Close up to {latest} at the latest.", day=through, latest=today - DAY, field="through"
        )
    if site.closed_through is not None and through <= site.closed_through:
        raise PeriodClosed(
            "Everything up to {day} is closed already. Choose a later day.", day=site.closed_through, field="through"
        )


def close_period(
    *, site: Site, through: date, by: User, remarks: str = "", known_unresolved: int | None = 0
) -> PeriodClosing:
    """Close all days of a site up to and including one, and store the balances at its end (P).

    Unresolved movements stay unresolved, and are settled with a later event time (V4). The caller passes how many of
    them the user knows of; if there are more, it is refused (`unresolved_in_period`). None accepts any number.
    """
    closing = _close(site, through, by, remarks, known_unresolved)
    site.closed_through, site.closed_by = closing.through, by
    count_balances(site)
    closing.refresh_from_db()
    return closing


@transaction.atomic
def _close(site: Site, through: date, by: User, remarks: str, known_unresolved: int | None) -> PeriodClosing:
    require_short(remarks, REMARKS_LENGTH, field="remarks", what="A remark")
    # An exclusive lock: every booking holds a shared lock on this row from the insert of its posting to its commit.
    locked = Site.objects.select_for_update().get(pk=site.pk)
    require_closable(locked, through)
    waiting = waiting_through(locked, through).order_by().select_related(None).count()
    if known_unresolved is not None and waiting > known_unresolved:
        raise UnresolvedInPeriod(
            "Unresolved movements up to {through}: {count}, more than you have seen. Settle them, or confirm that "
            "you close the period with them.",
            through=through,
            count=Count(waiting),
            field="unresolved",
        )
    Site.objects.filter(pk=site.pk).update(closed_through=through, closed_by=by)
    return PeriodClosing.objects.create(
        site=site,
        through=through,
        until=end_of_day(site, through),
        closed_at=timezone.now(),
        closed_by=by,
        remarks=remarks,
        unresolved=waiting,
    )


@transaction.atomic
def count_balances(site: Site) -> int:
    """Store the balances at the end of every closed period that has none yet, and return the number of periods.

    Usually that is the period just closed, and one more if the process died between a closing's two transactions.
    Bookings don't wait: the site's row is locked only against other closings.
    """
    site = Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    uncounted = list(standing_closings(site).filter(counted_at__isnull=True).order_by("until"))
    for closing in uncounted:
        closing.stock_keys = _count(site, closing)
        closing.counted_at = timezone.now()
        closing.save(update_fields=["stock_keys", "counted_at"])
    return len(uncounted)


def _count(site: Site, closing: PeriodClosing) -> int:
    """Store every balance at a period's end, computed from the nearest known moment."""
    known = known_nearest(site, closing.until)
    return KEEP_BALANCES_AT_MOMENT.execute_replanned(
        **values_until(site, known, closing.until), of_closing_id=closing.pk
    )


def _require_not_archived(site: Site, through: date) -> None:
    """Refuse (`archived`) to reopen a period that is partly archived, because archives can't change."""
    earlier = standing_closings(site).filter(through__lt=through).order_by("until").last()
    if site.archived_through is not None and (earlier is None or site.archived_through > earlier.through):
        raise Archived(
            "Some movements up to {through} are archived. Restore the archives first (`backflush unarchive FILE`).",
            through=site.archived_through,
            field="through",
        )


@transaction.atomic
def reopen_period(*, site: Site, through: date, by: User, remarks: str) -> list[PeriodClosing]:
    """Reopen the period that was closed through a day, and every later one. A reason is required.

    Their stored balances are deleted, because they may change now. Bookings don't wait: one that still sees the site as
    closed is refused once more.
    """
    require_short(remarks, REMARKS_LENGTH, field="remarks", what="A remark")
    if not remarks.strip():
        raise RemarksRequired("The reason is missing. Enter why the period is reopened.", field="remarks")
    locked = Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    standing = standing_closings(site).order_by("until")
    again = list(standing.filter(through__gte=through))
    if not again or again[0].through != through:
        raise NotFound("No period is closed up to {day}.", day=through, field="through")
    _require_not_archived(locked, through)
    PeriodBalance.objects.filter(site=site, closing__in=again).delete()
    PeriodClosing.objects.filter(pk__in=[closing.pk for closing in again]).update(
        reopened_at=timezone.now(), reopened_by=by, reopened_because=remarks, counted_at=None, stock_keys=0
    )
    last = standing.last()
    locked.closed_through, locked.closed_by = (last.through, last.closed_by) if last else (None, None)
    locked.save(update_fields=["closed_through", "closed_by"])
    site.closed_through, site.closed_by = locked.closed_through, locked.closed_by
    return list(closings(site).filter(pk__in=[closing.pk for closing in again]))
