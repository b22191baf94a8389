from typing import Annotated

import typer

from backflush.console.output import DatabaseNeed, Desk, HelpSection, command
from backflush.console.readiness import require_tables
from backflush.operations.readiness import pending_migrations
from backflush.operations.upgrade import PATIENCE_SECONDS, upgrade_database


def register(app: typer.Typer) -> None:
    """Add `upgrade`."""
    command(app, "upgrade", panel=HelpSection.SET_UP, plant=DatabaseNeed.NONE)(upgrade)


def upgrade(
    desk: Desk,
    new: Annotated[bool, typer.Option("--new", help="Create the tables too if the database is empty.")] = False,
    patience: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0.1, max=3600, help="How many seconds to wait for a table that is in use."),
    ] = PATIENCE_SECONDS,
) -> None:
    """Upgrade the database to this version of Backflush. Nothing that was posted changes; an up-to-date database is
    left as it is. Make a backup first. On PostgreSQL users can go on booking meanwhile.

    Example: backflush upgrade
    """
    if not new:
        require_tables()
    missing = pending_migrations()
    upgrade_database(patience=patience)
    steps = "1 step" if len(missing) == 1 else f"{len(missing)} steps"
    sentence = f"The database is up to date now: {steps} applied." if missing else "The database was up to date."
    desk.answer({"applied": missing}, sentence)
