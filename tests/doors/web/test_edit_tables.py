"""Tables of lines in forms: rows without a script, line numbers, and as many lines as are needed."""

from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse

from backflush.people.rights import Role
from backflush.subcontract.models import PurchaseOrder, PurchaseOrderLine
from tests.cast import Plant
from tests.doors.web.visitors import signed_in, text_of

CREATE = reverse("purchase-order-create")
HEAD = {"number": "P-1", "supplier": "ACME", "placed_on": "2026-03-02"}
MANY = 400


def buyer(plant: Plant) -> Client:
    return signed_in(plant, Role.BUYER)


def row(index: int, item: str = "BOLT", quantity: str = "5", **more: str) -> dict[str, str]:
    values = {"number": "", "item": item, "quantity": quantity, "unit": "", "due_date": "", **more}
    return {f"{name}-{index}": value for name, value in values.items()}


def numbers() -> list[int]:
    return list(PurchaseOrderLine.objects.order_by("number").values_list("number", flat=True))


def test_an_order_of_hundreds_of_lines_is_placed(plant: Plant) -> None:
    """A form of 400 lines has 2,000 fields, more than Django takes unless it is told otherwise."""
    lines = {name: value for index in range(MANY) for name, value in row(index).items()}
    response = buyer(plant).post(CREATE, HEAD | lines)
    assert response.status_code == HTTPStatus.FOUND
    assert numbers() == [10 * at for at in range(1, MANY + 1)]


def test_a_row_is_added_without_a_script_and_nothing_is_saved(plant: Plant) -> None:
    lines = {name: value for index in range(3) for name, value in row(index).items()}
    text = text_of(buyer(plant).post(CREATE, HEAD | lines | {"add-row": "1"}))
    assert 'name="item-3"' in text
    assert text.count('value="BOLT"') == 3
    assert not PurchaseOrder.objects.filter(number="P-1").exists()


def test_a_row_is_removed_and_restored_without_a_script(plant: Plant) -> None:
    client, lines = buyer(plant), HEAD | row(0) | row(1, item="LUG")
    text = text_of(client.post(CREATE, lines | {"remove-row": "1"}))
    assert text.count("is-removed") == 1
    restored = text_of(client.post(CREATE, lines | {"removed-1": "on", "restore-row": "1"}))
    assert "is-removed" not in restored
    assert 'value="LUG"' in restored
    assert not PurchaseOrder.objects.filter(number="P-1").exists()


def test_a_removed_row_is_left_out(plant: Plant) -> None:
    buyer(plant).post(CREATE, HEAD | row(0) | row(1, item="NOTHING") | {"removed-1": "on"})
    assert numbers() == [10]


@pytest.mark.parametrize(
    ("entered", "saved"), [(["", "", ""], [10, 20, 30]), (["", "70", ""], [10, 70, 80]), (["5", "", ""], [5, 10, 20])]
)
def test_line_numbers_that_are_left_empty_are_filled_in(plant: Plant, entered: list[str], saved: list[int]) -> None:
    lines = {name: value for at, number in enumerate(entered) for name, value in row(at, number=number).items()}
    buyer(plant).post(CREATE, HEAD | lines)
    assert numbers() == saved


def test_each_refused_cell_is_named_at_the_head_and_marked(plant: Plant) -> None:
    response = buyer(plant).post(CREATE, HEAD | row(0, item="BOLTS") | row(1, quantity="many"))
    text = text_of(response, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "2 lines can&#x27;t be saved as they are. Nothing was changed." in text
    for cell in ("item-0", "quantity-1"):
        assert f'href="#{cell}"' in text
        assert f'id="{cell}-error"' in text
    assert "Did you mean BOLT?" in text


def test_codes_are_saved_as_they_are_kept_whatever_their_case(plant: Plant) -> None:
    buyer(plant).post(CREATE, HEAD | {"supplier": "acme"} | row(0, item="bolt"))
    line = PurchaseOrderLine.objects.select_related("item", "order__supplier").get()
    assert (line.item.code, line.order.supplier.code) == ("BOLT", "ACME")
