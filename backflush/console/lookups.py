"""Checks of filters: an unknown code is refused, so that a typing error doesn't look like an empty list."""

from django.db.models import Q

from backflush.core.refusals import NotFound
from backflush.items.selectors import item_coded
from backflush.ledger.archived_numbers import no_orders
from backflush.ledger.models import CostObject
from backflush.stockmap.models import Site, Store
from backflush.stockmap.selectors import location_at, supplier_named


def require_item(code: str) -> None:
    """Refuse an unknown item code (`not_found`). An empty filter is accepted."""
    if code:
        item_coded(code)


def require_place(site: Site, path: str) -> None:
    """Refuse an unknown location or store (`not_found`)."""
    if "/" in path:
        location_at(site, path)
    elif path and not Store.objects.filter(site=site, code=path).exists():
        raise NotFound(
            "Site {site} has no store {store}. Write a location as STORE/LOCATION.",
            store=path,
            site=site.code,
            field="location",
        )


def require_supplier(code: str) -> None:
    """Refuse an unknown supplier code (`not_found`)."""
    if code:
        supplier_named(code)


def require_order(site: Site, number: str) -> None:
    """Refuse an unknown works or purchase order (`not_found`)."""
    if number:
        cost_objects_of(site, number)


def cost_objects_of(site: Site, number: str) -> list[CostObject]:
    """Return the cost objects of an order number: one for a works order, one per line for a purchase order."""
    found = list(
        CostObject.objects.filter(Q(number=number) | Q(purchase_line__order__number=number), site=site).order_by("pk")
    )
    if not found:
        raise no_orders(site, None, [number])
    return found
