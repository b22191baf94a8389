"""(h) The pages, (i) a booking, and (j) closing and archiving, with a long history."""

import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from backflush.ledger.models import Movement
from backflush.works.services.booking import BookingIn, book_production
from tests.speed import long_past
from tests.speed.closing import closed_and_archived
from tests.speed.copies import Places, with_all_in
from tests.speed.figures import Figure, Watch, counted, peak_memory_mb
from tests.speed.pages import pages_of
from tests.speed.shop import Shop

LENGTHS = (0, 1_000_000, 10_000_000)
OF_SQLITE = LENGTHS if os.environ.get("LONG") else LENGTHS[:2]
"""Creating ten million movements takes SQLite longer than a whole run may take."""
TURNS, A_TURN = 11, 20
"""The first turn warms up."""
EMPTY = "h_short"
KEPT = "BACKFLUSH_PAGES_OF"


def long_history(places: Places) -> list[Figure]:
    """Copy some days of a plant back in time until the ledger has the required length.

    BACKFLUSH_PAGES_OF names an existing migrated database; then only its pages are measured.
    """
    if kept := os.environ.get(KEPT):
        if kept.startswith("sqlite") != (places.engine == "sqlite"):
            return []
        places.use_at(kept)
        return pages_of(places.engine, f"{Movement.objects.count():,} movements")
    with_all_in(places, "h", lambda: long_past.some_days(Shop.build()))
    places.copy("h", EMPTY)
    ledgers = [_opened(places, name) for name in (EMPTY, "h")]
    past, figures = long_past.Past(), []
    lengths = OF_SQLITE if places.engine == "sqlite" else LENGTHS
    for length in lengths:
        past.lengthen(length)
        figures.append(_booking(places, length, ledgers))
    long_past.something_rare(Shop())
    long_past.settle_down()
    of = f"{lengths[-1]:,} movements"
    return figures + pages_of(places.engine, of) + closed_and_archived(places, of)


def _opened(places: Places, name: str) -> Any:
    """Return a database with its own connection, as Django's default."""
    places.use(name)
    return connections[DEFAULT_DB_ALIAS]


def _report(shop: Shop, order: int) -> BookingIn:
    return replace(shop.report(f"W-{order}"), at=long_past.just_now())


def _booking(places: Places, length: int, ledgers: Sequence[Any]) -> Figure:
    """Time the same bookings in a short and a long ledger in turn, so that other load slows both."""
    watches = [Watch() for _ in ledgers]
    for turn in range(TURNS):
        for ledger, watch in zip(ledgers, watches, strict=True):
            connections[DEFAULT_DB_ALIAS] = ledger
            shop = Shop()
            for n in range(A_TURN):
                with watch.timed() if turn else nullcontext():
                    book_production(_report(shop, 2 * n + 1), site=shop.site, by=shop.storekeeper)
    shop = Shop()
    with counted() as statements:
        book_production(_report(shop, 1), site=shop.site, by=shop.storekeeper)
    short, long = watches
    return Figure(
        "i", places.engine, f"one booking after {length:,} movements", "bookings",
        len(long.seconds) / long.total, None, long.median_ms, long.p99_ms,
        statements=len(statements), memory_mb=peak_memory_mb(),
        more={f"after {length:,} movements, times the booking of a ledger that stayed short":
              long.median_ms / short.median_ms},
    )  # fmt: skip
