import typer

from backflush.console.frame import Desk, Look, Plant, command
from backflush.console.readiness import known_migrations, prepare_plant, require_tables


def register(app: typer.Typer) -> None:
    """Add `upgrade`."""
    command(app, "upgrade", panel=Look.SET_UP, plant=Plant.NONE)(upgrade)


def upgrade(desk: Desk) -> None:
    """Bring the database up to this version of Backflush. Nothing that was posted changes; where the database is up
    to date nothing happens. Make a copy of it first.

    Example: backflush upgrade
    """
    missing = sorted(known_migrations() - require_tables())
    prepare_plant()
    facts = {"applied": [f"{room}.{name}" for room, name in missing]}
    steps = "1 step" if len(missing) == 1 else f"{len(missing)} steps"
    desk.answer(facts, f"The database is up to date now: {steps} taken." if missing else "It was up to date.")
