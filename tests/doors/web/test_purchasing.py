"""Purchase orders, their receipts, and our stock at sub-contractors."""

from http import HTTPStatus

import pytest
from django.urls import reverse

from backflush.backflushing.models import Booking
from backflush.core.lifecycle import PurchaseStatus
from backflush.ledger import movement_list
from backflush.people.rights import Role
from backflush.stockmap.models import Location, Supplier
from backflush.subcontract import selectors
from backflush.subcontract.models import PurchaseOrder
from tests.cast import Plant
from tests.doors.web.visitors import signed_in, statements, text_of

LIST, RECEIVE, POST = reverse("purchase-orders"), reverse("receive"), reverse("receive-post")
ORDER = reverse("purchase-order", args=["P-PLATED"])
BUDGET = 24


def belongs_to_acme(plant: Plant) -> None:
    Location.objects.filter(pk=plant.location("ACME/STOCK").pk).update(supplier=Supplier.objects.get(code="ACME"))


def new_order(**more: str) -> dict[str, str]:
    typed = {"number": "P-1", "supplier": "ACME", "placed_on": "2026-03-02"}
    lines = {"number-0": "", "item-0": "PLATED", "quantity-0": "1000", "unit-0": "", "due_date-0": "2026-03-20"}
    return typed | lines | {"item-1": "BOLT", "quantity-1": "5", "number-1": "70"} | more


def test_an_order_is_placed_with_its_lines(plant: Plant) -> None:
    client = signed_in(plant, Role.BUYER)
    response = client.post(reverse("purchase-order-create"), new_order())
    order = PurchaseOrder.objects.get()
    assert response.headers["Location"] == reverse("purchase-order", args=["P-1"])
    assert [(line.number, line.item.code, line.quantity) for line in order.lines.all()] == [
        (10, "PLATED", 1000),
        (70, "BOLT", 5),
    ]
    text = text_of(client.get(response.headers["Location"]))
    assert "20 Mar 2026" in text
    assert "P-1" in text_of(client.get(LIST))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"number": ""}, "This field is required."),
        ({"supplier": "NOBODY"}, "There is no supplier NOBODY."),
        ({"item-0": "FRAME"}, "A purchase order is for bought-in and sub-contracted items."),
        ({"quantity-0": "0.5"}, "PLATED is counted in whole pieces."),
        ({"quantity-0": ""}, "Enter a number, like 12.5."),
        ({"number-0": "10", "number-1": "10"}, "Another line has the number 10 too."),
        ({"item-0": ""}, "Enter the item."),
        ({"item-0": "", "quantity-0": "", "item-1": "", "quantity-1": ""}, "Order P-1 needs at least one line"),
        ({"due_date-0": "soon"}, "is not a date"),
    ],
)
def test_faults_are_shown_and_the_lines_keep_their_input(plant: Plant, wrong: dict[str, str], says: str) -> None:
    response = signed_in(plant, Role.BUYER).post(reverse("purchase-order-create"), new_order(**wrong))
    text = text_of(response, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert says in text
    assert ('value="5"' in text) == ("item-1" not in wrong)
    assert not PurchaseOrder.objects.exists()


def test_open_orders_come_first_and_the_list_can_be_filtered(plant: Plant) -> None:
    plant.buys(10, "PLATED", number="P-2")
    plant.buys(10, "PLATED", number="P-1")
    client = signed_in(plant, Role.BUYER)
    client.post(reverse("purchase-order-close-now", args=["P-2"]))
    text = text_of(client.get(LIST))
    assert text.index("P-1<") < text.index("P-2<")
    assert "P-2<" not in text_of(client.get(LIST, {"status": "open"}))
    assert "P-1<" in text_of(client.get(LIST, {"supplier": "ACME"}))
    assert "No purchase order matches" in text_of(client.get(LIST, {"supplier": "NOBODY"}))
    assert client.get(LIST, {"number": "P-2"}).headers["Location"] == reverse("purchase-order", args=["P-2"])


def test_a_receipt_previews_what_the_sub_contractor_used(plant: Plant) -> None:
    plant.has(30, "LUG", at="ACME/STOCK")
    plant.buys(10, "PLATED")
    client = signed_in(plant, Role.STORES)
    typed = {"order": "P-PLATED", "line": "10", "accepted": "7", "rejected": "1"}
    text = text_of(client.get(reverse("receive-preview"), typed))
    assert "from ACME/STOCK" in text
    assert "LUG is 2 short." in text
    assert "Receive 7, reject 1" in text
    assert not Booking.objects.exists()


def test_a_receipt_is_posted_once_shown_on_its_order_and_reversed_from_there(plant: Plant) -> None:
    plant.has(100, "LUG", at="ACME/STOCK")
    plant.buys(10, "PLATED")
    client = signed_in(plant, Role.SUPERVISOR)
    typed = {"order": "P-PLATED", "line": "10", "accepted": "7", "rejected": "1", "key": "once"}
    client.post(POST, typed)
    response = client.post(POST, typed)
    assert (plant.balance("PLATED", "FG"), plant.balance("LUG", "ACME/STOCK")) == (7, 68)
    text = text_of(client.get(response.headers["Location"]))
    assert "Received 7, rejected 1 of PLATED" in text
    posting = Booking.objects.get().posting_id
    assert reverse("reversal", args=[posting]) in text
    undone = client.post(reverse("take-back", args=[posting]), {"home": "1"})
    assert undone.headers["Location"].startswith(ORDER)
    assert plant.balance("LUG", "ACME/STOCK") == 100
    assert "Reversed" in text_of(client.get(reverse("receipts")))


def test_a_quantity_in_another_unit_shows_its_conversion(plant: Plant) -> None:
    plant.consists("BRACKET")
    plant.stocks("RING", "S", "SUBCON")
    plant.buys(1000, "BOLT", number="P-9")
    plant.buys("0.5", "TUBE", number="P-8")
    plant.buys(2500, "TUBE", number="P-7", unit="MM")
    client = signed_in(plant, Role.STORES)
    text = text_of(client.get(reverse("receive-preview"), {"order": "P-7", "accepted": "2000", "rejected": "500"}))
    assert "= 2.5 M in all" in text
    assert "in all" not in text_of(client.get(reverse("receive-preview"), {"order": "P-8", "accepted": "0.5"}))


def test_more_than_the_open_quantity_is_pointed_out_and_can_be_received(plant: Plant) -> None:
    plant.buys(10, "PLATED")
    client = signed_in(plant, Role.STORES)
    typed = {"order": "P-PLATED", "line": "10", "accepted": "12"}
    assert "That is more than the 10 to come." in text_of(client.get(reverse("receive-preview"), typed))
    client.post(POST, typed)
    assert "more than ordered" in text_of(client.get(ORDER))


def test_an_order_with_several_lines_asks_which_was_received(plant: Plant) -> None:
    buyer = signed_in(plant, Role.BUYER)
    buyer.post(reverse("purchase-order-create"), new_order())
    client = signed_in(plant, Role.STORES, name="sara")
    text = text_of(client.get(RECEIVE, {"order": "P-1"}))
    assert "Which order line?" in text
    assert "?order=P-1&amp;line=70" in text
    assert 'id="accepted"' in text_of(client.get(RECEIVE, {"order": "P-1", "line": "70"}))


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"accepted": ""}, "accepted"),
        ({"accepted": "1.5"}, "accepted"),
        ({"rejected": "x"}, "rejected"),
        ({"accepted": "1", "at": "2999-01-01T10:00"}, "at"),
    ],
)
def test_each_fault_of_a_receipt_is_shown_at_its_field(plant: Plant, typed: dict[str, str], field: str) -> None:
    plant.buys(10, "PLATED")
    asked = {"order": "P-PLATED", "line": "10", **typed}
    text = text_of(signed_in(plant, Role.STORES).post(POST, asked), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert f'id="{field}-error"' in text


def test_an_unknown_order_is_refused_at_the_field(plant: Plant) -> None:
    response = signed_in(plant, Role.STORES).get(RECEIVE, {"order": "NONE"})
    assert 'id="order-error"' in text_of(response, HTTPStatus.UNPROCESSABLE_ENTITY)


def test_closing_names_the_open_quantity_and_nothing_is_received_afterwards(plant: Plant) -> None:
    plant.buys(10, "PLATED")
    plant.has(100, "LUG", at="ACME/STOCK")
    plant.receives(4, "PLATED")
    client = signed_in(plant, Role.BUYER)
    text = text_of(client.get(reverse("purchase-order-close", args=["P-PLATED"])))
    assert ">6<" in text
    client.post(reverse("purchase-order-close-now", args=["P-PLATED"]))
    assert PurchaseOrder.objects.get().status == PurchaseStatus.CLOSED
    closed = text_of(client.get(ORDER))
    form = text_of(client.get(reverse("purchase-order-close", args=["P-PLATED"])))
    assert "P-PLATED is closed already." in form
    for offer in (reverse("purchase-order-close", args=["P-PLATED"]), f"{RECEIVE}?order="):
        assert offer not in closed
    assert reverse("purchase-order-close-now", args=["P-PLATED"]) not in form
    again = client.post(reverse("purchase-order-close-now", args=["P-PLATED"]))
    assert "P-PLATED is closed already." in text_of(again, HTTPStatus.CONFLICT)
    again = client.post(reverse("purchase-order-close-now", args=["P-PLATED"]))
    assert "P-PLATED is closed" in text_of(again, HTTPStatus.CONFLICT)
    refused = client.post(POST, {"order": "P-PLATED", "line": "10", "accepted": "1"})
    assert "Order P-PLATED is closed. Receive on an open order." in text_of(refused, HTTPStatus.CONFLICT)


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("purchase-order-create", {Role.BUYER, Role.ADMINISTRATOR}),
        ("receive-post", {Role.STORES, Role.SUPERVISOR, Role.BUYER, Role.ADMINISTRATOR}),
    ],
)
def test_each_operation_needs_its_right(plant: Plant, name: str, roles: set[Role]) -> None:
    answers = {role: signed_in(plant, role, name=role.value).post(reverse(name)).status_code for role in Role}
    assert {role for role, status in answers.items() if status != HTTPStatus.FORBIDDEN} == roles


def test_sub_contractors_show_their_stock_and_unresolved_movements(plant: Plant) -> None:
    belongs_to_acme(plant)
    plant.has(30, "LUG", at="ACME/STOCK")
    plant.has(8, "BOLT", at="ACME/STOCK")
    plant.buys(10, "PLATED")
    plant.receives(9, "PLATED")
    client = signed_in(plant, Role.BUYER)
    text = text_of(client.get(reverse("sub-contractors")))
    assert "ACME/STOCK" in text
    # 30 lugs at 0.75 and 8 bolts at 0.10.
    assert "23.30" in text
    one = text_of(client.get(reverse("sub-contractor", args=["ACME"])))
    assert "?item=LUG&amp;location=ACME%2FSTOCK" in one
    # 36 of 30 lugs are unresolved, so six fewer than none would be left.
    assert "\N{MINUS SIGN}6" in one
    assert "P-PLATED" in one


def test_an_unknown_supplier_is_not_found_and_the_page_needs_its_right(plant: Plant) -> None:
    buyer = signed_in(plant, Role.BUYER)
    assert buyer.get(reverse("sub-contractor", args=["NOBODY"])).status_code == HTTPStatus.NOT_FOUND
    operator = signed_in(plant, Role.OPERATOR, name="ken")
    assert operator.get(reverse("sub-contractors")).status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("few", [10_000, 1], ids=["few", "many"])
def test_all_receipts_and_only_receipts_are_listed(plant: Plant, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(movement_list, "FEW", few)
    monkeypatch.setattr(selectors, "FEW", few)
    plant.buys(10, "PLATED")
    received = [plant.receives(1, "PLATED").posting_id for _ in range(3)]
    plant.books(1, "FRAME")
    found, total = selectors.all_receipts(plant.site)
    assert [booking.posting_id for booking in found.order_by("posting")] == received
    assert total == min(3, few + 1)


def test_more_orders_receipts_and_stock_cost_no_more_statements(plant: Plant) -> None:
    belongs_to_acme(plant)
    client = signed_in(plant, Role.ADMINISTRATOR)
    plant.buys(10, "PLATED")
    plant.has(1, "LUG", at="ACME/STOCK")
    plant.receives(1, "PLATED")
    addresses = [
        LIST,
        ORDER,
        reverse("receipts"),
        reverse("sub-contractors"),
        reverse("sub-contractor", args=["ACME"]),
    ]
    for address in addresses:
        with statements(BUDGET):
            text_of(client.get(address))
    for number in range(8):
        plant.buys(10, "PLATED", number=f"P-{number}")
        plant.receives(1, "PLATED")
        plant.has(5, plant.stocks(f"PART-{number}").code, at="ACME/STOCK")
    for address in addresses:
        with statements(BUDGET):
            text_of(client.get(address))
