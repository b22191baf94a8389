"""Files from elsewhere: workbooks and copies that ask for too much, copies with code, and our own (F41-F52)."""

import json
import resource
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
import xlsxwriter

from backflush.core.refusals import InvalidValue
from backflush.imports.workbook_process import UnreadableWorkbook, sheets_in
from backflush.operations.backup import back_up, restore
from backflush.operations.copy_check import LINE_LONGEST, require_no_code_in_dump
from backflush.people.models import Token
from backflush.people.rights import Role
from backflush.people.services import give_role, known_user, set_password
from backflush.people.tokens import make_token
from tests.cast import Plant
from tests.databases import Database
from tests.doors.console import Console
from tests.imports import bring

MEGABYTE = 1 << 20


def a_far_cell(path: Path) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("items")
        sheet.write(0, 0, "code")
        sheet.write(1_048_575, 16_383, "x")
    return path


def endless_strings(path: Path) -> Path:
    a_far_cell(path)
    with ZipFile(path) as small:
        parts = {part.filename: small.read(part) for part in small.infolist() if "sharedStrings" not in part.filename}
    with ZipFile(path, "w", ZIP_DEFLATED) as large:
        for name, content in parts.items():
            large.writestr(name, content)
        with large.open("xl/sharedStrings.xml", "w") as strings:
            strings.write(b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>')
            for _ in range(250):
                strings.write(b"A" * 1_000_000)
            strings.write(b"</t></si></sst>")
    return path


@pytest.mark.parametrize("made", [a_far_cell, endless_strings])
def test_a_workbook_that_asks_for_too_much_is_refused_with_bounded_memory(
    plant: Plant, tmp_path: Path, made: object
) -> None:
    path = made(tmp_path / "plant.xlsx")  # type: ignore[operator]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = bring(path)
    assert [finding.remedy for finding in report.findings]
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 200 * MEGABYTE
    # The library alone, as for the older formats, whose sizes nothing tells beforehand.
    with pytest.raises(UnreadableWorkbook):
        sheets_in(path, most=1_000)


def test_a_workbook_with_more_cells_than_a_plant_has_is_refused(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "items.xlsx") as book:
        sheet = book.add_worksheet("items")
        for row in range(50):
            sheet.write_row(row, 0, ["x"] * 30)
    with pytest.raises(UnreadableWorkbook, match="too many cells"):
        sheets_in(tmp_path / "items.xlsx", most=1_000)
    assert len(sheets_in(tmp_path / "items.xlsx", most=1_500)[0][1]) == 50


@pytest.mark.parametrize("part", ["items_item.jsonl", "backflush.json"])
def test_a_portable_copy_with_an_endless_line_is_refused_with_bounded_memory(
    committed_database: Database, tmp_path: Path, part: str
) -> None:
    Plant.build()
    back_up(tmp_path / "copy", as_portable=True)
    with ZipFile(tmp_path / "copy") as sound, ZipFile(tmp_path / "bomb", "w", ZIP_DEFLATED) as bomb:
        for member in sound.infolist():
            if member.filename != part:
                bomb.writestr(member.filename, sound.read(member))
        with bomb.open(part, "w") as endless:
            for _ in range(300):
                endless.write(b"[" * MEGABYTE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidValue, match="longer than anything"):
        restore(tmp_path / "bomb", replace=True)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 20 * LINE_LONGEST + 40 * MEGABYTE
    assert Plant().site.code == "MAIN"


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER quiet AFTER INSERT ON people_assignment BEGIN DELETE FROM people_token; END",
        "CREATE VIEW quiet AS SELECT 1",
        "CREATE VIRTUAL TABLE quiet USING fts5(text)",
    ],
)
@pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)
def test_a_copy_with_code_is_refused_before_anything_is_replaced(
    committed_database: Database, tmp_path: Path, statement: str
) -> None:
    Plant.build()
    back_up(tmp_path / "copy")
    with closing(sqlite3.connect(tmp_path / "copy")) as copy:
        copy.execute(statement)
        copy.execute("DELETE FROM people_assignment")
        copy.commit()
    give_role(user=known_user(name="ama"), site=Plant().site, role=Role.ADMINISTRATOR)
    with pytest.raises(InvalidValue, match="quiet"):
        restore(tmp_path / "copy", replace=True)
    assert known_user(name="ama").assignments.exists()


def test_a_dump_with_a_function_or_a_trigger_is_refused() -> None:
    sound = "; Archive\n215; 1259 16386 TABLE public items_item backflush\n4; 0 0 COMMENT - EXTENSION plpgsql\n"
    require_no_code_in_dump(sound + "3500; 2606 17 FK CONSTRAINT public items_item fk backflush\n")
    for line in ("250; 1255 16 FUNCTION public quiet() backflush", "9; 2620 17 TRIGGER public items_item quiet b"):
        with pytest.raises(InvalidValue, match=r"FUNCTION|TRIGGER"):
            require_no_code_in_dump(f"{sound}{line}\n")


def test_a_restore_tells_added_administrators_and_ends_tokens_and_sessions(
    committed_database: Database, tmp_path: Path
) -> None:
    plant, console = Plant.build(), Console()
    ama = known_user(name="ama")
    give_role(user=ama, site=plant.site, role=Role.ADMINISTRATOR)
    eve = known_user(name="eve")
    give_role(user=eve, site=plant.site, role=Role.ADMINISTRATOR)
    set_password(user=eve, password="axle-hinge-lamp-7")
    make_token(user=eve)
    back_up(tmp_path / "copy")
    eve.assignments.all().delete()
    said = console.says("restore", tmp_path / "copy", "--replace")
    assert "Administrators: ama (MAIN), eve (MAIN). 1 people have a password." in said
    assert "Not administrators in this database before: eve (MAIN)." in said
    assert "1 API tokens of the copy were ended." in said
    assert not Token.objects.filter(ended_at__isnull=True).exists()
    told = console.tells("restore", tmp_path / "copy", "--replace", "--keep-tokens")
    assert (told["tokens_ended"], told["administrators_added"]) == (0, [])


@pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)
def test_what_the_program_makes_is_readable_by_its_owner_only(committed_database: Database, tmp_path: Path) -> None:
    """A copy, and a database that a restore makes, with its log (F41)."""
    Plant.build()
    copy, restored = str(tmp_path / "copy"), f"sqlite:///{tmp_path / 'restored.sqlite3'}"
    run = "import sys; from backflush.console.main import main; sys.argv[1:] = {}; main()"
    for words in (["backup", copy, "--database", committed_database.url], ["restore", copy, "--database", restored]):
        subprocess.run([sys.executable, "-c", run.format(json.dumps(words))], check=True, umask=0o022)
    made = list(tmp_path.rglob("*"))
    assert {path.name for path in made} >= {"copy", "restored.sqlite3"}
    for path in made:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_workbook_with_xml_entities_is_refused(plant: Plant, tmp_path: Path) -> None:
    with ZipFile(tmp_path / "items.ods", "w") as book:
        book.writestr("content.xml", '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>')
    (finding,) = bring(tmp_path / "items.ods").findings
    assert "XML entities" in finding.fault
