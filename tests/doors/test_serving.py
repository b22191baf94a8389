"""What `backflush serve` refuses before it listens."""

import pytest
from django.conf import settings

from tests.cast import Plant
from tests.doors.console import Console


def test_nothing_is_served_in_debug_mode(plant: Plant, console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DEBUG", True)
    assert console.refuses("serve") == "invalid_value"


def test_no_password_crosses_a_network_in_the_clear(plant: Plant, console: Console) -> None:
    assert console.refuses("serve", "--host", "0.0.0.0") == "invalid_value"
