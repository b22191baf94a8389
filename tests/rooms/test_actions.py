"""Actions, their rules, and the type codes that name them (A1 to A4, B1, B3, B4)."""

import pytest

from backflush.items.models import Item, TypeCode
from backflush.stockmap.models import ActionType, TransferRule
from backflush.stockmap.selectors import action_named
from backflush.stockmap.services import add_action, add_rule, end_rule, set_receive_action
from tests.cast import Plant
from tests.oracle import faults, refused


def rule_of(plant: Plant, action: str) -> TransferRule:
    return TransferRule.objects.get(site=plant.site, action__name=action, active=True)


def becomes(item: str, **actions: str | None) -> None:
    """Give an item a type code of its own with other actions than its present one."""
    thing = Item.objects.select_related("type_code").get(code=item)
    kept = {end: getattr(thing.type_code, end) for end in ("completion", "backflush", "issue", "return_action")}
    wanted = {end: str(action) for end, action in {**kept, **actions}.items() if action}
    Plant().type_code(f"{item}'S", **wanted)
    Item.objects.filter(pk=thing.pk).update(type_code=TypeCode.objects.get(code=f"{item}'S"))


@pytest.mark.parametrize("type", ["backflush", "completion", "issue", "return", "despatch", "receive"])
def test_most_actions_take_one_rule(plant: Plant, type: str) -> None:
    action = add_action(name="ONE", type=type)
    add_rule(action=action, source=plant.location("LINE"), target=plant.location("FG"))
    with refused("too_many_rules", field="action"):
        add_rule(action=action, source=plant.location("RAW"), target=plant.location("FG"))


@pytest.mark.parametrize("type", ["manual", "warehouse transfer"])
def test_movements_by_hand_take_any_number_of_rules(plant: Plant, type: str) -> None:
    action = add_action(name="ANY", type=type)
    for source in ("LINE", "RAW", "BOUGHT"):
        add_rule(action=action, source=plant.location(source), target=plant.location("FG"))


def test_a_rule_has_two_ends_and_exists_once(plant: Plant) -> None:
    replenish = action_named("REPLENISH")
    with refused("same_location", field="to"):
        add_rule(action=replenish, source=plant.location("LINE"), target=plant.location("LINE"))
    with refused("duplicate_rule", field="to"):
        add_rule(action=replenish, source=plant.location("RAW"), target=plant.location("LINE"))


def test_an_ended_rule_makes_room_for_another(plant: Plant) -> None:
    plant.has(100, "BOLT", at="RAW")
    plant.releases(10, "BRACKET")
    end_rule(rule=rule_of(plant, "BACKFLUSH"))
    with refused("no_rule"):
        plant.books(1, "BRACKET")
    add_rule(action=action_named("BACKFLUSH"), source=plant.location("RAW"), target=plant.location("WIP"))
    plant.books(1, "BRACKET")
    assert plant.balance("BOLT", at="RAW") == 96


@pytest.mark.parametrize("action", ["COMPLETE", "BACKFLUSH"])
def test_an_operation_whose_action_has_no_rule_is_refused_and_not_skipped(plant: Plant, action: str) -> None:
    plant.releases(10, "BRACKET")
    end_rule(rule=rule_of(plant, action))
    for attempt in (
        lambda: plant.books(1, "BRACKET"),
        lambda: plant.produces(1, "PACK"),
        lambda: plant.foresees(1, "BRACKET"),
        # Also for scrap alone, of which nothing goes into stock.
        lambda: plant.books(0, "BRACKET", 1),
    ):
        with refused("no_rule", field="action"):
            attempt()


@pytest.mark.parametrize("action", ["RECEIVE", "SUBFLUSH"])
def test_a_receipt_needs_its_rules(plant: Plant, action: str) -> None:
    plant.buys(10, "PLATED")
    end_rule(rule=rule_of(plant, action))
    with refused("no_rule"):
        plant.receives(1, "PLATED")


def test_an_issue_and_a_return_need_action_and_rule(plant: Plant) -> None:
    plant.has(10, "LUG", at="RAW")
    plant.releases(10, "BRACKET")
    end_rule(rule=rule_of(plant, "ISSUE"))
    end_rule(rule=rule_of(plant, "RETURN"))
    with refused("no_rule"):
        plant.issues(1, "LUG", "BRACKET")
    with refused("no_rule"):
        plant.returns(1, "LUG", "BRACKET")
    becomes("BRACKET", issue=None, return_action=None)
    with refused("no_issue_action", field="order"):
        plant.issues(1, "LUG", "BRACKET")
    with refused("no_return_action", field="order"):
        plant.returns(1, "LUG", "BRACKET")


def test_without_a_completion_action_nothing_is_booked(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    becomes("BRACKET", completion=None)
    with refused("no_completion_action", field="item"):
        plant.books(1, "BRACKET")


def test_without_a_backflush_action_nothing_is_assumed(plant: Plant) -> None:
    becomes("BRACKET", backflush=None)
    plant.has(10, "BOLT", at="RAW")
    booking = plant.books(3, "BRACKET", 1)
    assert plant.waiting() == []
    assert booking.posting.movements.count() == 1
    plant.issues(5, "BOLT", "BRACKET")
    plant.returns(2, "BOLT", "BRACKET")
    with refused("more_than_issued"):
        plant.returns(4, "BOLT", "BRACKET")
    assert faults(plant.site) == []


def test_only_bookings_after_the_backflush_action_was_set_assume_use(plant: Plant) -> None:
    becomes("BRACKET", backflush=None)
    plant.books(3, "BRACKET")
    Item.objects.filter(code="BRACKET").update(type_code=TypeCode.objects.get(code="MADE"))
    plant.books(2, "BRACKET")
    assert plant.waiting() == ["BOLT 8 short"]
    assert faults(plant.site) == []


def test_a_hand_movement_follows_a_rule_of_its_action(plant: Plant) -> None:
    plant.has(10, "BOLT")
    with refused("no_such_rule", field="action"):
        plant.moves(1, "BOLT", "LINE", "FG")
    with refused("wrong_action_type", field="action"):
        plant.moves(1, "BOLT", "LINE", "WIP", action="BACKFLUSH")
    with refused("not_found"):
        plant.moves(1, "BOLT", "LINE", "WIP", action="NOTHING")
    with refused("not_found"):
        plant.moves(1, "BOLT", "LINE", "NOWHERE")


def test_a_despatch_is_a_hand_movement(plant: Plant) -> None:
    despatch = add_action(name="SHIP", type="despatch")
    add_rule(action=despatch, source=plant.location("FG"), target=plant.location("ADJUST"))
    plant.has(3, "BRACKET", at="FG")
    plant.moves(3, "BRACKET", "FG", "ADJUST", action="SHIP")
    assert plant.balance("BRACKET", at="FG") == 0


@pytest.mark.parametrize("end", ["completion", "backflush", "issue", "return_action"])
def test_a_type_code_takes_actions_of_the_right_type_only(plant: Plant, end: str) -> None:
    with refused("wrong_action_type", field=end):
        plant.type_code("WRONG", **{end: "RECEIVE"})


def test_goods_are_received_by_a_receive_action_only(plant: Plant) -> None:
    with refused("wrong_action_type"):
        set_receive_action(site=plant.site, action=action_named("COMPLETE"))
    with refused("wrong_action_type"):
        plant.buys(1, "PLATED", receive_action="COMPLETE")


def test_the_action_types_are_those_of_the_specification(plant: Plant) -> None:
    wanted = "backflush completion despatch issue manual receive return"
    assert {*ActionType.values} == {*wanted.split(), "warehouse transfer"}
    with refused("invalid_value", field="type"):
        add_action(name="X", type="magic")
