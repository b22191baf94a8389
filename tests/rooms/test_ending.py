"""Deactivation instead of deletion: new records can't name the row, existing ones stay valid, and it can be
reactivated."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.utils import timezone

from backflush.core.refusals import Ended, InUse
from backflush.handling.moves import OpeningIn, open_stock
from backflush.handling.transfers import Note, NoteLine, arrive
from backflush.items.models import Item, ProductGroup, TypeCode, Unit
from backflush.items.selectors import item_coded, unit_coded
from backflush.items.services import (
    ConversionIn,
    ItemIn,
    TypeCodeIn,
    add_conversions,
    add_items,
    add_product_group,
    add_type_code,
    change_conversions,
    change_items,
    change_type_codes,
)
from backflush.ledger.selectors import bins_holding_stock, holding_stock
from backflush.stockmap.deactivation import end, end_action, end_bin, end_location, end_store, end_supplier, use_again
from backflush.stockmap.deletion import end_rules_at
from backflush.stockmap.models import Bin, Endable, Location, Store, Supplier, TransferRule
from backflush.stockmap.selectors import action_named, place_names, supplier_named
from backflush.stockmap.services import (
    LocationIn,
    add_bin,
    add_location,
    add_rule,
    add_store,
    change_locations,
    end_rule,
    set_receive_action,
    set_supplier_stock,
)
from backflush.structures.selectors import lines_taking_from, structure_rows
from backflush.structures.services import as_entered, set_structure
from tests.cast import DAY, YEARS_AGO, Plant
from tests.oracle import refused

TODAY = date(2026, 4, 1)


def ends_location(plant: Plant, name: str) -> Location:
    """Deactivate a location as the pages do, with what the other rooms know of it."""
    location = plant.location(name)
    lines = lines_taking_from(location, day=TODAY)
    end_location(location=location, on=TODAY, holds_stock=bool(holding_stock([location.pk])), lines=lines)
    return location


def spare(plant: Plant, code: str = "SPARE", **more: Any) -> Location:
    """A location that nothing refers to."""
    return add_location(store=Store.objects.get(site=plant.site, code="MAIN"), code=code, **more)


def opens(plant: Plant, quantity: int, item: str, location: Location, *, bin: str = "") -> None:
    opening = OpeningIn(item=item_coded(item), location=location, quantity=Decimal(quantity), bin=bin)
    open_stock([opening], site=plant.site, by=plant.storekeeper, at=YEARS_AGO)


def test_no_location_is_added_to_a_deactivated_store(plant: Plant) -> None:
    annex = add_store(site=plant.site, code="ANNEX")
    end_store(store=annex, on=TODAY)
    with pytest.raises(Ended, match="1 Apr 2026"):
        add_location(store=annex, code="SHELF")
    use_again(annex)
    assert add_location(store=annex, code="SHELF").path == "ANNEX/SHELF"


def test_a_store_is_deactivated_after_its_locations(plant: Plant) -> None:
    annex = add_store(site=plant.site, code="ANNEX")
    shelf = add_location(store=annex, code="SHELF")
    with pytest.raises(InUse, match="ANNEX/SHELF"):
        end_store(store=annex, on=TODAY)
    end_location(location=shelf, on=TODAY, holds_stock=False, lines=0)
    end_store(store=annex, on=TODAY)
    with refused("ended"):
        use_again(shelf)


def test_a_location_with_stock_cannot_be_deactivated(plant: Plant) -> None:
    location = spare(plant)
    opens(plant, 5, "BOLT", location)
    with pytest.raises(InUse, match="Move it first"):
        ends_location(plant, "SPARE")


def test_a_location_with_a_rule_cannot_be_deactivated(plant: Plant) -> None:
    with pytest.raises(InUse, match="REPLENISH"):
        ends_location(plant, "RAW")
    end_rules_at(location=plant.location("RAW"))
    ends_location(plant, "RAW")


def test_a_supplier_s_stock_location_cannot_be_deactivated(plant: Plant) -> None:
    supplier, location = supplier_named("ACME"), spare(plant)
    set_supplier_stock(supplier=supplier, location=location)
    with pytest.raises(InUse, match="ACME"):
        ends_location(plant, "SPARE")


def test_a_structure_line_s_from_location_cannot_be_deactivated(plant: Plant) -> None:
    spare(plant)
    plant.consists("BRACKET", plant.line(10, "BOLT", 4, source="SPARE"))
    with pytest.raises(InUse, match="Structure lines that take from MAIN/SPARE: 1"):
        ends_location(plant, "SPARE")
    plant.consists("BRACKET", plant.line(10, "BOLT", 4, source="SPARE", ends=date(2026, 3, 31)))
    ends_location(plant, "SPARE")


def test_new_records_cannot_name_a_deactivated_location(plant: Plant) -> None:
    rack = spare(plant, bin_controlled=True)
    add_bin(location=rack, code="S1")
    ends_location(plant, "SPARE")
    rack.refresh_from_db()
    with refused("ended", field="location"):
        add_bin(location=rack, code="S2")
    with refused("ended", field="from"):
        add_rule(action=action_named("REPLENISH"), source=rack, target=plant.location("FG"))
    with refused("ended", field="to"):
        add_rule(action=action_named("REPLENISH"), source=plant.location("FG"), target=rack)
    with refused("ended", field="stock"):
        set_supplier_stock(supplier=supplier_named("ACME"), location=rack)
    with refused("ended", field="location"):
        opens(plant, 5, "BOLT", rack, bin="S1")
    with refused("ended", field="source"):
        plant.consists("BRACKET", plant.line(10, "BOLT", 4, source="SPARE"))


def test_no_transfer_is_received_into_a_deactivated_location(plant: Plant) -> None:
    Plant.build_site(code="NORTH")
    spare(plant)
    ends_location(plant, "SPARE")
    lines = (NoteLine(item="BOLT", quantity=Decimal(5)),)
    note = Note(source="NORTH", target=plant.site.code, number="1", sent_at=timezone.now(), lines=lines)
    with refused("ended", field="into"):
        arrive(site=plant.site, note=note, into="MAIN/SPARE", by=plant.storekeeper)


def test_a_deactivated_location_is_not_offered(plant: Plant) -> None:
    spare(plant)
    ends_location(plant, "SPARE")
    assert "MAIN/SPARE" in place_names(plant.site, most=99)
    assert "MAIN/SPARE" not in place_names(plant.site, most=99, in_use=True)


def test_a_reversal_returns_stock_even_to_a_deactivated_location(plant: Plant) -> None:
    location = spare(plant)
    opens(plant, 5, "BOLT", location)
    add_rule(action=action_named("REPLENISH"), source=location, target=plant.location("LINE"))
    moved = plant.moves(5, "BOLT", "SPARE", "LINE")
    end_rule(rule=TransferRule.objects.get(source=location, active=True))
    ends_location(plant, "SPARE")
    plant.reverses(moved)
    assert plant.balance("BOLT", at="SPARE") == 5


def test_an_empty_bin_is_deactivated_and_takes_no_stock(plant: Plant) -> None:
    rack = plant.location("RACK")
    opens(plant, 3, "LUG", rack, bin="R1")

    def ends_bin(code: str) -> None:
        end_bin(location=rack, code=code, on=TODAY, holds_stock=bool(bins_holding_stock(rack.pk, [code])))

    with refused("in_use", field="bin"):
        ends_bin("R1")
    with refused("not_found", field="bin"):
        ends_bin("R9")
    ends_bin("R2")
    with refused("ended", field="bin"):
        opens(plant, 3, "LUG", rack, bin="R2")
    plant.has(3, "LUG", at="RAW")
    with refused("ended", field="to_bin"):
        plant.moves(3, "LUG", "RAW", "RACK", action="RACK UP", to_bin="R2")
    use_again(Bin.objects.get(location=rack, code="R2"))
    plant.moves(3, "LUG", "RAW", "RACK", action="RACK UP", to_bin="R2")


def test_stock_returned_to_a_deactivated_bin_can_be_taken_out(plant: Plant) -> None:
    rack = plant.location("RACK")
    opens(plant, 3, "LUG", rack, bin="R1")
    moved = plant.moves(3, "LUG", "RACK", "RAW", action="RACK UP", from_bin="R1")
    end_bin(location=rack, code="R1", on=TODAY, holds_stock=False)
    plant.reverses(moved)
    plant.moves(3, "LUG", "RACK", "RAW", action="RACK UP", from_bin="R1")
    assert plant.balance("LUG", at="RAW") == 3


def test_a_deactivated_supplier_gets_no_new_orders_and_delivers_open_ones(plant: Plant) -> None:
    plant.has(40, "LUG", at="ACME/STOCK")
    plant.buys(10, "PLATED")
    with pytest.raises(InUse, match="Bring it back first"):
        end_supplier(supplier=supplier_named("ACME"), on=TODAY, holds_stock=True)
    end_supplier(supplier=supplier_named("ACME"), on=TODAY, holds_stock=False)
    with refused("ended", field="supplier"):
        plant.buys(10, "PLATED", number="P-2")
    with refused("ended", field="supplier"):
        spare(plant, supplier=supplier_named("ACME"))
    plant.receives(10, "PLATED")
    assert plant.balance("PLATED", at="FG") == 10


def test_a_deactivated_supplier_s_location_can_still_be_described(plant: Plant) -> None:
    acme = supplier_named("ACME")
    location = spare(plant, supplier=acme)
    end_supplier(supplier=acme, on=TODAY, holds_stock=False)
    location = Location.objects.select_related("store", "supplier").get(pk=location.pk)
    same = LocationIn(store=location.store, code="SPARE", description="Theirs", supplier=location.supplier)
    change_locations([(location, same)], in_use=())
    other = plant.location("LINE")
    with refused("ended", field="supplier"):
        change_locations(
            [(other, LocationIn(store=other.store, code="LINE", supplier=Supplier.objects.get(code="ACME")))], in_use=()
        )


def test_an_action_is_deactivated_only_after_its_rules(plant: Plant) -> None:
    receive = action_named("RECEIVE")
    with pytest.raises(InUse, match="MAIN"):
        end_action(action=receive, on=TODAY)
    end_rule(rule=TransferRule.objects.get(site=plant.site, action=receive))
    end_action(action=receive, on=TODAY)
    receive.refresh_from_db()
    with refused("ended", field="action"):
        add_rule(action=receive, source=plant.location("BOUGHT"), target=plant.location("FG"))
    set_receive_action(site=plant.site, action=receive)
    plant.site.receive_action = None
    with refused("ended", field="receive_action"):
        set_receive_action(site=plant.site, action=receive)
    with refused("ended", field="receive_action"):
        plant.buys(1, "PLATED", receive_action="RECEIVE")


def test_a_type_code_keeps_a_deactivated_action_and_takes_no_other_one(plant: Plant) -> None:
    issue = action_named("ISSUE")
    end_rule(rule=TransferRule.objects.get(site=plant.site, action=issue))
    end_action(action=issue, on=TODAY)
    issue.refresh_from_db()
    with refused("ended", field="issue"):
        add_type_code(code="NEW", issue=issue)
    made = TypeCode.objects.get(code="MADE")
    kept = {name: getattr(made, name) for name in ("completion", "backflush", "return_action")}
    change_type_codes([(made, TypeCodeIn(code="MADE", description="Still", issue=issue, **kept))])
    assert TypeCode.objects.get(code="MADE").description == "Still"
    with refused("ended", field="issue"):
        change_type_codes([(TypeCode.objects.get(code="BOUGHT"), TypeCodeIn(code="BOUGHT", issue=issue))])


def new_item(**facts: Any) -> ItemIn:
    kept: dict[str, Any] = {
        "code": "NUT", "component_class": "B",
        "type_code": TypeCode.objects.get(code="BOUGHT"), "stock_unit": unit_coded("EA"),
    }  # fmt: skip
    return ItemIn(**{**kept, **facts})


@pytest.mark.parametrize(
    ("field", "name", "of"),
    [
        ("product_group", "product_group", lambda: add_product_group(code="OLD")),
        ("type_code", "type_code", lambda: TypeCode.objects.get(code="BYHAND")),
        ("unit", "stock_unit", lambda: unit_coded("BOX")),
    ],
)
def test_a_new_item_cannot_name_deactivated_rows(
    plant: Plant, field: str, name: str, of: Callable[[], Endable]
) -> None:
    thing = of()
    end(thing, on=TODAY)
    with refused("ended", field=field):
        add_items([new_item(**{name: thing})])
    bolt = item_coded("BOLT")
    with refused("ended", field=field):
        change_items([(bolt, new_item(code="BOLT", **{name: thing}))], in_use=())
    use_again(thing)
    add_items([new_item(**{name: thing})])


def test_an_item_keeps_rows_that_were_deactivated_later(plant: Plant) -> None:
    group = add_product_group(code="OLD")
    [nut] = add_items([new_item(product_group=group)])
    end(ProductGroup.objects.get(code="OLD"), on=TODAY)
    end(unit_coded("EA"), on=TODAY)
    nut = Item.objects.select_related("product_group", "type_code", "stock_unit").get(pk=nut.pk)
    change_items([(nut, new_item(description="A nut", product_group=nut.product_group, stock_unit=nut.stock_unit))],
                 in_use=())  # fmt: skip
    plant.consists("BRACKET", plant.line(10, "BOLT", 4), plant.line(20, "NUT", 4))
    plant.has(80, "BOLT")
    plant.has(80, "NUT")
    plant.books(2, "BRACKET")
    assert plant.balance("NUT") == 72


def test_a_deactivated_unit_is_refused_in_new_lines_orders_and_conversions(plant: Plant) -> None:
    end(unit_coded("G"), on=TODAY)
    end(unit_coded("BOX"), on=TODAY)
    kept = [as_entered(row, plant.site) for row in structure_rows(item_coded("FRAME"))]
    set_structure(item=item_coded("FRAME"), lines=kept)
    with refused("ended", field="unit"):
        plant.consists("BRACKET", plant.line(10, "PAINT", 4, "G"))
    with refused("ended", field="unit"):
        plant.buys(500, "PAINT", unit="G")
    with refused("ended", field="unit"):
        plant.orders(1, "BRACKET", unit="BOX")
    with refused("ended", field="from"):
        add_conversions([ConversionIn(Unit.objects.get(code="G"), unit_coded("EA"), Fraction(1))])
    corrected = ConversionIn(unit_coded("KG"), unit_coded("G"), Fraction(1000))
    assert change_conversions([corrected])[0].ratio == 1000


def test_a_deactivated_row_keeps_its_first_date(plant: Plant) -> None:
    unit = unit_coded("BOX")
    end(unit, on=TODAY)
    end(unit, on=DAY)
    assert unit_coded("BOX").ended_on == TODAY
