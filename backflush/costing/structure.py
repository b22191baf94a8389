"""The costed indented structure of an item on a day, at every depth (C2).

The cost of an item is the sum of its lines in force at every depth, with waste and units, plus the outside work if it
is sub-contracted. An item without lines costs its standard material. A phantom is replaced by its lines.
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
    """One line in force, with its quantity for one parent and for one of the top item.

    `path` is the line numbers from the top. `per_parent` and `per_top` are exact ratios in the component's stock unit
    (None where a conversion is missing on the path), `each` the cost of one stock unit, `amount` the cost for one of
    the top item.
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
    """An item's structure on a day with everything below it, read level by level: two statements per level."""

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
        """The rolled-up cost of one of the item; None where a conversion is missing or the item contains itself."""
        return self._each.get(self.item.pk)

    @property
    def outside(self) -> Fraction:
        """The outside work on the item itself, for which there is no line."""
        return self._outside(self.item)

    def size(self, most: int) -> int:
        """The number of lines with every level opened, counted up to a limit."""
        return sum(1 for _ in self.rows(None, most))

    def rows(self, opened: Container[str] | None, most: int) -> Iterator[CostedLine]:
        """Return the lines in order, with those below the opened paths (None opens all), up to a limit."""
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
        """Cached by content: a common screw is on hundreds of lines."""
        says = line.component.item, line.unit, line.quantity, line.waste
        if says not in self._per_parents:
            factor = self._converter.factor(line.component.item, line.unit, line.component.unit)
            step = PathStep(line.number, line.component, line.quantity, line.unit, line.waste, factor)
            self._per_parents[says] = step.multiplier
        return self._per_parents[says]

    def _roll_up(self) -> None:
        """Visit every item once, components first. Uses an explicit stack, because the depth has no limit here."""
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
        """For a manufactured item, leave the recorded outside cost out: it is that of the levels below, which are added
        anyway."""
        own = item.cost is not None and item.component_class == ComponentClass.SUBCONTRACTED
        return Fraction(item.cost.standard_outside if item.cost is not None and own else 0)
