"""Unresolved movements by age and reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from backflush.dashboard.cache import CachedAnswer, kept
from backflush.dashboard.long_queues import total, waiting_between
from backflush.stockmap.models import Site

BOUNDS: Final = (0, 7, 30, 90)
"""The upper limit of each age class in days; the last class has none."""


@dataclass(frozen=True, slots=True)
class Age:
    """An age class in days (`None`: no upper limit), and the number of movements by reason."""

    days_min: int
    days_max: int | None
    waiting: Mapping[str, int]

    @property
    def total(self) -> int:
        """The count over all reasons."""
        return total(self.waiting)


@dataclass(frozen=True, slots=True)
class ByAge:
    """The age classes, youngest first, and whether they are split by reason."""

    ages: Sequence[Age]
    by_reason: bool


def unresolved_by_age(site: Site, today: date) -> CachedAnswer[ByAge]:
    """Count all unresolved movements by age in days of the site's time zone."""
    return kept(f"unresolved-by-age:{today}", site, lambda: _by_age(site, today))


def _by_age(site: Site, today: date) -> ByAge:
    zone = ZoneInfo(site.time_zone)
    begins = [datetime.combine(today - timedelta(days=bound), time.min, tzinfo=zone) for bound in BOUNDS]
    counted = waiting_between(site, begins[::-1])
    firsts = [0, *(bound + 1 for bound in BOUNDS)]
    ages = zip(firsts, [*BOUNDS, None], reversed(counted.spans), strict=True)
    return ByAge([Age(*one) for one in ages], counted.by_reason)
