"""Many users at once, in real processes: nothing is lost or negative, and nothing deadlocks."""

from itertools import combinations_with_replacement
from random import Random
from typing import Any

import pytest

from backflush.backflushing.booking import take_reports
from backflush.backflushing.models import Booking
from backflush.backflushing.report_kinds import Report
from backflush.beginnings.services import PlantIn, begin_plant
from backflush.booking_kinds import KINDS as ALL
from backflush.core.moves import Status
from backflush.core.refusals import Refusal
from backflush.items.models import Item
from backflush.ledger.models import Balance, CostObject, Movement, Posting
from backflush.people.models import User
from backflush.people.rights import Role
from backflush.people.services import add_person
from backflush.stockmap.models import Site
from backflush.structures.models import FrozenLine, FrozenStructure
from backflush.subcontract.models import PurchaseOrder
from backflush.unresolved.models import Settlement
from backflush.works.models import WorksOrder
from backflush.works.services.booking import book_production_many
from tests.cast import Plant
from tests.databases import Database
from tests.hands import KINDS, REFUSALS, Hands
from tests.oracle import faults
from tests.races.processes import all_went_through, race


def begins(_plant: None, person: str) -> str:
    begin_plant(PlantIn(code=person.upper(), name="", time_zone="UTC", person=person, password="lantern-brass-94-quay"))
    return person


def books(plant: Plant, times: int, *items: str) -> None:
    for turn in range(times):
        plant.books(1, items[turn % len(items)])


def makes_and_receives(plant: Plant) -> None:
    plant.produces(1, "PACK")
    plant.receives(1, "PLATED")


def books_under(plant: Plant, key: str) -> int:
    return plant.books(1, "BRACKET", key=key).pk


def resolves(plant: Plant, movement: int) -> int:
    return plant.resolves(movement).pk


def resolves_each(plant: Plant, movements: list[int]) -> None:
    for movement in movements:
        plant.resolves(movement)


def books_together(plant: Plant, times: int, items: list[str]) -> None:
    for _ in range(times):
        bookings = [plant.booking(1, item) for item in items]
        book_production_many(bookings, site=plant.site, by=plant.storekeeper)


def reports_together(plant: Plant, times: int, of: list[str]) -> None:
    """Book on works orders, receive on purchase orders and produce without order, in one call and in the given
    order."""
    for _ in range(times):
        reports: list[Report] = []
        for name in of:
            makes = plant.receipt if name.startswith("P-") else plant.production if name == "PACK" else plant.booking
            reports.append(makes(1, name))
        take_reports(reports, ALL, site=plant.site, by=plant.storekeeper)


def receives(plant: Plant, times: int, order: str) -> None:
    for _ in range(times):
        plant.receives(1, order)


def settles_and_undoes(plant: Plant, times: int) -> None:
    for _ in range(times):
        settled = plant.retries()
        if settled:
            plant.reverses(settled[0])


def receives_serial(plant: Plant, at: str) -> None:
    plant.has(1, "MOTOR", at=at, serials=["S1"])


def muddles(plant: Plant, kinds: list[str], seed: int) -> dict[str, int]:
    """Carry out random operations, and return how many succeeded."""
    rng = Random(seed)
    hands = Hands(plant, lambda some: rng.choice(list(some)))
    through = dict.fromkeys(kinds, 0)
    for kind in kinds:
        deed = hands.pick(kind)
        if deed is None:
            continue
        try:
            deed.do(plant)
            through[kind] += 1
        except Refusal as refusal:
            if refusal.code not in REFUSALS:
                raise
    return through


def test_eight_people_book_the_same_items(committed_plant: Plant, committed_database: Database) -> None:
    plant = committed_plant
    for item in ("BRACKET", "FRAME"):
        plant.releases(1000, item)
    plant.has(100, "BOLT")
    plant.has(100, "TUBE")
    plant.has(100, "LUG")
    assert all_went_through(race(committed_database, *[(books, 8, "BRACKET", "FRAME")] * 8))
    assert Booking.objects.count() == 64
    assert {plant.cost_object(item).good for item in ("BRACKET", "FRAME")} == {32}
    # Each booking took its four bolts whole until none were left.
    assert plant.balance("BOLT") == 0
    assert plant.waiting().count("BOLT 4 short") == 32 - 25
    assert faults(plant.site) == []


def test_two_bookings_open_the_same_missing_balances(committed_plant: Plant, committed_database: Database) -> None:
    plant = committed_plant
    for item in ("BRACKET", "FRAME"):
        plant.releases(1000, item)
    assert not Balance.objects.exists()
    assert all_went_through(race(committed_database, *[(books, 1, "FRAME", "BRACKET")] * 6))
    assert plant.balance("FRAME", at="FG") == 6
    assert faults(plant.site) == []


def test_a_structure_that_several_users_freeze_at_once_is_stored_once(
    committed_plant: Plant, committed_database: Database
) -> None:
    plant = committed_plant
    plant.buys(100, "PLATED")
    assert all_went_through(race(committed_database, *[(makes_and_receives,)] * 6))
    assert FrozenStructure.objects.count() == 2
    assert FrozenLine.objects.count() == 3
    assert plant.balance("PLATED", at="FG") == plant.balance("PACK", at="FG") == 6
    assert faults(plant.site) == []


def test_the_same_key_from_eight_people_posts_once(committed_plant: Plant, committed_database: Database) -> None:
    plant = committed_plant
    plant.releases(1000, "BRACKET")
    outcomes = race(committed_database, *[(books_under, "scan 1")] * 8)
    assert all_went_through(outcomes)
    assert len({one.answer for one in outcomes}) == 1
    assert Booking.objects.count() == 1
    assert faults(plant.site) == []


def orders(plant: Plant, number: str) -> int:
    plant.orders(5, "BRACKET", number=number)
    return WorksOrder.objects.get(number=number).pk


def buys(plant: Plant, number: str) -> None:
    plant.buys(5, "PLATED", number=number)


def adds_person(plant: Plant, name: str, password: str) -> int:
    return add_person(name=name, password=password, roles=[Role.STORES], site=plant.site).pk


def stocks(plant: Plant, code: str) -> None:
    plant.stocks(code)


@pytest.mark.parametrize(
    ("adds", "name", "made"), [(orders, "W-1", WorksOrder), (buys, "P-1", PurchaseOrder), (stocks, "NUT", Item)]
)
def test_only_one_of_several_users_gets_the_same_number(
    committed_plant: Plant, committed_database: Database, adds: Any, name: str, made: Any
) -> None:
    before = made.objects.count()
    outcomes = race(committed_database, *[(adds, name)] * 4)
    assert sorted(one.refusal for one in outcomes) == ["", "already_there", "already_there", "already_there"]
    assert all_went_through(outcomes, "already_there")
    assert made.objects.count() == before + 1
    assert CostObject.objects.filter(number=name).count() <= 1


def test_only_one_of_several_users_adds_a_name_and_its_password_is_kept(
    committed_plant: Plant, committed_database: Database
) -> None:
    outcomes = race(committed_database, *[(adds_person, "nina", f"axle-hinge-lamp-{number}") for number in range(4)])
    assert sorted(one.refusal for one in outcomes) == ["", "already_there", "already_there", "already_there"]
    assert all_went_through(outcomes, "already_there")
    [won] = [number for number, one in enumerate(outcomes) if not one.refusal]
    assert User.objects.get(username="nina").check_password(f"axle-hinge-lamp-{won}")


def test_only_one_of_two_users_resolves_the_same_movement(committed_plant: Plant, committed_database: Database) -> None:
    plant = committed_plant
    plant.books(2, "BRACKET")
    plant.has(100, "BOLT")
    waiting = plant.queue("BOLT")[0]
    outcomes = race(committed_database, *[(resolves, waiting.pk)] * 4)
    assert sorted(one.refusal for one in outcomes) == ["", "not_unresolved", "not_unresolved", "not_unresolved"]
    assert all_went_through(outcomes, "not_unresolved")
    assert plant.balance("BOLT") == 92
    assert faults(plant.site) == []


def reverses_each(plant: Plant, postings: list[int]) -> list[str]:
    return [reverses_one(plant, posting) for posting in postings]


def reverses_one(plant: Plant, posting: int) -> str:
    try:
        plant.reverses_number(posting)
    except Refusal as refusal:
        return refusal.code
    return "taken back"


def test_only_one_of_several_users_reverses_the_same_posting(
    committed_plant: Plant, committed_database: Database
) -> None:
    plant = committed_plant
    for item in ("BOLT", "LUG"):
        for at in ("RAW", "LINE", "ACME/STOCK"):
            plant.has(1000, item, at=at)
    plant.buys(100, "PLATED")
    waiting = plant.books(1, "FRAME")
    assert waiting.cost_object is not None
    plant.has(1000, "TUBE")
    postings = [
        posting
        for _ in range(5)
        for posting in (
            plant.produces(1, "PACK").posting_id,
            plant.books(1, "BRACKET").posting_id,
            plant.receives(1, "PLATED").posting_id,
            plant.moves(1, "BOLT").pk,
            plant.issues(1, "BOLT", "BRACKET").pk,
        )
    ]
    postings.append(plant.resolves("TUBE").posting_id)
    postings.append(plant.cancels("PAINT").posting_id)
    outcomes = race(committed_database, *[(reverses_each, postings)] * 3)
    assert all_went_through(outcomes)
    for codes in zip(*(one.answer for one in outcomes), strict=True):
        assert sorted(codes) == ["already_reversed", "already_reversed", "taken back"]
    assert faults(plant.site) == []


def test_booking_and_resolving_on_one_order_never_deadlock(
    committed_plant: Plant, committed_database: Database
) -> None:
    """The resolution refers to the order that the booking has locked, and has locked the balance that the booking
    needs."""
    plant = committed_plant
    plant.releases(1000, "BRACKET")
    books(plant, 40, "BRACKET")
    waiting = [one.pk for one in plant.queue()]
    plant.has(1000, "BOLT")
    racers = [(books, 40, "BRACKET"), (books, 40, "BRACKET"), (resolves_each, waiting)]
    assert all_went_through(race(committed_database, *racers))
    assert plant.waiting() == []
    assert plant.balance("BOLT") == 1000 - 4 * 120
    assert faults(plant.site) == []


def test_orders_are_locked_in_one_order_whatever_they_are_numbered(
    committed_plant: Plant, committed_database: Database
) -> None:
    """Orders that two users create at the same time can be numbered in another order than their cost objects."""
    plant = committed_plant
    for item in ("BRACKET", "TRAY"):
        plant.releases(1000, item)
    first, second = CostObject.objects.order_by("pk")
    orders = [plant.order("BRACKET"), plant.order("TRAY")]
    # Swapped through a third value, because a cost object has one order.
    spare = CostObject.objects.create(site=plant.site, kind=first.kind, number="spare", item=first.item)
    for order, cost_object in ((orders[0], spare), (orders[1], first), (orders[0], second)):
        order.cost_object = cost_object
        order.save()
    # Both have unresolved movements, and a retry settles them. Undoing it locks both cost objects.
    for item in ("BRACKET", "TRAY"):
        plant.books(1, item)
    plant.has(100_000, "BOLT")
    plant.has(100_000, "LUG")
    together = (books_together, 40, ["TRAY", "BRACKET"])
    assert all_went_through(race(committed_database, together, together, (settles_and_undoes, 40)))
    assert Settlement.objects.filter(undone_by__isnull=False).count() == 80


def test_all_kinds_of_reports_together_never_deadlock(committed_plant: Plant, committed_database: Database) -> None:
    """Whatever the order of the reports, their orders are locked in one fixed order, and new structures frozen in
    one."""
    plant = committed_plant
    for item in ("BRACKET", "TRAY"):
        plant.releases(1000, item)
    for number in ("P-1", "P-2"):
        plant.buys(1000, "PLATED", number=number)
    plant.has(100_000, "LUG", at="ACME/STOCK")
    of = ["P-2", "TRAY", "PACK", "P-1", "BRACKET"]
    racers = [(reports_together, 30, of), (reports_together, 30, of[::-1]), (receives, 60, "P-1"), (books, 60, "TRAY")]
    assert all_went_through(race(committed_database, *racers))
    assert (plant.balance("PLATED", at="FG"), plant.balance("PACK", at="FG")) == (4 * 30 + 60, 60)
    assert (plant.cost_object("TRAY").good, plant.cost_object("BRACKET").good) == (120, 60)
    assert faults(plant.site) == []


def test_a_serial_number_enters_stock_at_one_place_only(committed_plant: Plant, committed_database: Database) -> None:
    racers = [(receives_serial, at) for at in ("LINE", "RAW", "FG", "ACME/STOCK")]
    outcomes = race(committed_database, *racers)
    assert sorted(one.refusal for one in outcomes) == ["", "serial_in_stock", "serial_in_stock", "serial_in_stock"]
    assert faults(committed_plant.site) == []


@pytest.mark.parametrize("seed", range(2))
def test_every_pair_of_operations_runs_concurrently(
    committed_plant: Plant, committed_database: Database, seed: int
) -> None:
    plant = committed_plant
    Hands(plant, Random(seed).choice).start()
    for _ in range(3):
        muddles(plant, ["book", "book", "receive", "produce", "issue", "move"], seed)
    pairs = [*combinations_with_replacement(KINDS, 2)]
    Random(seed).shuffle(pairs)
    one, other = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    outcomes = race(committed_database, (muddles, one, seed), (muddles, other, seed + 100))
    assert all_went_through(outcomes)
    assert through(outcomes) >= {"book", "produce", "receive", "issue", "move", "resolve", "reverse"}
    assert faults(plant.site) == []


def through(outcomes: list[Any]) -> set[str]:
    """Return the kinds of operations of which at least one succeeded."""
    return {kind for one in outcomes for kind, times in one.answer.items() if times}


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_eight_users_do_everything_at_once(committed_plant: Plant, committed_database: Database, seed: int) -> None:
    plant = committed_plant
    Hands(plant, Random(seed).choice).start()
    kinds = [*KINDS, "book_many", "book", "resolve", "reverse", "undo"] * 6
    shuffled = [Random(seed * 100 + racer).sample(kinds, len(kinds)) for racer in range(8)]
    outcomes = race(committed_database, *((muddles, some, seed * 100 + n) for n, some in enumerate(shuffled)))
    assert all_went_through(outcomes)
    assert through(outcomes) >= set(KINDS)
    assert faults(plant.site) == []
    assert Movement.objects.filter(status=Status.OK).exists()
    assert Settlement.objects.exists()
    assert Posting.objects.count() > Booking.objects.count()


def test_of_several_first_pages_at_once_one_begins_the_plant(committed_database: Database) -> None:
    outcomes = race(committed_database, *[(begins, name) for name in ("nina", "eve", "tom", "kim")])
    assert all_went_through(outcomes, "already_there")
    assert [one.answer for one in outcomes if one.answer] == [User.objects.get().username]
    assert Site.objects.get().code == User.objects.get().username.upper()
