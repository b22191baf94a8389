"""Shared guards of the services: lock orders, raise the core's refusals, require a quantity above zero."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from backflush.core.refusals import InvalidQuantity, Refusal
from backflush.items.models import Item
from backflush.items.selectors import in_stock_unit
from backflush.stockmap.models import Site
from backflush.works.models import WorksOrder
from backflush.works.selectors import orders_numbered


def require(refusal: Refusal | None) -> None:
    """Raise a refusal that the core returned, if it returned one."""
    if refusal is not None:
        raise refusal


def lock_order(site: Site, number: str) -> WorksOrder:
    """Return one works order, locked with its cost object; raises `NotFound` and `Archived`."""
    return lock_orders(site, [number])[0]


def lock_orders(site: Site, numbers: Sequence[str]) -> list[WorksOrder]:
    """Return works orders in the order given, locked with their cost objects; raises `NotFound` and `Archived`."""
    return orders_numbered(site, numbers, lock=True)


def require_whole(quantity: Decimal, factor: Fraction, item: Item, *, field: str, unit: str) -> Decimal:
    """Return a quantity above zero in the stock unit; raises `InvalidQuantity` and `QuantityTooLarge` (Q5)."""
    if not quantity.is_finite() or quantity <= 0:
        raise InvalidQuantity(
            "{item} needs a quantity above zero, not {quantity}.", item=item.code, quantity=quantity, field=field
        )
    return in_stock_unit(quantity, factor, item, field=field, unit=unit)
