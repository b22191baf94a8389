"""Checks whether a database exists and is up to date, without creating or changing anything."""

from functools import cache
from pathlib import Path
from pkgutil import iter_modules

from django.apps import apps
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

MIGRATIONS = "migrations"


@cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """Return every migration of this version, by app."""
    return frozenset(
        (room.label, module.name)
        for room in apps.get_app_configs()
        for module in iter_modules([str(Path(room.path) / MIGRATIONS)])
    )


def missing_file() -> bool:
    """Return whether the SQLite file doesn't exist; connecting would create it."""
    name = str(connection.settings_dict["NAME"])
    return connection.vendor == "sqlite" and ":memory:" not in name and not Path(name).exists()


def pending_migrations() -> list[str]:
    """Return the migrations that `backflush upgrade` would apply, in one or two statements; all for an empty
    database."""
    done = set() if missing_file() else set(MigrationRecorder(connection).applied_migrations())
    return sorted(f"{room}.{name}" for room, name in known_migrations() - done)
