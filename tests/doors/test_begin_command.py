"""`backflush begin`: a plant of one's own from the shell."""

from backflush.stockmap.models import Site
from tests.cast import Plant
from tests.databases import Database
from tests.doors.console import Console


def test_a_plant_begins_with_a_ready_made_set_up(database: Database, console: Console) -> None:
    console.typed = "lantern-brass-94-quay\n"
    told = console.tells(
        "begin", "Kelso Lamps", "--time-zone", "Europe/London", "--pattern", "line", "--person", "nina"
    )
    assert (told["site"], told["person"]) == ("KELSO", "nina")
    assert {"kind": "action", "code": "BACKFLUSH"} in told["added"]
    assert "nina: administrator" in console.says("people")


def test_an_unknown_set_up_or_a_second_plant_is_refused(plant: Plant, console: Console) -> None:
    assert console.refuses("begin", "Kelso Lamps", "--pattern", "none") == "invalid_value"
    console.typed = "lantern-brass-94-quay\n"
    assert console.refuses("begin", "Kelso Lamps") == "already_there"
    assert Site.objects.count() == 1
