"""Run the measurements one after the other, and write the results."""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.postgres import DURABLE, running_server
from tests.speed.figures import Figure, table

ENGINES = ("sqlite", "postgresql")
LETTERS = ("a", "b", "c", "d", "e", "f", "h")
EXPERIMENTS = ("p",)
"""Measured only on request."""
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"


def main() -> None:
    """Run the requested measurements."""
    asked, begun = _asked(), time.monotonic()
    figures: list[Figure] = []
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as folder, running_server(DURABLE) as server:
        for name in asked.measurements or LETTERS:
            for engine in asked.engine or ENGINES:
                try:
                    some = _measured(name, engine, folder, server)
                except subprocess.CalledProcessError:
                    failed.append(f"({name}) on {engine}")
                    continue
                figures += some
                print(table(some), flush=True)
    shown = (
        f"{_machine()}\n\n{table(figures)}\n\n{_beside(figures)}\nTook {(time.monotonic() - begun) / 60:.1f} minutes."
    )
    print(f"\n{shown}")
    if failed:
        sys.exit(f"Not measured, see above: {', '.join(failed)}")
    if asked.json:
        asked.json.write_text(json.dumps([figure.as_record() for figure in figures], indent=1) + "\n")
    if asked.write:
        page = asked.write.read_text()
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        asked.write.write_text(f"{before}{BEGIN}\n{shown}\n{END}{after}")


def _measured(name: str, engine: str, folder: str, server: str) -> list[Figure]:
    """Run one measurement in a separate process."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.speed.measure", name, engine, folder, server],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    *said, last = done.stdout.strip().splitlines()
    print(*said, sep="\n", end="\n" if said else "")
    records = json.loads(last)
    for record in records:
        record.pop("time_ratio")
    return [Figure(**record) for record in records]


def _machine() -> str:
    """Return a description of the machine and its load."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[2]
    return (
        f"{datetime.now(UTC):%d %b %Y}, {os.cpu_count()} cores {platform.machine()}, {memory:.0f} GiB, "
        f"{platform.system()}, Python {platform.python_version()}; load of the last quarter of an hour {load:.1f}."
    )


def _beside(figures: Sequence[Figure]) -> str:
    """Return the further results of the measurements."""
    lines = [
        f"- {figure.measurement}, {figure.engine}: {name} {value:,.2f}"
        for figure in figures
        if not figure.detail and not figure.what.startswith("list ")
        for name, value in figure.more.items()
    ]
    return "\n".join([*lines, ""])


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.speed", description=__doc__)
    parser.add_argument(
        "measurements", nargs="*", choices=[[], *LETTERS, *EXPERIMENTS], help="their letters; all if none is named"
    )
    parser.add_argument("--engine", action="append", choices=ENGINES, help="one database only")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("--write", type=Path, help="put the table into this page, between its two marks")
    return parser.parse_args()


if __name__ == "__main__":
    main()
