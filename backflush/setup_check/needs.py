"""What every live item needs, through phantoms: today, and from every later day on which that changes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from backflush.core.refusals import FixedOnPhantom, StructureTooLarge
from backflush.core.structure import Component, Requirement, explode, find_loop
from backflush.items.models import ComponentClass, Item
from backflush.setup_check.chart import Chart
from backflush.stockmap.models import Location, TransferRule

BOUGHT_CLASSES = {ComponentClass.BOUGHT, ComponentClass.SUBCONTRACTED}


@dataclass(frozen=True, slots=True)
class Need:
    """One component of one item: the line that says so, and what the line's path comes to."""

    made: Item
    component: Item
    requirement: Requirement

    @property
    def line(self) -> str:
        """The line as people name it."""
        return f"{self.made.code} line {self.requirement.path}"


@dataclass(slots=True)
class Needs:
    """Every need of the live items of a site, and what stood in the way of finding them.

    An item whose phantoms contain themselves is left out: it can't be exploded, and the loop is a finding of its own.
    """

    chart: Chart
    all: list[Need] = field(default_factory=list)
    empty_phantoms: dict[str, list[str]] = field(default_factory=dict)
    too_large: dict[str, str] = field(default_factory=dict)
    _starts: dict[int, frozenset[date]] = field(default_factory=dict)

    @classmethod
    def of(cls, chart: Chart) -> "Needs":
        """Explode every live item that has a structure."""
        needs = cls(chart)
        endless = phantoms_without_end(chart)
        for item in chart.live():
            lines = chart.lines.get(item.pk, ())
            passed_through = item.component_class == ComponentClass.PHANTOM
            if lines and not passed_through and endless.isdisjoint(line.component.item for line in lines):
                needs._explode(item)
        return needs

    def _explode(self, item: Item) -> None:
        met: dict[tuple[str, int], Need] = {}
        for day in self._days(item.pk):
            try:
                explosion = explode(
                    self.chart.lines.get(item.pk, ()), day=day, structures=self.chart.lines, factor=self._factor
                )
            except StructureTooLarge as refusal:
                self.too_large[item.code] = refusal.sentence
                return
            except FixedOnPhantom:
                # The line that does it is a finding of its own.
                return
            for requirement in explosion.requirements:
                component = self.chart.items[requirement.component.item]
                met.setdefault((requirement.path, component.pk), Need(item, component, requirement))
            for phantom in explosion.empty_phantoms:
                if item.code not in self.empty_phantoms.setdefault(phantom, []):
                    self.empty_phantoms[phantom].append(item.code)
        self.all.extend(met.values())

    def _days(self, item: int) -> list[date]:
        """Today, and every later day on which a line of the item or of a phantom in it starts."""
        return [self.chart.today, *sorted(self._later_starts(item))]

    def _later_starts(self, item: int) -> frozenset[date]:
        if item not in self._starts:
            lines = self.chart.lines.get(item, ())
            later = {line.starts for line in lines if line.starts is not None and line.starts > self.chart.today}
            below = {line.component.item for line in lines if line.component.phantom}
            self._starts[item] = frozenset(later.union(*(self._later_starts(phantom) for phantom in below)))
        return self._starts[item]

    def _factor(self, component: Component, unit: str) -> Fraction | None:
        return self.chart.converter.factor(component.item, unit, component.unit)

    def assumed(self) -> Iterator[tuple[Need, TransferRule, Location]]:
        """The needs that a booking or receipt will assume, each with the rule and every place it may be taken from."""
        for need in self.all:
            rule = self.chart.rule_of(need.made.type_code.backflush)
            if rule is None or need.requirement.by_hand or self._provided(need):
                continue
            for place in self._places(need, rule):
                yield need, rule, place

    def _provided(self, need: Need) -> bool:
        """Whether the supplier provides it himself: only what is received leaves such lines out (S6)."""
        return need.requirement.supplier_provides and need.made.component_class in BOUGHT_CLASSES

    def _places(self, need: Need, rule: TransferRule) -> Iterable[Location]:
        """The line's own from-location, else those of the suppliers who deliver it, else the rule's (S7)."""
        if need.requirement.source is not None:
            return [self.chart.locations[need.requirement.source]]
        if need.made.component_class not in BOUGHT_CLASSES:
            return [rule.source]
        suppliers = self.chart.suppliers.get(need.made.pk)
        if not suppliers:
            return [rule.source]
        places = {self.chart.supplier_stock.get(supplier, rule.source) for supplier in suppliers}
        return sorted(places, key=lambda place: place.path)


def phantoms_without_end(chart: Chart) -> set[int]:
    """The phantoms in which a phantom contains itself at some depth: exploding them would never end."""
    below = {
        item.pk: {line.component.item for line in chart.lines.get(item.pk, ()) if line.component.phantom}
        for item in chart.items.values()
        if item.component_class == ComponentClass.PHANTOM
    }
    return left_in_loops(below)


def left_in_loops(contains: dict[int, set[int]]) -> set[int]:
    """The items that contain, at some depth, one that contains itself: what is left when all others are taken away."""
    parents: dict[int, list[int]] = {}
    for item, components in contains.items():
        for component in components:
            parents.setdefault(component, []).append(item)
    open_below = {item: len(components) for item, components in contains.items()}
    done = [component for component in parents if component not in contains]
    done += [item for item, components in contains.items() if not components]
    while done:
        for parent in parents.get(done.pop(), ()):
            open_below[parent] -= 1
            if not open_below[parent]:
                done.append(parent)
    return {item for item, count in open_below.items() if count}


def loops(contains: dict[int, set[int]]) -> Iterator[tuple[int, ...]]:
    """Ways by which items contain themselves, no item on two of them; each way ends where it began."""
    left = {item: contains[item] for item in left_in_loops(contains)}
    for start in sorted(left):
        while start in left and (way := find_loop(left, [start])):
            yield way
            for item in way:
                left.pop(item, None)
