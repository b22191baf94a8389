"""The verification finds a planted fault of each kind, and nothing in a valid ledger.

The faults are written directly to the tables, because no service allows them.
"""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from backflush.audit.verification import VerificationReport, verify
from backflush.core.moves import Process, Status
from backflush.counts.models import StockCount
from backflush.ledger.models import Balance, CostObject, Key, Movement, Posting
from backflush.ledger.periods import close_period
from backflush.ledger.selectors import waiting_movements
from backflush.stockmap.selectors import day_at
from backflush.unresolved.models import Settlement
from tests.cases.adapter import World
from tests.cases.reading import Case, load
from tests.databases import Database

DAY = date(2026, 3, 2)


def a_plant_with_a_history() -> World:
    """Bookings, a line resolved in part, a cancelled and an unresolved one, a receipt, and a reversal."""
    plant = load(Path(__file__).parent.parent / "cases" / "plant.yaml")
    motor = {"code": "MOTOR", "class": "B", "type": "BOUGHT", "uom": "EA", "decimals": 0, "tracking": "serial"}
    stock = {
        "TUBE@MAIN/LINE": 500,
        "LUG@MAIN/LINE": 70,
        "PAINT@MAIN/LINE": 1,
        "LUG@ACME/STOCK": 500,
        "MOTOR@MAIN/LINE": [{"qty": 1, "serial": "S1"}, {"qty": 1, "serial": "S2"}],
    }
    world = World(Case("verify", "history", [], plant, {"items": [motor]}, stock, [], {}))
    steps: list[dict[str, object]] = [
        {"works_order": {"number": "W1", "item": "FRAME", "qty": 100}},
        {"release": "W1"},
        {"book": {"order": "W1", "good": 10, "key": "b1"}},
        {"book": {"order": "W1", "good": 5, "scrap": 1, "key": "b2"}},
        {"resolve": {"item": "LUG", "qty": 8, "remainder": "keep", "key": "r1"}},
        {"cancel": {"item": "PAINT", "remarks": "left bare", "key": "c1"}},
        {"reverse": "b1"},
        {"book": {"order": "W1", "good": 40, "key": "b3"}},
        {"purchase_order": {"number": "P1", "supplier": "ACME", "item": "PLATED", "qty": 50}},
        {"receive": {"order": "P1", "qty": 10, "rejected": 1, "key": "g1"}},
        {"retry": {}},
        {"count": {"item": "LUG", "location": "MAIN/LINE", "qty": 5}},
    ]
    for step in steps:
        world.do(step)
    return world


def test_a_sound_ledger_has_no_faults_and_the_report_lists_the_checks(database: Database) -> None:
    world = a_plant_with_a_history()
    yesterday = day_at(world.site, timezone.now()) - timedelta(days=1)
    close_period(site=world.site, through=yesterday, by=world.by, known_unresolved=None)
    report = verify()
    assert [fault for check in report.checks for fault in check.faults] == []
    assert report.sound
    assert all(check.counted for check in report.checks)


def without_constraints() -> None:
    """Drop the database constraints that would refuse the fault."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # pending events would forbid ALTER TABLE
            cursor.execute("ALTER TABLE ledger_balance DROP CONSTRAINT balance_never_negative")
            cursor.execute("ALTER TABLE ledger_movement DROP CONSTRAINT moved_or_due")
    else:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA ignore_check_constraints = ON")


def with_constraints() -> None:
    """Restore the constraints: SQLite ignores them until told otherwise, PostgreSQL rolls back with the test."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA ignore_check_constraints = OFF")


def a_lost_update() -> None:
    Balance.objects.filter(item__code="TUBE", location__path="MAIN/LINE").update(quantity=Decimal(1))


def a_negative_balance() -> None:
    without_constraints()
    Balance.objects.filter(item__code="TUBE", location__path="MAIN/LINE").update(quantity=Decimal(-1))


def a_movement_lost_with_its_balance_change() -> None:
    """The balance equals the remaining movements, but an assumed quantity is missing."""
    movement = Movement.objects.get(posting__key__key="b2", item__code="TUBE")
    Balance.objects.filter(item=movement.item, location=movement.source).update(
        quantity=Balance.objects.get(item=movement.item, location=movement.source).quantity + movement.quantity
    )
    movement.delete()


def an_assumed_quantity_changed_on_both_sides() -> None:
    movement = Movement.objects.get(posting__key__key="b2", item__code="TUBE")
    Movement.objects.filter(pk=movement.pk).update(quantity=movement.quantity - 1)
    balance = Balance.objects.get(item=movement.item, location=movement.source)
    Balance.objects.filter(pk=balance.pk).update(quantity=balance.quantity + 1)


def an_unresolved_movement_lost() -> None:
    waiting_movements(Posting.objects.first().site).filter(item__code="PAINT").last().delete()  # type: ignore[union-attr]


def a_due_quantity_changed() -> None:
    waiting_movements(Posting.objects.first().site).filter(item__code="PAINT").update(due=Decimal(7))  # type: ignore[union-attr]


def a_status_set_without_a_settlement() -> None:
    waiting_movements(Posting.objects.first().site).update(status=Status.RESOLVED)  # type: ignore[union-attr]


def a_settlement_that_says_too_much() -> None:
    Settlement.objects.filter(outcome="resolved").update(moved=Decimal(9))


def a_cancellation_without_remarks() -> None:
    Settlement.objects.filter(outcome="cancelled").update(remarks="")


def goods_booked_twice() -> None:
    movement = Movement.objects.get(posting__key__key="b2", item__code="FRAME")
    movement.pk = None
    movement.save()
    balance = Balance.objects.get(item=movement.item, location=movement.target)
    Balance.objects.filter(pk=balance.pk).update(quantity=balance.quantity + movement.quantity)


def a_mirror_that_is_not_equal() -> None:
    Movement.objects.filter(reverses__isnull=False, item__code="TUBE").update(charged=0)


def a_mirror_that_is_gone() -> None:
    mirror = Movement.objects.get(reverses__isnull=False, item__code="TUBE")
    balance = Balance.objects.get(item=mirror.item, location=mirror.target)
    Balance.objects.filter(pk=balance.pk).update(quantity=balance.quantity - mirror.quantity)
    mirror.delete()


def an_order_that_says_something_else() -> None:
    CostObject.objects.filter(number="W1").update(good=Decimal(1))


def a_key_without_a_posting() -> None:
    Key.objects.create(site=Posting.objects.earliest("pk").site, key="lost", operation="book", digest="-")


def a_serial_number_in_two_places() -> None:
    one, other = Balance.objects.filter(item__code="MOTOR").order_by("serial")
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX serial_in_one_place")
    line = one.location
    one.location = line.site.locations.get(path="MAIN/RAW")
    one.pk, one.serial = None, other.serial
    one.save()


def a_balance_left_behind_that_does_not_follow() -> None:
    movement = Movement.objects.filter(status=Status.OK, source_after__isnull=False).earliest("pk")
    Movement.objects.filter(pk=movement.pk).update(source_after=Decimal(3))


PLANTED: list[tuple[Callable[[], None], str]] = [
    (a_lost_update, "balances"),
    (a_lost_update, "in and out"),
    (a_negative_balance, "never negative"),
    (a_movement_lost_with_its_balance_change, "assumed use"),
    (a_movement_lost_with_its_balance_change, "running balances"),
    (an_assumed_quantity_changed_on_both_sides, "assumed use"),
    (an_unresolved_movement_lost, "assumed use"),
    (a_due_quantity_changed, "assumed use"),
    (a_status_set_without_a_settlement, "settlements"),
    (a_settlement_that_says_too_much, "settlements"),
    (a_cancellation_without_remarks, "settlements"),
    (goods_booked_twice, "goods"),
    (a_mirror_that_is_not_equal, "reversals"),
    (a_mirror_that_is_gone, "reversals"),
    (an_order_that_says_something_else, "orders"),
    (a_key_without_a_posting, "postings"),
    (a_serial_number_in_two_places, "never negative"),
    (a_balance_left_behind_that_does_not_follow, "running balances"),
]


@pytest.mark.parametrize(("plant", "check"), PLANTED, ids=[f"{plant.__name__} by {check}" for plant, check in PLANTED])
def test_a_planted_fault_is_found(plant: Callable[[], None], check: str, database: Database) -> None:
    a_plant_with_a_history()
    assert verify().sound
    try:
        plant()
        report = verify()
    finally:
        with_constraints()
    assert not report.sound
    assert check in {found.name for found in unsound(report)}, [found.name for found in unsound(report)]


def unsound(report: VerificationReport) -> list:  # type: ignore[type-arg]
    """Return the checks with faults, and require that each describes them."""
    found = [check for check in report.checks if not check.sound]
    assert all(check.faults and check.fault_count >= len(check.faults) for check in found)
    return found


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("quantity", Decimal(6), "6 were counted, but the ledger has 5 after it"),
        ("difference", Decimal(1), "differs by 1, but its postings add up to"),
    ],
)
def test_a_changed_count_is_found(database: Database, field: str, value: Decimal, fault: str) -> None:
    a_plant_with_a_history()
    StockCount.objects.update(**{field: value})
    found = [one for check in verify().checks if check.name == "counts" for one in check.faults]
    assert any(fault in one for one in found), found


def test_a_changed_movement_of_a_count_is_found(database: Database) -> None:
    a_plant_with_a_history()
    changed = Movement.objects.filter(posting__process=Process.COUNT).update(quantity=1)
    assert changed
    found = [one for check in verify().checks if check.name == "counts" for one in check.faults]
    assert any("moves" in one and "but its count records" in one for one in found), found
