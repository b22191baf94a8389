"""`backflush listen`: bookings as lines of JSON, from a stream or a folder, each booked once whatever happens."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backflush.backflushing.models import Booking
from backflush.console.worker import ENTRY
from backflush.core.refusals import Refusal
from backflush.ledger.models import Posting
from backflush.streams.arrivals import BLOCK, Cutter
from backflush.streams.intake import Folder
from backflush.streams.line_format import LONGEST, in_one_line, read_line
from backflush.subcontract.receipts import ReceiptIn
from backflush.works.services.booking import BookingIn
from backflush.works.services.production_without_order import ProductionIn
from tests.cast import Plant
from tests.databases import Database
from tests.doors.console import Console
from tests.oracle import faults
from tests.rooms.test_statement_budgets import statements_of

PATIENCE_SECONDS: Final = 120
ORDER: Final = "W-BRACKET"


def line(**fields: Any) -> str:
    return json.dumps({"order": ORDER, "good": "1", "at": "2026-03-02", **fields}) + "\n"


def dropped(folder: Path, name: str, *lines: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("".join(lines), encoding="utf-8")
    return path


def answered(text: str) -> list[dict[str, Any]]:
    return [json.loads(one) for one in text.splitlines()]


def outcomes(text: str) -> list[str]:
    return [one["outcome"] for one in answered(text)]


# The format of a line


def test_a_line_has_the_field_names_of_the_command_line() -> None:
    raw = line(
        scrap="0.5", at="2026-03-02T14:30", key="K", batch="B", serials=["S1", "S2"], bin="R1", scrap_reason="bent"
    )
    found = read_line(7, raw.encode())
    assert (found.number, found.content) == (
        7,
        BookingIn(
            order=ORDER,
            good=Decimal(1),
            scrap=Decimal("0.5"),
            at=datetime(2026, 3, 2, 14, 30),  # noqa: DTZ001  # a time without a zone is the site's
            key="K",
            batch="B",
            serials=("S1", "S2"),
            bin="R1",
            scrap_reason="bent",
        ),
    )


def test_a_json_number_stays_exact() -> None:
    report = read_line(1, b'{"order": "W-1", "good": 0.1, "scrap": 3, "key": null}').content
    assert isinstance(report, BookingIn)
    assert (report.good, report.scrap, report.at, report.key) == (Decimal("0.1"), Decimal(3), None, "")


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b"not json", ""),
        (b'{"order": "W-1"', ""),
        (b"\xff\xfe", ""),
        (b"[" * 5_000, ""),
        (b"[]", ""),
        (b'"W-1"', ""),
        (b'{"order": "W-1", "order": "W-2"}', ""),
        (b'{"order": "W-1", "god": "1"}', ""),
        (b'{"order": "W-1", "good": NaN}', ""),
        (b'{"good": "1"}', "order"),
        (b'{"order": 1001, "good": "1"}', "order"),
        (b'{"order": "W-1", "good": "one"}', "good"),
        (b'{"order": "W-1", "good": true}', "good"),
        (b'{"order": "W-1", "good": [1]}', "good"),
        (b'{"order": "W-1", "scrap": "1e-999999999"}', "scrap"),
        (b'{"order": "W-1", "at": "yesterday"}', "at"),
        (b'{"order": "W-1", "at": 20260302}', "at"),
        (b'{"order": "W-\\u0000"}', "order"),
        (b'{"order": "W-1", "batch": "\\ud800"}', "batch"),
        (b'{"order": "W-1", "serials": "S1"}', "serials"),
        (b'{"order": "W-1", "serials": [1]}', "serials"),
        (b'{"order": "' + b"W" * LONGEST + b'"}', ""),
        (b'{"kind": "delivery", "order": "P-1"}', "kind"),
        (b'{"kind": [], "order": "P-1"}', "kind"),
        (b'{"kind": "receipt", "accepted": "1"}', "order"),
        (b'{"kind": "receipt", "order": "P-1", "good": "1"}', ""),
        (b'{"kind": "receipt", "order": "P-1", "line": "1.5"}', "line"),
        (b'{"kind": "receipt", "order": "P-1", "line": -1}', "line"),
        (b'{"kind": "receipt", "order": "P-1", "line": 9999999999}', "line"),
        (b'{"kind": "production", "order": "W-1", "good": "1"}', ""),
        (b'{"kind": "production", "good": "1"}', "item"),
    ],
)
def test_an_invalid_booking_is_refused_at_its_field(raw: bytes, field: str) -> None:
    report = read_line(1, raw).content
    assert isinstance(report, Refusal)
    assert (report.code, report.field) == ("invalid_value", field)
    assert report.sentence.endswith(".")


def test_a_number_with_an_exponent_is_refused() -> None:
    report = read_line(1, b'{"order": "W-1", "good": 1e999999999}').content
    assert isinstance(report, Refusal)
    assert (report.code, report.field) == ("invalid_value", "good")


SOME_JSON: Final = st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=9), st.lists(st.text(max_size=2), max_size=2)
)
SOME_LINE: Final = st.dictionaries(st.sampled_from(["order", "good", "at", "serials"]), SOME_JSON).map(json.dumps)


@given(st.binary(max_size=40) | SOME_LINE)
def test_no_line_causes_more_than_a_refusal(said: bytes | str) -> None:
    read_line(1, said.encode() if isinstance(said, str) else said)


@given(st.lists(st.binary(max_size=20).filter(lambda raw: b"\n" not in raw)), st.integers(1, 30))
def test_lines_do_not_depend_on_how_the_bytes_arrive(raws: list[bytes], size: int) -> None:
    data = b"\n".join(raws)
    cutter = Cutter()
    found = [one.number for start in range(0, len(data), size) for one in cutter.cut(data[start : start + size])]
    found += [one.number for one in cutter.end()]
    assert found == [number for number, raw in enumerate(raws, 1) if raw.strip()]


def test_an_endless_line_does_not_fill_the_memory() -> None:
    cutter = Cutter()
    for _ in range(50):
        assert cutter.cut(b"x" * BLOCK) == []
    assert len(cutter._rest) == LONGEST + 1
    assert [type(one.content).__name__ for one in cutter.cut(b"\n" + line().encode())] == ["InvalidValue", "BookingIn"]


def test_kind_says_whether_a_line_is_a_receipt_or_a_production() -> None:
    received = read_line(1, b'{"kind": "receipt", "order": "P-1", "line": 20, "accepted": "4", "rejected": 1}').content
    assert received == ReceiptIn(order="P-1", line=20, accepted=Decimal(4), rejected=Decimal(1))
    made = read_line(1, b'{"kind": "production", "item": "PACK", "good": "2", "scrap_reason": "bent"}').content
    assert made == ProductionIn(item="PACK", good=Decimal(2), scrap_reason="bent")
    assert read_line(1, line(kind="booking").encode()).content == read_line(1, line().encode()).content


def test_an_answer_is_one_line_for_every_reader() -> None:
    facts = {"order": "".join(map(chr, range(0x3000)))}
    said = in_one_line(facts)
    assert (len(said.splitlines()), json.loads(said)) == (1, facts)


# A file


def test_each_line_of_a_file_is_answered_with_its_outcome(plant: Plant, tmp_path: Path) -> None:
    plant.has(6, "BOLT")
    plant.releases(10, "BRACKET")
    file = dropped(tmp_path, "press.jsonl", line(), "\n", "nonsense\n", line(order="W-NONE"), line(key="own"))
    result = Console().run("listen", file)
    assert (result.exit_code, result.stderr) == (1, "2 booked, 0 repeated, 2 refused.\n")
    first, bad, none, own = answered(result.stdout)
    assert (first["line"], first["outcome"], first["order"], first["unresolved"]) == (1, "booked", ORDER, [])
    assert (bad["line"], bad["outcome"], bad["refusals"][0]["code"]) == (3, "refused", "invalid_value")
    assert (none["line"], none["refusals"][0]["code"], none["refusals"][0]["field"]) == (4, "not_found", "order")
    assert (own["line"], own["key"]) == (5, "own")
    assert [(one["item"], one["due"], one["reason"]) for one in own["unresolved"]] == [("BOLT", "4", "short")]
    assert [first["posting"], own["posting"]] == [
        *Posting.objects.filter(booking__isnull=False).values_list("pk", flat=True)
    ]


def test_a_file_holds_bookings_of_all_kinds(plant: Plant, tmp_path: Path) -> None:
    plant.releases(10, "BRACKET")
    plant.buys(10, "PLATED")
    plant.has(4, "LUG", at="ACME/STOCK")
    received = {"kind": "receipt", "order": "P-PLATED", "accepted": "1", "at": "2026-03-02"}
    made = {"kind": "production", "item": "PACK", "good": "1", "at": "2026-03-02"}
    lines = [json.dumps(one) + "\n" for one in (received, made, received, {**received, "order": "P-NONE"})]
    file = dropped(tmp_path, "gate.jsonl", *lines[:3], line(), lines[3])
    result = Console().run("listen", file)
    assert (result.exit_code, result.stderr) == (1, "4 booked, 0 repeated, 1 refused.\n")
    said = answered(result.stdout)
    assert [one["kind"] for one in said] == ["receipt", "production", "receipt", "booking", "receipt"]
    assert [said[0]["unresolved"], [one["item"] for one in said[2]["unresolved"]]] == [[], ["LUG"]]
    assert (said[1]["item"], said[4]["refusals"][0]["code"]) == ("PACK", "not_found")
    assert outcomes(Console().run("listen", file).stdout) == [*["repeated"] * 4, "refused"]
    assert faults(plant.site) == []


def test_a_file_given_again_posts_nothing_twice(plant: Plant, tmp_path: Path) -> None:
    plant.releases(10, "BRACKET")
    file = dropped(tmp_path, "press.jsonl", line(), line())
    Console().run("listen", file)
    result = Console().run("listen", file, "--most", 1)
    assert (result.exit_code, outcomes(result.stdout)) == (0, ["repeated", "repeated"])
    assert Booking.objects.count() == 2
    assert outcomes(Console().run("listen", file, "--key", "tuesday").stdout) == ["booked", "booked"]


def test_a_missing_file_is_reported_in_a_sentence(plant: Plant, tmp_path: Path) -> None:
    result = Console().run("listen", tmp_path / "nothing.jsonl")
    assert result.exit_code == 1
    assert result.stderr.endswith("can't be read: No such file or directory.\n")


def test_a_day_without_a_zone_is_in_the_site_s_time_zone(plant: Plant, tmp_path: Path) -> None:
    plant.site.time_zone = "Asia/Tokyo"
    plant.site.save()
    plant.releases(10, "BRACKET", at=date(2026, 3, 1))
    Console().run("listen", dropped(tmp_path, "press.jsonl", line(at="2026-03-02T08:00")))
    assert Booking.objects.get().posting.at.isoformat() == "2026-03-01T23:00:00+00:00"


def test_statements_do_not_grow_with_the_lines(plant: Plant, tmp_path: Path) -> None:
    plant.has(10_000, "BOLT")
    plant.releases(1000, "BRACKET")
    console = Console()
    files = [dropped(tmp_path, f"{count}.jsonl", *[line()] * count) for count in (1, 2, 200)]
    # Data that is read once, such as the user, is read before statements are counted.
    _, few, many = (statements_of(partial(console.run, "listen", file)) for file in files)
    assert many == few


# A folder


def listened(folder: Path) -> list[dict[str, Any]]:
    return answered(Console().run("listen", folder, "--once").stdout)


def test_each_file_of_a_folder_is_booked_once_and_moved_with_its_answers(plant: Plant, tmp_path: Path) -> None:
    plant.releases(10, "BRACKET")
    dropped(tmp_path, "good.jsonl", line(), line())
    dropped(tmp_path, "mixed.jsonl", line(), line(good="-1"))
    dropped(tmp_path, "writing.jsonl.part", line())
    dropped(tmp_path, ".hidden", line())
    told = {one["file"]: (one["booked"], one["refused"]) for one in listened(tmp_path)}
    assert told == {"good.jsonl": (2, 0), "mixed.jsonl": (1, 1)}
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == {
        ".hidden",
        ".listening",
        "writing.jsonl.part",
        "done/good.jsonl",
        "done/good.jsonl.answers.jsonl",
        "refused/mixed.jsonl",
        "refused/mixed.jsonl.answers.jsonl",
    }
    assert outcomes((tmp_path / "refused/mixed.jsonl.answers.jsonl").read_text()) == ["booked", "refused"]
    assert listened(tmp_path) == []
    assert Booking.objects.count() == 3


def test_the_same_file_delivered_again_posts_nothing_and_another_file_of_its_name_is_booked(
    plant: Plant, tmp_path: Path
) -> None:
    plant.releases(10, "BRACKET")
    for lines in ([line()], [line()], [line(), line()]):
        dropped(tmp_path, "press.jsonl", *lines)
        listened(tmp_path)
    assert Booking.objects.count() == 3
    kept = sorted(path for path in (tmp_path / "done").iterdir() if "answers" not in path.name)
    assert [len(path.read_text().splitlines()) for path in kept] == [2, 1]


def test_a_file_is_left_alone_while_it_grows(plant: Plant, tmp_path: Path) -> None:

    folder = Folder(tmp_path)
    path = dropped(tmp_path, "press.jsonl", line())
    assert folder.ripe() == []
    dropped(tmp_path, "press.jsonl", line(), line())
    assert folder.ripe() == []
    assert folder.ripe() == [path]


# Processes


@contextmanager
def listening(database: Database, *words: object) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", ENTRY, "listen", *map(str, words), "--by", "press"],
        env={**os.environ, "DATABASE_URL": database.url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_line_is_answered_while_the_stream_goes_on_and_sigterm_ends_it_cleanly(
    committed_plant: Plant, committed_database: Database
) -> None:
    committed_plant.releases(10, "BRACKET")
    with listening(committed_database, "-", "--key", "press") as process:
        assert process.stdin
        assert process.stdout
        for _ in range(2):
            process.stdin.write(line())
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["outcome"] == "booked"
        process.stdin.write('{"order": "W-BRA')
        process.stdin.flush()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
        assert process.stdout.read() == ""
    assert Booking.objects.count() == 2


def test_a_listener_killed_at_any_moment_and_restarted_books_every_line_once(
    committed_plant: Plant, committed_database: Database, tmp_path: Path
) -> None:
    committed_plant.has(10_000, "BOLT")
    committed_plant.releases(1000, "BRACKET")
    rng = Random(4)
    lines = [line(good=str(number)) for number in range(1, 301)]
    dropped(tmp_path, "a.jsonl", *lines)
    dropped(tmp_path, "b.jsonl", "nonsense\n", *lines)
    killed = 0
    while (tmp_path / "b.jsonl").exists():
        before = Booking.objects.count()
        with listening(committed_database, tmp_path, "--once", "--most", 20) as process:
            if killed < 4:
                _until(partial(_has_gone_on, process, before))
                time.sleep(rng.random() * 0.2)
                process.kill()
                killed += 1
            process.wait(PATIENCE_SECONDS)
    assert Booking.objects.count() == 600
    assert killed > 1
    assert len(outcomes((tmp_path / "done/a.jsonl.answers.jsonl").read_text())) == 300
    assert outcomes((tmp_path / "refused/b.jsonl.answers.jsonl").read_text())[0] == "refused"
    assert faults(committed_plant.site) == []


def _has_gone_on(process: "subprocess.Popen[str]", before: int) -> bool:
    return Booking.objects.count() > before or process.poll() is not None


def _until(condition: Callable[[], bool]) -> None:
    over = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < over, "it never came to that"
        time.sleep(0.02)


def test_a_folder_has_one_listener(committed_plant: Plant, committed_database: Database, tmp_path: Path) -> None:
    committed_plant.releases(10, "BRACKET")
    dropped(tmp_path, "first.jsonl", line())
    with listening(committed_database, tmp_path) as first:
        assert first.stdout
        assert json.loads(first.stdout.readline())["booked"] == 1
        with listening(committed_database, tmp_path) as second:
            assert second.wait(PATIENCE_SECONDS) == 1
            assert second.stderr
            assert "is listening at" in second.stderr.read()
        assert first.poll() is None


# A folder into which others write (F39)


def test_a_lock_that_is_a_link_is_refused_and_what_it_leads_to_is_kept(plant: Plant, tmp_path: Path) -> None:
    kept, folder = tmp_path / "plant.sqlite3", tmp_path / "in"
    kept.write_text("everything")
    folder.mkdir()
    (folder / ".listening").symlink_to(kept)
    assert Console().refuses("listen", folder, "--once") == "invalid_value"
    (folder / ".listening").unlink()
    os.link(kept, folder / ".listening")
    Console().says("listen", folder, "--once")
    assert kept.read_text() == "everything"


@pytest.mark.parametrize("name", ["done", "refused"])
def test_a_folder_of_the_listener_that_is_a_link_is_refused(plant: Plant, tmp_path: Path, name: str) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "in"
    elsewhere.mkdir()
    folder.mkdir()
    (folder / name).symlink_to(elsewhere)
    assert Console().refuses("listen", folder, "--once") == "invalid_value"
    assert not list(elsewhere.iterdir())


def test_no_link_is_followed_and_no_answer_overwrites_another_file(plant: Plant, tmp_path: Path) -> None:
    plant.releases(10, "BRACKET")
    plant.has(100, "BOLT")
    folder, secret = tmp_path / "in", tmp_path / "secret"
    secret.write_text(line(good="5"))
    path = dropped(folder, "a.jsonl", line())
    listening = Folder(folder)
    (folder / ".a.jsonl.answers.jsonl.part").symlink_to(secret)
    (folder / "done" / "a.jsonl.answers.jsonl").symlink_to(secret)
    (folder / "linked.jsonl").symlink_to(secret)
    os.link(secret, folder / "hard.jsonl")
    os.mkfifo(folder / "pipe.jsonl")
    dropped(folder, "b.jsonl.answers.jsonl", line(good="7"))
    listening.ripe()
    assert [one.name for one in listening.ripe()] == ["a.jsonl"]
    assert listening.left_out() == ["b.jsonl.answers.jsonl", "linked.jsonl", "pipe.jsonl"]
    assert listening.left_out() == []
    assert Console().run("listen", folder, "--once").exit_code == 0
    assert (folder / "done" / "a.jsonl").exists()
    assert outcomes((folder / "done" / "a.jsonl.answers.jsonl").read_text()) == ["booked"]
    assert not path.exists()
    assert secret.read_text() == line(good="5")
    assert [booking.good for booking in Booking.objects.all()] == [1]


def test_a_file_name_that_is_no_text_is_taken_like_any_other(plant: Plant, tmp_path: Path) -> None:
    plant.releases(10, "BRACKET")
    name = os.fsdecode(b"\xff\xfe\n.jsonl")
    dropped(tmp_path / "in", name, line())
    said = Console().says("listen", tmp_path / "in", "--once")
    assert r"\udcff\udcfe" in said
