"""The rules that keep the door to many servers open, read off the models and off the database they made.

What grows with bookings lies with its site: it has one, every unique rule is within it, and what refers to what is of
the same site. So the rows of a site can be kept on a server of their own, and no rule ever asks another server.
"""

import re
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model

from backflush.upkeep.tables import COMMON, SET_UP, models_of_rooms, references, stock_models, unique_rules
from tests.cast import Plant
from tests.databases import Database
from tests.hands import KINDS, Hands
from tests.races.test_races import muddles

STOCK = stock_models()
KNOWN_STOCK = {
    "ledger.Job",
    "ledger.Key",
    "ledger.Posting",
    "ledger.Movement",
    "ledger.Balance",
    "backflushing.Booking",
    "unresolved.Settlement",
    "works.WorksOrder",
    "works.OrderChange",
    "subcontract.PurchaseOrder",
    "subcontract.PurchaseOrderLine",
    "structures.FrozenStructure",
    "structures.FrozenLine",
}


def label(model: type[Model]) -> str:
    return model._meta.label


def test_what_grows_with_bookings_is_known_as_stock() -> None:
    assert {*map(label, STOCK)} >= KNOWN_STOCK
    assert {*map(label, models_of_rooms())} >= COMMON


def test_nothing_is_both_common_and_a_sites() -> None:
    assert not COMMON & SET_UP


@pytest.mark.parametrize("model", STOCK, ids=label)
def test_a_stock_table_has_a_site_in_every_row(model: type[Model]) -> None:
    sites = [field for field in references(model) if field.name == "site"]
    assert [field.null for field in sites] == [False]
    assert sites[0].related_model is not None
    assert label(sites[0].related_model) == "stockmap.Site"


@pytest.mark.parametrize("model", STOCK, ids=label)
def test_every_unique_rule_of_a_stock_table_is_within_the_site(model: type[Model]) -> None:
    assert {name: fields for name, fields in unique_rules(model).items() if "site" not in fields} == {}


@pytest.mark.parametrize("model", STOCK, ids=label)
def test_a_stock_table_has_one_number_for_a_key(model: type[Model]) -> None:
    assert model._meta.pk is not None
    assert model._meta.pk.get_internal_type() == "BigAutoField"


@pytest.mark.parametrize("model", [one for one in models_of_rooms() if label(one) in COMMON], ids=label)
def test_master_data_has_no_site(model: type[Model]) -> None:
    assert "site" not in {field.name for field in references(model)}


@pytest.mark.parametrize("model", [one for one in models_of_rooms() if one not in STOCK], ids=label)
def test_master_data_and_set_up_refer_to_no_stock(model: type[Model]) -> None:
    assert [field.name for field in references(model) if field.related_model in STOCK] == []


@pytest.mark.parametrize("model", STOCK, ids=label)
def test_a_stock_table_refers_to_stock_by_its_key_alone(model: type[Model]) -> None:
    """So that `backflush citus` can put the site beside it: no reference goes to any other column."""
    for field in references(model):
        if field.related_model in STOCK:
            assert field.related_model is not None
            assert field.target_field is field.related_model._meta.pk


def test_the_database_itself_has_every_unique_rule_within_the_site(database: Database) -> None:
    for model in STOCK:
        with connection.cursor() as cursor:
            found = connection.introspection.get_constraints(cursor, model._meta.db_table)
        rules = [rule for rule in found.values() if rule["unique"] and not rule["primary_key"]]
        assert len(rules) == len(unique_rules(model)), model
        assert [rule["columns"] for rule in rules if "site_id" not in rule["columns"]] == [], model


@pytest.mark.parametrize("plant", ["postgres"], indirect=True)
def test_every_lock_on_stock_names_the_site(plant: Plant) -> None:
    """A server that has only some sites must know at once whether it is meant; Citus locks in no other way."""
    names = {model._meta.db_table for model in STOCK}
    locks: list[str] = []

    def listen(execute: Any, sql: str, *asked: Any) -> Any:
        if re.search(r"\bFOR (NO KEY )?UPDATE", sql) and names & {*re.findall(r'(?:FROM|JOIN) "?(\w+)"?', sql)}:
            locks.append(sql)
        return execute(sql, *asked)

    Hands(plant, Random(1).choice).start()
    with connection.execute_wrapper(listen):
        muddles(plant, [*KINDS] * 4, 3)
    assert len({*locks}) > 5
    # By comparing it, or for balances by a join on the pots that are asked for, the site among them.
    assert [sql for sql in locks if not re.search(r'site_id"? = ', sql)] == []
