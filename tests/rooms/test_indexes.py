"""Every index is used by a query, because each is written by every booking and takes space for years.

When you add an index to a table that grows with bookings, add here what reads it.
"""

from typing import Any, Final

import pytest
from django.db import connection
from django.db.models import Model

from backflush.backflushing.models import Booking
from backflush.ledger.models import Balance, CostObject, Key, Movement, Posting
from backflush.unresolved.models import Settlement
from backflush.works.models import OrderChange, WorksOrder
from tests.databases import Database

READERS: Final[dict[type[Model], dict[tuple[str, ...], str]]] = {
    CostObject: {
        ("id",): "locks, and whatever names a job",
        ("site_id", "kind", "number"): "an order by its number; the number is there once",
        ("item_id",): "items_in_use: may an item's unit still change?",
    },
    Key: {
        ("id",): "the posting that was made under it",
        ("site_id", "key"): "claiming a key",
    },
    Posting: {
        ("id",): "the pages of a posting, and all that names one",
        ("by_id",): "movements_sought: what one person did, if that is little",
        ("job_id",): "the hand issues and the first posting of an order",
        ("key_id", "site_id"): "what was posted under a key; a key posts once",
        ("reverses_id", "site_id"): "what took a posting back; that is done once",
        ("site_id", "process", "at"): "movements_sought by process, receipts, hand issues of an audit",
    },
    Movement: {
        ("id",): "the page of a movement, locks, and all that names one",
        ("posting_id",): "what one posting moved",
        ("job_id",): "had_by_job, the materials of an order, movements_sought by order",
        ("item_id", "site_id", "at", "id"): "bin cards, movements and balances as at a date of an item, has_moved",
        ("site_id", "at", "id"): "movements_sought, balances as at a date",
        ("source_id",): "movements_sought by place, locations_in_use",
        ("target_id",): "movements_sought by place, locations_in_use",
        ("rule_id",): "movements_sought by action, transfer rules in use",
        ("resolves_id",): "fate_of, the lines of a resolving; partial",
        ("origin_id",): "what became of what waited, reversal of a booking; partial",
        ("reverses_id", "site_id"): "fate_of; there is one mirror of each; partial",
        ("item_id", "site_id", "status", "at", "id"): "movements_sought by item and status, an item's page; partial",
        ("site_id", "status", "at", "id"): "movements_sought by status, what waits by day; partial",
        ("site_id", "source_id", "item_id", "reason", "due", "at", "status"): "the queue's groups; partial",
        ("site_id", "at", "", "id"): "the queue, oldest first, and its cut that needs a choice; partial, two of them",
    },
    Balance: {
        ("id",): "Django alone; a table has a key",
        ("site_id", "item_id", "location_id", "bin", "batch", "serial"): "every booking: locks and changes",
        ("location_id",): "the balances of a place, holding_stock, bins_in_use",
        ("site_id", "item_id", "serial"): "a serial number is in one place; partial",
    },
    Booking: {
        ("id",): "the explanation of a quantity",
        ("posting_id", "site_id"): "the booking of a posting; there is one",
        ("reversed_by_id", "site_id"): "what a reversal took back; partial",
        ("job_id",): "the bookings of an order, what was assumed before",
        ("type_code_id",): "a type code's page: is it used?",
    },
    Settlement: {
        ("id",): "the last one of the queue's page",
        ("movement_id",): "what became of a movement, with what was undone",
        ("site_id", "movement_id"): "settled once; partial",
        ("posting_id",): "what one posting settled",
        ("kept_id",): "fate_of: of what is this the rest?; partial",
        ("undone_by_id",): "what an undoing undid, and taking postings away; partial",
    },
    WorksOrder: {
        ("id",): "the trace of an order",
        ("site_id", "number"): "an order by its number",
        ("site_id", ""): "an order by its number in any case, and the look-up of numbers",
        ("job_id", "site_id"): "the order of a job",
        ("site_id", "status", "number"): "the list of orders by status",
        ("site_id", "status", "start_date", "id"): "bookable_orders: what was begun last, on Home and where one books",
        ("item_id",): "the orders of an item",
        ("unit_id",): "a unit's page: is it used?",
        ("structure_id",): "the orders with lines that are issued by hand",
    },
    OrderChange: {
        ("id",): "Django alone; a table has a key",
        ("order_id",): "the trace of an order",
    },
}
"""By their columns in order; an expression is an empty name."""
WITH_AN_EXPRESSION: Final = ("site_id", "at", "", "id")


def label(model: type[Model]) -> str:
    return model._meta.label


def indexes_of(model: type[Model]) -> list[tuple[str, ...]]:
    """Return the columns of every index in the database, including those of unique constraints."""
    with connection.cursor() as cursor:
        found: dict[str, Any] = connection.introspection.get_constraints(cursor, model._meta.db_table)
        kept = (rule for rule in found.values() if rule["index"] or rule["unique"] or rule["primary_key"])
        # SQLite returns no columns for an index with an expression.
        return [tuple(column or "" for column in rule["columns"] or WITH_AN_EXPRESSION) for rule in kept]


@pytest.mark.parametrize("model", READERS, ids=label)
def test_every_index_is_used_by_a_query_and_every_query_has_its_index(database: Database, model: type[Model]) -> None:
    assert {*indexes_of(model)} == {*READERS[model]}


@pytest.mark.parametrize("model", READERS, ids=label)
def test_no_index_is_a_prefix_of_another(database: Database, model: type[Model]) -> None:
    """The longer index serves the same queries. Partial indexes are excepted, because they are small."""
    partial = {rule for rule, reader in READERS[model].items() if "partial" in reader}
    whole = [columns for columns in indexes_of(model) if columns not in partial]
    assert [one for one in whole for other in whole if one != other and other[: len(one)] == one] == []
