"""book, produce, receive, issue, return, move, preview and reverse, as a person types them."""

from decimal import Decimal
from typing import Any

import pytest

from tests.cast import Plant
from tests.doors.console import Console

AT = ("--at", "2026-03-02")
POSTED = {
    "posting",
    "process",
    "at",
    "by",
    "key",
    "repeated",
    "item",
    "unresolved",
    "fits_now",
    "movements",
}
MOVED = {
    "movement",
    "posting",
    "process",
    "at",
    "recorded_at",
    "by",
    "item",
    "unit",
    "status",
    "quantity",
    "due",
    "reason",
    "from",
    "from_bin",
    "from_after",
    "to",
    "to_bin",
    "to_after",
    "batch",
    "serial",
    "order",
    "action",
    "remarks",
}


def test_a_booking_moves_the_goods_and_their_components(plant: Plant, console: Console) -> None:
    plant.has(200, "BOLT")
    plant.releases(50, "BRACKET")
    said = console.says("book", "W-BRACKET", 38, "--scrap", 2)
    assert "Booked 38 good, 2 scrap of BRACKET on W-BRACKET" in said
    assert plant.balance("BRACKET", at="FG") == 38
    assert plant.balance("BOLT") == 40


def test_a_booking_answers_in_json_for_programs(plant: Plant, console: Console) -> None:
    plant.has(10, "BOLT")
    plant.releases(50, "BRACKET")
    told = console.tells("book", "W-BRACKET", "2.0", "--scrap", 1, "--by", "jan", "--key", "scan-1", *AT)
    assert set(told) == POSTED | {"good", "scrap", "order"}
    assert {key: told[key] for key in ("good", "scrap", "by", "key", "repeated", "at", "unresolved")} == {
        "good": "2",
        "scrap": "1",
        "by": "jan",
        "key": "scan-1",
        "repeated": False,
        "at": "2026-03-02T00:00:00+00:00",
        "unresolved": 1,
    }
    goods, bolts = told["movements"]
    assert set(goods) == set(bolts) == MOVED
    assert (goods["quantity"], goods["to"], goods["to_after"]) == ("2", "MAIN/FG", "2")
    assert (bolts["quantity"], bolts["due"], bolts["reason"], bolts["status"]) == ("0", "12", "short", "unresolved")


def test_a_short_line_is_shown_with_the_command_that_lists_it(plant: Plant, console: Console) -> None:
    plant.releases(50, "BRACKET")
    said = console.says("book", "W-BRACKET", 1)
    assert "short" in said
    assert "1 line is unresolved. To see them: backflush unresolved" in said


def test_the_same_key_posts_once_and_the_answer_says_so(plant: Plant, console: Console) -> None:
    plant.has(200, "BOLT")
    plant.releases(50, "BRACKET")
    first = console.tells("book", "W-BRACKET", 5, "--key", "scan-1")
    again = console.tells("book", "W-BRACKET", "5.00", "--key", "scan-1")
    assert (again["posting"], again["repeated"]) == (first["posting"], True)
    assert "Nothing new was posted" in console.says("book", "W-BRACKET", 5, "--key", "scan-1")
    assert console.refuses("book", "W-BRACKET", 6, "--key", "scan-1") == "key_reused"
    assert plant.balance("BRACKET", at="FG") == 5


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("W-BRACKET", "1.5"), "invalid_quantity"),
        (("W-BRACKET", "-5"), "invalid_quantity"),
        (("W-BRACKET", "-.5"), "invalid_quantity"),
        (("W-BRACKET", "0"), "invalid_quantity"),
        (("W-BRACKET", "1", "--scrap", "-1"), "invalid_quantity"),
        (("W-BRACKET", "1e400"), "invalid_value"),
        (("W-BRACKET", "1" * 20), "quantity_too_large"),
        (("W-BRACKET",), "invalid_quantity"),
        (("W-BRACKET", ""), "invalid_quantity"),
        (("W-BRACKET", "NaN"), "invalid_value"),
        (("W-BRACKET", "five"), "invalid_value"),
        (("W-NONE", "5"), "not_found"),
        (("W-BRACKET", "5", "--at", "2999-01-01"), "date_in_future"),
        (("W-BRACKET", "5", "--at", "yesterday"), "invalid_value"),
        (("W-BRACKET", "5", "--site", "MOON"), "not_found"),
        (("W-BRACKET", "5", "--by", "n" * 151), "invalid_value"),
        (("W-BRACKET", "5", "--key", "k" * 201), "invalid_value"),
        (("W-BRACKET", "5", "--batch", "B1"), "invalid_value"),
    ],
)
def test_an_invalid_booking_is_refused_and_posts_nothing(
    plant: Plant, console: Console, words: tuple[str, ...], code: str
) -> None:
    plant.releases(50, "BRACKET")
    assert console.refuses("book", *words) == code
    assert plant.balance("BRACKET", at="FG") == 0
    assert plant.waiting() == []


def test_an_order_that_is_not_released_takes_no_booking(plant: Plant, console: Console) -> None:
    plant.orders(50, "BRACKET")
    assert console.refuses("book", "W-BRACKET", 5) == "order_not_open"


def test_producing_a_kit_without_order(plant: Plant, console: Console) -> None:
    plant.has(100, "BOLT")
    plant.has(100, "LUG")
    told = console.tells("produce", "PACK", 10)
    assert (told["process"], told["good"], told["unresolved"]) == ("production", "10", 0)
    assert plant.balance("BOLT") == 20
    assert plant.balance("PACK", at="FG") == 10
    assert "Produced 1 good of PACK without order" in console.says("produce", "PACK", 1)
    assert console.refuses("produce", "BOLT", 10) == "wrong_class"


def test_receiving_assumes_what_the_subcontractor_used(plant: Plant, console: Console) -> None:
    plant.has(100, "LUG", at="ACME/STOCK")
    plant.buys(20, "PLATED")
    told = console.tells("receive", "P-PLATED", 9, "--rejected", 1)
    assert (told["accepted"], told["rejected"], told["process"]) == ("9", "1", "goods received")
    assert plant.balance("LUG", at="ACME/STOCK") == 60
    assert "Received 1 accepted of PLATED" in console.says("receive", "P-PLATED", 1, "--line", 10)
    assert console.refuses("receive", "P-PLATED", 1, "--line", 20) == "not_found"
    assert console.refuses("receive", "P-PLATED") == "invalid_quantity"


def test_issuing_and_returning_by_hand(plant: Plant, console: Console) -> None:
    plant.has(20, "BOLT", at="RAW")
    plant.releases(50, "BRACKET")
    issued = console.tells("issue", "W-BRACKET", "BOLT", 12, "--remarks", "two were bent")
    assert (issued["process"], issued["movements"][0]["remarks"]) == ("issue", "two were bent")
    assert "Returned 4 of BOLT from W-BRACKET" in console.says("return", "W-BRACKET", "BOLT", 4)
    assert plant.balance("BOLT", at="RAW") == 12
    assert console.refuses("return", "W-BRACKET", "BOLT", 9) == "more_than_issued"
    assert console.refuses("issue", "W-BRACKET", "BOLT", 13) == "insufficient_stock"


def test_issuing_serial_numbers(plant: Plant, console: Console) -> None:
    plant.has(2, "MOTOR", at="RAW", serials=["S1", "S2"])
    plant.releases(5, "CABINET")
    told = console.tells("issue", "W-CABINET", "MOTOR", 2, "--serial", "S1", "--serial", "S2")
    assert [movement["serial"] for movement in told["movements"]] == ["S1", "S2"]
    assert console.refuses("issue", "W-CABINET", "MOTOR", 2, "--serial", "S1") == "serials_required"


def test_moving_by_hand_along_a_rule(plant: Plant, console: Console) -> None:
    plant.has(20, "LUG", at="RAW")
    move = ("move", "RACK UP", "LUG", 5, "--from", "MAIN/RAW", "--to", "MAIN/RACK")
    assert console.refuses(*move) == "bin_required"
    told = console.tells(*move, "--to-bin", "R1", "--at", "2026-03-02T14:30")
    assert (told["process"], told["at"]) == ("hand movement", "2026-03-02T14:30:00+00:00")
    assert plant.balance("LUG", at="RACK") == 5
    assert console.refuses("move", "RACK UP", "LUG", 5, "--from", "MAIN/RAW", "--to", "MAIN/FG") == "no_such_rule"
    assert (
        console.refuses("move", "BACKFLUSH", "LUG", 5, "--from", "MAIN/RAW", "--to", "MAIN/FG") == "wrong_action_type"
    )


def test_previewing_posts_nothing(plant: Plant, console: Console) -> None:
    plant.has(10, "BOLT")
    plant.releases(50, "BRACKET")
    told = console.tells("preview", "W-BRACKET", 5)
    assert (told["largest_good"], told["short"]) == ("2", 1)
    (line,) = told["lines"]
    assert line == {
        "line": "10",
        "path": "10",
        "item": "BOLT",
        "component": "BOLT",
        "unit": "EA",
        "from": "MAIN/LINE",
        "source": "MAIN/LINE",
        "assumed": "20",
        "there": "10",
        "moves": "0",
        "waits": "20",
        "reason": "short",
    }
    assert "The largest good quantity without a shortage is 2" in console.says("preview", "W-BRACKET", 5)
    assert "without a shortage is 2" in console.says("preview", "W-BRACKET", 1)
    assert plant.balance("BOLT") == 10
    assert plant.waiting() == []
    assert console.refuses("preview", "W-BRACKET", "1.5") == "invalid_quantity"


def test_previewing_a_production_and_a_receipt(plant: Plant, console: Console) -> None:
    plant.buys(20, "PLATED")
    assert [line["item"] for line in console.tells("preview", "--item", "PACK", 5)["lines"]] == ["BOLT", "LUG"]
    assert [line["from"] for line in console.tells("preview", "P-PLATED", 5, "--purchase-order")["lines"]] == [
        "ACME/STOCK"
    ]
    assert console.refuses("preview", "PACK", 5, "--item", "--purchase-order") == "invalid_value"
    assert console.refuses("preview", "--item", "BOLT", 5) == "wrong_class"


@pytest.mark.parametrize("named_by", ["posting", "movement", "key"])
def test_reversing_a_booking_once(plant: Plant, console: Console, named_by: str) -> None:
    plant.has(100, "BOLT")
    plant.releases(50, "BRACKET")
    posted = console.tells("book", "W-BRACKET", 5, "--key", "scan-1")
    by: dict[str, tuple[Any, ...]] = {
        "posting": (posted["posting"],),
        "movement": ("--movement", posted["movements"][1]["movement"]),
        "key": ("--of", "scan-1"),
    }
    told = console.tells("reverse", *by[named_by])
    assert (told["reverses"], told["process"]) == (posted["posting"], "reversal")
    assert plant.balance("BOLT") == 100
    assert plant.balance("BRACKET", at="FG") == 0
    assert console.refuses("reverse", *by[named_by]) == "already_reversed"


def test_a_reversal_names_the_reversed_posting(plant: Plant, console: Console) -> None:
    assert console.refuses("reverse") == "invalid_value"
    assert console.refuses("reverse", 5, "--of", "scan-1") == "invalid_value"
    assert console.refuses("reverse", 987654) == "not_found"
    assert console.refuses("reverse", "--of", "never") == "not_found"
    assert console.refuses("reverse", "--movement", 987654) == "not_found"


def test_a_booking_whose_goods_have_moved_on_is_not_reversed(plant: Plant, console: Console) -> None:
    plant.has(100, "BOLT")
    booking = plant.books(5, "BRACKET")
    plant.moves(3, "BRACKET", "FG", "ADJUST", action="ADJUST")
    assert console.refuses("reverse", booking.posting_id) == "insufficient_stock"
    assert plant.balance("BRACKET", at="FG") == Decimal(2)
