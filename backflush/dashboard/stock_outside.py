"""Stock at sub-contractors: what it is worth, what of it is unresolved, what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from backflush.core.costing import total_amount
from backflush.dashboard.cache import CachedAnswer, kept
from backflush.stockmap.models import Site
from backflush.subcontract.selectors import Outside, outsides

SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class StockOutside:
    """How many sub-contractors, what they have together, and those that come first."""

    total: int
    value: Decimal
    first: Sequence[Outside]


def stock_outside(site: Site) -> CachedAnswer[StockOutside]:
    """Whoever has unresolved movements before the others, then by what they have."""
    return kept("stock-outside", site, lambda: _outside(site))


def _outside(site: Site) -> StockOutside:
    found = sorted(outsides(site), key=lambda one: (-one.unresolved, -one.value, one.supplier.code))
    return StockOutside(len(found), total_amount([one.value for one in found]), found[:SHOWN])
