"""The plant's tables as files in the columns of the import: who may have which, and a round trip through one."""

from http import HTTPStatus
from io import BytesIO
from pathlib import Path

import pytest
from django.urls import reverse
from python_calamine import CalamineWorkbook

from backflush.imports.exports import EXPORTS
from backflush.people.rights import Role
from backflush.web.exchange.table_export import SEEN_BY
from tests.cast import Plant
from tests.doors.web.visitors import signed_in, statements, text_of
from tests.imports import brought, counts

BUDGET = 30


@pytest.mark.parametrize("table", EXPORTS)
def test_a_table_comes_back_as_it_was(plant: Plant, table: str, tmp_path: Path) -> None:
    client = signed_in(plant, Role.ADMINISTRATOR)
    with statements(BUDGET):
        sent = client.get(reverse("table-export", args=[table, "csv"]))
        content = sent.getvalue()
    assert f'filename="{table}.csv"' in sent["Content-Disposition"]
    (tmp_path / f"{table}.csv").write_bytes(content)
    new, changed, _ = counts(brought(tmp_path, update=True))[table]
    assert (new, changed) == (0, 0)


def test_a_workbook_has_the_chosen_tables_or_all(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    page = text_of(client.get(reverse("export")))
    assert all(table in page for table in EXPORTS)
    some = client.get(reverse("export-workbook"), {"table": ["items", "rules"]}).getvalue()
    assert CalamineWorkbook.from_filelike(BytesIO(some)).sheet_names == ["rules", "items"]
    whole = client.get(reverse("export-workbook")).getvalue()
    assert CalamineWorkbook.from_filelike(BytesIO(whole)).sheet_names == [*EXPORTS]


def test_lists_offer_their_table_and_rights_hold(plant: Plant) -> None:
    client = signed_in(plant, Role.ADMINISTRATOR)
    lists = {"items": "items", "orders": "works_orders", "purchase-orders": "purchase_orders"}
    shown = [(reverse(name), table) for name, table in lists.items()]
    shown += [(reverse("set-up-list", args=["type-codes"]), "type_codes"), (reverse("actions"), "rules")]
    for address, table in shown:
        assert reverse("table-export", args=[table, "xlsx"]) in client.get(address).content.decode()
    assert client.get(reverse("table-export", args=["bookings", "csv"])).status_code == HTTPStatus.NOT_FOUND
    assert client.get(reverse("table-export", args=["items", "pdf"])).status_code == HTTPStatus.NOT_FOUND


def test_costs_and_set_up_are_only_for_those_who_may_see_them(plant: Plant) -> None:
    operator = signed_in(plant, Role.OPERATOR)
    items = operator.get(reverse("table-export", args=["items", "csv"])).getvalue().decode("utf-8-sig")
    assert "standard_material" not in items.splitlines()[0]
    assert operator.get(reverse("table-export", args=["rules", "csv"])).status_code == HTTPStatus.FORBIDDEN
    assert "rules" not in text_of(operator.get(reverse("export")))
    assert SEEN_BY.keys() == EXPORTS.keys()
