"""An order's material cost, and its variance from the structure (C1, C1a).

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
class Standard:
    """The structure's standard of a component for the quantity made: each booking at the standard cost of its moment.

    `cost` is the standard unit cost of the last booking that needed it, at which a difference of quantity is priced.
    """

    quantity: Decimal = ZERO
    amount: Decimal = ZERO
    cost: Decimal = ZERO

    def plus(self, quantity: Decimal, cost: Decimal) -> "Standard":
        """Return the standard with one more booking, at the unit cost of its moment."""
        return Standard(EXACT.add(self.quantity, quantity), EXACT.fma(quantity, cost, self.amount), cost)


@dataclass(frozen=True, slots=True)
class UsageVariance:
    """One component of an order: its standard, what was used, and what waits as unresolved (C1a).

    What waits is neither used nor saved. The usage variance is the difference of quantity alone, at the standard cost
    of the bookings. The rest of the difference in money is the price effect of a changed standard cost. A component
    without a standard isn't in the structure: all of its cost is usage variance.
    """

    item: int
    standard: Standard
    used: Use
    waiting: Use

    @property
    def quantity(self) -> Decimal:
        """Used and waiting less the standard."""
        return EXACT.subtract(EXACT.add(self.used.quantity, self.waiting.quantity), self.standard.quantity)

    @property
    def amount(self) -> Decimal:
        """The usage variance."""
        if self.standard.quantity:
            return EXACT.multiply(self.quantity, self.standard.cost)
        return EXACT.add(self.used.amount, self.waiting.amount)

    @property
    def price_effect(self) -> Decimal:
        """Cost of what was used and what waits, less the standard and the usage variance."""
        cost = EXACT.add(self.used.amount, self.waiting.amount)
        return EXACT.subtract(EXACT.subtract(cost, self.standard.amount), self.amount)


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
    uses: Iterable[Use], standards: Mapping[int, Standard], waiting: Iterable[Use] = ()
) -> list[UsageVariance]:
    """Compare standard and use by component; components of the structure come first."""
    used, waits = ({use.item: use for use in some} for some in (uses, waiting))
    return [
        UsageVariance(item, standards.get(item, Standard()), used.get(item, Use(item)), waits.get(item, Use(item)))
        for item in dict.fromkeys((*standards, *used, *waits))
    ]
