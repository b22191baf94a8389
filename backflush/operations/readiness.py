"""Whether a database is there and up to date, asked without making or changing anything."""

from functools import cache
from pathlib import Path
from pkgutil import iter_modules

from django.apps import apps
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

MIGRATIONS = "migrations"


@cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """Every migration that this version has, by room."""
    return frozenset(
        (room.label, module.name)
        for room in apps.get_app_configs()
        for module in iter_modules([str(Path(room.path) / MIGRATIONS)])
    )


def missing_file() -> bool:
    """Whether an SQLite file would be made by looking at it."""
    name = str(connection.settings_dict["NAME"])
    return connection.vendor == "sqlite" and ":memory:" not in name and not Path(name).exists()


def pending_migrations() -> list[str]:
    """What `backflush upgrade` would still do here, in one statement or two; everything where nothing was set up."""
    done = set() if missing_file() else set(MigrationRecorder(connection).applied_migrations())
    return sorted(f"{room}.{name}" for room, name in known_migrations() - done)
