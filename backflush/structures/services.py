"""Maintain structures, and freeze copies of them for orders, receipts and productions."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as dataclass_replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import transaction

from backflush.core.quantity import ZERO, written
from backflush.core.refusals import AlreadyThere, InvalidValue, NoConversion, SettledSince, StructureLoop
from backflush.core.sentences import Sentence
from backflush.core.structure import (
    LEVELS_MAX,
    Component,
    ComponentLine,
    Explosion,
    PathStep,
    Requirement,
    find_loop,
    levels_through,
    require_sound,
    too_deep,
)
from backflush.db.vendors import lock_until_commit
from backflush.items.models import Item, Unit
from backflush.stockmap.deactivation import require_in_use
from backflush.stockmap.models import Location, Site
from backflush.structures.models import FrozenLine, FrozenStructure, LineSource, StructureLine
from backflush.structures.selectors import StructureBook, component_of, contents, structure_rows, structure_stamp

STRUCTURES_LOCK = 4_170_001
DRAFT = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class LineIn:
    """The input for a structure line. `source` is its own from-location, at that location's site.

    `elsewhere` are its from-locations at other sites; a change at one site leaves them as they are.
    """

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
    elsewhere: Sequence[Location] = ()

    def as_line(self) -> ComponentLine:
        """Convert the input to the core's `ComponentLine`."""
        return ComponentLine(
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
    """Replace the whole structure of each of some items, with all dated versions (S1 to S6).

    Existing orders keep their own copies. Refused where an item would contain itself at any depth on any day
    (`structure_loop`), where a structure would have more than 50 levels (`structure_too_deep`, S8), and where units or
    from-locations are deactivated (`ended`).
    """
    for lines in structures.values():
        require_sound([line.as_line() for line in lines])
    _lock_structures()
    require_possible_levels(structures)
    _require_named_in_use(structures)
    replaced = StructureLine.objects.filter(item__in=structures)
    # Deleting checks every table that refers to lines, and most imports have nothing to delete.
    if replaced.exists():
        replaced.delete()
    made = StructureLine.objects.bulk_create(_row(item, line) for item, lines in structures.items() for line in lines)
    given = (line for lines in structures.values() for line in lines)
    LineSource.objects.bulk_create(
        LineSource(site_id=place.site_id, line=row, location=place)
        for row, line in zip(made, given, strict=True)
        for place in (line.source, *line.elsewhere)
        if place is not None
    )


def _require_named_in_use(structures: Mapping[Item, Sequence[LineIn]]) -> None:
    """Refuse deactivated units and from-locations (`ended`), except those that the item's lines name already.

    A component's own stock unit is always accepted.
    """
    for item, lines in structures.items():
        units = [line.unit for line in lines if line.unit.ended_on and line.unit.pk != line.component.stock_unit_id]
        places = [place for line in lines for place in (line.source, *line.elsewhere) if place and place.ended_on]
        if not (units or places):
            continue
        kept = StructureLine.objects.filter(item=item)
        named = set(kept.values_list("unit", flat=True)), set(kept.values_list("sources__location", flat=True))
        for unit in units:
            require_in_use(unit if unit.pk not in named[0] else None, field="unit")
        for place in places:
            require_in_use(place if place.pk not in named[1] else None, field="source")


def set_structure(*, item: Item, lines: Sequence[LineIn]) -> None:
    """Replace the whole structure of one item."""
    set_structures({item: lines})


@transaction.atomic
def change_structure(*, item: Item, lines: Sequence[LineIn], since: str) -> None:
    """Replace the structure of an item that a user has edited. Refused (`settled_since`) if it has changed since.

    `since` is the `structure_stamp` from when the user opened it.
    """
    _lock_structures()
    require_unchanged(item, since)
    set_structure(item=item, lines=lines)


def require_unchanged(item: Item, since: str) -> None:
    """Refuse (`settled_since`) if another user has changed the structure in the meantime."""
    if structure_stamp(item) != since:
        raise SettledSince(
            "Another user changed the structure of {item} after you opened it, so nothing was saved. Open it again "
            "and enter your changes there.",
            item=item.code,
        )


def as_entered(row: StructureLine, site: Site) -> LineIn:
    """Convert a stored line to the input that would create it. Its own from-location at the site is `source`."""
    places = [source.location for source in row.sources.all()]
    return LineIn(
        number=row.number,
        component=row.component,
        quantity=row.quantity,
        unit=row.unit,
        waste=row.waste,
        fixed=row.fixed,
        by_hand=row.by_hand,
        supplier_provides=row.supplier_provides,
        source=next((place for place in places if place.site_id == site.pk), None),
        starts=row.starts,
        ends=row.ends,
        elsewhere=[place for place in places if place.site_id != site.pk],
    )


@transaction.atomic
def copy_structure(*, source: Item, item: Item, day: date, site: Site, replace: bool) -> int:
    """Copy the lines in force on a day from one item's structure to another item, without dates. Return how many.

    Refused where the target has a structure and the caller didn't ask to replace it.
    """
    _lock_structures()
    kept = [as_entered(row, site) for row in structure_rows(source)]
    lines = [line for line in kept if line.as_line().in_force(day)]
    if not lines:
        raise InvalidValue(
            "{item} has no structure in force on {day}. Choose another day or item.",
            item=source.code,
            day=day,
            field="source",
        )
    if not replace and StructureLine.objects.filter(item=item).exists():
        raise AlreadyThere(
            "{item} has a structure already. Confirm that the copy replaces it.", item=item.code, field="replace"
        )
    set_structure(item=item, lines=[dataclass_replace(line, starts=None, ends=None) for line in lines])
    return len(lines)


def _lock_structures() -> None:
    """Serialise changes of structures: two concurrent changes of unrelated items could close a loop between them."""
    lock_until_commit(STRUCTURES_LOCK)


def require_possible_levels(structures: Mapping[Item, Sequence[LineIn]]) -> None:
    """Refuse structures in which an item would contain itself, and name the loop (`structure_loop`, S5); and those in
    which something would have more than 50 levels (`structure_too_deep`, S8)."""
    contains = contents()
    for item, lines in structures.items():
        contains[item.pk] = {line.component.pk for line in lines}
    loop = find_loop(contains, [item.pk for item in structures])
    if loop:
        code = Item.objects.in_bulk(loop)
        raise StructureLoop(
            "An item can't contain itself: {path}. Remove one of these lines.",
            path=" > ".join(code[item].code for item in loop),
            field="component",
        )
    if levels_through(contains, [item.pk for item in structures]) > LEVELS_MAX:
        raise too_deep()


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


def freeze(*, site: Site, contents: Sequence[tuple[Item, Explosion]]) -> list[FrozenStructure]:
    """Return frozen structures with these contents: existing rows where the content was frozen before, else new ones.

    A content with a missing conversion may be frozen for a new order, but can't be booked from.
    """
    # Many orders share one explosion, so its digest is computed once.
    digests = {key: digest(content) for key, content in {id(content): content for _, content in contents}.items()}
    wanted = {(item.pk, digests[id(content)]): (item, content) for item, content in contents}
    known = _known(site, wanted.keys())
    new = {key: wanted[key] for key in sorted(wanted.keys() - known.keys())}
    if new:
        # A concurrent transaction may insert the same content. The unique constraint keeps one row, and both read it
        # back.
        FrozenStructure.objects.bulk_create(
            (
                FrozenStructure(site=site, item=item, digest=key[1], empty_phantoms=list(content.empty_phantoms))
                for key, (item, content) in new.items()
            ),
            ignore_conflicts=True,
        )
        known |= _known(site, new.keys())
        FrozenLine.objects.bulk_create(
            (
                _frozen_line(site, known[key], position, requirement)
                for key, (_, content) in new.items()
                for position, requirement in enumerate(content.requirements)
            ),
            ignore_conflicts=True,
        )
    return [known[item.pk, digests[id(content)]] for item, content in contents]


def sound_content(book: StructureBook, item: Item, day: date) -> Explosion:
    """Return the requirements of one piece of an item on a day (S1), or refuse (`no_conversion`, Q4)."""
    content = book.explode(item.pk, day)
    require_convertible(item, content.requirements)
    return content


def draft_of_day(*, site: Site, item: Item, day: date) -> tuple[FrozenStructure, Sequence[FrozenLine]]:
    """Return an item's structure of a day as an unsaved row with its lines, for the preview of a receipt or a
    production."""
    content = sound_content(StructureBook(site, [item.pk]), item, day)
    draft = FrozenStructure(pk=DRAFT, site=site, item=item, digest="")
    lines = [
        _frozen_line(site, draft, position, requirement) for position, requirement in enumerate(content.requirements)
    ]
    components = Item.objects.in_bulk({line.component_id for line in lines})
    sources = Location.objects.in_bulk({line.source_id for line in lines if line.source_id is not None})
    for line in lines:
        line.pk = DRAFT - line.position
        line.component = components[line.component_id]
        line.source = sources[line.source_id] if line.source_id is not None else None
    return draft, lines


def _known(site: Site, keys: Collection[tuple[int, str]]) -> dict[tuple[int, str], FrozenStructure]:
    found = FrozenStructure.objects.filter(site=site, digest__in={digest for _, digest in keys})
    return {(structure.item_id, structure.digest): structure for structure in found}


def digest(content: Explosion) -> str:
    """Return the digest of a structure's content. Equal contents have equal digests, and different contents have
    different ones."""
    lines = [[_facts(requirement), _steps(requirement)] for requirement in content.requirements]
    text = json.dumps([lines, list(content.empty_phantoms)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


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
    """Return the requirement from which a frozen line was made."""
    return Requirement(
        steps=tuple(_step(step) for step in line.steps),
        fixed=line.fixed,
        by_hand=line.by_hand,
        supplier_provides=line.supplier_provides,
        source=line.source_id,
    )


def _step(kept: Mapping[str, Any]) -> PathStep:
    return PathStep(
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
    """Refuse a structure with units that can't be converted, and name every such line (`no_conversion`, Q4)."""
    missing = [
        Sentence(
            "There is no conversion from {unit} to {stock_unit} for {item} (line {line} of {parent}). "
            "Add it, or change the line's unit.",
            unit=step.unit,
            stock_unit=step.component.unit,
            item=step.component.code,
            line=requirement.path,
            parent=made.code,
        )
        for requirement in requirements
        for step in requirement.steps
        if step.factor is None
    ]
    if missing:
        first, *others = dict.fromkeys(missing)
        raise NoConversion.of(first, field="unit", details=others)
