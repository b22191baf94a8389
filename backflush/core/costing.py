"""An order's material cost, and its variance from the structure (C1).

Amounts are exact: quantity times unit cost, not rounded. Callers round for display.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from backflush.core.quantity import EXACT, ZERO


@dataclass(frozen=True, slots=True)
class Use:
    """The quantity and cost of an item that an order has used, each movement at its own cost, returns and reversals
    negative."""

    item: int
    quantity: Decimal = ZERO
    amount: Decimal = ZERO

    def plus(self, quantity: Decimal, cost: Decimal) -> "Use":
        """Return the use with one more movement at its unit cost."""
        amount = EXACT.fma(quantity, cost, self.amount)
        return Use(self.item, EXACT.add(self.quantity, quantity), amount)


@dataclass(frozen=True, slots=True)
class UsageVariance:
    """One component: the standard for the quantity made, the actual use, and the difference in money.

    `standard_amount` is at the item's present standard material cost.
    """

    item: int
    standard_quantity: Decimal
    standard_amount: Decimal
    actual_quantity: Decimal
    actual_amount: Decimal

    @property
    def quantity(self) -> Decimal:
        return EXACT.subtract(self.actual_quantity, self.standard_quantity)

    @property
    def amount(self) -> Decimal:
        return EXACT.subtract(self.actual_amount, self.standard_amount)


def total_amount(amounts: Iterable[Decimal]) -> Decimal:
    """Return the exact sum of some amounts."""
    total = ZERO
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total


def material_cost(uses: Iterable[Use]) -> Decimal:
    """Return the cost of consumed and issued material less returns and reversals, each at the cost of its moment."""
    return total_amount(use.amount for use in uses)


def usage_variances(
    uses: Iterable[Use], standard: Mapping[int, Decimal], costs: Mapping[int, Decimal]
) -> list[UsageVariance]:
    """Compare standard and actual use by component; components of the structure come first."""
    actual = {use.item: use for use in uses}
    items = [*standard, *(item for item in actual if item not in standard)]
    nothing = {item: Use(item, ZERO, ZERO) for item in items}
    return [
        UsageVariance(
            item,
            standard.get(item, ZERO),
            EXACT.multiply(standard.get(item, ZERO), costs.get(item, ZERO)),
            actual.get(item, nothing[item]).quantity,
            actual.get(item, nothing[item]).amount,
        )
        for item in items
    ]
