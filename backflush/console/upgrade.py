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
    new: Annotated[bool, typer.Option("--new", help="Make the tables too, where there are none yet.")] = False,
    patience: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, max=3600, help="How long to wait for a table in use.")
    ] = PATIENCE_SECONDS,
) -> None:
    """Bring the database up to this version of Backflush. Nothing that was posted changes; where the database is up
    to date nothing happens. Make a copy of it first. On PostgreSQL people may go on booking meanwhile.

    Example: backflush upgrade
    """
    if not new:
        require_tables()
    missing = pending_migrations()
    upgrade_database(patience=patience)
    steps = "1 step" if len(missing) == 1 else f"{len(missing)} steps"
    sentence = f"The database is up to date now: {steps} taken." if missing else "It was up to date."
    desk.answer({"applied": missing}, sentence)
