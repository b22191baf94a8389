"""The tour and the demo as separate processes, on files."""

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = (sys.executable, "-c", "from backflush.console.main import main; main()")
REPOSITORY = Path(__file__).parents[2]
STEPS = ("preview", "book", "unresolved", "explain", "resolve", "verify")


def environment_of(database: str | None = None) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "COLUMNS"}}
    return environment | {"PYTHONPATH": str(REPOSITORY)} | ({"DATABASE_URL": database} if database else {})


def backflush(*arguments: str, folder: Path, database: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = environment_of(database)
    return subprocess.run(
        [*COMMAND, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def toured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder in which the tour was run, and its output."""
    folder = tmp_path_factory.mktemp("tour")
    done = backflush("tour", "--no-serve", folder=folder, database="sqlite:///mine.sqlite3")
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return folder, done.stdout


def test_the_tour_shows_each_step_with_its_command_and_fits_the_page(toured: tuple[Path, str]) -> None:
    _, said = toured
    shown = re.findall(r"^\$ backflush (\S+)", said, re.MULTILINE)
    assert list(dict.fromkeys(shown)) == list(STEPS)
    assert max(len(line) for line in said.splitlines()) <= 100
    assert "The largest good quantity without a shortage is 36" in said
    assert "240 EA of LUG-6 moved" in said
    assert "All checks passed." in said
    assert "DATABASE_URL=sqlite:///backflush-demo.sqlite3" in said


def test_the_tour_touches_no_database_but_its_own(toured: tuple[Path, str]) -> None:
    folder, _ = toured
    assert {path.name for path in folder.iterdir()} == {"backflush-demo.sqlite3"}


def test_the_database_of_the_tour_can_be_used_afterwards(toured: tuple[Path, str]) -> None:
    folder, _ = toured
    here = "sqlite:///backflush-demo.sqlite3"
    waiting = backflush("unresolved", folder=folder, database=here)
    assert "13 unresolved." in waiting.stdout
    assert backflush("verify", folder=folder, database=here).returncode == 0
    again = backflush("demo", folder=folder, database=here)
    assert (again.returncode, again.stdout) == (1, "")
    assert "This database has data already." in again.stderr


@pytest.mark.parametrize("content", ["", "not a database", "another plant"])
def test_the_tour_does_not_touch_a_file_that_is_not_its_own(tmp_path: Path, content: str) -> None:
    file = tmp_path / "my plant.sqlite3"
    if content == "another plant":
        with sqlite3.connect(file) as made:
            made.execute("CREATE TABLE stockmap_site (code TEXT)")
            made.execute("INSERT INTO stockmap_site VALUES ('SOUTH')")
        made.close()
    else:
        file.write_text(content)
    before = file.read_bytes()
    done = backflush("tour", "--no-serve", "--file", file.name, folder=tmp_path)
    assert done.returncode == 1
    assert "is not a file of an earlier tour" in done.stderr
    assert file.read_bytes() == before
