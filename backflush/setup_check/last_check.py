"""The stored result of the last set-up check: checking a large plant takes too long to do it while a page loads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core.cache import cache
from django.utils import timezone

from backflush.items.models import Item
from backflush.setup_check.findings import SetupFinding, Severity
from backflush.setup_check.selectors import examine
from backflush.stockmap.models import Site
from backflush.structures.models import StructureLine

SMALL: Final = 1_000
"""Plants with up to this many items and structure lines are checked within 0.1 to 0.2 seconds."""
KEPT: Final = 100
KEPT_SECONDS: Final = 24 * 3600
FRESH: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SetupCheckResult:
    """The time of the check, the most severe findings, the number of all findings, and of those that refuse
    bookings."""

    at: datetime
    findings: Sequence[SetupFinding]
    total: int
    refused: int


def check(site: Site) -> list[SetupFinding]:
    """Check a site's set-up completely, and store the result."""
    found = examine(site)
    refused = sum(finding.severity is Severity.REFUSED for finding in found)
    cache.set(_key(site), SetupCheckResult(timezone.now(), found[:KEPT], len(found), refused), KEPT_SECONDS)
    return found


def last_check(site: Site) -> SetupCheckResult | None:
    """Return the last result, or None. A small plant is checked again every few minutes, a large one on request
    only."""
    known = _known(site)
    if (known is None or timezone.now() - known.at > FRESH) and _is_small():
        check(site)
        return _known(site)
    return known


def _known(site: Site) -> SetupCheckResult | None:
    known: SetupCheckResult | None = cache.get(_key(site))
    return known


def _key(site: Site) -> str:
    return f"backflush:set-up-check:{site.pk}"


def _is_small() -> bool:
    lines = StructureLine.objects.order_by().values("pk")[: SMALL + 1].count()
    return lines <= SMALL and Item.objects.order_by().values("pk")[: SMALL + 1].count() <= SMALL
