"""Count sheets: what is on them, who counts what, what isn't finished, and approval of the whole."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from backflush.core.moves import Tracking
from backflush.counts.models import CountStatus, SheetLine, StockCount
from backflush.counts.services import CountIn, enter_counts, preview_count
from backflush.counts.sheet_progress import LineState, lines_to_count, progress_of, sheet_lines, shown_lines
from backflush.counts.sheets import MadeSheet, SheetIn, approve_sheet, cancel_sheet, close_sheet, make_sheet
from backflush.counts.tolerances import ToleranceIn, set_tolerances
from backflush.handling.moves import reverse
from backflush.items.models import Item
from backflush.people.models import User
from backflush.people.services import known_user
from tests.cast import Plant
from tests.doors.web.visitors import statements
from tests.oracle import own_faults, refused


def person(name: str) -> User:
    return known_user(name=name)


def makes(plant: Plant, **said: Any) -> MadeSheet:
    return make_sheet(SheetIn(**said), site=plant.site, by=plant.storekeeper)


def counts(plant: Plant, made: MadeSheet, item: str, quantity: int, *, by: str = "rosa", **more: Any) -> StockCount:
    given = CountIn(item=item, location="MAIN/LINE", quantity=Decimal(quantity), sheet=made.sheet.pk, **more)
    (count,) = enter_counts([given], site=plant.site, by=person(by))
    return count


def on(made: MadeSheet) -> list[str]:
    return [" ".join(filter(None, (line.location.path, line.bin, line.item.code, line.batch)))
            for line in sheet_lines(made.sheet)]  # fmt: skip


def states(made: MadeSheet) -> list[LineState]:
    return [one.state for one in shown_lines(list(sheet_lines(made.sheet)))]


@pytest.fixture
def stocked(plant: Plant) -> Plant:
    plant.has(100, "BOLT")
    plant.has(50, "LUG")
    plant.has(20, "LUG", at="RAW")
    return plant


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({"locations": ["MAIN/LINE"]}, ["MAIN/LINE BOLT", "MAIN/LINE LUG"]),
        ({"locations": ["MAIN"], "items": ["LUG"]}, ["MAIN/LINE LUG", "MAIN/RAW LUG"]),
        ({"abc_class": "A"}, ["MAIN/LINE BOLT"]),
        ({"component_class": "B", "locations": ["MAIN/RAW"]}, ["MAIN/RAW LUG"]),
        ({"backflushed": True, "locations": ["MAIN/RAW"]}, ["MAIN/RAW LUG"]),
        ({"balances": [("LUG", "MAIN/RAW"), ("BOLT", "MAIN/LINE")]}, ["MAIN/LINE BOLT", "MAIN/RAW LUG"]),
    ],
)
def test_a_sheet_has_the_balances_that_match_in_walking_order(
    stocked: Plant, chosen: dict[str, Any], found: list[str]
) -> None:
    Item.objects.filter(code="BOLT").update(abc_class="A")
    assert on(makes(stocked, **chosen)) == found


def test_what_waits_unresolved_is_chosen_even_where_the_book_says_zero(plant: Plant) -> None:
    plant.has(50, "LUG")
    plant.books(2, "BRACKET")
    assert "MAIN/LINE BOLT" in on(makes(plant, unresolved=True))


def test_nothing_matching_and_an_unknown_place_are_refused(stocked: Plant) -> None:
    with refused("invalid_value", field="locations"):
        makes(stocked, locations=["MAIN/RAW"], items=["BOLT"])
    with refused("not_found", field="locations"):
        makes(stocked, locations=["NOWHERE"])
    with refused("invalid_value", field="seed"):
        makes(stocked, sample=2)


def test_a_balance_is_on_one_open_sheet_only(stocked: Plant) -> None:
    first = makes(stocked, locations=["MAIN/LINE"], items=["BOLT"])
    second = makes(stocked, locations=["MAIN/LINE"])
    assert (on(second), second.elsewhere) == (["MAIN/LINE LUG"], 1)
    with refused("invalid_value", field="locations"):
        makes(stocked, items=["BOLT"])
    cancel_sheet(site=stocked.site, sheet=first.sheet.pk, by=stocked.storekeeper, remarks="not today")
    assert on(makes(stocked, items=["BOLT"])) == ["MAIN/LINE BOLT"]


def test_the_seed_repeats_a_random_sample(stocked: Plant) -> None:
    first = makes(stocked, sample=2, seed="march")
    assert (first.lines, first.sheet.sample_of, first.sheet.seed) == (2, 3, "march")
    cancel_sheet(site=stocked.site, sheet=first.sheet.pk, by=stocked.storekeeper, remarks="again")
    assert on(makes(stocked, sample=2, seed="march")) == on(first)


def test_counters_share_a_sheet_and_none_counts_a_line_twice(stocked: Plant) -> None:
    rosa, ken = person("rosa"), person("ken")
    made = makes(stocked, counters=[rosa, ken])

    def next_for(who: User) -> str:
        return lines_to_count(made.sheet, who, most=1)[0].item.code

    assert (next_for(rosa), next_for(ken)) == ("BOLT", "LUG")
    counts(stocked, made, "BOLT", 100)
    with refused("already_counted", field="item"):
        counts(stocked, made, "BOLT", 99, by="ken")
    assert states(made) == [LineState.COUNTED, LineState.NOT_COUNTED, LineState.NOT_COUNTED]


def test_a_count_from_elsewhere_fills_its_line_and_one_of_before_the_sheet_does_not(stocked: Plant) -> None:
    made = makes(stocked)
    stocked.counts(98, "BOLT", at=made.sheet.made_at - timedelta(days=1))
    assert progress_of([made.sheet])[made.sheet.pk].counted == 0
    stocked.counts(99, "BOLT", at=timezone.now())
    assert progress_of([made.sheet])[made.sheet.pk].counted == 1


def test_what_is_found_although_it_is_not_on_the_sheet_is_added(stocked: Plant) -> None:
    made = makes(stocked, items=["BOLT"])
    counts(stocked, made, "LUG", 50)
    added = SheetLine.objects.get(added=True)
    assert (added.item.code, added.position) == ("LUG", 2)


def test_a_blind_sheet_shows_no_book_quantity_before_its_line_is_finished(stocked: Plant) -> None:
    set_tolerances([ToleranceIn(quantity_down=Decimal(1), approval_value=Decimal(1000))], site=stocked.site)
    made = makes(stocked, locations=["MAIN/LINE"], blind=True)
    asked = CountIn(item="BOLT", location="MAIN/LINE", quantity=Decimal(90))
    with refused("not_allowed", field="item"):
        preview_count(asked, site=stocked.site, by=stocked.storekeeper)
    first = counts(stocked, made, "BOLT", 90)
    assert first.blind
    shown = shown_lines(list(sheet_lines(made.sheet)))[0]
    assert (shown.expected, shown.difference) == (None, None)
    again = CountIn(item="BOLT", location="MAIN/LINE", quantity=Decimal(90), recount_of=first.pk)
    with refused("not_allowed", field="item"):
        preview_count(again, site=stocked.site, by=person("ken"))
    second = counts(stocked, made, "BOLT", 90, by="ken", recount_of=first.pk)
    assert second.blind
    assert shown_lines(list(sheet_lines(made.sheet)))[0].difference == -10


def test_a_sheet_is_closed_when_it_is_finished_or_with_a_reason(stocked: Plant) -> None:
    set_tolerances([ToleranceIn(quantity_down=Decimal(1), recount_beyond=False)], site=stocked.site)
    made = makes(stocked, locations=["MAIN/LINE"])
    waiting = counts(stocked, made, "BOLT", 90)
    assert states(made) == [LineState.TO_APPROVE, LineState.NOT_COUNTED]

    def closes(remarks: str = "") -> None:
        close_sheet(site=stocked.site, sheet=made.sheet.pk, by=stocked.storekeeper, remarks=remarks)

    with refused("sheet_not_finished", field="sheet"):
        closes("enough")
    approve_sheet(site=stocked.site, sheet=made.sheet.pk, by=person("ama"), remarks="looked")
    assert states(made)[0] == LineState.APPROVED
    waiting.refresh_from_db()
    assert (waiting.status, stocked.balance("BOLT")) == (CountStatus.POSTED, 90)
    with refused("remarks_required", field="remarks"):
        closes()
    closes("the rack is locked")
    with refused("sheet_not_open", field="sheet"):
        counts(stocked, made, "LUG", 50)
    assert own_faults(stocked.site) == []


def test_a_count_taken_back_leaves_its_line_to_be_counted(stocked: Plant) -> None:
    made = makes(stocked, items=["BOLT"])
    count = counts(stocked, made, "BOLT", 90)
    reverse(site=stocked.site, posting=count.posting_id, by=stocked.storekeeper)
    assert states(made) == [LineState.NOT_COUNTED]


def test_what_needs_a_batch_is_listed_by_batch(plant: Plant) -> None:
    plant.has(5, "RESIN", batch="B1")
    plant.has(3, "RESIN", batch="B2")
    assert Item.objects.get(code="RESIN").tracking == Tracking.BATCH
    assert on(makes(plant, items=["RESIN"])) == ["MAIN/LINE RESIN B1", "MAIN/LINE RESIN B2"]


def test_the_number_of_statements_does_not_grow_with_the_lines(stocked: Plant) -> None:
    with statements(8):
        made = makes(stocked)
    with statements(7):
        shown_lines(list(sheet_lines(made.sheet)))
    with statements(3):
        progress_of([made.sheet])
