"""The budgets of one booking's path: functions, files and changes of file of the service, statements of the page.

`tools/path.py` measures it (docs/decisions/0012); `.venv/bin/python -m tools.path service` shows what a change added.
"""

from collections.abc import Mapping

import pytest

from tests.cast import Plant
from tools.path import Legs, measured

BUDGETS: Mapping[str, Mapping[str, int]] = {
    "service": {"functions": 70, "files": 12, "changes of file": 80},
    "first post": {"statements": 20},
    "post": {"statements": 17},
    "preview": {"statements": 11},
}
"""These may fall and never rise."""


@pytest.mark.parametrize("plant", ["sqlite"], indirect=True)
def test_the_path_of_a_booking_stays_within_its_budgets(plant: Plant) -> None:
    legs = Legs(plant)
    figures = {name: measured(legs, name).figures for name in BUDGETS}
    over = {
        f"{name}: {what}": figures[name][what]
        for name, budget in BUDGETS.items()
        for what, most in budget.items()
        if figures[name][what] > most
    }
    assert over == {}
