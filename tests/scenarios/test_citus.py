"""Primary keys of (id, site), as Citus needs them: every operation runs on them on plain PostgreSQL, and on Citus.

BACKFLUSH_CITUS_URL names a database of a Citus coordinator that may be emptied. Without it the tests on a real cluster
are skipped, with a line that says so.
"""

import os
from collections.abc import Iterator
from random import Random
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from backflush.audit.verification import verify
from backflush.core.refusals import InvalidValue
from backflush.ledger.models import Movement, Posting
from backflush.operations.citus import constraints, layout, preparation, prepare
from backflush.operations.tables import shared_models, stock_models
from tests.cast import Plant
from tests.databases import Database
from tests.doors.console import Console
from tests.hands import Hands
from tests.races.processes import all_went_through, race
from tests.races.test_races import muddles

URL = os.environ.get("BACKFLUSH_CITUS_URL", "")
ON_POSTGRES = pytest.mark.parametrize("committed_database", ["postgres"], indirect=True)
KINDS = ["book", "produce", "receive", "issue", "move", "resolve", "reverse", "cancel", "retry", "undo"]


def test_growing_tables_are_distributed_and_set_up_tables_are_shared(database: Database) -> None:
    if database.vendor != "postgresql":
        with pytest.raises(InvalidValue):
            preparation()
        return
    place = layout()
    assert {*place.divided} == {model._meta.db_table for model in stock_models()}
    # A table that refers to no other, and that none refers to, stays where it is.
    unlinked = {"errands_errandpart", "people_securityevent"}
    assert {*place.shared} >= {model._meta.db_table for model in shared_models()} - unlinked
    assert not {*place.divided} & {*place.shared}


@ON_POSTGRES
def test_show_prints_the_sql_and_changes_nothing(committed_database: Database) -> None:
    Plant.build()
    before = constraints()
    told = Console().says("citus", "--show")
    for line in (
        "SELECT create_reference_table('items_item');",
        "SELECT create_distributed_table('ledger_job', 'site_id');",
        "SELECT create_distributed_table('ledger_movement', 'site_id', colocate_with => 'ledger_job');",
        'ALTER TABLE "ledger_posting" DROP CONSTRAINT "ledger_posting_pkey", ADD PRIMARY KEY ("id", "site_id");',
    ):
        assert line in told.splitlines()
    assert constraints() == before


@ON_POSTGRES
def test_references_between_stock_are_within_the_site_afterwards(committed_database: Database) -> None:
    Plant.build()
    before = constraints()
    prepare(keys_only=True)
    place, after = layout(), constraints()
    assert len(after) == len(before)
    for one in after:
        if one.kind == "p" and one.table in place.divided:
            assert one.columns == ("id", "site_id")
        if one.kind == "f" and one.target in place.divided:
            assert (one.columns[0], one.target_columns) == ("site_id", ("site_id", "id")), one
    assert {one.definition for one in after if one.kind == "f" and one.target not in place.divided} == {
        one.definition for one in before if one.kind == "f" and one.target not in place.divided
    }
    assert Console().refuses("citus", "--keys-only") == "invalid_value"


@ON_POSTGRES
def test_a_row_cannot_belong_to_another_sites_posting(committed_database: Database) -> None:
    plant = Plant.build()
    south = Plant.build_site(code="SOUTH")
    prepare(keys_only=True)
    plant.has(5, "BOLT")
    south.has(5, "BOLT")
    theirs = Posting.objects.get(site=south.site)
    with pytest.raises(IntegrityError), transaction.atomic():
        Movement.objects.filter(site=plant.site).update(posting=theirs)


@ON_POSTGRES
@pytest.mark.parametrize("seed", range(2))
def test_all_operations_run_on_swapped_keys(committed_database: Database, seed: int) -> None:
    """The same random bookings, settlements and reversals as in the races, by two processes at a time."""
    plant = Plant.build()
    prepare(keys_only=True)
    people_at_work(committed_database, plant, seed)


@ON_POSTGRES
def test_an_existing_ledger_is_converted(committed_database: Database) -> None:
    plant = Plant.build()
    Hands(plant, Random(7).choice).start()
    muddles(plant, KINDS * 2, 7)
    before = Movement.objects.count()
    Console().tells("citus", "--keys-only")
    muddles(plant, KINDS * 2, 8)
    assert Movement.objects.count() > before
    assert verify().sound


def people_at_work(database: Database, plant: Plant, seed: int) -> None:
    Hands(plant, Random(seed).choice).start()
    outcomes = race(database, (muddles, KINDS * 4, seed), (muddles, KINDS * 4, seed + 100))
    assert all_went_through(outcomes)
    assert verify().sound


# On a real cluster


@pytest.fixture
def citus() -> Iterator[Database]:
    if not URL:
        pytest.skip("no Citus here: BACKFLUSH_CITUS_URL names none")
    with psycopg.connect(URL, autocommit=True) as server:
        server.execute("DROP SCHEMA public CASCADE")
        server.execute("CREATE SCHEMA public")
    database = Database(URL)
    with database.as_default():
        call_command("migrate", verbosity=0, interactive=False)
        yield database
        connection.close()


def test_people_work_on_a_real_cluster(citus: Database) -> None:
    plant = Plant.build()
    prepare()
    people_at_work(citus, plant, 1)
    south: Any = Plant.build_site(code="SOUTH")
    south.has(5, "BOLT")
    assert verify().sound
