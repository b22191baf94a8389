"""What to count next: how far each balance is beyond its turn, in an order that anybody can repeat (H7)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final, NamedTuple

YEAR: Final = timedelta(days=365)
NEVER: Final = Fraction(1_000_000)
"""How far what was never counted is beyond its turn: further than anything else."""


class DueCount(NamedTuple):
    """An item at a location whose turn it is, with the moment of its latest count and its counts a year."""

    location: str
    item: str
    counted_at: datetime | None
    yearly: int

    def turns_missed(self, now: datetime) -> Fraction:
        """Return the time since its latest count in intervals of its class; from 1 on it is due."""
        if self.counted_at is None:
            return NEVER
        microsecond = timedelta(microseconds=1)
        return Fraction((now - self.counted_at) // microsecond, interval(self.yearly) // microsecond)


def interval(yearly: int) -> timedelta:
    """Return the time between two counts; everything is counted once a year at least."""
    return YEAR / max(1, yearly)


def day_list(due: Iterable[DueCount], now: datetime, most: int) -> list[DueCount]:
    """Return the balances that are furthest beyond their turn; among equals the more often counted, then by name."""

    def rank(one: DueCount) -> tuple[Fraction, int, str, str]:
        return -one.turns_missed(now), -one.yearly, one.location, one.item

    return sorted(due, key=rank)[:most]
