"""An event of the story, and how a line is replenished."""

from collections.abc import Iterator
from dataclasses import dataclass

from backflush.demo.acts import Act, Fills


@dataclass(frozen=True, slots=True)
class Event:
    """Who does what, and when: so many days before today, by the plant's clock."""

    day: int
    clock: str
    who: str
    act: Act


def material_flow(day: int, who: str, *acts: tuple[str, Act]) -> Iterator[Event]:
    """What one person did on one day."""
    for clock, act in acts:
        yield Event(day, clock, who, act)


LINE_A = {"TB-25": "220", "LUG-6": "420", "PNT-5010": "18.50", "BLT-M8": "700", "BRK-L": "160"}
LINE_B = {
    "AXL-12": "64", "CVR-BLU": "70", "TIE-4": "330", "CTN-XL": "70", "RIM-20": "130", "HUB-12": "130",
    "BRG-6001": "260", "CVR-220": "14", "HK-6": "60", "CTN-S": "40",
}  # fmt: skip
"""What the lines hold when they have been replenished, enough for two weeks."""


def replenishing(day: int, line: str, levels: dict[str, str], clock: str = "07:10") -> Iterator[Event]:
    """Rosa fills a line from the store."""
    for item, level in levels.items():
        yield Event(day, clock, "rosa", Fills("REPLENISH", item, level, "MAIN/RAW", line))
