"""The material cost of a works order, compared with the standard of its structure (C1)."""

from dataclasses import dataclass
from decimal import Decimal

from backflush.backflushing.consumption import use_line
from backflush.backflushing.models import Booking
from backflush.core.consumption import CumulativeUse, UseLine
from backflush.core.costing import UsageVariance, Use, material_cost, total_amount, usage_variances
from backflush.core.quantity import ZERO
from backflush.items.models import Item
from backflush.ledger.models import CostObject, CostObjectKind, Movement
from backflush.structures.models import FrozenLine


@dataclass(frozen=True, slots=True)
class OrderCost:
    """The exact material cost of an order, and each component's usage variance."""

    cost_object: CostObject
    material: Decimal
    variances: tuple[UsageVariance, ...]
    items: dict[int, Item]

    @property
    def standard(self) -> Decimal:
        """The structure's standard for the quantity made, at present standard material costs."""
        return total_amount(variance.standard_amount for variance in self.variances)


def order_cost(cost_object: CostObject) -> OrderCost:
    """Return the material cost charged to an order, with its usage variances (C1)."""
    uses = uses_of(cost_object)
    standard = standard_quantities(cost_object)
    items = Item.objects.select_related("cost", "stock_unit").in_bulk({*standard, *(use.item for use in uses)})
    costs = {pk: item.cost.standard_material for pk, item in items.items() if item.cost is not None}
    return OrderCost(cost_object, material_cost(uses), tuple(usage_variances(uses, standard, costs)), items)


def uses_of(cost_object: CostObject) -> list[Use]:
    """Return the use of each item by an order, each movement at the standard material cost of its moment.

    Quantity times cost is summed exactly in Python: the product of two six-decimal integers can exceed 64 bits.
    """
    totals: dict[int, Use] = {}
    rows = Movement.objects.filter(cost_object=cost_object).exclude(charged=0).order_by("pk")
    for item, charged, quantity, cost in rows.values_list("item", "charged", "quantity", "cost__standard_material"):
        totals[item] = totals.get(item, Use(item)).plus(charged * quantity, cost)
    return list(totals.values())


def standard_quantities(cost_object: CostObject) -> dict[int, Decimal]:
    """Return the quantities that the order's standing bookings required by their structures, in stock units.

    Lines marked *by hand* are included.
    """
    bookings = Booking.objects.filter(
        cost_object=cost_object, reversed_by__isnull=True, structure__isnull=False
    ).order_by("posting")
    standing = list(bookings.values_list("pk", "structure", "quantity"))
    lines: dict[int, list[UseLine]] = {}
    rows = FrozenLine.objects.filter(structure__in={structure for _, structure, _ in standing})
    for line in rows.select_related("component").order_by("structure", "position"):
        if not (line.supplier_provides and cost_object.kind == CostObjectKind.PURCHASE_ORDER):
            lines.setdefault(line.structure_id, []).append(use_line(line))
    cumulative_use = CumulativeUse()
    standard: dict[int, Decimal] = {}
    for booking, structure, quantity in standing:
        for use in cumulative_use.book(booking, lines.get(structure, ()), quantity):
            standard[use.line.item] = standard.get(use.line.item, ZERO) + use.quantity
    return standard
