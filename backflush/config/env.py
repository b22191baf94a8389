"""Reads the environment, once, and stops at nonsense with a sentence.

Stopping is `SystemExit`: whoever set the variable is at a terminal and needs
the sentence, not a traceback. No sentence repeats an address, because a
database's address may hold a password.
"""

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

from django.core.management.utils import get_random_secret_key
from environ import Env

PACKAGE: Final = Path(__file__).resolve().parent.parent

DEFAULT_DATABASE_URL: Final = "sqlite:///backflush.sqlite3"
SECRET_KEY_LENGTH_MIN: Final = 32
TOKEN_LENGTH_MIN: Final = 16
# Named by prometheus-client, which looks for it when it is first read: before that it must be set.
FIGURES_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"

SQLITE: Final = "django.db.backends.sqlite3"
POSTGRES: Final = "django.db.backends.postgresql"

# Foreign keys are switched on by Django itself. FULL, because a booking that was
# confirmed must outlive a power cut. The cache is in KiB, hence the minus: 64 MiB.
SQLITE_PRAGMAS: Final = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536"

# IMMEDIATE takes the write lock when a transaction begins: a lock asked for halfway
# through is refused at once, however long the timeout. The timeout is long because
# SQLite is unfair among many writers.
SQLITE_OPTIONS: Final[Mapping[str, Any]] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 120,
    "init_command": SQLITE_PRAGMAS,
}
# A server that does not answer is a finding, not a reason to hang. Django switches prepared statements off; here the
# named statements of the hot path are prepared, and no others, because only they bind on the server. They go by keys
# whatever the values are, so planning each run anew would find the same plan: that took 9 of a booking's 20 ms.
# Nothing here runs long enough for compiling it to pay: of a list of 460 ms at ten million movements it took 77.
POSTGRES_OPTIONS: Final[Mapping[str, Any]] = {
    "connect_timeout": 10,
    "prepare_threshold": 3,
    "options": "-c plan_cache_mode=force_generic_plan -c jit=off",
}

# A thread of the server keeps its connection for the next request, and asks first whether it still stands: to open one
# took longer than the booking it was for, and what was prepared in it was forgotten each time.
KEPT_OPEN: Final[Mapping[str, Any]] = {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}

OPTIONS: Final = {SQLITE: SQLITE_OPTIONS, POSTGRES: POSTGRES_OPTIONS}


def database() -> dict[str, Any]:
    """Where the stock is kept: a file in the current folder unless DATABASE_URL says otherwise."""
    settings = database_at(Env().str("DATABASE_URL", default=DEFAULT_DATABASE_URL))
    return {**settings, **KEPT_OPEN} if settings["ENGINE"] == POSTGRES else settings


def database_at(url: str) -> dict[str, Any]:
    """Django's settings for the database at an address, with what we ask of each engine."""
    settings = _parsed(url)
    engine = settings.get("ENGINE")
    if engine not in OPTIONS:
        _stop("DATABASE_URL", "names neither SQLite nor PostgreSQL")
    if not settings.get("NAME"):
        _stop("DATABASE_URL", "names no database")
    settings["OPTIONS"] = {**OPTIONS[engine], **settings.get("OPTIONS", {})}
    return settings


def secret_key() -> str:
    """The key from the environment, else a random one for this process.

    A command line signs nothing that has to be read by another process, so a
    random key does no harm there and saves everyone a variable.
    """
    # Not through django-environ, which takes a first letter of $ for another variable's name.
    key = os.environ.get("SECRET_KEY", "")
    if not key:
        return get_random_secret_key()
    if len(key) < SECRET_KEY_LENGTH_MIN:
        _stop("SECRET_KEY", f"is shorter than {SECRET_KEY_LENGTH_MIN} characters")
    return key


def currency() -> str:
    """The sign that stands before amounts; none unless CURRENCY names one."""
    return os.environ.get("CURRENCY", "")


def logs_in_json() -> bool:
    """Whether a log collector reads along: LOG_FORMAT=json. Lines to read, unless it says so."""
    asked = os.environ.get("LOG_FORMAT", "")
    if asked not in {"", "json", "lines"}:
        _stop("LOG_FORMAT", "names neither json nor lines")
    return asked == "json"


def metrics_token() -> str:
    """What monitoring must show to read the figures; without one only this machine may."""
    token = os.environ.get("METRICS_TOKEN", "")
    if token and len(token) < TOKEN_LENGTH_MIN:
        _stop("METRICS_TOKEN", f"is shorter than {TOKEN_LENGTH_MIN} characters")
    return token


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """Under which names people reach the pages, and whether over https."""

    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    secure: bool


LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


def public_address() -> PublicAddress:
    """This machine alone, over plain http, unless PUBLIC_URL names where an https server passes requests on."""
    url = os.environ.get("PUBLIC_URL", "")
    if not url:
        return PublicAddress(LOOPBACK, (), secure=False)
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/"):
        _stop("PUBLIC_URL", "is no https address of a host")
    return PublicAddress((parts.hostname, *LOOPBACK), (f"https://{parts.netloc}",), secure=True)


def _parsed(url: str) -> dict[str, Any]:
    # django-environ answers an unknown scheme with a warning and an empty answer.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return dict(Env.db_url_config(url))
        except ValueError:
            _stop("DATABASE_URL", "cannot be read as an address")


def _stop(name: str, complaint: str) -> NoReturn:
    advice = {
        "DATABASE_URL": "Give sqlite:///path/to/file or postgres://user@host/name, or leave it unset.",
        "SECRET_KEY": "Give a long random one, or leave it unset.",
        "LOG_FORMAT": "Give json, or leave it unset.",
        "METRICS_TOKEN": "Give a long random one, or leave it unset.",
        "PUBLIC_URL": "Give https://backflush.example.org, or leave it unset to serve this machine alone.",
    }
    raise SystemExit(f"{name} {complaint}. {advice[name]}")
