"""The material cost of a works order, compared with the standard of its structure (C1, C1a)."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from backflush.backflushing.consumption import use_line
from backflush.backflushing.models import Booking
from backflush.core.consumption import CumulativeUse, UseLine
from backflush.core.costing import Standard, UsageVariance, Use, material_cost, total_amount, usage_variances
from backflush.core.moves import Status
from backflush.core.quantity import EXACT, ZERO
from backflush.items.models import Item, ItemCost
from backflush.ledger.models import CostObject, CostObjectKind, Movement
from backflush.structures.models import FrozenLine

CENTS = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class OrderCost:
    """The exact material cost of an order, and each component's usage variance.

    `scrap` is the part of the standard that was for scrapped pieces, rounded to cents.
    """

    cost_object: CostObject
    material: Decimal
    variances: tuple[UsageVariance, ...]
    scrap: Decimal
    items: dict[int, Item]

    @property
    def standard(self) -> Decimal:
        """The structure's standard for the quantity made, each booking at the standard cost of its moment."""
        return total_amount(variance.standard.amount for variance in self.variances)

    @property
    def usage_variance(self) -> Decimal:
        """The cost of what was used beyond the structure, or saved."""
        return total_amount(variance.amount for variance in self.variances)

    @property
    def price_effect(self) -> Decimal:
        """What changed standard costs make of the cost."""
        return total_amount(variance.price_effect for variance in self.variances)

    @property
    def waiting(self) -> Decimal:
        """The cost of what is unresolved."""
        return total_amount(variance.waiting.amount for variance in self.variances)


def order_cost(cost_object: CostObject) -> OrderCost:
    """Return the material cost charged to an order, with its usage variances (C1, C1a).

    The standard is at the standard material cost of each booking's moment, so a new standard cost is no usage variance.
    """
    uses, waiting = uses_of(cost_object), _waiting(cost_object)
    booked = _booked(cost_object)
    costs = _CostsByTime({item for one in booked for item in one.required})
    standards: dict[int, Standard] = {}
    scrap = ZERO
    for one in booked:
        for item, quantity in one.required.items():
            cost = costs.at(item, one.recorded_at)
            standards[item] = standards.get(item, Standard()).plus(quantity, cost)
            scrap += EXACT.multiply(quantity, cost) * one.scrapped
    variances = tuple(usage_variances(uses, standards, waiting))
    items = Item.objects.select_related("stock_unit").in_bulk({variance.item for variance in variances})
    return OrderCost(cost_object, material_cost(uses), variances, scrap.quantize(CENTS), items)


def uses_of(cost_object: CostObject) -> list[Use]:
    """Return the use of each item by an order, each movement at the standard material cost of its moment.

    Quantity times cost is summed exactly in Python: the product of two six-decimal integers can exceed 64 bits.
    """
    totals: dict[int, Use] = {}
    rows = Movement.objects.filter(cost_object=cost_object).exclude(charged=0).order_by("pk")
    for item, charged, quantity, cost in rows.values_list("item", "charged", "quantity", "cost__standard_material"):
        totals[item] = totals.get(item, Use(item)).plus(charged * quantity, cost)
    return list(totals.values())


def _waiting(cost_object: CostObject) -> list[Use]:
    """Return what is unresolved of each item, at the cost of the moment at which it was assumed."""
    totals: dict[int, Use] = {}
    rows = Movement.objects.filter(cost_object=cost_object, status=Status.UNRESOLVED).order_by("pk")
    for item, due, cost in rows.values_list("item", "due", "cost__standard_material"):
        assert due is not None, "an unresolved movement has a quantity due"
        totals[item] = totals.get(item, Use(item)).plus(due, cost)
    return list(totals.values())


@dataclass(frozen=True, slots=True)
class _Booked:
    """The requirement of a standing booking by component, in stock units, and the scrapped part of it."""

    recorded_at: datetime
    required: Mapping[int, Decimal]
    scrapped: Decimal


def _booked(cost_object: CostObject) -> list[_Booked]:
    """Return the order's standing bookings, in order of recording. Lines marked *by hand* are included."""
    bookings = Booking.objects.filter(
        cost_object=cost_object, reversed_by__isnull=True, structure__isnull=False
    ).order_by("posting")
    standing = list(bookings.values_list("pk", "structure", "produced", "good", "scrap", "posting__recorded_at"))
    lines: dict[int, list[UseLine]] = {}
    rows = FrozenLine.objects.filter(structure__in={row[1] for row in standing})
    for line in rows.select_related("component").order_by("structure", "position"):
        if not (line.supplier_provides and cost_object.kind == CostObjectKind.PURCHASE_ORDER):
            lines.setdefault(line.structure_id, []).append(use_line(line))
    cumulative_use = CumulativeUse()
    found = []
    for booking, structure, quantity, good, scrap, recorded_at in standing:
        required: dict[int, Decimal] = {}
        for use in cumulative_use.book(booking, lines.get(structure, ()), quantity):
            required[use.line.item_id] = required.get(use.line.item_id, ZERO) + use.quantity
        found.append(_Booked(recorded_at, required, scrap / (good + scrap)))
    return found


class _CostsByTime:
    """The standard material cost of some items at any time of recording."""

    def __init__(self, items: Collection[int]) -> None:
        self._since: dict[int, list[datetime]] = defaultdict(list)
        self._costs: dict[int, list[Decimal]] = defaultdict(list)
        rows = ItemCost.objects.filter(item__in=items).order_by("since", "pk")
        for item, since, cost in rows.values_list("item", "since", "standard_material"):
            self._since[item].append(since)
            self._costs[item].append(cost)

    def at(self, item: int, recorded_at: datetime) -> Decimal:
        """Return the cost in force; before the first, the first."""
        costs: Sequence[Decimal] = self._costs[item]
        return costs[max(bisect_right(self._since[item], recorded_at) - 1, 0)]
