"""Imports: all or nothing, and repeatable."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backflush.backflushing.models import Booking
from backflush.core.moves import Process
from backflush.core.refusals import InvalidValue
from backflush.imports.column_matches import Choices
from backflush.imports.templates import WORKBOOK, write_template
from backflush.items.models import Batch, Item, Unit, UnitConversion
from backflush.ledger.models import Balance, Movement, Posting
from backflush.ledger.selectors import balances
from backflush.people.services import known_user
from backflush.stockmap.deactivation import end
from backflush.stockmap.models import Action, Location, Site, Supplier, SupplierStock, TransferRule
from backflush.stockmap.selectors import site_named
from backflush.structures.models import StructureLine
from backflush.subcontract.models import PurchaseOrder
from backflush.subcontract.receipts import ReceiptIn, receive
from backflush.works.models import OrderChange, WorksOrder
from tests.databases import Database
from tests.imports import EXAMPLE, bring, brought, counts, everything, files, said, workbook, write

pytestmark = pytest.mark.usefixtures("database")


def stock() -> dict[str, Decimal]:
    """Return the stock by item and location."""
    return {
        f"{one.item.code}@{one.location.path}{one.bin}{one.batch}{one.serial}": one.quantity
        for one in balances(site_named())
    }


def lines(table: str, *more: dict[str, str], **changed: str) -> list[dict[str, str]]:
    """Return the template's rows of a table, with the first one changed and some added."""
    first, *rest = EXAMPLE[table]
    return [{**first, **changed}, *map(dict, rest), *more]


def test_the_template_imports_and_books(tmp_path: Path) -> None:
    write_template(tmp_path)
    report = brought(tmp_path)
    assert report.applied
    assert stock() == {
        # Ten brackets of 250 g, of which 4 % is waste, and two without order.
        "STEEL@MAIN/LINE": Decimal("96.875"),
        "BOLT@MAIN/LINE": Decimal(952),
        "BOLT@MAIN/RACKR1": Decimal(500),
        "BRACKET@ACME/STOCK": Decimal(31),
        "BRACKET@MAIN/STOCK": Decimal(11),
        "PLATED@MAIN/STOCK": Decimal(18),
    }
    assert WorksOrder.objects.get().status == "open"
    booking = Booking.objects.select_related("posting").get(posting__process=Process.WORKS_ORDER)
    assert (booking.good, booking.scrap, booking.scrap_reason) == (9, 1, "Bent")
    assert booking.posting.at.date() == date(2026, 1, 8)
    receive(ReceiptIn(order="PO-1", accepted=Decimal(20)), site=site_named(), by=known_user(name="ann"))
    assert stock()["BRACKET@ACME/STOCK"] == 11


def test_the_workbook_of_the_template_is_the_same_as_its_files(tmp_path: Path) -> None:
    write_template(tmp_path)
    brought(tmp_path / WORKBOOK)
    before = everything()
    report = brought(tmp_path)
    assert all(new == changed == 0 for new, changed, _ in counts(report).values())
    assert everything() == before


def test_a_second_import_skips_everything_and_posts_nothing(tmp_path: Path) -> None:
    files(tmp_path)
    first = brought(tmp_path)
    before = everything()
    second = brought(tmp_path)
    assert {name: count.new for name, count in first.counts.items()} == {
        name: count.there for name, count in second.counts.items()
    }
    assert everything() == before
    # The plant has changed since: a completed order, used stock. None of that counts as a difference.
    WorksOrder.objects.update(status="complete")
    brought(tmp_path)
    assert everything() == before


def test_check_reports_the_same_and_changes_nothing(tmp_path: Path) -> None:
    files(tmp_path)
    report = brought(tmp_path, check=True)
    assert not report.applied
    assert report.counts["items"].new == len(EXAMPLE["items"])
    assert set(everything().values()) == {0}
    assert not Site.objects.exists()


def test_one_faulty_row_prevents_the_whole_import(tmp_path: Path) -> None:
    files(tmp_path, items=lines("items", **{"class": "X"}))
    report = bring(tmp_path)
    assert not report.applied
    assert [said(finding) for finding in report.findings] == [("items.csv", 2, "class")]
    assert "B, M, S, P, K" in report.findings[0].remedy
    assert set(everything().values()) == {0}


def test_every_fault_is_found_at_once(tmp_path: Path) -> None:
    """One fault of each kind, most of them in rows that are otherwise valid."""
    item = {"description": "", "class": "B", "type_code": "BOUGHT", "unit": "PCS"}
    files(
        tmp_path,
        sites=None,
        units=lines("units", {"code": "PCS", "name": "Twice"}, {"code": "X" * 21}),
        conversions=lines(
            "conversions",
            {"from": "G", "to": "KG", "factor": "0.002"},  # 4: disagrees with row 2
            {"from": "G", "to": "G", "factor": "1"},  # 5: one unit twice
            {"from": "PCS", "to": "KG", "factor": "0"},  # 6: empty
            {"from": "PCS", "to": "TON", "factor": "1/3"},  # 7: no such unit
        ),
        stores=lines("stores", {"code": "A/B"}),
        locations=lines(
            "locations",
            {"store": "MAIN", "code": "BAD", "has_balance": "no", "bin_controlled": "yes"},
            {"store": "NOWHERE", "code": "X", "has_balance": "perhaps"},
        ),
        bins=lines("bins", {"location": "MAIN/LINE", "code": "L1"}),
        suppliers=lines("suppliers", {"code": "BETA", "stock": "ACME/USED"}),
        actions=lines("actions", {"name": "ISSUE", "type": "issues"}),
        rules=lines(
            "rules",
            {"action": "BACKFLUSH", "from": "MAIN/STOCK", "to": "MAIN/WIP"},
            {"action": "RECEIVE", "from": "MAIN/WIP", "to": "MAIN/WIP"},
            {"action": "NONE", "from": "MAIN/MOON", "to": "MAIN/WIP"},
        ),
        type_codes=lines("type_codes", {"code": "WRONG", "completion": "RECEIVE"}),
        items=lines(
            "items",
            {**item, "code": "SERIAL", "tracking": "serial", "decimals": "2", "standard_material": "-1"},
            {**item, "code": "LOST", "unit": "TON", "type_code": "NONE", "obsolete_on": "31/12/2026"},
            {**item, "code": "", "stock_min": "1,000"},
        ),
        structures=lines(
            "structures",
            {"item": "BRACKET", "line": "20", "component": "STEEL", "quantity": "1"},  # 5: line 20 occurs twice
            {"item": "STEEL", "line": "10", "component": "PLATED", "quantity": "1"},  # 6: a loop
            {"item": "BOLT", "line": "10", "component": "GOLD", "quantity": "-1", "waste": "-1"},
            {"item": "PLATED", "line": "20", "component": "BOLT", "quantity": "1", "waste": "100"},
        ),
        opening_stock=lines(
            "opening_stock",
            {"item": "BOLT", "location": "MAIN/WIP", "quantity": "1"},
            {"item": "BOLT", "location": "MAIN/STOCK", "quantity": "1.5", "date": "2999-01-01"},
            {"item": "BOLT", "location": "MAIN/RACK", "quantity": "1", "bin": "R9"},
            {"item": "STEEL", "location": "MAIN/LINE", "quantity": "1", "date": "2026-01-05"},
        ),
        purchase_orders=lines(
            "purchase_orders",
            {"number": "PO-2", "supplier": "ACME", "placed_on": "2026-01-07", "item": "BRACKET", "quantity": "1"},
            {"number": "PO-3", "supplier": "NONE", "placed_on": "2026-01-07", "item": "BOLT", "quantity": "1"},
        ),
        works_orders=lines(
            "works_orders",
            {"number": "WO-2", "item": "BOLT", "quantity": "1.5", "start_date": "2026-01-07", "due_date": "2026-01-01"},
            {"number": "WO-3", "item": "BRACKET", "quantity": "1", "unit": "KG", "start_date": "2026-01-07"},
            {"number": "WO-4", "item": "BRACKET", "quantity": "1", "start_date": "2026-01-07", "status": "new"},
        ),
        bookings=lines(
            "bookings",
            {"order": "WO-9", "good": "1", "date": "2999-01-01"},
            {"order": "WO-1", "good": "0", "date": "2026-01-08"},
            {"order": "WO-1", "good": "0.5", "scrap": "0.5", "date": "2026-01-08"},
            {"order": "WO-4", "good": "1", "date": "2026-01-08"},
            {"order": "WO-1", "good": "1", "date": "2026-01-08", "batch": "B"},
            {"key": "2026-01-08/1", "order": "WO-1", "good": "2", "date": "2026-01-08"},
        ),
        colours=[{"code": "RED"}],
    )
    found = {said(finding) for finding in bring(tmp_path).findings}
    missed = {
        ("colours.csv", 0, ""),
        ("units.csv", 5, "code"),
        ("units.csv", 6, "code"),
        ("conversions.csv", 3, "factor"),
        ("conversions.csv", 4, "to"),
        ("conversions.csv", 5, "factor"),
        ("conversions.csv", 6, "to"),
        ("stores.csv", 4, "code"),
        ("locations.csv", 10, "bin_controlled"),
        ("locations.csv", 11, "has_balance"),
        ("bins.csv", 3, "location"),
        ("suppliers.csv", 3, "stock"),
        ("actions.csv", 6, "type"),
        ("rules.csv", 6, "action"),
        ("rules.csv", 7, "to"),
        ("rules.csv", 8, "action"),
        ("rules.csv", 8, "from"),
        ("type_codes.csv", 5, "completion"),
        ("items.csv", 6, "standard_material"),
        ("items.csv", 7, "unit"),
        ("items.csv", 7, "type_code"),
        ("items.csv", 7, "obsolete_on"),
        ("items.csv", 8, "code"),
        ("items.csv", 8, "stock_min"),
        ("structures.csv", 7, "component"),
        ("structures.csv", 7, "quantity"),
        ("structures.csv", 7, "waste"),
        ("opening_stock.csv", 6, "location"),
        ("opening_stock.csv", 7, "quantity"),
        ("opening_stock.csv", 7, "date"),
        ("opening_stock.csv", 8, "bin"),
        ("purchase_orders.csv", 3, "item"),
        ("purchase_orders.csv", 4, "supplier"),
        ("works_orders.csv", 3, "item"),
        ("works_orders.csv", 3, "quantity"),
        ("works_orders.csv", 3, "due_date"),
        ("works_orders.csv", 4, "unit"),
        ("bookings.csv", 3, "order"),
        ("bookings.csv", 3, "date"),
        ("bookings.csv", 4, "good"),
        ("bookings.csv", 5, "good"),
        ("bookings.csv", 5, "scrap"),
        ("bookings.csv", 6, "order"),
        ("bookings.csv", 7, "batch"),
        ("bookings.csv", 8, "key"),
    } - found
    assert not missed
    assert set(everything().values()) == {0}


@pytest.mark.parametrize(
    ("table", "line", "column"),
    [
        ("structures", {"item": "BRACKET", "line": "20", "component": "STEEL", "quantity": "1"}, "line"),
        (
            "structures",
            {"item": "BRACKET", "line": "20", "component": "STEEL", "quantity": "1", "starts": "2026-01-01"},
            "line",
        ),
        ("structures", {"item": "STEEL", "line": "10", "component": "PLATED", "quantity": "1"}, "component"),
        ("structures", {"item": "STEEL", "line": "10", "component": "BOLT", "quantity": "1", "waste": "100"}, "waste"),
        ("opening_stock", {"item": "STEEL", "location": "MAIN/LINE", "quantity": "1"}, "item"),
        ("bookings", {"order": "WO-1", "good": "1", "bin": "R1"}, "bin"),
    ],
)
def test_a_fault_between_rows_is_found(table: str, line: dict[str, str], column: str, tmp_path: Path) -> None:
    report = bring(files(tmp_path, **{table: lines(table, line)}))
    assert [(finding.table, finding.column) for finding in report.findings] == [(table, column)]
    assert set(everything().values()) == {0}


def test_a_reference_to_a_faulty_row_is_no_fault(tmp_path: Path) -> None:
    report = bring(files(tmp_path, items=lines("items", type_code="NONE")))
    assert [said(finding) for finding in report.findings] == [("items.csv", 2, "type_code")]


def test_a_missing_conversion_is_reported_for_each_order_that_needs_it(tmp_path: Path) -> None:
    more = {"number": "WO-2", "item": "BRACKET", "quantity": "1", "start_date": "2026-01-07"}
    waiting = {**more, "number": "WO-3", "status": "new"}
    report = bring(files(tmp_path, conversions=None, works_orders=lines("works_orders", more, waiting)))
    assert [said(finding) for finding in report.findings] == [
        ("works_orders.csv", 2, "item"),
        ("works_orders.csv", 3, "item"),
    ]
    assert "There is no conversion from G to KG for STEEL" in report.findings[0].fault


def test_different_content_is_a_fault_on_its_column_and_a_change_with_update(tmp_path: Path) -> None:
    brought(files(tmp_path / "first"))
    changed = files(
        tmp_path / "second",
        units=lines("units", name="Each"),
        conversions=lines("conversions", factor="1000.5"),
        stores=lines("stores", description="The other hall"),
        locations=lines("locations", description="At the machines"),
        suppliers=lines("suppliers", name="Acme Ltd", stock="MAIN/STOCK"),
        actions=lines("actions", description="Into the store", retry="propose"),
        rules=[{"action": "COMPLETE", "from": "MAIN/BOUGHT", "to": "MAIN/STOCK"}],
        product_groups=lines("product_groups", description="All parts"),
        type_codes=lines("type_codes", description="Made in the hall"),
        items=lines("items", description="Bracket, left", standard_material="1.50", lead_time_days="3"),
        structures=lines("structures", quantity="300"),
        works_orders=lines("works_orders", quantity="12", due_date="2026-01-10"),
    )
    report = bring(changed)
    assert {said(finding) for finding in report.findings} == {
        ("units.csv", 2, "name"),
        ("conversions.csv", 2, "factor"),
        ("stores.csv", 2, "description"),
        ("locations.csv", 2, "description"),
        ("locations.csv", 3, "supplier"),  # it belongs to the supplier now, because it is its stock location
        ("suppliers.csv", 2, "name"),
        ("suppliers.csv", 2, "stock"),
        ("actions.csv", 2, "description"),
        ("actions.csv", 2, "retry"),
        ("rules.csv", 2, "action"),
        ("product_groups.csv", 2, "description"),
        ("type_codes.csv", 2, "description"),
        ("items.csv", 2, "description"),
        ("items.csv", 2, "standard_material"),
        ("items.csv", 2, "lead_time_days"),
        ("structures.csv", 2, "quantity"),
        ("works_orders.csv", 2, "quantity"),
        ("works_orders.csv", 2, "due_date"),
    }
    assert "--update" in report.findings[0].remedy
    assert Item.objects.get(code="BRACKET").description == "Bracket"

    report = brought(changed, update=True)
    assert {name: count.changed for name, count in report.counts.items() if count.changed} == {
        "units": 1,
        "conversions": 1,
        "stores": 1,
        "locations": 2,
        "suppliers": 1,
        "actions": 1,
        "rules": 1,
        "product_groups": 1,
        "type_codes": 1,
        "items": 1,
        "structures": 1,
        "works_orders": 1,
    }
    item = Item.objects.select_related("cost").get(code="BRACKET")
    assert item.cost is not None
    assert (item.description, item.lead_time_days, item.cost.standard_material) == ("Bracket, left", 3, Decimal("1.5"))
    assert UnitConversion.objects.get().ratio == Decimal("1000.5")
    assert SupplierStock.objects.select_related("location").get().location.path == "MAIN/STOCK"
    assert Action.objects.get(name="COMPLETE").retry == "propose"
    rule = TransferRule.objects.select_related("source").get(action__name="COMPLETE", active=True)
    assert rule.source.path == "MAIN/BOUGHT"
    assert StructureLine.objects.get(item=item, number=10).quantity == 300
    order = WorksOrder.objects.get(number="WO-1")
    assert (order.quantity, order.due_date) == (12, date(2026, 1, 10))
    brought(changed)


def structure_of(item: str) -> list[tuple[int, str, Decimal]]:
    found = StructureLine.objects.filter(item__code=item).order_by("number", "starts")
    return [(line.number, line.component.code, line.quantity) for line in found.select_related("component")]


ONE_LINE = {"item": "BRACKET", "line": "20", "component": "BOLT", "quantity": "5"}


def test_one_line_of_a_structure_is_changed_and_the_others_stay(tmp_path: Path) -> None:
    brought(files(tmp_path / "first"))
    one = files(tmp_path / "second", structures=[ONE_LINE])
    report = bring(one)
    assert [said(finding) for finding in report.findings] == [("structures.csv", 2, "quantity")]
    report = bring(one, update=True)
    assert (report.counts["structures"].changed, report.counts["structures"].removed) == (1, [])
    assert structure_of("BRACKET") == [(10, "STEEL", Decimal(250)), (20, "BOLT", Decimal(5))]
    assert bring(one).counts["structures"].there == 1


def test_a_new_line_is_added_to_a_structure_with_update(tmp_path: Path) -> None:
    brought(files(tmp_path / "first"))
    more = files(tmp_path / "second", structures=[{**ONE_LINE, "line": "30"}])
    assert [said(finding) for finding in bring(more).findings] == [("structures.csv", 2, "line")]
    assert bring(more, update=True).counts["structures"].new == 1
    assert [line[0] for line in structure_of("BRACKET")] == [10, 20, 30]


def test_lines_are_removed_only_with_replace_and_are_named(tmp_path: Path) -> None:
    brought(files(tmp_path / "first"))
    one = files(tmp_path / "second", structures=[ONE_LINE])
    checked = bring(one, update=True, replace=True, check=True)
    assert checked.counts["structures"].removed == ["BRACKET line 10 (STEEL)"]
    assert len(structure_of("BRACKET")) == 2
    assert bring(one, update=True, replace=True).counts["structures"].removed == ["BRACKET line 10 (STEEL)"]
    assert structure_of("BRACKET") == [(20, "BOLT", Decimal(5))]
    assert structure_of("PLATED") != []
    with pytest.raises(InvalidValue, match="--replace goes with --update"):
        bring(one, replace=True)


def test_a_column_left_out_of_a_line_keeps_what_the_database_has(tmp_path: Path) -> None:
    brought(files(tmp_path / "first"))
    assert StructureLine.objects.get(item__code="BRACKET", number=10).waste == 4
    less = {"item": "BRACKET", "line": "10", "component": "STEEL", "quantity": "260", "unit": "G"}
    assert bring(files(tmp_path / "second", structures=[less]), update=True).applied
    line = StructureLine.objects.get(item__code="BRACKET", number=10)
    assert (line.quantity, line.waste) == (260, 4)


def test_fields_fixed_by_use_cannot_change_even_with_update(tmp_path: Path) -> None:
    brought(files(tmp_path / "first"))
    report = bring(
        files(
            tmp_path / "second",
            items=lines("items", unit="KG", decimals="3", tracking="batch"),
            locations=lines("locations", has_balance="no"),
            opening_stock=lines("opening_stock", quantity="101"),
            purchase_orders=lines("purchase_orders", quantity="21"),
            works_orders=lines("works_orders", start_date="2026-01-06"),
            actions=lines("actions", type="receive"),
        ),
        update=True,
    )
    assert {said(finding) for finding in report.findings} >= {
        ("items.csv", 2, "unit"),
        ("locations.csv", 2, "has_balance"),
        ("opening_stock.csv", 2, "quantity"),
        ("purchase_orders.csv", 2, "quantity"),
        ("works_orders.csv", 2, "start_date"),
        ("actions.csv", 2, "type"),
    }


def test_a_column_that_is_left_out_changes_nothing(tmp_path: Path) -> None:
    brought(files(tmp_path / "first"))
    bare = [{"code": "BRACKET", "class": "M", "type_code": "MADE", "unit": "PCS"}]
    report = brought(files(tmp_path / "second", items=bare), update=True)
    assert counts(report)["items"] == (0, 0, 1)
    assert Item.objects.get(code="BRACKET").description == "Bracket"


def test_tables_that_are_left_out_are_taken_from_the_database(tmp_path: Path) -> None:
    brought(files(tmp_path / "first"))
    alone = write(tmp_path / "bookings.csv", [{"order": "WO-1", "good": "1", "date": "2026-01-09"}])
    assert counts(brought(alone)) == {"bookings": (1, 0, 0)}
    assert stock()["BRACKET@MAIN/STOCK"] == 10


def test_receipts_and_productions_are_imported_as_bookings_are(tmp_path: Path) -> None:
    day = {"date": "2026-01-09"}
    received = [{"order": "PO-1", "accepted": "5", **day}, {"order": "PO-1", "line": "10", "rejected": "2", **day}]
    files(tmp_path, receipts=received, productions=[{"item": "BRACKET", "good": "3", **day}] * 2)
    first = counts(brought(tmp_path))
    assert (first["receipts"], first["productions"]) == ((2, 0, 0), (2, 0, 0))
    assert stock()["BRACKET@ACME/STOCK"] == 43
    assert stock()["PLATED@MAIN/STOCK"] == 5
    assert stock()["BRACKET@MAIN/STOCK"] == 9 + 6
    again = brought(tmp_path)
    assert {again.counts[name].there for name in ("receipts", "productions")} == {2}
    assert Booking.objects.count() == 5


def test_every_fault_of_receipts_and_productions_is_found_before_posting(tmp_path: Path) -> None:
    day = {"date": "2026-01-09"}
    files(
        tmp_path,
        purchase_orders=lines(
            "purchase_orders", {**EXAMPLE["purchase_orders"][0], "line": "20", "item": "STEEL", "unit": "KG"}
        ),
        bookings=None,
        receipts=[
            {"order": "PO-9", "accepted": "1", **day},
            {"order": "PO-1", "accepted": "1", **day},
            {"order": "PO-1", "line": "10", "accepted": "0", **day},
            {"order": "PO-1", "line": "10", "accepted": "0.5", "rejected": "0.5", "date": "2999-01-01"},
            {"order": "PO-1", "line": "10", "accepted": "1", "batch": "B", **day},
            {"key": "one", "order": "PO-1", "line": "10", "accepted": "1", **day},
        ],
        productions=[
            {"item": "NONE", "good": "1", **day},
            {"item": "BOLT", "good": "1", **day},
            {"item": "BRACKET", "good": "0.5", **day},
            {"key": "one", "item": "BRACKET", "good": "1", **day},
        ],
    )
    assert {said(finding) for finding in bring(tmp_path).findings} == {
        ("receipts.csv", 2, "order"),
        ("receipts.csv", 3, "line"),
        ("receipts.csv", 4, "accepted"),
        ("receipts.csv", 5, "accepted"),
        ("receipts.csv", 5, "rejected"),
        ("receipts.csv", 5, "date"),
        ("receipts.csv", 6, "batch"),
        ("productions.csv", 2, "item"),
        ("productions.csv", 3, "item"),
        ("productions.csv", 4, "good"),
        ("productions.csv", 5, "key"),
    }
    assert set(everything().values()) == {0}


def test_a_receipt_on_an_order_with_a_faulty_row_is_no_fault(tmp_path: Path) -> None:
    files(
        tmp_path,
        purchase_orders=lines("purchase_orders", supplier="NOBODY"),
        receipts=[{"order": "PO-1", "accepted": "1", "date": "2026-01-09"}],
    )
    assert [said(finding) for finding in bring(tmp_path).findings] == [("purchase_orders.csv", 2, "supplier")]


def test_a_structure_that_cannot_be_converted_is_a_fault_of_its_receipt(tmp_path: Path) -> None:
    """The line came into force after the order was placed, so its conversion was never checked."""
    later = {"item": "PLATED", "line": "20", "component": "BOLT", "quantity": "1", "unit": "KG", "starts": "2026-01-09"}
    day = "2026-01-09"
    files(
        tmp_path,
        structures=lines("structures", later),
        receipts=[
            {"order": "PO-1", "accepted": "1", "date": "2026-01-08"},
            {"order": "PO-1", "accepted": "1", "date": day},
        ],
    )
    assert [said(finding) for finding in bring(tmp_path).findings] == [("receipts.csv", 3, "order")]


def test_identical_rows_are_separate_bookings(tmp_path: Path) -> None:
    booking = {"order": "WO-1", "good": "1", "date": "2026-01-09"}
    files(tmp_path, bookings=[booking] * 3)
    assert counts(brought(tmp_path))["bookings"] == (3, 0, 0)
    files(tmp_path, bookings=[{**booking, "good": "1.0"}] * 4)
    assert counts(brought(tmp_path))["bookings"] == (1, 0, 3)
    assert stock()["BRACKET@MAIN/STOCK"] == 4


def test_a_key_used_for_another_booking_is_a_fault(tmp_path: Path) -> None:
    brought(files(tmp_path))
    report = bring(files(tmp_path, bookings=lines("bookings", good="8")))
    assert [said(finding) for finding in report.findings] == [("bookings.csv", 2, "key")]


def test_without_a_table_of_sites_one_is_created(tmp_path: Path) -> None:
    brought(files(tmp_path, sites=None, purchase_orders=None))
    assert Site.objects.get().code == "MAIN"


def test_two_sites_have_stores_and_stock_of_their_own(tmp_path: Path) -> None:
    two = [{"code": "EAST"}, {"code": "WEST"}]

    def at(site: str, table: str) -> list[dict[str, str]]:
        return [{**line, "site": site} for line in EXAMPLE[table]]

    mapped = {
        name: [*at("EAST", name), *at("WEST", name)] for name in ("stores", "locations", "bins", "rules", "suppliers")
    }
    report = bring(files(tmp_path, sites=two, **mapped))
    assert {(finding.table, finding.column) for finding in report.findings} == {
        (name, "site") for name in ("opening_stock", "purchase_orders", "works_orders", "bookings")
    }
    brought(tmp_path, site="WEST")
    assert set(Balance.objects.values_list("site__code", flat=True)) == {"WEST"}
    assert Location.objects.filter(path="MAIN/LINE").count() == 2


def test_tracked_goods_name_their_batch_and_serials(tmp_path: Path) -> None:
    item = {"class": "M", "type_code": "MADE", "unit": "PCS"}
    order = {"quantity": "2", "start_date": "2026-01-07"}
    files(
        tmp_path,
        items=lines(
            "items", {**item, "code": "PUMP", "tracking": "serial"}, {**item, "code": "GLUE", "tracking": "batch"}
        ),
        works_orders=lines(
            "works_orders", {**order, "number": "S", "item": "PUMP"}, {**order, "number": "B", "item": "GLUE"}
        ),
        opening_stock=lines(
            "opening_stock",
            {"item": "PUMP", "location": "MAIN/STOCK", "quantity": "1", "serial": "P-0"},
            {"item": "GLUE", "location": "MAIN/STOCK", "quantity": "5", "batch": "G-0", "expires_on": "2027-01-01"},
        ),
        bookings=[
            {"order": "S", "good": "2", "serials": "P-1 P-2"},
            {"order": "B", "good": "2", "batch": "G-1"},
            {"order": "S", "good": "1", "serials": "P-0"},
            {"order": "S", "good": "1", "serials": "P-2"},
            {"order": "S", "good": "1"},
            {"order": "B", "good": "1"},
        ],
    )
    report = bring(tmp_path)
    assert {said(finding) for finding in report.findings} == {
        ("bookings.csv", 4, "serials"),
        ("bookings.csv", 5, "serials"),
        ("bookings.csv", 6, "serials"),
        ("bookings.csv", 7, "batch"),
    }
    write(tmp_path / "bookings.csv", [{"order": "S", "good": "2", "serials": "P-1, P-2"}])
    brought(tmp_path)
    assert {"PUMP@MAIN/STOCKP-1", "PUMP@MAIN/STOCKP-2"} <= set(stock())
    assert Batch.objects.get().expires_on == date(2027, 1, 1)


def test_an_order_that_completed_itself_takes_no_more_bookings(tmp_path: Path) -> None:
    full = {"order": "WO-1", "date": "2026-01-09"}
    files(
        tmp_path,
        sites=lines("sites", complete_when_full="yes"),
        bookings=[{**full, "good": "10"}, {**full, "good": "1"}],
    )
    report = bring(tmp_path)
    assert [said(finding) for finding in report.findings] == [("bookings.csv", 3, "order")]
    write(tmp_path / "bookings.csv", [{**full, "good": "10"}])
    brought(tmp_path)
    assert WorksOrder.objects.get(number="WO-1").status == "complete"


def test_an_order_may_stay_new(tmp_path: Path) -> None:
    files(tmp_path / "a", works_orders=lines("works_orders", status="new"), bookings=None)
    brought(tmp_path / "a")
    assert WorksOrder.objects.get().status == "new"
    files(tmp_path / "b", bookings=None)
    assert [said(finding) for finding in bring(tmp_path / "b").findings] == [("works_orders.csv", 2, "status")]
    brought(tmp_path / "b", update=True)
    assert WorksOrder.objects.get().status == "released"
    brought(tmp_path / "a")
    assert WorksOrder.objects.get().status == "released"


def test_a_purchase_order_of_several_lines_is_one_order(tmp_path: Path) -> None:
    second = {**EXAMPLE["purchase_orders"][0], "line": "20", "item": "BOLT", "quantity": "100"}
    files(tmp_path, purchase_orders=lines("purchase_orders", second))
    brought(tmp_path)
    assert PurchaseOrder.objects.get().lines.count() == 2
    files(tmp_path, purchase_orders=lines("purchase_orders", {**second, "supplier": "", "placed_on": "2026-01-08"}))
    assert ("purchase_orders.csv", 3, "supplier") in {said(finding) for finding in bring(tmp_path).findings}


def test_a_date_is_the_first_moment_of_the_day_in_the_site_s_time_zone(tmp_path: Path) -> None:
    bookings = [{"order": "WO-1", "good": "1", "date": moment} for moment in ("2026-01-09", "2026-01-09T14:30")]
    brought(files(tmp_path, sites=lines("sites", time_zone="Asia/Tokyo"), bookings=bookings))
    moments = Posting.objects.filter(process=Process.WORKS_ORDER).order_by("pk").values_list("at", flat=True)
    assert [moment.isoformat() for moment in moments] == ["2026-01-08T15:00:00+00:00", "2026-01-09T05:30:00+00:00"]


def test_the_number_of_statements_does_not_grow_with_rows(tmp_path: Path) -> None:
    def plant(folder: Path, rows: int) -> Path:
        item = {"class": "B", "type_code": "BOUGHT", "unit": "PCS"}
        made = {"class": "M", "type_code": "MADE", "unit": "PCS"}
        order = {"quantity": "5", "start_date": "2026-01-07"}
        numbers = [f"{rows}-{number}" for number in range(rows)]
        return files(
            folder,
            stores=lines("stores", *({"code": f"S{n}"} for n in numbers)),
            locations=lines("locations", *({"store": f"S{n}", "code": "X", "bin_controlled": "yes"} for n in numbers)),
            bins=lines("bins", *({"location": f"S{n}/X", "code": "B"} for n in numbers)),
            suppliers=lines("suppliers", *({"code": f"U{n}", "stock": f"S{n}/X"} for n in numbers)),
            items=lines(
                "items", *({**item, "code": f"C{n}"} for n in numbers), *({**made, "code": f"M{n}"} for n in numbers)
            ),
            conversions=lines(
                "conversions", *({"item": f"C{n}", "from": "PCS", "to": "G", "factor": "5"} for n in numbers)
            ),
            structures=lines(
                "structures",
                *({"item": f"M{n}", "line": "10", "component": f"C{n}", "quantity": "5", "unit": "G"} for n in numbers),
            ),
            opening_stock=lines(
                "opening_stock",
                *(
                    {"item": f"C{n}", "location": f"S{n}/X", "bin": "B", "quantity": "9", "date": "2026-01-05"}
                    for n in numbers
                ),
            ),
            purchase_orders=lines(
                "purchase_orders",
                *(
                    {
                        "number": f"P{n}",
                        "supplier": f"U{n}",
                        "placed_on": "2026-01-07",
                        "item": f"C{n}",
                        "quantity": "1",
                    }
                    for n in numbers
                ),
            ),
            works_orders=lines("works_orders", *({**order, "number": f"W{n}", "item": f"M{n}"} for n in numbers)),
            bookings=lines("bookings", *({"order": f"W{n}", "good": "1", "date": "2026-01-08"} for n in numbers)),
        )

    def statements(rows: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            report = bring(plant(tmp_path / str(rows), rows))
        assert not report.findings
        return len(captured)

    bring(files(tmp_path / "0"))
    assert statements(30) == statements(3)


def test_a_thousand_faulty_rows_are_found_quickly(tmp_path: Path) -> None:
    wrong = [{"from": "KG", "to": "G", "factor": str(number), "item": "STEEL"} for number in range(2, 202)]
    report = bring(files(tmp_path, conversions=[*EXAMPLE["conversions"], *wrong]))
    assert len(report.findings) == 199


CHUNK = 50
BOOKED = 2 * CHUNK + 5


def many(folder: Path) -> Path:
    """Return enough bookings for three chunks, each on its own order."""
    numbers = range(BOOKED)
    order = {"item": "BRACKET", "quantity": "1", "start_date": "2026-01-07"}
    return files(
        folder,
        works_orders=[{**order, "number": f"W{number}"} for number in numbers],
        bookings=[{"order": f"W{number}", "good": "1", "date": "2026-01-08"} for number in numbers],
    )


KILLED = """
import os, signal, sys
from pathlib import Path
import django
django.setup()
from backflush.imports.services import import_data
seen = 0
def tell(stage, done, total):
    global seen
    seen += stage == "bookings posted"
    if seen == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
import_data(Path(sys.argv[1]), by="ann", tell=tell, chunk=50)
"""


@pytest.mark.slow
def test_a_killed_import_is_finished_by_running_it_again(committed_database: Database, tmp_path: Path) -> None:
    folder = many(tmp_path)
    environment = {
        **os.environ,
        "DATABASE_URL": committed_database.url,
        "DJANGO_SETTINGS_MODULE": "backflush.config.settings",
    }
    for chunks in (1, 1):
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, str(folder), str(chunks)], env=environment, check=False, capture_output=True
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert Booking.objects.count() == 2 * CHUNK
    report = brought(folder, chunk=CHUNK)
    assert counts(report)["bookings"] == (5, 0, 2 * CHUNK)
    assert counts(report)["works_orders"] == (0, 0, BOOKED)
    assert stock()["BRACKET@MAIN/STOCK"] == BOOKED
    assert Movement.objects.filter(posting__process=Process.WORKS_ORDER).count() == 3 * BOOKED


def test_a_refusal_between_chunks_names_the_row_and_does_not_stop_the_others(tmp_path: Path) -> None:
    """The check can't foresee it: another user completes an order while the bookings are being posted."""
    folder = many(tmp_path)

    def meddle(stage: str, done: int, total: int) -> None:
        if stage == "bookings posted" and done == CHUNK:
            WorksOrder.objects.filter(number=f"W{CHUNK + 7}").update(status="complete")

    report = bring(folder, tell=meddle, chunk=CHUNK)
    assert report.applied
    assert [said(finding) for finding in report.findings] == [("bookings.csv", CHUNK + 7 + 2, "order")]
    assert Booking.objects.count() == BOOKED - 1
    WorksOrder.objects.filter(status="complete").update(status="released")
    assert counts(brought(folder))["bookings"] == (1, 0, BOOKED - 1)


def test_numbers_of_a_workbook_are_read_as_displayed(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "plant.xlsx",
        {
            "README": [["anything"]],
            "Units": [["code"], ["PCS"], [7]],
            "Type codes": [["code"], ["X"]],
            "items": [
                ["code", "class", "type_code", "unit", "decimals", "standard_material", "obsolete_on"],
                [],
                [1001, "b", "X", 7.0, 3.0, 0.1 + 0.2, date(2030, 1, 2)],
                ["0042", "B", "X", "PCS", 0, 12, ""],
            ],
        },
    )
    brought(path)
    item = Item.objects.select_related("cost", "stock_unit").get(code="1001")
    assert item.cost is not None
    assert (item.stock_unit.code, item.quantity_decimals, item.cost.standard_material) == ("7", 3, Decimal("0.3"))
    assert item.obsolete_on == date(2030, 1, 2)
    assert Item.objects.filter(code="0042").exists()


def test_a_code_that_a_spreadsheet_turned_into_a_date_is_a_fault(tmp_path: Path) -> None:
    path = workbook(tmp_path / "plant.xlsx", {"units": [["code"], [datetime(2026, 3, 1)], ["PCS"]]})  # noqa: DTZ001
    report = bring(path)
    assert [said(finding) for finding in report.findings] == [("plant.xlsx: units", 2, "code")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_commas_and_semicolons_are_read_with_and_without_a_byte_order_mark(
    encoding: str, delimiter: str, tmp_path: Path
) -> None:
    folder = files(tmp_path)
    for name in ("units", "items", "structures"):
        write(folder / f"{name}.csv", EXAMPLE[name], delimiter=delimiter, encoding=encoding)
    brought(folder)


@pytest.mark.parametrize(
    ("text", "where", "word"),
    [
        ("code,colour\nPCS,red\n", ("units.csv", 1, ""), "usual words"),
        ("code,nme\nPCS,red\n", ("units.csv", 1, "nme"), "Did you mean name?"),
        ("name\nPieces\n", ("units.csv", 1, "code"), "missing"),
        ("code,code\nPCS,PCS\n", ("units.csv", 1, "code"), "twice"),
        ("code,name\nPCS,Pieces,more\n", ("units.csv", 2, ""), "more cells"),
        ('code,name\nKG,"Kilo\ngrams"\nPCS,"Pieces\nG,Grams\n', ("units.csv", 3, ""), "lines 4 to 5) is never closed"),
        ('code,name\nPCS,"Pieces" x\n', ("units.csv", 2, ""), "isn't followed by a separator"),
        ("", ("units.csv", 1, "code"), "missing"),
    ],
)
def test_an_unreadable_file_is_a_fault_with_its_reason(
    text: str, where: tuple[str, int, str], word: str, tmp_path: Path
) -> None:
    (tmp_path / "units.csv").write_text(text, encoding="utf-8")
    report = bring(tmp_path)
    assert [said(finding) for finding in report.findings] == [where]
    assert word in f"{report.findings[0].fault} {report.findings[0].remedy}"


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-be", "utf-16-le", "utf-8-sig"])
def test_text_in_the_usual_encodings_is_read(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_bytes("code,name\nSTK,Stück\n".encode(encoding))
    brought(tmp_path)
    assert Unit.objects.get(code="STK").name == "Stück"


def test_what_is_no_text_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_bytes(b"code,name\nSTK,St\x81ck\n")
    assert "UTF-8" in bring(tmp_path).findings[0].fault


@pytest.mark.parametrize(
    ("table", "lines", "column"),
    [
        ("structures", [{"item": "PLATED", "line": "10", "component": "BRACKET", "quantity": "1"}] * 2, "line"),
        ("opening_stock", [{"item": "BOLT", "location": "MAIN/LINE", "quantity": "1000"}] * 2, "item"),
        ("opening_stock", [{"item": "BOLT", "location": "MAIN/LINE", "quantity": "1", "batch": "B1"}] * 2, "batch"),
    ],
)
def test_a_doubled_row_is_a_fault_of_the_column_that_names_it(
    table: str, lines: Sequence[Mapping[str, str]], column: str, tmp_path: Path
) -> None:
    brought(files(tmp_path / "plant", bookings=None))
    found = bring(write(tmp_path / f"{table}.csv", lines), update=True).findings
    (doubled,) = [finding for finding in found if finding.row == 3]
    assert doubled.column == column
    assert "in row 2 already" in doubled.fault


def test_an_empty_import_is_a_fault(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none", write(tmp_path / "units.doc", [{"code": "PCS"}])):
        report = bring(path)
        assert len(report.findings) == 1, path
        assert not report.applied


def test_a_template_overwrites_nothing(tmp_path: Path) -> None:
    write_template(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(Exception, match="already contains"):
        write_template(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_deactivated_rows_take_no_new_records_and_existing_ones_are_skipped(tmp_path: Path) -> None:
    brought(files(tmp_path / "first"))
    end(Supplier.objects.get(code="ACME"), on=date(2026, 4, 1))
    brought(files(tmp_path / "same"))
    shelf = {"store": "ACME", "code": "SHELF", "supplier": "ACME"}
    report = bring(files(tmp_path / "more", locations=lines("locations", shelf)))
    assert [(finding.table, finding.column) for finding in report.findings] == [("locations", "supplier")]
    assert "was deactivated on 1 Apr 2026" in str(report.findings[0])


def test_works_orders_come_in_with_their_end_after_their_bookings(tmp_path: Path) -> None:
    order = {**EXAMPLE["works_orders"][0], "quantity": "10"}
    orders = [
        {**order, "number": "DONE", "status": "complete", "ended_at": "2026-01-12T16:00"},
        {**order, "number": "SHORT", "status": "closed short", "ended_at": "2026-01-13"},
        {**order, "number": "GONE", "status": "cancelled", "ended_at": "2026-01-14"},
        {**order, "number": "BUSY", "status": "open"},
    ]
    made = [
        {"order": "DONE", "good": "10", "date": "2026-01-09"},
        {"order": "SHORT", "good": "4", "date": "2026-01-09"},
    ]
    receipt = {"order": "PO-1", "accepted": "8", "date": "2026-01-09"}
    purchases = [{**EXAMPLE["purchase_orders"][0], "status": "closed"}]
    files(tmp_path, works_orders=orders, bookings=made, receipts=[receipt], purchase_orders=purchases)
    assert counts(brought(tmp_path))["works_orders"] == (4, 0, 0)
    assert dict(WorksOrder.objects.values_list("number", "status")) == {
        "DONE": "complete",
        "SHORT": "complete",
        "GONE": "cancelled",
        "BUSY": "released",
    }
    ends = OrderChange.objects.filter(after__in=("complete", "cancelled")).order_by("at")
    assert [(change.order.number, f"{change.at:%d %H:%M}", change.remarks) for change in ends] == [
        ("DONE", "12 16:00", ""),
        ("SHORT", "13 00:00", "closed short"),
        ("GONE", "14 00:00", ""),
    ]
    assert PurchaseOrder.objects.get().status == "closed"
    assert counts(brought(tmp_path))["works_orders"] == (0, 0, 4)


def test_an_order_can_end_by_import_only_as_people_can_end_it(tmp_path: Path) -> None:
    order = EXAMPLE["works_orders"][0]
    brought(files(tmp_path / "plant"))
    ended = write(tmp_path / "works_orders.csv", [{**order, "status": "cancelled"}])
    assert bring(ended).findings[0].fault == "is cancelled here and open in the database."
    assert [finding.code for finding in bring(ended, update=True).findings] == ["order_has_bookings"]
    brought(write(tmp_path / "works_orders.csv", [{**order, "status": "complete"}]), update=True)
    assert WorksOrder.objects.get().status == "complete"
    late = [{**order, "number": "WO-2", "status": "complete", "ended_at": "2999-01-01"}]
    early = {**order, "number": "WO-3", "ended_at": "2026-01-02"}
    found = bring(write(tmp_path / "works_orders.csv", [*late, early])).findings
    assert [(finding.row, finding.column) for finding in found] == [(2, "ended_at"), (3, "ended_at")]


def test_bookings_without_key_and_date_of_an_earlier_day_are_asked_about(tmp_path: Path) -> None:
    brought(files(tmp_path / "plant", bookings=None))
    undated = write(tmp_path / "bookings.csv", [{"order": "WO-1", "good": "2"}])
    brought(undated)
    assert counts(brought(undated))["bookings"] == (0, 0, 1)
    with patch("django.utils.timezone.now", return_value=datetime.now(UTC) + timedelta(days=1)):
        (asked,) = bring(undated).findings
        assert (asked.column, "--undated same or --undated new" in asked.option) == ("date", True)
        assert counts(brought(undated, choices=Choices(undated="same")))["bookings"] == (0, 0, 1)
        assert counts(brought(undated, choices=Choices(undated="new")))["bookings"] == (1, 0, 0)
        assert counts(brought(undated, choices=Choices(undated="new")))["bookings"] == (0, 0, 1)
    assert Booking.objects.count() == 2


def test_stock_that_is_tracked_in_another_way_than_its_item_is_told_how_it_comes_in(tmp_path: Path) -> None:
    item = EXAMPLE["items"][3]
    items = lines(
        "items", {**item, "code": "PUMP", "tracking": "serial"}, {**item, "code": "GLUE", "tracking": "batch"}
    )
    brought(files(tmp_path / "plant", items=items))
    stock = {"location": "MAIN/STOCK", "quantity": "1"}
    rows = [
        {**stock, "item": "GLUE"},
        {**stock, "item": "PUMP"},
        {**stock, "item": "PUMP", "serial": "1", "batch": "B"},
        {**stock, "item": "GLUE", "serial": "1", "batch": "B"},
        {**stock, "item": "STEEL", "batch": "B"},
    ]
    found = bring(write(tmp_path / "opening_stock.csv", rows)).findings
    assert [(finding.row, finding.column) for finding in found] == [
        (2, "batch"),
        (3, "serial"),
        (4, "batch"),
        (5, "serial"),
        (6, "batch"),
    ]
    assert "under one of its own, like OLD" in found[0].remedy
