"""What to count next: by class and turn, a day's list that a person manages, and counts that cost little."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from backflush.counts.models import CountStatus
from backflush.counts.plan import day_plan, set_count_plan
from backflush.counts.sheets import SheetIn, make_sheet
from backflush.dashboard.count_opportunities import opportunities
from backflush.dashboard.cut_off import cut_off
from backflush.items.models import Item
from tests.cast import Plant
from tests.doors.web.visitors import statements
from tests.oracle import refused


@pytest.fixture
def stocked(plant: Plant) -> Plant:
    for item, abc in (("BOLT", "A"), ("LUG", "B"), ("TUBE", "C"), ("SHEET", "")):
        Item.objects.filter(code=item).update(abc_class=abc)
        plant.has(100, item)
    return plant


def today(plant: Plant) -> list[str]:
    return [one.item.code for one in day_plan(plant.site).lines]


def ago(plant: Plant, item: str, days: int) -> None:
    assert plant.counts(100, item, at=timezone.now() - timedelta(days=days)).status == CountStatus.POSTED


def test_what_was_never_counted_comes_first_and_a_class_by_its_turns(stocked: Plant) -> None:
    assert today(stocked) == ["BOLT", "LUG", "SHEET", "TUBE"]
    ago(stocked, "BOLT", 100)
    ago(stocked, "LUG", 100)
    ago(stocked, "TUBE", 400)
    ago(stocked, "SHEET", 360)
    # An A item every 91 days, a B item every 182; everything once a year.
    assert today(stocked) == ["BOLT", "TUBE"]
    set_count_plan(site=stocked.site, yearly_a=2, yearly_b=4, yearly_c=1, daily_most=20)
    assert today(stocked) == ["LUG", "TUBE"]


def test_a_day_has_as_many_as_a_person_manages_and_gets_shorter_with_each(stocked: Plant) -> None:
    set_count_plan(site=stocked.site, yearly_a=4, yearly_b=2, yearly_c=1, daily_most=2)
    assert today(stocked) == ["BOLT", "LUG"]
    ago(stocked, "BOLT", 0)
    assert today(stocked) == ["LUG"]
    ago(stocked, "LUG", 0)
    assert (today(stocked), day_plan(stocked.site).counted_today) == ([], 2)


def test_what_is_on_an_open_sheet_is_left_out(stocked: Plant) -> None:
    make_sheet(SheetIn(items=["BOLT"]), site=stocked.site, by=stocked.storekeeper)
    assert today(stocked) == ["LUG", "SHEET", "TUBE"]


def test_a_plan_that_makes_no_sense_is_refused(plant: Plant) -> None:
    with refused("invalid_value", field="yearly_c"):
        set_count_plan(site=plant.site, yearly_a=4, yearly_b=2, yearly_c=0, daily_most=20)


def offered(plant: Plant) -> set[str]:
    return {f"{one.item.code} {one.location.code} {one.occasion}" for one in opportunities(plant.site)}


def test_counts_that_cost_little_are_offered(plant: Plant) -> None:
    plant.has(3, "LUG")
    plant.books(2, "BRACKET")
    plant.has(5, "TUBE")
    plant.moves(5, "TUBE", "LINE", "RAW")
    Item.objects.filter(code="LUG").update(stock_min=Decimal(10))
    assert {"BOLT LINE unresolved", "TUBE LINE empty", "LUG LINE below minimum"} <= offered(plant)
    plant.counts(0, "BOLT", at=timezone.now())
    assert "BOLT LINE unresolved" not in offered(plant)


def test_where_counters_must_not_see_the_book_nothing_tells_it(plant: Plant) -> None:
    plant.has(5, "TUBE")
    plant.moves(5, "TUBE", "LINE", "RAW")
    set_count_plan(site=plant.site, yearly_a=4, yearly_b=2, yearly_c=1, daily_most=2, blind=True)
    assert "TUBE LINE empty" not in offered(plant)
    asked = SheetIn(items=["TUBE"])
    assert make_sheet(asked, site=plant.site, by=plant.storekeeper).sheet.blind


def test_the_cut_off_lists_what_is_not_in_the_books(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    plant.buys(5, "PLATED")
    plant.books(4, "BRACKET")
    found = cut_off(plant.site)
    assert [(one.order.item.code, one.left) for one in found.orders] == [("BRACKET", 6)]
    assert [(one.line.item.code, one.left) for one in found.receipts] == [("PLATED", 5)]
    assert [one.item.code for one in found.unresolved] == ["BOLT"]
    assert not found.is_clear


def test_the_statements_do_not_grow(stocked: Plant) -> None:
    with statements(7):
        day_plan(stocked.site)
    with statements(13):
        opportunities(stocked.site)
    with statements(9):
        cut_off(stocked.site)
