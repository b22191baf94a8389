"""Keeping structures, and freezing them for what is planned from them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import connection, transaction

from backflush.core.quantity import ZERO, written
from backflush.core.refusals import NoConversion, StructureLoop
from backflush.core.structure import Component, Line, Requirement, Step, find_loop, require_sound
from backflush.items.models import Item, Unit
from backflush.stockmap.models import Location, Site
from backflush.structures.models import FrozenLine, FrozenStructure, LineSource, StructureLine
from backflush.structures.selectors import StructureBook, component_of

STRUCTURES_LOCK = 4_170_001
DRAFT = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class LineIn:
    """A structure line as it is entered. `source` is its own from-location, at that location's site."""

    number: int
    component: Item
    quantity: Decimal
    unit: Unit
    waste: Decimal = ZERO
    fixed: Decimal = ZERO
    by_hand: bool = False
    supplier_provides: bool = False
    source: Location | None = None
    starts: date | None = None
    ends: date | None = None

    def as_line(self) -> Line:
        """The line as the core knows it."""
        return Line(
            number=self.number,
            component=component_of(self.component),
            quantity=self.quantity,
            unit=self.unit.code,
            waste=self.waste,
            fixed=self.fixed,
            by_hand=self.by_hand,
            supplier_provides=self.supplier_provides,
            source=self.source.pk if self.source else None,
            starts=self.starts,
            ends=self.ends,
        )


@transaction.atomic
def set_structures(structures: Mapping[Item, Sequence[LineIn]]) -> None:
    """Replace the whole structure of each of some items, all its dated versions (S1 to S6).

    Orders that were created before keep their own copies. Refused where an item would contain itself at any
    depth on any day (`structure_loop`).
    """
    for lines in structures.values():
        require_sound([line.as_line() for line in lines])
    _lock_structures()
    require_no_loop(structures)
    StructureLine.objects.filter(item__in=structures).delete()
    made = StructureLine.objects.bulk_create(_row(item, line) for item, lines in structures.items() for line in lines)
    given = (line for lines in structures.values() for line in lines)
    LineSource.objects.bulk_create(
        LineSource(site=line.source.site, line=row, location=line.source)
        for row, line in zip(made, given, strict=True)
        if line.source is not None
    )


def set_structure(*, item: Item, lines: Sequence[LineIn]) -> None:
    """Replace the whole structure of an item."""
    set_structures({item: lines})


def _lock_structures() -> None:
    """One change of structures at a time: a loop can come from two changes of items far apart."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [STRUCTURES_LOCK])


def require_no_loop(structures: Mapping[Item, Sequence[LineIn]]) -> None:
    """Refuse structures by which an item would contain itself, naming the way round (S5)."""
    contains: dict[int, set[int]] = {}
    others = StructureLine.objects.exclude(item__in=structures).values_list("item", "component")
    for parent, component in others:
        contains.setdefault(parent, set()).add(component)
    for item, lines in structures.items():
        contains[item.pk] = {line.component.pk for line in lines}
    loop = find_loop(contains, [item.pk for item in structures])
    if loop:
        code = Item.objects.in_bulk(loop)
        way = " contains ".join(code[item].code for item in loop)
        raise StructureLoop(f"An item can't contain itself: {way}.", field="component")


def _row(item: Item, line: LineIn) -> StructureLine:
    return StructureLine(
        item=item,
        number=line.number,
        component=line.component,
        quantity=line.quantity,
        unit=line.unit,
        waste=line.waste,
        fixed=line.fixed,
        by_hand=line.by_hand,
        supplier_provides=line.supplier_provides,
        starts=line.starts,
        ends=line.ends,
    )


def freeze(*, site: Site, contents: Sequence[tuple[Item, Sequence[Requirement]]]) -> list[FrozenStructure]:
    """Frozen structures of these contents: found where the same content was frozen before, else written.

    Contents with missing conversions may be frozen for a new order; they can't be booked from.
    """
    wanted = [(item, digest(requirements), requirements) for item, requirements in contents]
    known = _known(site, wanted)
    new = {(item.pk, key): (item, requirements) for item, key, requirements in wanted if (item.pk, key) not in known}
    if new:
        # Someone else may be freezing the same content: the database keeps one of each, then both read that.
        FrozenStructure.objects.bulk_create(
            (FrozenStructure(site=site, item=item, digest=key[1]) for key, (item, _) in sorted(new.items())),
            ignore_conflicts=True,
        )
        known = _known(site, wanted)
        FrozenLine.objects.bulk_create(
            (
                _frozen_line(site, known[key], position, requirement)
                for key, (_, requirements) in sorted(new.items())
                for position, requirement in enumerate(requirements)
            ),
            ignore_conflicts=True,
        )
    return [known[item.pk, key] for item, key, _ in wanted]


def structure_of_day(*, site: Site, item: Item, day: date, write: bool) -> tuple[FrozenStructure, Sequence[FrozenLine]]:
    """The structure of an item on a day, for a receipt or a production without order (S1).

    Not to be written, for a preview, it comes as a draft with its lines. Refused where a conversion is missing.
    """
    requirements = StructureBook(site, [item.pk]).explode(item.pk, day).requirements
    require_convertible(item, requirements)
    if write:
        return freeze(site=site, contents=[(item, requirements)])[0], ()
    draft = FrozenStructure(pk=DRAFT, site=site, item=item, digest="")
    lines = [_frozen_line(site, draft, position, requirement) for position, requirement in enumerate(requirements)]
    components = Item.objects.in_bulk({line.component_id for line in lines})
    sources = Location.objects.in_bulk({line.source_id for line in lines if line.source_id is not None})
    for line in lines:
        line.pk = DRAFT - line.position
        line.component = components[line.component_id]
        line.source = sources[line.source_id] if line.source_id is not None else None
    return draft, lines


def _known(
    site: Site, wanted: Sequence[tuple[Item, str, Sequence[Requirement]]]
) -> dict[tuple[int, str], FrozenStructure]:
    found = FrozenStructure.objects.filter(site=site, digest__in={key for _, key, _ in wanted})
    return {(structure.item_id, structure.digest): structure for structure in found}


def digest(requirements: Sequence[Requirement]) -> str:
    """What the content of a structure comes to: equal contents, and only these, have equal digests."""
    content = [[_facts(requirement), _steps(requirement)] for requirement in requirements]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _facts(requirement: Requirement) -> list[Any]:
    return [
        written(requirement.fixed),
        requirement.by_hand,
        requirement.supplier_provides,
        requirement.source,
    ]


def _steps(requirement: Requirement) -> list[dict[str, Any]]:
    return [
        {
            "number": step.number,
            "item": step.component.item,
            "code": step.component.code,
            "stock_unit": step.component.unit,
            "quantity": written(step.quantity),
            "unit": step.unit,
            "waste": written(step.waste),
            "factor": None if step.factor is None else str(step.factor),
        }
        for step in requirement.steps
    ]


def requirement_of(line: FrozenLine) -> Requirement:
    """The requirement that a frozen line was made from."""
    return Requirement(
        steps=tuple(_step(step) for step in line.steps),
        fixed=line.fixed,
        by_hand=line.by_hand,
        supplier_provides=line.supplier_provides,
        source=line.source_id,
    )


def _step(kept: Mapping[str, Any]) -> Step:
    return Step(
        number=kept["number"],
        component=Component(kept["item"], kept["code"], kept["stock_unit"]),
        quantity=Decimal(kept["quantity"]),
        unit=kept["unit"],
        waste=Decimal(kept["waste"]),
        factor=None if kept["factor"] is None else Fraction(kept["factor"]),
    )


def _frozen_line(site: Site, structure: FrozenStructure, position: int, requirement: Requirement) -> FrozenLine:
    convertible = requirement.convertible
    return FrozenLine(
        site=site,
        structure=structure,
        position=position,
        path=requirement.path,
        component_id=requirement.component.item,
        per_piece=requirement.per_piece if convertible else None,
        fixed_exact=requirement.fixed_exact if convertible else None,
        fixed=requirement.fixed,
        by_hand=requirement.by_hand,
        supplier_provides=requirement.supplier_provides,
        source_id=requirement.source,
        steps=_steps(requirement),
    )


def require_convertible(made: Item, requirements: Sequence[Requirement]) -> None:
    """Refuse a structure with a line whose unit can't be converted, naming every such line (Q4)."""
    missing = [
        f"There is no conversion from {step.unit} to {step.component.unit} for {step.component.code} "
        f"(line {requirement.path} of {made.code}). Add it, or change the line's unit."
        for requirement in requirements
        for step in requirement.steps
        if step.factor is None
    ]
    if missing:
        raise NoConversion(missing[0], field="unit", details=list(dict.fromkeys(missing[1:])))
