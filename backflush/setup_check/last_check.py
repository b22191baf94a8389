"""The last check of a set-up, kept for whoever only wants a glance: a large plant can't be examined while one waits."""

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
"""So many items, and so many structure lines, are examined within a tenth of a second or two."""
KEPT: Final = 100
KEPT_SECONDS: Final = 24 * 3600
FRESH: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SetupCheckResult:
    """What was found when: the heaviest findings, how many there are in all, and how many refuse a booking."""

    at: datetime
    findings: Sequence[SetupFinding]
    total: int
    refused: int


def check(site: Site) -> list[SetupFinding]:
    """Examine a site whole, and keep what was found."""
    found = examine(site)
    refused = sum(finding.severity is Severity.REFUSED for finding in found)
    cache.set(_key(site), SetupCheckResult(timezone.now(), found[:KEPT], len(found), refused), KEPT_SECONDS)
    return found


def last_check(site: Site) -> SetupCheckResult | None:
    """The last check, or none; a small plant is examined afresh every few minutes, a large one when somebody asks."""
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
