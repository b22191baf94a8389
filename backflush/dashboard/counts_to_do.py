"""What is to count today, and which counts are beyond the tolerance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backflush.counts.models import CountStatus, StockCount
from backflush.counts.plan import PlannedCount, day_plan
from backflush.stockmap.models import Site

SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class CountsToDo:
    """The first of today's counts, how many are left and done, and how many counts wait for a decision."""

    first: Sequence[PlannedCount]
    left: int
    done: int
    recounts: int
    approvals: int

    @property
    def beyond(self) -> int:
        """How many counts are beyond the tolerance."""
        return self.recounts + self.approvals


def counts_to_do(site: Site) -> CountsToDo:
    """Return today's counts and those that wait, in a fixed number of statements."""
    plan = day_plan(site)
    waiting = StockCount.objects.filter(site=site, reversed_by__isnull=True)
    return CountsToDo(
        first=plan.lines[:SHOWN],
        left=len(plan.lines),
        done=plan.counted_today,
        recounts=waiting.filter(status=CountStatus.RECOUNT).count(),
        approvals=waiting.filter(status__in=(CountStatus.APPROVAL, CountStatus.SHORT)).count(),
    )
