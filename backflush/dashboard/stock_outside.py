"""Stock at sub-contractors: its value, its unresolved movements, and the next receipt."""

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
    """The number of sub-contractors with stock, its total value, and the first of them."""

    total: int
    value: Decimal
    first: Sequence[Outside]


def stock_outside(site: Site) -> CachedAnswer[StockOutside]:
    """Return sub-contractors: those with unresolved movements first, then by value of stock."""
    return kept("stock-outside", site, lambda: _outside(site))


def _outside(site: Site) -> StockOutside:
    found = sorted(outsides(site), key=lambda one: (-one.unresolved, -one.value, one.supplier.code))
    return StockOutside(len(found), total_amount([one.value for one in found]), found[:SHOWN])
