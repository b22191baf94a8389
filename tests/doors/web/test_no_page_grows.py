"""Every page takes as many statements for many rows as for few."""

from decimal import Decimal
from http import HTTPStatus

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from backflush.handling.moves import OpeningIn, open_stock
from backflush.items.selectors import item_coded
from backflush.ledger.models import Movement
from backflush.people.rights import Role
from tests.cast import DAY, Plant
from tests.doors.web.browser.test_every_page import PAGES, something_on_every_page
from tests.doors.web.visitors import person, signed_in

MOST = 60
"""The limit for any page, including session, navigation and its counts."""
ROWS = 15


def taken(client: Client, plant: Plant, waiting: int) -> dict[str, int]:
    """Return the number of statements of each page."""
    posting = Movement.objects.get(pk=waiting).posting_id
    counts = {}
    for path in PAGES:
        with CaptureQueriesContext(connection) as captured:
            response = client.get(path.format(waiting=waiting, posting=posting))
            assert response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, path
        counts[path] = len(captured)
    return counts


def grow(plant: Plant) -> None:
    """Add rows to everything that a page lists."""
    parts = [f"PART-{number:02}" for number in range(ROWS)]
    for part in parts:
        plant.stocks(part)
    here = [
        OpeningIn(item=item_coded(code), location=plant.location(at), quantity=Decimal(20))
        for code in parts
        for at in ("LINE", "RAW")
    ]
    open_stock(here, site=plant.site, by=plant.storekeeper, at=DAY)
    plant.consists("PACK", *(plant.line(10 * number, part, 1) for number, part in enumerate(parts, 1)))
    for number, part in enumerate(parts):
        plant.books(1, "BRACKET")
        plant.books(1, plant.releases(5, "BRACKET", number=f"MORE-{number}"))
        plant.orders(5, "FRAME", number=f"NEW-{number}")
        plant.buys(5, "PLATED", number=f"P-{number}")
        plant.moves(1, part)
        plant.produces(1, "PACK")
        person(plant, Role.VIEWER, name=f"viewer-{number}")


@pytest.mark.parametrize("plant", ["sqlite"], indirect=True)
def test_no_page_takes_more_statements_for_more_rows(plant: Plant) -> None:
    waiting = something_on_every_page(plant)
    client = signed_in(plant, Role.ADMINISTRATOR, name="ama")
    taken(client, plant, waiting)
    few = taken(client, plant, waiting)
    grow(plant)
    many = taken(client, plant, waiting)
    assert {path: count for path, count in few.items() if count > MOST} == {}
    assert {path: (few[path], many[path]) for path in PAGES if many[path] > few[path]} == {}
