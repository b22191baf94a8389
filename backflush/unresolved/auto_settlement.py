"""Automatic settlement of unresolved movements when stock arrives, where the action says so (U7).

Each settlement is a transaction of its own, after the posting that brought the stock, so no booking or receipt waits
for it or fails with it. Nothing is queued in between: what can be settled follows from the balances. The worker looks
whenever something was posted.
"""

import logging
from itertools import groupby
from time import monotonic
from typing import Final

from backflush.core.moves import Status
from backflush.core.refusals import Refusal
from backflush.ledger.models import Movement, Posting
from backflush.people.models import User
from backflush.stockmap.models import RetryRule, Site
from backflush.unresolved.arrivals import waiting_for_stock
from backflush.unresolved.retry import retry_part
from backflush.unresolved.settlement import Recorded

logger = logging.getLogger(__name__)

AT_ONCE: Final = 500
"""The number of movements settled in one round; the next round finds the others."""
ANYWAY_SECONDS: Final = 60
REMARKS: Final = "automatically, when stock arrived"


def settle_arrivals(site: Site) -> list[Recorded]:
    """Settle unresolved movements for which there is stock now, by item and location, oldest first.

    Each settlement is recorded under the user who posted the last arrival, with a remark that it was automatic.
    """
    found = waiting_for_stock(site, RetryRule.AUTOMATIC, most=AT_ONCE)
    done = []
    for (item, place), rows in groupby(sorted(found), key=lambda row: row[:2]):
        movements = [number for *_, number in rows]
        by = _who_brought(site, item, place, waiting=movements[0])
        try:
            settled = retry_part(site=site, by=by, movements=movements, remarks=REMARKS)
        except Refusal as refusal:
            # A person who retries it gets the same refusal. The other items and locations are settled all the same.
            logger.warning(
                "Unresolved movements of item %s at location %s can't be settled automatically: %s",
                item,
                place,
                refusal,
            )
            continue
        if settled is not None:
            done.append(settled)
    return done


def _who_brought(site: Site, item: int, place: int, *, waiting: int) -> User:
    """Return who posted the last arrival of an item at a location or, if that is archived, the unresolved movement."""
    here = Movement.objects.filter(site=site).select_related("posting__by")
    arrived = here.filter(item=item, target=place, status=Status.OK).order_by("-at", "-pk").first()
    return (arrived or here.get(pk=waiting)).posting.by


class Arrivals:
    """Settles arrivals at all sites: after each posting there, and once a minute in any case.

    Once a minute, because the posting with the highest number isn't always the last to be committed.
    """

    def __init__(self) -> None:
        self._looked: dict[int, tuple[int, int]] = {}

    def settle(self) -> int:
        """Settle what can be settled at every site with new postings. Return the number of settlements."""
        count = 0
        for site in Site.objects.order_by("pk"):
            newest = Posting.objects.filter(site=site).order_by("-pk").values_list("pk", flat=True).first() or 0
            now = newest, int(monotonic() // ANYWAY_SECONDS)
            if now != self._looked.get(site.pk):
                count += len(settle_arrivals(site))
                self._looked[site.pk] = now
        return count
