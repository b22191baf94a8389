"""The command that begins a plant in an empty database."""

import re
import sys
from typing import Annotated

import typer

from backflush.beginnings.patterns import PATTERNS
from backflush.beginnings.services import PlantIn, TakenOver, begin_plant, pattern_named, take_over
from backflush.console.output import DatabaseNeed, Desk, HelpSection, command
from backflush.console.people import asked_password

CODE_LENGTH = 20


def register(app: typer.Typer) -> None:
    """Add `begin`."""
    command(app, "begin", panel=HelpSection.SET_UP, plant=DatabaseNeed.MADE)(begin)


def begin(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="The name of the plant.", show_default=False)],
    person: Annotated[str, typer.Option(metavar="NAME", help="Your log-in name. Default: that of this machine.")] = "",
    code: Annotated[
        str, typer.Option(metavar="CODE", help="The short code of the site. Default: the first word of its name.")
    ] = "",
    time_zone: Annotated[str, typer.Option(metavar="ZONE", help="The time zone of its days.")] = "UTC",
    pattern: Annotated[
        str,
        typer.Option(metavar="PATTERN", help=f"A ready-made set-up: {', '.join(PATTERNS)}.", show_default=False),
    ] = "",
) -> None:
    """Begin a plant of your own: create the database if needed, the site, and you as its administrator. Asks for your
    password; without a terminal it is read from standard input. With --pattern it also creates stores, locations,
    actions with their rules, type codes and units. Refused if the database holds a plant.

    Example: backflush begin "Kelso Lamps" --time-zone Europe/London --pattern line
    """
    chosen = pattern_named(pattern) if pattern else None
    if sys.stdin.isatty():
        sys.stderr.write("Choose the password with which you will sign in.\n")
    plant = PlantIn(
        code=code or code_from(name),
        name=name,
        time_zone=time_zone,
        person=person or desk.name,
        password=asked_password(),
    )
    site, user = begin_plant(plant)
    done = take_over(site, chosen) if chosen else TakenOver()
    desk.answer(
        {
            "site": site.code,
            "name": site.name,
            "person": user.username,
            "added": [{"kind": kind, "code": code} for kind, code in done.added],
        },
        f"{site.name or site.code} is begun as site {site.code}. {user.username} is its administrator.",
        *([f"The set-up '{pattern}' added {len(done.added)} records."] if chosen else []),
        "Go on in a browser: backflush serve",
    )


def code_from(name: str) -> str:
    """Return a site code made of the first word of a plant's name: KELSO of Kelso Lamps."""
    words = re.findall(r"[A-Z0-9]+", name.upper())
    return words[0][:CODE_LENGTH] if words else "MAIN"
