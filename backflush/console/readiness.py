"""Whether the database is there, is a plant's, and is up to date; and making it so."""

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

from backflush.core.refusals import DatabaseUnreachable, NoPlant, Refusal, UpgradeNeeded
from backflush.operations.readiness import known_migrations, missing_file
from backflush.operations.upgrade import upgrade_database


def require_plant() -> None:
    """Refuse to work on what is not there, is no plant, or was made by another version. Makes nothing."""
    done, known = require_tables(), known_migrations()
    if known - done:
        raise UpgradeNeeded(
            "This plant was made by an earlier Backflush. Make a copy of the database, then run `backflush upgrade`.",
            field="database",
        )
    rooms = {room for room, _ in known}
    if {(room, name) for room, name in done if room in rooms} - known:
        raise UpgradeNeeded("This plant was made by a later Backflush. Install that version.", field="database")


def require_tables() -> set[tuple[str, str]]:
    """The migrations that the database has had, by room; refused where nothing was ever set up in it."""
    if not missing_file():
        done = set(MigrationRecorder(connection).applied_migrations())
        if done:
            return done
    raise NoPlant("There is no plant here yet. Run `backflush demo` or `backflush import`.", field="database")


def prepare_plant() -> None:
    """Make the database, or bring it up to date; nothing happens where it is."""
    upgrade_database()


def away(error: DatabaseError | InterfaceError) -> Refusal | None:
    """The refusal that a database's own trouble comes to; None where the fault is the program's."""
    reason = str(error).strip()
    first, *more = [line.strip() for line in reason.splitlines()] or [type(error).__name__]
    if "is not a database" in reason:
        return DatabaseUnreachable(f"{connection.settings_dict['NAME']} is no SQLite database.", field="database")
    if isinstance(error, OperationalError | InterfaceError):
        return DatabaseUnreachable(f"The database can't be used: {first}", field="database", details=more)
    return None
