"""Units: both directions, through a third unit, an item's own conversions first, in any order of entry (Q4)."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backflush.core.units import Conversion, Converter, Family, Units, contradiction

KG_G = Conversion("KG", "G", Fraction(1000))
T_KG = Conversion("T", "KG", Fraction(1000))
M_MM = Conversion("M", "MM", Fraction(1000))
BOX_EA = Conversion("BOX", "EA", Fraction(12))


def test_a_conversion_works_both_ways() -> None:
    family = Family([KG_G])
    assert family.factor("KG", "G") == 1000
    assert family.factor("G", "KG") == Fraction(1, 1000)


def test_the_factor_of_a_unit_to_itself_is_one_even_if_the_unit_is_unknown() -> None:
    assert Family([]).factor("EA", "EA") == 1
    assert Units(Family([])).factor("EA", "EA") == 1


def test_two_units_are_converted_through_a_third() -> None:
    family = Family([T_KG, KG_G])
    assert family.factor("T", "G") == 1_000_000
    assert family.factor("G", "T") == Fraction(1, 1_000_000)


def test_without_a_conversion_there_is_no_factor() -> None:
    assert Family([KG_G, M_MM]).factor("KG", "M") is None
    assert Units(Family([KG_G]), Family([BOX_EA])).factor("KG", "EA") is None


def test_a_repeating_ratio_converts_back_exactly() -> None:
    family = Family([Conversion("KG", "LB", Fraction(100_000_000, 45_359_237))])
    there, back = family.factor("KG", "LB"), family.factor("LB", "KG")
    assert there is not None
    assert back is not None
    assert there * back == 1


def test_an_item_s_own_conversion_overrides_the_common_one() -> None:
    units = Units(Family([BOX_EA]), Family([Conversion("BOX", "EA", Fraction(10))]))
    assert units.factor("BOX", "EA") == 10
    assert units.factor("EA", "BOX") == Fraction(1, 10)


def test_an_item_s_own_conversion_wins_even_on_a_longer_path() -> None:
    system = Family([Conversion("ROLL", "M", Fraction(50)), M_MM])
    own = Family([Conversion("ROLL", "KG", Fraction(8)), Conversion("KG", "M", Fraction(6))])
    assert Units(system, own).factor("ROLL", "M") == 48
    assert Units(system, own).factor("ROLL", "MM") == 48_000


def test_own_and_common_conversions_can_be_combined_on_one_path() -> None:
    units = Units(Family([KG_G]), Family([Conversion("TIN", "KG", Fraction(5, 2))]))
    assert units.factor("TIN", "G") == 2500
    assert units.factor("G", "TIN") == Fraction(1, 2500)


def test_an_item_without_conversions_of_its_own_uses_the_common_ones() -> None:
    converter = Converter([KG_G], {7: [BOX_EA]})
    assert converter.factor(1, "KG", "G") == 1000
    assert converter.factor(1, "BOX", "EA") is None
    assert converter.factor(7, "BOX", "EA") == 12
    assert converter.factor(7, "KG", "G") == 1000


@pytest.mark.parametrize(
    "wrong",
    [
        Conversion("KG", "G", Fraction(999)),
        Conversion("G", "KG", Fraction(1, 999)),
        Conversion("T", "G", Fraction(1)),
        Conversion("KG", "KG", Fraction(2)),
    ],
)
def test_contradicting_conversions_are_found(wrong: Conversion) -> None:
    assert contradiction([T_KG, KG_G, wrong]) == wrong


def test_the_same_conversion_twice_is_no_contradiction() -> None:
    assert contradiction([T_KG, KG_G, Conversion("T", "G", Fraction(1_000_000)), KG_G]) is None


NAMES = ("A", "B", "C", "D", "E", "F")
SIZES = dict(zip(NAMES, (1, 2, 3, 5, 7, 11), strict=True))
PAIRS = st.lists(st.sampled_from([(a, b) for a in NAMES for b in NAMES if a != b]), max_size=8)


def agreeing(pairs: Sequence[tuple[str, str]], scale: int = 1) -> list[Conversion]:
    """Return conversions between units of known sizes, which can't contradict each other."""
    return [Conversion(a, b, Fraction(SIZES[a] * scale ** SIZES[a], SIZES[b] * scale ** SIZES[b])) for a, b in pairs]


@given(PAIRS, st.randoms(use_true_random=False))
def test_common_conversions_do_not_depend_on_the_order_of_entry(pairs: list[tuple[str, str]], random: object) -> None:
    conversions = agreeing(pairs)
    assert contradiction(conversions) is None
    shuffled = list(reversed(conversions))
    one, other = Family(conversions), Family(shuffled)
    for a in NAMES:
        for b in NAMES:
            found = one.factor(a, b)
            assert found == other.factor(a, b)
            assert found is None or found == Fraction(SIZES[a], SIZES[b])


@given(PAIRS, PAIRS)
def test_an_item_s_conversions_do_not_depend_on_the_order_of_entry(
    system: list[tuple[str, str]], own: list[tuple[str, str]]
) -> None:
    first = Units(Family(agreeing(system)), Family(agreeing(own, scale=2)))
    second = Units(Family(agreeing(system)[::-1]), Family(agreeing(own, scale=2)[::-1]))
    for a in NAMES:
        for b in NAMES:
            assert first.factor(a, b) == second.factor(a, b)


def test_an_item_s_own_conversion_applies_in_the_middle_of_a_path_in_both_directions() -> None:
    system = [Conversion("PALLET", "BOX", Fraction(40)), BOX_EA, Conversion("PAIR", "EA", Fraction(2))]
    units = Units(Family(system), Family([Conversion("BOX", "EA", Fraction(10))]))
    assert units.factor("PALLET", "PAIR") == 200
    assert units.factor("PAIR", "PALLET") == Fraction(1, 200)


@given(PAIRS, PAIRS)
def test_a_conversion_and_its_reverse_cancel_out(system: list[tuple[str, str]], own: list[tuple[str, str]]) -> None:
    units = Units(Family(agreeing(system)), Family(agreeing(own, scale=2)))
    for a in NAMES:
        for b in NAMES:
            there, back = units.factor(a, b), units.factor(b, a)
            assert (there is None) == (back is None)
            assert there is None or back is None or there * back == 1


def test_the_same_one_of_several_equal_paths_is_always_used() -> None:
    """Two own paths of equal length that differ: the unit codes decide."""
    own = [Conversion("CRATE", "BOX", Fraction(2)), Conversion("PACK", "EA", Fraction(5))]
    system = [Conversion("BOX", "PACK", Fraction(3)), Conversion("CRATE", "PACK", Fraction(7))]
    found = {
        Units(Family(common), Family(some)).factor("CRATE", "EA")
        for common in permutations(system)
        for some in permutations(own)
    }
    assert len(found) == 1


def test_a_missing_conversion_among_many_units_is_found_quickly() -> None:
    """Every unit is known to the item and to the system, and one is unreachable."""
    names = [f"U{number}" for number in range(12)]
    chain = [Conversion(a, b, Fraction(2)) for a, b in pairwise(names)]
    assert Units(Family(chain), Family(chain)).factor("U0", "NOWHERE") is None
