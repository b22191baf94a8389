"""What a stranger meets at the pages: addresses, cookies, headers, metrics, logs, passwords (F35, F37, F53)."""

import json
import logging
import os
import subprocess
import sys
from http import HTTPStatus
from ipaddress import ip_network
from zoneinfo import ZoneInfo

import pytest
from django.http import HttpRequest
from django.urls import reverse

from backflush.config.env import proxy_addresses
from backflush.core.refusals import InvalidValue
from backflush.delivery.client_address import address_of, caller
from backflush.delivery.metrics import REQUESTS
from backflush.handling.models import StockTransfer, TransferDirection
from backflush.ledger.models import Posting
from backflush.people.models import User
from backflush.people.rights import Role
from backflush.people.services import give_role, known_user, require_strong
from backflush.stockmap.models import Site
from backflush.stockmap.services import add_site
from backflush.web.lists.files import _text
from tests.cast import Plant
from tests.doors.web.visitors import browser, person, signed_in, text_of

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
from django.db import connection
from django.test import Client
from backflush.stockmap.models import Site
with connection.schema_editor() as editor:
    editor.create_model(Site)
response = Client(headers={"host": "stock.example.org", "x-forwarded-proto": "https"}).get("/begin/?code=k3lso")
cookie = response.cookies["__Host-backflush_csrf"]
print(json.dumps({"hsts": response.headers["Strict-Transport-Security"], "path": cookie["path"],
    "secure": cookie["secure"], "domain": cookie["domain"], "session": django.conf.settings.SESSION_COOKIE_NAME}))
"""


def test_behind_https_cookies_belong_to_the_host_and_hsts_covers_subdomains() -> None:
    environment = {
        **os.environ,
        "PUBLIC_URL": "https://stock.example.org",
        "BACKFLUSH_BEGIN_CODE": "k3lso",
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


# Other sites, other people (F38, F40, F48, F51)


def elsewhere(plant: Plant, code: str = "SOUTH") -> Site:
    return add_site(code=code, name="South works", time_zone="UTC")


def test_an_administrator_changes_only_sites_where_they_are_one(plant: Plant) -> None:
    south = elsewhere(plant)
    client = signed_in(plant, Role.ADMINISTRATOR)
    give_role(user=person(plant), site=south, role=Role.VIEWER)
    address = reverse("set-up-record", args=["sites", "SOUTH"])
    response = client.post(address, {"name": "Mine", "time_zone": "UTC", "complete_when_full": "on"})
    assert response.status_code == HTTPStatus.FORBIDDEN
    checked = client.post(reverse("set-up-live-check", args=["sites", "SOUTH"]), {"name": "Mine", "time_zone": "UTC"})
    assert checked.status_code in {HTTPStatus.OK, HTTPStatus.FORBIDDEN}
    south.refresh_from_db()
    assert (south.name, south.complete_when_full) == ("South works", False)
    give_role(user=person(plant), site=south, role=Role.ADMINISTRATOR)
    assert client.post(address, {"name": "Ours", "time_zone": "UTC"}).status_code == HTTPStatus.FOUND


def test_a_transfer_between_two_other_sites_is_answered_as_if_it_were_not_there(plant: Plant) -> None:
    north, south = elsewhere(plant, "NORTH"), elsewhere(plant)
    plant.has(1, "BOLT")
    posting = Posting.objects.latest("pk")
    StockTransfer.objects.create(site=north, other=south, number="T1", way=TransferDirection.SENT, posting=posting)
    client = signed_in(plant, Role.STORES)
    for number in ("T1", "no such number"):
        text = text_of(client.get(reverse("transfer-receive"), {"note": f"NORTH/SOUTH/{number}"}))
        assert f"No stock transfer NORTH/SOUTH/{number} is on its way to this site." in text


def test_nobody_gets_a_first_password_on_the_pages(plant: Plant) -> None:
    known_user(name="root")
    client = signed_in(plant, Role.ADMINISTRATOR)
    address = reverse("set-up-record", args=["people", "root"])
    sent = {"password": "axle-hinge-lamp-7", "active": "on", "roles-MAIN": ["administrator"]}
    text = text_of(client.post(address, sent), HTTPStatus.FORBIDDEN)
    assert "backflush person root --password" in text
    root = User.objects.get(username="root")
    assert not root.has_usable_password()
    assert not root.assignments.exists()


@pytest.mark.parametrize("code", ["..", ".", "A/B", "<SITE>", "a b", "-X", "_X", "\u00c9", "A" * 21, "", "A\n", "A%2F"])
def test_a_site_has_a_plain_code(plant: Plant, code: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        add_site(code=code)
    assert refused.value.field == "code"
