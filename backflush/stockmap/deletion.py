"""Taking away what was set up and never used. What anything names stays: history is read by it."""

from collections.abc import Iterator
from typing import Any

from django.db import models, transaction

from backflush.core.refusals import InUse, NotFound
from backflush.stockmap.models import Bin, Location, Site, Supplier, SupplierStock, TransferRule

COUNTED_MOST = 1000
Thing = models.Model


def users_of(thing: Thing) -> list[str]:
    """What names a thing, kind by kind: "3 transfer rules". Counted up to a limit, so that a ledger isn't read."""
    kinds: dict[Any, int] = {}
    for relation, count in _relations(thing):
        # Both ends of a rule name it, and both ends of a movement: they are one kind to whoever reads this.
        kinds[relation.related_model] = kinds.get(relation.related_model, 0) + count
    return [_counted(kind, count) for kind, count in kinds.items() if count]


def use_count(thing: Thing) -> int:
    """How many name it, up to a limit for each kind."""
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
    """Take a thing away for good; refused where anything names it (`in_use`)."""
    users = users_of(thing)
    if users:
        raise InUse(f"{thing} can't be deleted: it is named by {', '.join(users)}.")
    thing.delete()


@transaction.atomic
def remove_bin(*, location: Location, code: str, in_use: bool) -> None:
    """Take a bin away that never held anything; what was in one is told of by its code (`in_use`)."""
    found = Bin.objects.filter(location=location, code=code).first()
    if found is None:
        raise NotFound(f"{location.path} has no bin {code}.", field="bin")
    if in_use:
        raise InUse(f"Stock has been in bin {code}, so it stays: movements name it.", field="bin")
    found.delete()


@transaction.atomic
def end_supplier_stock(*, supplier: Supplier, site: Site, holds_stock: bool) -> None:
    """Let a supplier have no stock location at a site any more; then the rule's own place stands (R5).

    Refused while our stock is there: nothing would be taken from it, and nobody would be asked for it (`in_use`).
    """
    stock = SupplierStock.objects.filter(site=site, supplier=supplier).select_related("location").first()
    if stock is None:
        return
    if holds_stock:
        raise InUse(f"There is stock at {stock.location.path}. Bring it back first, or name another.", field="stock")
    stock.delete()


def end_rules_at(*, location: Location) -> int:
    """End every rule from or to a location: nothing moves there by an action any more. Answers with how many."""
    rules = TransferRule.objects.filter(site=location.site_id, active=True)
    return (rules.filter(source=location) | rules.filter(target=location)).update(active=False)
