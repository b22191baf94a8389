"""Deactivate and reactivate set-up rows. New records may not name a deactivated row; existing ones stay valid.

Callers pass in what this room can't know: the stock at a place and the structure lines that take from it.
"""

from datetime import date
from typing import TypeVar

from django.db import transaction
from django.db.models import Q, QuerySet

from backflush.core.refusals import Ended, InUse, NotFound
from backflush.core.sentences import Count
from backflush.stockmap.models import Action, Bin, Endable, Location, Site, Store, Supplier, SupplierStock, TransferRule

Thing = TypeVar("Thing", bound=Endable)


def require_in_use(thing: Endable | None, *, field: str, before: int | None = None) -> None:
    """Refuse a deactivated row (`ended`), unless it is the row that the record named `before` (its primary key)."""
    if thing is None or thing.ended_on is None or thing.pk == before:
        return
    what = thing._meta.verbose_name  # noqa: SLF001
    raise Ended(
        "The {kind} {name} was deactivated on {day}. Choose another, or reactivate it.",
        kind=what,
        name=str(thing),
        day=thing.ended_on,
        field=field,
    )


def offered(things: QuerySet[Thing], *, current_id: int | None = None) -> QuerySet[Thing]:
    """Return the rows to offer in a choice: the active ones, and the row that is chosen now (`before`, a primary
    key)."""
    return things.filter(Q(ended_on__isnull=True) | Q(pk=current_id))


@transaction.atomic
def end(thing: Endable, *, on: date) -> None:
    """Deactivate a unit, a product group or a type code. No stock can be left behind by these.

    A row that was deactivated earlier keeps its date.
    """
    if thing.ended_on is None:
        thing.ended_on = on
        thing.save(update_fields=["ended_on"])


@transaction.atomic
def end_store(*, store: Store, on: date) -> None:
    """Deactivate a store. Refused (`in_use`) while one of its locations is active."""
    open_ones = Location.objects.filter(site=store.site_id, store=store, ended_on__isnull=True).order_by("path")
    if paths := list(open_ones.values_list("path", flat=True)[:4]):
        raise InUse(
            "Store {store} still has active locations: {locations}. Deactivate them first.",
            store=store.code,
            locations=_first_three(paths),
        )
    end(store, on=on)


@transaction.atomic
def end_location(*, location: Location, on: date, holds_stock: bool, lines: int) -> None:
    """Deactivate a location. Refused (`in_use`) while it holds stock, or a rule, a supplier, a structure line or the
    site's counts use it. `lines` is the number of structure lines in force that take from the location.

    Locks the row, so that no rule can be added for it at the same time.
    """
    Location.objects.select_for_update(no_key=True).get(pk=location.pk)
    if holds_stock:
        raise InUse("There is stock at {location}. Move it first.", location=location.path)
    ends_here = Q(source=location) | Q(target=location)
    rules = TransferRule.objects.filter(ends_here, site=location.site_id, active=True).order_by("action__name")
    if names := sorted(set(rules.values_list("action__name", flat=True)[:4])):
        raise InUse(
            "These actions move stock from or to {location}: {actions}. End their rules there first.",
            location=location.path,
            actions=_first_three(names),
        )
    stock = SupplierStock.objects.filter(site=location.site_id, location=location).select_related("supplier").first()
    if stock is not None:
        raise InUse(
            "{location} is the stock location of supplier {supplier}. Choose another location there first.",
            location=location.path,
            supplier=stock.supplier.code,
        )
    if Site.objects.filter(pk=location.site_id, adjustment=location).exists():
        raise InUse(
            "{location} is the adjustment place of its site. Choose another adjustment place first.",
            location=location.path,
        )
    if lines:
        raise InUse(
            "Structure lines that take from {location}: {count}. Give them another from-location first.",
            location=location.path,
            count=Count(lines),
        )
    end(location, on=on)


@transaction.atomic
def end_bin(*, location: Location, code: str, on: date, holds_stock: bool) -> None:
    """Deactivate a bin. Refused (`in_use`) while it holds stock."""
    found = bin_coded(location, code)
    if holds_stock:
        raise InUse("There is stock in bin {bin}. Move it to another bin first.", bin=code, field="bin")
    end(found, on=on)


def bin_coded(location: Location, code: str) -> Bin:
    """Return the bin with this code at a location, or refuse (`not_found`)."""
    found = Bin.objects.filter(site=location.site_id, location=location, code=code).first()
    if found is None:
        raise NotFound("{location} has no bin {bin}.", location=location.path, bin=code, field="bin")
    return found


@transaction.atomic
def end_supplier(*, supplier: Supplier, on: date, holds_stock: bool) -> None:
    """Deactivate a supplier. Refused (`in_use`) while it holds our stock. Open purchase orders can still be
    received."""
    if holds_stock:
        raise InUse("Supplier {supplier} still holds our stock. Bring it back first.", supplier=supplier.code)
    end(supplier, on=on)


@transaction.atomic
def end_action(*, action: Action, on: date) -> None:
    """Deactivate an action. Refused (`in_use`) while it has a rule at any site."""
    Action.objects.select_for_update(no_key=True).get(pk=action.pk)
    rules = TransferRule.objects.filter(action=action, active=True).order_by("site__code")
    if sites := sorted(set(rules.values_list("site__code", flat=True))):
        raise InUse("{action} has rules at these sites: {sites}. End them first.", action=action.name, sites=sites)
    end(action, on=on)


@transaction.atomic
def use_again(thing: Endable) -> None:
    """Reactivate a row. Refused (`ended`) while the row that it belongs to is deactivated."""
    match thing:
        case Location():
            require_in_use(thing.store, field="")
        case Bin():
            require_in_use(thing.location, field="bin")
    thing.ended_on = None
    thing.save(update_fields=["ended_on"])


def _first_three(names: list[str]) -> list[str]:
    """Return the first three names, with an ellipsis in place of any others."""
    return [*names[:3], "…"] if len(names) > 3 else names
