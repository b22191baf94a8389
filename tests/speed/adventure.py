"""(d) The whole of AdventureWorks: 72,591 bookings by import, if the data is available."""

import os
import runpy
import shutil
from pathlib import Path
from time import perf_counter

from django.db import connection

from backflush.imports.services import import_data
from backflush.people.services import known_user
from tests.speed.copies import Places
from tests.speed.figures import Figure, peak_memory_mb
from tests.speed.floor import Floor, Writings

EXAMPLE = Path(__file__).parents[2] / "examples" / "adventureworks" / "convert.py"
VARIABLE = "BACKFLUSH_ADVENTUREWORKS"
AT_ONCE = 2_000


def whole_of_adventureworks(places: Places) -> list[Figure]:
    """Import set-up and orders first, so that only the bookings are compared; report the whole import too."""
    tables = os.environ.get(VARIABLE)
    if not tables:
        print(f"(d) is left out: {VARIABLE} doesn't name the folder of the tables.")
        return []
    files = places.folder / f"adventureworks-{places.engine}"
    runpy.run_path(str(EXAMPLE))["convert"](Path(tables), files, stock="ample")
    bookings, aside = files / "bookings.csv", places.folder / "bookings.csv"
    shutil.move(bookings, aside)
    places.create("d")
    known_user(name="ann")
    begun = perf_counter()
    assert import_data(files, by="ann").applied
    masters = perf_counter() - begun
    places.copy("d", "d_floor")
    places.use("d")
    raw = places.connect("d")
    writings = Writings(raw)
    raw.rollback()
    for other in files.iterdir():
        other.unlink()
    shutil.move(aside, bookings)
    begun = perf_counter()
    report = import_data(files, by="ann")
    project = perf_counter() - begun
    memory = peak_memory_mb()
    assert report.applied, report.findings[:3]
    connection.close()
    written = writings.written()
    count, floor = len(written.tables["backflushing_booking"][1]), Floor(places.connect("d_floor"))
    floor.catch_up(raw)
    begun = perf_counter()
    for number, part in enumerate(written.in_parts(AT_ONCE)):
        floor.write(part)
        if number == 0:
            # Refresh the statistics as the import does, or its foreign key checks read all earlier postings.
            floor.raw.execute("ANALYZE")
            floor.raw.commit()
    floored = perf_counter() - begun
    return [
        Figure(
            "d", places.engine, f"AdventureWorks: {count:,} bookings, {written.lines:,} movements", "bookings",
            count / project, count / floored, 1000 * project, None, 1000 * floored, None, None, memory,
            {"set-up and orders, seconds": masters, "bookings, seconds": project, "whole, seconds": masters + project},
        )
    ]  # fmt: skip
