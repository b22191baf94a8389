"""The costed indented structure of an item: what it is made of at every depth on a day, and what that comes to (C2).

What an item costs is what its own lines in force add up to, at every depth, waste and units included, and the outside
work on it where it is sub-contracted; an item without lines costs its standard material. A phantom's lines stand in
its place.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from backflush.core.structure import ComponentLine, PathStep, in_order
from backflush.items.models import ComponentClass, Item
from backflush.items.selectors import converter
from backflush.stockmap.models import Site
from backflush.structures.selectors import lines_of

ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class CostedLine:
    """One line in force: so much of its component for one of its parent, and for one of what is looked at.

    `path` is the line numbers down to it, `per_parent` and `per_top` exact stock units (None where a conversion is
    missing on the way), `each` what one stock unit costs, `amount` what all of it costs in one of what is looked at.
    """

    path: str
    level: int
    line: ComponentLine
    item: Item
    per_parent: Fraction | None
    per_top: Fraction | None
    each: Fraction | None
    amount: Fraction | None
    opens: bool
    open: bool


class CostedStructure:
    """An item's structure on a day with all below it, read level by level: two statements for each depth."""

    def __init__(self, site: Site, item: Item, day: date) -> None:
        self.item = item
        self._lines: dict[int, list[ComponentLine]] = {}
        wanted = {item.pk}
        while wanted:
            found = lines_of(site, wanted, day=day)
            self._lines.update({pk: in_order(found.get(pk, ())) for pk in wanted})
            met = {line.component.item for pk in wanted for line in self._lines[pk]}
            wanted = met - self._lines.keys()
        self._converter = converter(self._lines)
        self.items = Item.objects.select_related("cost", "stock_unit").in_bulk(self._lines)
        self._per_parents: dict[tuple[int, str, Decimal, Decimal], Fraction | None] = {}
        self._each: dict[int, Fraction | None] = {}
        self._roll_up()

    def __len__(self) -> int:
        return len(self._lines[self.item.pk])

    @property
    def each(self) -> Fraction | None:
        """What one of the item comes to; None where a conversion is missing or an item contains itself."""
        return self._each.get(self.item.pk)

    @property
    def outside(self) -> Fraction:
        """The outside work on the item itself, which is no line."""
        return self._outside(self.item)

    def size(self, most: int) -> int:
        """How many lines it has with everything opened, counted up to a limit."""
        return sum(1 for _ in self.rows(None, most))

    def rows(self, opened: Container[str] | None, most: int) -> Iterator[CostedLine]:
        """The lines in order, with those below the opened ones (None opens all), up to a limit."""
        stack = [("", 1, line, ONE) for line in reversed(self._lines[self.item.pk])]
        shown = 0
        while stack and shown < most:
            above, level, line, per_above = stack.pop()
            row = self._row(above, level, line, per_above, opened)
            yield row
            shown += 1
            if row.open:
                below = reversed(self._lines[line.component.item])
                stack.extend((row.path, level + 1, lower, row.per_top) for lower in below)  # type: ignore[misc]

    def _row(
        self, above: str, level: int, line: ComponentLine, per_above: Fraction | None, opened: Container[str] | None
    ) -> CostedLine:
        path = f"{above}/{line.number}" if above else str(line.number)
        per_parent = self._per_parent(line)
        per_top = None if per_parent is None or per_above is None else per_above * per_parent
        each = self._each.get(line.component.item)
        opens = bool(self._lines[line.component.item])
        return CostedLine(
            path=path,
            level=level,
            line=line,
            item=self.items[line.component.item],
            per_parent=per_parent,
            per_top=per_top,
            each=each,
            amount=None if each is None or per_top is None else each * per_top,
            opens=opens,
            open=opens and (opened is None or path in opened),
        )

    def _per_parent(self, line: ComponentLine) -> Fraction | None:
        """Worked out once for lines that say the same: a common screw stands in hundreds of places."""
        says = line.component.item, line.unit, line.quantity, line.waste
        if says not in self._per_parents:
            factor = self._converter.factor(line.component.item, line.unit, line.component.unit)
            step = PathStep(line.number, line.component, line.quantity, line.unit, line.waste, factor)
            self._per_parents[says] = step.multiplier
        return self._per_parents[says]

    def _roll_up(self) -> None:
        """Every item once, what is below it first; by a stack, because depth has no limit."""
        stack, on_way = [(self.item.pk, False)], set()
        while stack:
            item, ready = stack.pop()
            if ready:
                self._each[item] = self._sum(self.items[item])
                on_way.discard(item)
            elif item not in self._each and item not in on_way:
                on_way.add(item)
                stack.append((item, True))
                stack.extend((line.component.item, False) for line in self._lines[item])

    def _sum(self, item: Item) -> Fraction | None:
        lines = self._lines[item.pk]
        if not lines:
            return Fraction(item.cost.standard_material if item.cost else 0) + self._outside(item)
        total = self._outside(item)
        for line in lines:
            each, quantity = self._each.get(line.component.item), self._per_parent(line)
            if each is None or quantity is None:
                return None
            total += each * quantity
        return total

    @staticmethod
    def _outside(item: Item) -> Fraction:
        """Of what is made here the record holds the outside work of all below, which the lines below add up to."""
        own = item.cost is not None and item.component_class == ComponentClass.SUBCONTRACTED
        return Fraction(item.cost.standard_outside if item.cost is not None and own else 0)
