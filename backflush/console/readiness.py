"""Checks that the database exists, holds a plant and is up to date; creates or upgrades it."""

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

from backflush.core.refusals import DatabaseUnreachable, NoPlant, Refusal, UpgradeNeeded
from backflush.operations.readiness import known_migrations, missing_file
from backflush.operations.upgrade import upgrade_database


def require_plant() -> None:
    """Refuse a database that is missing, holds no plant or belongs to another version. Creates nothing."""
    done, known = require_tables(), known_migrations()
    if known - done:
        raise UpgradeNeeded(
            ("This database was made by an earlier version of Backflush. Back it up, then run `backflush upgrade`."),
            field="database",
        )
    rooms = {room for room, _ in known}
    if {(room, name) for room, name in done if room in rooms} - known:
        raise UpgradeNeeded(
            "This database was made by a later version of Backflush. Install that version.", field="database"
        )


def require_tables() -> set[tuple[str, str]]:
    """Return the applied migrations by app. Refused if the database has never been set up."""
    if not missing_file():
        done = set(MigrationRecorder(connection).applied_migrations())
        if done:
            return done
    raise NoPlant(
        "This database is empty. Run `backflush serve` or `backflush begin` for a plant of your own, `backflush "
        "import` for files, or `backflush demo` for the demo plant.",
        field="database",
    )


def prepare_plant() -> None:
    """Create the database or upgrade it. Does nothing if it is up to date."""
    upgrade_database()


def away(error: DatabaseError | InterfaceError) -> Refusal | None:
    """Return the refusal for a database error, or None if the error is a fault of the program."""
    reason = str(error).strip()
    first, *more = [line.strip() for line in reason.splitlines()] or [type(error).__name__]
    if "is not a database" in reason:
        return DatabaseUnreachable(
            "{file} is not a SQLite database. Name another file.",
            file=str(connection.settings_dict["NAME"]),
            field="database",
        )
    if isinstance(error, OperationalError | InterfaceError):
        return DatabaseUnreachable(
            "The database can't be used: {problem}", problem=first, field="database", details=more
        )
    return None
