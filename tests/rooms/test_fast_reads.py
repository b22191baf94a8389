"""Reading past Django's query compiler gives what reading through it gives, and rests on nothing that has changed.

The tests on what isn't documented by Django fail with a sentence that says what to look at. To try a new release of
Django: run this file, read the sentences, mend `db/queries.py`, and add the release to TRIED. Until then
FAST_READS=off reads by querysets.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any, Final

import django
import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Model
from django.db.models.base import ModelState

from backflush.backflushing.consumption import FrozenLines
from backflush.core.refusals import Refusal
from backflush.db.queries import READS, FastRead
from backflush.items.models import Item
from backflush.ledger.models import Movement
from backflush.ledger.open_requirements import RequirementRow
from backflush.ledger.statements import SQL
from backflush.structures.models import FrozenLine
from backflush.works.models import WorksOrder
from backflush.works.statements import ORDERS
from tests.cast import Plant
from tests.hands import KINDS, Hands
from tests.oracle import faults
from tests.rooms.test_statement_budgets import counted

TRIED: Final = {(5, 2)}
READ_BY_NAME: Final = {read.statement.name: read for read in READS}


@pytest.fixture
def off(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return partial(monkeypatch.setattr, settings, "FAST_READS", value=False)


def ready(plant: Plant) -> None:
    """An order that was booked on, one that wasn't, and use that is unresolved, some of it kept from before."""
    plant.has(10, "BOLT")
    plant.books(2, "BRACKET")
    plant.books(5, "BRACKET")
    plant.releases(7, "BRACKET", number="W-2")
    plant.stocks("RAIL", "M", "MADE")
    plant.consists("RAIL", plant.line(10, "BOLT", 2), plant.line(20, "LUG", 3, source="RAW"))
    plant.releases(7, "RAIL")
    plant.has(3, "BOLT")
    plant.resolves("BOLT", 3, remainder="keep")


def asked_of(plant: Plant) -> dict[str, dict[str, Any]]:
    """For each read the values that find everything there is."""
    site = plant.site.pk
    structures = [*FrozenLine.objects.values_list("structure", flat=True).distinct().order_by("structure")]
    return {
        "works.orders": {"site_id": site, "numbers": [*WorksOrder.objects.values_list("number", flat=True)]},
        "works.lock_orders": {"site_id": site, "numbers": [*WorksOrder.objects.values_list("number", flat=True)]},
        "works.made_items": {"site_id": site, "items": [*Item.objects.values_list("pk", flat=True)]},
        "backflushing.frozen_lines": {"site_id": site, "structures": structures},
        "backflushing.frozen_lines_with_steps": {"site_id": site, "structures": structures},
        "ledger.lock_unresolved": {
            "site_id": site,
            "movements": [*Movement.objects.filter(due__isnull=False).values_list("pk", flat=True)],
        },
    }


def facts(thing: Any) -> Any:
    """Everything that an instance holds, those that it refers to as well."""
    if not isinstance(thing, Model):
        return thing
    attributes: Mapping[str, Any] = {name: value for name, value in vars(thing).items() if name != "_state"}
    cached = {name: facts(other) for name, other in thing._state.fields_cache.items()}
    return type(thing), attributes, thing._state.adding, thing._state.db, cached


def in_order(rows: list[list[Any]]) -> list[list[Any]]:
    return sorted(([facts(thing) for thing in row] for row in rows), key=lambda row: str(row[0][1]["id"]))


def test_every_read_is_compared(plant: Plant) -> None:
    assert {*asked_of(plant)} == {*READ_BY_NAME}


@pytest.mark.parametrize("name", READ_BY_NAME)
def test_a_fast_read_gives_the_instances_that_querysets_give(plant: Plant, name: str) -> None:
    ready(plant)
    read, asked = READ_BY_NAME[name], asked_of(plant)[name]
    fast, slow = read.rows(**asked), read.instead(**asked)
    assert len(fast) > 1
    assert in_order(fast) == in_order(slow)
    if "ORDER BY" in read.statement.texts[connection.vendor].text:
        assert [row[0].pk for row in fast] == [row[0].pk for row in slow]


def test_switched_off_nothing_goes_past_django(plant: Plant, off: Callable[[], None]) -> None:
    texts = {read.statement.texts[connection.vendor].for_sqlite()[:60] for read in READS}
    plant.books(1, "BRACKET")
    with counted() as fast:
        plant.books(1, "BRACKET")
    off()
    with counted() as slow:
        plant.books(1, "BRACKET")
    assert any(sql[:60] in texts for sql in fast)
    assert not any(sql[:60] in texts for sql in slow)


def test_switched_off_everything_can_be_done(plant: Plant, off: Callable[[], None]) -> None:
    off()
    hands = Hands(plant, Random(7).choice)
    hands.start()
    for kind in [*KINDS] * 2:
        deed = hands.pick(kind)
        if deed is not None:
            with suppress(Refusal):
                deed.do(plant)
    assert Movement.objects.filter(due__isnull=False).exists()
    assert faults(plant.site) == []


@pytest.mark.parametrize("steps", [False, True])
def test_lines_are_read_alike(plant: Plant, off: Callable[[], None], steps: bool) -> None:
    ready(plant)
    structures = {*FrozenLine.objects.values_list("structure", flat=True)}

    def read() -> list[Any]:
        lines = FrozenLines(plant.site.pk, structures, steps=steps)
        return [(facts(line), use) for one in sorted(structures) for line, use in lines.of(one, received=False)]

    fast = read()
    off()
    assert fast == read()


def test_a_row_has_the_names_of_its_columns() -> None:
    for name in ("open_requirements", "lock_open_requirements"):
        for sql in SQL[name].texts.values():
            assert tuple(column for _, column in sql.results) == RequirementRow._fields


def test_a_read_that_leaves_out_a_column_is_a_fault() -> None:
    read = FastRead(SQL["open_requirements"], ORDERS.parts, instead=list)
    READS.remove(read)
    assert len(read.faults()) == 2
    assert "write o.id, o.site_id, o.number" in read.faults()[0]


# What isn't documented by Django


def test_this_release_of_django_was_tried() -> None:
    assert django.VERSION[:2] in TRIED, (
        f"Django {django.VERSION[0]}.{django.VERSION[1]} wasn't tried with fast reads. If the other tests of this file "
        "pass, add it to TRIED; else read by querysets (FAST_READS=off) until db/queries.py is mended."
    )


def test_an_instance_can_be_made_without_its_constructor(database: object) -> None:
    made = Item.__new__(Item)
    assert vars(made) == {}, "Model.__new__ sets attributes now: fast reads would hide them"
    assert {*vars(Item(code="BOLT"))} == {"_state", *(one.attname for one in Item._meta.concrete_fields)}, (
        "Model.__init__ sets other attributes than _state and the fields: fast reads must set them too"
    )


def test_the_state_of_an_instance_is_what_it_was(database: object) -> None:
    state = ModelState()
    assert (state.adding, state.db) == (True, None), "ModelState begins otherwise: see _Reader.instance"
    assert state.fields_cache == {}, "ModelState keeps related instances elsewhere: see set_cached_value"
    assert {*vars(Item(code="BOLT")._state)} <= {"adding", "db", "fields_cache"}, (
        "Django keeps more in the state of an instance: see Model.from_db for what a read one must have"
    )


def test_a_cached_reference_is_followed_without_asking(plant: Plant) -> None:
    line, without, place = FrozenLine(source_id=1), FrozenLine(source_id=1), plant.location("LINE")
    field = FrozenLine._meta.get_field("source")
    with counted() as statements:
        field.set_cached_value(line, place)
        assert line.source is place, "set_cached_value no longer sets what a reference reads"
        field.set_cached_value(without, None)
        assert without.source is None, "a reference that is cached as None asks the database"
    assert statements == []


def test_a_field_that_was_not_read_is_read_when_it_is_used(plant: Plant) -> None:
    ready(plant)
    [[line, *_], *_] = READ_BY_NAME["backflushing.frozen_lines"].rows(**asked_of(plant)["backflushing.frozen_lines"])
    assert line.get_deferred_fields() == {"fixed", "steps"}, "Django defers by other means than a missing attribute"
    assert line.steps == FrozenLine.objects.get(pk=line.pk).steps


def test_a_read_instance_is_updated_when_it_is_saved(plant: Plant) -> None:
    ready(plant)
    [[order, _], *_] = ORDERS.rows(**asked_of(plant)["works.orders"])
    order.remarks = "seen"
    before = WorksOrder.objects.count()
    order.save()
    assert WorksOrder.objects.count() == before, "a saved instance that was read is inserted: see ModelState.adding"
    assert WorksOrder.objects.get(pk=order.pk).remarks == "seen"


def converters() -> Iterator[Any]:
    for read in READS:
        for part in read.parts:
            for one in part.fields:
                column = one.get_col(part.alias)
                yield from connection.ops.get_db_converters(column)
                yield from one.get_db_converters(connection)


def test_converters_take_a_value_a_column_and_the_connection(database: object) -> None:
    found = [*converters()]
    assert found, "neither fields nor database convert anything: see _conversions"
    column = Movement._meta.get_field("quantity").get_col("m")
    field = Movement._meta.get_field("quantity")
    [convert] = field.get_db_converters(connection)
    assert convert(2_500_000, column, connection) == Decimal("2.5"), "a converter takes other arguments now"


def test_the_connection_has_what_a_statement_is_run_by(database: object) -> None:
    for name in ("connection", "ensure_connection", "execute_wrappers", "wrap_database_errors", "ops", "vendor"):
        assert hasattr(connection, name), f"the connection has no {name} any more: see db/statements.py"
    with counted() as statements:
        ORDERS.rows(site_id=1, numbers=["none"])
    assert len(statements) == 1, "execute wrappers don't see fast reads"
