"""The set-up check: a correct plant has no findings, and each planted fault is found, with a remedy."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backflush.items.models import Item, TypeCode
from backflush.items.selectors import item_coded
from backflush.setup_check.findings import KINDS, About, SetupFinding, Severity
from backflush.setup_check.selectors import CHARTED, EXPLODED, by_thing, examine
from backflush.stockmap.models import Location, Site, TransferRule
from backflush.stockmap.selectors import action_named
from backflush.stockmap.services import add_action, add_rule, add_site, add_supplier, end_rule
from backflush.structures.models import StructureLine
from backflush.subcontract.services import close_order
from tests.cast import DAY, Plant

TODAY = DAY
TOMORROW = TODAY + timedelta(days=1)
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def healthy(plant: Plant) -> Plant:
    """The test plant with its three faults corrected, and stock at every from-location."""
    for item in ("BOLT", "LUG", "TUBE", "PAINT", "SHEET"):
        plant.has(100, item)
    plant.has(100, "LUG", at="ACME/STOCK")
    by_hand = [plant.line(20, "MOTOR", 1, by_hand=True), plant.line(30, "RESIN", "0.5", by_hand=True)]
    plant.consists("CABINET", plant.line(10, "PANEL", 2), *by_hand)
    Item.objects.filter(code="CRATE").update(obsolete_on=YESTERDAY)
    end_rule(rule=TransferRule.objects.get(action__name="RACKFLUSH"))
    assert findings(plant) == []
    return plant


def findings(plant: Plant) -> list[SetupFinding]:
    return examine(plant.site, today=TODAY)


def said(plant: Plant) -> list[tuple[str, str]]:
    """Return the findings by code and subject, and require that each states its fault and remedy."""
    found = findings(plant)
    for finding in found:
        assert finding.severity is KINDS[finding.code].severity
        assert finding.sentence.endswith(".")
        assert finding.remedy.endswith(".")
    return [(finding.code, finding.subject) for finding in found]


def test_a_correct_plant_has_no_findings(healthy: Plant) -> None:
    assert findings(healthy) == []


def test_the_test_plant_has_three_faults_and_no_stock(plant: Plant) -> None:
    assert [one for one in said(plant) if one[0] != "no_stock_record"] == [
        ("batch_tracked", "CABINET line 30"),
        ("serial_tracked", "CABINET line 20"),
        ("bin_controlled", "RACKFLUSH"),
    ]


# Actions, rules and type codes


def test_an_action_without_a_rule_is_found_with_what_names_it(healthy: Plant) -> None:
    end_rule(rule=TransferRule.objects.get(action__name="BACKFLUSH"))
    assert said(healthy) == [("no_rule", "BACKFLUSH")]
    assert "type code MADE" in findings(healthy)[0].sentence


@pytest.mark.parametrize("action", ["COMPLETE", "ISSUE", "RETURN", "RECEIVE"])
def test_every_action_that_is_needed_must_have_a_rule(healthy: Plant, action: str) -> None:
    end_rule(rule=TransferRule.objects.get(action__name=action))
    assert said(healthy) == [("no_rule", action)]


def test_a_rule_at_another_site_does_not_count_here(healthy: Plant) -> None:
    other = examine(add_site(code="SOUTH"), today=TODAY)
    assert {finding.subject for finding in other if finding.code == "no_rule"} >= {"BACKFLUSH", "COMPLETE", "SUBFLUSH"}
    assert findings(healthy) == []


def test_a_type_code_that_no_live_item_has_is_left_alone(healthy: Plant) -> None:
    TypeCode.objects.create(code="UNUSED", backflush=add_action(name="NOWHERE", type="backflush"))
    assert findings(healthy) == []


def test_a_purchase_order_whose_own_receive_action_has_no_rule_is_found(healthy: Plant) -> None:
    add_action(name="RCV-LATER", type="receive")
    healthy.buys(5, "BOLT", receive_action="RCV-LATER")
    assert said(healthy) == [("no_rule", "RCV-LATER")]


def test_open_purchase_orders_need_a_receive_action(healthy: Plant) -> None:
    Site.objects.filter(pk=healthy.site.pk).update(receive_action=None)
    healthy.site.refresh_from_db()
    assert findings(healthy) == []
    number = healthy.buys(5, "BOLT")
    assert said(healthy) == [("no_receive_action", "MAIN")]
    close_order(site=healthy.site, number=number, by=healthy.storekeeper)
    assert findings(healthy) == []


def test_made_items_without_a_completion_action_are_found_by_type_code(healthy: Plant) -> None:
    TypeCode.objects.filter(code="PARTLY").update(completion=None)
    assert said(healthy) == [("no_completion_action", "PARTLY")]
    assert "TRAY" in findings(healthy)[0].sentence


def test_sub_contracted_items_without_a_backflush_action_are_found(healthy: Plant) -> None:
    TypeCode.objects.filter(code="SUBCON").update(backflush=None)
    assert said(healthy) == [("no_backflush_action", "SUBCON")]
    assert "PLATED" in findings(healthy)[0].sentence


@pytest.mark.parametrize("end", ["source", "target"])
def test_a_backflush_rule_from_or_to_bins_is_found(healthy: Plant, end: str) -> None:
    ends = {"source": "LINE", "target": "WIP"} | {end: "RACK"}
    end_rule(rule=TransferRule.objects.get(action__name="PARTFLUSH"))
    add_rule(
        action=action_named("PARTFLUSH"),
        source=healthy.location(ends["source"]),
        target=healthy.location(ends["target"]),
    )
    assert said(healthy) == [("bin_controlled", "PARTFLUSH")]


def test_a_backflush_rule_from_where_no_balance_is_kept_is_found(healthy: Plant) -> None:
    end_rule(rule=TransferRule.objects.get(action__name="PARTFLUSH"))
    add_rule(action=action_named("PARTFLUSH"), source=healthy.location("BOUGHT"), target=healthy.location("WIP"))
    assert said(healthy) == [("no_balance", "PARTFLUSH")]


# Structures


def test_tracked_components_that_are_not_by_hand_are_found_through_phantoms(healthy: Plant) -> None:
    healthy.consists("PANEL", healthy.line(10, "MOTOR", 1), healthy.line(20, "RESIN", 1))
    assert said(healthy) == [("batch_tracked", "CABINET line 10/20"), ("serial_tracked", "CABINET line 10/10")]
    healthy.consists("CABINET", healthy.line(10, "PANEL", 2, by_hand=True))
    assert findings(healthy) == []


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("starts", [None, TOMORROW])
def test_a_missing_conversion_is_found_in_lines_of_today_and_later(
    healthy: Plant, starts: date | None, by_hand: bool
) -> None:
    healthy.consists(
        "PANEL", healthy.line(10, "SHEET", 2), healthy.line(20, "BOLT", 1, "BOX", starts=starts, by_hand=by_hand)
    )
    assert said(healthy) == [("no_conversion", "BOLT BOX")]
    assert "CABINET line 10/20" in findings(healthy)[0].sentence


def test_lines_of_the_past_are_not_checked(healthy: Plant) -> None:
    past = healthy.line(20, "BOLT", 1, "BOX", ends=YESTERDAY)
    healthy.consists("PANEL", healthy.line(10, "SHEET", 2), past, healthy.line(30, "MOTOR", 1, ends=YESTERDAY))
    assert findings(healthy) == []


def test_a_backflushed_item_without_a_structure_in_force_is_found(healthy: Plant) -> None:
    healthy.consists("BRACKET")
    healthy.consists("PACK", healthy.line(10, "BOLT", 8, starts=TOMORROW))
    assert said(healthy) == [("no_structure", "BRACKET"), ("no_structure", "PACK")]
    assert "3 Mar 2026" in findings(healthy)[1].sentence


def test_an_item_without_backflush_needs_no_structure(healthy: Plant) -> None:
    healthy.stocks("SAMPLE", "M", "BYHAND")
    assert findings(healthy) == []


def test_a_loop_created_outside_the_services_is_found_once_with_its_path(healthy: Plant) -> None:
    put_in("BRACKET", "FRAME")
    put_in("FRAME", "BRACKET")
    assert [code for code, _ in said(healthy)][:1] == ["structure_loop"]
    loops = [finding.sentence for finding in findings(healthy) if finding.code == "structure_loop"]
    assert len(loops) == 1
    assert "BRACKET > FRAME > BRACKET" in loops[0]


def test_a_phantom_that_contains_itself_does_not_hide_other_findings(healthy: Plant) -> None:
    healthy.stocks("INNER", "P")
    put_in("INNER", "PANEL")
    put_in("PANEL", "INNER")
    healthy.consists("PACK", healthy.line(10, "MOTOR", 1))
    assert said(healthy) == [("structure_loop", "PANEL"), ("serial_tracked", "PACK line 10")]


def test_each_of_many_loops_is_found(healthy: Plant) -> None:
    for number in range(3):
        for end in "AB":
            healthy.stocks(f"{end}{number}")
        put_in(f"A{number}", f"B{number}")
        put_in(f"B{number}", f"A{number}")
    assert said(healthy) == [("structure_loop", f"A{number}") for number in range(3)]


def put_in(item: str, component: str) -> None:
    """Insert a line that no service would accept."""
    thing = item_coded(component)
    StructureLine.objects.create(
        item=item_coded(item), number=90, component=thing, quantity=Decimal(1), unit=thing.stock_unit
    )


def test_a_fixed_quantity_on_a_phantom_is_found(healthy: Plant) -> None:
    StructureLine.objects.filter(component__code="PANEL").update(fixed=Decimal(1))
    assert said(healthy) == [("fixed_on_phantom", "CABINET line 10")]


def test_a_phantom_with_no_line_in_force_is_found(healthy: Plant) -> None:
    healthy.consists("PANEL", healthy.line(10, "SHEET", 2, ends=YESTERDAY))
    assert said(healthy) == [("empty_phantom", "PANEL")]
    assert "CABINET" in findings(healthy)[0].sentence


def test_a_structure_too_large_to_explode_is_found(healthy: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backflush.core.structure.LINES_MAX", 3)
    assert said(healthy) == [("structure_too_large", "CABINET")]


def test_an_obsolete_component_is_found_in_live_structures_only(healthy: Plant) -> None:
    Item.objects.filter(code="BOLT").update(obsolete_on=TODAY)
    Item.objects.filter(code="PACK").update(obsolete_on=TODAY)
    assert said(healthy) == [("obsolete_component", "BOLT")]
    sentence = findings(healthy)[0].sentence
    assert "BRACKET line 10" in sentence
    assert "PACK" not in sentence


# From-locations


def test_a_component_never_in_stock_at_the_rule_s_location_is_found_with_its_users(healthy: Plant) -> None:
    healthy.stocks("WASHER")
    for item in ("BRACKET", "PACK"):
        healthy.consists(item, healthy.line(10, "WASHER", 1))
    assert said(healthy) == [("no_stock_record", "WASHER at MAIN/LINE")]
    assert "BRACKET line 10, PACK line 10" in findings(healthy)[0].sentence
    healthy.has(1, "WASHER")
    assert findings(healthy) == []


def test_a_line_s_own_from_location_is_checked_instead_of_the_rule_s(healthy: Plant) -> None:
    healthy.consists("BRACKET", healthy.line(10, "BOLT", 4, source="RAW"))
    assert said(healthy) == [("no_stock_record", "BOLT at MAIN/RAW")]


def test_the_stock_location_of_an_expected_supplier_is_checked(healthy: Plant) -> None:
    add_supplier(code="BASIS")
    healthy.names_stock_of("BASIS", at="RAW")
    assert findings(healthy) == []
    healthy.buys(10, "PLATED", supplier="BASIS")
    assert said(healthy) == [("no_stock_record", "LUG at MAIN/RAW")]


def test_supplier_provided_components_need_no_stock(healthy: Plant) -> None:
    healthy.stocks("SALT")
    healthy.consists("PLATED", healthy.line(10, "LUG", 4), healthy.line(20, "SALT", 1, supplier_provides=True))
    assert findings(healthy) == []


def test_own_from_locations_with_bins_or_without_balances_are_found(healthy: Plant) -> None:
    healthy.consists("BRACKET", healthy.line(10, "BOLT", 4, source="RACK"))
    healthy.consists("PACK", healthy.line(10, "BOLT", 4, source="BOUGHT"))
    assert said(healthy) == [("bin_controlled", "BRACKET line 10"), ("no_balance", "PACK line 10")]


def test_a_line_whose_from_location_is_the_backflush_s_to_location_is_found(healthy: Plant) -> None:
    healthy.consists("BRACKET", healthy.line(10, "BOLT", 4, source="WIP"))
    assert said(healthy) == [("same_location", "BRACKET line 10")]
    assert findings(healthy)[0].severity is Severity.REFUSED


# The check as a whole


def test_the_most_severe_findings_come_first(healthy: Plant) -> None:
    healthy.consists("BRACKET")
    healthy.consists("PACK", healthy.line(10, "MOTOR", 1), healthy.line(20, "BOLT", 1, source="WIP"))
    severities = [finding.severity for finding in findings(healthy)]
    assert severities == [Severity.REFUSED, Severity.UNRESOLVED, Severity.NOTICE]


def test_a_larger_plant_takes_no_more_statements_and_nothing_is_written(healthy: Plant) -> None:
    with statements() as few:
        findings(healthy)
    component = item_coded("BOLT")
    for number in range(30):
        healthy.stocks(f"MORE-{number}", "M", "MADE")
        healthy.consists(f"MORE-{number}", healthy.line(10, component.code, 1), healthy.line(20, "MOTOR", 1))
    with statements() as many:
        assert len(findings(healthy)) == 30
    assert len(many) == len(few)
    assert all(query["sql"].lstrip("(").upper().startswith("SELECT") for query in many)


@contextmanager
def statements() -> Iterator[list[dict[str, str]]]:
    with CaptureQueriesContext(connection) as captured:
        yield (found := [])
    found.extend(captured.captured_queries)


def test_an_empty_site_is_not_set_up(database: object) -> None:
    found = [finding.code for finding in examine(add_site(code="EMPTY"), today=TODAY)]
    assert found == ["not_set_up", "not_set_up", "no_adjustment_place"]
    assert not Location.objects.exists()


def test_selected_codes_give_the_same_findings_as_all_codes(plant: Plant) -> None:
    everything = findings(plant)
    for code in KINDS:
        some = examine(plant.site, today=TODAY, codes=[code])
        assert some == [finding for finding in everything if finding.code == code]


def test_every_kind_of_finding_has_a_check_that_finds_it() -> None:
    assert {code for finds in (*CHARTED.values(), *EXPLODED.values()) for code in finds} == set(KINDS)


def test_a_finding_names_each_record_that_it_concerns(healthy: Plant) -> None:
    end_rule(rule=TransferRule.objects.get(action__name="BACKFLUSH", active=True))
    found = examine(healthy.site, today=TODAY, codes=["no_rule"])
    assert list(by_thing(found, About.ACTION)) == ["BACKFLUSH"]
    assert "MADE" in by_thing(found, About.TYPE_CODE)
    assert by_thing(found, About.LOCATION) == {}
