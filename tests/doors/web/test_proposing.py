"""Arrived stock: the user sees which unresolved movements fit now, if the action proposes a retry."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import pytest
from django.test import Client
from django.urls import reverse

from backflush.ledger.models import Posting
from backflush.people.rights import Role
from backflush.stockmap.models import Action, RetryRule, TransferRule
from tests.cast import Plant
from tests.doors.web.visitors import signed_in, text_of

TOLD = "1 unresolved movement of this stock fits now."


def into_line(plant: Plant, action: str) -> None:
    """Let an action move goods to the place where they are used."""
    TransferRule.objects.filter(site=plant.site, action__name=action).update(target=plant.location("LINE"))


def needs(plant: Plant, part: str) -> None:
    """Create two unresolved movements of an item."""
    plant.stocks("GATE", "M", "MADE")
    plant.consists("GATE", plant.line(10, part, 2))
    plant.books(1, plant.releases(5, "GATE", number="G-1"))


def opens(client: Client, plant: Plant) -> str:
    asked = {"location": "MAIN/LINE", "item": "BOLT", "quantity": "9", "at": "2026-03-02", "key": "k"}
    return client.post(reverse("opening-post"), asked).headers["Location"]


def moves(client: Client, plant: Plant) -> str:
    plant.has(9, "BOLT", at="RAW")
    way = TransferRule.objects.get(source=plant.location("RAW"), target=plant.location("LINE")).pk
    asked = {"source": "MAIN/RAW", "item": "BOLT", "quantity": "9", "rule": way, "key": "k"}
    return client.post(reverse("move-post"), asked).headers["Location"]


def returns(client: Client, plant: Plant) -> str:
    plant.has(9, "BOLT", at="RAW")
    plant.issues(9, "BOLT", "BRACKET")
    into_line(plant, "RETURN")
    asked = {"item": "BOLT", "quantity": "9", "key": "k"}
    return client.post(reverse("order-return-post", args=["W-BRACKET"]), asked).headers["Location"]


def receives(client: Client, plant: Plant) -> str:
    into_line(plant, "RECEIVE")
    plant.buys(9, "BOLT")
    asked = {"order": "P-BOLT", "line": "10", "accepted": "9", "rejected": "0", "key": "k"}
    return client.post(reverse("receive-post"), asked).headers["Location"]


def makes(client: Client, plant: Plant) -> str:
    into_line(plant, "COMPLETE")
    plant.stocks("BOLT KIT", "K", "MADE")
    needs(plant, "BOLT KIT")
    asked = {"item": "BOLT KIT", "good": "2", "scrap": "", "key": "k"}
    return client.post(reverse("produce-post"), asked).headers["Location"]


def books(client: Client, plant: Plant) -> str:
    into_line(plant, "COMPLETE")
    plant.stocks("HALF", "M", "MADE")
    needs(plant, "HALF")
    plant.releases(5, "HALF", number="H-1")
    return client.post(reverse("book-post"), {"order": "H-1", "good": "2", "scrap": "", "key": "k"}).headers["Location"]


def arrives(client: Client, plant: Plant) -> str:
    south = Plant.build_site(code="SOUTH")
    south.has(9, "BOLT", at="RAW")
    sender = signed_in(south, Role.STORES, name="ken")
    sent = {"to": "MAIN", "number": "7", "item-0": "BOLT", "quantity-0": "9", "source-0": "MAIN/RAW"}
    sender.post(reverse("transfer-send-post"), sent)
    return client.post(reverse("transfer-receive-post"), {"note": "SOUTH/MAIN/7", "into": "MAIN/LINE"}).headers[
        "Location"
    ]


BRINGS: Final[dict[str, Callable[[Client, Plant], str]]] = {
    "opening": opens,
    "hand movement": moves,
    "return": returns,
    "receipt": receives,
    "production": makes,
    "booking": books,
    "arrival": arrives,
}


@pytest.mark.parametrize("plant", ["sqlite"], indirect=True)
@pytest.mark.parametrize("rule", RetryRule)
@pytest.mark.parametrize("way", BRINGS)
def test_movements_that_fit_now_are_shown_only_if_the_action_proposes_a_retry(
    plant: Plant, way: str, rule: RetryRule
) -> None:
    Action.objects.filter(name="BACKFLUSH").update(retry=rule)
    plant.books(2, "BRACKET")
    client = signed_in(plant, Role.STORES)
    text = text_of(client.get(BRINGS[way](client, plant)))
    assert (TOLD in text) is (rule == RetryRule.PROPOSE)
    assert ("?arrived=" in text) is (rule == RetryRule.PROPOSE)


@pytest.fixture
def proposing(plant: Plant) -> Plant:
    Action.objects.filter(name="BACKFLUSH").update(retry=RetryRule.PROPOSE)
    plant.books(2, "BRACKET")
    plant.books(1, "FRAME")
    plant.has(50, "LUG")
    return plant


def test_the_button_leads_to_a_retry_of_only_those(proposing: Plant) -> None:
    client = signed_in(proposing, Role.STORES)
    page = client.get(opens(client, proposing)).content.decode()
    posting = Posting.objects.latest("pk").pk
    address = f"{reverse('retry-page')}?arrived={posting}"
    assert f'href="{address}"' in page
    text = text_of(client.get(address))
    bolt = proposing.queue("BOLT")[0].pk
    assert "1 movement would be settled" in text
    assert f'name="pick" value="{bolt}"' in text
    client.post(reverse("retry"), {"pick": bolt, "key": "k2"})
    assert proposing.queue("BOLT") == []
    assert proposing.queue("LUG") != []
    assert TOLD not in text_of(client.get(f"{reverse('opening-stock')}?done={posting}"))
    assert "Nothing fits yet" in text_of(client.get(address))


@pytest.mark.parametrize("number", ["0", "99999", "9" * 30, "x"])
def test_an_unknown_posting_proposes_nothing(plant: Plant, number: str) -> None:
    response = signed_in(plant, Role.STORES).get(reverse("retry-page"), {"arrived": number})
    assert response.status_code == HTTPStatus.NOT_FOUND


def test_an_operator_sees_the_proposal_and_who_may_settle_it(proposing: Plant) -> None:
    client = signed_in(proposing, Role.OPERATOR)
    text = text_of(client.get(books(client, proposing)))
    assert f"{TOLD} Stores and supervisors can settle them." in text
    assert "?arrived=" not in text


def test_an_undone_posting_proposes_nothing(proposing: Plant) -> None:
    client = signed_in(proposing, Role.STORES)
    opens(client, proposing)
    posting = Posting.objects.latest("pk").pk
    undone = client.post(reverse("opening-undo"), {"posting": posting, "location": "MAIN/LINE", "key": "u"})
    assert "unresolved movement" not in text_of(client.get(undone.headers["Location"]))


def test_the_form_of_an_action_explains_each_retry_rule(plant: Plant) -> None:
    text = text_of(signed_in(plant, Role.ENGINEER).get(reverse("action", args=["BACKFLUSH"])))
    for words in ("do nothing", "sees how many movements fit now", "settle automatically"):
        assert words in text
