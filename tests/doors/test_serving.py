"""The checks of `backflush serve` before it listens."""

import os
import socket

import pytest
from django.conf import settings

from backflush.config.env import BEGIN_CODE
from backflush.console.serve import _advice
from tests.cast import Plant
from tests.databases import Database
from tests.doors.console import Console


def test_nothing_is_served_in_debug_mode(plant: Plant, console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DEBUG", True)
    assert console.refuses("serve") == "invalid_value"


def test_passwords_are_never_sent_unencrypted_over_a_network(plant: Plant, console: Console) -> None:
    assert console.refuses("serve", "--host", "0.0.0.0") == "invalid_value"


def test_two_plants_never_share_a_port(plant: Plant, console: Console) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert console.refuses("serve", "--port", str(other.getsockname()[1])) == "already_there"


def test_it_prints_the_first_step_in_a_new_database(plant: Plant, console: Console) -> None:
    (sentence,) = _advice("http://127.0.0.1:8000/")
    assert "backflush person NAME --role administrator --password" in sentence
    console.says("person", "rosa.marsh", "--role", "administrator")
    assert _advice("http://127.0.0.1:8000/") == []


def test_without_a_site_it_prints_the_address_that_begins_a_plant(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after `backflush upgrade --new`. Worker processes share the code through the environment."""
    monkeypatch.setenv(BEGIN_CODE, "")
    monkeypatch.delenv(BEGIN_CODE)
    (sentence,) = _advice("http://127.0.0.1:8000/")
    assert f"http://127.0.0.1:8000/begin/?code={os.environ[BEGIN_CODE]}" in sentence
    assert len(os.environ[BEGIN_CODE]) >= 16
    assert _advice("http://127.0.0.1:8000/") == [sentence]
