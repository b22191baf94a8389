"""Run one measurement in a separate process: `python -m tests.speed.measure a sqlite FOLDER SERVER`."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backflush.config.settings")
django.setup()

from tests.speed import adventure, booking, bulk, history, over_http, partitions, writers  # noqa: E402
from tests.speed.copies import Places  # noqa: E402
from tests.speed.figures import Figure  # noqa: E402

MEASUREMENTS: dict[str, Callable[[Places], list[Figure]]] = {
    "a": booking.one_booking,
    "b": over_http.over_http,
    "c": bulk.bookings_in_one_call,
    "d": adventure.whole_of_adventureworks,
    "e": writers.eight_writers,
    "f": bulk.storm_and_retry,
    "h": history.long_history,
    "p": partitions.partitions,
}
"""By the first of their letters: f also measures g, and h measures i."""


def main() -> None:
    """Measure, and print the figures as JSON."""
    name, engine, folder, server, *more = sys.argv[1:]
    places = Places(engine, Path(folder), server)
    if name == "writer":
        order, bookings, start = more
        print(json.dumps(writers.write(places, order, int(bookings), float(start))))
        return
    print(json.dumps([figure.as_record() for figure in MEASUREMENTS[name](places)]))


if __name__ == "__main__":
    main()
