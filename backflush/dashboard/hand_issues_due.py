"""Issues by hand that are due: components on open orders that are never backflushed and aren't issued yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backflush.stockmap.models import Site
from backflush.works.hand_issues import HandIssue, hand_issues, orders_with_hand_issues

SHOWN: Final = 5
LOOKED_AT: Final = 200


@dataclass(frozen=True, slots=True)
class HandIssuesDue:
    """The number of due issues, the first of them, and whether orders that start later were left out."""

    total: int
    first: Sequence[HandIssue]
    looked_at: int
    more: bool


def hand_issues_due(site: Site) -> HandIssuesDue:
    """Return the due issues of the orders that start first. The number of orders is limited, so that a page loads
    quickly."""
    orders = orders_with_hand_issues(site, LOOKED_AT + 1)
    due = hand_issues(site, orders[:LOOKED_AT])
    return HandIssuesDue(len(due), due[:SHOWN], min(len(orders), LOOKED_AT), len(orders) > LOOKED_AT)
