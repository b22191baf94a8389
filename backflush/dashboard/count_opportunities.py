"""Where a count costs next to nothing now: little or nothing is there, or somebody is there anyway (H7)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db.models import F, Max, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from backflush.core.lifecycle import OrderStatus, PurchaseStatus
from backflush.core.moves import Status, Tracking
from backflush.counts.models import SheetLine
from backflush.counts.plan import count_plan, start_of_day
from backflush.counts.tolerances import Tolerances
from backflush.db.fields import ExactSum
from backflush.items.models import Item
from backflush.ledger.models import Balance, Movement
from backflush.stockmap.models import Location, Site
from backflush.stockmap.selectors import day_at
from backflush.subcontract.models import PurchaseOrderLine
from backflush.works.models import OrderChange, WorksOrder

FRESH: Final = timedelta(days=7)
"""What was counted within this time isn't offered."""
LOOKED_AT: Final = 200
SHOWN: Final = 20


class Occasion(StrEnum):
    """Why a count costs little now."""

    UNRESOLVED = "unresolved"
    RECEIPT = "receipt"
    ORDER_END = "order end"
    EMPTY = "empty"
    BELOW_MINIMUM = "below minimum"


@dataclass(frozen=True, slots=True)
class Opportunity:
    """An item to count at a location, why, and the order that it is about, if any."""

    item: Item
    location: Location
    occasion: Occasion
    order: str = ""


Found = tuple[int, int, Occasion, str]
"""Item, location, occasion and order."""


def opportunities(site: Site, *, most: int = SHOWN) -> list[Opportunity]:
    """Return counts that cost little now, each item at a place once, in a fixed number of statements.

    Left out are what was counted within a week or is on an open sheet, and, where counters mustn't see the book
    quantity, what would tell it.
    """
    now = timezone.now()
    found: dict[tuple[int, int], Found] = {}
    for one in (
        *_unresolved(site),
        *_before_receipts(site, now),
        *_ended_orders(site, now),
        *_empty(site, now),
        *_below_minimum(site),
    ):
        found.setdefault(one[:2], one)
    items = Item.objects.select_related("stock_unit").in_bulk({item for item, _ in found})
    places = Location.objects.in_bulk({place for _, place in found})
    left_out = _fresh(site, items, now) | set(
        SheetLine.objects.filter(site=site, open=True).values_list("item_id", "location_id")
    )
    tolerances, blind = Tolerances(site, items.values()), count_plan(site).blind
    offered = []
    for key, (item, place, occasion, order) in found.items():
        tells = occasion in {Occasion.EMPTY, Occasion.BELOW_MINIMUM}
        if key not in left_out and not (tells and (blind or tolerances.blind(items[item], place))):
            offered.append(Opportunity(items[item], places[place], occasion, order))
    return offered[:most]


def _fresh(site: Site, items: Iterable[int], now: datetime) -> set[tuple[int, int]]:
    rows = Balance.objects.filter(site=site, item__in=list(items)).order_by().values_list("item_id", "location_id")
    return {(item, place) for item, place, at in rows.annotate(Max("counted_at")) if at and at > now - FRESH}


def _unresolved(site: Site) -> Iterator[Found]:
    waiting = Movement.objects.filter(site=site, status=Status.UNRESOLVED)
    oldest = waiting.order_by("at", Coalesce("origin", "id"), "id")[:LOOKED_AT]
    rows = oldest.values_list("item_id", "source_id", "source__has_balance", "cost_object__number")
    for item, place, has_balance, order in rows:
        if has_balance:
            yield item, place, Occasion.UNRESOLVED, order or ""


def _before_receipts(site: Site, now: datetime) -> Iterator[Found]:
    """Return items with a receipt due by tomorrow, at the places where they are: there is least just before it."""
    due = PurchaseOrderLine.objects.filter(
        site=site,
        order__status=PurchaseStatus.OPEN,
        due_date__lte=day_at(site, now) + timedelta(days=1),
        quantity__gt=F("cost_object__good") + F("cost_object__scrap"),
    ).order_by("due_date", "pk")
    orders: dict[int, str] = {}
    for item, order in due.values_list("item_id", "order__number")[:LOOKED_AT]:
        orders.setdefault(item, order)
    rows = Balance.objects.filter(site=site, item__in=orders, location__has_balance=True, location__supplier=None)
    for item, place in rows.order_by("item", "location__path").values_list("item_id", "location_id").distinct():
        yield item, place, Occasion.RECEIPT, orders[item]


def _ended_orders(site: Site, now: datetime) -> Iterator[Found]:
    """Return the components of orders that were completed today, at the places that they were taken from."""
    ended = OrderChange.objects.filter(
        site=site, what="status", after=OrderStatus.COMPLETE, at__gte=start_of_day(site, now)
    )
    orders = dict(
        WorksOrder.objects.filter(site=site, pk__in=ended.values("order"), status=OrderStatus.COMPLETE).values_list(
            "cost_object", "number"
        )[:SHOWN]
    )
    used = Movement.objects.filter(cost_object__in=orders, charged=1, source__has_balance=True).order_by()
    for item, place, cost_object in used.values_list("item_id", "source_id", "cost_object_id").distinct()[:LOOKED_AT]:
        yield item, place, Occasion.ORDER_END, orders[cost_object or 0]


def _empty(site: Site, now: datetime) -> Iterator[Found]:
    """Return balances that became zero and weren't counted since for a month: counting nothing takes a look."""
    rows = Balance.objects.filter(site=site, quantity=0, batch="", serial="", item__tracking=Tracking.NONE)
    rows = rows.filter(Q(counted_at__isnull=True) | Q(counted_at__lt=now - timedelta(days=30)))
    rows = rows.filter(location__has_balance=True, item__obsolete_on__isnull=True)
    for item, place in rows.order_by("location__path", "item__code").values_list("item_id", "location_id")[:SHOWN]:
        yield item, place, Occasion.EMPTY, ""


def _below_minimum(site: Site) -> Iterator[Found]:
    rows = Balance.objects.filter(site=site, item__stock_min__gt=0, location__has_balance=True).order_by()
    sums = rows.values_list("item_id", "item__stock_min").annotate(there=ExactSum("quantity"))
    low = [item for item, least, there in sums if there < least][:SHOWN]
    places = Balance.objects.filter(site=site, item__in=low, quantity__gt=0, location__has_balance=True)
    for item, place in places.order_by("item", "location__path").values_list("item_id", "location_id").distinct():
        yield item, place, Occasion.BELOW_MINIMUM, ""
