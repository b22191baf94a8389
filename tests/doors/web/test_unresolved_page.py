"""The queue: listed, settled, refused, undone, and used by two people at once."""

import re
from decimal import Decimal
from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse

from backflush.core.moves import Status, Tracking
from backflush.items.selectors import item_coded
from backflush.items.services import set_batch
from backflush.ledger.models import Movement
from backflush.people.rights import Role
from tests.cast import DAY, Plant
from tests.doors.web.test_booking_page import key_of
from tests.doors.web.visitors import signed_in, statements, text_of


@pytest.fixture
def short(plant: Plant) -> Movement:
    """Eight bolts are due at the line, which has five; the raw store has a hundred."""
    plant.has(5, "BOLT")
    plant.has(100, "BOLT", at="RAW")
    plant.books(2, "BRACKET")
    return plant.queue("BOLT")[0]


def opened(client: Client, movement: Movement) -> str:
    """Return the page with a movement's panel open."""
    return text_of(client.get(reverse("unresolved"), {"open": movement.pk}))


def choice_at(text: str, place: str) -> str:
    """Return the value of the choice for a place, batch or bin."""
    found = re.findall(r'name="from" value="(\w+)"[^>]*/?> <span><b class="code">([^<]+)</b>', text)
    return str({name: value for value, name in found}[place])


def resolves(client: Client, movement: Movement, place: str = "MAIN/RAW", **typed: str) -> tuple[int, str]:
    """Choose a place and press *Resolve and next*. Return the status and text of the next page."""
    text = opened(client, movement)
    asked = {"key": key_of(text), "from": choice_at(text, place), "quantity": "8", **typed}
    response = client.post(reverse("resolve", args=[movement.pk]), asked)
    if response.status_code == HTTPStatus.FOUND:
        return response.status_code, text_of(client.get(response.headers["Location"]))
    return response.status_code, " ".join(response.content.decode().split())


def test_an_empty_queue_says_that_nothing_is_unresolved(plant: Plant) -> None:
    assert "Nothing is unresolved" in text_of(signed_in(plant, Role.STORES).get(reverse("unresolved")))


def test_the_only_row_opens_automatically_without_a_chosen_place(plant: Plant, short: Movement) -> None:
    text = text_of(signed_in(plant, Role.STORES).get(reverse("unresolved")))
    assert f'data-number="{short.pk}"' in text
    assert "short 3" in text
    assert "Choose where the stock came from. Nothing moves yet." in text
    assert not re.search(r'name="from"[^>]*checked', text)


def test_the_planned_place_is_chosen_if_it_fits_and_one_press_resolves(plant: Plant, short: Movement) -> None:
    plant.finds(10, "BOLT")
    client = signed_in(plant, Role.STORES)
    text = opened(client, short)
    assert "fits now" in text
    assert re.search(r'name="from"[^>]*checked', text)
    assert "and leaves <b><span" in text


def test_a_movement_is_resolved_from_its_real_source(plant: Plant, short: Movement) -> None:
    status, text = resolves(signed_in(plant, Role.STORES), short)
    assert status == HTTPStatus.FOUND
    assert "BOLT: 8 EA resolved. 0 unresolved movements left." in text
    assert plant.balance("BOLT", at="RAW") == Decimal(92)
    assert plant.balance("BOLT") == Decimal(5)


def test_if_less_was_used_the_rest_is_kept_or_dropped(plant: Plant, short: Movement) -> None:
    client = signed_in(plant, Role.STORES)
    _, text = resolves(client, short, quantity="6", remainder="keep")
    assert "BOLT: 6 EA resolved, 2 EA still unresolved. 1 unresolved movement left." in text
    assert plant.waiting() == ["BOLT 2 short"]
    resolves(client, plant.queue("BOLT")[0], quantity="1", remainder="drop")
    assert plant.waiting() == []


def test_the_outcome_is_previewed(plant: Plant, short: Movement) -> None:
    client = signed_in(plant, Role.STORES)
    raw = choice_at(opened(client, short), "MAIN/RAW")
    asked = {"from": raw, "quantity": "6"}
    text = text_of(client.get(reverse("resolve-outcome", args=[short.pk]), asked))
    assert "from MAIN/RAW to MAIN/WIP now and leaves" in text
    assert "Keep it unresolved" in text
    assert plant.waiting() == ["BOLT 8 short"]


def test_a_shortage_at_the_place_is_refused_at_the_quantity(plant: Plant, short: Movement) -> None:
    status, text = resolves(signed_in(plant, Role.STORES), short, place="MAIN/LINE")
    assert status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert 'id="quantity-error"' in text
    assert "only 5 EA are at MAIN/LINE" in text
    assert plant.waiting() == ["BOLT 8 short"]


def test_a_missing_choice_of_place_is_refused_at_the_choice(plant: Plant, short: Movement) -> None:
    client = signed_in(plant, Role.STORES)
    response = client.post(reverse("resolve", args=[short.pk]), {"quantity": "8", "key": "k"})
    text = text_of(response, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="from-error"' in text
    assert "Choose where the stock came from." in text


def test_the_second_person_sees_the_settlement_and_nothing_is_posted_twice(plant: Plant, short: Movement) -> None:
    second = signed_in(plant, Role.STORES, name="ken")
    text = opened(second, short)
    asked = {"key": key_of(text), "from": choice_at(text, "MAIN/RAW"), "quantity": "7"}
    resolves(signed_in(plant, Role.STORES), short)
    response = second.post(reverse("resolve", args=[short.pk]), asked)
    said = text_of(response, HTTPStatus.CONFLICT)
    assert "Rosa Marsh resolved this today" in said
    assert "Nothing you entered was posted." in said
    assert "7 EA" in said
    assert plant.balance("BOLT", at="RAW") == Decimal(92)


def test_a_double_press_resolves_once(plant: Plant, short: Movement) -> None:
    client = signed_in(plant, Role.STORES)
    text = opened(client, short)
    asked = {"key": key_of(text), "from": choice_at(text, "MAIN/RAW"), "quantity": "8"}
    answers = [client.post(reverse("resolve", args=[short.pk]), asked) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [HTTPStatus.FOUND, HTTPStatus.FOUND]
    assert plant.balance("BOLT", at="RAW") == Decimal(92)


def test_a_batch_is_chosen_by_a_person_first_expired_first(plant: Plant) -> None:
    plant.stocks("GLUE-B", tracking=Tracking.BATCH)
    plant.consists("BRACKET", plant.line(10, "GLUE-B", 1))
    plant.has(5, "GLUE-B", batch="A1")
    plant.has(5, "GLUE-B", batch="A2")
    plant.books(2, "BRACKET")
    waiting = plant.queue("GLUE-B")[0]
    client = signed_in(plant, Role.STORES)
    assert "Which batch was used?" in opened(client, waiting)
    response = client.post(reverse("resolve", args=[waiting.pk]), {"quantity": "2", "key": "k"})
    assert "Choose the batch that was used." in text_of(response, HTTPStatus.UNPROCESSABLE_ENTITY)
    status, text = resolves(client, waiting, place="A2", quantity="2")
    assert status == HTTPStatus.FOUND
    assert "GLUE-B: 2 EA resolved." in text
    assert Movement.objects.get(resolves=waiting).batch == "A2"


def test_an_expired_batch_stands_last_and_needs_a_reason(plant: Plant) -> None:
    plant.stocks("GLUE-B", tracking=Tracking.BATCH)
    plant.consists("BRACKET", plant.line(10, "GLUE-B", 1))
    plant.has(9, "GLUE-B", batch="OLD")
    plant.has(9, "GLUE-B", batch="NEW")
    set_batch(item=item_coded("GLUE-B"), code="OLD", expires_on=DAY)
    plant.books(2, "BRACKET")
    waiting = plant.queue("GLUE-B")[0]
    client = signed_in(plant, Role.STORES)
    text = opened(client, waiting)
    assert text.index("NEW") < text.index("OLD")
    assert "expired 2 Mar 2026" in text
    status, text = resolves(client, waiting, place="OLD", quantity="2")
    assert status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert 'id="why-error"' in text
    status, text = resolves(client, waiting, place="OLD", quantity="2", why="tested by the laboratory")
    assert status == HTTPStatus.FOUND
    assert Movement.objects.get(resolves=waiting).posting.remarks == "tested by the laboratory"


def test_as_many_serials_are_ticked_as_the_quantity(plant: Plant) -> None:
    plant.stocks("GPS", tracking=Tracking.SERIAL)
    plant.consists("BRACKET", plant.line(10, "GPS", 1))
    plant.has(3, "GPS", serials=["S1", "S2", "S3"])
    plant.books(2, "BRACKET")
    waiting = plant.queue("GPS")[0]
    client = signed_in(plant, Role.STORES)
    text = opened(client, waiting)
    one, three = choice_at(text, "S1"), choice_at(text, "S3")
    asked = {"quantity": "2", "key": key_of(text), "from": [one]}
    refused = client.post(reverse("resolve", args=[waiting.pk]), asked)
    assert "GPS needs as many serial numbers as pieces: 2, not 1." in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    done = client.post(reverse("resolve", args=[waiting.pk]), {**asked, "from": [one, three]})
    assert done.status_code == HTTPStatus.FOUND
    assert plant.balance("GPS") == Decimal(1)


def test_cancelling_asks_for_a_reason(plant: Plant, short: Movement) -> None:
    client = signed_in(plant, Role.STORES)
    asked = {"pick": short.pk, "open": short.pk, "key": "k", "remarks": " "}
    text = text_of(client.post(reverse("cancel"), asked), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="remarks-error"' in text
    assert "Enter why the material was not used." in text
    done = client.post(reverse("cancel"), {**asked, "remarks": "wrong colour"})
    assert "BOLT: 8 EA cancelled. 0 unresolved movements left." in text_of(client.get(done.headers["Location"]))
    assert "wrong colour" in opened(client, short)


def test_picked_movements_are_cancelled_together_or_not_at_all(plant: Plant, short: Movement) -> None:
    plant.books(5, "BRACKET")
    picked = [one.pk for one in plant.queue("BOLT")]
    client = signed_in(plant, Role.STORES)
    assert "2 movements that were not used" in text_of(client.get(reverse("cancel-page"), {"pick": picked}))
    plant.cancels(picked[0])
    answer = client.post(reverse("cancel"), {"pick": picked, "remarks": "no", "key": "k"})
    assert answer.status_code == HTTPStatus.CONFLICT
    assert Movement.objects.filter(status=Status.UNRESOLVED).count() == len(picked) - 1


def test_a_retry_is_previewed_and_then_carried_out(plant: Plant, short: Movement) -> None:
    plant.finds(10, "BOLT")
    client = signed_in(plant, Role.STORES)
    text = text_of(client.get(reverse("retry-page")))
    assert "1 movement would be settled" in text
    done = client.post(reverse("retry"), {"pick": short.pk, "key": key_of(text)})
    assert "BOLT: 8 EA resolved. 0 unresolved movements left." in text_of(client.get(done.headers["Location"]))
    assert "Nothing fits yet" in text_of(client.get(reverse("retry-page")))


def retried(client: Client, **asked: str | list[int]) -> str:
    text = text_of(client.get(reverse("retry-page"), asked))
    return re.sub(r"</?b>", "", text)


def test_a_retry_shows_how_many_stay_by_reason_with_links_to_the_queue(plant: Plant, short: Movement) -> None:
    plant.books(2, "BRACKET")
    plant.books(2, "CABINET")
    plant.finds(10, "BOLT")
    client = signed_in(plant, Role.STORES)
    text = retried(client)
    # 8 fit; another 8 fit only by themselves; 24 bolts and 8 sheets are short; motors and resin need a choice.
    assert f'href="{reverse("unresolved")}?show=fit">1 would be settled<' in text
    assert f'href="{reverse("unresolved")}?show=short">3 still short<' in text
    assert f'href="{reverse("unresolved")}?show=choice">2 need a choice<' in text
    assert "1 of the short ones has enough stock, but older movements take it first." in text
    narrowed = retried(client, item="BOLT")
    assert f'href="{reverse("unresolved")}?show=short&amp;item=BOLT">2 still short<' in narrowed
    assert "0 need a choice" in narrowed


def test_a_retry_of_picked_movements_counts_only_these(plant: Plant, short: Movement) -> None:
    plant.books(1, "CABINET")
    plant.finds(10, "BOLT")
    picked = [short.pk, plant.queue("MOTOR")[0].pk]
    text = retried(signed_in(plant, Role.STORES), pick=picked)
    assert ">1 would be settled<" in text
    assert ">0 still short<" in text
    assert ">1 needs a choice<" in text
    assert "show=choice" not in text


def test_a_retry_without_fitting_movements_still_shows_the_reasons(plant: Plant, short: Movement) -> None:
    plant.books(1, "CABINET")
    text = retried(signed_in(plant, Role.STORES))
    assert "Nothing fits yet" in text
    assert "3 still short" in text
    assert "2 need a choice" in text


def test_a_supervisor_undoes_a_settlement(plant: Plant, short: Movement) -> None:
    settlement = plant.resolves(short.pk, source="RAW")
    stores = signed_in(plant, Role.STORES)
    assert stores.post(reverse("undo-settling"), {"posting": settlement.posting_id}).status_code == HTTPStatus.FORBIDDEN
    supervisor = signed_in(plant, Role.SUPERVISOR, name="sue")
    done = supervisor.post(reverse("undo-settling"), {"posting": settlement.posting_id})
    text = text_of(supervisor.get(done.headers["Location"]))
    assert "BOLT: 8 EA unresolved again. 1 unresolved movement left." in text


def test_the_queue_has_filter_tabs_and_filters(plant: Plant, short: Movement) -> None:
    client = signed_in(plant, Role.STORES)
    for asked, found in (
        ({"show": "short"}, True),
        ({"show": "fit"}, False),
        ({"show": "choice"}, False),
        ({"item": "BOLT"}, True),
        ({"item": "NUT"}, False),
        ({"location": "MAIN/LINE"}, True),
        ({"order": "W-BRACKET"}, True),
        ({"supplier": "ACME"}, False),
        ({"days": "99999"}, False),
    ):
        text = text_of(client.get(reverse("unresolved"), asked))
        assert (f'data-row="{short.pk}"' in text) == found, asked
    refused = client.get(reverse("unresolved"), {"days": "old"})
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_users_with_read_access_see_who_may_resolve(plant: Plant, short: Movement) -> None:
    client = signed_in(plant, Role.OPERATOR)
    assert "You can see this, but only stores and supervisors can resolve it." in opened(client, short)
    asked = {"quantity": "8", "from": "planned", "remarks": "no", "pick": short.pk}
    for name, arguments in (("resolve", [short.pk]), ("cancel", []), ("retry", []), ("undo-settling", [])):
        assert client.post(reverse(name, args=arguments), asked).status_code == HTTPStatus.FORBIDDEN, name
    assert plant.waiting() == ["BOLT 8 short"]


@pytest.mark.parametrize("number", ["0", "999999", "9" * 30, "x"])
def test_an_unknown_movement_has_an_error_page(plant: Plant, number: str) -> None:
    response = signed_in(plant, Role.STORES).get(reverse("unresolved"), {"open": number})
    assert response.status_code == HTTPStatus.NOT_FOUND


def test_pages_follow_one_another_without_gap_or_overlap(plant: Plant) -> None:
    for _ in range(60):
        plant.books(1, "BRACKET")
    client = signed_in(plant, Role.STORES)
    seen: list[str] = []
    address, text = reverse("unresolved"), ""
    for _ in range(2):
        text = text_of(client.get(address))
        seen += re.findall(r'data-row="(\d+)"', text)
        following = re.search(r'href="(\?[^"]*after=[^"]*)" rel="next"', text)
        address = reverse("unresolved") + following.group(1).replace("&amp;", "&") if following else ""
    assert seen == [str(one.pk) for one in plant.queue()]
    assert not address
    back = re.search(r'href="(\?[^"]*before=[^"]*)" rel="prev"', text)
    assert back
    text = text_of(client.get(reverse("unresolved") + back.group(1).replace("&amp;", "&")))
    assert re.findall(r'data-row="(\d+)"', text) == seen[:50]


def test_the_queue_costs_the_same_for_two_rows_and_for_fifty(plant: Plant, short: Movement) -> None:
    plant.books(1, "BRACKET")
    client = signed_in(plant, Role.STORES)
    asked = {"open": short.pk}
    with statements(24):
        text_of(client.get(reverse("unresolved"), asked))
    for _ in range(50):
        plant.books(1, "BRACKET")
    with statements(24):
        text_of(client.get(reverse("unresolved"), asked))
