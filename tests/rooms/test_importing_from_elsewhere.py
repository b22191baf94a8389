"""Files as other systems and people write them go in with at most three acts: look, answer, accept."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import pytest
import xlsxwriter

from backflush.imports.column_matches import Choices
from backflush.imports.files import Understanding
from backflush.imports.models import ColumnMapping
from backflush.imports.services import ImportReport
from backflush.items.models import Item
from backflush.ledger.models import Balance
from backflush.structures.models import StructureLine
from backflush.subcontract.models import PurchaseOrderLine
from backflush.works.models import WorksOrder
from tests.imports import EXAMPLE, bring, brought, files

pytestmark = pytest.mark.usefixtures("database")

ELSEWHERE = Path(__file__).parent.parent / "elsewhere"
NEW = {"M": "MADE", "B": "BOUGHT"}


@pytest.fixture(autouse=True)
def plant(database: None, tmp_path: Path) -> None:
    """A plant with pieces, kilograms, grams and metres, and none of the items of the files."""
    units = [*EXAMPLE["units"], {"code": "M", "name": "Metres"}]
    brought(files(tmp_path / "plant", units=units, works_orders=None, purchase_orders=None, bookings=None))


def inventor(folder: Path) -> Path:
    """A structured bill of materials as a CAD system exports it, with positions as text and quantities with units."""
    rows = [
        ["Item", "Part Number", "Thumbnail", "BOM Structure", "Unit QTY", "QTY", "Stock Number", "Description", "REV"],
        ["1", "FRAME-A", "", "Normal", "Each", "1", "", "Frame", "B"],
        ["1.1", "PROFILE-40", "", "Purchased", "2.500 m", "2.500 m", "", "Profile 40 x 40", ""],
        ["1.2", "CORNER", "", "Normal", "Each", "8", "", "Corner", ""],
        ["2", "FOOT", "", "Purchased", "Each", "4", "", "Foot M8", ""],
    ]
    return sheet(folder / "inventor.xlsx", "BOM", rows)


def sheet(path: Path, name: str, rows: list[list[Any]], formats: dict[int, str] | None = None) -> Path:
    """Write a workbook; `formats` are the number formats of columns."""
    with xlsxwriter.Workbook(path) as book:
        made = {place: book.add_format({"num_format": code}) for place, code in (formats or {}).items()}
        page = book.add_worksheet(name)
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                page.write(number, place, cell, made.get(place))
    return path


def items_with_formats(folder: Path) -> Path:
    """A list of items whose codes are numbers that the cell shows with leading zeros."""
    rows: list[list[Any]] = [["Artikelnr.", "Bezeichnung", "Beschaffungsart", "ME"], [12, "Griff", "Kaufteil", "Stk"]]
    return sheet(folder / "artikelstamm.xlsx", "Tabelle1", rows, {0: "0000"})


def stock_ods(folder: Path) -> Path:
    """A stock list of LibreOffice: a code shown as 0012, and a quantity in a German cell."""
    cells = (
        '<table:table-row><table:table-cell office:value-type="string"><text:p>Artikel</text:p></table:table-cell>'
        '<table:table-cell office:value-type="string"><text:p>Lagerort</text:p></table:table-cell>'
        '<table:table-cell office:value-type="string"><text:p>Bestand</text:p></table:table-cell></table:table-row>'
        '<table:table-row><table:table-cell office:value-type="float" office:value="12"><text:p>0012</text:p>'
        '</table:table-cell><table:table-cell office:value-type="string"><text:p>MAIN/LINE</text:p></table:table-cell>'
        '<table:table-cell office:value-type="float" office:value="1250"><text:p>1.250</text:p></table:table-cell>'
        '<table:table-cell table:number-columns-repeated="16381"/></table:table-row>'
        '<table:table-row table:number-rows-repeated="1048574">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    body = (
        f'<office:body><office:spreadsheet><table:table table:name="Bestand">{cells}</table:table></office:spreadsheet>'
    )
    path = folder / "bestand.ods"
    with ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml", f"<office:document-content {spaces}>{body}</office:body></office:document-content>"
        )
    return path


class Case(NamedTuple):
    """A file, what the user says about it, the structure lines that it gives, and a word of what is shown first."""

    file: str
    choices: dict[str, Any]
    lines: list[str]
    shown: str


CASES = [
    Case(
        "kicad-old.csv",
        {"values": {"item": "DRIVER"}},
        ["DRIVER 1 3 PCS CAP-100N", "DRIVER 2 2 PCS RES-10K", "DRIVER 3 1 PCS DRV-8861", "DRIVER 4 1 PCS CON-2"],
        "Left out",
    ),
    Case(
        "kicad-new.csv",
        {"values": {"item": "DRIVER"}, "columns": {"Value": "component"}},
        ["DRIVER 10 2 PCS CAP-100N", "DRIVER 20 1 PCS RES-10K"],
        "Rows that are marked as not fitted or not listed are left out: row 4, row 5",
    ),
    Case(
        "librepcb.csv",
        {"values": {"item": "PANEL"}},
        ["PANEL 10 4 PCS LED-W", "PANEL 20 1 PCS LDO-33"],
        "MPN",
    ),
    Case(
        "eagle.csv", {"values": {"item": "KEYPAD"}}, ["KEYPAD 10 2 PCS CAP-4U7", "KEYPAD 20 1 PCS SW-TACT"], "semicolon"
    ),
    Case(
        "odoo.csv",
        {},
        [
            "SHELF 10 3 PCS BOARD",
            "SHELF 20 12 PCS SCREW",
            "TBL 10 1 PCS TOP",
            "TBL 20 4 PCS LEG",
            "TBL 30 8 PCS SCREW",
        ],
        "Quantities were divided by the quantity of the parent",
    ),
    Case(
        "erpnext.csv",
        {},
        ["TBL 10 1 PCS TOP", "TBL 20 4 PCS LEG", "TBL 30 0.15 KG GLUE"],
        "The parent TBL is repeated from the rows above: row 3, row 4",
    ),
    Case(
        "rover.csv",
        {"values": {"item": "ROVER"}},
        ["ROVER 10 24 PCS SCR-M4-10", "ROVER 20 8 PCS BRK-90", "ROVER 30 4 PCS PROF-20"],
        "24 pcs as 24 and pcs",
    ),
    Case(
        "altium.csv",
        {"values": {"item": "FILTER"}, "columns": {"LibRef": "component"}},
        ["FILTER 10 3 PCS CAP-100N", "FILTER 20 1 PCS RES-10K"],
        "Designator",
    ),
    Case(
        "solidworks.csv",
        {"values": {"item": "BIKE"}},
        [
            "BIKE 10 1 PCS FRAME",
            "BIKE 20 2 PCS WHEEL",
            "FRAME 10 4 PCS TUBE",
            "FRAME 20 8 PCS GUSSET",
            "GUSSET 10 1 PCS PLATE-3",
            "WHEEL 10 1 PCS HUB",
            "WHEEL 20 32 PCS SPOKE",
        ],
        "The levels were turned into parents",
    ),
    Case(
        "indented.txt",
        {},
        [
            "ARM 10 0.5 M TUBE",
            "BASE 10 1 PCS CASTING",
            "BASE 20 4 PCS FELT",
            "LAMP 10 1 PCS BASE",
            "LAMP 20 2 PCS ARM",
            "LAMP 30 2.5 M CABLE",
        ],
        "UTF-16",
    ),
    Case(
        "stueckliste.csv",
        {"values": {"item": "GH-100"}},
        ["GH-100 10 13.6 KG BLECH-2", "GH-100 20 24 PCS SCHR-M4", "GH-100 30 0.25 KG FARBE"],
        "Windows-1252",
    ),
    Case(
        "stueckliste-mehrere.csv",
        {},
        [
            "GH-100 10 1.5 KG BLECH-2",
            "GH-100 20 12 PCS SCHR-M4",
            "GH-200 10 2.25 KG BLECH-2",
            "GH-200 20 16 PCS SCHR-M4",
        ],
        "Stck as PCS",
    ),
    Case(
        "inventor.xlsx",
        {"values": {"item": "BENCH"}},
        ["BENCH 10 1 PCS FRAME-A", "BENCH 20 4 PCS FOOT", "FRAME-A 10 2.5 M PROFILE-40", "FRAME-A 20 8 PCS CORNER"],
        "2.500 m as 2.5 and m",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.file for case in CASES])
def test_a_bill_of_materials_from_elsewhere_goes_in_after_it_was_shown(case: Case, tmp_path: Path) -> None:
    path = inventor(tmp_path) if case.file == "inventor.xlsx" else ELSEWHERE / case.file
    said = {**case.choices, "new_items": NEW}
    before = StructureLine.objects.count()
    looked = bring(path, check=True, choices=Choices(**said))
    assert [finding.fault for finding in looked.findings] == []
    assert not looked.applied
    assert case.shown in shown(looked)
    refused = bring(path, choices=Choices(**said))
    assert "--accept" in refused.findings[0].option
    assert StructureLine.objects.count() == before
    brought(path, choices=Choices(**said, accept=True))
    lines = StructureLine.objects.exclude(item__code__in=("BRACKET", "PLATED")).order_by("item__code", "number")
    assert [
        f"{line.item.code} {line.number} {line.quantity.normalize():f} {line.unit.code} {line.component.code}"
        for line in lines.select_related("item", "component", "unit")
    ] == case.lines
    again = brought(path, choices=Choices(values=case.choices.get("values", {})))
    assert (again.counts["structures"].new, again.counts["structures"].there) == (0, len(case.lines))


def shown(report: ImportReport) -> str:
    """Return everything that is shown of what was understood, as one text."""
    return " ".join(part for one in report.understandings for part in _shown(one))


def _shown(one: Understanding) -> list[str]:
    found = [match.heading for match in one.matches if match.column]
    return [*found, one.encoding, one.separator, *one.notices, *(["Left out", *one.left_out] if one.left_out else [])]


def test_works_orders_in_german_with_windows_letters(tmp_path: Path) -> None:
    path = ELSEWHERE / "auftragsliste.csv"
    looked = bring(path, check=True)
    assert not looked.findings
    assert looked.understandings[0].table == "works_orders"
    assert looked.understandings[0].left_out == ["Sachbearbeiter"]
    assert looked.understandings[0].samples[0]["start_date"] == "2026-03-02"
    brought(path, choices=Choices(accept=True))
    orders = WorksOrder.objects.order_by("number").values_list("number", "quantity", "status", "due_date__day")
    assert list(orders) == [("A-1001", 40, "released", 13), ("A-1002", 25, "new", 20)]


def test_purchase_orders_whose_file_names_its_separator() -> None:
    brought(ELSEWHERE / "bestellungen.csv", choices=Choices(accept=True))
    assert list(
        PurchaseOrderLine.objects.order_by("number").values_list("order__number", "item__code", "quantity")
    ) == [
        ("4500017", "PLATED", 120),
        ("4500017", "BOLT", 600),
    ]


def test_codes_and_stock_are_read_as_their_cells_show_them(tmp_path: Path) -> None:
    brought(items_with_formats(tmp_path), choices=Choices(values={"type_code": "BOUGHT"}, accept=True))
    assert Item.objects.get(code="0012").component_class == "B"
    brought(stock_ods(tmp_path), choices=Choices(accept=True))
    assert Balance.objects.get(item__code="0012", location__code="LINE").quantity == 1250


def test_a_file_that_was_accepted_is_known_again(tmp_path: Path) -> None:
    first = (ELSEWHERE / "rover.csv").read_text(encoding="utf-8")
    brought(ELSEWHERE / "rover.csv", choices=Choices(values={"item": "ROVER"}, new_items=NEW, accept=True))
    assert ColumnMapping.objects.get().columns["# req in assy"] == "quantity"
    (tmp_path / "other.csv").write_text(first.replace("24 pcs", "30 pcs"), encoding="utf-8")
    brought(tmp_path / "other.csv", choices=Choices(values={"item": "ROVER-2"}, new_items=NEW))
    assert StructureLine.objects.get(item__code="ROVER-2", number=10).quantity == 30


def test_what_can_be_read_in_two_ways_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "structures.csv"
    path.write_text("item;line;component;quantity\nPLATED;20;BOLT;1.000\n", encoding="utf-8")
    asked = bring(path)
    assert "--decimal comma or --decimal point" in asked.findings[0].option
    brought(path, update=True, choices=Choices(decimal="comma"))
    assert StructureLine.objects.get(item__code="PLATED", number=20).quantity == 1000
    (tmp_path / "point").mkdir()
    other = tmp_path / "point" / "structures.csv"
    other.write_text("item;line;component;quantity\nPLATED;20;BOLT;1.000\n", encoding="utf-8")
    brought(other, update=True, choices=Choices(decimal="point"))
    assert StructureLine.objects.get(item__code="PLATED", number=20).quantity == 1


def test_a_cell_in_per_cent_is_per_cent(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["item", "line", "component", "quantity", "waste"], ["PLATED", 20, "BOLT", 2, 0.04]]
    brought(sheet(tmp_path / "waste.xlsx", "structures", rows, {4: "0%"}), update=True)
    assert StructureLine.objects.get(item__code="PLATED", number=20).waste == 4


def test_a_cell_that_hides_a_part_of_its_number_is_asked_about(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["item", "line", "component", "quantity"], ["PLATED", 20, "STEEL", 0.333]]
    path = sheet(tmp_path / "hidden.xlsx", "structures", rows, {3: "0.00"})
    assert "shows 0.33 and contains 0.333" in bring(path).findings[0].fault
    brought(path, update=True, choices=Choices(cells="stored"))
    assert StructureLine.objects.get(item__code="PLATED", number=20).quantity == Decimal("0.333")


def test_a_said_parent_is_only_for_lines_that_have_none_in_the_file(tmp_path: Path) -> None:
    said = Choices(values={"item": "BOX"}, new_items=NEW, accept=True)
    path = tmp_path / "some.csv"
    path.write_text("Parent,Component,Qty\n,LID,1\nBASE,FOOT,4\n,PAD,4\n", encoding="utf-8")
    brought(path, choices=said)
    lines = StructureLine.objects.filter(component__code__in=("LID", "FOOT", "PAD")).order_by("pk")
    assert list(lines.values_list("item__code", "component__code")) == [
        ("BOX", "LID"),
        ("BASE", "FOOT"),
        ("BASE", "PAD"),
    ]


@pytest.mark.parametrize(
    ("headings", "row", "table", "columns"),
    [
        (
            "BOM Level,Item Number,Item Name,Quantity",
            "1,200-01,Arm,4",
            "structures",
            "level component description quantity",
        ),
        ("Item,Qty,Part Number,Part Name", "1,2,BR-1,Bracket", "structures", "line quantity component"),
        ("Reference,Value,Footprint,Qty,DNP", "C1,100n,0402,3,", "structures", "quantity not_fitted"),
        ("Materialnummer,Lagerort,BME,Frei verwendbar", "BOLT,LINE,ST,5", "opening_stock", "item location quantity"),
        (
            "Auftrag,Artikel,Menge,Starttermin",
            "A1,BRACKET,4,2026-01-02",
            "works_orders",
            "number item quantity start_date",
        ),
        ("Lieferant,Bestellnr,Artikel,Menge,Datum", "ACME,1,BOLT,4,2026-01-02", "purchase_orders", ""),
        ("Artikelnummer,Komponente,Menge", "BRACKET,BOLT,4", "structures", "item component quantity"),
        ("Item Code,MPN,Qty,Ref Des", "BOLT,X-1,4,R1", "structures", "component quantity"),
    ],
)
def test_tables_and_columns_are_found_by_their_usual_words(
    headings: str, row: str, table: str, columns: str, tmp_path: Path
) -> None:
    path = tmp_path / "file.csv"
    path.write_text(f"{headings}\n{row}\n", encoding="utf-8")
    (understood,) = bring(path, check=True).understandings
    assert understood.table == table
    assert columns in " ".join(match.column for match in understood.matches if match.column)


def test_a_table_that_only_its_columns_tell_is_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("code,description,class,type_code,unit\nNUT,Nut,B,BOUGHT,PCS\n", encoding="utf-8")
    assert "--accept" in bring(path).findings[0].option
    brought(path, choices=Choices(accept=True))
    brought(path)


def test_times_of_dates_are_left_out_and_scrap_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    head = "Auftrag;Produktionsartikel;Artikel;Menge;Starttermin;Liefertermin"
    path.write_text(f"{head}\nA1;;BRACKET;4;02.03.2026 08:00;2026-03-09 00:00:00\n", encoding="utf-8")
    brought(path, choices=Choices(accept=True))
    assert WorksOrder.objects.values_list("start_date", "due_date").get() == (date(2026, 3, 2), date(2026, 3, 9))
    path = tmp_path / "bom.csv"
    path.write_text("Parent Item,Component Item,Qty Per,Scrap %\nPLATED,BOLT,4,2.5%\n", encoding="utf-8")
    (looked,) = bring(path, check=True).understandings
    assert any("100/96" in notice for notice in looked.notices)
    assert looked.samples[0]["waste"] == "2.5"
