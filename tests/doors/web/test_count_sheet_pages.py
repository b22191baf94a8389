"""Count sheets on the pages: make one, count it line by line, approve, print, close."""

import re
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from backflush.counts.models import CountSheet, SheetLine, SheetStatus, StockCount
from backflush.counts.tolerances import ToleranceIn, set_tolerances
from backflush.people.rights import Role
from tests.cast import Plant
from tests.doors.web.visitors import signed_in, statements, text_of

BUDGET = 24


@pytest.fixture
def rosa(plant: Plant) -> Client:
    plant.has(731, "BOLT")
    plant.has(50, "LUG")
    plant.boxes("BOLT", of=12)
    return signed_in(plant, Role.STORES, name="rosa")


def makes(client: Client, **said: Any) -> CountSheet:
    answer = client.post(reverse("new-count-sheet"), {"locations": "MAIN/LINE", **said})
    assert answer.status_code == HTTPStatus.FOUND, text_of(answer, answer.status_code)
    return CountSheet.objects.latest("pk")


def words_of(answer: Any) -> list[str]:
    """Return the words and numbers of a page, without its attributes."""
    return re.findall(r"\w+", re.sub("<[^>]+>", " ", text_of(answer)))


def line(sheet: CountSheet, item: str) -> SheetLine:
    return SheetLine.objects.get(sheet=sheet, item__code=item)


def enters(client: Client, sheet: CountSheet, item: str, quantity: str, *, key: str = "k1", **more: Any) -> Any:
    said = {"line": line(sheet, item).pk, "quantity": quantity, "key": key, **more.pop("said", {})}
    return client.post(reverse("sheet-entry-post", args=[sheet.pk]), said, **more)


def test_a_sheet_is_made_and_counted_line_by_line(rosa: Client, plant: Plant) -> None:
    with statements(BUDGET):
        form = text_of(rosa.get(reverse("new-count-sheet")))
    assert "Random sample of" in form
    sheet = makes(rosa, title="Week 10", counters="rosa")
    entry = text_of(rosa.get(reverse("sheet-entry", args=[sheet.pk])))
    assert "0 of 2 lines are counted." in entry
    assert 'data-unit="BOX" data-factor="12"' in " ".join(entry.split())
    answer = enters(rosa, sheet, "BOLT", "60 BOX + 3")
    shown = text_of(rosa.get(answer["Location"])).replace("\N{MINUS SIGN}", "-")
    assert "Counted 723 EA BOLT at MAIN/LINE; 731 were expected. The difference of -8 is posted." in shown
    assert plant.balance("BOLT") == 723
    undone = rosa.post(
        reverse("sheet-entry-undo", args=[sheet.pk]), {"posting": StockCount.objects.get().posting_id, "key": "u1"}
    )
    assert "Undone" in text_of(rosa.get(undone["Location"]))
    assert line(sheet, "BOLT").count is None


def test_the_script_of_the_page_sends_a_kept_count_once(rosa: Client, plant: Plant) -> None:
    sheet = makes(rosa)
    for _ in range(2):
        answer = enters(rosa, sheet, "BOLT", "731", headers={"X-Kept-Count": "1"})
        assert answer.json()["said"] == "Counted 731 EA BOLT at MAIN/LINE, as expected."
    assert StockCount.objects.count() == 1
    refused = enters(rosa, sheet, "BOLT", "700", key="k2", headers={"X-Kept-Count": "1"})
    assert (refused.status_code, "has counted BOLT" in refused.json()["refused"]) == (HTTPStatus.CONFLICT, True)
    faulty = enters(rosa, sheet, "LUG", "many", key="k3", headers={"X-Kept-Count": "1"})
    assert faulty.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_faulty_input_is_refused_at_the_line_and_kept(rosa: Client) -> None:
    sheet = makes(rosa)
    text = text_of(enters(rosa, sheet, "LUG", "many"), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="quantity-error"' in text
    assert 'value="many"' in text
    assert text.index("LUG") < text.index("BOLT")


def test_a_scan_opens_the_line_of_an_item(rosa: Client) -> None:
    sheet = makes(rosa)
    address = reverse("sheet-entry", args=[sheet.pk])
    text = text_of(rosa.get(address, {"scan": "lug"}))
    assert text.index("LUG") < text.index("BOLT")
    scanned = f"http://testserver{address}?line={line(sheet, 'LUG').pk}"
    text = text_of(rosa.get(address, {"scan": scanned}))
    assert text.index("LUG") < text.index("BOLT")
    assert "isn&#x27;t on count sheet" in text_of(rosa.get(address, {"scan": "MOTOR"}))


def test_a_blind_sheet_shows_no_book_quantity_anywhere_before_it_is_counted(rosa: Client, plant: Plant) -> None:
    set_tolerances([ToleranceIn(quantity_down=Decimal(1), approval_value=Decimal(1000))], site=plant.site)
    blind, sheet_page = makes(rosa, blind="on"), "count-sheet"
    for name in (sheet_page, "count-sheet-print", "sheet-entry"):
        assert "731" not in words_of(rosa.get(reverse(name, args=[blind.pk])))
    # Beyond the tolerance another person counts again, and mustn't see it either.
    enters(rosa, blind, "BOLT", "600")
    ken = signed_in(plant, Role.STORES, name="ken")
    for address in (reverse(sheet_page, args=[blind.pk]), reverse("sheet-entry", args=[blind.pk]), reverse("counts")):
        assert "731" not in words_of(ken.get(address))
    again = {"recount_of": str(StockCount.objects.get().pk)}
    enters(ken, blind, "BOLT", "600", key="k2", said=again)
    assert "731" in words_of(ken.get(reverse(sheet_page, args=[blind.pk])))


def test_a_sheet_that_is_not_blind_prints_what_is_expected(rosa: Client) -> None:
    sheet = makes(rosa)
    with statements(BUDGET):
        text = text_of(rosa.get(reverse("count-sheet-print", args=[sheet.pk])))
    assert "731" in re.sub("<[^>]+>", " ", text)
    assert text.count("<svg") >= 3


def test_a_whole_sheet_is_approved_and_closed(rosa: Client, plant: Plant) -> None:
    set_tolerances([ToleranceIn(quantity_down=Decimal(1), recount_beyond=False)], site=plant.site)
    sheet = makes(rosa)
    enters(rosa, sheet, "BOLT", "700")
    ama = signed_in(plant, Role.SUPERVISOR, name="ama")
    page, decide = reverse("count-sheet", args=[sheet.pk]), reverse("count-sheet-decide", args=[sheet.pk])
    end = reverse("count-sheet-end", args=[sheet.pk])
    assert "Approve all that wait: 1" in text_of(ama.get(page))
    assert rosa.post(decide, {"decision": "all"}).status_code == HTTPStatus.FORBIDDEN
    assert "wait for a recount" in text_of(ama.post(end, {"decision": "close", "reason": ""}), HTTPStatus.CONFLICT)
    ama.post(decide, {"decision": "all", "remarks": "looked"})
    assert plant.balance("BOLT") == 700
    refused = text_of(ama.post(end, {"decision": "close", "reason": ""}), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "The first is LUG at MAIN/LINE." in refused
    ama.post(end, {"decision": "close", "reason": "no time"})
    sheet.refresh_from_db()
    assert (sheet.status, sheet.ended_because) == (SheetStatus.CLOSED, "no time")
    listed = text_of(ama.get(reverse("count-sheets"), {"status": "closed"}))
    assert "1 of 2" in " ".join(listed.split())


def test_the_pages_take_as_many_statements_for_many_lines_as_for_one(rosa: Client, plant: Plant) -> None:
    for number in range(30):
        plant.has(5, "RESIN", batch=f"B{number}")
    sheet = makes(rosa)
    enters(rosa, sheet, "BOLT", "700")
    for name in ("count-sheet", "sheet-entry", "count-sheet-print"):
        with statements(BUDGET):
            rosa.get(reverse(name, args=[sheet.pk]))
    with statements(BUDGET):
        rosa.get(reverse("count-sheets"))


def test_what_is_due_becomes_a_sheet(rosa: Client, plant: Plant) -> None:
    with statements(BUDGET + 16):
        text = text_of(rosa.get(reverse("counts-next")))
    assert "Never counted" in text
    rosa.post(reverse("new-count-sheet"), {"balance": "MAIN/LINE\tBOLT", "title": "today"})
    assert [line.item.code for line in SheetLine.objects.select_related("item")] == ["BOLT"]
    assert "what to count next" in text_of(rosa.get(reverse("count-sheets")))


def test_a_supervisor_changes_the_plan(rosa: Client, plant: Plant) -> None:
    said = {"yearly_a": "12", "yearly_b": "4", "yearly_c": "1", "daily_most": "8", "blind": "on"}
    assert rosa.post(reverse("count-plan"), said).status_code == HTTPStatus.FORBIDDEN
    ama = signed_in(plant, Role.SUPERVISOR, name="ama")
    refused = ama.post(reverse("count-plan"), {**said, "yearly_c": "0"})
    assert 'id="yearly_c-error"' in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    ama.post(reverse("count-plan"), said)
    assert "0 of 8 counts of today are done." in text_of(ama.get(reverse("counts-next")))


def test_the_cut_off_list_leads_to_what_is_not_booked(rosa: Client, plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    plant.buys(5, "PLATED")
    with statements(BUDGET):
        text = text_of(rosa.get(reverse("count-cut-off")))
    assert reverse("order", args=["W-BRACKET"]) in text
    assert reverse("purchase-order", args=["P-PLATED"]) in text
