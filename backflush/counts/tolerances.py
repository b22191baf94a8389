"""Tolerances of counts: which one applies, whether a difference is within it, and setting them (H5)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Final

from django.db import transaction

from backflush.core.quantity import ZERO
from backflush.core.refusals import InvalidValue
from backflush.counts.models import CountPlan, CountStatus, CountTolerance, StockCount
from backflush.items.models import Item, ItemCost
from backflush.stockmap.models import Location, Site

HUNDRED: Final = Decimal(100)
LIMITS: Final = ("quantity_up", "quantity_down", "percent_up", "percent_down", "value_up", "value_down")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToleranceIn:
    """A tolerance to set: for an item at a location, an item, an ABC class, or, with none of these, the site."""

    item: Item | None = None
    location: Location | None = None
    abc_class: str = ""
    quantity_up: Decimal | None = None
    quantity_down: Decimal | None = None
    percent_up: Decimal | None = None
    percent_down: Decimal | None = None
    value_up: Decimal | None = None
    value_down: Decimal | None = None
    approval_value: Decimal | None = None
    post_within: bool = True
    recount_beyond: bool = True
    blind: bool = False


@transaction.atomic
def set_tolerances(tolerances: Iterable[ToleranceIn], *, site: Site) -> list[CountTolerance]:
    """Set tolerances of a site, each in place of the one for the same item, location or class.

    Raises `InvalidValue` for a limit below zero, or a location or class that doesn't go with the item.
    """
    rows = []
    for one in tolerances:
        _require_sound(one, site)
        values = {field.name: getattr(one, field.name) for field in fields(one)}
        key = {name: values.pop(name) for name in ("item", "location", "abc_class")}
        rows.append(CountTolerance.objects.update_or_create(site=site, **key, defaults=values)[0])
    return rows


def _require_sound(one: ToleranceIn, site: Site) -> None:
    for name in (*LIMITS, "approval_value"):
        limit: Decimal | None = getattr(one, name)
        if limit is not None and not (limit.is_finite() and limit >= ZERO):
            raise InvalidValue("A limit can't be below zero. Enter 0 or more, or leave it empty.", field=name)
    if one.location is not None and one.item is None:
        raise InvalidValue(
            "A tolerance for a location needs an item. Name the item, or leave the location empty.", field="item"
        )
    if one.item is not None and one.abc_class:
        raise InvalidValue(
            "A tolerance is for an item or for an ABC class, not both. Leave one of them empty.", field="abc_class"
        )
    if one.location is not None and one.location.site_id != site.pk:
        raise InvalidValue(
            "{location} belongs to another site. Choose a location of {site}.",
            location=one.location.path,
            site=site.code,
            field="location",
        )


class Tolerances:
    """The tolerances of some items at a site, read by two statements, and a third for costs if any has a value."""

    def __init__(self, site: Site, items: Collection[Item]) -> None:
        numbers = {item.pk for item in items}
        rows = [
            row for row in CountTolerance.objects.filter(site=site) if row.item_id is None or row.item_id in numbers
        ]
        self._all_blind = CountPlan.objects.filter(site=site, blind=True).exists()
        self._rows = {(row.item_id, row.location_id, row.abc_class): row for row in rows}
        valued = any(limit is not None for row in rows for limit in (row.value_up, row.value_down, row.approval_value))
        costs = {item.cost_id for item in items if item.cost_id is not None} if valued else set()
        self._costs: Mapping[int, ItemCost] = ItemCost.objects.in_bulk(costs) if costs else {}

    def of(self, item: Item, location: int) -> CountTolerance | None:
        """Return the tolerance of an item at a location: its own there, its own, its class's, or the site's."""
        for key in ((item.pk, location, ""), (item.pk, None, ""), (None, None, item.abc_class), (None, None, "")):
            if key in self._rows:
                return self._rows[key]
        return None

    def blind(self, item: Item, location: int) -> bool:
        """Return whether the counter of an item at a location must not see the book quantity."""
        tolerance = self.of(item, location)
        return self._all_blind or (tolerance is not None and tolerance.blind)

    def decide(self, count: StockCount) -> CountStatus:
        """Return what becomes of a count whose difference is known (H5).

        Within the tolerance it is posted, or waits for approval if the tolerance says so. Beyond it, a first count is
        to be counted again by another person. A recount that differs by more than the approval value needs approval.
        """
        tolerance = self.of(count.item, count.location_id)
        if tolerance is None or not count.difference:
            return CountStatus.POSTED
        if self.within(count, tolerance):
            return CountStatus.POSTED if tolerance.post_within else CountStatus.APPROVAL
        if count.attempt == 1 and tolerance.recount_beyond:
            return CountStatus.RECOUNT
        limit = tolerance.approval_value
        if limit is not None and self.value(count) <= limit:
            return CountStatus.POSTED
        return CountStatus.APPROVAL

    def agrees(self, count: StockCount) -> bool:
        """Return whether a difference is within its tolerance; without one, whether there is no difference."""
        tolerance = self.of(count.item, count.location_id)
        return not count.difference or (tolerance is not None and self.within(count, tolerance))

    def within(self, count: StockCount, tolerance: CountTolerance) -> bool:
        """Return whether a difference exceeds none of the limits that are set for its direction."""
        off, up = abs(count.difference), count.difference > 0
        quantity, percent, value = (
            (tolerance.quantity_up, tolerance.percent_up, tolerance.value_up)
            if up
            else (tolerance.quantity_down, tolerance.percent_down, tolerance.value_down)
        )
        if quantity is not None and off > quantity:
            return False
        # In per cent of nothing any difference is too much.
        if percent is not None and off * HUNDRED > percent * max(count.expected, ZERO):
            return False
        return value is None or self.value(count) <= value

    def value(self, count: StockCount) -> Decimal:
        """Return the value of a difference at the item's standard cost, without its sign."""
        cost = self._costs.get(count.item.cost_id or 0)
        if cost is None:
            return ZERO
        unit = cost.standard_material + cost.standard_labour + cost.standard_outside + cost.standard_overhead
        return Decimal(abs(count.difference) * unit)
