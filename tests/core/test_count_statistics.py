"""Intervals of shares, and the cause of one difference."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from backflush.core.count_statistics import Cause, cause_of, wilson_interval


@pytest.mark.parametrize(
    ("hits", "tries", "low", "high"),
    [
        # Known values of the Wilson interval at 95 %.
        (8, 10, 0.4902, 0.9433),
        (95, 100, 0.8882, 0.9785),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_the_wilson_interval_of_a_share(hits: int, tries: int, low: float, high: float) -> None:
    assert wilson_interval(hits, tries) == pytest.approx((low, high), abs=0.0001)


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        ({"counted": 10, "expected": 10, "difference": 0}, Cause.NONE),
        ({"counted": 9, "expected": 10, "difference": -1}, Cause.LOSS),
        ({"counted": 11, "expected": 10, "difference": 1}, Cause.SURPLUS),
        ({"counted": 9, "expected": 10, "difference": 0}, Cause.LATE_BOOKING),
        ({"counted": 9, "expected": 10, "difference": -1, "found_elsewhere": True}, Cause.WRONG_PLACE),
        ({"counted": 9, "expected": 10, "difference": -1, "recount_agrees": True}, Cause.MISCOUNT),
        ({"counted": 10, "expected": 120, "difference": -110, "factors": [Fraction(12)]}, Cause.WRONG_UNIT),
        ({"counted": 120, "expected": 10, "difference": 110, "factors": [Fraction(12)]}, Cause.WRONG_UNIT),
        ({"counted": 119, "expected": 10, "difference": 109, "factors": [Fraction(12)]}, Cause.SURPLUS),
    ],
)
def test_the_surest_cause_of_a_difference_is_named(found: dict[str, Any], cause: Cause) -> None:
    numbers: dict[str, Any] = {name: Decimal(found.pop(name)) for name in ("counted", "expected", "difference")}
    assert cause_of(**numbers, **found) is cause
