"""Unresolved movements that can be settled because stock has arrived, by the action's retry rule (U7).

The worker settles them where the rule is *automatic*; the person who brought the stock is told of them where it is
*propose*. Both look after the posting that brought it, outside its transaction, so that no booking waits for them.
"""

from dataclasses import dataclass
from typing import Final

from backflush.core.moves import Process
from backflush.ledger.models import Posting
from backflush.ledger.statements import WAITING_WITH_STOCK, WAITING_WITH_STOCK_OF_POSTING
from backflush.stockmap.models import Action, RetryRule, ShortRule, Site
from backflush.unresolved.retry import preview_retry

PROPOSED_MOST: Final = 200
"""The number of unresolved movements, the oldest, that are examined for one proposal."""
NO_ARRIVALS: Final = frozenset({Process.REVERSAL, Process.RESOLUTION})
"""Postings after which nothing is proposed: they take something back, or settle it themselves."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The unresolved movements that could be settled with the stock that a posting brought, oldest first.

    `more` says that there were more to examine than `PROPOSED_MOST`.
    """

    posting: int
    movements: tuple[int, ...] = ()
    more: bool = False

    def __bool__(self) -> bool:
        return bool(self.movements)


def waiting_for_stock(
    site: Site, rule: RetryRule, *, most: int, brought_by: int | None = None
) -> list[tuple[int, int, int]]:
    """Return item, location and number of unresolved movements for which there is stock now, oldest first.

    Only those under actions with one retry rule; with `brought_by`, only those whose stock a posting brought.
    """
    short = set(Action.objects.filter(retry=rule).values_list("short", flat=True))
    if not short:
        return []
    values = {"site_id": site.pk, "retry": rule.value, "in_part": ShortRule.PART in short, "most": most}
    if brought_by is None:
        rows = WAITING_WITH_STOCK.fetch_replanned(**values)
    else:
        rows = WAITING_WITH_STOCK_OF_POSTING.fetch_replanned(**values, posting_id=brought_by)
    return [(item, place, number) for item, place, number in rows]


def proposed_by(posting: Posting, *, site: Site) -> Proposal:
    """Return what could be settled now with the stock that a posting brought, where the action says *propose* (U7).

    It is computed at each call, so movements that were settled meanwhile aren't proposed again.
    """
    if posting.process in NO_ARRIVALS:
        return Proposal(posting.pk)
    found = waiting_for_stock(site, RetryRule.PROPOSE, most=PROPOSED_MOST + 1, brought_by=posting.pk)
    looked_at = [number for *_, number in found[:PROPOSED_MOST]]
    would = preview_retry(site=site, movements=looked_at) if looked_at else []
    return Proposal(posting.pk, tuple(waiting.pk for waiting, _ in would), len(found) > PROPOSED_MOST)
