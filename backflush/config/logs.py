"""Logs: readable lines on stderr, or with LOG_FORMAT=json one JSON object per line on stdout for a log collector.

Every line written during a request carries the request's number, which error pages show too: an engineer finds the
traceback by the reference that the user reads out.
"""

import json
import logging
import re
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

from django.http import HttpRequest, HttpResponseBase

HEADER: Final = "X-Request-ID"
KNOWN: Final = re.compile(r"[A-Za-z0-9_.-]{6,64}")
"""Request numbers of a proxy that are accepted. Others are replaced, because the number is written to logs and
pages."""

KNOWN_METHOD: Final = re.compile("[A-Z]{1,20}")
PATH_SIGNS: Final = "/:@!$&'()*+,;=~"
PATH_LONGEST: Final = 2_000

REQUEST: Final[ContextVar[str]] = ContextVar("request", default="")
ACCESS: Final = logging.getLogger("backflush.requests")

Answer = Callable[[HttpRequest], HttpResponseBase]


def numbered(answer: Answer) -> Answer:
    """Middleware that gives each request a number for its logs and its response, and logs the response."""

    def with_number(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        number = given if KNOWN.fullmatch(given) else uuid4().hex[:12]
        token = REQUEST.set(number)
        begun = time.perf_counter()
        try:
            response = answer(request)
            response.headers[HEADER] = number
            _log(request, response, time.perf_counter() - begun)
            return response
        finally:
            REQUEST.reset(token)

    return with_number


def _log(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    match = request.resolver_match
    method, path = asked(request).split(" ", 1)
    fields = {
        "method": method,
        "path": path,
        "route": match.view_name if match else None,
        "status": response.status_code,
        "milliseconds": round(seconds * 1000, 1),
    }
    ACCESS.info("%s %s %s", method, path, response.status_code, extra={"fields": fields})


def asked(request: HttpRequest) -> str:
    """Return method and path for a log line, the path as it was sent: decoded, it can contain line breaks and control
    characters."""
    method = request.method if KNOWN_METHOD.fullmatch(request.method or "") else "-"
    return f"{method} {quote(request.path, safe=PATH_SIGNS)[:PATH_LONGEST]}"


def reference() -> str:
    """Return the number of the current request, or an empty string outside of one."""
    return REQUEST.get()


class WithRequest(logging.Filter):
    """Adds the request's number to every log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the number, and keep the record."""
        record.request_number = REQUEST.get() or "-"
        return True


class JsonLines(logging.Formatter):
    """Formats a record and its traceback as one JSON object, so that a collector keeps them together."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request": getattr(record, "request_number", "-"),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False, default=str)


def logging_settings(*, as_json: bool) -> dict[str, Any]:
    """Return Django's LOGGING: errors always, and each response only where a collector reads the log."""
    handler = {
        "class": "logging.StreamHandler",
        "stream": "ext://sys.stdout" if as_json else "ext://sys.stderr",
        "formatter": "json" if as_json else "line",
        "filters": ["request"],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": f"{__name__}.WithRequest"}},
        "formatters": {
            "line": {"format": "{asctime} {levelname} {name} [{request_number}]: {message}", "style": "{"},
            "json": {"()": f"{__name__}.JsonLines"},
        },
        "handlers": {"out": handler},
        "loggers": {
            "django": {"handlers": [], "level": "ERROR"},
            "backflush": {"level": "INFO" if as_json else "WARNING"},
        },
        # The root logger has the only handler, so each line is written once, including those of other packages.
        "root": {"handlers": ["out"], "level": "WARNING"},
    }
