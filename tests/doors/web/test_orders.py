"""Works orders: the list, an order's views, its operations, and the printed order."""

import base64
import json
import re
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from backflush.core.lifecycle import BOOKABLE, OrderStatus
from backflush.people.rights import Role
from backflush.works.models import OrderChange, WorksOrder
from backflush.works.services.orders import OrderIn, create_order
from backflush.works.services.transitions import cancel_order
from tests.cast import DAY, Plant
from tests.doors.web.visitors import MODEL_BACKEND, browser, person, signed_in, statements, text_of

TABS = ("order", "order-bookings", "order-cost", "order-structure", "order-history", "order-print")
BUDGET = 26
LIST_BUDGET = 16
"""The list is read in five runs, one per status."""


def at(name: str, order: str = "W-BRACKET") -> str:
    return reverse(name, args=[order])


def status_of(plant: Plant, item: str = "BRACKET") -> str:
    return plant.order(item).status


def new_order(**more: Any) -> dict[str, Any]:
    return {"number": "W-7", "item": "BRACKET", "quantity": "12", "start_date": "2026-03-02", **more}


def test_the_list_begins_with_orders_that_take_bookings(plant: Plant) -> None:
    for number, item in (("W-1", "BRACKET"), ("W-2", "FRAME"), ("W-3", "TRAY"), ("W-4", "CRATE")):
        plant.orders(5, item, number=number)
    client = signed_in(plant, Role.SUPERVISOR)
    client.post(at("order-release", "W-1"))
    client.post(at("order-cancel-now", "W-4"), {"remarks": "not wanted"})
    text = text_of(client.get(reverse("orders")))
    assert [text.index(number) for number in ("W-1<", "W-3<", "W-2<", "W-4<")] == sorted(
        text.index(number) for number in ("W-1<", "W-3<", "W-2<", "W-4<")
    )


def test_the_list_is_filtered_by_status_and_prefix(plant: Plant) -> None:
    plant.orders(5, "BRACKET", number="A-1")
    plant.releases(5, "BRACKET", number="B-1")
    client = signed_in(plant, Role.VIEWER)
    text = text_of(client.get(reverse("orders"), {"status": "released"}))
    assert "B-1<" in text
    assert "A-1<" not in text
    text = text_of(client.get(reverse("orders"), {"number": "A"}))
    assert "A-1<" in text
    assert "B-1<" not in text
    assert "No works order matches" in text_of(client.get(reverse("orders"), {"number": "C"}))
    wrong = client.get(reverse("orders"), {"status": "lost"})
    assert wrong.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_a_complete_number_opens_its_order(plant: Plant) -> None:
    plant.orders(5, "BRACKET")
    response = signed_in(plant, Role.VIEWER).get(reverse("orders"), {"number": "W-BRACKET"})
    assert response.headers["Location"] == at("order")


def test_the_list_has_a_next_page(plant: Plant) -> None:
    for number in range(60):
        plant.orders(5, "BRACKET", number=f"W-{number:03}")
    client = signed_in(plant, Role.VIEWER)
    first = text_of(client.get(reverse("orders")))
    assert "50 of 60" in first
    after = first.split("after=")[1].split('"')[0]
    second = text_of(client.get(reverse("orders"), {"after": after}))
    assert "W-009<" in second
    assert "W-010<" not in second


def test_the_pages_of_the_list_run_through_all_statuses_and_back(plant: Plant) -> None:
    for number in range(30):
        plant.releases(5, "BRACKET", number=f"R-{number:03}")
        plant.orders(5, "BRACKET", number=f"N-{number:03}")
    cancel_order(site=plant.site, number="N-000", by=plant.storekeeper)
    plant.books(1, "R-007")
    client = signed_in(plant, Role.VIEWER)
    first = text_of(client.get(reverse("orders")))
    assert first.index(">R-007<") < first.index(">R-029<") < first.index(">R-000<") < first.index(">N-029<")
    assert ">N-009<" not in first
    second = text_of(client.get(reverse("orders"), {"after": first.split("after=")[1].split('"')[0]}))
    assert second.index(">N-009<") < second.index(">N-001<") < second.index(">N-000<")
    assert ">N-010<" not in second
    back = text_of(client.get(reverse("orders"), {"before": second.split("before=")[1].split('"')[0]}))
    assert [number in back for number in (">R-007<", ">N-010<", ">N-009<")] == [True, True, False]


def test_a_tampered_page_mark_is_refused(plant: Plant) -> None:
    client = signed_in(plant, Role.VIEWER)
    for values in ([9, "R-1"], ["0", "R-1"], [0], {"0": 1}):
        mark = base64.urlsafe_b64encode(json.dumps(values).encode()).decode()
        refused = client.get(reverse("orders"), {"after": mark})
        assert "Start again from the first page" in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)


def test_more_orders_cost_no_more_statements(plant: Plant) -> None:
    client = signed_in(plant, Role.VIEWER)
    plant.releases(5, "BRACKET")
    with statements(LIST_BUDGET):
        client.get(reverse("orders"))
    for number in range(30):
        plant.orders(5, "FRAME", number=f"W-{number}")
    with statements(LIST_BUDGET):
        client.get(reverse("orders"))


def test_an_order_is_made_from_a_form(plant: Plant) -> None:
    client = signed_in(plant, Role.SUPERVISOR)
    response = client.post(reverse("order-create"), new_order(unit="BOX", due_date="2026-03-20", remarks="for Ken"))
    assert response.headers["Location"] == at("order", "W-7")
    made = WorksOrder.objects.get(number="W-7")
    assert (made.quantity, made.unit.code, made.factor, made.remarks) == (12, "BOX", 12, "for Ken")
    assert made.start_date == DAY


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"number": ""}, "number"),
        ({"item": "NOWHERE"}, "item"),
        ({"item": "BOLT"}, "item"),
        ({"quantity": "many"}, "quantity"),
        ({"quantity": "1.5"}, "quantity"),
        ({"unit": "KG"}, "unit"),
        ({"due_date": "2026-02-01"}, "due_date"),
        ({"start_date": "tomorrow"}, "start_date"),
    ],
)
def test_each_fault_is_shown_at_its_field_and_the_input_is_kept(
    plant: Plant, wrong: dict[str, str], field: str
) -> None:
    response = signed_in(plant, Role.SUPERVISOR).post(reverse("order-create"), new_order(remarks="keep me", **wrong))
    text = text_of(response, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert f'id="{field}-error"' in text
    assert "keep me" in text
    assert not WorksOrder.objects.exists()


def test_a_number_that_is_taken_is_a_conflict(plant: Plant) -> None:
    plant.orders(5, "BRACKET", number="W-7")
    text = text_of(signed_in(plant, Role.SUPERVISOR).post(reverse("order-create"), new_order()), HTTPStatus.CONFLICT)
    assert "There is a works order W-7 already." in text


def test_materials_show_short_and_unresolved_components(plant: Plant) -> None:
    plant.has(10, "BOLT")
    plant.releases(10, "BRACKET")
    plant.books(4, "BRACKET")
    text = text_of(signed_in(plant, Role.OPERATOR).get(at("order")))
    assert 'class="is-bad"' in text
    assert reverse("unresolved") + "?order=W-BRACKET&amp;item=BOLT" in text


def test_bookings_show_the_state_of_their_assumed_use(plant: Plant) -> None:
    plant.has(20, "BOLT")
    plant.releases(100, "BRACKET")
    plant.books(4, "BRACKET")
    waiting = plant.books(2, "BRACKET")
    plant.reverses(plant.books(1, "BRACKET"))
    plant.has(9, "LUG", at="RAW")
    plant.issues(3, "LUG", "BRACKET", remarks="bent ones")
    text = text_of(signed_in(plant, Role.SUPERVISOR).get(at("order-bookings")))
    assert "1 line moved" in text
    assert "1 of 1 unresolved" in text
    assert "Reversed" in text
    assert "bent ones" in text
    assert reverse("reversal", args=[waiting.posting_id]) in text


def test_costs_need_their_right(plant: Plant) -> None:
    plant.has(100, "BOLT")
    plant.releases(10, "BRACKET")
    plant.books(2, "BRACKET")
    text = text_of(signed_in(plant, Role.CONTROLLER).get(at("order-cost")))
    assert "0.80" in text
    supervisor = signed_in(plant, Role.SUPERVISOR, name="jan")
    assert supervisor.get(at("order-cost")).status_code == HTTPStatus.FORBIDDEN
    assert at("order-cost") not in text_of(supervisor.get(at("order")))


def test_a_new_order_is_released_reset_and_traced(plant: Plant) -> None:
    plant.orders(5, "BRACKET")
    client = signed_in(plant, Role.SUPERVISOR)
    assert client.post(at("order-release")).headers["Location"] == at("order")
    assert status_of(plant) == OrderStatus.RELEASED
    client.post(at("order-reset"))
    assert status_of(plant) == OrderStatus.NEW
    text = text_of(client.get(at("order-history")))
    assert "Rosa Marsh" in text
    client.post(at("order-release"))
    plant.books(1, "BRACKET")
    assert "Opened by its first posting" in text_of(client.get(at("order-history")))
    assert [(one.before, one.after) for one in OrderChange.objects.order_by("pk")] == [
        ("", "new"),
        ("new", "released"),
        ("released", "new"),
        ("new", "released"),
    ]


def test_release_names_every_missing_conversion_at_once(plant: Plant) -> None:
    plant.consists("BRACKET", plant.line(10, "BOLT", 4, "KG"), plant.line(20, "LUG", 1, "M"))
    plant.orders(5, "BRACKET")
    response = signed_in(plant, Role.SUPERVISOR).post(at("order-release"))
    text = text_of(response, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "There is no conversion from KG to EA for BOLT (line 10 of BRACKET)" in text
    assert "There is no conversion from M to EA for LUG (line 20 of BRACKET)" in text
    assert status_of(plant) == OrderStatus.NEW


def test_an_order_without_lines_is_released_with_a_warning(plant: Plant) -> None:
    plant.consists("BRACKET")
    plant.orders(5, "BRACKET")
    client = signed_in(plant, Role.SUPERVISOR)
    assert "W-BRACKET has no structure lines" in text_of(client.get(at("order")))
    client.post(at("order-release"))
    assert "W-BRACKET has no structure lines" in text_of(client.get(at("order")))


def test_releasing_twice_is_a_conflict_that_is_shown_on_the_order(plant: Plant) -> None:
    plant.releases(5, "BRACKET")
    text = text_of(signed_in(plant, Role.SUPERVISOR).post(at("order-release")), HTTPStatus.CONFLICT)
    assert "W-BRACKET is released. Only a new order can be changed or released." in text


def test_completing_lists_unresolved_movements_first(plant: Plant) -> None:
    plant.releases(5, "BRACKET")
    plant.books(5, "BRACKET")
    client = signed_in(plant, Role.SUPERVISOR)
    text = text_of(client.get(at("order-complete")))
    assert "One movement of this order is unresolved. It can still be resolved afterwards." in text
    assert f"?open={plant.queue()[0].pk}" in text
    client.post(at("order-complete-now"))
    assert status_of(plant) == OrderStatus.COMPLETE
    client.post(at("order-reopen"))
    assert status_of(plant) == OrderStatus.OPEN


def test_cancelling_an_order_needs_a_reason(plant: Plant) -> None:
    plant.orders(5, "BRACKET")
    client = signed_in(plant, Role.SUPERVISOR)
    text = text_of(client.post(at("order-cancel-now"), {"remarks": " "}), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="remarks-error"' in text
    client.post(at("order-cancel-now"), {"remarks": "sold elsewhere"})
    assert status_of(plant) == OrderStatus.CANCELLED
    assert "sold elsewhere" in text_of(client.get(at("order-history")))


def test_changes_of_quantity_and_due_date_are_traced_and_unchanged_values_are_not(plant: Plant) -> None:
    plant.releases(5, "BRACKET")
    client = signed_in(plant, Role.SUPERVISOR)
    due = (DAY + timedelta(days=9)).isoformat()
    client.post(at("order-revise-now"), {"quantity": "1200", "due_date": due, "remarks": "more wanted"})
    client.post(at("order-revise-now"), {"quantity": "1200", "due_date": due, "remarks": "the same"})
    order = plant.order("BRACKET")
    assert (order.quantity, order.due_date) == (1200, DAY + timedelta(days=9))
    assert [one.what for one in OrderChange.objects.exclude(what="status")] == ["quantity", "due date"]


def test_a_wrong_quantity_is_refused_at_the_field(plant: Plant) -> None:
    plant.releases(5, "BRACKET")
    response = signed_in(plant, Role.SUPERVISOR).post(at("order-revise-now"), {"quantity": "0.5", "remarks": "why"})
    text = text_of(response, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="quantity-error"' in text
    assert "why" in text


def lines_typed(*rows: tuple[str, str, str]) -> dict[str, str]:
    typed: dict[str, str] = {}
    for at_row, (number, component, quantity) in enumerate(rows):
        typed |= {f"number-{at_row}": number, f"component-{at_row}": component, f"quantity-{at_row}": quantity}
    return typed


def test_the_structure_of_a_new_order_is_edited_and_copied_again(plant: Plant) -> None:
    plant.orders(5, "BRACKET")
    client = signed_in(plant, Role.SUPERVISOR)
    shown = text_of(client.get(at("order-structure"), {"edit": "1"}))
    assert 'name="component-0" value="BOLT"' in shown
    typed = lines_typed(("10", "BOLT", "6"), ("20", "LUG", "2"), ("", "", ""))
    client.post(at("order-structure-keep"), typed | {"by_hand-1": "on", "source-0": "MAIN/RAW", "waste-0": "4"})
    lines = plant.order("BRACKET").structure.lines.order_by("position")  # type: ignore[union-attr]
    assert [(line.component.code, line.by_hand, line.source_id) for line in lines] == [
        ("BOLT", False, plant.location("RAW").pk),
        ("LUG", True, None),
    ]
    client.post(at("order-refresh-structure"))
    assert plant.order("BRACKET").structure.lines.count() == 1  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (("10", "NOWHERE", "1"), "There is no item NOWHERE."),
        (("ten", "BOLT", "1"), "is not a whole number. Write it like 10."),
        (("10", "BOLT", "some"), "is not a number"),
    ],
)
def test_a_faulty_line_is_shown_and_the_others_keep_their_input(
    plant: Plant, row: tuple[str, str, str], says: str
) -> None:
    plant.orders(5, "BRACKET")
    typed = lines_typed(row, ("20", "LUG", "77"))
    response = signed_in(plant, Role.SUPERVISOR).post(at("order-structure-keep"), typed)
    text = text_of(response, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert says in text
    assert 'value="77"' in text


def test_a_released_order_keeps_its_structure(plant: Plant) -> None:
    plant.releases(5, "BRACKET")
    client = signed_in(plant, Role.SUPERVISOR)
    response = client.post(at("order-structure-keep"), lines_typed(("10", "LUG", "1")))
    assert "W-BRACKET is released" in text_of(response, HTTPStatus.CONFLICT)
    assert "component-0" not in text_of(client.get(at("order-structure"), {"edit": "1"}))


def test_the_paper_has_the_qr_code_the_materials_and_the_bookings(plant: Plant) -> None:
    plant.has(10, "BOLT")
    plant.releases(5, "BRACKET")
    plant.books(2, "BRACKET")
    text = text_of(signed_in(plant, Role.OPERATOR).get(at("order-print")))
    assert 'aria-label="QR code of W-BRACKET"' in text
    assert "BOLT" in text
    assert "2 Mar 2026 00:00" in text


@pytest.mark.parametrize("name", TABS)
def test_many_bookings_and_lines_cost_no_more_statements(plant: Plant, name: str) -> None:
    client = signed_in(plant, Role.ADMINISTRATOR)
    plant.has(100, "LUG", at="RAW")
    plant.books(1, "BRACKET")
    plant.issues(1, "LUG", "BRACKET")
    with statements(BUDGET):
        text_of(client.get(at(name)))
    parts = [plant.line(number, plant.stocks(f"PART-{number}").code, 1) for number in range(10, 130, 10)]
    plant.consists("FRAME", *parts)
    for _again in range(6):
        plant.books(1, "FRAME")
        plant.issues(1, "LUG", "FRAME")
    with statements(BUDGET):
        text_of(client.get(at(name, "W-FRAME")))


def test_a_number_with_slashes_and_signs_has_a_page_too(plant: Plant) -> None:
    plant.orders(5, "BRACKET", number="A/17 #3?")
    client = signed_in(plant, Role.SUPERVISOR)
    assert at("order", "A/17 #3?") in text_of(client.get(reverse("orders")))
    assert "A/17 #3?" in text_of(client.get(at("order", "A/17 #3?")))


@pytest.mark.parametrize("name", TABS)
def test_an_unknown_order_is_not_found(plant: Plant, name: str) -> None:
    assert signed_in(plant, Role.ADMINISTRATOR).get(at(name)).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("order-release", {Role.SUPERVISOR, Role.ADMINISTRATOR}),
        ("order-refresh-structure", {Role.SUPERVISOR, Role.ADMINISTRATOR}),
        ("order-structure-keep", {Role.SUPERVISOR, Role.ADMINISTRATOR}),
        ("order-reset", {Role.SUPERVISOR, Role.ADMINISTRATOR}),
        ("order-complete-now", {Role.SUPERVISOR, Role.ADMINISTRATOR}),
        ("order-reopen", {Role.SUPERVISOR, Role.ADMINISTRATOR}),
        ("order-cancel-now", {Role.SUPERVISOR, Role.ADMINISTRATOR}),
        ("order-revise-now", {Role.SUPERVISOR, Role.ADMINISTRATOR}),
        ("order-issue-post", {Role.OPERATOR, Role.STORES, Role.SUPERVISOR, Role.ADMINISTRATOR}),
        ("order-return-post", {Role.OPERATOR, Role.STORES, Role.SUPERVISOR, Role.ADMINISTRATOR}),
    ],
)
def test_each_operation_needs_its_right(plant: Plant, name: str, roles: set[Role]) -> None:
    may = {role for role in Role if allowed(signed_in(plant, role, name=role.value), at(name))}
    assert may == roles


def allowed(client: Client, address: str) -> bool:
    return client.post(address).status_code != HTTPStatus.FORBIDDEN


def test_no_operation_runs_without_the_csrf_token(plant: Plant) -> None:
    plant.orders(5, "BRACKET")
    client = browser(enforce_csrf_checks=True)
    client.force_login(person(plant, Role.SUPERVISOR), backend=MODEL_BACKEND)
    assert client.post(at("order-release")).status_code == HTTPStatus.FORBIDDEN
    assert client.get(at("order-release")).status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert status_of(plant) == OrderStatus.NEW


OFFERED = {
    "order-release": {OrderStatus.NEW},
    "order-reset": {OrderStatus.RELEASED},
    "order-revise": {OrderStatus.NEW, *BOOKABLE},
    "order-cancel": {OrderStatus.NEW, OrderStatus.RELEASED},
    "order-complete": BOOKABLE,
    "order-reopen": {OrderStatus.COMPLETE},
    "order-issue": BOOKABLE,
    "order-return": BOOKABLE,
}
FORMS = {
    "order-revise": "order-revise-now",
    "order-cancel": "order-cancel-now",
    "order-complete": "order-complete-now",
    "order-issue": "order-issue",
    "order-return": "order-return",
}
"""The address of each operation's form, and the address it posts to."""


@pytest.mark.parametrize("plant", ["sqlite"], indirect=True)
@pytest.mark.parametrize("status", OrderStatus)
def test_no_page_of_an_order_offers_what_its_status_would_refuse(plant: Plant, status: OrderStatus) -> None:
    plant.releases(10, "BRACKET")
    if status == OrderStatus.OPEN:
        plant.books(1, "BRACKET")
    WorksOrder.objects.filter(number="W-BRACKET").update(status=status)
    client = signed_in(plant, Role.ADMINISTRATOR, name="ama")
    text = text_of(client.get(at("order")))
    assert {name for name in OFFERED if f'"{at(name)}"' in text} == {
        name for name in OFFERED if status in OFFERED[name]
    }
    assert (f"{reverse('book')}?order=" in text) is (status in BOOKABLE)
    for name, leads_to in FORMS.items():
        form = " ".join(client.get(at(name)).content.decode().split())
        assert (f'action="{at(leads_to)}"' in form) is (status in OFFERED[name]), name
        assert ('role="alert"' in form) is (status not in OFFERED[name]), name
        assert f'href="{at("order")}"' in form


def test_orders_are_found_by_item_and_by_due_date(plant: Plant) -> None:
    """By due date the list has what is still to be made, the earliest first."""
    wanted = (("W-1", "BRACKET", 9), ("W-2", "FRAME", 5), ("W-3", "BRACKET", 3), ("W-4", "BRACKET", None))
    for number, item, due in wanted:
        due_date = None if due is None else DAY + timedelta(days=due)
        order = OrderIn(number=number, item=item, quantity=Decimal(5), start_date=DAY, due_date=due_date)
        create_order(order, site=plant.site, by=plant.storekeeper)

    def listed(**asked: str) -> list[str]:
        text = text_of(signed_in(plant, Role.VIEWER).get(reverse("orders"), asked))
        return re.findall(r'class="row-link code" href="/orders/materials/(W-\d)/"', text)

    assert listed(item="bracket") == ["W-4", "W-3", "W-1"]
    assert listed(sort="due") == ["W-3", "W-2", "W-1"]
    assert listed(sort="due", due=f"{DAY + timedelta(days=5):%Y-%m-%d}") == ["W-3", "W-2"]
    assert listed(item="FRAME", number="W") == ["W-2"]
