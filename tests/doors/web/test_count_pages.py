"""Counting on the pages: one item after another, the list, and the approval."""

from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from django.test import Client
from django.urls import reverse

from backflush.counts.models import CountStatus, StockCount
from backflush.counts.tolerances import ToleranceIn, set_tolerances
from backflush.people.rights import Role
from tests.cast import Plant
from tests.doors.web.visitors import signed_in, statements, text_of

BUDGET = 24


def stores(plant: Plant) -> Client:
    return signed_in(plant, Role.STORES, name="rosa")


def enters(client: Client, **said: str) -> Any:
    asked = {"location": "MAIN/LINE", "item": "BOLT", "quantity": "2x40 + 7", "key": "k1", **said}
    return client.post(reverse("count-post"), asked)


def test_a_count_is_entered_in_piles_and_the_page_is_ready_for_the_next(plant: Plant) -> None:
    plant.has(100, "BOLT")
    client = stores(plant)
    answer = enters(client)
    assert answer.status_code == HTTPStatus.FOUND
    assert plant.balance("BOLT") == 87
    text = text_of(client.get(answer["Location"]))
    assert "Counted 87 EA BOLT at MAIN/LINE; 100 were expected. The difference of -13 is posted." in text.replace(
        "\N{MINUS SIGN}", "-"
    )
    assert 'value="MAIN/LINE"' in text


def test_the_preview_says_what_is_expected_and_posts_nothing(plant: Plant) -> None:
    plant.has(2, "BOLT")
    plant.books(2, "BRACKET")
    said = {"location": "MAIN/LINE", "item": "BOLT", "quantity": "5"}
    client = stores(plant)
    with statements(BUDGET):
        text = text_of(client.get(reverse("count-preview"), said))
    assert "are unresolved there and count as used" in text
    assert "The surplus of 11 EA will be added." in text
    assert not StockCount.objects.exists()


def test_the_preview_says_when_the_difference_is_not_posted(plant: Plant) -> None:
    plant.has(100, "BOLT")
    set_tolerances([ToleranceIn(quantity_down=Decimal(2))], site=plant.site)
    said = {"location": "MAIN/LINE", "item": "BOLT", "quantity": "5"}
    text = text_of(stores(plant).get(reverse("count-preview"), said))
    assert "The difference of 95 EA is beyond the tolerance: another person must count again" in text


def test_a_blind_count_shows_no_book_quantity_before_it_is_entered(plant: Plant) -> None:
    plant.has(731, "BOLT")
    set_tolerances([ToleranceIn(blind=True)], site=plant.site)
    client = stores(plant)
    asked = {"location": "MAIN/LINE", "item": "BOLT"}
    assert "731" not in text_of(client.get(reverse("count-entry"), asked))
    text = text_of(client.get(reverse("count-preview"), {**asked, "quantity": "5"}))
    assert "counted blind" in text
    assert "731" not in text
    enters(client)
    assert StockCount.objects.get().blind


def test_a_count_that_agrees_is_shown_and_undone(plant: Plant) -> None:
    plant.has(87, "BOLT")
    client = stores(plant)
    text = text_of(client.get(enters(client)["Location"]))
    assert "Counted 87 EA BOLT at MAIN/LINE, as expected." in text
    posting = StockCount.objects.get().posting_id
    undone = client.post(reverse("count-undo"), {"posting": posting, "location": "MAIN/LINE", "key": "u1"})
    assert "Undone: the count of BOLT at MAIN/LINE." in text_of(client.get(undone["Location"]))


def test_faulty_input_is_refused_at_its_field_and_kept(plant: Plant) -> None:
    text = text_of(enters(stores(plant), quantity="many"), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="quantity-error"' in text
    assert 'value="many"' in text
    assert not StockCount.objects.exists()


def test_a_count_beyond_the_tolerance_is_counted_again_by_another_person(plant: Plant) -> None:
    plant.has(100, "BOLT")
    set_tolerances([ToleranceIn(quantity_down=Decimal(2), approval_value=Decimal(100))], site=plant.site)
    client = stores(plant)
    text = text_of(client.get(enters(client)["Location"]))
    assert "another person must count again" in text
    assert plant.balance("BOLT") == 100
    first = StockCount.objects.get()
    again = signed_in(plant, Role.STORES, name="ken")
    listed = text_of(again.get(reverse("counts"), {"status": "recount"}))
    assert f"recount_of={first.pk}" in listed
    asked = {"location": "MAIN/LINE", "item": "BOLT", "recount_of": str(first.pk)}
    assert f'name="recount_of" value="{first.pk}"' in text_of(again.get(reverse("count-entry"), asked))
    enters(again, recount_of=str(first.pk), quantity="88", key="k2")
    assert plant.balance("BOLT") == 88


def waiting(plant: Plant) -> StockCount:
    plant.has(100, "BOLT")
    set_tolerances([ToleranceIn(quantity_down=Decimal(2), recount_beyond=False)], site=plant.site)
    return plant.counts(90, "BOLT")


def test_a_supervisor_approves_and_rejects_ticked_counts(plant: Plant) -> None:
    count = waiting(plant)
    client = signed_in(plant, Role.SUPERVISOR, name="ama")
    assert "Approve the ticked counts" in text_of(client.get(reverse("counts")))
    refused = client.post(reverse("counts-decide"), {"decision": "reject", "count": str(count.pk), "remarks": ""})
    assert "Enter why the count is rejected." in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    client.post(reverse("counts-decide"), {"decision": "approve", "count": str(count.pk), "remarks": "checked"})
    count.refresh_from_db()
    assert count.status == CountStatus.POSTED
    assert plant.balance("BOLT") == 90


def test_the_list_of_counts_takes_as_many_statements_for_many_as_for_few(plant: Plant) -> None:
    plant.has(100, "BOLT")
    plant.counts(90, "BOLT")
    client = stores(plant)
    with statements(BUDGET):
        client.get(reverse("counts"))
    for quantity in range(20):
        plant.counts(quantity, "BOLT")
    with statements(BUDGET):
        text = text_of(client.get(reverse("counts")))
    assert "All 21" in text


def test_people_without_the_right_neither_count_nor_approve(plant: Plant) -> None:
    count = waiting(plant)
    viewer = signed_in(plant, Role.VIEWER, name="vi")
    assert enters(viewer).status_code == HTTPStatus.FORBIDDEN
    decided = stores(plant).post(reverse("counts-decide"), {"decision": "approve", "count": str(count.pk)})
    assert decided.status_code == HTTPStatus.FORBIDDEN
    assert plant.balance("BOLT") == 100


def test_a_component_that_waits_is_counted_as_empty_in_two_presses(plant: Plant) -> None:
    plant.releases(5, "BRACKET")
    client = stores(plant)
    booked = client.post(reverse("book-post"), {"order": "W-BRACKET", "good": "1", "key": "b1"})
    shown = text_of(client.get(booked["Location"]))
    first_press = f"{reverse('count-entry')}?location=MAIN/LINE&amp;item=BOLT&amp;quantity=0"
    assert first_press in shown.replace("%2F", "/")
    waiting = plant.queue("BOLT")[0]
    assert "0 there: count" in text_of(client.get(reverse("unresolved"), {"open": waiting.pk}))
    entry = text_of(client.get(first_press.replace("&amp;", "&")))
    assert 'value="0"' in entry
    # The second press: four were used though none was there, so four come in and wait to be taken.
    enters(client, quantity="0", key="k2")
    assert plant.balance("BOLT") == 4


def test_home_shows_what_is_to_count_today(plant: Plant) -> None:
    plant.has(100, "BOLT")
    client = stores(plant)
    with statements(BUDGET):
        text = text_of(client.get("/blocks/counts-to-do/"))
    assert "to count today" in text
    assert "BOLT" in text


def test_a_count_shows_its_evidence_and_what_it_taught(plant: Plant) -> None:
    count = waiting(plant)
    client = signed_in(plant, Role.SUPERVISOR, name="ama")
    client.post(reverse("counts-decide"), {"decision": "approve", "count": str(count.pk), "remarks": "checked"})
    plant.books(1, "BRACKET", at=count.at - timedelta(days=1))
    with statements(BUDGET):
        text = text_of(client.get(reverse("count", args=[count.pk])))
    assert "A loss that nothing in the ledger explains." in text
    assert "because of posting" in text
    assert "checked" in text


def test_the_counts_are_exported(plant: Plant) -> None:
    count = waiting(plant)
    client = stores(plant)
    answer = client.get(reverse("counts-export", args=["csv"]), {"item": "BOLT"})
    head, line = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert head.startswith("Count,When,Item")
    assert line.split(",")[:3:2] == [str(count.pk), "BOLT"]


def test_accuracy_shows_each_figure_with_its_definition(plant: Plant) -> None:
    waiting(plant)
    client = signed_in(plant, Role.SUPERVISOR, name="ama")
    with statements(BUDGET):
        text = text_of(client.get(reverse("count-accuracy")))
    assert "counts whose difference was within their tolerance" in text
    assert "net loss" not in text
    controller = signed_in(plant, Role.CONTROLLER, name="ben")
    assert "net loss" in text_of(controller.get(reverse("count-accuracy")))
    exported = client.get(reverse("count-accuracy-export", args=["csv"]))
    assert b"All,,1,0" in b"".join(exported.streaming_content)  # type: ignore[attr-defined]


def test_tolerances_are_set_up_on_a_page(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER, name="ann")
    address = reverse("set-up-new", args=["count-tolerances"])
    client.post(address, {"item": "BOLT", "quantity_down": "2", "percent_up": "5", "recount_beyond": "on"})
    assert "BOLT" in text_of(client.get(reverse("set-up-list", args=["count-tolerances"])))
    plant.has(100, "BOLT")
    assert plant.counts(97, "BOLT").status == CountStatus.RECOUNT
    assert signed_in(plant, Role.STORES, name="rosa").post(address, {}).status_code == HTTPStatus.FORBIDDEN
