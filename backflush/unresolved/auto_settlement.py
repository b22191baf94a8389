"""Stock that arrives settles what waits for it, where the action says so (U7).

Each settlement is a transaction of its own, after the posting that brought the stock: no booking and no receipt waits
for it or fails with it. Nothing has to be remembered in between, because what could be settled is seen in the balances:
whoever looks next finds it. The worker looks whenever something was posted.
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
"""So many are settled in one look; the next one finds the others."""
ANYWAY_SECONDS: Final = 60
REMARKS: Final = "by itself, when stock arrived"


def settle_arrivals(site: Site) -> list[Recorded]:
    """Settle what waits for stock that is there now, item by item and place by place, oldest first.

    The one who brought the stock stands beside it, and a remark that nobody asked for it.
    """
    found = waiting_for_stock(site, RetryRule.AUTOMATIC, most=AT_ONCE)
    done = []
    for (item, place), rows in groupby(sorted(found), key=lambda row: row[:2]):
        movements = [number for *_, number in rows]
        by = _who_brought(site, item, place, waiting=movements[0])
        try:
            settled = retry_part(site=site, by=by, movements=movements, remarks=REMARKS)
        except Refusal as refusal:
            # For a person, who is told the same; what waits at other places isn't kept from its stock.
            logger.warning("What waits for item %s at place %s isn't settled by itself: %s", item, place, refusal)
            continue
        if settled is not None:
            done.append(settled)
    return done


def _who_brought(site: Site, item: int, place: int, *, waiting: int) -> User:
    """Who posted the last arrival of an item at a place; if that is in an archive, who booked what waits."""
    here = Movement.objects.filter(site=site).select_related("posting__by")
    arrived = here.filter(item=item, target=place, status=Status.OK).order_by("-at", "-pk").first()
    return (arrived or here.get(pk=waiting)).posting.by


class Arrivals:
    """Looks after all sites: each when something was posted there since the last look, and once a minute anyway.

    Anyway, because the posting with the highest number isn't always the last to be committed.
    """

    def __init__(self) -> None:
        self._looked: dict[int, tuple[int, int]] = {}

    def settle(self) -> int:
        """How many settlements it came to."""
        count = 0
        for site in Site.objects.order_by("pk"):
            newest = Posting.objects.filter(site=site).order_by("-pk").values_list("pk", flat=True).first() or 0
            now = newest, int(monotonic() // ANYWAY_SECONDS)
            if now != self._looked.get(site.pk):
                count += len(settle_arrivals(site))
                self._looked[site.pk] = now
        return count
