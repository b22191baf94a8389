"""Unit conversions: exact ratios in both directions, through other units where there is no direct one (Q4).

An item has two families of conversions: its own and the system's. Within one family, all ways between two units must
give the same ratio; `contradiction` checks this on entry. Between the families they may differ: a way that uses the
item's own conversions wins.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush


@dataclass(frozen=True, slots=True)
class Conversion:
    """One `source` equals `ratio` of `target`: 1 KG = 1000 G."""

    source: str
    target: str
    ratio: Fraction


def contradiction(conversions: Iterable[Conversion]) -> Conversion | None:
    """Return the first conversion that contradicts the ones before it, or None."""
    family = Family(())
    for conversion in conversions:
        known = family.factor(conversion.source, conversion.target)
        if known is not None and known != conversion.ratio:
            return conversion
        family.add(conversion)
    return None


class Family:
    """Conversions without contradictions: every way between two units gives the same ratio.

    Each unit has an anchor, the first unit of its connected set, and a size in anchors.
    """

    def __init__(self, conversions: Iterable[Conversion]) -> None:
        self._size: dict[str, tuple[str, Fraction]] = {}
        self._members: dict[str, list[str]] = {}
        self._neighbours: dict[str, set[str]] = {}
        for conversion in conversions:
            self.add(conversion)

    def add(self, conversion: Conversion) -> None:
        """Add a conversion, and join the two connected sets of units under one anchor."""
        self._neighbours.setdefault(conversion.source, set()).add(conversion.target)
        self._neighbours.setdefault(conversion.target, set()).add(conversion.source)
        anchor, size = self._anchored(conversion.source)
        other, other_size = self._anchored(conversion.target)
        if anchor == other:
            return
        change = size / (conversion.ratio * other_size)
        for unit in self._members.pop(other):
            self._size[unit] = (anchor, self._size[unit][1] * change)
            self._members[anchor].append(unit)

    def _anchored(self, unit: str) -> tuple[str, Fraction]:
        if unit not in self._size:
            self._size[unit] = (unit, Fraction(1))
            self._members[unit] = [unit]
        return self._size[unit]

    def factor(self, source: str, target: str) -> Fraction | None:
        """Return how many of `target` one `source` is, or None if they aren't connected."""
        if source == target:
            return Fraction(1)
        here, there = self._size.get(source), self._size.get(target)
        if here is None or there is None or here[0] != there[0]:
            return None
        return here[1] / there[1]

    def reachable(self, unit: str) -> Iterable[str]:
        """Return the units to which `unit` can be converted, including itself."""
        known = self._size.get(unit)
        return self._members[known[0]] if known else ()

    def neighbours(self, unit: str) -> Iterable[str]:
        """Return the units that a direct conversion connects to `unit`."""
        return self._neighbours.get(unit, ())


class Units:
    """The conversions of one item: its own first, then the system's."""

    def __init__(self, system: Family, own: Family | None = None) -> None:
        self._system = system
        self._own = own
        self._found: dict[tuple[str, str], Fraction | None] = {}

    def factor(self, source: str, target: str) -> Fraction | None:
        """Return how many of `target` one `source` is for this item, or None if there is no way (Q4)."""
        if source == target:
            return Fraction(1)
        if self._own is None:
            return self._system.factor(source, target)
        # Use the same way in both directions, so that converting there and back returns the same quantity.
        first, last = sorted((source, target))
        if (first, last) not in self._found:
            through_own = self._through_own(self._own, first, last)
            self._found[first, last] = self._system.factor(first, last) if through_own is None else through_own
        found = self._found[first, last]
        return found if found is None or source == first else 1 / found

    def _through_own(self, own: Family, source: str, target: str) -> Fraction | None:
        """Return the ratio along the best way that uses a conversion of the item's own and visits no unit twice.

        The best way has the fewest system conversions, then the fewest steps, then the first unit codes in alphabetical
        order, so the result doesn't depend on the order of entry. All own conversions between two units count as one
        step. Each unit is expanded once per family, from the best way to it, because there may be too many ways to try
        all of them.
        """
        queue: list[tuple[int, int, tuple[str, ...], bool, Fraction]] = [(0, 0, (source,), False, Fraction(1))]
        met: set[tuple[str, bool, bool]] = set()
        while queue:
            by_system, steps, way, by_own, ratio = heappop(queue)
            here = way[-1], by_own, steps > by_system
            if here[0] == target and steps > by_system:
                return ratio
            if here[0] == target or here in met:
                continue
            met.add(here)
            for unit, factor, of_own in self._steps_from(way[-1], own, after_own=by_own):
                if unit not in way:
                    heappush(queue, (by_system + (not of_own), steps + 1, (*way, unit), of_own, ratio * factor))
        return None

    def _steps_from(self, unit: str, own: Family, *, after_own: bool) -> Iterator[tuple[str, Fraction, bool]]:
        """Yield the units one step away, with the ratio and whether the step is one of the item's own conversions."""
        ways = [(self._system, self._system.neighbours(unit), False)]
        if not after_own:
            ways.append((own, own.reachable(unit), True))
        for family, units, of_own in ways:
            for other in units:
                factor = family.factor(unit, other)
                assert factor is not None, "they are of one family"
                yield other, factor, of_own


class Converter:
    """All conversions of a plant, by item."""

    def __init__(self, system: Iterable[Conversion], own: Mapping[int, Iterable[Conversion]] | None = None) -> None:
        family = Family(system)
        self._common = Units(family)
        self._by_item = {item: Units(family, Family(conversions)) for item, conversions in (own or {}).items()}

    def factor(self, item: int, source: str, target: str) -> Fraction | None:
        """Return how many of `target` one `source` of the item is, or None if there is no way (`no_conversion`)."""
        return self._by_item.get(item, self._common).factor(source, target)
