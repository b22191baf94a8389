"""Events of the story, and the replenishment of a line."""

from collections.abc import Iterator
from dataclasses import dataclass

from backflush.demo.acts import Act, Fills


@dataclass(frozen=True, slots=True)
class Event:
    """An act with its user and time: a number of days before today, and a time of day in the plant's time zone."""

    day: int
    clock: str
    who: str
    act: Act


def material_flow(day: int, who: str, *acts: tuple[str, Act]) -> Iterator[Event]:
    """Return the events of one user on one day."""
    for clock, act in acts:
        yield Event(day, clock, who, act)


LINE_A = {"TB-25": "220", "LUG-6": "420", "PNT-5010": "18.50", "BLT-M8": "700", "BRK-L": "160"}
LINE_B = {
    "AXL-12": "64", "CVR-BLU": "70", "TIE-4": "330", "CTN-XL": "70", "RIM-20": "130", "HUB-12": "130",
    "BRG-6001": "260", "CVR-220": "14", "HK-6": "60", "CTN-S": "40",
}  # fmt: skip
"""The quantities at the lines after replenishment, enough for two weeks."""


def replenishing(day: int, line: str, levels: dict[str, str], clock: str = "07:10") -> Iterator[Event]:
    """Return Rosa's events that replenish a line from the store."""
    for item, level in levels.items():
        yield Event(day, clock, "rosa", Fills("REPLENISH", item, level, "MAIN/RAW", line))
