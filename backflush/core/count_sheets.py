"""Count sheets: walking order, repeatable random samples, and the parts of several counters (H6)."""

import re
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from typing import NamedTuple, TypeVar

Thing = TypeVar("Thing")


class BalanceName(NamedTuple):
    """A balance by the names that people read, in walking order: location, bin, item, batch, serial number."""

    location: str
    bin: str
    item: str
    batch: str = ""
    serial: str = ""


def walking_order(name: BalanceName) -> tuple[tuple[list[tuple[bool, int, str]], str], ...]:
    """Return the sort key of a balance: by location and bin, with R2 before R10, then by item."""
    return tuple(map(_natural, name))


def _natural(text: str) -> tuple[list[tuple[bool, int, str]], str]:
    """Return a sort key in which digits count as numbers."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text.casefold())
    return [(False, int(part), "") if part.isdecimal() else (True, 0, part) for part in parts], text


def random_sample(names: Sequence[BalanceName], size: int, seed: str) -> list[BalanceName]:
    """Return a random sample of some balances that the same seed repeats on every machine.

    The order of the digests of seed and name is the random order, so it depends on nothing but these.
    """

    def digest(name: BalanceName) -> bytes:
        return sha256("\0".join((seed, *name)).encode()).digest()

    return sorted(names, key=digest)[:size]


def parts_of(lines: Sequence[Thing], counters: int) -> list[Sequence[Thing]]:
    """Divide lines in walking order into one part for each counter, as equal as possible, each without gaps."""
    size, more = divmod(len(lines), counters)
    ends = [number * size + min(number, more) for number in range(counters + 1)]
    return [lines[start:end] for start, end in pairwise(ends)]
