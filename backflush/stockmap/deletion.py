"""Delete set-up rows that were never used. A row that anything names is kept, because the history refers to it."""

from collections.abc import Iterator
from typing import Any

from django.db import models, transaction

from backflush.core.refusals import InUse, NotFound
from backflush.stockmap.models import Bin, Location, Site, Supplier, SupplierStock, TransferRule

COUNTED_MOST = 1000
Thing = models.Model


def users_of(thing: Thing) -> list[str]:
    """Say what names a row, by kind: "3 transfer rules". Counts stop at a limit, so that the ledger isn't read
    whole."""
    kinds: dict[Any, int] = {}
    for relation, count in _relations(thing):
        # A rule and a movement each name a location twice, as source and as target: count them once.
        kinds[relation.related_model] = kinds.get(relation.related_model, 0) + count
    return [_counted(kind, count) for kind, count in kinds.items() if count]


def use_count(thing: Thing) -> int:
    """Count what names a row, up to a limit for each kind."""
    return sum(count for _, count in _relations(thing))


def _relations(thing: Thing) -> Iterator[tuple[Any, int]]:
    for relation in thing._meta.get_fields(include_hidden=True):  # noqa: SLF001
        if not (relation.auto_created and (relation.one_to_many or relation.one_to_one)):
            continue
        if getattr(relation, "on_delete", None) is models.CASCADE:
            continue
        backwards: Any = relation
        named = backwards.related_model.objects.filter(**{backwards.field.name: thing}).values("pk")
        yield relation, named[: COUNTED_MOST + 1].count()


def _counted(kind: Any, count: int) -> str:
    name = kind._meta  # noqa: SLF001
    if count > COUNTED_MOST:
        return f"more than {COUNTED_MOST:,} {name.verbose_name_plural}"
    return f"{count:,} {name.verbose_name if count == 1 else name.verbose_name_plural}"


@transaction.atomic
def remove(thing: Thing) -> None:
    """Delete a row. Refused (`in_use`) where anything names it."""
    users = users_of(thing)
    if users:
        raise InUse(
            "{name} can't be deleted, because it is used by {users}. Deactivate it instead.",
            name=str(thing),
            users=users,
        )
    thing.delete()


@transaction.atomic
def remove_bin(*, location: Location, code: str, in_use: bool) -> None:
    """Delete a bin. Refused (`in_use`) if it ever held stock, because movements name the bin by its code."""
    found = Bin.objects.filter(location=location, code=code).first()
    if found is None:
        raise NotFound("{location} has no bin {bin}.", location=location.path, bin=code, field="bin")
    if in_use:
        raise InUse(
            "Bin {bin} can't be deleted, because movements refer to it. Deactivate it instead.", bin=code, field="bin"
        )
    found.delete()


@transaction.atomic
def end_supplier_stock(*, supplier: Supplier, site: Site, holds_stock: bool) -> None:
    """Remove a supplier's stock location at a site; its backflush then takes from the rule's from-location (R5).

    Refused (`in_use`) while the location holds our stock: no backflush would take from it any more, and the statement
    would no longer show it.
    """
    stock = SupplierStock.objects.filter(site=site, supplier=supplier).select_related("location").first()
    if stock is None:
        return
    if holds_stock:
        raise InUse(
            "There is stock at {location}. Bring it back first, or choose another location.",
            location=stock.location.path,
            field="stock",
        )
    stock.delete()


def end_rules_at(*, location: Location) -> int:
    """End every rule from or to a location, and return how many there were."""
    rules = TransferRule.objects.filter(site=location.site_id, active=True)
    return (rules.filter(source=location) | rules.filter(target=location)).update(active=False)
