"""Logs: lines to read on stderr, or, where LOG_FORMAT=json, one JSON object a line on stdout, for a log collector.

Every line that is written while a request is answered has the request's number, and so has the page that says that
something failed: whoever looks after Backflush finds the traceback by the reference that the person read out.
"""

import json
import logging
import re
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from django.http import HttpRequest, HttpResponseBase

HEADER: Final = "X-Request-ID"
KNOWN: Final = re.compile(r"[A-Za-z0-9_.-]{6,64}")
"""What a proxy may have called the request; anything else is replaced, because it goes into logs and pages."""

REQUEST: Final[ContextVar[str]] = ContextVar("request", default="")
ACCESS: Final = logging.getLogger("backflush.requests")

Answer = Callable[[HttpRequest], HttpResponseBase]


def numbered(answer: Answer) -> Answer:
    """Middleware that gives each request a number, which its logs and its answer have; and logs the answer."""

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
    facts = {
        "method": request.method,
        "path": request.path,
        "route": match.view_name if match else None,
        "status": response.status_code,
        "milliseconds": round(seconds * 1000, 1),
    }
    ACCESS.info("%s %s %s", request.method, request.path, response.status_code, extra={"facts": facts})


def reference() -> str:
    """The number of the request at work; empty outside of one."""
    return REQUEST.get()


class WithRequest(logging.Filter):
    """Puts the request's number on every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keeps every record."""
        record.request_number = REQUEST.get() or "-"
        return True


class JsonLines(logging.Formatter):
    """One JSON object for each record, with the traceback in it, so that a collector keeps them together."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        facts: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request": getattr(record, "request_number", "-"),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            facts["traceback"] = self.formatException(record.exc_info)
        return json.dumps(facts, ensure_ascii=False, default=str)


def logging_settings(*, as_json: bool) -> dict[str, Any]:
    """What Django's LOGGING says: faults always, each answered request only where a collector reads."""
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
        # All of it goes through here, and through nothing else: so each line is written once, other packages' too.
        "root": {"handlers": ["out"], "level": "WARNING"},
    }
