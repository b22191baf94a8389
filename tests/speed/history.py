"""(h) The pages and (i) a booking, with a long history behind them."""

import os

from backflush.ledger.models import Movement
from backflush.works.services.booking import book_production
from tests.speed import long_past
from tests.speed.copies import Places, with_all_in
from tests.speed.figures import Figure, Watch
from tests.speed.pages import pages_of
from tests.speed.shop import Shop

LENGTHS = (0, 1_000_000, 10_000_000)
OF_SQLITE = LENGTHS if os.environ.get("LONG") else LENGTHS[:2]
"""A history of ten million takes SQLite longer to make than a whole run may take."""
TIMES, WARMING = 200, 20
KEPT = "BACKFLUSH_PAGES_OF"


def long_history(places: Places) -> list[Figure]:
    """Some days of a plant, copied back in time until the ledger is as long as it should be.

    BACKFLUSH_PAGES_OF names a database that is there, migrated: then its pages are measured, and nothing else.
    """
    if kept := os.environ.get(KEPT):
        if kept.startswith("sqlite") != (places.engine == "sqlite"):
            return []
        places.use_at(kept)
        return pages_of(places.engine, f"{Movement.objects.count():,} movements")
    with_all_in(places, "h", lambda: long_past.some_days(Shop.build()))
    past, figures = long_past.Past(), []
    lengths = OF_SQLITE if places.engine == "sqlite" else LENGTHS
    for length in lengths:
        past.lengthen(length)
        figures.append(_booking(places, length))
    long_past.something_rare(Shop())
    long_past.settle_down()
    return figures + pages_of(places.engine, f"{lengths[-1]:,} movements")


def _booking(places: Places, length: int) -> Figure:
    shop, watch = Shop(), Watch()
    for n in range(TIMES + WARMING):
        with watch.timed():
            book_production(shop.report(f"W-{2 * n + 1}"), site=shop.site, by=shop.storekeeper)
    watch.seconds = watch.seconds[WARMING:]
    return Figure(
        "i", places.engine, f"one booking after {length:,} movements", "bookings", TIMES / watch.total, None,
        watch.median_ms, watch.p99_ms,
    )  # fmt: skip
