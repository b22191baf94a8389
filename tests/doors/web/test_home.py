"""Home: blocks that load separately, each user's own board, and single-letter keys."""

import re
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from backflush.ledger.models import Movement
from backflush.people.rights import Role
from backflush.web.home.blocks import BLOCKS
from backflush.web.home.blocks.boards import BOARDS
from backflush.web.platform.visit import Visit
from tests.cast import Plant
from tests.doors.web.visitors import person, signed_in, statements, text_of

LOOKING: Final = 5
"""The statements of any page: session, user, sites and roles."""
BUDGETS: Final = {
    "backflush-errors": 10,
    "book-production": 5,
    "unresolved-over-time": 3,
    "works-orders": 6,
    "stock-outside": 7,
    "hand-issues-due": 7,
    "counts-to-do": 14,
    "set-up-warnings": 16,
    "unresolved-by-age": 2,
    "consumption-by-day": 2,
    "errands": 4,
}
"""The further statements of each block, for any number of rows."""
HTMX: Final = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def waiting(plant: Plant) -> Movement:
    plant.has(100, "LUG", at="ACME/STOCK")
    plant.books(2, "BRACKET")
    return plant.queue("BOLT")[0]


def block(client: Client, name: str, **more: Any) -> str:
    return text_of(client.get(reverse("block", args=[name]), **more))


def arrange(client: Client, do: str, name: str = "", **more: Any) -> Any:
    return client.post(reverse("arrange"), {"do": do, "block": name, **more}, headers=HTMX)


def board(client: Client) -> list[tuple[str, int]]:
    """Return the blocks on a user's Home with their widths."""
    home = text_of(client.get(reverse("home")))
    return [
        (name, int(width))
        for width, name in re.findall(r'class="board-block board-block-(\d+)[^"]*" id="block-([\w-]+)"', home)
    ]


def names(client: Client) -> list[str]:
    return [name for name, _ in board(client)]


# ---- the blocks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_every_role_has_a_default_board_and_each_block_loads_separately(
    plant: Plant, waiting: Movement, role: Role
) -> None:
    client = signed_in(plant, role)
    with statements(8):
        home = text_of(client.get(reverse("home")))
    assert board(client) == list(BOARDS[role])
    for name in names(client):
        assert f'hx-get="{reverse("block", args=[name])}"' in home
        assert str(BLOCKS[name].title) in block(client, name, headers=HTMX)


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_costs_the_same_however_many_rows_there_are(plant: Plant, waiting: Movement, name: str) -> None:
    plant.consists("FRAME", plant.line(10, "TUBE", 1), plant.line(20, "LUG", 2, by_hand=True))
    client = signed_in(plant, Role.ADMINISTRATOR)
    with statements(LOOKING + BUDGETS[name]):
        block(client, name, headers=HTMX)
    for number in range(12):
        plant.books(1, "BRACKET")
        plant.books(1, "CRATE")
        plant.releases(3, "FRAME", number=f"W-{number}")
    cache.clear()
    with statements(LOOKING + BUDGETS[name]):
        block(client, name, headers=HTMX)


def test_home_shows_number_oldest_and_newest_each_a_link(plant: Plant, waiting: Movement) -> None:
    client = signed_in(plant, Role.STORES)
    for _ in range(6):
        plant.books(1, "BRACKET")
    shown = block(client, "backflush-errors")
    newest = [one.pk for one in plant.queue()][::-1][:5]
    assert all(f'href="{reverse("unresolved")}?open={pk}"' in shown for pk in [waiting.pk, *newest])
    assert f"Newest 5 of {len(plant.queue())}." in shown


def test_a_block_is_shown_only_to_users_with_its_right(plant: Plant, waiting: Movement) -> None:
    client = signed_in(plant, Role.VIEWER)
    assert client.get(reverse("block", args=["book-production"])).status_code == HTTPStatus.FORBIDDEN
    assert client.get(reverse("block", args=["no-such"])).status_code == HTTPStatus.NOT_FOUND
    offered = text_of(client.get(reverse("home"), {"arrange": "1"}))
    assert "book-production" not in offered
    assert "set-up-warnings" in offered
    assert arrange(client, "add", "book-production").status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "book-production" not in names(client)


def test_without_scripts_a_block_is_a_page_of_its_own(plant: Plant, waiting: Movement) -> None:
    page = text_of(signed_in(plant, Role.STORES).get(reverse("block", args=["unresolved-by-age"])))
    assert "<h1>Unresolved by age</h1>" in page
    assert '<td class="cell-number" data-value="1">1</td>' in page


def test_a_chart_states_its_finding_and_has_a_table(plant: Plant, waiting: Movement) -> None:
    shown = block(signed_in(plant, Role.STORES), "unresolved-over-time", headers=HTMX)
    assert 'role="img" aria-label="Unresolved movements at the end of each of the last 12 weeks.' in shown
    assert 'id="unresolved-over-time-table"' in shown
    assert "<html" not in shown


def test_a_failed_block_shows_its_error_and_leaves_the_others_intact(
    plant: Plant, waiting: Movement, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(visit: Visit) -> dict[str, Any]:
        raise RuntimeError("broken")

    monkeypatch.setitem(BLOCKS, "works-orders", replace(BLOCKS["works-orders"], context=fails))
    client = signed_in(plant, Role.STORES)
    response = client.get(reverse("block", args=["works-orders"]), headers=HTMX)
    text = text_of(response, HTTPStatus.INTERNAL_SERVER_ERROR)
    assert "This block failed." in text
    assert "Try again" in text
    assert "broken" not in text
    assert "1 unresolved" not in block(client, "hand-issues-due", headers=HTMX)


def test_a_plant_without_bookings_shows_how_to_begin(plant: Plant) -> None:
    home = text_of(signed_in(plant, Role.ADMINISTRATOR).get(reverse("home")))
    assert "Start here" in home
    assert home.count(">done<") == 4
    assert f'href="{reverse("actions")}"' in home
    client = signed_in(plant, Role.ADMINISTRATOR)
    assert "Start here" not in text_of(client.get(reverse("home"), {"board": "1"}))
    plant.has(4, "BOLT")
    plant.books(1, "BRACKET")
    assert "Start here" not in text_of(client.get(reverse("home")))


def test_a_user_without_set_up_rights_sees_who_has_them(plant: Plant) -> None:
    home = text_of(signed_in(plant, Role.OPERATOR).get(reverse("home")))
    assert "An engineer or administrator sets the plant up." in home
    assert f'href="{reverse("actions")}"' not in home


# ---- arranging them --------------------------------------------------------------------------------------------------


def test_blocks_move_earlier_and_later_within_the_board(plant: Plant, waiting: Movement) -> None:
    client = signed_in(plant, Role.OPERATOR)
    book, orders, errors, hand, background_jobs = names(client)
    said = text_of(arrange(client, "earlier", errors))
    assert "Backflush errors is now number 2 of 5" in said
    assert names(client) == [book, errors, orders, hand, background_jobs]
    arrange(client, "earlier", book)
    arrange(client, "later", background_jobs)
    assert names(client) == [book, errors, orders, hand, background_jobs]
    arrange(client, "later", book)
    assert names(client) == [errors, book, orders, hand, background_jobs]


def test_a_dragged_block_stays_where_it_was_dropped(plant: Plant, waiting: Movement) -> None:
    client = signed_in(plant, Role.OPERATOR)
    book, orders, errors, hand, background_jobs = names(client)
    arrange(client, "place", hand, before=book)
    assert names(client) == [hand, book, orders, errors, background_jobs]
    arrange(client, "place", hand, after=orders)
    assert names(client) == [book, orders, hand, errors, background_jobs]


def test_a_block_cycles_through_its_widths(plant: Plant, waiting: Movement) -> None:
    client = signed_in(plant, Role.STORES)
    widths = []
    for _ in range(3):
        arrange(client, "width", "works-orders")
        widths.append(dict(board(client))["works-orders"])
    assert widths == [12, 4, 6]
    assert "Works orders released and open is now as wide as the board" in text_of(
        arrange(client, "width", "works-orders")
    )


def test_a_removed_block_returns_to_its_place_and_width(plant: Plant, waiting: Movement) -> None:
    client = signed_in(plant, Role.STORES)
    arrange(client, "width", "works-orders")
    before = board(client)
    removed = text_of(arrange(client, "remove", "works-orders"))
    assert "Works orders released and open is removed." in removed
    assert "works-orders" not in names(client)
    undo = dict(re.findall(r'name="(place|width)" value="(\d+)"', removed))
    arrange(client, "add", "works-orders", **undo)
    assert board(client) == before
    arrange(client, "add", "works-orders")
    assert board(client) == before


def test_users_who_may_resolve_cannot_remove_backflush_errors(plant: Plant, waiting: Movement) -> None:
    client = signed_in(plant, Role.STORES)
    response = arrange(client, "remove", "backflush-errors")
    assert "users who can resolve must see unresolved movements" in text_of(response, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "backflush-errors" in names(client)
    viewer = signed_in(plant, Role.VIEWER, name="vera")
    arrange(viewer, "remove", "backflush-errors")
    assert "backflush-errors" not in names(viewer)
    person(plant, Role.STORES, name="vera")
    assert names(viewer)[0] == "backflush-errors"


def test_each_user_has_a_board_that_outlives_the_session(plant: Plant, waiting: Movement) -> None:
    rosa, jan = signed_in(plant, Role.STORES), signed_in(plant, Role.STORES, name="jan")
    before = board(jan)
    arrange(rosa, "remove", "hand-issues-due")
    assert board(jan) == before
    assert names(signed_in(plant, Role.STORES)) == names(rosa) != names(jan)
    text_of(arrange(rosa, "reset"))
    assert board(rosa) == before


def test_a_removed_role_hides_its_blocks_and_a_restored_one_shows_them_again(plant: Plant, waiting: Movement) -> None:
    client = signed_in(plant, Role.OPERATOR, Role.VIEWER)
    arrange(client, "later", "book-production")
    user = person(plant)
    user.assignments.filter(role=Role.OPERATOR).delete()
    assert "book-production" not in names(client)
    arrange(client, "earlier", "works-orders")
    person(plant, Role.OPERATOR)
    assert "book-production" in names(client)


def test_without_scripts_the_page_reloads_in_arrange_mode(plant: Plant, waiting: Movement) -> None:
    client = signed_in(plant, Role.STORES)
    response = client.post(reverse("arrange"), {"do": "later", "block": "backflush-errors"})
    assert response.headers["Location"] == f"{reverse('home')}?arrange=1"
    page = text_of(client.get(response.headers["Location"]))
    assert 'aria-label="Move Backflush errors earlier"' in page
    assert "Add a block" in page


@pytest.mark.parametrize("asked", [{"do": "dance"}, {"do": "later", "block": "nope"}, {"do": "place", "before": "x"}])
def test_an_invalid_change_of_the_board_changes_nothing(plant: Plant, waiting: Movement, asked: dict[str, str]) -> None:
    client = signed_in(plant, Role.STORES)
    before = board(client)
    response = client.post(reverse("arrange"), {"block": "works-orders", **asked}, headers=HTMX)
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert board(client) == before


# ---- keys ------------------------------------------------------------------------------------------------------------


def test_single_letter_keys_are_switched_off_for_the_user_everywhere(plant: Plant, waiting: Movement) -> None:
    client = signed_in(plant, Role.STORES)
    home = text_of(client.get(reverse("home")))
    assert 'data-goes="u"' in home
    assert 'data-keys="off"' not in home
    client.post(reverse("choose-keys"), {"keys": "off"})
    elsewhere = signed_in(plant, Role.STORES)
    assert 'data-keys="off"' in text_of(elsewhere.get(reverse("unresolved")))
    assert "Switch single-letter keys on" in text_of(elsewhere.get(reverse("you")))
    elsewhere.post(reverse("choose-keys"), {"keys": "on"})
    assert 'data-keys="off"' not in text_of(client.get(reverse("home")))
