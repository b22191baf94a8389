"""Stock transfers between two sites from the command line, by a note in a file."""

import json
from pathlib import Path

import pytest

from tests.cast import Plant
from tests.doors.console import Console

BY = ("--by", "sam")


@pytest.fixture
def south(plant: Plant) -> Plant:
    plant.has(10, "BOLT", at="RAW")
    return Plant.build_site(code="SOUTH")


def test_stock_is_sent_with_a_note_and_received_by_it(plant: Plant, south: Plant, tmp_path: Path) -> None:
    console, note = Console(), tmp_path / "bolts.json"
    sent = ("send", "BOLT", 6, "--site", "MAIN", "--from", "MAIN/RAW", "--to-site", "SOUTH", "--key", "7", *BY)
    said = console.says(*sent, "--note", note)
    assert "Sent 6 of BOLT to SOUTH: transfer 7." in said
    assert console.tells(*sent)["repeated"]
    assert json.loads(note.read_text())["lines"] == [{"item": "BOLT", "quantity": "6", "batch": "", "serial": ""}]
    assert "1 transfer is in transit." in console.says("in-transit")
    arrived = ("arrive", note, "--site", "SOUTH", "--into", "MAIN/RAW", *BY)
    assert "Received transfer 7 from MAIN." in console.says(*arrived)
    assert console.tells(*arrived)["repeated"]
    assert (plant.balance("BOLT", at="RAW"), south.balance("BOLT", at="RAW")) == (4, 6)
    told = console.tells("in-transit", "--note-arrivals")
    assert (told["on_the_way"], told["noted"], told["faults"]) == ([], 1, [])


def test_an_invalid_transfer_is_refused_with_a_sentence(plant: Plant, south: Plant, tmp_path: Path) -> None:
    console = Console()
    send = ("send", "BOLT", "--site", "MAIN", "--from", "MAIN/RAW", *BY)
    assert console.refuses(*send, 11, "--to-site", "SOUTH") == "insufficient_stock"
    assert console.refuses(*send, 1, "--to-site", "MAIN") == "wrong_site"
    assert console.refuses(*send, 1, "--to-site", "EAST") == "not_found"
    arrive = ("arrive", "--site", "SOUTH", "--into", "MAIN/RAW", *BY)
    assert console.refuses(*arrive, tmp_path / "missing.json") == "not_found"
    (tmp_path / "other.json").write_text("[1, 2]")
    assert console.refuses(*arrive, tmp_path / "other.json") == "invalid_value"
    (tmp_path / "other.json").write_text("no JSON")
    assert console.refuses(*arrive, tmp_path / "other.json") == "invalid_value"
    assert console.refuses(*arrive, "7", "--from-site", "MAIN") == "not_found"
    assert console.refuses(*arrive, "7", "--key", "k") == "invalid_value"
    assert console.tells("in-transit")["on_the_way"] == []


def test_the_transfer_number_is_enough_where_the_sender_s_database_can_be_read(plant: Plant, south: Plant) -> None:
    console = Console()
    console.says("send", "BOLT", 2, "--site", "MAIN", "--from", "MAIN/RAW", "--to-site", "SOUTH", "--key", "8", *BY)
    console.says("arrive", "8", "--site", "SOUTH", "--into", "MAIN/RAW", "--from-site", "MAIN", *BY)
    assert south.balance("BOLT", at="RAW") == 2
