"""Conversions between units: exact ratios, in both directions, through other units where there is no direct one (Q4).

Two families are at hand for an item: the system's conversions and the item's own. Within one family no two ways
from a unit to another may differ, which `contradiction` watches on entry. Between the families they may: what is
said of the item itself then wins over what is said of everything.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush


@dataclass(frozen=True, slots=True)
class Conversion:
    """One `source` is `ratio` of `target`: 1 KG = 1000 G."""

    source: str
    target: str
    ratio: Fraction


def contradiction(conversions: Iterable[Conversion]) -> Conversion | None:
    """The first conversion that says something else than those before it, if any."""
    family = Family(())
    for conversion in conversions:
        known = family.factor(conversion.source, conversion.target)
        if known is not None and known != conversion.ratio:
            return conversion
        family.add(conversion)
    return None


class Family:
    """Conversions that don't contradict one another, so that any way between two units gives the same ratio.

    Each unit has an anchor, the first unit of those that it can be converted to, and its size in anchors.
    """

    def __init__(self, conversions: Iterable[Conversion]) -> None:
        self._size: dict[str, tuple[str, Fraction]] = {}
        self._members: dict[str, list[str]] = {}
        self._neighbours: dict[str, set[str]] = {}
        for conversion in conversions:
            self.add(conversion)

    def add(self, conversion: Conversion) -> None:
        """Take in one more; what it joins becomes one set of units with one anchor."""
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
        """How many of `target` one `source` is; None where nothing joins them."""
        if source == target:
            return Fraction(1)
        here, there = self._size.get(source), self._size.get(target)
        if here is None or there is None or here[0] != there[0]:
            return None
        return here[1] / there[1]

    def reachable(self, unit: str) -> Iterable[str]:
        """The units that `unit` can be converted to, itself among them."""
        known = self._size.get(unit)
        return self._members[known[0]] if known else ()

    def neighbours(self, unit: str) -> Iterable[str]:
        """The units that a conversion of its own joins to `unit`."""
        return self._neighbours.get(unit, ())


class Units:
    """How the units of one item convert: its own conversions first, then the system's."""

    def __init__(self, system: Family, own: Family | None = None) -> None:
        self._system = system
        self._own = own
        self._found: dict[tuple[str, str], Fraction | None] = {}

    def factor(self, source: str, target: str) -> Fraction | None:
        """How many of `target` one `source` is for this item; None where there is no way."""
        if source == target:
            return Fraction(1)
        if self._own is None:
            return self._system.factor(source, target)
        # Both directions take the same way, so that what is converted there and back is what it was.
        first, last = sorted((source, target))
        if (first, last) not in self._found:
            through_own = self._through_own(self._own, first, last)
            self._found[first, last] = self._system.factor(first, last) if through_own is None else through_own
        found = self._found[first, last]
        return found if found is None or source == first else 1 / found

    def _through_own(self, own: Family, source: str, target: str) -> Fraction | None:
        """The ratio along the best way that uses a conversion of the item's own and meets no unit twice.

        Best is the fewest conversions of the system's, then the fewest steps, then the units' names, so that the
        answer never depends on the order of entry. The own conversions between two units are one step. Each unit
        is gone on from once for either family, by the best way to it: there may be far too many ways to try all.
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
        """Where one step leads from a unit, with the ratio, and whether it is by the item's own conversions."""
        ways = [(self._system, self._system.neighbours(unit), False)]
        if not after_own:
            ways.append((own, own.reachable(unit), True))
        for family, units, of_own in ways:
            for other in units:
                factor = family.factor(unit, other)
                assert factor is not None, "they are of one family"
                yield other, factor, of_own


class Converter:
    """All conversions of a plant, asked by item."""

    def __init__(self, system: Iterable[Conversion], own: Mapping[int, Iterable[Conversion]] | None = None) -> None:
        family = Family(system)
        self._common = Units(family)
        self._by_item = {item: Units(family, Family(conversions)) for item, conversions in (own or {}).items()}

    def factor(self, item: int, source: str, target: str) -> Fraction | None:
        """How many of `target` one `source` of the item is; None where there is no way (`no_conversion`)."""
        return self._by_item.get(item, self._common).factor(source, target)
