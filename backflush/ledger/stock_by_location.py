"""Stock and unresolved movements by location, for the stock map and an item's page."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from backflush.core.quantity import EXACT, ZERO
from backflush.db.fields import ExactSum
from backflush.items.models import Item
from backflush.ledger.models import Balance
from backflush.ledger.selectors import waiting_movements
from backflush.stockmap.models import Location, Site


@dataclass(frozen=True, slots=True)
class PlaceStock:
    """The stock at a location: the number of items, and their value at standard cost."""

    items: int = 0
    value: Decimal = ZERO


STANDARD = ("material", "labour", "outside", "overhead")


def stock_by_place(site: Site) -> dict[int, PlaceStock]:
    """Return the stock at each location by primary key. Values are summed in Python, because a database sum could
    exceed 64 bits.
    """
    there = Balance.objects.filter(site=site).exclude(quantity=0).order_by()
    costs = (f"item__cost__standard_{element}" for element in STANDARD)
    found: dict[int, PlaceStock] = {}
    for place, _, *cost, total in there.values_list("location", "item", *costs).annotate(total=ExactSum("quantity")):
        old = found.get(place, PlaceStock())
        each = sum((part for part in cost if part is not None), ZERO)
        found[place] = PlaceStock(old.items + 1, EXACT.fma(total, each, old.value))
    return found


@dataclass(frozen=True, slots=True)
class WaitingAt:
    """The number of unresolved movements by source location, and by rule and location; `more` says that a limit was
    reached."""

    by_place: Mapping[int, int]
    by_rule: Mapping[tuple[int, int], int]
    more: bool


def waiting_by_place(site: Site, most: int = 10_000) -> WaitingAt:
    """Count unresolved movements by location: the oldest ones, up to a limit, so that a long queue doesn't slow it
    down."""
    ends = waiting_movements(site).select_related(None).values_list("source", "target", "rule")[: most + 1]
    rows = list(ends)
    counted = rows[:most]
    return WaitingAt(
        Counter(source for source, _, _ in counted),
        Counter((rule, source) for source, _, rule in counted),
        len(rows) > most,
    )


def stock_of(site: Site, items: Collection[int]) -> dict[int, Decimal]:
    """Return the total stock of some items at a site."""
    there = Balance.objects.filter(site=site, item__in=items).order_by().values_list("item")
    return dict(there.annotate(total=ExactSum("quantity")))


def places_of(site: Site, item: Item) -> list[tuple[Location, Decimal]]:
    """Return the stock of an item by location."""
    there = Balance.objects.filter(site=site, item=item).exclude(quantity=0).order_by().values_list("location")
    totals = dict(there.annotate(total=ExactSum("quantity")))
    places = Location.objects.filter(pk__in=totals).select_related("supplier").order_by("path")
    return [(place, totals[place.pk]) for place in places]
