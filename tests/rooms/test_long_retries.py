"""A long queue is retried in parts, each in a transaction of its own; one with a key continues where it stopped."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from backflush.core.refusals import KeyReused
from backflush.ledger.models import Key, Posting
from backflush.unresolved.models import Settlement
from backflush.unresolved.retry import retry_in_parts
from tests.cast import Plant


def retried(plant: Plant, *, key: str = "", movements: Sequence[int] | None = None) -> list[list[Settlement]]:
    parts = retry_in_parts(site=plant.site, by=plant.storekeeper, movements=movements, key=key, part=2)
    return [done.settlements() if done else [] for _, done in parts]


def amounts(parts: list[list[Settlement]]) -> list[list[Decimal]]:
    return [[one.moved for one in part] for part in parts]


def five_wait(plant: Plant) -> None:
    for good in (1, 2, 3, 4, 5):
        plant.books(good, "BRACKET")


def test_a_long_queue_is_retried_oldest_first_in_parts(plant: Plant) -> None:
    five_wait(plant)
    plant.has(30, "BOLT")
    # 4, 8 and 12 fit, then 6 are left: neither 16 nor 20.
    assert amounts(retried(plant)) == [[4, 8], [12], []]
    assert plant.waiting() == ["BOLT 16 short", "BOLT 20 short"]


def test_a_short_queue_is_one_posting_under_the_key_itself(plant: Plant) -> None:
    plant.books(1, "BRACKET")
    plant.has(30, "BOLT")
    retried(plant, key="morning")
    assert list(Key.objects.values_list("key", flat=True)) == ["morning"]


def test_each_part_has_its_own_key_and_the_last_one_records_the_end(plant: Plant) -> None:
    five_wait(plant)
    plant.has(100, "BOLT")
    first = retried(plant, key="morning")
    assert sorted(Key.objects.values_list("key", flat=True)) == ["morning", "morning#1", "morning#2", "morning#3"]
    plant.books(6, "BRACKET")
    postings = Posting.objects.count()
    assert amounts(retried(plant, key="morning")) == amounts(first) == [[4, 8], [12, 16], [20], []]
    assert Posting.objects.count() == postings


def test_a_stopped_retry_continues_where_it_stopped(plant: Plant) -> None:
    five_wait(plant)
    plant.has(100, "BOLT")
    parts = retry_in_parts(site=plant.site, by=plant.storekeeper, key="morning", part=2)
    next(parts)
    del parts
    assert plant.waiting() == ["BOLT 12 short", "BOLT 16 short", "BOLT 20 short"]
    assert amounts(retried(plant, key="morning")) == [[4, 8], [12, 16], [20], []]
    assert plant.waiting() == []


def test_the_same_key_for_other_movements_is_refused(plant: Plant) -> None:
    five_wait(plant)
    plant.has(100, "BOLT")
    first, second, third, *_ = (movement.pk for movement in plant.queue())
    retried(plant, key="morning", movements=[first, second, third])
    with pytest.raises(KeyReused):
        retried(plant, key="morning")
    assert plant.waiting() == ["BOLT 16 short", "BOLT 20 short"]
