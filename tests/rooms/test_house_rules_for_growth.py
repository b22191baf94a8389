"""The rules that make it possible to distribute the tables, read from the models and from the database.

Tables that grow with bookings belong to a site: they have a site, every unique constraint includes it, and references
stay within it. So the rows of a site can be on a server of their own, and no constraint involves another server.
"""

import re
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model

from backflush.core.refusals import Refusal
from backflush.db.fields import WithinSite
from backflush.operations.tables import COMMON, SET_UP, models_of_rooms, references, stock_models, unique_rules
from tests.cast import Plant
from tests.databases import Database
from tests.hands import KINDS, Hands

STOCK = stock_models()
KNOWN_STOCK = {
    "ledger.CostObject",
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
    "ledger.Archive",
    "ledger.ArchivedStretch",
    "ledger.ArchivedRange",
    "ledger.ArchivedOrder",
    "ledger.ArchivedKey",
}


def label(model: type[Model]) -> str:
    return model._meta.label


def test_every_table_that_grows_with_bookings_is_a_stock_table() -> None:
    assert {*map(label, STOCK)} >= KNOWN_STOCK
    assert {*map(label, models_of_rooms())} >= COMMON


def test_no_table_is_both_shared_and_of_a_site() -> None:
    assert not COMMON & SET_UP


@pytest.mark.parametrize("model", STOCK, ids=label)
def test_a_stock_table_has_a_site_in_every_row(model: type[Model]) -> None:
    sites = [field for field in references(model) if field.name == "site"]
    assert [field.null for field in sites] == [False]
    assert sites[0].related_model is not None
    assert label(sites[0].related_model) == "stockmap.Site"


@pytest.mark.parametrize("model", STOCK, ids=label)
def test_every_unique_constraint_of_a_stock_table_includes_the_site(model: type[Model]) -> None:
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
    """So that `backflush citus` can add the site: no foreign key refers to any other column."""
    for field in references(model):
        if field.related_model in STOCK:
            assert field.related_model is not None
            assert field.target_field is field.related_model._meta.pk


def test_every_unique_constraint_in_the_database_includes_the_site(database: Database) -> None:
    for model in STOCK:
        with connection.cursor() as cursor:
            found = connection.introspection.get_constraints(cursor, model._meta.db_table)
        rules = [rule for rule in found.values() if rule["unique"] and not rule["primary_key"]]
        assert len(rules) == len(unique_rules(model)), model
        assert [rule["columns"] for rule in rules if "site_id" not in rule["columns"]] == [], model


@pytest.mark.parametrize("model", STOCK, ids=label)
def test_a_reference_between_stock_tables_is_joined_on_the_site_too(model: type[Model]) -> None:
    ordinary = [one.name for one in references(model) if one.related_model in STOCK and not isinstance(one, WithinSite)]
    assert ordinary == []


NAMED = re.compile(r'(?:FROM|JOIN|UPDATE|INTO) "?(\w+)"?(?: (?:AS )?"?(?!WHERE|JOIN|ON|SET|ORDER|INNER|LEFT)(\w+)"?)?')


def without_a_site(sql: str) -> list[str]:
    """Return the stock tables that a statement reads or changes without naming the site."""
    tables = {model._meta.db_table for model in STOCK}
    asked = sql[sql.find("SELECT") :] if sql.startswith("INSERT") else sql
    named = [{*names} - {""} for names in NAMED.findall(asked) if names[0] in tables]
    return [
        min(names)
        for names in named
        if not re.search(r"(WHERE|AND) \(*site_id = ", asked)
        and not any(
            re.search(rf'"?\b{name}"?\."?site_id"?\)* (=|IN) |= \(*"?{name}"?\."?site_id"?', asked) for name in names
        )
    ]


def test_every_statement_on_stock_names_the_site(plant: Plant) -> None:
    """Citus must know at once which server a statement is for; otherwise it can't lock rows."""
    heard: set[str] = set()

    def listen(execute: Any, sql: str, *asked: Any) -> Any:
        heard.add(sql)
        return execute(sql, *asked)

    hands = Hands(plant, Random(1).choice)
    hands.start()
    for kind in [*KINDS] * 4:
        deed = hands.pick(kind)
        with connection.execute_wrapper(listen), suppress(Refusal):
            if deed is not None:
                deed.do(plant)
    assert len(heard) > 30
    assert {sql: missing for sql in heard if (missing := without_a_site(sql))} == {}


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ledger_job SET good = ? WHERE id = ?",
        'SELECT "ledger_movement"."id" FROM "ledger_movement" WHERE "ledger_movement"."posting_id" = %s',
        "SELECT m.id FROM ledger_movement m JOIN ledger_posting p ON p.id = m.posting_id WHERE m.site_id = %s",
    ],
)
def test_a_statement_without_a_site_is_detected(sql: str) -> None:
    assert without_a_site(sql)
