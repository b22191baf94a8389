"""Four months at Northmoor Trailers, as events of users at given times.

Fifteen quiet weeks repeat one rhythm; the last four weeks are written day by day and end with today's unresolved queue.
`today` is the day after the story, and every day is counted from it.
"""

from collections.abc import Callable, Iterator
from datetime import date

from django.db import transaction

from backflush.demo.acts import Heap, Opens, Scene
from backflush.demo.events import Event
from backflush.demo.last_weeks import last_weeks
from backflush.demo.plant import BEGINNING, DemoPlant, set_up
from backflush.demo.purchases import purchases, sendings
from backflush.demo.quiet_weeks import extras, mishaps, quiet_weeks

Progress = Callable[[int], None]


def make_demo(*, today: date | None = None, progress: Progress | None = None) -> DemoPlant:
    """Set up the plant and play its story in one transaction. Refused if the database holds a plant."""
    with transaction.atomic():
        plant = set_up(today=today)
        for event in whole_story():
            event.act.happen(Scene(plant, plant.moment(event.day, event.clock), plant.people[event.who]))
            if progress:
                progress(1)
    return plant


def whole_story() -> list[Event]:
    """Return all events in the order in which they happened."""
    events = [*opening(), *quiet_weeks(), *mishaps(), *extras(), *purchases(), *sendings(), *last_weeks()]
    return sorted(events, key=lambda event: (event.day, event.clock))


def opening() -> Iterator[Event]:
    """Return the opening stock."""
    store = {
        "TB-25": "900", "PNT-5010": "150", "CVR-BLU": "300", "RING-40": "2600", "LUG-6": "1737", "HK-8": "2400",
        "CHM-20": "30", "BLT-M8": "6000", "BRK-L": "900", "PLT-ID": "1050", "RIM-20": "480", "HUB-12": "620",
        "BRG-6001": "1300", "AXL-12": "340", "TIE-4": "1500", "CTN-XL": "320", "CTN-S": "300", "CVR-220": "16",
        "HK-6": "60", "SPK-238": "14000", "RIM-24": "12",
    }  # fmt: skip
    lines = {
        "MAIN/LINE-A": {"TB-25": "120", "LUG-6": "240", "PNT-5010": "18", "BLT-M8": "400", "BRK-L": "120"},
        "MAIN/LINE-B": {
            "FR-200": "24", "WHL-20": "70", "AXL-12": "30", "CVR-BLU": "40", "TIE-4": "200", "CTN-XL": "40",
            "RIM-20": "80", "HUB-12": "80", "BRG-6001": "160", "HK-6": "40", "CTN-S": "40", "CVR-220": "4",
        },
        "MAIN/FG": {"TR-200": "26", "TR-220": "6", "KIT-TIE": "20"},
        "MAIN/QUAR": {"TR-200": "2"},
        "TYNE/STOCK": {"RING-40": "640", "HK-8": "1200", "CHM-20": "25"},
        "CALDER/STOCK": {"CVR-BLU": "150"},
    }  # fmt: skip
    heaps = [Heap(item, "MAIN/RAW", quantity) for item, quantity in store.items()]
    heaps += [Heap(item, place, quantity) for place, held in lines.items() for item, quantity in held.items()]
    heaps += [Heap("SPK-238", "MAIN/RACK", "3000", bin=bin) for bin in ("R-01", "R-02")]
    heaps += [Heap("ADH-330", "MAIN/LINE-A", "2.40", batch="A2236"), Heap("ADH-330", "MAIN/RAW", "3.00", batch="A2241")]
    yield Event(BEGINNING, "06:30", "rosa", Opens(heaps))
