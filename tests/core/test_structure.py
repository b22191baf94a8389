"""Structures: lines in force, phantoms at every depth, inherited settings, and loops (S2 to S6)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backflush.core.refusals import (
    FixedOnPhantom,
    InvalidDates,
    InvalidQuantity,
    OverlappingLines,
    Refusal,
    StructureTooLarge,
)
from backflush.core.structure import Component, ComponentLine, Explosion, explode, find_loop, require_sound

DAY = date(2026, 3, 2)
BOLT = Component(1, "BOLT", "EA")
PAINT = Component(2, "PAINT", "KG")
PANEL = Component(11, "PANEL", "EA", phantom=True)
DOOR = Component(12, "DOOR", "EA", phantom=True)
FRAME = Component(13, "FRAME", "EA", phantom=True)


def one(component: Component, unit: str) -> Fraction | None:
    """Return the factor 1, except for G of KG."""
    return {("G", "KG"): Fraction(1, 1000), ("FATHOM", "EA"): None}.get((unit, component.unit), Fraction(1))


def exploded(
    lines: Sequence[ComponentLine], structures: Mapping[int, Sequence[ComponentLine]] | None = None, day: date = DAY
) -> Explosion:
    return explode(lines, day=day, structures=structures or {}, factor=one)


def line(number: int, component: Component, quantity: str = "1", unit: str = "EA", waste: str = "0") -> ComponentLine:
    return ComponentLine(number, component, Decimal(quantity), unit, Decimal(waste))


def test_a_line_is_in_force_on_both_its_dates() -> None:
    dated = replace(line(10, BOLT), starts=date(2026, 3, 1), ends=date(2026, 3, 5))
    days = [date(2026, 2, 28) + timedelta(days) for days in range(8)]
    assert [day.day for day in days if dated.in_force(day)] == [1, 2, 3, 4, 5]


def test_an_empty_date_is_open() -> None:
    assert line(10, BOLT).in_force(date.min)
    assert line(10, BOLT).in_force(date.max)
    assert not replace(line(10, BOLT), starts=DAY).in_force(DAY - timedelta(1))
    assert not replace(line(10, BOLT), ends=DAY).in_force(DAY + timedelta(1))


DATES = st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 20))


@given(DATES, DATES, DATES, DATES)
def test_two_versions_overlap_if_both_are_in_force_on_some_day(
    starts: date | None, ends: date | None, other_starts: date | None, other_ends: date | None
) -> None:
    a = replace(line(10, BOLT), starts=starts, ends=ends)
    b = replace(line(10, BOLT), starts=other_starts, ends=other_ends)
    if any(one.starts and one.ends and one.ends < one.starts for one in (a, b)):
        return
    days = [date(2025, 12, 25) + timedelta(days) for days in range(40)]
    assert a.overlaps(b) == b.overlaps(a) == any(a.in_force(day) and b.in_force(day) for day in days)


def test_lines_come_in_line_order_whatever_the_order_of_entry() -> None:
    lines = [line(20, PAINT), line(10, BOLT), line(5, PAINT)]
    assert [requirement.path for requirement in exploded(lines).requirements] == ["5", "10", "20"]


def test_lines_not_in_force_are_left_out() -> None:
    old = replace(line(10, BOLT, "4"), ends=DAY)
    new = replace(line(10, BOLT, "5"), starts=DAY + timedelta(1))
    assert exploded([old, new]).requirements[0].per_piece == 4
    assert exploded([old, new], day=DAY + timedelta(1)).requirements[0].per_piece == 5


def test_waste_is_a_percentage_of_the_quantity_taken() -> None:
    requirement = exploded([line(10, PAINT, "150", "G", "4")]).requirements[0]
    assert requirement.per_piece == Fraction(150, 1000) * Fraction(100, 96)


def test_quantity_unit_and_waste_multiply_through_phantoms_at_every_depth() -> None:
    structures = {
        PANEL.item: [line(1, DOOR, "3", waste="10")],
        DOOR.item: [line(1, FRAME, "0.5", waste="20")],
        FRAME.item: [line(1, PAINT, "200", "G", "50"), line(2, BOLT, "7")],
    }
    paint, bolt = exploded([line(10, PANEL, "2", waste="5")], structures).requirements
    above = Fraction(2) * 100 / 95 * 3 * 100 / 90 * Fraction(1, 2) * 100 / 80
    assert paint.per_piece == above * Fraction(200, 1000) * 2
    assert bolt.per_piece == above * 7
    assert (paint.path, bolt.path) == ("10/1/1/1", "10/1/1/2")


def test_a_phantom_s_lines_are_those_in_force_on_the_day() -> None:
    below = [replace(line(1, BOLT, "4"), ends=DAY), replace(line(1, BOLT, "6"), starts=DAY + timedelta(1))]
    assert exploded([line(10, PANEL)], {PANEL.item: below}).requirements[0].per_piece == 4
    tomorrow = exploded([line(10, PANEL)], {PANEL.item: below}, DAY + timedelta(1))
    assert tomorrow.requirements[0].per_piece == 6


def test_a_phantom_with_no_line_in_force_uses_nothing_and_is_named() -> None:
    ended = replace(line(1, BOLT), ends=DAY - timedelta(1))
    found = exploded([line(10, PANEL), line(20, DOOR), line(30, PANEL)], {PANEL.item: [ended]})
    assert found.requirements == ()
    assert found.empty_phantoms == ("PANEL", "DOOR")


def marked(line: ComponentLine, flag: str) -> ComponentLine:
    """Return the same line, marked by hand or supplier-provided."""
    return replace(line, by_hand=flag == "by_hand", supplier_provides=flag == "supplier_provides")


@pytest.mark.parametrize("flag", ["by_hand", "supplier_provides"])
def test_settings_of_a_phantom_line_apply_to_all_lines_below_it(flag: str) -> None:
    structures = {PANEL.item: [line(1, DOOR), line(2, BOLT)], DOOR.item: [line(1, PAINT)]}
    requirements = exploded([marked(line(10, PANEL), flag), line(20, BOLT)], structures).requirements
    assert [getattr(requirement, flag) for requirement in requirements] == [True, True, False]
    # A line below that is marked itself needs no mark above it.
    structures[DOOR.item] = [marked(line(1, PAINT), flag)]
    requirements = exploded([line(10, PANEL)], structures).requirements
    assert [getattr(requirement, flag) for requirement in requirements] == [True, False]


def test_the_nearest_from_location_applies() -> None:
    structures = {
        PANEL.item: [line(1, BOLT), replace(line(2, BOLT), source=8), replace(line(3, DOOR), source=9)],
        DOOR.item: [line(1, PAINT), replace(line(2, PAINT), source=6)],
    }
    found = exploded([replace(line(10, PANEL), source=7), line(20, BOLT)], structures).requirements
    assert [requirement.source for requirement in found] == [7, 8, 9, 6, None]


def test_a_fixed_quantity_is_never_multiplied() -> None:
    lossy = replace(line(1, PAINT, "10", "G", "20"), fixed=Decimal(500))
    found = exploded([line(10, PANEL, "3", waste="50")], {PANEL.item: [lossy]}).requirements[0]
    assert found.fixed_exact == Fraction(1, 2)
    assert found.per_piece == Fraction(3) * 2 * Fraction(10, 1000) * Fraction(100, 80)


def test_a_fixed_quantity_of_a_phantom_is_refused() -> None:
    fixed = replace(line(10, PANEL), fixed=Decimal(1))
    with pytest.raises(FixedOnPhantom):
        exploded([fixed], {PANEL.item: [line(1, BOLT)]})
    with pytest.raises(FixedOnPhantom):
        require_sound([fixed])


def test_a_line_without_a_conversion_is_reported_and_not_skipped() -> None:
    found = exploded([line(10, BOLT, unit="FATHOM"), line(20, BOLT)])
    assert [requirement.path for requirement in found.inconvertible] == ["10"]
    with pytest.raises(AssertionError):
        _ = found.inconvertible[0].per_piece


def test_a_missing_conversion_of_a_phantom_is_found_below_it() -> None:
    found = exploded([line(10, PANEL, unit="FATHOM")], {PANEL.item: [line(1, BOLT)]})
    assert [requirement.path for requirement in found.inconvertible] == ["10/1"]


def test_phantoms_that_explode_to_too_many_lines_are_refused_early() -> None:
    phantoms = [Component(100 + depth, f"P{depth}", "EA", phantom=True) for depth in range(20)]
    structures = {above.item: [line(1, below), line(2, below)] for above, below in pairwise(phantoms)}
    structures[phantoms[-1].item] = [line(1, BOLT)]
    with pytest.raises(StructureTooLarge):
        exploded([line(10, phantoms[0])], structures)


@given(st.data())
def test_the_explosion_is_the_sum_over_all_paths(data: st.DataObject) -> None:
    """Random phantoms three levels deep, compared with an enumeration of all paths."""
    quantities = st.integers(1, 5)
    levels = [[Component(depth * 10 + n, f"P{depth}{n}", "EA", phantom=True) for n in range(2)] for depth in range(3)]
    below = [*levels[1:], [BOLT]]
    wanted: dict[tuple[int, int], int] = {}
    structures: dict[int, list[ComponentLine]] = {}
    for level, under in zip(levels, below, strict=True):
        for phantom in level:
            structures[phantom.item] = [
                line(number, component, str(data.draw(quantities))) for number, component in enumerate(under, 1)
            ]
            for component, made in zip(under, structures[phantom.item], strict=True):
                wanted[phantom.item, component.item] = int(made.quantity)
    top = [line(n, phantom) for n, phantom in enumerate(levels[0], 1)]
    by_hand = sum(
        wanted[a.item, b.item] * wanted[b.item, c.item] * wanted[c.item, BOLT.item] for a, b, c in product(*levels)
    )
    assert sum(requirement.per_piece for requirement in exploded(top, structures).requirements) == by_hand


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        (line(10, BOLT, "0"), InvalidQuantity),
        (line(10, BOLT, "-1"), InvalidQuantity),
        (line(10, BOLT, "NaN"), InvalidQuantity),
        (line(10, BOLT, "Infinity"), InvalidQuantity),
        (line(10, BOLT, "1E-999"), InvalidQuantity),
        (line(10, BOLT, waste="100"), InvalidQuantity),
        (line(10, BOLT, waste="-1"), InvalidQuantity),
        (line(10, BOLT, waste="NaN"), InvalidQuantity),
        (replace(line(10, BOLT), fixed=Decimal(-1)), InvalidQuantity),
        (replace(line(10, BOLT), starts=DAY, ends=DAY - timedelta(1)), InvalidDates),
    ],
)
def test_an_invalid_line_is_refused(wrong: ComponentLine, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal, match="10"):
        require_sound([line(5, BOLT), wrong])


def test_a_line_number_can_be_reused_after_the_first_version_has_ended() -> None:
    first = replace(line(10, BOLT), ends=DAY)
    require_sound([first, replace(line(10, PAINT), starts=DAY + timedelta(1))])
    with pytest.raises(OverlappingLines):
        require_sound([first, replace(line(10, PAINT), starts=DAY)])


GRAPHS = st.dictionaries(st.integers(0, 7), st.sets(st.integers(0, 7), max_size=3), max_size=8)


def reaches_itself(contains: Mapping[int, set[int]], item: int) -> bool:
    """Return whether an item contains itself, by brute force."""
    met: set[int] = set()
    todo = set(contains.get(item, ()))
    while todo:
        met |= todo
        todo = {below for above in todo for below in contains.get(above, ())} - met
    return item in met


@given(GRAPHS, st.sets(st.integers(0, 7), min_size=1))
def test_a_loop_is_found_exactly_where_there_is_one(contains: dict[int, set[int]], start: set[int]) -> None:
    reachable = set(start)
    while more := {below for above in reachable for below in contains.get(above, ())} - reachable:
        reachable |= more
    loop = find_loop(contains, sorted(start))
    assert (loop is not None) == any(reaches_itself(contains, item) for item in reachable)
    if loop is not None:
        assert loop[0] == loop[-1]
        assert all(below in contains[above] for above, below in pairwise(loop))


def test_a_loop_is_found_at_any_depth() -> None:
    deep = 20_000
    contains = {item: [item + 1] for item in range(deep)}
    assert find_loop(contains, [0]) is None
    contains[deep] = [0]
    loop = find_loop(contains, [deep // 2])
    assert loop is not None
    assert len(loop) == deep + 2


def test_an_item_used_twice_is_not_a_loop() -> None:
    assert find_loop({1: [2, 3], 2: [4], 3: [4]}, [1]) is None
    assert find_loop({1: [1]}, [1]) == (1, 1)
