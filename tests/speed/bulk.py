"""Many lines in one call: (c) a thousand bookings, (f) bookings without stock, (g) a retry when the stock arrives."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from time import perf_counter
from typing import Any

from backflush.handling.moves import OpeningIn, open_stock
from backflush.items.models import Item
from backflush.ledger.models import Movement
from backflush.unresolved.retry import retry_in_parts
from backflush.works.services.booking import book_production_many
from tests.cast import YEARS_AGO
from tests.speed.copies import Places, with_all_in
from tests.speed.figures import Figure, counted, peak_memory_mb
from tests.speed.floor import Floor, Writings
from tests.speed.shop import Shop

TURNS, BOOKINGS, ITEMS, COMPONENTS = 3, 1_000, 100, 20
STORM = 5_000
"""The number of bookings that leaves 100,000 lines unresolved."""


class Turns:
    """Project and floor in turn on two equal databases; the best time of each counts, because other load only adds."""

    def __init__(self, places: Places, name: str, fill: Callable[[], object]) -> None:
        with_all_in(places, name, fill)
        places.copy(name, f"{name}_floor")
        places.use(name)
        self.places = places
        self.raw, self.floor = places.connect(name), Floor(places.connect(f"{name}_floor"))
        self.project_seconds: list[float] = []
        self.floor_seconds: list[float] = []
        self.lines = self.statements = 0
        self.memory = 0.0

    def take(self, does: Callable[[], Any]) -> None:
        """Run one turn of each."""
        writings = Writings(self.raw)
        self.raw.rollback()
        with counted() as statements:
            begun = perf_counter()
            does()
            self.project_seconds.append(perf_counter() - begun)
        self.memory = self.memory or peak_memory_mb()
        written = writings.written()
        self.lines, self.statements = written.lines, len(statements)
        begun = perf_counter()
        self.floor.write(written)
        self.floor_seconds.append(perf_counter() - begun)

    def figure(self, letter: str, what: str) -> Figure:
        """Return the result in lines per second."""
        project, floor = min(self.project_seconds), min(self.floor_seconds)
        return Figure(
            letter, self.places.engine, what, "lines", self.lines / project, self.lines / floor,
            1000 * project, None, 1000 * floor, None, self.statements, self.memory,
            {"share of the floor": floor / project, "lines": self.lines},
        )  # fmt: skip


def bookings_in_one_call(places: Places) -> list[Figure]:
    """(c) Book a thousand bookings per turn, each turn on other orders."""

    def fill() -> None:
        shop = Shop.build()
        shop.lay_in(items=ITEMS, components=COMPONENTS)
        for turn in range(TURNS):
            shop.opens([(f"W-{turn}-{n}", f"ITEM {n % ITEMS}") for n in range(BOOKINGS)])

    turns = Turns(places, "c", fill)
    shop = Shop()
    for turn in range(TURNS):
        reports = [shop.report(f"W-{turn}-{n}", key=f"{turn}-{n}") for n in range(BOOKINGS)]
        turns.take(partial(book_production_many, reports, site=shop.site, by=shop.storekeeper))
    return [turns.figure("c", f"{BOOKINGS:,} bookings of {ITEMS} items, {COMPONENTS} components, in one call")]


def storm_and_retry(places: Places) -> list[Figure]:
    """(f) Book without any stock, so that every line is unresolved; (g) then the stock arrives, and all are retried."""

    def fill() -> None:
        shop = Shop.build()
        shop.lay_in(items=ITEMS, components=COMPONENTS, stock=0)
        shop.has(1, "BOLT")  # creates the outside location that stock comes from
        shop.opens([(f"W-{n}", f"ITEM {n % ITEMS}") for n in range(STORM)])

    storm = Turns(places, "f", fill)
    shop = Shop()
    for begin in range(0, STORM, BOOKINGS):
        reports = [shop.report(f"W-{n}") for n in range(begin, begin + BOOKINGS)]
        storm.take(partial(book_production_many, reports, site=shop.site, by=shop.storekeeper))
    found = storm.figure("f", f"shortage storm: {BOOKINGS:,} bookings in one call, every line waits")
    waiting = Movement.objects.filter(status="unresolved").count()
    arrival = Writings(storm.raw)
    storm.raw.rollback()
    parts = [
        OpeningIn(item=part, location=shop.location("LINE"), quantity=Decimal(1_000_000))
        for part in Item.objects.filter(code__startswith="PART").select_related("stock_unit")
    ]
    open_stock(parts, site=shop.site, by=shop.storekeeper, at=YEARS_AGO)
    storm.floor.catch_up(storm.raw)
    storm.floor.write(arrival.written())
    storm.project_seconds, storm.floor_seconds, storm.memory = [], [], 0.0
    storm.take(lambda: sum(looked_at for looked_at, _ in retry_in_parts(site=shop.site, by=shop.storekeeper)))
    return [found, storm.figure("g", f"retry of {waiting:,} unresolved movements after the stock arrived")]
