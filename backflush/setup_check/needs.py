"""The requirements of every active item, through phantoms: today, and from each later day on which they change."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from backflush.core.refusals import FixedOnPhantom, StructureTooDeep, StructureTooLarge
from backflush.core.sentences import Sentence
from backflush.core.structure import Component, Requirement, explode, find_loop
from backflush.items.models import ComponentClass, Item
from backflush.setup_check.chart import Chart
from backflush.stockmap.models import Location, TransferRule

BOUGHT_CLASSES = {ComponentClass.BOUGHT, ComponentClass.SUBCONTRACTED}


@dataclass(frozen=True, slots=True)
class Need:
    """One component of one item, with the structure line and the exploded requirement."""

    made: Item
    component: Item
    requirement: Requirement

    @property
    def line(self) -> str:
        """The line as users name it."""
        return f"{self.made.code} line {self.requirement.path}"


@dataclass(slots=True)
class Needs:
    """Every requirement of a site's active items, and the items that couldn't be exploded.

    An item whose phantoms contain themselves is left out, because exploding it would never end; the loop is a finding
    of its own.
    """

    chart: Chart
    all: list[Need] = field(default_factory=list)
    empty_phantoms: dict[str, list[str]] = field(default_factory=dict)
    too_large: dict[str, Sentence] = field(default_factory=dict)
    _starts: dict[int, frozenset[date]] = field(default_factory=dict)

    @classmethod
    def of(cls, chart: Chart) -> "Needs":
        """Explode every active item that has a structure."""
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
            except (StructureTooDeep, StructureTooLarge) as refusal:
                self.too_large[item.code] = refusal.sentence
                return
            except FixedOnPhantom:
                # The line that causes this is a finding of its own.
                return
            for requirement in explosion.requirements:
                component = self.chart.items[requirement.component.item]
                met.setdefault((requirement.path, component.pk), Need(item, component, requirement))
            for phantom in explosion.empty_phantoms:
                if item.code not in self.empty_phantoms.setdefault(phantom, []):
                    self.empty_phantoms[phantom].append(item.code)
        self.all.extend(met.values())

    def _days(self, item: int) -> list[date]:
        """Yield today, and each later day on which a line of the item, or of a phantom in it, starts."""
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
        """Yield the requirements that bookings and receipts will assume, each with its rule and possible
        from-locations."""
        for need in self.all:
            rule = self.chart.rule_of(need.made.type_code.backflush)
            if rule is None or need.requirement.by_hand or self._provided(need):
                continue
            for place in self._places(need, rule):
                yield need, rule, place

    def _provided(self, need: Need) -> bool:
        """Return whether the supplier provides the component. Only receipts leave out such lines (S6)."""
        return need.requirement.supplier_provides and need.made.component_class in BOUGHT_CLASSES

    def _places(self, need: Need, rule: TransferRule) -> Iterable[Location]:
        """Return the line's own from-location, else those of the expected suppliers, else the rule's (S7)."""
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
    """Return the phantoms that contain themselves at some depth, which can't be exploded."""
    below = {
        item.pk: {line.component.item for line in chart.lines.get(item.pk, ()) if line.component.phantom}
        for item in chart.items.values()
        if item.component_class == ComponentClass.PHANTOM
    }
    return left_in_loops(below)


def left_in_loops(contains: dict[int, set[int]]) -> set[int]:
    """Return the items that contain, at some depth, an item that contains itself."""
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
    """Return loops of items that contain themselves. No item is on two loops; each loop ends with its first item."""
    left = {item: contains[item] for item in left_in_loops(contains)}
    for start in sorted(left):
        while start in left and (way := find_loop(left, [start])):
            yield way
            for item in way:
                left.pop(item, None)
