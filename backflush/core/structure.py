"""Structures: lines in force, phantoms, waste, and loops (S2 to S6).

One function explodes structures for orders, receipts and productions, because two would drift apart.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from backflush.core.quantity import ZERO, written
from backflush.core.refusals import (
    FixedOnPhantom,
    InvalidDates,
    InvalidQuantity,
    OverlappingLines,
    Refusal,
    StructureTooDeep,
    StructureTooLarge,
)
from backflush.core.sentences import Count

LINES_MAX = 10_000
DIGITS_MAX = 50
LEVELS_MAX = 50


@dataclass(frozen=True, slots=True)
class Component:
    """The facts about an item that the explosion needs: primary key, code, stock unit, and whether it is a phantom."""

    item: int
    code: str
    unit: str
    phantom: bool = False


@dataclass(frozen=True, slots=True)
class ComponentLine:
    """A structure line: `quantity` of the component in `unit` for one stock unit of the parent."""

    number: int
    component: Component
    quantity: Decimal
    unit: str
    waste: Decimal = ZERO
    fixed: Decimal = ZERO
    by_hand: bool = False
    supplier_provides: bool = False
    source: int | None = None
    starts: date | None = None
    ends: date | None = None

    def in_force(self, day: date) -> bool:
        """Return whether the line is in force on a day. Both dates are included; an empty date is open (S2)."""
        return (self.starts is None or self.starts <= day) and (self.ends is None or day <= self.ends)

    def overlaps(self, other: "ComponentLine") -> bool:
        """Return whether both lines are in force on some day."""
        return (self.starts is None or other.ends is None or self.starts <= other.ends) and (
            other.starts is None or self.ends is None or other.starts <= self.ends
        )


@dataclass(frozen=True, slots=True)
class PathStep:
    """One line on the path from the parent item to a component; `factor` converts its unit to the stock unit."""

    number: int
    component: Component
    quantity: Decimal
    unit: str
    waste: Decimal
    factor: Fraction | None

    @property
    def multiplier(self) -> Fraction | None:
        """The stock units of the component for one of its parent, waste included (Q2); None if a conversion is
        missing."""
        if self.factor is None:
            return None
        exact = Fraction(self.quantity)
        if self.waste:
            exact = exact * 100 / (100 - Fraction(self.waste))
        return exact * self.factor


@dataclass(frozen=True, slots=True)
class Requirement:
    """The requirement of a component for one piece, and the lines that lead to it.

    `path` is the line numbers through the phantoms; together with the component it identifies the line across its
    versions (Q3). `fixed` is in the line's own unit, once per order (S6).
    """

    steps: tuple[PathStep, ...]
    fixed: Decimal = ZERO
    by_hand: bool = False
    supplier_provides: bool = False
    source: int | None = None

    @property
    def path(self) -> str:
        return "/".join(str(step.number) for step in self.steps)

    @property
    def component(self) -> Component:
        return self.steps[-1].component

    @property
    def convertible(self) -> bool:
        return all(step.factor is not None for step in self.steps)

    @property
    def per_piece(self) -> Fraction:
        """The exact stock units for one piece: quantity, waste and unit of every step multiplied (S3)."""
        exact = Fraction(1)
        for step in self.steps:
            assert step.multiplier is not None, f"line {self.path} has no conversion"
            exact *= step.multiplier
        return exact

    @property
    def fixed_exact(self) -> Fraction:
        """The fixed quantity in stock units. Waste and the quantities of phantoms don't apply to it (S6)."""
        factor = self.steps[-1].factor
        assert factor is not None, f"line {self.path} has no conversion"
        return Fraction(self.fixed) * factor

    def converted(self, factor: Callable[[Component, str], Fraction | None]) -> "Requirement":
        """Return the requirement with the current unit conversions."""
        return replace(
            self, steps=tuple(replace(step, factor=factor(step.component, step.unit)) for step in self.steps)
        )


@dataclass(frozen=True, slots=True)
class Explosion:
    """An exploded structure: its requirements in line order, and the phantoms without a line in force."""

    requirements: tuple[Requirement, ...]
    empty_phantoms: tuple[str, ...] = ()

    @property
    def inconvertible(self) -> tuple[Requirement, ...]:
        return tuple(requirement for requirement in self.requirements if not requirement.convertible)


def explode(
    lines: Sequence[ComponentLine],
    *,
    day: date,
    structures: Mapping[int, Sequence[ComponentLine]],
    factor: Callable[[Component, str], Fraction | None],
) -> Explosion:
    """Return the components that one piece needs on a day, with phantoms replaced by their lines at every depth (S3,
    S4).

    `structures` holds the lines of every phantom in the structure, by item. *By hand*, *supplier provides* and the
    from-location of a phantom's line apply to all lines below it.
    """
    requirements: list[Requirement] = []
    empty: list[str] = []

    def descend(lines: Iterable[ComponentLine], above: Requirement) -> None:
        for line in lines:
            step = PathStep(
                line.number, line.component, line.quantity, line.unit, line.waste, factor(line.component, line.unit)
            )
            here = Requirement(
                (*above.steps, step),
                line.fixed,
                above.by_hand or line.by_hand,
                above.supplier_provides or line.supplier_provides,
                line.source or above.source,
            )
            if line.component.phantom:
                require_no_fixed(line)
                below = [below for below in structures.get(line.component.item, ()) if below.in_force(day)]
                if len(here.steps) > LEVELS_MAX:
                    raise too_deep()
                if not below:
                    empty.append(line.component.code)
                descend(in_order(below), here)
            else:
                requirements.append(here)
                if len(requirements) > LINES_MAX:
                    raise StructureTooLarge(
                        "The structure has more than {most} lines once its phantoms are expanded. Make some of the "
                        "phantoms stocked items.",
                        most=Count(LINES_MAX),
                    )

    descend(in_order(line for line in lines if line.in_force(day)), Requirement(()))
    return Explosion(tuple(requirements), tuple(dict.fromkeys(empty)))


def too_deep() -> StructureTooDeep:
    """Return the refusal of a structure with too many levels (S8)."""
    return StructureTooDeep(
        "The structure would be more than {most} levels deep. Take levels out of it.",
        most=Count(LEVELS_MAX),
        field="component",
    )


def in_order(lines: Iterable[ComponentLine]) -> list[ComponentLine]:
    """Sort lines by number, and lines with the same number by component code."""
    return sorted(lines, key=lambda line: (line.number, line.component.code))


def require_no_fixed(line: ComponentLine) -> None:
    """Refuse a fixed quantity of a phantom: a phantom is never taken from stock, so it would have no effect (S6)."""
    if line.component.phantom and line.fixed:
        raise _fixed_on_phantom(line)


def _fixed_on_phantom(line: ComponentLine) -> FixedOnPhantom:
    return FixedOnPhantom(
        "Line {line}: {item} is a phantom and can't have a fixed quantity. Enter it on a line of the phantom.",
        line=line.number,
        item=line.component.code,
        field="fixed",
    )


def line_refusals(line: ComponentLine) -> Iterator[Refusal]:
    """Yield a refusal for each invalid value of a line."""
    for name in ("quantity", "waste", "fixed"):
        if not _writable(getattr(line, name)):
            yield InvalidQuantity(
                "Line {line}: the {column} of {item} needs a number of at most {digits} digits.",
                line=line.number,
                column=name,
                item=line.component.code,
                digits=DIGITS_MAX,
                field=name,
            )
            return
    if line.quantity < 0 or (not line.quantity and not line.fixed):
        yield InvalidQuantity(
            "Line {line}: {item} needs a quantity above zero, not {quantity}, or a fixed quantity.",
            line=line.number,
            item=line.component.code,
            quantity=line.quantity,
            field="quantity",
        )
    if line.fixed < 0:
        yield InvalidQuantity(
            "Line {line}: the fixed quantity is below zero. Enter 0 or more.", line=line.number, field="fixed"
        )
    if not 0 <= line.waste < 100:
        yield InvalidQuantity(
            "Line {line}: enter waste from 0 to below 100 %, not {waste}.",
            line=line.number,
            waste=line.waste,
            field="waste",
        )
    if line.starts and line.ends and line.ends < line.starts:
        yield InvalidDates("Line {line} ends before it starts. Choose a later end.", line=line.number, field="end")
    if line.component.phantom and line.fixed:
        yield _fixed_on_phantom(line)


def _writable(number: Decimal) -> bool:
    """Return whether a number can be stored as written. A number with an exponent may have too many digits for that."""
    return number.is_finite() and abs(number.adjusted()) < DIGITS_MAX and len(written(number)) <= DIGITS_MAX + 2


def overlap_refusals(lines: Sequence[ComponentLine]) -> Iterator[tuple[int, Refusal]]:
    """Yield each version of a line that is in force on the same day as an earlier one, by its position in `lines`."""
    by_number: dict[int, list[ComponentLine]] = {}
    for position, line in enumerate(lines):
        for other in by_number.setdefault(line.number, []):
            if line.overlaps(other):
                yield (
                    position,
                    OverlappingLines(
                        "Two lines {line} are in force on the same days ({other} and {item}). End one before the "
                        "other starts, or give it another number.",
                        line=line.number,
                        other=other.component.code,
                        item=line.component.code,
                        field="line",
                    ),
                )
                break
        by_number[line.number].append(line)


def require_sound(lines: Sequence[ComponentLine]) -> None:
    """Refuse lines with invalid values, and versions of a line that overlap. The refusal names the lines."""
    for line in lines:
        for refusal in line_refusals(line):
            raise refusal
    for _, refusal in overlap_refusals(lines):
        raise refusal


def find_loop(contains: Mapping[int, Iterable[int]], start: Iterable[int]) -> tuple[int, ...] | None:
    """Return a path from an item back to itself, among the items below `start`, regardless of dates (S5)."""
    finished: set[int] = set()
    for first in start:
        way: list[int] = []
        on_way: set[int] = set()
        stack: list[tuple[int, bool]] = [(first, False)]
        while stack:
            item, leaving = stack.pop()
            if leaving:
                way.pop()
                on_way.discard(item)
                finished.add(item)
            elif item in on_way:
                return (*way[way.index(item) :], item)
            elif item not in finished:
                way.append(item)
                on_way.add(item)
                stack.append((item, True))
                stack.extend((below, False) for below in contains.get(item, ()))
    return None


def levels_through(contains: Mapping[int, Iterable[int]], items: Iterable[int]) -> int:
    """Return the number of levels of the deepest structure that one of some items is in, regardless of dates (S8).

    An item has one level more than the deepest of its components; an item without a structure has none. There must be
    no loop.
    """
    within: dict[int, list[int]] = {}
    for item, components in contains.items():
        for component in components:
            within.setdefault(component, []).append(item)
    below: dict[int, int] = {}
    above: dict[int, int] = {}
    return max((_levels(item, contains, below) + _levels(item, within, above) for item in items), default=0)


def _levels(first: int, edges: Mapping[int, Iterable[int]], known: dict[int, int]) -> int:
    """Return the length of the longest path along some edges, without recursion: a chain may be any length."""
    stack = [first]
    while stack:
        item = stack[-1]
        missing = [end for end in edges.get(item, ()) if end not in known]
        if missing:
            stack.extend(missing)
            continue
        known[item] = max((known[end] + 1 for end in edges.get(item, ())), default=0)
        stack.pop()
    return known[first]
