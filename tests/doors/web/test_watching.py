"""Health, readiness and metrics: without log-in, without secrets, correct with several worker processes."""

import json
import logging
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from backflush.config.logs import JsonLines, WithRequest, logging_settings
from backflush.delivery import metrics
from backflush.operations.counters import SETTLING, LedgerCounters, count_on, read_ledger_counters, waiting_now
from backflush.people.rights import Role
from tests.cast import Plant
from tests.databases import Database
from tests.doors.web.visitors import browser, signed_in, statements

TOKEN = "a-long-random-token"
SECONDS_TO_START = 60
COMMAND = (sys.executable, "-c", "from backflush.console.main import main; main()")


def figures(text: str) -> dict[tuple[str, ...], float]:
    """Return every metric by its name and label values."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def measure(client: Client | None = None, **headers: Any) -> dict[tuple[str, ...], float]:
    response = (client or browser()).get("/metrics/", **headers)
    assert response.status_code == HTTPStatus.OK
    return figures(response.content.decode())


def test_a_running_process_reports_health_without_the_database(plant: Plant) -> None:
    with statements(0):
        response = browser().get("/health/")
    assert (response.status_code, response.json()) == (HTTPStatus.OK, {"status": "alive"})
    assert "no-store" in response.headers["Cache-Control"]


def test_an_up_to_date_database_is_ready(plant: Plant) -> None:
    with statements(2):
        response = browser().get("/ready/")
    assert (response.status_code, response.json()) == (HTTPStatus.OK, {"status": "ready"})
    assert "no-store" in response.headers["Cache-Control"]


def test_a_database_that_needs_an_upgrade_is_not_ready(plant: Plant) -> None:
    MigrationRecorder(connection).record_unapplied("ledger", "0001_initial")
    response = browser().get("/ready/")
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert response.json()["reason"] == "The database needs `backflush upgrade`: 1 steps."


def test_an_unreachable_server_is_not_ready_and_its_address_is_not_shown() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        away = Database(f"postgres://somebody:secret@127.0.0.1:{port}/stock")
        with away.as_default():
            response = browser().get("/ready/")
            assert browser().get("/health/").status_code == HTTPStatus.OK
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert response.json() == {"status": "not ready", "reason": "The database can't be reached."}


@pytest.mark.parametrize("address", ["/health/", "/ready/"])
def test_only_get_and_head_are_allowed(plant: Plant, address: str) -> None:
    assert browser().head(address).status_code == HTTPStatus.OK
    assert browser().post(address).status_code == HTTPStatus.METHOD_NOT_ALLOWED


# Access to the metrics


def test_without_a_token_only_this_machine_may_read_metrics(plant: Plant, settings_of: Any) -> None:
    settings_of(METRICS_TOKEN="")
    assert browser().get("/metrics/").status_code == HTTPStatus.OK
    assert browser().get("/metrics/", REMOTE_ADDR="::1").status_code == HTTPStatus.OK
    ways: tuple[dict[str, Any], ...] = (
        {"REMOTE_ADDR": "10.0.0.7"},
        {"HTTP_X_FORWARDED_FOR": "10.0.0.7"},
        {"HTTP_X_FORWARDED_PROTO": "https"},
        {"HTTP_AUTHORIZATION": "Bearer ", "REMOTE_ADDR": "10.0.0.7"},
    )
    for how in ways:
        assert browser().get("/metrics/", **how).status_code == HTTPStatus.FORBIDDEN, how


def test_with_a_token_only_its_holder_may_read_metrics(plant: Plant, settings_of: Any) -> None:
    settings_of(METRICS_TOKEN=TOKEN)
    shown: dict[str, Any] = {"REMOTE_ADDR": "10.0.0.7", "HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}
    assert browser().get("/metrics/", **shown).status_code == HTTPStatus.OK
    ways: tuple[dict[str, Any], ...] = ({}, {"HTTP_AUTHORIZATION": "Bearer other"}, {"HTTP_AUTHORIZATION": TOKEN})
    for how in ways:
        refused = browser().get("/metrics/", **how)
        assert (refused.status_code, TOKEN in refused.content.decode()) == (HTTPStatus.FORBIDDEN, False)


@pytest.fixture
def settings_of(monkeypatch: pytest.MonkeyPatch) -> Any:
    def change(**wanted: Any) -> None:
        for name, value in wanted.items():
            monkeypatch.setattr(settings, name, value)

    return change


# The values


def test_bookings_lines_and_postings_are_counted_from_the_ledger(plant: Plant) -> None:
    cumulative_use = LedgerCounters()
    plant.books(1, "BRACKET")
    assert count_on(cumulative_use) == {"postings": {}, "bookings": {}, "lines": {}}
    plant.has(100, "BOLT")
    plant.books(2, "BRACKET")
    plant.books(1, "FRAME")
    counted = count_on(cumulative_use)
    assert counted["bookings"] == {"MAIN": 2}
    assert counted["postings"]["works order"] == 2
    # One line of the bracket moved; three of the frame are unresolved, and were assumed too.
    assert counted["lines"] == {"MAIN": 4}


def test_a_site_without_bookings_reports_zero(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the first booking starts the series, and its increase is never seen."""
    monkeypatch.setattr(metrics, "_LEDGER_COUNTERS", LedgerCounters())
    told = measure()
    assert (told["backflush_bookings_total", "MAIN"], told["backflush_lines_total", "MAIN"]) == (0, 0)
    plant.books(2, "BRACKET")
    told = measure()
    assert (told["backflush_bookings_total", "MAIN"], told["backflush_lines_total", "MAIN"]) == (1, 1)


def test_resolving_assumes_no_line_again(plant: Plant) -> None:
    cumulative_use = LedgerCounters()
    count_on(cumulative_use)
    plant.books(2, "BRACKET")
    plant.has(100, "BOLT")
    plant.resolves("BOLT")
    assert count_on(cumulative_use)["lines"] == {"MAIN": 1}


def test_counted_rows_are_stored_after_a_while_and_not_counted_again(plant: Plant) -> None:
    cumulative_use = LedgerCounters()
    start = timezone.now()
    for minutes in range(4):
        plant.books(1, "BRACKET")
        count_on(cumulative_use, now=start + timedelta(minutes=minutes))
    assert count_on(cumulative_use)["bookings"] == {"MAIN": 3}
    mark = cumulative_use.marks["bookings"]
    plant.books(1, "BRACKET")
    later = start + SETTLING + timedelta(minutes=2)
    assert count_on(cumulative_use, now=later)["bookings"] == {"MAIN": 4}
    assert cumulative_use.marks["bookings"] > mark
    # Another process reads the same from the file.
    assert count_on(read_ledger_counters(cumulative_use.as_text()), now=later)["bookings"] == {"MAIN": 4}


def test_counting_costs_the_same_for_any_number_of_rows(plant: Plant) -> None:
    cumulative_use = LedgerCounters()
    for _ in range(3):
        plant.books(5, "BRACKET")
        with statements(9):
            count_on(cumulative_use)


def test_unresolved_movements_are_reported_by_site(plant: Plant) -> None:
    Plant.build_site(code="SOUTH")
    plant.books(1, "FRAME")
    assert [(one.site, one.count, one.oldest_seconds > 0) for one in waiting_now()] == [
        ("MAIN", 3, True),
        ("SOUTH", 0, False),
    ]


def test_requests_are_counted_by_route_and_refusals_by_code(plant: Plant) -> None:
    client = signed_in(plant, Role.STORES)
    before = measure()
    client.get("/unresolved/")
    client.get("/no/such/page/")
    client.get("/stock/movements/999999/")
    after = measure()

    def more(*name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    assert more("backflush_requests_total", "GET", "unresolved", "200") == 1
    assert more("backflush_requests_total", "GET", "none", "404") == 1
    assert more("backflush_refusals_total", "not_found") == 1
    assert more("backflush_request_seconds_count", "unresolved") == 1
    assert after["backflush_unresolved", "MAIN"] == 0
    # Addresses come from outside, so trying many of them must not fill the memory.
    assert "999999" not in str(after.keys())


# Several processes


def test_any_worker_reports_the_metrics_of_all(committed_database: Database, tmp_path: Path) -> None:
    Plant.build()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "DATABASE_URL": committed_database.url, "LOG_FORMAT": "json"}
    with (tmp_path / "out").open("w") as out:
        served = subprocess.Popen(
            [*COMMAND, "serve", "--port", str(port), "--workers", "3"],
            env=environment,
            stdout=out,
            stderr=out,
        )
        try:
            until = time.monotonic() + SECONDS_TO_START
            while not _asked(port, "/health/"):
                assert time.monotonic() < until, (tmp_path / "out").read_text()
                time.sleep(0.2)
            workers = {_asked(port, "/log-in/").count("<html") for _ in range(30)}
            assert workers == {1}
            answers = [figures(_asked(port, "/metrics/")) for _ in range(6)]
        finally:
            served.terminate()
            served.wait(30)
    counts = [one["backflush_requests_total", "GET", "log-in", "200"] for one in answers]
    assert counts == [30] * 6, (tmp_path / "out").read_text()
    lines = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines() if line.startswith("{")]
    asked = [line for line in lines if line.get("route") == "log-in"]
    assert len(asked) == 30
    assert len({line["request"] for line in asked}) == 30


def _asked(port: int, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as response:
            text: str = response.read().decode()
            return text
    except OSError:
        return ""


# Logs


def test_every_response_has_its_own_request_number_or_the_proxy_s(plant: Plant) -> None:
    one, other = (browser().get("/health/").headers["X-Request-ID"] for _ in range(2))
    assert one != other
    assert browser().get("/health/", HTTP_X_REQUEST_ID="proxy-0001").headers["X-Request-ID"] == "proxy-0001"
    forged = browser().get("/health/", HTTP_X_REQUEST_ID='x"\n<script>').headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{12}", forged)


def test_a_log_line_is_one_json_object_with_the_traceback_in_it() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.LogRecord("backflush.web", logging.ERROR, "", 1, "reference %s", ("AB12",), sys.exc_info())
    WithRequest().filter(record)
    line = JsonLines().format(record)
    assert "\n" not in line
    facts = json.loads(line)
    assert (facts["message"], facts["level"], facts["request"]) == ("reference AB12", "ERROR", "-")
    assert "ValueError: two" in facts["traceback"]


def test_logs_are_lines_for_people_and_json_for_collectors() -> None:
    assert logging_settings(as_json=False)["handlers"]["out"]["stream"] == "ext://sys.stderr"
    assert logging_settings(as_json=True)["handlers"]["out"]["stream"] == "ext://sys.stdout"
