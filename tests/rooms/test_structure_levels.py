"""A structure has at most 50 levels, whichever door it comes in by (S8, F43)."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from backflush.core.refusals import StructureTooDeep
from backflush.core.structure import LEVELS_MAX, Component, ComponentLine, explode, levels_through
from backflush.items.models import ComponentClass, Item
from backflush.structures.models import StructureLine
from backflush.structures.services import LineIn, set_structure, set_structures
from tests.cast import Plant
from tests.imports import bring

TOO_MANY = 1_500


def chain(plant: Plant, count: int) -> list[Item]:
    """Return so many phantoms, and a bought item as the last."""
    bolt = Item.objects.get(code="BOLT")
    phantoms = [
        Item(
            code=f"PH{number}",
            component_class=ComponentClass.PHANTOM,
            stock_unit=bolt.stock_unit,
            type_code=bolt.type_code,
        )
        for number in range(count)
    ]
    return [*Item.objects.bulk_create(phantoms), bolt]


def one_in_another(items: list[Item]) -> dict[Item, list[LineIn]]:
    return {
        above: [LineIn(number=10, component=below, quantity=Decimal(1), unit=below.stock_unit)]
        for above, below in pairwise(items)
    }


def test_a_structure_has_at_most_fifty_levels(plant: Plant) -> None:
    items = chain(plant, LEVELS_MAX)
    set_structures(one_in_another(items))
    above = Item.objects.get(code="BRACKET")
    with pytest.raises(StructureTooDeep) as refused:
        set_structure(item=above, lines=one_in_another([above, items[0]])[above])
    assert (refused.value.code, refused.value.field) == ("structure_too_deep", "component")
    set_structure(item=above, lines=one_in_another([above, items[1]])[above])


@pytest.mark.parametrize("count", [LEVELS_MAX + 1, TOO_MANY])
def test_a_deep_chain_is_refused_whole_by_import(plant: Plant, tmp_path: Path, count: int) -> None:
    chain(plant, count)
    before = StructureLine.objects.count()
    rows = [f"PH{number},10,PH{number + 1},1" for number in range(count - 1)] + [f"PH{count - 1},10,BOLT,1"]
    path = tmp_path / "structures.csv"
    path.write_text("\n".join(["item,line,component,quantity", *rows]), encoding="utf-8")
    report = bring(path)
    assert {finding.code for finding in report.findings} == {"structure_too_deep"}
    assert StructureLine.objects.count() == before


def test_a_chain_that_is_there_already_is_refused_and_breaks_nothing() -> None:
    """As in a database that was restored."""
    lines = {
        number: [ComponentLine(10, Component(number + 1, f"PH{number + 1}", "EA", phantom=True), Decimal(1), "EA")]
        for number in range(TOO_MANY)
    }
    with pytest.raises(StructureTooDeep):
        explode(lines[0], day=date(2026, 3, 2), structures=lines, factor=lambda *_: Fraction(1))


def test_levels_are_counted_above_and_below_along_the_longest_path() -> None:
    contains = {1: [2, 3], 2: [3], 3: [4], 5: [3]}
    assert levels_through(contains, [3]) == 3
    assert levels_through(contains, [5]) == 2
    assert levels_through(contains, [9]) == 0
    assert levels_through({number: [number + 1] for number in range(20_000)}, [10_000]) == 20_000
