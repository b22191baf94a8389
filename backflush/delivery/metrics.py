"""Metrics for Prometheus: requests with their times, refusals, and what the ledger recorded.

Each worker process counts requests in files of a shared folder (PROMETHEUS_MULTIPROC_DIR, which `backflush serve`
creates), so that any of them can answer for all. Figures about postings are read from the ledger on request
(`operations/counters.py`); no business rule counts anything.
"""

import fcntl
import hmac
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

from backflush import __version__
from backflush.config.env import FIGURES_FOLDER
from backflush.core.refusals import Refusal
from backflush.operations.counters import (
    BOOKINGS,
    LINES,
    POSTINGS,
    UNRESOLVED_MOST,
    LedgerCounters,
    count_on,
    read_ledger_counters,
    waiting_now,
)

BOOKING_ROUTES: Final = frozenset({"book-post", "produce-post", "receive-post", "api:book"})
NO_ROUTE: Final = "none"
LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
PASSED_ON: Final = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_REAL_IP", "HTTP_FORWARDED")

REQUESTS = Counter("backflush_requests", "The number of requests.", ["route", "method", "status"])
REQUEST_SECONDS = Histogram(
    "backflush_request_seconds",
    "The duration of requests.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 30),
)
BOOKING_SECONDS = Histogram(
    "backflush_booking_seconds",
    "The duration of successful bookings, productions and receipts, from request to response.",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5),
)
REFUSALS = Counter("backflush_refusals", "The number of refusals by code.", ["code"])

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER: Final = "other"
"""The method of a request that no page knows: an invented one would be a series of its own for ever."""

Answer = Callable[[HttpRequest], HttpResponseBase]


def measured(answer: Answer) -> Answer:
    """Middleware that counts and times every request by the name of its route, never by its address, which contains
    data."""

    def timed(request: HttpRequest) -> HttpResponseBase:
        begun = time.perf_counter()
        response = answer(request)
        seconds = time.perf_counter() - begun
        route = route_of(request)
        method = request.method if request.method in METHODS else OTHER
        REQUESTS.labels(route, method, str(response.status_code)).inc()
        REQUEST_SECONDS.labels(route).observe(seconds)
        if route in BOOKING_ROUTES and response.status_code < HTTPStatus.BAD_REQUEST:
            BOOKING_SECONDS.labels(route).observe(seconds)
        return response

    return timed


def route_of(request: HttpRequest) -> str:
    """Return the name of the route that answered."""
    match = request.resolver_match
    return (match.view_name or NO_ROUTE) if match else NO_ROUTE


def count_refusal(refusal: Refusal) -> None:
    """Count a refusal that was answered."""
    REFUSALS.labels(refusal.code).inc()


class LedgerFigures(Collector):
    """Collects figures about postings and unresolved movements from the database on request."""

    def collect(self) -> Iterator[Metric]:
        """Yield the figures, by site or process."""
        with shared_ledger_counters() as ledger_counters:
            counted = count_on(ledger_counters)
        waiting_at = waiting_now()
        none = {waiting.site: 0 for waiting in waiting_at}
        for name, label, text in (
            (POSTINGS, "process", "Postings recorded, by process."),
            (BOOKINGS, "site", "Bookings, productions and receipts recorded."),
            (LINES, "site", "Assumed component lines, posted or unresolved."),
        ):
            family = CounterMetricFamily(f"backflush_{name}", text, labels=[label])
            # Zero is reported too: a series that starts with the first booking would never show the increase.
            known = none if label == "site" else {}
            for value, count in sorted({**known, **counted[name]}.items()):
                family.add_metric([value], count)
            yield family
        unresolved = GaugeMetricFamily(
            "backflush_unresolved",
            f"Unresolved movements now; {UNRESOLVED_MOST} means that many or more.",
            labels=["site"],
        )
        oldest = GaugeMetricFamily(
            "backflush_unresolved_oldest_seconds", "The age of the oldest unresolved movement.", labels=["site"]
        )
        for waiting in waiting_at:
            unresolved.add_metric([waiting.site], waiting.count)
            oldest.add_metric([waiting.site], waiting.oldest_seconds)
        yield unresolved
        yield oldest
        version = GaugeMetricFamily("backflush_info", "The version of Backflush.", labels=["version"])
        version.add_metric([__version__], 1)
        yield version


_LEDGER_COUNTERS = LedgerCounters()
_LOCK = Lock()


@contextmanager
def shared_ledger_counters() -> Iterator[LedgerCounters]:
    """Return the counters that all workers share in a file of their folder; without a folder, this process's own."""
    folder = os.environ.get(FIGURES_FOLDER)
    if not folder:
        with _LOCK:
            yield _LEDGER_COUNTERS
        return
    with Path(folder, "tally.json").open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        ledger_counters = read_ledger_counters(file.read())
        yield ledger_counters
        file.truncate(0)
        file.write(ledger_counters.as_text())


@require_GET
@never_cache
def metrics_page(request: HttpRequest) -> HttpResponse:
    """Return all metrics in Prometheus' text format."""
    if not may_measure(request):
        return HttpResponse("Give the token of METRICS_TOKEN.\n", "text/plain", HTTPStatus.FORBIDDEN)
    registry = CollectorRegistry()
    registry.register(LedgerFigures())
    if not os.environ.get(FIGURES_FOLDER):
        return HttpResponse(generate_latest(registry) + generate_latest(REGISTRY), CONTENT_TYPE_LATEST)
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return HttpResponse(generate_latest(registry), CONTENT_TYPE_LATEST)


def may_measure(request: HttpRequest) -> bool:
    """Return whether a request has the token; if none is set, whether it comes from this machine and through no
    proxy."""
    token = settings.METRICS_TOKEN
    if token:
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode())
    passed_on = any(name in request.META for name in PASSED_ON)
    return request.META.get("REMOTE_ADDR", "") in LOOPBACK and not passed_on


urlpatterns = [path("metrics/", metrics_page, name="metrics")]
