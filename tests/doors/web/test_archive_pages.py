"""The pages of archives: the list, the contents of one, and the way to it from an archived record."""

from datetime import date
from http import HTTPStatus
from pathlib import Path

import pytest
from django.urls import reverse

from backflush.archives.services import archive, unarchive
from backflush.ledger.models import Archive, ArchivedKind, ArchivedOrder, ArchivedRange, CostObjectKind, Movement
from backflush.people.rights import Role
from backflush.stockmap.models import Site
from backflush.works.services.transitions import complete_order
from tests.cast import DAY, Plant
from tests.doors.web.visitors import signed_in, statements, text_of

LIST = reverse("archives")
ONE = reverse("archive", args=[1])
BUDGET = 16


@pytest.fixture
def finished(plant: Plant) -> Plant:
    """A complete order in a closed period, and an unfinished one."""
    plant.has(100, "BOLT")
    plant.books(3, "BRACKET")
    complete_order(site=plant.site, number="W-BRACKET", by=plant.storekeeper)
    plant.books(2, "FRAME")
    Site.objects.filter(pk=plant.site.pk).update(closed_through=DAY)
    return plant


def puts_away(plant: Plant, folder: Path) -> Archive:
    plant.site.refresh_from_db()
    return archive(site=plant.site, through=DAY, folder=folder, by=plant.storekeeper)


def test_a_page_without_archives_says_how_to_create_one(plant: Plant) -> None:
    text = text_of(signed_in(plant, Role.CONTROLLER).get(LIST))
    assert "Everything recorded at MAIN is in the database." in text
    assert "There are no archives" in text


def test_archives_are_listed_with_their_contents(finished: Plant, tmp_path: Path) -> None:
    moved = list(Movement.objects.filter(cost_object__number="W-BRACKET").order_by("pk").values_list("pk", flat=True))
    made = puts_away(finished, tmp_path)
    client = signed_in(finished, Role.AUDITOR)
    listed = text_of(client.get(LIST))
    for words in (f'href="{ONE}"', made.file, "2 Mar 2026", "sam", "archived"):
        assert words in listed
    text = text_of(client.get(ONE))
    for words in (
        made.file,
        made.digest,
        "W-BRACKET",
        "Works order",
        f"{moved[0]} to {moved[-1]}",
        "backflush unarchive",
    ):
        assert words in text
    assert "W-FRAME" not in text


def test_a_restored_archive_shows_who_restored_it_and_when(finished: Plant, tmp_path: Path) -> None:
    made = puts_away(finished, tmp_path)
    unarchive(file=tmp_path / made.file, by=finished.storekeeper)
    client = signed_in(finished, Role.VIEWER)
    assert "Restored" in text_of(client.get(LIST))
    text = text_of(client.get(ONE))
    assert "everything is in the database again" in text
    assert "backflush unarchive" not in text
    assert "Archived orders" not in text


def test_the_page_of_an_archived_record_leads_to_its_archive(finished: Plant, tmp_path: Path) -> None:
    movement = Movement.objects.filter(cost_object__number="W-BRACKET").order_by("pk")[0]
    puts_away(finished, tmp_path)
    asked = (
        reverse("movement", args=[movement.pk]),
        reverse("reversal", args=[movement.posting_id]),
        reverse("order", args=["W-BRACKET"]),
    )
    sees, works = signed_in(finished, Role.VIEWER), signed_in(finished, Role.STORES, name="ken")
    for address in asked:
        text = text_of(sees.get(address), HTTPStatus.GONE)
        assert "is in archive 1 (" in text
        assert "This record is archived" in text
        assert f'href="{ONE}"' in text
        text = text_of(works.get(address), HTTPStatus.GONE)
        assert "is in archive 1 (" in text
        assert f'href="{ONE}"' not in text


def test_scan_or_find_finds_archived_records(finished: Plant, tmp_path: Path) -> None:
    movement = Movement.objects.filter(cost_object__number="W-BRACKET").order_by("pk")[0].pk
    client = signed_in(finished, Role.VIEWER)
    puts_away(finished, tmp_path)
    for asked in (str(movement), "W-BRACKET", "w-bracket"):
        text = text_of(client.get(reverse("find"), {"q": asked}))
        assert "is in archive 1 (" in text, asked
        assert f'href="{ONE}"' in text
    assert "Nothing has the code or number 999999" in text_of(client.get(reverse("find"), {"q": "999999"}))
    assert "Nothing has the code or number" in text_of(client.get(reverse("find"), {"q": "9" * 40}))


def test_a_form_about_an_archived_record_leads_there_too(finished: Plant, tmp_path: Path) -> None:
    puts_away(finished, tmp_path)
    client = signed_in(finished, Role.STORES, Role.VIEWER)
    text = text_of(client.get(reverse("book"), {"order": "W-BRACKET"}), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "is in archive 1 (" in text


def test_the_pages_of_audit_periods_and_stock_link_to_the_archives(finished: Plant, tmp_path: Path) -> None:
    puts_away(finished, tmp_path)
    client = signed_in(finished, Role.AUDITOR)
    for page in ("audit", "periods", "stock", "balances"):
        assert f'href="{LIST}"' in text_of(client.get(reverse(page))), page
    assert f'href="{LIST}"' not in text_of(signed_in(finished, Role.STORES, name="ken").get(reverse("stock")))


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.VIEWER, True),
        (Role.CONTROLLER, True),
        (Role.AUDITOR, True),
        (Role.ADMINISTRATOR, True),
        (Role.STORES, False),
        (Role.ENGINEER, False),
    ],
)
def test_users_who_see_periods_see_archives(plant: Plant, role: Role, may: bool) -> None:
    client = signed_in(plant, role)
    assert client.get(LIST).status_code == (HTTPStatus.OK if may else HTTPStatus.FORBIDDEN)
    assert client.get(ONE).status_code == (HTTPStatus.NOT_FOUND if may else HTTPStatus.FORBIDDEN)


def test_nothing_of_another_site_is_shown(finished: Plant, tmp_path: Path) -> None:
    puts_away(finished, tmp_path)
    south = Plant.build_site(code="SOUTH")
    client = signed_in(south, Role.VIEWER, name="sid")
    assert "There are no archives" in text_of(client.get(LIST))
    assert client.get(ONE).status_code == HTTPStatus.NOT_FOUND


def test_more_archives_orders_and_numbers_cost_no_more_statements(plant: Plant) -> None:
    def more(first: int, last: int) -> None:
        for number in range(first, last):
            one = Archive.objects.create(
                site=plant.site,
                number=number,
                through=date(2020, 1, 1),
                until=plant.storekeeper.date_joined,
                file=f"{number}.zip",
                digest="0" * 64,
                counts={"ledger_movement": 5},
                by=plant.storekeeper,
                at=plant.storekeeper.date_joined,
            )
            for order in range(20):
                ArchivedOrder.objects.create(
                    site=plant.site, archive=one, kind=CostObjectKind.WORKS_ORDER, number=f"{number}-{order:02}"
                )
                ArchivedRange.objects.create(
                    site=plant.site,
                    archive=one,
                    kind=ArchivedKind.MOVEMENT,
                    first=number * 1000 + order * 10,
                    last=number * 1000 + order * 10 + 5,
                )

    more(1, 2)
    client = signed_in(plant, Role.VIEWER)
    client.get(LIST)
    with statements(BUDGET):
        assert "1.zip" in text_of(client.get(LIST))
    more(2, 30)
    for page in (LIST, ONE):
        with statements(BUDGET):
            client.get(page)
