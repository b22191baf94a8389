"""The material cost of an order at the cost of each moment, and its variance from the structure (C1, C1a)."""

from decimal import Decimal

from backflush.costing.selectors import OrderCost, order_cost
from backflush.items.selectors import item_coded
from backflush.items.services import set_costs
from tests.cast import Plant
from tests.oracle import faults


def variances(cost: OrderCost) -> dict[str, tuple[Decimal, Decimal]]:
    """Return the quantity and amount over or under the structure by component."""
    return {cost.items[one.item].code: (one.quantity, one.amount) for one in cost.variances}


def costs(item: str, amount: str) -> None:
    set_costs(item_coded(item), {"standard_material": Decimal(amount)})


def test_consumption_issues_and_returns_count_at_the_cost_of_their_moment(plant: Plant) -> None:
    plant.has(100, "BOLT")
    plant.has(100, "BOLT", at="RAW")
    plant.books(5, "BRACKET")
    costs("BOLT", "0.20")
    plant.issues(10, "BOLT", "BRACKET")
    costs("BOLT", "0.30")
    plant.returns(4, "BOLT", "BRACKET")
    cost = order_cost(plant.cost_object("BRACKET"))
    assert cost.material == 20 * Decimal("0.10") + 10 * Decimal("0.20") - 4 * Decimal("0.30")
    # The structure requires twenty, at the standard cost of the booking; twenty-six were used.
    assert cost.standard == 2
    assert variances(cost) == {"BOLT": (6, Decimal("0.60"))}
    assert cost.price_effect == cost.material - 2 - Decimal("0.60")


def test_unresolved_and_dropped_quantities_cost_nothing(plant: Plant) -> None:
    plant.books(5, "BRACKET")
    cost = order_cost(plant.cost_object("BRACKET"))
    assert (cost.material, cost.usage_variance, cost.waiting) == (0, 0, Decimal("2.00"))
    plant.has(12, "BOLT")
    plant.resolves("BOLT", 12)
    cost = order_cost(plant.cost_object("BRACKET"))
    assert cost.material == Decimal("1.20")
    assert variances(cost) == {"BOLT": (-8, Decimal("-0.80"))}


def test_a_new_standard_cost_is_a_price_effect_and_no_usage_variance(plant: Plant) -> None:
    plant.has(20, "BOLT")
    plant.books(5, "BRACKET")
    plant.books(2, "BRACKET", 1)
    costs("BOLT", "0.30")
    plant.books(1, "BRACKET")
    before = order_cost(plant.cost_object("BRACKET"))
    assert (before.standard, before.material) == (32 * Decimal("0.10") + 4 * Decimal("0.30"), 20 * Decimal("0.10"))
    assert (before.usage_variance, before.price_effect) == (0, 0)
    # Of the twelve bolts of the second booking, four were for the scrapped piece.
    assert before.scrap == Decimal("0.40")
    plant.has(16, "BOLT")
    plant.retries()
    after = order_cost(plant.cost_object("BRACKET"))
    assert variances(after) == {"BOLT": (0, 0)}
    assert (after.waiting, after.price_effect) == (0, 12 * Decimal("0.20"))
    assert after.material == after.standard + after.usage_variance + after.price_effect - after.waiting


def test_a_reversal_is_at_its_original_s_cost(plant: Plant) -> None:
    plant.has(100, "BOLT", at="RAW")
    plant.releases(10, "BRACKET")
    issued = plant.issues(10, "BOLT", "BRACKET")
    costs("BOLT", "7")
    plant.reverses(issued)
    assert order_cost(plant.cost_object("BRACKET")).material == 0
    assert faults(plant.site) == []


def test_the_use_of_a_receipt_is_charged_to_its_order(plant: Plant) -> None:
    plant.has(100, "LUG", at="ACME/STOCK")
    plant.buys(10, "PLATED")
    plant.receives(5, "PLATED", 1)
    booking = plant.receives(2, "PLATED")
    assert booking.cost_object is not None
    cost = order_cost(booking.cost_object)
    assert cost.material == cost.standard == 32 * Decimal("0.75")


def test_a_line_by_hand_counts_in_the_standard_although_it_is_not_assumed(plant: Plant) -> None:
    plant.consists("BRACKET", plant.line(10, "BOLT", 4), plant.line(20, "LUG", 1, by_hand=True))
    plant.has(100, "BOLT")
    plant.has(100, "LUG", at="RAW")
    plant.books(4, "BRACKET")
    plant.issues(5, "LUG", "BRACKET")
    cost = order_cost(plant.cost_object("BRACKET"))
    assert cost.standard == 16 * Decimal("0.10") + 4 * Decimal("0.75")
    assert variances(cost) == {"BOLT": (0, 0), "LUG": (1, Decimal("0.75"))}


def test_use_outside_the_structure_is_all_variance(plant: Plant) -> None:
    plant.has(10, "PAINT", at="RAW")
    plant.releases(10, "BRACKET")
    plant.issues("0.125", "PAINT", "BRACKET")
    assert variances(order_cost(plant.cost_object("BRACKET"))) == {"PAINT": (Decimal("0.125"), Decimal("1.5625"))}
