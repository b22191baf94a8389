from importlib import import_module

from django.apps import AppConfig


class DbConfig(AppConfig):
    """The database helpers: an app only so that Django runs their check."""

    name = "backflush.db"
    label = "backflush_db"

    def ready(self) -> None:
        """Register the check of the SQL files."""
        import_module("backflush.db.checks")
