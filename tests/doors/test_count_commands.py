"""The commands of counts."""

from decimal import Decimal

import pytest
from django.utils import timezone

from backflush.counts.models import CountStatus, StockCount
from backflush.counts.tolerances import ToleranceIn, set_tolerances
from backflush.people.services import known_user
from tests.cast import Plant
from tests.doors.console import Console


@pytest.fixture
def console(plant: Plant) -> Console:
    plant.has(100, "BOLT")
    return Console()


def test_a_count_is_entered_in_piles_and_listed(console: Console, plant: Plant) -> None:
    told = console.tells("count", "enter", "BOLT", "MAIN/LINE", "2x40 + 7")
    assert (told["quantity"], told["expected"], told["difference"]) == ("87", "100", "-13")
    assert plant.balance("BOLT") == 87
    listed = console.tells("count", "list", "--item", "BOLT")
    assert [row["count"] for row in listed["counts"]] == [told["count"]]
    assert console.tells("count", "list", "--status", "approval")["total"] == 0


def test_a_pile_may_have_a_unit_of_its_own(console: Console, plant: Plant) -> None:
    plant.boxes("BOLT", of=12)
    assert console.tells("count", "enter", "BOLT", "MAIN/LINE", "8 BOX + 3")["quantity"] == "99"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("BOLT", "MAIN/LINE", "12x"), "not_found"),
        (("BOLT", "MAIN/LINE", "+"), "invalid_value"),
        (("BOLT", "MAIN/LINE", "1e3"), "invalid_value"),
        (("BOLT", "MAIN/LINE", "2xx4"), "invalid_value"),
        (("BOLT", "MAIN/LINE", "2x-4"), "invalid_value"),
        (("BOLT", "MAIN/LINE", "4 HEAPS"), "not_found"),
        (("BOLT", "MAIN/NOWHERE", "4"), "not_found"),
        (("BOLT", "MAIN/LINE", "4", "--recount-of", "99"), "not_found"),
    ],
)
def test_a_count_that_makes_no_sense_is_refused(console: Console, words: tuple[str, ...], code: str) -> None:
    assert console.refuses("count", "enter", *words) == code
    assert not StockCount.objects.exists()


def test_counts_are_approved_and_rejected(console: Console, plant: Plant) -> None:
    set_tolerances([ToleranceIn(quantity_down=Decimal(1), recount_beyond=False)], site=plant.site)
    first = plant.counts(90, "BOLT", counted_by=known_user(name="rosa"))
    second = plant.counts(80, "BOLT", counted_by=known_user(name="rosa"))
    assert console.tells("count", "approve", str(first.pk))["counts"][0]["status"] == "posted"
    assert console.refuses("count", "reject", str(second.pk)) == "remarks_required"
    told = console.tells("count", "reject", str(second.pk), "--remarks", "the wrong bin")
    assert told["counts"][0]["status"] == "rejected"
    assert plant.balance("BOLT") == 90
    assert console.refuses("count", "approve", str(second.pk)) == "count_not_open"
    assert StockCount.objects.get(pk=second.pk).status == CountStatus.REJECTED


def test_a_sheet_is_made_counted_recounted_approved_and_closed(console: Console, plant: Plant) -> None:
    plant.has(50, "LUG")
    set_tolerances([ToleranceIn(quantity_down=Decimal(1))], site=plant.site)
    made = console.tells(
        "count", "sheet", "--location", "MAIN/LINE", "--blind", "--counter", "sam", "--title", "Week 10"
    )
    number = str(made["sheet"])
    assert made["lines"] == 2
    assert console.refuses("count", "sheet", "--location", "MAIN/LINE") == "invalid_value"
    first = console.tells("count", "enter", "BOLT", "MAIN/LINE", "90", "--sheet", number, "--counted-by", "rosa")
    assert (first["status"], first["expected"], first["difference"]) == ("recount", None, None)
    assert console.refuses("count", "enter", "BOLT", "MAIN/LINE", "90", "--sheet", number) == "already_counted"
    shown = console.tells("count", "sheet-show", number, "--state", "unfinished")
    assert [(row["item"], row["state"], row["expected"]) for row in shown["rows"]] == [
        ("BOLT", "beyond tolerance", None),
        ("LUG", "not counted", None),
    ]
    assert console.refuses("count", "sheet-close", number) == "sheet_not_finished"
    again = console.tells("count", "recount", str(first["count"]), "89", "--counted-by", "ken")
    assert (again["status"], again["difference"]) == ("approval", "-11")
    assert console.refuses("count", "approve") == "invalid_value"
    assert console.tells("count", "approve", "--sheet", number)["counts"][0]["status"] == "posted"
    assert console.refuses("count", "sheet-close", number) == "remarks_required"
    console.tells("count", "sheet-close", number, "--remarks", "the rack is locked")
    (listed,) = console.tells("count", "sheets")["sheets"]
    assert (listed["status"], listed["lines"], listed["not_counted"]) == ("closed", 2, 1)
    assert console.refuses("count", "sheet-cancel", number, "--remarks", "too late") == "sheet_not_open"
    assert plant.balance("BOLT") == 89


def test_the_plan_and_the_cut_off_are_shown(console: Console, plant: Plant) -> None:
    plant.releases(3, "BRACKET")
    told = console.tells("count", "plan")
    assert [(one["item"], one["counted_at"]) for one in told["due"]] == [("BOLT", None)]
    assert told["daily_most"] == 20
    assert console.tells("count", "cut-off")["completions"] == 1


def test_the_accuracy_of_the_book_is_shown(console: Console, plant: Plant) -> None:
    plant.counts(90, "BOLT", at=timezone.now())
    told = console.tells("count", "accuracy", "--days", "30")
    assert (told["all"]["counts"], told["all"]["within_tolerance"]) == (1, 0)
    assert told["place"][0]["name"] == "MAIN/LINE"
