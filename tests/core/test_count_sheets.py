"""Walking order, samples that repeat, and the parts of several counters."""

from backflush.core.count_sheets import BalanceName, parts_of, random_sample, walking_order


def names(*bins: str) -> list[BalanceName]:
    return [BalanceName("MAIN/RACK", bin, "LUG") for bin in bins]


def test_bins_are_walked_by_their_numbers() -> None:
    walked = sorted(names("R10", "R2", "A1", "R2-10", "R2-9"), key=walking_order)
    assert [name.bin for name in walked] == ["A1", "R2", "R2-9", "R2-10", "R10"]


def test_a_sample_is_the_same_whatever_the_order_of_what_it_is_drawn_from() -> None:
    some = names(*(f"R{number}" for number in range(200)))
    sample = random_sample(some, 20, "7")
    assert random_sample(some[::-1], 20, "7") == sample
    assert random_sample(some, 20, "8") != sample
    # A larger sample contains the smaller one, so it can be extended.
    assert random_sample(some, 30, "7")[:20] == sample


def test_parts_are_as_equal_as_possible_and_leave_nothing_out() -> None:
    assert parts_of("abcdefg", 3) == ["abc", "de", "fg"]
    assert parts_of("ab", 3) == ["a", "b", ""]
