from datetime import date

from backflush.items.models import Item
from backflush.stockmap.models import TransferRule
from backflush.stockmap.services import end_rule
from tests.cast import Plant
from tests.doors.console import Console


def test_a_finding_that_only_leaves_movements_unresolved_has_a_remedy_and_is_no_failure(
    plant: Plant, console: Console
) -> None:
    said = console.says("doctor")
    assert "CABINET line 30 backflushes RESIN" in said
    assert "Remedy: Mark the line *by hand*" in said
    assert "leaves movements unresolved" in said


def test_a_finding_that_refuses_bookings_is_a_failure(plant: Plant, console: Console) -> None:
    end_rule(rule=TransferRule.objects.get(action__name="BACKFLUSH"))
    result = console.run("doctor")
    assert result.exit_code == 1
    assert "BACKFLUSH has no rule at MAIN" in result.stdout
    assert "will be refused" in result.stdout


def test_many_findings_are_counted_and_shown_in_part_unless_all_are_asked_for(plant: Plant, console: Console) -> None:
    for number in range(25):
        plant.stocks(f"MORE-{number:02}", "M", "MADE")
        plant.consists(f"MORE-{number:02}", plant.line(10, "MOTOR", 1))
    part = console.says("doctor")
    assert "20 of 26. --all shows every one." in part
    assert "MORE-24" not in part
    assert "MORE-24" in console.says("doctor", "--all")


def test_programs_get_every_finding(plant: Plant, console: Console) -> None:
    facts = console.tells("doctor")
    assert facts["total"] == len(facts["findings"]) == sum(facts["counts"].values())
    assert facts["refused"] == 0
    assert set(facts["findings"][0]) == {"code", "severity", "subject", "sentence", "remedy"}


def test_a_plant_without_findings_is_reported_as_such(plant: Plant, console: Console) -> None:
    Item.objects.update(obsolete_on=date(2000, 1, 1))
    end_rule(rule=TransferRule.objects.get(action__name="RACKFLUSH"))
    assert console.says("doctor") == "The set-up has no problems.\n"
