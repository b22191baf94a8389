"""Issues and returns by hand: scan, quantity, one sentence, confirmation; undone on the same page or on the order's."""

from http import HTTPStatus

from django.urls import reverse

from backflush.ledger.models import Posting
from backflush.people.rights import Role
from tests.cast import Plant
from tests.doors.web.visitors import signed_in, text_of

ISSUE = reverse("order-issue", args=["W-BRACKET"])
ISSUE_POST = reverse("order-issue-post", args=["W-BRACKET"])
RETURN_POST = reverse("order-return-post", args=["W-BRACKET"])


def test_a_scanned_item_shows_its_stock_and_the_quantity_issued_to_the_order(plant: Plant) -> None:
    plant.has(50, "LUG", at="RAW")
    plant.releases(10, "BRACKET")
    plant.issues(7, "LUG", "BRACKET")
    text = text_of(signed_in(plant, Role.OPERATOR).get(ISSUE, {"item": "LUG"}))
    assert "In stock at MAIN/RAW" in text
    assert ">43<" in text
    assert ">7<" in text


def test_one_sentence_is_confirmed_with_one_press_and_the_field_is_empty_again(plant: Plant) -> None:
    plant.has(50, "LUG", at="RAW")
    plant.releases(10, "BRACKET")
    client = signed_in(plant, Role.OPERATOR)
    text = text_of(client.get(ISSUE, {"item": "LUG", "quantity": "12"}))
    assert "12 EA of LUG will move from MAIN/RAW to MAIN/WIP for W-BRACKET." in text
    assert "Issue 12 EA" in text
    response = client.post(ISSUE_POST, {"item": "LUG", "quantity": "12", "key": "once"})
    assert plant.balance("LUG", "RAW") == 38
    shown = text_of(client.get(response.headers["Location"]))
    assert "12 EA of LUG moved from MAIN/RAW to MAIN/WIP." in shown
    assert 'name="item" value=""' in shown


def test_a_double_press_posts_once(plant: Plant) -> None:
    plant.has(50, "LUG", at="RAW")
    plant.releases(10, "BRACKET")
    client = signed_in(plant, Role.OPERATOR)
    for _press in range(2):
        client.post(ISSUE_POST, {"item": "LUG", "quantity": "12", "key": "once"})
    assert plant.balance("LUG", "RAW") == 38


def test_a_supervisor_undoes_an_issue_on_the_same_page(plant: Plant) -> None:
    plant.has(50, "LUG", at="RAW")
    plant.releases(10, "BRACKET")
    client = signed_in(plant, Role.SUPERVISOR)
    response = client.post(ISSUE_POST, {"item": "LUG", "quantity": "12"})
    posting = Posting.objects.order_by("-pk")[0].pk
    assert reverse("take-back", args=[posting]) in text_of(client.get(response.headers["Location"]))
    undone = client.post(reverse("take-back", args=[posting]), {"key": "undo", "home": "1"})
    assert plant.balance("LUG", "RAW") == 50
    assert undone.headers["Location"].startswith(reverse("order-bookings", args=["W-BRACKET"]))
    assert "Reversed." in text_of(client.get(undone.headers["Location"]))


def test_a_shortage_is_refused_at_the_quantity_and_the_input_is_kept(plant: Plant) -> None:
    plant.has(5, "LUG", at="RAW")
    plant.releases(10, "BRACKET")
    typed = {"item": "LUG", "quantity": "12", "remarks": "bent threads"}
    text = text_of(signed_in(plant, Role.OPERATOR).post(ISSUE_POST, typed), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="quantity-error"' in text
    assert "bent threads" in text
    assert plant.balance("LUG", "RAW") == 5


def test_a_return_cannot_exceed_the_quantity_issued_to_the_order(plant: Plant) -> None:
    plant.has(50, "LUG", at="RAW")
    plant.releases(10, "BRACKET")
    plant.issues(7, "LUG", "BRACKET")
    client = signed_in(plant, Role.OPERATOR)
    text = text_of(client.post(RETURN_POST, {"item": "LUG", "quantity": "8"}), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "7 EA of LUG were issued to order W-BRACKET. Return up to 7, not 8." in text
    client.post(RETURN_POST, {"item": "LUG", "quantity": "3"})
    assert plant.balance("LUG", "RAW") == 46


def test_batches_and_serial_numbers_are_asked_for_where_the_item_has_them(plant: Plant) -> None:
    plant.has(5, "RESIN", at="RAW", batch="B-7")
    plant.has(2, "MOTOR", at="RAW", serials=["S1", "S2"])
    plant.releases(10, "BRACKET")
    client = signed_in(plant, Role.OPERATOR)
    assert '<option value="B-7">' in text_of(client.get(ISSUE, {"item": "RESIN"}))
    refused = client.post(ISSUE_POST, {"item": "RESIN", "quantity": "1"})
    assert 'id="batch-error"' in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    client.post(ISSUE_POST, {"item": "RESIN", "quantity": "1.5", "batch": "B-7"})
    client.post(ISSUE_POST, {"item": "MOTOR", "quantity": "2", "serials": "S1\nS2"})
    assert plant.balance("RESIN", "RAW") == 3.5
    assert plant.balance("MOTOR", "RAW") == 0


def test_an_unknown_item_is_refused_at_the_field(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    response = signed_in(plant, Role.OPERATOR).get(ISSUE, {"item": "NOWHERE"})
    assert 'id="item-error"' in text_of(response, HTTPStatus.UNPROCESSABLE_ENTITY)


def test_a_complete_order_takes_nothing(plant: Plant) -> None:
    plant.has(50, "LUG", at="RAW")
    plant.orders(10, "BRACKET")
    response = signed_in(plant, Role.OPERATOR).post(ISSUE_POST, {"item": "LUG", "quantity": "1"})
    assert "W-BRACKET is new. Release it first." in text_of(response, HTTPStatus.CONFLICT)


def test_reversing_a_booking_previews_what_goes_back_and_needs_its_right(plant: Plant) -> None:
    plant.has(50, "BOLT")
    plant.releases(10, "BRACKET")
    booking = plant.books(4, "BRACKET")
    page, now = (reverse(name, args=[booking.posting_id]) for name in ("reversal", "take-back"))
    operator = signed_in(plant, Role.OPERATOR, name="ken")
    assert "Supervisors may reverse this" in text_of(operator.get(page))
    assert operator.post(now).status_code == HTTPStatus.FORBIDDEN
    client = signed_in(plant, Role.SUPERVISOR)
    assert "Reverse the booking: 4 good, 0 scrap of BRACKET" in text_of(client.get(page))
    client.post(now)
    assert plant.balance("BOLT") == 50
    assert "This was reversed on" in text_of(client.post(now), HTTPStatus.CONFLICT)


def test_a_booking_whose_goods_have_left_cannot_be_reversed(plant: Plant) -> None:
    plant.has(50, "BOLT")
    plant.releases(10, "BRACKET")
    booking = plant.books(4, "BRACKET")
    plant.moves(2, "BRACKET", "FG", "ADJUST", action="ADJUST")
    response = signed_in(plant, Role.SUPERVISOR).post(reverse("take-back", args=[booking.posting_id]))
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert plant.balance("BOLT") == 34
