"""What an order's material cost, and why that differs from the structure (C1).

Amounts are exact: quantity times unit cost, nothing rounded; whoever shows them rounds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from backflush.core.quantity import EXACT, ZERO


@dataclass(frozen=True, slots=True)
class Use:
    """What a job has had of an item so far, and what that cost when it moved (returns and reversals negative)."""

    item: int
    quantity: Decimal = ZERO
    amount: Decimal = ZERO

    def plus(self, quantity: Decimal, cost: Decimal) -> "Use":
        """With one movement more, at its unit cost."""
        amount = EXACT.fma(quantity, cost, self.amount)
        return Use(self.item, EXACT.add(self.quantity, quantity), amount)


@dataclass(frozen=True, slots=True)
class UsageVariance:
    """One component: what the structure says for what was made, what was really had, and the difference in money.

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
    """Amounts added up exactly."""
    total = ZERO
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total


def material_cost(uses: Iterable[Use]) -> Decimal:
    """Consumed or issued less returned or reversed, each at its own moment's cost."""
    return total_amount(use.amount for use in uses)


def usage_variances(
    uses: Iterable[Use], standard: Mapping[int, Decimal], costs: Mapping[int, Decimal]
) -> list[UsageVariance]:
    """Standard against actual, component by component, those of the structure first."""
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
