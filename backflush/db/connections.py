"""Another database beside the one that a command works in: that of another site, or one that is copied into."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from django.db import DEFAULT_DB_ALIAS, connections

from backflush.config.env import database_at

_NUMBERS = count(1)


@contextmanager
def another_database(url: str) -> Iterator[str]:
    """Open the database of an address under a name of its own, which `using` takes; closed afterwards."""
    alias = f"another-{next(_NUMBERS)}"
    settings = database_at(url)
    # Fills in what Django expects to find there; it looks for the default one only.
    connections.configure_settings({DEFAULT_DB_ALIAS: settings})
    connections.settings[alias] = settings
    try:
        yield alias
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]
