"""(e) Eight writers on the same ten components, compared with one writer on separate items."""

import json
import subprocess
import sys
import time
from time import perf_counter
from typing import Any

from django.db import connection

from backflush.works.services.booking import book_production
from tests.speed.copies import Places, with_all_in
from tests.speed.figures import Figure, Watch, counted, peak_memory_mb
from tests.speed.shop import Shop

WRITERS, BOOKINGS, COMPONENTS = 8, 100, 10
HEAD_START_SECONDS = 5.0


def eight_writers(places: Places) -> list[Figure]:
    """Run each writer in a process and on an order of its own; all items have the same ten components."""

    def fill() -> None:
        shop = Shop.build()
        shop.lay_in(items=WRITERS, components=COMPONENTS, shared=COMPONENTS)
        shop.lay_in(items=1, components=COMPONENTS, shared=COMPONENTS, prefix="OWN ")
        shop.opens([(f"W-{n}", f"ITEM {n}") for n in range(WRITERS)] + [("W-OWN", "OWN ITEM 0")], quantity=100_000)

    with_all_in(places, "e", fill)
    connection.close()
    alone = _together(places, ["W-OWN"], BOOKINGS * 2)
    all_of_them = _together(places, [f"W-{n}" for n in range(WRITERS)], BOOKINGS)
    one = BOOKINGS * 2 / alone[0]["seconds"]
    began = min(writer["began"] for writer in all_of_them)
    together = WRITERS * BOOKINGS / (max(writer["ended"] for writer in all_of_them) - began)
    slowest = sorted(each for writer in all_of_them for each in writer["each_ms"])
    return [
        Figure(
            "e", places.engine, f"{WRITERS} writers on the same {COMPONENTS} components", "bookings", together, None,
            slowest[len(slowest) // 2], slowest[round(0.99 * len(slowest)) - 1],
            statements=max(writer["statements"] for writer in all_of_them),
            memory_mb=max(writer["memory"] for writer in all_of_them),
            more={"one writer alone, bookings/s": one, "share of one writer": together / one},
        )
    ]  # fmt: skip


def _together(places: Places, orders: list[str], bookings: int) -> list[dict[str, Any]]:
    start = time.time() + HEAD_START_SECONDS
    asked = [places.engine, str(places.folder), places.server]
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.speed.measure", "writer", *asked, order, str(bookings), str(start)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for order in orders
    ]
    answers = [writer.communicate()[0] for writer in writers]
    assert all(writer.returncode == 0 for writer in writers), "a writer failed: a deadlock, or a retry that was visible"
    return [json.loads(answer) for answer in answers]


def write(places: Places, order: str, bookings: int, start: float) -> dict[str, Any]:
    """Run one writer: wait for the others, then book one booking after the other."""
    places.use("e")
    shop, watch = Shop(), Watch()
    book_production(shop.report(order, 1), site=shop.site, by=shop.storekeeper)
    with counted() as statements:
        book_production(shop.report(order, 1), site=shop.site, by=shop.storekeeper)
    time.sleep(max(0.0, start - time.time()))
    began, begun = time.time(), perf_counter()
    for _ in range(bookings):
        with watch.timed():
            book_production(shop.report(order, 1), site=shop.site, by=shop.storekeeper)
    return {
        "seconds": perf_counter() - begun,
        "began": began,
        "ended": time.time(),
        "each_ms": [1000 * each for each in watch.seconds],
        "statements": len(statements),
        "memory": peak_memory_mb(),
    }
