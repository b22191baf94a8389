"""Fifteen weeks with the same rhythm, and a few mishaps."""

from collections.abc import Iterator

from backflush.demo.acts import (
    Approves,
    Books,
    Cancels,
    Completes,
    Counts,
    Fills,
    Issues,
    Moves,
    Orders,
    Produces,
    Recounts,
    Resolves,
    Retries,
    TakesBack,
    TakesBackResolving,
)
from backflush.demo.events import LINE_A, LINE_B, Event, material_flow, replenishing

QUIET_WEEKS = 15
SHORT_FILLS: dict[int, dict[str, str]] = {
    3: {"CVR-BLU": "54"},
    7: {"TIE-4": "230"},
    11: {"AXL-12": "44"},
}
"""Weeks in which the store couldn't replenish the lines fully."""


def quiet_weeks() -> Iterator[Event]:
    """Return fifteen weeks of the same rhythm: frames and wheels, then trailers; unresolved movements are settled on
    Friday."""
    for week in range(QUIET_WEEKS):
        monday, number = -133 + 7 * week, 10318 + 4 * week
        yield from _frames(monday, f"W-{number}", week)
        yield from _wheels(monday, f"W-{number + 1}", week)
        yield from _trailers(monday, f"W-{number + 2}")
        if week % 3 == 1:
            yield from _covered_trailers(monday, f"W-{number + 3}")
        if week % 2 == 0:
            yield from replenishing(monday, "MAIN/LINE-A", LINE_A)
            rack = "R-03" if week % 4 else "R-04"
            yield Event(monday, "07:40", "rosa", Fills("REPLENISH", "SPK-238", "7200", "MAIN/RAW", "MAIN/RACK", rack))
        else:
            yield from replenishing(monday, "MAIN/LINE-B", {**LINE_B, **SHORT_FILLS.get(week, {})})
        yield from _counts(monday + 4, week)
        yield Event(monday + 4, "15:00", "rosa", Moves("DESPATCH", "TR-200", "23", "MAIN/FG", "MAIN/CUSTOMER"))


COUNTED = (("LUG-6", "MAIN/RAW"), ("BLT-M8", "MAIN/RAW"), ("TIE-4", "MAIN/LINE-B"), ("TB-25", "MAIN/RAW"))
MISCOUNTS = {2: "-2", 5: "3", 9: "-1"}
"""The weeks in which a count differs a little, by how much."""
THEFT_WEEK = 12


def _counts(friday: int, week: int) -> Iterator[Event]:
    """Return the counts of a Friday afternoon: one item a week; once some of it was stolen."""
    item, location = COUNTED[week % len(COUNTED)]
    if week != THEFT_WEEK:
        yield Event(friday, "14:10", "rosa", Counts(item, location, MISCOUNTS.get(week, "0")))
        return
    yield Event(friday, "14:10", "rosa", Counts(item, location, "-60"))
    yield Event(friday, "14:35", "ken", Recounts(item))
    yield Event(friday, "14:50", "ama", Approves("stolen over the week-end"))


def _frames(monday: int, order: str, week: int) -> Iterator[Event]:
    scrap = "1" if week % 4 == 2 else "0"
    yield Event(monday, "08:00", "ama", Orders(order, "FR-200", "28"))
    yield Event(monday + 1, "11:20", "jan", Books(order, "12"))
    yield Event(monday + 3, "15:58", "ken", Books(order, "16", scrap, "paint run" if scrap == "1" else ""))
    yield Event(monday + 2, "07:30", "rosa", Issues(order, "PLT-ID", "28"))
    for _ in range(2):
        yield Event(monday + 4, "16:20", "rosa", Resolves("ADH-330", order))
    yield Event(monday + 4, "16:50", "ama", Completes(order))


def _wheels(monday: int, order: str, week: int) -> Iterator[Event]:
    scrap = "1" if week % 5 == 3 else "0"
    dozens = week % 3 == 0
    yield Event(monday, "08:05", "ama", Orders(order, "WHL-20", "5" if dozens else "60", "DOZ" if dozens else ""))
    yield Event(monday + 1, "08:05", "ken", Books(order, "2" if dozens else "24"))
    if not dozens:
        yield Event(monday + 3, "14:02", "jan", Books(order, "36", scrap, "rim buckled" if scrap == "1" else ""))
    else:
        yield Event(monday + 3, "14:02", "jan", Books(order, "3"))
    for _ in range(2):
        yield Event(monday + 4, "16:25", "rosa", Resolves("SPK-238", order))
    yield Event(monday + 4, "16:51", "ama", Completes(order))


def _trailers(monday: int, order: str) -> Iterator[Event]:
    yield Event(monday, "08:10", "ama", Orders(order, "TR-200", "24"))
    yield Event(monday + 2, "09:12", "jan", Books(order, "12"))
    yield Event(monday + 4, "13:22", "ken", Books(order, "12"))
    for day, clock in ((monday + 3, "09:30"), (monday + 4, "16:30")):
        yield Event(day, clock, "rosa", Resolves("GPS-1", order))
    yield Event(monday + 4, "16:52", "ama", Completes(order))


def _covered_trailers(monday: int, order: str) -> Iterator[Event]:
    yield Event(monday, "08:15", "ama", Orders(order, "TR-220", "8"))
    yield Event(monday + 3, "10:05", "ken", Books(order, "8"))
    yield Event(monday + 3, "16:53", "ama", Completes(order))
    yield Event(monday + 4, "15:05", "rosa", Moves("DESPATCH", "TR-220", "8", "MAIN/FG", "MAIN/CUSTOMER"))


def mishaps() -> Iterator[Event]:
    """Return the mishaps of the quiet weeks, and how they were put right."""
    # Lugs with bad plating are removed, so the line runs short; the lugs that were used came from the store.
    yield from material_flow(
        -117,
        "rosa",
        ("10:00", Moves("QUARANTINE", "LUG-6", "320", "MAIN/LINE-A", "MAIN/QUAR", remarks="plating flakes")),
    )
    yield from material_flow(
        -115,
        "rosa",
        ("08:20", Resolves("LUG-6", "W-10326", source="MAIN/RAW", remarks="taken from the store")),
        ("08:25", Fills("REPLENISH", "LUG-6", "420", "MAIN/RAW", "MAIN/LINE-A")),
        ("08:30", Moves("WRITE-OFF", "LUG-6", "320", "MAIN/QUAR", "MAIN/ADJUST", remarks="back to Tyne for credit")),
    )
    # A roll ran out: ten metres came from the store, the rest later, and slightly less was used than was due.
    yield from material_flow(
        -100,
        "jan",
        ("08:40", Resolves("CVR-BLU", "W-10336", "10.00", source="MAIN/RAW", remainder="keep")),
        ("11:15", Resolves("CVR-BLU", "W-10336", "4.00", source="MAIN/RAW", remarks="cut closer")),
    )
    # Scanned twice: the second booking is reversed.
    yield from material_flow(-90, "ken", ("08:12", Books("W-10343", "2")), ("08:50", TakesBack("W-10343")))
    yield Event(-72, "10:30", "jan", Cancels("TIE-4", "W-10352", "delivered without straps, as the customer asked"))
    # The wrong batch was given.
    yield from material_flow(
        -66,
        "rosa",
        ("16:35", TakesBackResolving("ADH-330", "W-10354")),
        ("16:40", Resolves("ADH-330", "W-10354", skip=1, remarks="the newer tin was open")),
    )
    # Axles arrived, and the movements that were short of them were settled automatically.
    yield Event(-42, "08:00", "rosa", Retries(("AXL-12",)))
    yield from replenishing(-41, "MAIN/LINE-B", {"AXL-12": "64"})
    # More kits than the hooks and cartons in stock: the available part moved, the rest is unresolved.
    yield Event(-54, "13:40", "jan", Produces("KIT-TIE", "48"))
    yield Event(-53, "08:15", "rosa", Resolves("HK-6", "", source="MAIN/RAW"))
    yield Event(-53, "08:20", "rosa", Fills("REPLENISH", "CTN-S", "60", "MAIN/RAW", "MAIN/LINE-B"))
    yield Event(-53, "08:25", "rosa", Retries(("CTN-S",)))
    # The remains in old tins are scrapped.
    for batch, quantity in (("A2236", "0.14"), ("A2241", "0.18"), ("A2244", "0.26")):
        for clock, action, source, target in (
            ("15:30", "QUARANTINE", "MAIN/LINE-A", "MAIN/QUAR"),
            ("15:40", "WRITE-OFF", "MAIN/QUAR", "MAIN/ADJUST"),
        ):
            yield Event(-29, clock, "rosa", Moves(action, "ADH-330", quantity, source, target, "", batch, "set hard"))


def extras() -> Iterator[Event]:
    """Return kits and wheels made without an order, and a trailer to drawing for which nothing is assumed."""
    for day in (-117, -89, -33):
        yield Event(day, "13:40", "jan", Produces("KIT-TIE", "18"))
    yield Event(-75, "16:05", "ken", Produces("WHL-20", "2"))
    yield Event(-74, "16:10", "rosa", Resolves("SPK-238", ""))
    show = "W-10353"
    yield Event(-77, "08:20", "ama", Orders(show, "SPC-1", "1"))
    yield from material_flow(
        -76,
        "ken",
        ("08:30", Issues(show, "TB-25", "14.400")),
        ("08:32", Issues(show, "LUG-6", "10")),
        ("08:34", Issues(show, "BLT-M8", "36")),
        ("08:36", Issues(show, "AXL-12", "1")),
    )
    yield Event(-73, "15:10", "ken", Issues(show, "TB-25", "2.400", remarks="not needed", back=True))
    yield Event(-71, "14:30", "ken", Books(show, "1"))
    yield Event(-71, "16:54", "ama", Completes(show))
    yield Event(-80, "09:40", "jan", Issues("W-10346", "BLT-M8", "8", remarks="thread damaged"))
    kits = Moves("DESPATCH", "KIT-TIE", "60", "MAIN/FG", "MAIN/CUSTOMER")
    yield Event(-31, "15:10", "rosa", kits)
