"""Ending what was set up and is used: nothing new may name it, what names it stays valid, and it can come back.

What stock lies at a place and which structures take from it are questions to rooms above: whoever ends a place hands
over the answers.
"""

from datetime import date
from typing import TypeVar

from django.db import transaction
from django.db.models import Q, QuerySet

from backflush.core.refusals import Ended, InUse, NotFound
from backflush.stockmap.models import Action, Bin, Endable, Location, Store, Supplier, SupplierStock, TransferRule

Thing = TypeVar("Thing", bound=Endable)


def require_in_use(thing: Endable | None, *, field: str, before: int | None = None) -> None:
    """Refuse what is ended where something new would name it (`ended`); what stood there `before`, by its key, may."""
    if thing is None or thing.ended_on is None or thing.pk == before:
        return
    what = thing._meta.verbose_name  # noqa: SLF001
    raise Ended(
        f"The {what} {thing} has been ended on {thing.ended_on:%d %b %Y}. Choose another, or take it in use again.",
        field=field,
    )


def offered(things: QuerySet[Thing], *, stands: int | None = None) -> QuerySet[Thing]:
    """Those of some things that may be chosen: what is in use, and what stands there already (its key)."""
    return things.filter(Q(ended_on__isnull=True) | Q(pk=stands))


@transaction.atomic
def end(thing: Endable, *, on: date) -> None:
    """End something by which nothing can be left behind: a unit, a product group, a type code.

    What was ended before keeps its day.
    """
    if thing.ended_on is None:
        thing.ended_on = on
        thing.save(update_fields=["ended_on"])


@transaction.atomic
def end_store(*, store: Store, on: date) -> None:
    """End a store; refused as long as one of its locations is in use (`in_use`)."""
    open_ones = Location.objects.filter(site=store.site_id, store=store, ended_on__isnull=True).order_by("path")
    if paths := list(open_ones.values_list("path", flat=True)[:4]):
        raise InUse(f"{_named(paths)} {_are(paths)} in use in {store.code}. End what is in it first.")
    end(store, on=on)


@transaction.atomic
def end_location(*, location: Location, on: date, holds_stock: bool, lines: int) -> None:
    """End a location; refused as long as stock is there, or something would bring stock there or take it (`in_use`).

    `lines` is how many structure lines in force take from it. The row is locked, so that nobody gives it a rule
    meanwhile.
    """
    Location.objects.select_for_update(no_key=True).get(pk=location.pk)
    if holds_stock:
        raise InUse(f"There is stock at {location.path}. Move it somewhere else first.")
    ends_here = Q(source=location) | Q(target=location)
    rules = TransferRule.objects.filter(ends_here, site=location.site_id, active=True).order_by("action__name")
    if names := sorted(set(rules.values_list("action__name", flat=True)[:4])):
        raise InUse(f"{_named(names)} {'moves' if len(names) == 1 else 'move'} stock by {location.path}. "
                    "End its rules first.")  # fmt: skip
    stock = SupplierStock.objects.filter(site=location.site_id, location=location).select_related("supplier").first()
    if stock is not None:
        raise InUse(f"It is the stock location of {stock.supplier.code}. Name another there first.")
    if lines:
        raise InUse(
            f"{lines} structure {'line takes' if lines == 1 else 'lines take'} from {location.path}. "
            "Give them another from-location first."
        )
    end(location, on=on)


@transaction.atomic
def end_bin(*, location: Location, code: str, on: date, holds_stock: bool) -> None:
    """End a bin; refused as long as something is in it (`in_use`)."""
    found = bin_coded(location, code)
    if holds_stock:
        raise InUse(f"There is stock in bin {code}. Move it to another bin first.", field="bin")
    end(found, on=on)


def bin_coded(location: Location, code: str) -> Bin:
    """The bin of a code at a location."""
    found = Bin.objects.filter(site=location.site_id, location=location, code=code).first()
    if found is None:
        raise NotFound(f"{location.path} has no bin {code}.", field="bin")
    return found


@transaction.atomic
def end_supplier(*, supplier: Supplier, on: date, holds_stock: bool) -> None:
    """End a supplier; refused as long as it has stock of ours (`in_use`). What was ordered can still be received."""
    if holds_stock:
        raise InUse(f"{supplier.code} has stock of ours. Bring it back first.")
    end(supplier, on=on)


@transaction.atomic
def end_action(*, action: Action, on: date) -> None:
    """End an action; refused as long as it has a rule at any site (`in_use`)."""
    Action.objects.select_for_update(no_key=True).get(pk=action.pk)
    rules = TransferRule.objects.filter(action=action, active=True).order_by("site__code")
    if sites := sorted(set(rules.values_list("site__code", flat=True))):
        raise InUse(f"{action.name} has rules at {', '.join(sites)}. End them first.")
    end(action, on=on)


@transaction.atomic
def use_again(thing: Endable) -> None:
    """Take something in use again; what it is in has to be in use first (`ended`)."""
    match thing:
        case Location():
            require_in_use(thing.store, field="")
        case Bin():
            require_in_use(thing.location, field="bin")
    thing.ended_on = None
    thing.save(update_fields=["ended_on"])


def _named(names: list[str]) -> str:
    """The first three of some names, and that there are more."""
    return ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
