import pytest
from hypothesis import given
from hypothesis import strategies as st

from backflush.core.line_numbers import fill_line_numbers


@pytest.mark.parametrize(
    ("entered", "filled"),
    [
        ([None, None, None], [10, 20, 30]),
        ([10, None, 30], [10, 20, 30]),
        ([10, None, 20], [10, 15, 20]),
        ([10, None, None, 20], [10, 15, 17, 20]),
        ([10, None, 11], [10, 20, 11]),
        ([None, 70], [10, 70]),
        ([5, None], [5, 10]),
        ([20, None, 10], [20, 30, 10]),
        ([], []),
    ],
)
def test_missing_numbers_keep_the_lines_in_order(entered: list[int | None], filled: list[int]) -> None:
    assert fill_line_numbers(entered) == filled


def test_numbers_of_lines_that_are_not_shown_are_not_given_again() -> None:
    assert fill_line_numbers([None, None], taken={10, 20}) == [30, 40]
    assert fill_line_numbers([50, None], taken={60, 900}) == [50, 910]


@given(st.lists(st.none() | st.integers(0, 60), max_size=30), st.sets(st.integers(0, 60)))
def test_what_is_filled_in_is_new_and_what_was_entered_stays(entered: list[int | None], taken: set[int]) -> None:
    filled = fill_line_numbers(entered, taken=taken)
    made = [number for number, old in zip(filled, entered, strict=True) if old is None]
    assert [number for number, old in zip(filled, entered, strict=True) if old is not None] == [
        number for number in entered if number is not None
    ]
    assert len(set(made)) == len(made)
    assert not set(made) & (taken | {number for number in entered if number is not None})
