"""Conversions between units: exact ratios, in both directions, through other units where there is no direct one (Q4).

Two families are at hand for an item: the system's conversions and the item's own. Within one family no two ways
from a unit to another may differ, which `contradiction` watches on entry. Between the families they may: what is
said of the item itself then wins over what is said of everything.
"""

from collections.abc import Iterable, Mapping
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
        for conversion in conversions:
            self.add(conversion)

    def add(self, conversion: Conversion) -> None:
        """Take in one more; what it joins becomes one set of units with one anchor."""
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
        if (source, target) not in self._found:
            through_own = self._through_own(self._own, source, target)
            found = through_own if through_own is not None else self._system.factor(source, target)
            self._found[source, target] = found
        return self._found[source, target]

    def _through_own(self, own: Family, source: str, target: str) -> Fraction | None:
        """The ratio along the best way that uses a conversion of the item's own and meets no unit twice.

        Best is the fewest steps by the system's conversions, then the fewest steps, then the units' names, so
        that the answer never depends on the order of entry. Steps of one family in a row are one step.
        """
        queue: list[tuple[int, int, tuple[str, ...], int, Fraction]] = [(0, 0, (source,), -1, Fraction(1))]
        while queue:
            by_system, steps, way, last, ratio = heappop(queue)
            if way[-1] == target:
                if steps > by_system:
                    return ratio
                continue
            for index, family in enumerate((own, self._system)):
                if index == last:
                    continue
                for unit in family.reachable(way[-1]):
                    factor = family.factor(way[-1], unit)
                    if unit not in way and factor is not None:
                        heappush(queue, (by_system + index, steps + 1, (*way, unit), index, ratio * factor))
        return None


class Converter:
    """All conversions of a plant, asked by item."""

    def __init__(self, system: Iterable[Conversion], own: Mapping[int, Iterable[Conversion]] | None = None) -> None:
        family = Family(system)
        self._common = Units(family)
        self._by_item = {item: Units(family, Family(conversions)) for item, conversions in (own or {}).items()}

    def factor(self, item: int, source: str, target: str) -> Fraction | None:
        """How many of `target` one `source` of the item is; None where there is no way (`no_conversion`)."""
        return self._by_item.get(item, self._common).factor(source, target)
