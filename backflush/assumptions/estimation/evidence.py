"""What the audit reads: counts, assumed use and other moves of each pool, as arrays.

A pool is a component at a location. Every event has a moment, a whole number that grows in the order of event time and,
at the same time, of recording. Quantities are in the component's stock unit.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
AnyArray = npt.NDArray[Any]
NONE: Final = -1


class CountColumns(NamedTuple):
    """Counts: the pool, the moment, the day (with its fraction) and the quantity found."""

    pool: Ints
    moment: Ints
    day: Floats
    quantity: Floats


class UseColumns(NamedTuple):
    """Assumed use: the column of its line, the booking, the moment and the quantity.

    A line's column belongs to one pool. Use without a booking has `NONE`.
    """

    line: Ints
    booking: Ints
    moment: Ints
    quantity: Floats


class MoveColumns(NamedTuple):
    """All other moves into a pool (below zero: out of it); `received` marks goods from outside."""

    pool: Ints
    moment: Ints
    quantity: Floats
    received: Bools


class BookingColumns(NamedTuple):
    """Bookings, by number: the item made, the moment, the day and the pieces made."""

    parent: Ints
    moment: Ints
    day: Floats
    quantity: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Everything that the estimator knows.

    `line_pool` and `line_parent` describe the columns of lines, `line_version` tells the versions of a line apart: the
    columns of one pool and parent with different versions are the same line at different times. `grid` is the smallest
    step of a pool's quantities.
    """

    grid: Floats
    line_pool: Ints
    line_parent: Ints
    line_version: Ints
    parents: int
    counts: CountColumns
    use: UseColumns
    moves: MoveColumns
    bookings: BookingColumns


def in_order(*columns: AnyArray) -> Ints:
    """Return the moments of events: the rank of each row by its first column, then by the next ones."""
    order = np.lexsort(columns[::-1])
    ranks = np.empty(len(order), np.int64)
    if len(order):
        changes = np.zeros(len(order), bool)
        for column in columns:
            ordered = column[order]
            changes[1:] |= ordered[1:] != ordered[:-1]
        ranks[order] = np.cumsum(changes)
    return ranks
