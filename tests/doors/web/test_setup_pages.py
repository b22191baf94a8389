"""Set-up: the list and pages of each kind, rules that end and never change, and the rights to set up."""

from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse

from backflush.items.models import Item, ProductGroup, TypeCode, Unit, UnitConversion
from backflush.items.services import add_product_group, add_unit
from backflush.people.models import Assignment, User
from backflush.people.rights import Role
from backflush.people.services import set_password
from backflush.stockmap.models import Action, Bin, Location, Site, Store, Supplier, SupplierStock, TransferRule
from backflush.stockmap.selectors import action_named
from backflush.stockmap.services import add_rule
from tests.cast import Plant
from tests.doors.web.visitors import MODEL_BACKEND, PASSWORD, browser, person, signed_in, statements, text_of

KINDS = ("stores", "locations", "type-codes", "units", "conversions", "groups", "suppliers", "sites", "people")
LIST_BUDGET = 28
"""Including those for the findings about each row."""
THING_BUDGET = 45


def admin(plant: Plant) -> Client:
    return signed_in(plant, Role.ADMINISTRATOR)


def new(kind: str) -> str:
    return reverse("set-up-new", args=[kind])


def at(kind: str, key: str) -> str:
    return reverse("set-up-record", args=[kind, key])


def rules(action: str, *, active: bool = True) -> list[str]:
    found = TransferRule.objects.filter(action__name=action, active=active).order_by("source__path", "target__path")
    return [f"{rule.source.path} {rule.target.path}" for rule in found.select_related("source", "target")]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_list_and_costs_few_statements(plant: Plant, kind: str) -> None:
    client = admin(plant)
    with statements(LIST_BUDGET):
        text_of(client.get(reverse("set-up-list", args=[kind])))


def test_more_locations_cost_no_more_statements(plant: Plant) -> None:
    store = Store.objects.get(site=plant.site, code="MAIN")
    Location.objects.bulk_create(
        Location(site=plant.site, store=store, code=f"X{number}", path=f"MAIN/X{number}") for number in range(60)
    )
    client = admin(plant)
    with statements(LIST_BUDGET):
        assert "50 of 69" in text_of(client.get(reverse("set-up-list", args=["locations"])))


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("stores", "MAIN"),
        ("locations", "MAIN/RACK"),
        ("type-codes", "MADE"),
        ("units", "EA"),
        ("suppliers", "ACME"),
        ("sites", "MAIN"),
    ],
)
def test_each_record_has_its_page(plant: Plant, kind: str, key: str) -> None:
    client = admin(plant)
    with statements(THING_BUDGET):
        text_of(client.get(at(kind, key)))


def test_stores_locations_and_bins_are_added(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    client.post(new("stores"), {"code": "ANNEX", "description": "Across the yard"})
    client.post(
        new("locations"), {"store": "ANNEX", "code": "SHELF", "keeps": "bins", "description": "", "supplier": ""}
    )
    client.post(reverse("bin-add", args=["ANNEX/SHELF"]), {"bin": "S-1"})
    assert Bin.objects.get(location__path="ANNEX/SHELF").code == "S-1"
    again = client.post(reverse("bin-add", args=["ANNEX/SHELF"]), {"bin": "S-1"})
    assert 'id="bin-error"' in text_of(again, HTTPStatus.CONFLICT)


def test_balance_and_bin_settings_are_fixed_once_stock_has_moved(plant: Plant) -> None:
    plant.has(5, "BOLT", at="LINE")
    client = signed_in(plant, Role.ENGINEER)
    assert "Stock has moved here, so this can&#x27;t change." in text_of(client.get(at("locations", "MAIN/LINE")))
    typed = {"store": "MAIN", "code": "LINE", "keeps": "nothing", "supplier": ""}
    refused = client.post(at("locations", "MAIN/LINE"), typed)
    assert "so its balance and bin settings can&#x27;t change" in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert Location.objects.get(site=plant.site, path="MAIN/LINE").has_balance


def test_a_code_that_is_taken_is_refused_at_its_field(plant: Plant) -> None:
    refused = signed_in(plant, Role.ENGINEER).post(new("stores"), {"code": "MAIN", "description": "Twice"})
    text = text_of(refused, HTTPStatus.CONFLICT)
    assert 'id="code-error"' in text
    assert "Twice" in text


def test_units_groups_and_conversions_are_saved(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    client.post(new("units"), {"code": "DOZ", "name": "dozen"})
    client.post(new("groups"), {"code": "PARTS", "description": "Parts"})
    client.post(new("conversions"), {"from": "EA", "to": "DOZ", "factor": "1/12", "item": ""})
    conversion = UnitConversion.objects.get(target__code="DOZ")
    assert str(conversion.ratio) == "1/12"
    assert Unit.objects.filter(code="DOZ").exists()
    assert ProductGroup.objects.filter(code="PARTS").exists()
    client.post(at("conversions", str(conversion.pk)), {"factor": "0.5"})
    assert str(UnitConversion.objects.get(target__code="DOZ").ratio) == "1/2"


def test_contradicting_conversions_are_refused(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    refused = client.post(new("conversions"), {"from": "G", "to": "KG", "factor": "0.5", "item": ""})
    assert 'id="factor-error"' in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)


def test_a_supplier_gets_its_stock_location(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    client.post(new("suppliers"), {"code": "NEWCO", "name": "New", "stock": "MAIN/RAW"})
    stock = SupplierStock.objects.get(supplier__code="NEWCO")
    assert stock.location.path == "MAIN/RAW"


def test_a_supplier_s_stock_location_is_removed_once_it_is_empty(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    client.post(new("suppliers"), {"code": "NEWCO", "name": "New", "stock": "MAIN/RAW"})
    plant.has(5, "BOLT", at="RAW")
    without = {"code": "NEWCO", "name": "New", "stock": ""}
    refused = text_of(client.post(at("suppliers", "NEWCO"), without), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "There is stock at MAIN/RAW. Bring it back first, or choose another location." in refused
    plant.moves(5, "BOLT", "RAW", "LINE")
    client.post(at("suppliers", "NEWCO"), without)
    assert not SupplierStock.objects.filter(supplier__code="NEWCO").exists()


def test_an_unused_bin_is_deleted_and_a_used_one_says_why_not(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    client.post(reverse("bin-add", args=["MAIN/RACK"]), {"bin": "NEW-1"})
    plant.has(5, "BOLT", at="RACK", bin="R1")
    text = text_of(client.get(at("locations", "MAIN/RACK")))
    assert "Delete bin NEW-1" in text
    assert "Remove bin R1" not in text
    delete = reverse("bin-delete", args=["MAIN/RACK"])
    client.post(delete, {"bin": "NEW-1"})
    refused = text_of(client.post(delete, {"bin": "R1"}), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "Bin R1 can&#x27;t be deleted, because movements refer to it." in refused
    bins = set(Bin.objects.filter(location__path="MAIN/RACK").values_list("code", flat=True))
    assert "R1" in bins
    assert "NEW-1" not in bins


def test_a_used_location_is_deactivated_after_its_rules_instead_of_deleted(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    text = text_of(client.get(at("locations", "MAIN/RACK")))
    assert "Deactivate it instead: then nothing new can use it" in text
    assert "so that no action moves stock from or to it" in text
    end = reverse("set-up-deactivate", args=["locations", "MAIN/RACK"])
    refused = text_of(client.post(end), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "These actions move stock from or to MAIN/RACK: RACK UP, RACKFLUSH. End their rules there first." in refused
    client.post(reverse("location-rules-end", args=["MAIN/RACK"]))
    ends = TransferRule.objects.filter(site=plant.site, active=True).values_list("source__path", "target__path")
    assert not [pair for pair in ends if "MAIN/RACK" in pair]
    client.post(end)
    assert Location.objects.get(site=plant.site, path="MAIN/RACK").ended_on
    again = reverse("set-up-reactivate", args=["locations", "MAIN/RACK"])
    assert again in text_of(client.get(at("locations", "MAIN/RACK")))
    client.post(again)
    assert Location.objects.get(site=plant.site, path="MAIN/RACK").ended_on is None


@pytest.mark.parametrize(
    ("kind", "key", "role"),
    [
        ("units", "BOX", Role.ENGINEER),
        ("type-codes", "BYHAND", Role.ENGINEER),
        ("suppliers", "ACME", Role.ENGINEER),
        ("groups", "PARTS", Role.ENGINEER),
    ],
)
def test_deactivated_rows_are_dimmed_in_their_list_and_can_be_left_out(
    plant: Plant, kind: str, key: str, role: Role
) -> None:
    add_product_group(code="PARTS")
    add_product_group(code="SPARES")
    add_unit(code="ROLL")
    client, listed = signed_in(plant, role), reverse("set-up-list", args=[kind])
    assert "show=inactive" not in text_of(client.get(listed))
    client.post(reverse("set-up-deactivate", args=[kind, key]))
    link = f'href="{KINDS_AT[kind](key)}"'
    text = text_of(client.get(listed))
    assert link in text
    assert "inactive</span>" in text
    assert link in text_of(client.get(listed, {"show": "inactive"}))
    assert link not in text_of(client.get(listed, {"show": "active"}))
    with statements(LIST_BUDGET):
        client.get(listed)


KINDS_AT = {
    "units": lambda key: at("units", key),
    "type-codes": lambda key: reverse("type-code", args=[key]),
    "suppliers": lambda key: at("suppliers", key),
    "groups": lambda key: at("groups", key),
}


def test_deactivated_rows_are_offered_in_no_form(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER, Role.BUYER)
    client.post(new("suppliers"), {"code": "OLDCO", "name": "", "stock": ""})
    for kind, key in (("units", "BOX"), ("type-codes", "BYHAND"), ("suppliers", "OLDCO")):
        client.post(reverse("set-up-deactivate", args=[kind, key]))
    item = text_of(client.get(reverse("item-new")))
    assert 'value="BOX"' not in item
    assert 'value="BYHAND"' not in item
    assert 'value="OLDCO"' not in text_of(client.get(reverse("purchase-order-new")))
    assert 'value="OLDCO"' not in text_of(client.get(new("locations")))


def test_a_form_that_names_a_row_deactivated_since_is_refused_at_the_field(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    client.post(reverse("set-up-deactivate", args=["suppliers", "ACME"]))
    typed = {"store": "MAIN", "code": "NEW", "keeps": "balances", "description": "", "supplier": "ACME"}
    refused = text_of(client.post(new("locations"), typed), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="supplier-error"' in refused
    assert "Choose another, or reactivate it." in refused


def test_a_used_bin_is_deactivated_once_it_is_empty(plant: Plant) -> None:
    client, page = signed_in(plant, Role.ENGINEER), at("locations", "MAIN/RACK")
    plant.has(5, "BOLT", at="RACK", bin="R1")
    assert "Deactivate bin R1" not in text_of(client.get(page))
    end = reverse("bin-deactivate", args=["MAIN/RACK"])
    refused = text_of(client.post(end, {"bin": "R1"}), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "There is stock in bin R1. Move it to another bin first." in refused
    plant.moves(5, "BOLT", "RACK", "RAW", action="RACK UP", from_bin="R1")
    assert "Deactivate bin R1" in text_of(client.get(page))
    client.post(end, {"bin": "R1"})
    assert "Reactivate bin R1" in text_of(client.get(page))
    client.post(reverse("bin-reactivate", args=["MAIN/RACK"]), {"bin": "R1"})
    assert not Bin.objects.get(location__path="MAIN/RACK", code="R1").ended_on


def test_an_action_is_deactivated_after_its_rules(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    end = reverse("action-deactivate", args=["ISSUE"])
    assert "ISSUE has rules at these sites: MAIN. End them first." in text_of(
        client.post(end), HTTPStatus.UNPROCESSABLE_ENTITY
    )
    rule = TransferRule.objects.get(site=plant.site, action__name="ISSUE")
    client.post(reverse("rule-end", args=[rule.pk]))
    client.post(end)
    assert "Inactive since" in text_of(client.get(reverse("action", args=["ISSUE"])))
    assert reverse("action", args=["ISSUE"]) not in text_of(client.get(reverse("actions"), {"show": "active"}))
    client.post(reverse("action-reactivate", args=["ISSUE"]))
    assert Action.objects.get(name="ISSUE").ended_on is None


def test_deactivating_needs_the_right_to_set_up(plant: Plant) -> None:
    client = signed_in(plant, Role.SUPERVISOR, Role.VIEWER)
    for address in (
        reverse("set-up-deactivate", args=["units", "BOX"]),
        reverse("set-up-reactivate", args=["units", "BOX"]),
        reverse("bin-deactivate", args=["MAIN/RACK"]),
        reverse("location-rules-end", args=["MAIN/RACK"]),
        reverse("action-deactivate", args=["ISSUE"]),
        reverse("action-reactivate", args=["ISSUE"]),
    ):
        assert client.post(address, {"bin": "R1"}).status_code == HTTPStatus.FORBIDDEN
    assert not Unit.objects.get(code="BOX").ended_on


def test_kinds_that_cannot_be_deactivated_have_no_such_page(plant: Plant) -> None:
    client = admin(plant)
    for kind, key in (("sites", "MAIN"), ("people", "rosa")):
        assert client.post(reverse("set-up-deactivate", args=[kind, key])).status_code == HTTPStatus.NOT_FOUND


def test_a_deactivated_location_is_named_below_the_stock_map_and_not_drawn(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    client.post(new("locations"), {"store": "MAIN", "code": "OLD", "keeps": "balances"})
    plant.has(1, "BOLT", at="OLD")
    add_rule(action=action_named("REPLENISH"), source=plant.location("OLD"), target=plant.location("LINE"))
    plant.moves(1, "BOLT", "OLD", "LINE")
    client.post(reverse("location-rules-end", args=["MAIN/OLD"]))
    client.post(reverse("set-up-deactivate", args=["locations", "MAIN/OLD"]))
    assert "Deactivated, so not drawn:" in text_of(client.get(reverse("stock-map")))


def test_a_row_shows_its_faults_and_its_users(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    TransferRule.objects.filter(site=plant.site, action__name="BACKFLUSH").update(active=False)
    said = "BACKFLUSH has no rule at MAIN, so every backflush by it is refused."
    for address in (reverse("actions"), reverse("set-up-list", args=["type-codes"])):
        assert said in text_of(client.get(address))
    items = text_of(client.get(reverse("items"), {"q": "BOLT"}))
    assert "3 structures" in items


def test_a_type_code_takes_only_actions_of_the_right_type(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    client.post(new("type-codes"), {"code": "NEW", "completion": "COMPLETE", "backflush": "BACKFLUSH"})
    assert TypeCode.objects.get(code="NEW").backflush == Action.objects.get(name="BACKFLUSH")
    refused = client.post(reverse("type-code", args=["NEW"]), {"code": "NEW", "backflush": "COMPLETE"})
    text = text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="backflush-error"' in text


def test_the_time_zone_of_a_site_is_fixed_once_stock_has_moved(plant: Plant) -> None:
    plant.has(1, "BOLT")
    client = admin(plant)
    typed = {"code": "MAIN", "name": "Main plant", "time_zone": "UTC", "receive_action": "RECEIVE"}
    client.post(at("sites", "MAIN"), {**typed, "complete_when_full": "on"})
    site = Site.objects.get(code="MAIN")
    assert (site.name, site.complete_when_full) == ("Main plant", True)
    refused = client.post(at("sites", "MAIN"), {**typed, "time_zone": "Europe/London"})
    assert "so its time zone can&#x27;t change" in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)


def test_the_creator_of_a_site_can_work_there(plant: Plant) -> None:
    client = admin(plant)
    client.post(new("sites"), {"code": "NORTH", "name": "North", "time_zone": "Europe/London"})
    roles = Assignment.objects.filter(site__code="NORTH", user__username="rosa").values_list("role", flat=True)
    assert list(roles) == [Role.ADMINISTRATOR]


def test_an_unused_row_is_deleted_and_a_used_one_says_why_not(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    client.post(new("units"), {"code": "DOZ", "name": ""})
    client.post(reverse("set-up-delete", args=["units", "DOZ"]))
    assert not Unit.objects.filter(code="DOZ").exists()
    assert "Only records that nothing uses can be deleted." in text_of(client.get(at("units", "EA")))
    refused = client.post(reverse("set-up-delete", args=["units", "EA"]))
    assert "EA can&#x27;t be deleted, because it is used by" in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)


@pytest.mark.parametrize("kind", KINDS)
def test_changes_need_the_right_to_set_up(plant: Plant, kind: str) -> None:
    client = signed_in(plant, Role.AUDITOR)
    assert client.get(new(kind)).status_code == HTTPStatus.FORBIDDEN
    assert client.post(new(kind), {"code": "X"}).status_code == HTTPStatus.FORBIDDEN


def test_an_operator_sees_no_set_up(plant: Plant) -> None:
    client = signed_in(plant, Role.OPERATOR)
    for name in ("set-up", "set-up-check", "actions"):
        assert client.get(reverse(name)).status_code == HTTPStatus.FORBIDDEN


def test_people_are_for_administrators(plant: Plant) -> None:
    assert (
        signed_in(plant, Role.ENGINEER).get(reverse("set-up-list", args=["people"])).status_code == HTTPStatus.FORBIDDEN
    )


# ---- actions and rules ------------------------------------------------------------------------------------------


def test_actions_are_listed_with_their_rules_by_the_same_statements(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    with statements(LIST_BUDGET):
        text_of(client.get(reverse("actions")))
    Action.objects.bulk_create(Action(name=f"MOVE-{number}", type="manual") for number in range(40))
    with statements(LIST_BUDGET):
        text_of(client.get(reverse("actions")))


def test_an_action_gets_its_rule(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    client.post(
        reverse("action-new"),
        {"name": "NEWFLUSH", "type": "backflush", "description": "", "short": "part", "retry": "propose"},
    )
    action = Action.objects.get(name="NEWFLUSH")
    assert (action.short, action.retry) == ("part", "propose")
    client.post(reverse("rule-add", args=["NEWFLUSH"]), {"from": "MAIN/LINE", "to": "MAIN/WIP"})
    assert rules("NEWFLUSH") == ["MAIN/LINE MAIN/WIP"]


def test_a_backflush_action_takes_one_rule_and_the_button_says_so(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    text = text_of(client.get(reverse("action", args=["BACKFLUSH"])))
    assert 'aria-disabled="true" aria-describedby="one-rule"' in text
    assert "A backflush action takes one rule per site." in text
    refused = client.post(reverse("rule-add", args=["BACKFLUSH"]), {"from": "MAIN/RAW", "to": "MAIN/WIP"})
    assert "takes one rule per site" in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert rules("BACKFLUSH") == ["MAIN/LINE MAIN/WIP"]


def test_a_rule_is_replaced_by_ending_it(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    client.post(reverse("rule-add", args=["BACKFLUSH"]), {"from": "MAIN/RAW", "to": "MAIN/WIP", "replace": "1"})
    assert rules("BACKFLUSH") == ["MAIN/RAW MAIN/WIP"]
    assert rules("BACKFLUSH", active=False) == ["MAIN/LINE MAIN/WIP"]


def test_a_rule_ends(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    rule = TransferRule.objects.get(site=plant.site, action__name="BACKFLUSH", active=True)
    client.post(reverse("rule-end", args=[rule.pk]))
    assert rules("BACKFLUSH") == []
    text = text_of(client.get(reverse("action", args=["BACKFLUSH"])))
    assert "has no rule here, so nothing that needs it can be booked" in text


def test_the_same_place_twice_is_refused_while_choosing_and_on_saving(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    ends = {"from": "MAIN/RAW", "to": "MAIN/RAW"}
    assert "needs two different locations" in text_of(client.post(reverse("rule-live-check", args=["REPLENISH"]), ends))
    refused = client.post(reverse("rule-add", args=["REPLENISH"]), ends)
    assert 'id="to-error"' in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)


def test_an_action_keeps_its_type(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    client.post(
        reverse("action", args=["BACKFLUSH"]),
        {"name": "BACKFLUSH", "type": "manual", "short": "part", "retry": "never"},
    )
    action = Action.objects.get(name="BACKFLUSH")
    assert (action.type, action.short) == ("backflush", "part")


def test_an_action_shows_what_it_does_to_a_real_item(plant: Plant) -> None:
    text = text_of(signed_in(plant, Role.ENGINEER).get(reverse("action", args=["BACKFLUSH"]), {"item": "FRAME"}))
    assert "When FRAME is completed, this happens in one go:" in text
    assert "for 3 components" in text


def test_a_rule_of_another_site_cannot_be_ended_from_here(plant: Plant) -> None:
    other = Plant.build_site(code="NORTH")
    rule = TransferRule.objects.filter(site=other.site, active=True).first()
    assert rule is not None
    response = signed_in(plant, Role.ENGINEER).post(reverse("rule-end", args=[rule.pk]))
    assert response.status_code == HTTPStatus.NOT_FOUND
    assert TransferRule.objects.get(pk=rule.pk).active


def test_set_up_forms_need_the_csrf_token(plant: Plant) -> None:
    client = browser(enforce_csrf_checks=True)
    client.force_login(person(plant, Role.ADMINISTRATOR), backend=MODEL_BACKEND)
    for url in (new("units"), at("units", "EA"), reverse("rule-add", args=["BACKFLUSH"]), reverse("action-new")):
        assert client.post(url, {"code": "X"}).status_code == HTTPStatus.FORBIDDEN


# ---- checks while typing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "key", "typed", "said"),
    [
        ("units", "", {"code": "EA"}, "EA"),
        ("suppliers", "ACME", {"code": "ACME", "name": "Acme", "stock": "MAIN/WIP"}, "keeps no balances"),
        ("conversions", "", {"from": "EA", "to": "EA", "factor": "2"}, "two"),
        ("conversions", "", {"from": "KG", "to": "G", "factor": "999"}, "999"),
        ("type-codes", "MADE", {"code": "MADE", "backflush": "COMPLETE"}, "Backflush action"),
        ("locations", "", {"store": "MAIN", "code": "RAW", "keeps": "balances"}, "RAW"),
        ("sites", "", {"code": "X", "time_zone": "Mars/Olympus"}, "time zone"),
    ],
)
def test_a_form_shows_faults_while_it_is_typed(
    plant: Plant, kind: str, key: str, typed: dict[str, str], said: str
) -> None:
    client, before = admin(plant), Unit.objects.count() + UnitConversion.objects.count() + Site.objects.count()
    address = reverse("set-up-live-check", args=[kind, key]) if key else reverse("set-up-live-check-new", args=[kind])
    text = text_of(client.post(address, typed))
    assert "notice-bad" in text
    assert said in text
    assert Unit.objects.count() + UnitConversion.objects.count() + Site.objects.count() == before


def test_valid_and_empty_fields_are_no_faults_while_typing(plant: Plant) -> None:
    client = admin(plant)
    for typed in ({"code": "DOZ", "name": "Dozen"}, {"code": "", "name": "Dozen"}):
        assert "notice-bad" not in text_of(client.post(reverse("set-up-live-check-new", args=["units"]), typed))
    assert not Unit.objects.filter(code="DOZ").exists()


def test_an_item_s_form_is_checked_while_it_is_typed(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    typed = {"code": "BOLT", "class": "B", "type_code": "BOUGHT", "unit": "EA", "decimals": "9", "cost_decimals": "4"}
    assert "notice-bad" in text_of(client.post(reverse("item-live-check", args=["BOLT"]), typed))
    assert "notice-bad" in text_of(client.post(reverse("item-live-check-new"), {**typed, "decimals": "0"}))
    assert "notice-bad" not in text_of(
        client.post(reverse("item-live-check-new"), {**typed, "code": "NUT", "decimals": "0"})
    )
    assert not Item.objects.filter(code="NUT").exists()


# ---- people -----------------------------------------------------------------------------------------------------


def test_an_administrator_adds_a_person_with_roles_and_password(plant: Plant) -> None:
    typed = {
        "name": "jan",
        "first_name": "Jan",
        "last_name": "Osei",
        "password": "trailers-77x",
        "roles-MAIN": ["stores", "buyer"],
    }
    admin(plant).post(new("people"), typed)
    user = User.objects.get(username="jan")
    assert user.check_password("trailers-77x")
    roles = Assignment.objects.filter(user=user, site=plant.site).order_by("role").values_list("role", flat=True)
    assert list(roles) == ["buyer", "stores"]


def test_a_weak_password_is_refused_at_its_field(plant: Plant) -> None:
    refused = admin(plant).post(new("people"), {"name": "jan", "password": "12345"})
    assert 'id="password-error"' in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert not User.objects.filter(username="jan").exists()


def test_roles_are_given_and_taken(plant: Plant) -> None:
    client = admin(plant)
    person(plant, Role.STORES, name="jan")
    client.post(at("people", "jan"), {"name": "jan", "active": "on", "roles-MAIN": ["supervisor"]})
    assert list(Assignment.objects.filter(user__username="jan").values_list("role", flat=True)) == ["supervisor"]


def test_the_last_administrator_stays_one(plant: Plant) -> None:
    refused = admin(plant).post(at("people", "rosa"), {"name": "rosa", "active": "on", "roles-MAIN": ["viewer"]})
    assert "is the only administrator here" in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert Assignment.objects.filter(user__username="rosa", role=Role.ADMINISTRATOR).exists()


def test_the_last_administrator_cannot_be_deactivated_either(plant: Plant) -> None:
    refused = admin(plant).post(at("people", "rosa"), {"name": "rosa", "roles-MAIN": ["administrator"]})
    assert "is the only administrator here" in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert User.objects.get(username="rosa").is_active


def test_a_deactivated_user_is_still_named(plant: Plant) -> None:
    jan = person(plant, Role.STORES, name="jan")
    admin(plant).post(at("people", "jan"), {"name": "jan", "roles-MAIN": ["stores"]})
    jan.refresh_from_db()
    assert (jan.is_active, Assignment.objects.filter(user=jan).count()) == (False, 1)


def test_roles_at_several_sites_are_given_in_one_form(plant: Plant) -> None:
    client = admin(plant)
    client.post(new("sites"), {"code": "NORTH", "name": "North", "time_zone": "UTC"})
    person(plant, Role.STORES, name="jan")
    text = text_of(client.get(at("people", "jan")))
    assert "Roles at North" in text
    typed = {"name": "jan", "active": "on", "roles-MAIN": ["buyer"], "roles-NORTH": ["stores", "operator"]}
    client.post(at("people", "jan"), typed)
    held = Assignment.objects.filter(user__username="jan").order_by("site__code", "role")
    assert list(held.values_list("site__code", "role")) == [
        ("MAIN", "buyer"), ("NORTH", "operator"), ("NORTH", "stores")
    ]  # fmt: skip
    assert "NORTH" in text_of(client.get(reverse("set-up-list", args=["people"])))


def test_an_administrator_of_another_site_cannot_be_taken_over(plant: Plant) -> None:
    """Setting a user's password would give access to everything that the user may do at any site."""
    other = Plant.build_site(code="NORTH")
    jan = person(plant, Role.STORES, name="jan")
    Assignment.objects.create(user=jan, site=other.site, role=Role.ADMINISTRATOR)
    typed = {"name": "jan", "first_name": "Rosa", "last_name": "Marsh", "active": "on", "roles-MAIN": ["stores"]}
    client = admin(plant)
    refused = client.post(at("people", "jan"), {**typed, "password": "trailers-77x"})
    assert "also works at a site where you aren&#x27;t an administrator" in text_of(refused, HTTPStatus.FORBIDDEN)
    assert client.post(at("people", "jan"), {**typed, "active": ""}).status_code == HTTPStatus.FORBIDDEN
    assert client.post(at("people", "jan"), {**typed, "roles-MAIN": ["buyer"]}).status_code == HTTPStatus.FOUND


def test_a_change_of_roles_previews_the_rights_that_it_removes(plant: Plant) -> None:
    client = admin(plant)
    person(plant, Role.STORES, name="jan")
    text = text_of(client.get(reverse("person-effect", args=["jan"]), {"roles-MAIN": ["operator"], "active": "on"}))
    assert "Taken away: cancel, count stock, enter opening stock, move, receive, resolve, retry." in text
    assert "Given" not in text


def test_a_new_password_ends_the_lock_after_too_many_attempts(plant: Plant) -> None:
    client, jan = admin(plant), person(plant, Role.STORES, name="jan")
    set_password(user=jan, password=PASSWORD)
    for _ in range(5):
        browser().post(reverse("log-in"), {"username": "jan", "password": "wrong"})
    typed = {"name": "jan", "active": "on", "roles-MAIN": ["stores"], "password": "trailers-77x"}
    client.post(at("people", "jan"), typed)
    entered = browser().post(reverse("log-in"), {"username": "jan", "password": "trailers-77x"})
    assert entered.status_code == HTTPStatus.FOUND


def test_rights_are_shown_as_a_matrix(plant: Plant) -> None:
    text = text_of(admin(plant).get(reverse("set-up-list", args=["people"])))
    assert "undo settlements" in text
    assert "controller" in text


# ---- the check --------------------------------------------------------------------------------------------------


def test_the_check_lists_findings_with_a_link_to_the_place_to_correct_them(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    tracked = text_of(client.get(reverse("set-up-check")))
    assert reverse("item-structure", args=["CABINET"]) in tracked
    TransferRule.objects.filter(site=plant.site, action__name="BACKFLUSH").update(active=False)
    text = text_of(client.get(reverse("set-up-check"), {"kind": "actions"}))
    assert "BACKFLUSH has no rule at MAIN" in text
    assert reverse("action", args=["BACKFLUSH"]) in text


def test_the_check_of_one_row_shows_only_its_findings(plant: Plant) -> None:
    text = text_of(signed_in(plant, Role.ENGINEER).get(reverse("set-up-check"), {"about": "RESIN"}))
    assert "RESIN" in text
    assert "MOTOR" not in text


def test_suppliers_and_items_are_named_on_their_lists(plant: Plant) -> None:
    client = admin(plant)
    assert Supplier.objects.get(code="ACME").code in text_of(client.get(reverse("set-up-list", args=["suppliers"])))
    assert f"{Item.objects.filter(type_code__code='MADE').count()} items" in text_of(
        client.get(reverse("set-up-list", args=["type-codes"]))
    )


def test_an_existing_rule_is_refused_while_choosing(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    judge = reverse("rule-live-check", args=["REPLENISH"])
    there = {"from": "MAIN/RAW", "to": "MAIN/LINE"}
    assert "already has a rule from MAIN/RAW to MAIN/LINE" in text_of(client.post(judge, there))
    assert rules("REPLENISH") == ["MAIN/LINE MAIN/RAW", "MAIN/RAW MAIN/LINE"]
    assert text_of(client.post(judge, {"from": "MAIN/RAW", "to": "MAIN/FG"})) == ""
    other = reverse("rule-live-check", args=["BACKFLUSH"])
    assert text_of(client.post(other, {"from": "MAIN/RAW", "to": "MAIN/WIP"})) == ""
    assert rules("BACKFLUSH") == ["MAIN/LINE MAIN/WIP"]


def test_an_action_s_taken_name_is_refused_while_typing(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    judge, typed = reverse("action-live-check-new"), {"type": "issue", "name": "ISSUE", "description": ""}
    assert "ISSUE exists already" in text_of(client.post(judge, typed))
    before = Action.objects.count()
    assert text_of(client.post(judge, {**typed, "name": "PICK"})) == ""
    assert text_of(client.post(judge, {**typed, "name": ""})) == ""
    assert Action.objects.count() == before
    change = reverse("action-live-check", args=["ISSUE"])
    assert text_of(client.post(change, {**typed, "description": "By hand"})) == ""
    assert not Action.objects.get(name="ISSUE").description


def test_a_taken_log_in_name_and_a_weak_password_are_refused_while_typing(plant: Plant) -> None:
    client, judge = admin(plant), reverse("set-up-live-check-new", args=["people"])
    typed = {"name": "rosa", "first_name": "", "last_name": "", "password": ""}
    assert "There is a user rosa already." in text_of(client.post(judge, typed))
    assert text_of(client.post(judge, {**typed, "name": "nina"})) == ""
    assert "Password:" in text_of(client.post(judge, {**typed, "name": "nina", "password": "short"}))
    assert text_of(client.post(judge, {**typed, "name": "nina", "password": PASSWORD})) == ""
    assert not User.objects.filter(username="nina").exists()


def test_removing_the_last_administrator_is_refused_while_ticking(plant: Plant) -> None:
    client, judge = admin(plant), reverse("set-up-live-check", args=["people", "rosa"])
    typed = {"name": "rosa", "first_name": "Rosa", "last_name": "Marsh", "password": "", "active": "on"}
    said = text_of(client.post(judge, {**typed, "roles-MAIN": ["stores"]}))
    assert "is the only administrator here. Make another user an administrator first." in said
    assert "is the only administrator here" in text_of(
        client.post(judge, {**typed, "active": "", "roles-MAIN": ["administrator"]})
    )
    assert text_of(client.post(judge, {**typed, "roles-MAIN": ["administrator", "stores"]})) == ""
    assert list(Assignment.objects.filter(user__username="rosa").values_list("role", flat=True)) == ["administrator"]


def test_a_deactivated_user_loses_all_rights_and_the_form_says_so(plant: Plant) -> None:
    client = admin(plant)
    person(plant, Role.OPERATOR, name="jan")
    text = text_of(client.get(reverse("person-effect", args=["jan"]), {"roles-MAIN": ["operator"]}))
    assert "the person can no longer sign in" in text.replace("&#x27;", "'")
    assert "Taken away:" in text
