"""What a stranger meets at the pages: addresses, cookies, headers, metrics, logs, passwords (F35, F37, F53)."""

import json
import logging
import os
import subprocess
import sys
from ipaddress import ip_network
from zoneinfo import ZoneInfo

import pytest
from django.http import HttpRequest

from backflush.config.env import proxy_addresses
from backflush.core.refusals import InvalidValue
from backflush.delivery.client_address import address_of, caller
from backflush.delivery.metrics import REQUESTS
from backflush.people.rights import Role
from backflush.people.services import require_strong
from backflush.web.lists.files import _text
from tests.cast import Plant
from tests.doors.web.visitors import browser, person, signed_in

PROXY = [ip_network("10.0.0.0/24")]


@pytest.mark.parametrize(
    ("connected", "forwarded", "found"),
    [
        ("10.0.0.5", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.5", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.5", "198.51.100.7, 10.0.0.6", "198.51.100.7"),
        ("10.0.0.5", "", "10.0.0.5"),
        ("10.0.0.5", "made up", "10.0.0.5"),
        ("10.0.0.5", "made up, 198.51.100.7", "198.51.100.7"),
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("", "203.0.113.9", ""),
    ],
)
def test_only_what_a_trusted_proxy_adds_is_believed(connected: str, forwarded: str, found: str) -> None:
    assert caller(connected, forwarded, PROXY) == found


def test_addresses_of_one_customer_count_as_one() -> None:
    request = HttpRequest()
    for text, counted in (
        ("2001:db8:0:1::7", "2001:db8:0:1::/64"),
        ("::ffff:10.0.0.5", "10.0.0.5"),
        ("10.0.0.5", "10.0.0.5"),
        ("made up", ""),
    ):
        request.META["REMOTE_ADDR"] = text
        assert address_of(request) == counted


def test_the_proxies_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    assert proxy_addresses() == ()
    monkeypatch.setenv("PUBLIC_URL", "https://stock.example.org")
    assert ip_network("127.0.0.0/8") in proxy_addresses()
    monkeypatch.setenv("PROXY_ADDRESSES", "10.0.0.5, 172.16.0.0/12")
    assert proxy_addresses() == (ip_network("10.0.0.5"), ip_network("172.16.0.0/12"))
    monkeypatch.setenv("PROXY_ADDRESSES", "the proxy")
    with pytest.raises(SystemExit, match="PROXY_ADDRESSES is no list"):
        proxy_addresses()


def test_an_invented_method_makes_no_series(plant: Plant) -> None:
    client = browser()
    for method in ("QWERTY", "get", "ZZZZZ"):
        client.generic(method, "/log-in/")
    methods = {sample.labels["method"] for metric in REQUESTS.collect() for sample in metric.samples}
    assert not methods & {"QWERTY", "get", "ZZZZZ"}
    assert "other" in methods


def test_a_log_line_has_the_path_as_it_was_sent(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="backflush.requests"):
        browser().get("/no/%0AERROR made%1b[31m up%e2%80%ae/")
    (record,) = [one for one in caplog.records if one.name == "backflush.requests"]
    line = record.getMessage()
    assert line.startswith("GET /no/%0AERROR%20made%1B%5B31m%20up%E2%80%AE/")
    assert line.isprintable()


def test_a_page_may_use_the_camera_and_nothing_else_of_a_device(plant: Plant) -> None:
    policy = signed_in(plant, Role.STORES).get("/").headers["Permissions-Policy"]
    assert "camera=(self)" in policy
    assert "geolocation=()" in policy


BEHIND_A_PROXY = """
import django, json
django.setup()
from django.test import Client
response = Client(headers={"host": "stock.example.org", "x-forwarded-proto": "https"}).get("/log-in/")
cookie = response.cookies["__Host-backflush_csrf"]
print(json.dumps({"hsts": response.headers["Strict-Transport-Security"], "path": cookie["path"],
    "secure": cookie["secure"], "domain": cookie["domain"], "session": django.conf.settings.SESSION_COOKIE_NAME}))
"""


def test_behind_https_cookies_belong_to_the_host_and_hsts_covers_subdomains() -> None:
    environment = {
        **os.environ,
        "PUBLIC_URL": "https://stock.example.org",
        "DATABASE_URL": "sqlite://:memory:",
        "DJANGO_SETTINGS_MODULE": "backflush.config.settings",
    }
    run = subprocess.run([sys.executable, "-c", BEHIND_A_PROXY], env=environment, capture_output=True, check=True)
    assert json.loads(run.stdout) == {
        "hsts": "max-age=31536000; includeSubDomains",
        "path": "/",
        "secure": True,
        "domain": "",
        "session": "__Host-backflush_session",
    }


@pytest.mark.parametrize(
    "password", ["northmoor1", "password-2026!", "P4ssw0rd12345", "Backflush-2026", "rosa.marsh.1975", "Kelso123456!"]
)
def test_a_common_word_or_a_name_with_something_added_is_no_password(plant: Plant, password: str) -> None:
    plant.site.name = "Kelso Lamps"
    plant.site.save()
    with pytest.raises(InvalidValue):
        require_strong(password, user=person(plant))


@pytest.mark.parametrize(
    "password", ["axle-hinge-lamp-7", "correct horse battery staple", "vQ3-tz9-Lw1-m", "þorskur-á-borði"]
)
def test_a_password_of_several_words_or_of_chance_is_taken(plant: Plant, password: str) -> None:
    require_strong(password, user=person(plant))


@pytest.mark.parametrize(
    "text", ["=1+1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM(1)", "\n=1", "  =1", "\t=1", "-1"]
)
def test_a_formula_is_quoted_in_csv_whatever_sign_it_begins_with(text: str) -> None:
    assert _text(text, ZoneInfo("UTC")) == f"'{text}"
