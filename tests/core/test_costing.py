"""Costs are exact, however large the quantity and the unit cost (C1, C1a)."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from backflush.core.costing import Standard, Use, material_cost, total_amount, usage_variances

NINES = Decimal("999999999999.999999")
MILLIONTHS = st.integers(1, 10**18 - 1).map(lambda scaled: Decimal(scaled).scaleb(-6))
CHARGES = st.lists(st.tuples(MILLIONTHS, MILLIONTHS, st.sampled_from([1, -1])), max_size=6)


def used(charges: list[tuple[Decimal, Decimal, int]]) -> Use:
    use = Use(1)
    for quantity, cost, charged in charges:
        use = use.plus(charged * quantity, cost)
    return use


def exact(charges: list[tuple[Decimal, Decimal, int]]) -> Fraction:
    return sum((charged * Fraction(quantity) * Fraction(cost) for quantity, cost, charged in charges), Fraction(0))


@given(CHARGES, CHARGES)
def test_material_cost_is_exact_to_the_last_digit(
    one: list[tuple[Decimal, Decimal, int]], other: list[tuple[Decimal, Decimal, int]]
) -> None:
    assert Fraction(material_cost([used(one), used(other)])) == exact(one) + exact(other)


@given(CHARGES)
def test_material_issued_and_returned_costs_exactly_nothing(charges: list[tuple[Decimal, Decimal, int]]) -> None:
    back = [(quantity, cost, -charged) for quantity, cost, charged in reversed(charges)]
    use = used([*charges, *back])
    assert (use.quantity, use.amount) == (0, 0)


@given(CHARGES, CHARGES, st.lists(st.tuples(MILLIONTHS, MILLIONTHS), min_size=1, max_size=3))
def test_usage_variance_and_price_effect_are_exact_near_the_limits(
    charges: list[tuple[Decimal, Decimal, int]],
    unresolved: list[tuple[Decimal, Decimal, int]],
    booked: list[tuple[Decimal, Decimal]],
) -> None:
    """The usage variance is quantity alone, and nothing is left over of the difference in money."""
    standard = Standard()
    for quantity, cost in booked:
        standard = standard.plus(quantity, cost)
    (variance,) = usage_variances([used(charges)], {1: standard}, [used(unresolved)])
    had = sum((charged * Fraction(quantity) for quantity, _, charged in charges + unresolved), Fraction(0))
    assert Fraction(variance.quantity) == had - sum(Fraction(quantity) for quantity, _ in booked)
    assert Fraction(variance.amount) == Fraction(variance.quantity) * Fraction(booked[-1][1])
    expected = sum(Fraction(quantity) * Fraction(cost) for quantity, cost in booked)
    difference = exact(charges) + exact(unresolved) - expected
    assert Fraction(variance.amount) + Fraction(variance.price_effect) == difference


def test_the_largest_possible_amount_is_exact() -> None:
    amount = Use(1).plus(NINES, NINES).amount
    assert amount == Decimal("999999999999999998000000.000000000001")
    assert total_amount([amount, Decimal("-0.000000000001")]) == Decimal(999999999999999998000000)


def test_components_of_the_structure_come_first_and_none_is_left_out() -> None:
    uses = [Use(3, Decimal(2), Decimal(4)), Use(1, Decimal(1), Decimal(1))]
    standards = {1: Standard().plus(Decimal(2), Decimal(1)), 2: Standard().plus(Decimal(5), Decimal(3))}
    variances = usage_variances(uses, standards)
    assert [(one.item, one.quantity, one.amount) for one in variances] == [(1, -1, -1), (2, -5, -15), (3, 2, 4)]
