"""Filters that name something: refused where there is no such thing, so that a slip doesn't look like an empty list."""

from django.db.models import Q

from backflush.core.refusals import NotFound
from backflush.items.selectors import item_coded
from backflush.ledger.archived_numbers import no_orders
from backflush.ledger.models import CostObject
from backflush.stockmap.models import Site, Store
from backflush.stockmap.selectors import location_at, supplier_named


def require_item(code: str) -> None:
    """Refuse an item that there isn't; nothing asked is nothing refused."""
    if code:
        item_coded(code)


def require_place(site: Site, path: str) -> None:
    """Refuse a location, or a store, that there isn't."""
    if "/" in path:
        location_at(site, path)
    elif path and not Store.objects.filter(site=site, code=path).exists():
        raise NotFound(
            f"There is no store {path} at {site.code}. A location is written STORE/LOCATION.", field="location"
        )


def require_supplier(code: str) -> None:
    """Refuse a supplier that there isn't."""
    if code:
        supplier_named(code)


def require_order(site: Site, number: str) -> None:
    """Refuse a works or purchase order that there isn't."""
    if number:
        cost_objects_of(site, number)


def cost_objects_of(site: Site, number: str) -> list[CostObject]:
    """What material is charged to under an order's number: a works order has one job, a purchase order one a line."""
    found = list(
        CostObject.objects.filter(Q(number=number) | Q(purchase_line__order__number=number), site=site).order_by("pk")
    )
    if not found:
        raise no_orders(site, None, [number])
    return found
