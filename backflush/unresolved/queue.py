"""The list of unresolved movements that people search, filter and group, as fast with half a million of them.

It works like the list of all movements (`ledger.movement_list`): where one filter alone leaves few, these are read and
sorted; where many match, the index by time is read until the page is full. Groups are summed from an index that has
all their columns.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from backflush.core.moves import Reason, Status
from backflush.core.quantity import ZERO
from backflush.core.refusals import InvalidValue
from backflush.items.models import Item
from backflush.ledger.models import CostObject, CostObjectKind, Movement
from backflush.ledger.movement_list import FEW, few_of
from backflush.ledger.selectors import totals_at, waiting_movements
from backflush.ledger.statements import FITTING_MOVEMENTS
from backflush.stockmap.models import Location, Site
from backflush.unresolved.selectors import fits_now, needing_choice, short_now


class QueueTab(StrEnum):
    """The tabs of the queue: what fits now, is short, or needs a choice."""

    FIT = "fit"
    SHORT = "short"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """The filters of the queue; all that are given apply, empty ones don't.

    `location` is a path, or a store's code for all of its locations; `order` a works or purchase order; `supplier` the
    one whose order or free-issue stock it is. `until` is the last event time, included.
    """

    item: str = ""
    location: str = ""
    order: str = ""
    supplier: str = ""
    reason: str = ""
    until: datetime | None = None


BY_TAB: Final = {QueueTab.FIT: fits_now, QueueTab.SHORT: short_now, QueueTab.CHOICE: needing_choice}


def shown(found: QuerySet[Movement]) -> QuerySet[Movement]:
    """Return movements in the order of the queue, with the related rows that it shows."""
    named = found.select_related("item__stock_unit", "source", "target", "cost_object", "posting__by", "rule__action")
    return named.order_by("at", Coalesce("origin", "id"), "id")


class WaitingList:
    """The unresolved movements of a site that match some filters; raises `InvalidValue`."""

    def __init__(self, site: Site, filters: QueueFilter) -> None:
        if filters.reason and filters.reason not in set(Reason):
            raise InvalidValue(
                "There is no reason '{reason}'. Choose one of: {reasons}.",
                reason=filters.reason,
                reasons=list(Reason),
                field="reason",
            )
        self._site = site
        self._filters = filters

    @cached_property
    def plain(self) -> QuerySet[Movement]:
        """All of them, oldest first, with the related rows that a list shows."""
        waiting = waiting_movements(self._site)
        if self._few is not None:
            # By their numbers alone, or SQLite reads all unresolved movements.
            waiting = shown(Movement.objects.filter(pk__in=self._few))
        return waiting.filter(*self._conditions.values())

    @cached_property
    def _bare(self) -> QuerySet[Movement]:
        """All of them without order and related rows, to count."""
        return self.plain.order_by().select_related(None)

    def tab(self, tab: QueueTab | None) -> QuerySet[Movement]:
        """Return those of one tab; all of them without a tab."""
        if tab is None:
            return self.plain
        named = self._fitting if tab is QueueTab.FIT else self._choosing if tab is QueueTab.CHOICE else None
        if named is not None:
            return self.plain.filter(pk__in=named)
        return BY_TAB[tab](self.plain)

    @cached_property
    def total(self) -> int:
        """How many these are; one more than `FEW` means more."""
        return self._up_to(FEW)

    def _up_to(self, most: int) -> int:
        counted = self._bare
        if self._filters.item:
            # The condition of its index, or SQLite counts along another one; only here, because it misleads PostgreSQL
            # about how many rows there are.
            counted = counted.exclude(status=Status.OK)
        return counted.values("pk")[: most + 1].count()

    @cached_property
    def counts(self) -> Mapping[QueueTab, int | None]:
        """How many each tab has, counted up to the same limit; None where counting would take too long."""
        fit, choice = self._fit_count, self._choice_count
        short = None
        if fit is not None and fit <= FEW and choice <= FEW:
            # The rest: counting beyond the two others shows whether it is more than the limit.
            short = min(self._up_to(FEW + fit + choice) - fit - choice, FEW + 1)
        return {QueueTab.FIT: fit, QueueTab.SHORT: short, QueueTab.CHOICE: choice}

    @cached_property
    def _choice_count(self) -> int:
        # What is short needs no choice; a database would search for it nevertheless.
        if self._filters.reason == Reason.SHORT:
            return 0
        if self._choosing is not None:
            return self._bare.filter(pk__in=self._choosing).count() if self._choosing else 0
        # Ordered, or SQLite counts along another index, which has all unresolved movements.
        return needing_choice(self.plain).values("pk")[: FEW + 1].count()

    @cached_property
    def _choosing(self) -> list[int] | None:
        """The numbers of all movements that need a choice, from the index of these alone; None if they are too many.

        Filtered by item, PostgreSQL would read every other unresolved movement of it.
        """
        here = Movement.objects.filter(site=self._site, status=Status.UNRESOLVED).exclude(reason=Reason.SHORT)
        return few_of(here.order_by("at", Coalesce("origin", "id"), "id"))

    @cached_property
    def _fit_count(self) -> int | None:
        if self._fitting is not None:
            return self._bare.filter(pk__in=self._fitting).count() if self._fitting else 0
        if self._few is None and not self._conditions:
            return FEW + 1
        return fits_now(self._bare).values("pk")[: FEW + 1].count() if self._few is not None else None

    @cached_property
    def _fitting(self) -> list[int] | None:
        """The numbers of all movements that fit now, found by the stock there is; None if they are too many."""
        found = [number for (number,) in FITTING_MOVEMENTS.fetch_replanned(site_id=self._site.pk, most=FEW + 1)]
        return found if len(found) <= FEW else None

    @cached_property
    def _conditions(self) -> Mapping[str, Q]:
        """The conditions by filter. Codes are looked up first: databases choose the right index only for numbers."""
        site, filters, conditions = self._site, self._filters, {}
        if filters.item:
            conditions["item"] = _is("item", _numbers(Item.objects.filter(code=filters.item)))
        if filters.location:
            conditions["location"] = _is("source", self._places)
        if filters.order:
            conditions["order"] = _is("cost_object", _cost_objects(site, filters.order))
        if filters.supplier:
            held = _numbers(Location.objects.filter(site=site, supplier__code=filters.supplier))
            ordered = CostObject.objects.filter(site=site, purchase_line__order__supplier__code=filters.supplier)
            conditions["supplier"] = _is("source", held) | Q(cost_object__in=ordered.values("pk"))
        if filters.reason:
            conditions["reason"] = Q(reason=filters.reason)
            if filters.reason != Reason.SHORT:
                # The condition of its index once more, or SQLite doesn't use that.
                conditions["choice"] = ~Q(reason=Reason.SHORT)
        if filters.until:
            conditions["until"] = Q(at__lte=filters.until)
        return conditions

    @cached_property
    def _places(self) -> list[int]:
        here, location = Location.objects.filter(site=self._site), self._filters.location
        return _numbers(here.filter(path=location) if "/" in location else here.filter(store__code=location))

    @cached_property
    def _few(self) -> list[int] | None:
        """The numbers of the movements that match the first filter which alone leaves few; None if no filter does."""
        for alone in self._narrow():
            if (numbers := few_of(alone)) is not None:
                return numbers
        return None

    def _narrow(self) -> Iterator[QuerySet[Movement]]:
        """Yield the movements that match each filter alone, as its index finds them: without the site where an order
        belongs to one."""
        conditions, waiting = self._conditions, Movement.objects.filter(status=Status.UNRESOLVED)
        here = waiting.filter(site=self._site)
        if "order" in conditions:
            yield waiting.filter(conditions["order"])
        if "choice" in conditions:
            yield needing_choice(here).order_by("at", Coalesce("origin", "id"), "id")
        if "item" in conditions:
            places = self._places if self._filters.location else _numbers(Location.objects.filter(site=self._site))
            yield here.filter(conditions["item"], source__in=places)
        elif "location" in conditions:
            yield here.filter(conditions["location"])
        if "supplier" in conditions:
            ordered = CostObject.objects.filter(
                site=self._site, purchase_line__order__supplier__code=self._filters.supplier
            )
            held = _numbers(Location.objects.filter(site=self._site, supplier__code=self._filters.supplier))
            by_place = here.filter(source__in=held).order_by().values_list("pk", flat=True)[: FEW + 1]
            cost_objects = _numbers(ordered[: FEW + 1])
            if len(cost_objects) <= FEW:
                by_cost_object = (
                    waiting.filter(cost_object__in=cost_objects).order_by().values_list("pk", flat=True)[: FEW + 1]
                )
                yield Movement.objects.filter(pk__in={*by_place, *by_cost_object})

    @cached_property
    def stock_keys(self) -> list["WaitingGroup"]:
        """The movements by item, location and reason, with how many of each fit now."""
        stock_keys = self._bare.values_list("source", "item", "reason").order_by()
        fit = self._fits_by_stock_key()
        return [
            WaitingGroup(
                source=source,
                item=item,
                reason=reason,
                count=number,
                oldest=oldest,
                fits=0 if reason != Reason.SHORT else None if fit is None else fit.get((source, item), 0),
            )
            for source, item, reason, number, oldest in stock_keys.annotate(number=Count("*"), oldest=Min("at"))
        ]

    def _fits_by_stock_key(self) -> dict[tuple[int, int], int] | None:
        if self._fitting is None:
            return None
        fitting = self._bare.filter(pk__in=self._fitting).values_list("source", "item")
        return {(source, item): count for source, item, count in fitting.annotate(number=Count("*"))}


@dataclass(frozen=True, slots=True)
class WaitingGroup:
    """The unresolved movements of one item at one location for one reason; `fits` is None where too many fit now."""

    source: int
    item: int
    reason: str
    count: int
    oldest: datetime
    fits: int | None


class GroupBy(StrEnum):
    """By what a long queue is grouped."""

    ITEM = "item"
    PLACE = "place"
    CAUSE = "cause"


@dataclass(frozen=True, slots=True)
class QueueGroup:
    """A group of unresolved movements; `key` is the filter that finds it. `there` is the stock of its one item.

    `fits` is None where too many fit now.
    """

    key: str
    name: str
    count: int
    oldest: datetime
    fits: int | None
    item: Item | None = None
    there: Decimal | None = None


def groups_of(waiting: WaitingList, by: GroupBy, site: Site) -> list[QueueGroup]:
    """Return unresolved movements grouped by item, location or reason, the largest group first."""
    gathered: dict[Any, list[WaitingGroup]] = {}
    for stock_key in waiting.stock_keys:
        key = {GroupBy.ITEM: stock_key.item, GroupBy.PLACE: stock_key.source, GroupBy.CAUSE: stock_key.reason}[by]
        gathered.setdefault(key, []).append(stock_key)
    if by is GroupBy.ITEM:
        groups = _by_item(site, gathered)
    else:
        places = Location.objects.filter(pk__in=gathered) if by is GroupBy.PLACE else Location.objects.none()
        names = dict(places.values_list("pk", "path"))
        groups = [_group(names.get(key, key), "", stock_keys) for key, stock_keys in gathered.items()]
    return sorted(groups, key=lambda group: (-group.count, group.key))


def _by_item(site: Site, gathered: Mapping[int, Sequence[WaitingGroup]]) -> list[QueueGroup]:
    items = Item.objects.select_related("stock_unit").in_bulk(gathered)
    totals = totals_at(
        site, gathered.keys(), {stock_key.source for stock_keys in gathered.values() for stock_key in stock_keys}
    )
    groups = []
    for number, stock_keys in gathered.items():
        item = items[number]
        there = sum(
            (totals.get((number, source), ZERO) for source in {stock_key.source for stock_key in stock_keys}), ZERO
        )
        groups.append(_group(item.code, item.description, stock_keys, item=item, there=there))
    return groups


def _group(
    key: str, name: str, stock_keys: Sequence[WaitingGroup], *, item: Item | None = None, there: Decimal | None = None
) -> QueueGroup:
    return QueueGroup(
        key=key,
        name=name,
        count=sum(stock_key.count for stock_key in stock_keys),
        oldest=min(stock_key.oldest for stock_key in stock_keys),
        fits=_sum(stock_key.fits for stock_key in stock_keys),
        item=item,
        there=there,
    )


def _sum(numbers: Iterable[int | None]) -> int | None:
    """Return the sum; None where a part isn't known."""
    known = list(numbers)
    return None if None in known else sum(number for number in known if number is not None)


def _cost_objects(site: Site, order: str) -> list[int]:
    """Return the cost objects of a works order, or of a purchase order's lines: two look-ups, each by its own index."""
    charged = CostObject.objects.filter(site=site, kind__in=CostObjectKind.values, number=order)
    return [*_numbers(charged), *_numbers(CostObject.objects.filter(site=site, purchase_line__order__number=order))]


def _numbers(things: QuerySet[Any]) -> list[int]:
    return list(things.values_list("pk", flat=True))


def _is(end: str, numbers: Sequence[int]) -> Q:
    return Q(**{end: numbers[0]}) if len(numbers) == 1 else Q(**{f"{end}__in": numbers})
