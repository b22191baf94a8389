"""Addresses of earlier versions redirect for good."""

from http import HTTPStatus

import pytest

from backflush.people.rights import Role
from tests.cast import Plant
from tests.doors.web.visitors import signed_in


@pytest.mark.parametrize(
    ("old", "now"),
    [
        ("/stock/between/", "/stock/transfers/"),
        ("/stock/between/send/", "/stock/transfers/send/"),
        ("/stock/between/arrive/?note=MAIN/SOUTH/7", "/stock/transfers/receive/?note=MAIN/SOUTH/7"),
        ("/stock/between/note/SOUTH/7/", "/stock/transfers/note/SOUTH/7/"),
        ("/stock/between/sent/SOUTH/A/7/", "/stock/transfers/sent/SOUTH/A/7/"),
        ("/stock/between/arrived/MAIN/7/", "/stock/transfers/received/MAIN/7/"),
        ("/errands/4/", "/background-jobs/4/"),
        ("/errands/4/file/", "/background-jobs/4/file/"),
    ],
)
def test_an_old_address_redirects_for_good(plant: Plant, old: str, now: str) -> None:
    response = signed_in(plant, Role.STORES).get(old)
    assert response.status_code == HTTPStatus.MOVED_PERMANENTLY
    assert response.headers["Location"] == now
