"""archive, archives, archive-show, unarchive, and verify --archive."""

from datetime import date
from pathlib import Path

import pytest

from backflush.ledger.models import Movement
from backflush.stockmap.models import Site
from backflush.works.services.transitions import complete_order
from tests.cast import DAY, Plant
from tests.doors.console import Console

LATER = date(2026, 5, 4)


@pytest.fixture
def finished(plant: Plant) -> Plant:
    """A complete order in a closed period, and an unfinished one."""
    plant.has(100, "BOLT")
    plant.has(100, "SHEET")
    plant.books(3, "BRACKET")
    complete_order(site=plant.site, number="W-BRACKET", by=plant.storekeeper)
    plant.books(2, "FRAME")
    Site.objects.filter(pk=plant.site.pk).update(closed_through=DAY)
    return plant


def test_an_archive_is_created_listed_read_verified_and_restored(
    finished: Plant, console: Console, tmp_path: Path
) -> None:
    movement = Movement.objects.filter(cost_object__number="W-BRACKET").order_by("pk")[0].pk
    assert "There are no archives." in console.says("archives")
    seen = console.tells("archive", "--through", DAY, "--preview")
    assert (seen["rows"]["works_worksorder"], seen["postings_staying"]) == (1, 3)
    assert "3 postings up to 02 Mar 2026 stay" in console.says("archive", "--through", DAY, "--preview")
    told = console.tells("archive", "--through", DAY, "--to", tmp_path, "--by", "cora")
    assert (told["number"], told["rows"]) == (1, seen["rows"])
    file = Path(told["file"])
    assert file.stat().st_size == told["bytes"]
    assert [one["digest"] for one in console.tells("archives")["archives"]] == [told["digest"]]
    assert file.name in console.says("archives")
    assert "works orders" in console.says("archive-show", file)
    shown = console.tells("archive-show", file, "--order", "W-BRACKET")
    assert shown["total"] == told["rows"]["ledger_movement"]
    assert console.tells("archive-show", file, "--movement", movement)["transactions"][0]["movement"] == movement
    assert console.refuses("archive-show", file, "--movement", 999_999) == "not_found"
    assert console.refuses("order", "show", "W-BRACKET") == "archived"
    assert console.refuses("transactions", "--order", "W-BRACKET") == "archived"
    assert "1 archives were counted by their stored totals" in console.says("verify")
    proved = console.tells("verify", "--archive", tmp_path)
    assert (proved["sound"], [one["name"] for one in proved["checks"]][-2:]) == (True, [file.name, "archives"])
    back = console.tells("unarchive", file, "--by", "cora")
    assert (back["sound"], back["rows"]) == (True, told["rows"])
    assert "restored by cora" in console.says("archives")
    assert console.tells("order", "show", "W-BRACKET")["status"] == "complete"


def test_an_invalid_request_is_refused(finished: Plant, console: Console, tmp_path: Path) -> None:
    assert console.refuses("archive", "--through", LATER, "--to", tmp_path) == "period_closed"
    assert console.refuses("archive", "--through", DAY) == "invalid_value"
    assert console.refuses("archive", "--through", "soon", "--preview") == "invalid_value"
    assert console.refuses("archive", "--through", DAY, "--to", tmp_path / "nowhere") == "not_found"
    assert console.refuses("unarchive", tmp_path / "nothing.zip") == "not_found"
    other = tmp_path / "other.zip"
    other.write_text("something else")
    assert console.refuses("archive-show", other) == "invalid_value"
    assert console.refuses("unarchive", other) == "invalid_value"
    assert console.refuses("verify", "--archive", tmp_path / "nowhere") == "not_found"


def test_a_missing_file_ends_with_exit_code_one(finished: Plant, console: Console, tmp_path: Path) -> None:
    file = Path(console.tells("archive", "--through", DAY, "--to", tmp_path)["file"])
    file.unlink()
    result = console.run("verify", "--archive", tmp_path)
    assert result.exit_code == 1
    assert f"({file.name}) isn't among the files." in result.stdout
