"""template and import, as a person types them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from backflush.ledger.models import Posting
from tests.doors.console import Console
from tests.imports import EXAMPLE, write

pytestmark = pytest.mark.usefixtures("database")


def test_a_template_is_written_checked_and_imported(console: Console, tmp_path: Path) -> None:
    folder = tmp_path / "plant"
    assert f"backflush import {folder} --check" in console.says("template", folder)
    assert console.refuses("template", folder) == "already_there"
    checked = console.tells("import", folder, "--check")
    assert (checked["applied"], checked["faults"], Posting.objects.count()) == (False, [], 0)
    imported = console.tells("import", folder, "--by", "ann")
    assert imported["applied"]
    assert imported["tables"]["bookings"] == {"rows": 1, "new": 1, "changed": 0, "there": 0, "removed": []}
    assert set(Posting.objects.values_list("by__username", flat=True)) == {"ann"}
    assert console.tells("import", folder / "backflush.xlsx")["tables"]["bookings"]["there"] == 1


def test_faults_are_a_table_and_exit_code_1(console: Console, tmp_path: Path) -> None:
    console.says("template", tmp_path / "plant")
    lines = [{**EXAMPLE["items"][0], "unit": "TON"}, *EXAMPLE["items"][1:]]
    write(tmp_path / "plant" / "items.csv", lines)
    spoken = console.run("import", tmp_path / "plant")
    assert spoken.exit_code == 1
    assert "items.csv    2  unit    There is no unit TON.  Add it to units, or correct it here." in spoken.stdout
    assert "1 fault. Nothing was changed: correct the files and import again." in spoken.stdout
    told = console.run("import", tmp_path / "plant", "--json")
    assert (told.exit_code, told.stderr) == (1, "")
    assert json.loads(told.stdout)["faults"] == [
        {
            "table": "items",
            "file": "items.csv",
            "row": 2,
            "column": "unit",
            "code": "not_found",
            "fault": "There is no unit TON.",
            "remedy": "Add it to units, or correct it here.",
        }
    ]
    assert not Posting.objects.exists()


def test_update_changes_existing_rows(console: Console, tmp_path: Path) -> None:
    console.says("template", tmp_path / "plant")
    console.tells("import", tmp_path / "plant")
    write(tmp_path / "units.csv", [{"code": "PCS", "name": "Each"}])
    assert console.run("import", tmp_path / "units.csv").exit_code == 1
    assert console.tells("import", tmp_path / "units.csv", "--update")["tables"]["units"]["changed"] == 1


def test_an_import_creates_the_database(console: Console, tmp_path: Path) -> None:
    console.says("template", tmp_path / "plant")
    command = [sys.executable, "-c", "from backflush.console.main import main; main()", "import", "plant"]
    environment = {**os.environ, "DATABASE_URL": "sqlite:///new.sqlite3"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "The import is complete." in done.stdout
    assert "locks the SQLite file" in done.stderr
    assert (tmp_path / "new.sqlite3").exists()
