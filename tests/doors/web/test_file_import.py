"""Import in the browser: upload or paste, see what was understood, correct it, import."""

import re
from html import unescape
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from backflush.imports.columns import TABLES
from backflush.imports.models import ColumnMapping, Upload
from backflush.items.models import Item
from backflush.people.rights import Role
from backflush.stockmap.models import Site, Store
from backflush.structures.models import StructureLine
from backflush.web.exchange.file_import import IMPORTED_BY
from tests.cast import Plant
from tests.doors.web.visitors import signed_in, statements
from tests.doors.web.visitors import text_of as raw_text_of

ELSEWHERE = Path(__file__).parent.parent.parent / "elsewhere"
LOOK = "import-look"
BUDGET = 60


def text_of(response: Any, status: int = HTTPStatus.OK) -> str:
    return unescape(raw_text_of(response, status))


def sent_with(page: Any, **changed: str) -> dict[str, str]:
    """Return what the form of a page sends, with some answers changed."""
    body = page.content.decode().partition("<main")[2].partition("</main>")[0]
    inputs = re.findall(r"<input[^>]*>", body)
    values = {}
    for one in inputs:
        name, value = re.search(r'name="([^"]*)"', one), re.search(r'value="([^"]*)"', one)
        kind = re.search(r'type="([^"]*)"', one)
        if name and (kind is None or kind[1] != "checkbox" or "checked" in one):
            values[name[1]] = value[1] if value else ""
    for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', body, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)"\s+selected', options)
        values[name] = chosen[1] if chosen else ""
    return {name: unescape(value) for name, value in {**values, **changed}.items()}


def uploaded(client: Client, name: str, content: bytes, table: str = "") -> Any:
    return client.post(reverse("import"), {"file": SimpleUploadedFile(name, content), "table": table})


def test_a_parts_list_goes_in_with_three_acts(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    first = uploaded(client, "rover.csv", (ELSEWHERE / "rover.csv").read_bytes())
    shown = text_of(first)
    assert "Say whose parts they are" in shown
    assert "24 pcs" in shown
    type_code = Item.objects.get(code="BOLT").type_code.code
    answered = {"item": "ROVER", "new-B": type_code, "new-M": Item.objects.get(code="BRACKET").type_code.code}
    second = client.post(reverse(LOOK), sent_with(first, do="look", **answered))
    shown = text_of(second)
    assert "24 pcs as 24 and pcs" in shown
    assert "Import as shown" in shown
    assert not Item.objects.filter(code="ROVER").exists()
    third = client.post(reverse(LOOK), sent_with(second, do="import"))
    assert "The import is complete" in text_of(third)
    assert StructureLine.objects.filter(item__code="ROVER").count() == 3
    assert (Upload.objects.count(), ColumnMapping.objects.count()) == (0, 1)


def test_what_was_changed_since_it_was_shown_is_shown_again_before_it_is_imported(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    pasted = {"text": "Artikelnr.\tBezeichnung\tKlasse\nX-1\tNew part\tB\n"}
    first = client.post(reverse("import"), pasted)
    heading = {"column-2": "class", "value-unit": "PCS", "value-type_code": "BOUGHT"}
    again = client.post(reverse(LOOK), sent_with(first, do="import", **heading))
    assert not Item.objects.filter(code="X-1").exists()
    shown = sent_with(again)
    assert {shown[name] for name in shown if name.startswith("column-")} == {"code", "description", "class"}


def test_own_tables_need_no_mapping_and_few_statements(plant: Plant) -> None:
    client = signed_in(plant, Role.ADMINISTRATOR)
    with statements(BUDGET):
        first = uploaded(client, "stores.csv", b"code,description\nNEW,New hall\n")
    assert "What the import would do" in text_of(first)
    client.post(reverse(LOOK), sent_with(first, do="import"))
    assert Store.objects.get(code="NEW").site == plant.site


def test_nobody_imports_what_their_role_may_not_enter_nor_into_another_site(plant: Plant) -> None:
    Site.objects.create(code="EAST")
    assert signed_in(plant, Role.VIEWER).get(reverse("import")).status_code == HTTPStatus.FORBIDDEN
    operator = signed_in(plant, Role.OPERATOR)
    refused = text_of(uploaded(operator, "items.csv", b"code,class,type_code,unit\nX,B,BOUGHT,PCS\n"))
    assert "You have no right to import items" in refused
    stores = b"site,code\nEAST,NEW\n"
    assert "EAST isn't the site at which you work" in text_of(
        uploaded(signed_in(plant, Role.ADMINISTRATOR), "stores.csv", stores)
    )
    assert IMPORTED_BY.keys() == TABLES.keys()


def test_a_file_is_only_its_owners_and_must_be_readable(plant: Plant) -> None:
    engineer = signed_in(plant, Role.ENGINEER)
    page = uploaded(engineer, "units.csv", b"code,name\nX,Ex\n")
    Upload.objects.update(by=plant.storekeeper)
    gone = engineer.post(reverse(LOOK), sent_with(page, do="import"))
    assert "kept any more" in text_of(gone, HTTPStatus.UNPROCESSABLE_ENTITY)
    for name, content in (("units.exe", b"MZ"), ("units.csv", b" "), ("units.csv", b"x" * 10_000_001)):
        assert uploaded(engineer, name, content).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert engineer.post(reverse("import"), {}).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert engineer.get(reverse(LOOK)).status_code == HTTPStatus.FOUND
    for name in ("\0..csv", "ü" * 300 + ".csv", "a/b\\c:d.csv"):
        assert "row" in text_of(uploaded(engineer, name, b"code,name\nX,Ex\n", "units"))
    for answer in (
        {"table": "zzz"},
        {"decimal": "x"},
        {"heading-0": "\ud7ff", "column-0": "nothing"},
        {"upload": "9" * 30},
    ):
        sent = sent_with(uploaded(engineer, "units.csv", b"code,name\nX,Ex\n"))
        assert engineer.post(reverse(LOOK), {**sent, **answer}).status_code in (HTTPStatus.OK, 422)
    broken = uploaded(engineer, "../../units.xlsx", b"PK no workbook")
    assert "can't be read" in text_of(broken)
