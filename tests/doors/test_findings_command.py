"""`backflush findings`: what the counts show, as a table and for programs."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tests.cast import Plant
from tests.doors.console import Console

FIELDS = {"site", "location", "parent", "component", "kind", "probability", "book", "estimate", "low", "high"}
FIELDS |= {"since", "money_a_year", "posting", "set"}
MADE = (20, 45, 12, 60, 33, 18, 52, 27, 41, 15, 36, 48)


def test_a_line_that_takes_more_than_the_structure_says_is_named_with_its_quantity(
    plant: Plant, console: Console
) -> None:
    """A bracket takes five bolts, its structure says four; the tubes of the frame are right."""
    assert console.says("findings") == "The counts show nothing wrong.\n"
    plant.consists("FRAME", plant.line(10, "TUBE", 3))
    there = {"BOLT": Decimal(10_000), "TUBE": Decimal(10_000)}
    begin = datetime(2025, 3, 3, 8, tzinfo=UTC)
    for item, quantity in there.items():
        plant.has(int(quantity), item)
        plant.counts(quantity, item, at=begin)
    for week, made in enumerate(MADE):
        moment = begin + timedelta(days=7 * week)
        plant.produces(made, "BRACKET", at=moment + timedelta(days=2))
        plant.produces(made + 7, "FRAME", at=moment + timedelta(days=3))
        there["BOLT"] -= 5 * made
        there["TUBE"] -= 3 * (made + 7)
        for item, quantity in there.items():
            plant.counts(quantity, item, at=moment + timedelta(days=6))
    told = console.tells("findings")
    assert {key for one in told for key in one} == FIELDS
    (line,) = [one for one in told if one["kind"] == "line" and one["probability"] > 0.9]
    assert (line["parent"], line["component"], line["location"]) == ("BRACKET", "BOLT", "MAIN/LINE")
    assert line["low"] < 5 < line["high"] or abs(line["estimate"] - 5) < 0.05
    assert "wrong line" in console.says("findings", "--location", "MAIN/LINE")
    assert console.tells("findings", "--location", "MAIN/RAW") == []
