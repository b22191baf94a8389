"""Hand issues due: what orders in work need that is never assumed, and haven't had yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backflush.stockmap.models import Site
from backflush.works.hand_issues import HandIssue, hand_issues, orders_with_hand_issues

SHOWN: Final = 5
LOOKED_AT: Final = 200


@dataclass(frozen=True, slots=True)
class HandIssuesDue:
    """How many there are, those that come first, and whether orders that start later were not looked at."""

    total: int
    first: Sequence[HandIssue]
    looked_at: int
    more: bool


def hand_issues_due(site: Site) -> HandIssuesDue:
    """Of the orders that start first; no more of them are looked at than somebody waits for."""
    orders = orders_with_hand_issues(site, LOOKED_AT + 1)
    due = hand_issues(site, orders[:LOOKED_AT])
    return HandIssuesDue(len(due), due[:SHOWN], min(len(orders), LOOKED_AT), len(orders) > LOOKED_AT)
