"""The demo plant, in an empty database."""

from datetime import date
from typing import Annotated

import typer

from backflush.console.output import DatabaseNeed, Desk, HelpSection, command
from backflush.console.readiness import prepare_plant, require_plant, require_tables
from backflush.core.input_values import read_day
from backflush.core.refusals import NoPlant
from backflush.demo import plant as demo_plant
from backflush.demo.story import make_demo, whole_story
from backflush.ledger.models import Movement, Posting
from backflush.ledger.selectors import waiting_movements


def register(app: typer.Typer) -> None:
    """Add `demo`."""
    command(app, "demo", panel=HelpSection.SET_UP, plant=DatabaseNeed.NONE)(demo)


def demo(
    desk: Desk,
    today: Annotated[
        str,
        typer.Option(
            metavar="DATE",
            help=("The day after the end of the story. Default: today. The story is the same; its dates move."),
            show_default=False,
        ),
    ] = "",
) -> None:
    """Fill an empty database with the demo plant, Northmoor Trailers: four months of orders, bookings, receipts and
    moves, and a queue of unresolved movements. The story is always the same and ends yesterday. Refused if the database
    holds a plant.

    Example: backflush demo

    Example: backflush demo --database sqlite:///demo.sqlite3 --today 2026-03-12
    """
    day = read_day(today, field="today") if today else None
    _open()
    payload = make(desk, day)
    desk.answer(
        payload,
        (
            f"Northmoor Trailers is set up with four months of work: {payload['postings']:,} postings, "
            f"{payload['movements']:,} movements, {payload['unresolved']} of them unresolved."
        ),
        "To see them: backflush unresolved",
    )


def make(desk: Desk, today: date | None) -> dict[str, object]:
    """Create the demo plant with a progress bar, and return what was created."""
    with desk.progress("Four months at Northmoor Trailers", len(whole_story())) as bar:
        plant = make_demo(today=today, progress=bar)
    return {
        "site": plant.site.code,
        "today": plant.today,
        "postings": Posting.objects.filter(site=plant.site).count(),
        "movements": Movement.objects.filter(site=plant.site).count(),
        "unresolved": waiting_movements(plant.site).count(),
    }


def _open() -> None:
    """Create the database if it doesn't exist. An existing one is neither upgraded nor added to."""
    try:
        require_tables()
    except NoPlant:
        prepare_plant()
    require_plant()
    demo_plant.require_empty()
