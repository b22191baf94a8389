"""Stock between sites in the pages: sent with a note, taken in from it, and on the way until then."""

import json
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backflush.audit.verification import verify
from backflush.handling.models import StockTransfer, TransferDirection
from backflush.ledger.models import Movement, Posting
from backflush.people.rights import Role
from backflush.people.services import give_role
from backflush.stockmap.deactivation import end
from tests.cast import Plant
from tests.doors.web.visitors import person, signed_in, statements, text_of

LIST_BUDGET = 24


@pytest.fixture
def south(plant: Plant) -> Plant:
    return Plant.build_site(code="SOUTH")


def stores(plant: Plant) -> Client:
    return signed_in(plant, Role.STORES)


def receiver(south: Plant) -> Client:
    """A user of the other site."""
    return signed_in(south, Role.STORES, name="ken")


def sends(client: Client, **said: str) -> Any:
    asked = {"to": "SOUTH", "number": "7", "item-0": "BOLT", "quantity-0": "6", "source-0": "MAIN/RAW"}
    return client.post(reverse("transfer-send-post"), {**asked, **said})


def takes_in(client: Client, note: str = "MAIN/SOUTH/7", into: str = "MAIN/RAW", **said: str) -> Any:
    return client.post(reverse("transfer-receive-post"), {"note": note, "into": into, **said})


def test_transfers_are_offered_only_where_there_is_more_than_one_site(plant: Plant) -> None:
    client = stores(plant)
    assert reverse("transfers") not in text_of(client.get(reverse("stock")))
    Plant.build_site(code="SOUTH")
    assert reverse("transfers") in text_of(client.get(reverse("stock")))


def test_the_preview_shows_what_would_leave_and_posts_nothing(plant: Plant, south: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    postings = Posting.objects.count()
    said = {"to": "SOUTH", "item-0": "BOLT", "quantity-0": "6", "source-0": "MAIN/RAW"}
    text = text_of(stores(plant).post(reverse("transfer-send-preview"), said))
    assert "from MAIN/RAW," in text
    assert "4" in text.partition("from MAIN/RAW,")[2].partition("will be left")[0]
    short = text_of(stores(plant).post(reverse("transfer-send-preview"), {**said, "quantity-0": "11"}))
    assert "10 EA" in short
    assert Posting.objects.count() == postings


def test_a_transfer_is_sent_shown_with_its_note_and_received(plant: Plant, south: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    client = stores(plant)
    sent = client.get(sends(client)["Location"])
    text = text_of(sent)
    assert "Transfer 7 is in transit to SOUTH." in text
    assert 'class="qr-code"' in text
    assert "The code holds the whole note." in text
    assert plant.balance("BOLT", at="RAW") == 4
    there = receiver(south)
    assert "note=MAIN/SOUTH/7" in text_of(there.get(reverse("transfers")))
    opened = text_of(there.get(reverse("transfer-receive"), {"note": "MAIN/SOUTH/7"}))
    assert "7 from MAIN, sent" in opened
    came = takes_in(there)
    assert "Transfer 7 from MAIN has been received." in text_of(there.get(came["Location"]))
    assert south.balance("BOLT", at="RAW") == 6
    assert verify().sound


def test_a_sender_in_the_same_database_sees_the_receipt_at_once(plant: Plant, south: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    client = stores(plant)
    sends(client)
    listed = reverse("transfers")
    assert reverse("transfer-sent", args=["SOUTH", "7"]) in text_of(client.get(listed))
    takes_in(receiver(south))
    assert reverse("transfer-sent", args=["SOUTH", "7"]) not in text_of(client.get(listed))
    assert StockTransfer.objects.get(way=TransferDirection.SENT).arrived_at is not None
    assert "Received at SOUTH on" in text_of(client.get(reverse("transfer-sent", args=["SOUTH", "7"])))


def test_a_double_press_sends_and_receives_once(plant: Plant, south: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    client, there = stores(plant), receiver(south)
    assert sends(client)["Location"] == sends(client)["Location"]
    assert takes_in(there)["Location"] == takes_in(there)["Location"]
    assert (plant.balance("BOLT", at="RAW"), south.balance("BOLT", at="RAW")) == (4, 6)
    assert "was received on" in text_of(there.get(reverse("transfer-receive"), {"note": "MAIN/SOUTH/7"}))


def test_the_list_shows_ages_and_to_users_who_see_costs_values(plant: Plant, south: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    sends(stores(plant))
    posting = StockTransfer.objects.get().posting
    Posting.objects.filter(pk=posting.pk).update(at=timezone.now() - timedelta(days=3))
    assert "3 days" in text_of(stores(plant).get(reverse("transfers")))
    assert "0.60" not in text_of(stores(plant).get(reverse("transfers")))
    assert "0.60" in text_of(signed_in(plant, Role.CONTROLLER, name="cora").get(reverse("transfers")))


def test_more_transfers_in_transit_cost_no_more_statements(plant: Plant, south: Plant) -> None:
    plant.has(1000, "BOLT", at="RAW")
    client = stores(plant)
    for number in range(12):
        sends(client, number=str(number))
    with statements(LIST_BUDGET):
        text_of(client.get(reverse("transfers")))


def test_the_note_as_a_file_is_received_on_another_server(plant: Plant, south: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    client, there = stores(plant), receiver(south)
    sends(client)
    file = client.get(reverse("transfer-note", args=["SOUTH", "7"]))
    assert "attachment" in file["Content-Disposition"]
    note = json.loads(file.content)
    assert note["lines"] == [{"item": "BOLT", "quantity": "6", "batch": "", "serial": ""}]
    uploaded = SimpleUploadedFile("note.json", file.content, content_type="application/json")
    opened = text_of(there.post(reverse("transfer-read"), {"note": "", "file": uploaded}))
    assert "7 from MAIN, sent" in opened
    takes_in(there, note=json.dumps(note))
    assert south.balance("BOLT", at="RAW") == 6


@pytest.mark.parametrize(
    ("note", "field"),
    [
        ("nothing", "note"),
        ("{broken", "note"),
        ('{"from": "MAIN"}', "note"),
        ("MAIN/SOUTH/99", "note"),
    ],
)
def test_an_invalid_note_is_refused_at_the_field(plant: Plant, south: Plant, note: str, field: str) -> None:
    refused = takes_in(receiver(south), note=note)
    text = text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert f'id="{field}-error"' in text
    assert not Movement.objects.exists()


@pytest.mark.parametrize(("into", "bin", "field"), [
    ("MAIN/NONE", "", "into"),
    ("MAIN/WIP", "", "into"),
    ("MAIN/RACK", "", "bin"),
])  # fmt: skip
def test_an_unsuitable_location_is_refused_in_the_preview_and_on_receipt(
    plant: Plant, south: Plant, into: str, bin: str, field: str
) -> None:
    plant.has(10, "BOLT", at="RAW")
    sends(stores(plant))
    there = receiver(south)
    assert "notice-bad" in text_of(
        there.post(reverse("transfer-receive-preview"), {"note": "7", "into": into, "bin": bin})
    )
    refused = text_of(takes_in(there, into=into, bin=bin), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert f'id="{field}-error"' in refused
    assert f'value="{into}"' in refused


def test_a_transfer_to_another_site_is_not_received_here(plant: Plant, south: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    client = stores(plant)
    sends(client)
    refused = takes_in(client)
    assert "7 was sent to SOUTH, and this is MAIN." in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"to": ""}, "to"),
        ({"number": ""}, "number"),
        ({"item-0": "NONE"}, "item-0"),
        ({"quantity-0": "1.5"}, "quantity-0"),
        ({"quantity-0": "many"}, "quantity-0"),
        ({"quantity-0": "11"}, "quantity-0"),
        ({"source-0": "MAIN/NONE"}, "source-0"),
        ({"source-0": "MAIN/WIP"}, "source-0"),
        ({"item-1": "RESIN", "quantity-1": "1", "source-1": "MAIN/RAW"}, "batch-1"),
        ({"item-1": "MOTOR", "quantity-1": "1", "source-1": "MAIN/RAW"}, "serials-1"),
        ({"item-1": "LUG", "quantity-1": "1", "source-1": "MAIN/RACK"}, "bin-1"),
    ],
)
def test_a_fault_is_shown_at_its_row_and_the_input_is_kept(
    plant: Plant, south: Plant, said: dict[str, str], field: str
) -> None:
    plant.has(10, "BOLT", at="RAW")
    text = text_of(sends(stores(plant), **said), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert f'id="{field}-error"' in text
    assert 'value="BOLT"' in text or "item-0" in said
    assert plant.balance("BOLT", at="RAW") == 10


def test_two_rows_that_are_short_only_together_are_reported_above_the_rows(plant: Plant, south: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    more = {"item-1": "BOLT", "quantity-1": "6", "source-1": "MAIN/RAW"}
    text = text_of(sends(stores(plant), **more), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "notice-bad" in text
    assert plant.balance("BOLT", at="RAW") == 10


def test_tracked_stock_is_transferred_by_batch_serials_and_bin(plant: Plant, south: Plant) -> None:
    plant.has(2, "RESIN", at="RAW", batch="B-7")
    plant.has(2, "MOTOR", at="RAW", serials=["M1", "M2"])
    plant.has(5, "LUG", at="RACK", bin="R1")
    rows = {
        "item-0": "RESIN", "quantity-0": "1.5", "source-0": "MAIN/RAW", "batch-0": "B-7",
        "item-1": "MOTOR", "quantity-1": "", "source-1": "MAIN/RAW", "serials-1": "M1 M2",
        "item-2": "LUG", "quantity-2": "5", "source-2": "MAIN/RACK", "bin-2": "R1",
    }  # fmt: skip
    client = stores(plant)
    text = text_of(client.get(sends(client, **rows)["Location"]))
    assert "B-7" in text
    assert "M2" in text
    takes_in(receiver(south))
    assert (south.balance("RESIN", at="RAW"), south.balance("MOTOR", at="RAW")) == (1.5, 2)


@pytest.mark.parametrize(("role", "may"), [
    (Role.STORES, True), (Role.SUPERVISOR, True), (Role.OPERATOR, False), (Role.BUYER, False), (Role.AUDITOR, False),
])  # fmt: skip
def test_transfers_need_the_right_to_move_and_every_role_sees_them(
    plant: Plant, south: Plant, role: Role, may: bool
) -> None:
    plant.has(10, "BOLT", at="RAW")
    client = signed_in(plant, role)
    assert client.get(reverse("transfers")).status_code == HTTPStatus.OK
    expected = HTTPStatus.OK if may else HTTPStatus.FORBIDDEN
    assert client.get(reverse("transfer-send")).status_code == expected
    assert client.get(reverse("transfer-receive")).status_code == expected
    assert sends(client).status_code == (HTTPStatus.FOUND if may else HTTPStatus.FORBIDDEN)


def test_a_role_at_one_site_gives_no_right_at_the_other(plant: Plant, south: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    sends(stores(plant))
    person(south, Role.VIEWER, name="vic")
    give_role(user=person(plant, name="vic"), site=plant.site, role=Role.STORES)
    client = signed_in(plant, name="vic")
    client.post(reverse("choose-site"), {"site": "SOUTH"})
    assert takes_in(client).status_code == HTTPStatus.FORBIDDEN


def test_nothing_is_received_into_a_deactivated_location(plant: Plant, south: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    sends(stores(plant))
    end(south.location("RAW"), on=timezone.now().date())
    text = text_of(takes_in(receiver(south)), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="into-error"' in text
