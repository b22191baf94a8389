"""The database backend of `default` until a test requests a database. It refuses to connect."""

from typing import Any, Final

SETTINGS: Final[dict[str, Any]] = {"ENGINE": "tests.no_database", "NAME": "none"}
