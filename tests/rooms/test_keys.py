"""Idempotency keys: the same request sent twice posts once, whatever has happened since (I)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from backflush.backflushing.models import Booking
from backflush.core.refusals import KeyReused
from backflush.handling.moves import open_stock
from backflush.ledger.models import Key, Posting
from backflush.people.services import known_user
from backflush.works.services.booking import book_production, book_production_many
from backflush.works.services.transitions import complete_order
from tests.cast import DAY, Plant
from tests.hands import identity
from tests.oracle import faults, refused, snapshot

Does = Callable[[Plant, str], Any]


def ready(plant: Plant) -> None:
    """A plant with everything that the operations need."""
    plant.releases(100, "BRACKET")
    plant.buys(100, "PLATED")
    plant.has(500, "LUG", at="RAW")
    plant.books(1, "BRACKET", key="earlier")
    plant.books(1, "BRACKET", key="earlier too")
    plant.books(1, "BRACKET", key="earlier still")
    plant.has(500, "BOLT")
    plant.issues(1, "LUG", "BRACKET", key="an issue")


def posted(key: str) -> Posting:
    return Posting.objects.get(key__key=key)


def oldest_due(plant: Plant, key: str = "earlier") -> int:
    return posted(key).movements.get(due__isnull=False).pk


OPERATIONS: dict[str, Does] = {
    "book": lambda plant, key: plant.books(5, "BRACKET", key=key),
    "produce": lambda plant, key: plant.produces(2, "PACK", key=key),
    "receive": lambda plant, key: plant.receives(3, "PLATED", key=key),
    "issue": lambda plant, key: plant.issues(2, "LUG", "BRACKET", key=key),
    "return": lambda plant, key: plant.returns(1, "LUG", "BRACKET", key=key),
    "move": lambda plant, key: plant.moves(7, "LUG", key=key),
    "resolve": lambda plant, key: plant.resolves(oldest_due(plant), key=key),
    "cancel": lambda plant, key: plant.cancels(oldest_due(plant, "earlier too"), key=key),
    "retry": lambda plant, key: plant.retries(key=key),
    "reverse a booking": lambda plant, key: plant.reverses(posted("earlier still"), key=key),
    "reverse an issue": lambda plant, key: plant.reverses(posted("an issue"), key=key),
}


def test_the_same_request_again_gets_the_first_outcome_and_posts_nothing(plant: Plant) -> None:
    ready(plant)
    for name, does in OPERATIONS.items():
        first = does(plant, name)
        before = snapshot()
        assert identity(does(plant, name)) == identity(first), name
        assert snapshot() == before, name
    assert faults(plant.site) == []


def test_a_repeated_request_is_recognised_before_the_state_is_checked(plant: Plant) -> None:
    """By then the order is complete, the stock is gone, and the movement is settled."""
    ready(plant)
    first = {name: identity(does(plant, name)) for name, does in OPERATIONS.items()}
    complete_order(site=plant.site, number="W-BRACKET", by=plant.storekeeper)
    for item, source, target in (("BOLT", "LINE", "RAW"), ("LUG", "RAW", "LINE")):
        plant.moves(plant.balance(item, at=source), item, source, target)
    before = snapshot()
    assert {name: identity(does(plant, name)) for name, does in OPERATIONS.items()} == first
    assert snapshot() == before


def test_a_key_used_for_one_thing_is_refused_for_any_other(plant: Plant) -> None:
    """All operations share one set of keys."""
    ready(plant)
    for name, does in OPERATIONS.items():
        does(plant, name)
    before = snapshot()
    for name, does in OPERATIONS.items():
        for other in OPERATIONS.keys() - {name}:
            with pytest.raises(KeyReused):
                does(plant, other)
    assert snapshot() == before


def test_the_same_operation_with_other_content_is_refused(plant: Plant) -> None:
    ready(plant)
    plant.books(5, "BRACKET", key="k")
    for good, scrap, reason in ((6, 0, ""), (5, 1, ""), (5, 0, "bent")):
        with refused("key_reused"):
            plant.books(good, "BRACKET", scrap, scrap_reason=reason, key="k")


def test_content_is_compared_by_value(plant: Plant) -> None:
    ready(plant)
    first = plant.books("5", "BRACKET", key="k")
    for five in ("5.0", "5.000000", "0.5E1"):
        assert plant.books(five, "BRACKET", "0.00", key="k") == first


def test_a_moment_is_the_same_in_any_time_zone(plant: Plant) -> None:
    ready(plant)
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    first = plant.books(5, "BRACKET", at=noon, key="k")
    assert plant.books(5, "BRACKET", at=noon.astimezone(timezone(timedelta(hours=5))), key="k") == first
    with refused("key_reused"):
        plant.books(5, "BRACKET", at=noon + timedelta(seconds=1), key="k")


def test_a_default_event_time_is_left_out_of_the_digest(plant: Plant) -> None:
    ready(plant)
    first = plant.books(5, "BRACKET", at=None, key="k")
    assert plant.books(5, "BRACKET", at=None, key="k") == first


def test_the_user_is_left_out_of_the_digest(plant: Plant) -> None:
    ready(plant)
    booking = plant.booking(5, "BRACKET", key="k")
    first = book_production(booking, site=plant.site, by=known_user(name="first"))
    assert book_production(booking, site=plant.site, by=known_user(name="second")) == first


def test_the_order_of_serial_numbers_does_not_matter(plant: Plant) -> None:
    plant.has(2, "MOTOR", at="RAW", serials=["S1", "S2"])
    first = plant.moves(2, "MOTOR", serials=["S1", "S2"], key="k")
    assert plant.moves(2, "MOTOR", serials=["S2", "S1"], key="k") == first


def test_a_default_written_out_is_the_same_as_one_left_out(plant: Plant) -> None:
    ready(plant)
    first = plant.resolves(oldest_due(plant), key="k")
    assert plant.resolves(oldest_due(plant), 4, source="LINE", key="k") == first
    assert plant.receives(1, "PLATED", key="p") == plant.receives(1, "PLATED", line=10, key="p")


def test_a_refused_operation_stores_no_key(plant: Plant) -> None:
    ready(plant)
    with refused("insufficient_stock"):
        plant.moves(501, "BOLT", "LINE", "RAW", key="k")
    assert not Key.objects.filter(key="k").exists()
    plant.moves(1, "BOLT", "LINE", "RAW", key="k")


def test_without_a_key_the_same_request_twice_posts_twice(plant: Plant) -> None:
    ready(plant)
    assert plant.books(1, "BRACKET") != plant.books(1, "BRACKET")


def test_one_key_twice_in_one_call_is_one_booking(plant: Plant) -> None:
    ready(plant)
    twice = [plant.booking(2, "BRACKET", key="k"), plant.booking(3, "BRACKET"), plant.booking(2, "BRACKET", key="k")]
    one, two, three = book_production_many(twice, site=plant.site, by=plant.storekeeper)
    assert (one, two.good) == (three, 3)
    assert one != two
    with refused("key_reused"):
        book_production_many(
            [plant.booking(2, "BRACKET", key="x"), plant.booking(3, "BRACKET", key="x")],
            site=plant.site,
            by=plant.storekeeper,
        )


def test_a_call_with_many_reports_completes_an_earlier_one(plant: Plant) -> None:
    ready(plant)
    bookings = [plant.booking(1, "BRACKET", key=f"k{number}") for number in range(5)]
    first = book_production_many(bookings[:3], site=plant.site, by=plant.storekeeper)
    assert book_production_many(bookings, site=plant.site, by=plant.storekeeper)[:3] == first
    assert Booking.objects.filter(posting__key__key__startswith="k").count() == 5


def test_keys_are_separate_for_each_site(plant: Plant) -> None:
    ready(plant)
    elsewhere = Plant.build_site(code="ELSEWHERE")
    elsewhere.releases(100, "BRACKET")
    here, there = plant.books(1, "BRACKET", key="k"), elsewhere.books(1, "BRACKET", key="k")
    assert here != there
    assert faults(plant.site) == faults(elsewhere.site) == []


def test_a_key_that_is_too_long_is_refused(plant: Plant) -> None:
    ready(plant)
    plant.books(1, "BRACKET", key="k" * 200)
    with refused("invalid_value", field="key"):
        plant.books(1, "BRACKET", key="k" * 201)


def test_an_empty_opening_stock_stores_no_key(plant: Plant) -> None:
    for _ in range(2):
        assert open_stock([], site=plant.site, by=plant.storekeeper, at=DAY, key="k") is None
    assert not Key.objects.exists()


def test_a_retry_that_settles_nothing_is_stored_under_its_key(plant: Plant) -> None:
    plant.books(1, "BRACKET")
    assert plant.retries(key="k") == []
    plant.has(Decimal(100), "BOLT")
    assert plant.retries(key="k") == []
    assert plant.waiting() == ["BOLT 4 short"]
