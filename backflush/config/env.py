"""Reads the environment variables once, and stops with a clear sentence if one is invalid.

It stops by `SystemExit`, because the person who set the variable sits at a terminal and needs a sentence, not a
traceback. No sentence repeats a database address, which may contain a password.
"""

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

from django.core.management.utils import get_random_secret_key
from environ import Env

PACKAGE: Final = Path(__file__).resolve().parent.parent

DEFAULT_DATABASE_URL: Final = "sqlite:///backflush.sqlite3"
SECRET_KEY_LENGTH_MIN: Final = 32
TOKEN_LENGTH_MIN: Final = 16
# prometheus-client reads this variable on import, so it must be set before.
FIGURES_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
BEGIN_CODE: Final = "BACKFLUSH_BEGIN_CODE"
"""Set by `serve` for its worker processes: the code that opens the first page of an empty database."""

SQLITE: Final = "django.db.backends.sqlite3"
POSTGRES: Final = "django.db.backends.postgresql"

# Django switches foreign keys on. `synchronous` is FULL, because a confirmed booking must survive a power failure. A
# negative cache size is in KiB: 64 MiB.
SQLITE_PRAGMAS: Final = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536"

# IMMEDIATE takes the write lock at the start of a transaction; a lock requested later would be refused at once,
# whatever the timeout. The timeout is long because SQLite is unfair among many writers.
SQLITE_OPTIONS: Final[Mapping[str, Any]] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 120,
    "init_command": SQLITE_PRAGMAS,
}
# A server that doesn't answer is reported instead of blocking. Django turns prepared statements off; only the named
# statements of the hot path are prepared here, because only they bind parameters on the server. They search by key, so
# a generic plan is as good as a custom one: planning each run took 9 of a booking's 20 ms. JIT never pays off here: it
# took 77 of 460 ms for a list at ten million movements.
POSTGRES_OPTIONS: Final[Mapping[str, Any]] = {
    "connect_timeout": 10,
    "prepare_threshold": 3,
    "options": "-c plan_cache_mode=force_generic_plan -c jit=off",
}

# Each server thread keeps its connection and checks it before use: opening one took longer than the booking, and lost
# the prepared statements.
KEPT_OPEN: Final[Mapping[str, Any]] = {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}

OPTIONS: Final = {SQLITE: SQLITE_OPTIONS, POSTGRES: POSTGRES_OPTIONS}


def database() -> dict[str, Any]:
    """Return the database settings: DATABASE_URL, else a SQLite file in the current folder."""
    settings = database_at(Env().str("DATABASE_URL", default=DEFAULT_DATABASE_URL))
    return {**settings, **KEPT_OPEN} if settings["ENGINE"] == POSTGRES else settings


def database_at(url: str) -> dict[str, Any]:
    """Return Django's settings for a database address, with our options for its engine."""
    settings = _parsed(url)
    engine = settings.get("ENGINE")
    if engine not in OPTIONS:
        _stop("DATABASE_URL", "names neither SQLite nor PostgreSQL")
    if not settings.get("NAME"):
        _stop("DATABASE_URL", "names no database")
    settings["OPTIONS"] = {**OPTIONS[engine], **settings.get("OPTIONS", {})}
    return settings


def secret_key() -> str:
    """Return the key from SECRET_KEY, else a random one for this process.

    Without SECRET_KEY, sessions end when the process restarts. The command line signs nothing that another process
    reads, so it needs no key.
    """
    # Not read by django-environ, which takes a leading $ for a reference to another variable.
    key = os.environ.get("SECRET_KEY", "")
    if not key:
        return get_random_secret_key()
    if len(key) < SECRET_KEY_LENGTH_MIN:
        _stop("SECRET_KEY", f"is shorter than {SECRET_KEY_LENGTH_MIN} characters")
    return key


def currency() -> str:
    """Return the currency sign for amounts: CURRENCY, else none."""
    return os.environ.get("CURRENCY", "")


def logs_in_json() -> bool:
    """Return whether logs are JSON for a log collector (LOG_FORMAT=json) instead of readable lines."""
    value = os.environ.get("LOG_FORMAT", "")
    if value not in {"", "json", "lines"}:
        _stop("LOG_FORMAT", "names neither json nor lines")
    return value == "json"


def fast_reads() -> bool:
    """Return whether bookings read by the statements of `db/queries.py`: unless FAST_READS=off."""
    value = os.environ.get("FAST_READS", "")
    if value not in {"", "on", "off"}:
        _stop("FAST_READS", "names neither on nor off")
    return value != "off"


def metrics_token() -> str:
    """Return the token that may read the metrics; without one, only this machine may."""
    token = os.environ.get("METRICS_TOKEN", "")
    if token and len(token) < TOKEN_LENGTH_MIN:
        _stop("METRICS_TOKEN", f"is shorter than {TOKEN_LENGTH_MIN} characters")
    return token


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """The host names under which the pages are reached, and whether over https."""

    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    secure: bool


LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


def public_address() -> PublicAddress:
    """Return the address of PUBLIC_URL, where an https proxy forwards requests; else this machine over plain http."""
    url = os.environ.get("PUBLIC_URL", "")
    if not url:
        return PublicAddress(LOOPBACK, (), secure=False)
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/"):
        _stop("PUBLIC_URL", "is no https address of a host")
    return PublicAddress((parts.hostname, *LOOPBACK), (f"https://{parts.netloc}",), secure=True)


@dataclass(frozen=True, slots=True)
class CompanyLogIn:
    """The company's log-in server (OpenID Connect), and as what Backflush is known there."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name_claim: str


def company_log_in() -> CompanyLogIn | None:
    """Return the company's log-in server from OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET, if one is named."""
    issuer = os.environ.get("OIDC_ISSUER", "").rstrip("/")
    if not issuer:
        return None
    if urlsplit(issuer).scheme != "https" and urlsplit(issuer).hostname not in LOOPBACK:
        _stop("OIDC_ISSUER", "is no https address")
    client, secret = os.environ.get("OIDC_CLIENT_ID", ""), os.environ.get("OIDC_CLIENT_SECRET", "")
    if not (client and secret):
        _stop("OIDC_ISSUER", "is set without OIDC_CLIENT_ID and OIDC_CLIENT_SECRET")
    return CompanyLogIn(issuer, client, secret, os.environ.get("OIDC_NAME_CLAIM", "") or "preferred_username")


def proxy_addresses() -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the networks of the proxies whose `X-Forwarded-For` is believed: PROXY_ADDRESSES, else a proxy on this
    machine where PUBLIC_URL is set, else none."""
    text = os.environ.get("PROXY_ADDRESSES", "") or ("127.0.0.0/8, ::1" if os.environ.get("PUBLIC_URL") else "")
    try:
        return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())
    except ValueError:
        _stop("PROXY_ADDRESSES", "is no list of addresses or networks")


def _parsed(url: str) -> dict[str, Any]:
    # For an unknown scheme django-environ warns and returns nothing.
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
        "FAST_READS": "Give off, or leave it unset.",
        "LOG_FORMAT": "Give json, or leave it unset.",
        "METRICS_TOKEN": "Give a long random one, or leave it unset.",
        "OIDC_ISSUER": "Give https://login.example.org with the client's id and secret, or leave all unset.",
        "PROXY_ADDRESSES": "Give addresses or networks with commas between them, like 10.0.0.5, 172.16.0.0/12.",
        "PUBLIC_URL": "Give https://backflush.example.org, or leave it unset to serve this machine alone.",
    }
    raise SystemExit(f"{name} {complaint}. {advice[name]}")
