"""What counts say about the book: shares with their intervals, and what one difference teaches (H8)."""

from collections.abc import Collection
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import sqrt
from statistics import NormalDist
from typing import Final

CONFIDENCE: Final = 0.95


def wilson_interval(hits: int, tries: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the Wilson interval of a share, from 0 to 1; it is the whole range where nothing was tried."""
    if tries == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, spread = hits / tries, z * z / tries
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * sqrt(share * (1 - share) / tries + spread / (4 * tries))
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == tries else min(1.0, middle + half)
    return low, high


class Cause(StrEnum):
    """What explains the difference of a count, as far as it is known."""

    NONE = "none"
    MISCOUNT = "miscount"
    LATE_BOOKING = "late booking"
    WRONG_PLACE = "wrong place"
    WRONG_UNIT = "wrong unit"
    LOSS = "loss"
    SURPLUS = "surplus"


def cause_of(
    *,
    counted: Decimal,
    expected: Decimal,
    difference: Decimal,
    factors: Collection[Fraction] = (),
    found_elsewhere: bool = False,
    recount_agrees: bool = False,
) -> Cause:
    """Return the first cause that explains a difference, from the surest to the vaguest.

    `expected` is what the book said at the entry, `difference` what is left after later postings. `factors` are the
    item's packs. `found_elsewhere` says that another place has just the opposite difference.
    """
    if counted == expected and not difference:
        return Cause.NONE
    if recount_agrees:
        return Cause.MISCOUNT
    if not difference:
        return Cause.LATE_BOOKING
    if found_elsewhere:
        return Cause.WRONG_PLACE
    book = Fraction(expected)
    if book > 0 and any(factor != 1 and Fraction(counted) in {book * factor, book / factor} for factor in factors):
        return Cause.WRONG_UNIT
    return Cause.LOSS if difference < 0 else Cause.SURPLUS
