"""The last four weeks, day by day, up to today's unresolved queue."""

from collections.abc import Iterator

from backflush.demo.acts import Books, Completes, Fills, Issues, Moves, Orders, Resolves
from backflush.demo.events import LINE_A, LINE_B, Event, replenishing


def last_weeks() -> Iterator[Event]:
    """Return the events of the last four weeks."""
    yield from _ordered()
    yield from _made()
    yield from _brought()
    yield from _settled()


def _ordered() -> Iterator[Event]:
    """Return the works orders of the last weeks. Full ones are completed the evening after."""
    for day, number, item, quantity, complete in (
        (-28, "W-10388", "FR-200", "60", -24),
        (-28, "W-10389", "WHL-20", "80", -24),
        (-28, "W-10391", "TR-200", "24", -22),
        (-21, "W-10433", "FR-200", "60", -15),
        (-21, "W-10440", "WHL-20", "48", -12),
        (-21, "W-10441", "TR-200", "30", -11),
        (-15, "W-10444", "TR-220", "8", -13),
        (-12, "W-10452", "TR-200", "10", -9),
        (-11, "W-10455", "FR-200", "40", -8),
        (-9, "W-10458", "TR-200", "10", -7),
        (-9, "W-10463", "WHL-20", "60", -5),
        (-6, "W-10466", "WHL-20", "80", -3),
        (-6, "W-10469", "TR-200", "50", 0),
        (-4, "W-10474", "TR-200", "8", -2),
        (-3, "W-10476", "TR-200", "40", 0),
        (-10, "W-10482", "FR-200", "120", 0),
        (-2, "W-10488", "FR-200", "80", 0),
        (-1, "W-10490", "WHL-20", "200", 0),
    ):
        yield Event(day, "07:00", "ama", Orders(number, item, quantity, days=14))
        if complete:
            yield Event(complete, "17:30", "ama", Completes(number))
    yield Event(-1, "16:45", "ama", Orders("W-10491", "TR-220", "20", days=21, release=False))


def _made() -> Iterator[Event]:
    """Return the bookings of the lines. Ten of them were short of something that is still unresolved."""
    for day, clock, who, order, good in (
        (-27, "11:20", "jan", "W-10388", "30"),
        (-27, "08:05", "ken", "W-10389", "40"),
        (-25, "09:12", "jan", "W-10391", "12"),
        (-23, "09:12", "jan", "W-10391", "12"),
        (-20, "10:00", "jan", "W-10433", "30"),
        (-18, "09:12", "ken", "W-10441", "16"),
        (-16, "16:40", "ken", "W-10433", "30"),
        (-14, "08:05", "ken", "W-10440", "24"),
        (-14, "10:05", "jan", "W-10444", "8"),
        (-13, "08:05", "jan", "W-10440", "24"),
        (-12, "14:00", "jan", "W-10441", "14"),
        (-11, "10:00", "ken", "W-10452", "8"),
        (-10, "11:00", "jan", "W-10455", "20"),
        (-10, "13:22", "ken", "W-10452", "2"),
        (-9, "07:48", "ken", "W-10455", "20"),
        (-8, "08:05", "ken", "W-10463", "40"),
        (-8, "11:31", "jan", "W-10458", "10"),
        (-7, "11:20", "jan", "W-10482", "25"),
        (-6, "14:02", "jan", "W-10463", "20"),
        (-5, "08:05", "ken", "W-10466", "40"),
        (-5, "13:10", "jan", "W-10469", "22"),
        (-4, "08:05", "ken", "W-10466", "40"),
        (-3, "15:10", "jan", "W-10474", "8"),
        (-3, "15:58", "ken", "W-10482", "35"),
        (-2, "09:55", "jan", "W-10476", "10"),
        (-1, "15:05", "jan", "W-10469", "12"),
    ):
        yield Event(day, clock, who, Books(order, good))
    yield Event(-25, "15:58", "ken", Books("W-10388", "28", "2", "paint run"))
    yield Event(-24, "14:02", "jan", Books("W-10389", "39", "1", "rim buckled"))


def _brought() -> Iterator[Event]:
    """Return the replenishments, the issues by hand, and the despatches."""
    short_b = {**LINE_B, "CVR-BLU": "22", "BRG-6001": "230"}
    yield from replenishing(-28, "MAIN/LINE-A", LINE_A)
    yield from replenishing(-28, "MAIN/LINE-B", short_b)
    yield from replenishing(-22, "MAIN/LINE-A", LINE_A)
    yield from replenishing(-21, "MAIN/LINE-B", {**LINE_B, "BRG-6001": "80", "CVR-BLU": "36", "AXL-12": "56"})
    yield from replenishing(
        -12, "MAIN/LINE-B", {"BRG-6001": "328", "RIM-20": "210", "HUB-12": "210", "CVR-BLU": "41.40"}
    )
    yield from replenishing(-12, "MAIN/LINE-A", {"LUG-6": "420", "TB-25": "220", "PNT-5010": "18.50", "BRK-L": "160"})
    yield from replenishing(
        -8,
        "MAIN/LINE-A",
        {"TB-25": "604.600", "LUG-6": "685", "PNT-5010": "27.78", "BLT-M8": "2620", "BRK-L": "510"},
    )
    yield from replenishing(-7, "MAIN/LINE-B", {"AXL-12": "86"})
    yield from replenishing(-6, "MAIN/LINE-B", {"CVR-BLU": "30", "TIE-4": "150", "CTN-XL": "45"})
    yield from replenishing(-2, "MAIN/LINE-B", {"CVR-BLU": "29.50"})
    yield from replenishing(-2, "MAIN/LINE-B", {"TIE-4": "168"}, "12:00")
    yield from replenishing(-1, "MAIN/LINE-B", {"CTN-XL": "12"}, "16:10")
    for day, level, bin in ((-28, "7200", "R-01"), (-20, "7200", "R-02"), (-9, "7200", "R-03"), (-2, "5400", "R-01")):
        yield Event(day, "07:40", "rosa", Fills("REPLENISH", "SPK-238", level, "MAIN/RAW", "MAIN/RACK", bin))
    bad = Moves("QUARANTINE", "LUG-6", "96", "MAIN/LINE-A", "MAIN/QUAR", remarks="plating flakes")
    yield Event(-6, "10:20", "rosa", bad)
    for day, order, quantity in (
        (-26, "W-10388", "60"),
        (-19, "W-10433", "60"),
        (-9, "W-10455", "40"),
        (-7, "W-10482", "60"),
    ):
        yield Event(day, "07:30", "rosa", Issues(order, "PLT-ID", quantity))
    yield Event(-2, "14:20", "rosa", Issues("W-10482", "BLT-M8", "12", remarks="stripped threads"))
    for day, quantity in ((-24, "24"), (-17, "24"), (-10, "30"), (-5, "26"), (-2, "24")):
        yield Event(day, "15:00", "rosa", Moves("DESPATCH", "TR-200", quantity, "MAIN/FG", "MAIN/CUSTOMER"))


def _settled() -> Iterator[Event]:
    """Return the settlements. What they leave is the queue at the end of the story."""
    for day, clock, who, item, order in (
        (-24, "16:20", "rosa", "ADH-330", "W-10388"),
        (-24, "16:21", "rosa", "ADH-330", "W-10388"),
        (-24, "16:25", "rosa", "SPK-238", "W-10389"),
        (-24, "16:26", "rosa", "SPK-238", "W-10389"),
        (-24, "16:30", "rosa", "GPS-1", "W-10391"),
        (-22, "09:30", "jan", "GPS-1", "W-10391"),
        (-19, "16:20", "rosa", "ADH-330", "W-10433"),
        (-17, "09:30", "jan", "GPS-1", "W-10441"),
        (-14, "16:25", "rosa", "SPK-238", "W-10440"),
        (-13, "16:25", "rosa", "SPK-238", "W-10440"),
        (-11, "09:30", "jan", "GPS-1", "W-10441"),
        (-10, "09:30", "jan", "GPS-1", "W-10452"),
        (-10, "16:20", "rosa", "ADH-330", "W-10455"),
        (-9, "16:20", "rosa", "ADH-330", "W-10455"),
        (-8, "16:30", "rosa", "GPS-1", "W-10458"),
        (-7, "16:25", "rosa", "SPK-238", "W-10463"),
        (-7, "16:20", "rosa", "ADH-330", "W-10482"),
        (-4, "09:30", "jan", "GPS-1", "W-10469"),
        (-3, "16:25", "rosa", "SPK-238", "W-10466"),
        (-3, "16:26", "rosa", "SPK-238", "W-10466"),
        (-2, "08:30", "jan", "GPS-1", "W-10474"),
        (-2, "16:20", "rosa", "ADH-330", "W-10482"),
        (-1, "09:30", "jan", "GPS-1", "W-10476"),
        (-1, "16:30", "rosa", "GPS-1", "W-10469"),
    ):
        yield Event(day, clock, who, Resolves(item, order))
