"""Exact numbers: rounded once, half up; refused if they don't fit, with the two nearest that do (Q1, Q5)."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backflush.core.quantity import (
    LARGEST,
    convert,
    from_scaled,
    plain,
    require_fit,
    require_positive,
    round_half_up,
    to_scaled,
    written,
)
from backflush.core.refusals import InvalidQuantity, QuantityTooLarge

DECIMALS = st.integers(0, 6)
MILLIONTHS = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize(
    ("exact", "decimals", "rounded"),
    [
        (Fraction(1, 2), 0, "1"),
        (Fraction(3, 2), 0, "2"),
        (Fraction(5, 2), 0, "3"),
        (Fraction(49, 100), 0, "0"),
        (Fraction(1, 3), 3, "0.333"),
        (Fraction(2, 3), 3, "0.667"),
        (Fraction(45, 100), 1, "0.5"),
        (Fraction(100, 97), 6, "1.030928"),
    ],
)
def test_a_half_is_rounded_up(exact: Fraction, decimals: int, rounded: str) -> None:
    assert round_half_up(exact, decimals) == Decimal(rounded)


@given(st.decimals(0, 10**12, places=9, allow_nan=False), DECIMALS)
def test_rounding_is_what_a_clerk_does_by_hand(exact: Decimal, decimals: int) -> None:
    by_hand = exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    assert round_half_up(Fraction(exact), decimals) == by_hand


@given(MILLIONTHS)
def test_conversion_to_millionths_and_back_is_exact(scaled: int) -> None:
    assert to_scaled(from_scaled(scaled)) == scaled


@given(st.decimals(-(10**12), 10**12, places=6, allow_nan=False))
def test_six_decimals_survive_the_database(quantity: Decimal) -> None:
    assert from_scaled(to_scaled(quantity)) == quantity


def test_a_seventh_decimal_never_reaches_the_database() -> None:
    with pytest.raises(AssertionError, match="more than six decimals"):
        to_scaled(Decimal("0.0000001"))


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        ("6.250", "6.25"),
        ("40", "40"),
        ("4E+1", "40"),
        ("0.000", "0"),
        ("-0", "0"),
        ("1E+30", "1" + "0" * 30),
        ("0.1234567890123456789012345678901234567890", "0.123456789012345678901234567890123456789"),
    ],
)
def test_a_number_is_written_in_its_shortest_form_without_an_exponent(quantity: str, text: str) -> None:
    assert written(Decimal(quantity)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**40), max_value=10**40))
def test_writing_a_number_never_changes_it(quantity: Decimal) -> None:
    assert plain(quantity) == quantity
    assert Decimal(written(quantity)) == quantity


def test_a_number_that_does_not_fit_is_refused_with_the_two_nearest_that_do() -> None:
    with pytest.raises(InvalidQuantity) as refused:
        require_fit(Decimal("2.4567"), 3, field="good", what="PAINT")
    assert str(refused.value) == "PAINT is counted to 3 decimals. Enter 2.456 or 2.457."
    assert refused.value.field == "good"


def test_pieces_are_counted_whole() -> None:
    with pytest.raises(InvalidQuantity, match=r"in whole pieces\. Enter 2 or 3\."):
        require_fit(Decimal("2.5"), 0, field="good", what="BOLT")


@given(st.decimals(0, 10**11, places=8, allow_nan=False), DECIMALS)
def test_the_two_nearest_fit_and_lie_on_either_side(quantity: Decimal, decimals: int) -> None:
    try:
        assert require_fit(quantity, decimals, field="good", what="BOLT") == quantity
    except InvalidQuantity as refusal:
        low, high = map(Decimal, refusal.sentence.rstrip(".").rsplit("Enter ", 1)[1].split(" or "))
        assert low < quantity < high
        assert high - low == Decimal(1).scaleb(-decimals)


@pytest.mark.parametrize("quantity", ["0", "-1", "-0.001"])
def test_a_quantity_is_above_zero(quantity: str) -> None:
    with pytest.raises(InvalidQuantity, match="above zero"):
        require_positive(Decimal(quantity), 3, field="good", what="BOLT")


@pytest.mark.parametrize("quantity", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_infinity_and_nan_are_refused_as_quantities(quantity: str) -> None:
    with pytest.raises(InvalidQuantity):
        require_positive(Decimal(quantity), 3, field="good", what="BOLT")


def test_the_largest_quantity_is_just_below_a_million_million() -> None:
    most = LARGEST - Decimal("0.000001")
    assert require_fit(most, 6, field="good", what="BOLT") == most
    with pytest.raises(QuantityTooLarge):
        require_fit(LARGEST, 6, field="good", what="BOLT")


def test_a_very_large_exponent_is_refused_at_once() -> None:
    with pytest.raises(QuantityTooLarge):
        require_fit(Decimal("1E+999999"), 0, field="good", what="BOLT")


def test_a_quarter_of_a_box_of_twelve_is_three_pieces() -> None:
    assert convert(Decimal("0.25"), Fraction(12), 0, field="good", what="BOLT") == 3


def test_a_quantity_that_cannot_be_converted_exactly_is_refused() -> None:
    with pytest.raises(InvalidQuantity):
        convert(Decimal("0.3"), Fraction(12), 0, field="good", what="BOLT")
    with pytest.raises(InvalidQuantity, match="can't be converted exactly"):
        convert(Decimal(1), Fraction(1, 3), 6, field="good", what="BOLT")


def test_a_refusal_never_suggests_zero() -> None:
    """Below the smallest quantity only one neighbour fits, because zero isn't allowed."""
    with pytest.raises(InvalidQuantity, match=r"Enter 1\."):
        require_positive(Decimal("0.4"), 0, field="good", what="BOLT")
