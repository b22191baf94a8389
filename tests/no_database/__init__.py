"""What `default` is until a test asks for a database: a backend that refuses."""

from typing import Any, Final

SETTINGS: Final[dict[str, Any]] = {"ENGINE": "tests.no_database", "NAME": "none"}
