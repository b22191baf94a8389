"""What stock that has arrived makes possible, by what the backflush action says of it (U7): never, propose, automatic.

One place for all who ask: the worker, who settles it, and whoever brought the stock, to whom it is proposed. Both are
asked after the posting that brought it, outside its transaction, so that no booking waits for the answer.
"""

from dataclasses import dataclass
from typing import Final

from backflush.core.moves import Process
from backflush.ledger.models import Posting
from backflush.ledger.statements import waiting_under_rule
from backflush.stockmap.models import Action, RetryRule, ShortRule, Site
from backflush.unresolved.retry import preview_retry

PROPOSED_MOST: Final = 200
"""So many of what waits are looked at for one proposal, the oldest."""
NO_ARRIVALS: Final = frozenset({Process.REVERSAL, Process.RESOLUTION})
"""Who takes back doesn't want it proposed again at once."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would go through now of what waits for something that a posting brought, oldest first.

    `more` says that only the oldest were looked at.
    """

    posting: int
    movements: tuple[int, ...] = ()
    more: bool = False

    def __bool__(self) -> bool:
        return bool(self.movements)


def waiting_for_stock(
    site: Site, rule: RetryRule, *, most: int, brought_by: int | None = None
) -> list[tuple[int, int, int]]:
    """Item, place and number of what waits for stock that is there now, under the actions of one rule, oldest first.

    At the whole site, or only where one posting brought something.
    """
    short = set(Action.objects.filter(retry=rule).values_list("short", flat=True))
    if not short:
        return []
    return waiting_under_rule(site.pk, rule, in_part=ShortRule.PART in short, most=most, brought_by=brought_by)


def proposed_by(posting: Posting, *, site: Site) -> Proposal:
    """What could be settled now because of what a posting brought, where the action says that it be proposed.

    Read anew each time: what was settled meanwhile is proposed no more.
    """
    if posting.process in NO_ARRIVALS:
        return Proposal(posting.pk)
    found = waiting_for_stock(site, RetryRule.PROPOSE, most=PROPOSED_MOST + 1, brought_by=posting.pk)
    looked_at = [number for *_, number in found[:PROPOSED_MOST]]
    would = preview_retry(site=site, movements=looked_at) if looked_at else []
    return Proposal(posting.pk, tuple(waiting.pk for waiting, _ in would), len(found) > PROPOSED_MOST)
