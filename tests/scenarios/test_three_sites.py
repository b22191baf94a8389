"""Three plants, each on its own PostgreSQL server, and stock transfers between them.

The servers are real, and are killed with signal 9 in the middle of a posting: before each statement, before the commit
and after it. Each restarts with what it had committed. The caller repeats its request, and in the end all stock is
where it should be, once.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from backflush.audit.verification import verify
from backflush.handling.models import StockTransfer, TransferDirection
from backflush.handling.transfer_queries import Book, TransferComparison, books, compare, notes_of, open_transfers
from backflush.handling.transfers import Note, Sending, arrive, confirm_arrivals, send_to_site
from backflush.stockmap.services import add_site
from tests.cast import Plant
from tests.databases import Database
from tests.doors.console import Console
from tests.postgres import Cluster, own_clusters

CODES = ("NORTH", "SOUTH", "WEST")
DOWN = (DatabaseError, InterfaceError)
START = 1000


def migrated(url: str) -> None:
    """Create the tables from which the three plants are copied."""
    with Database(url).as_default():
        call_command("migrate", verbosity=0, interactive=False)
        connection.close()


class Works:
    """One of the three plants, on its own server."""

    def __init__(self, code: str, cluster: Cluster) -> None:
        self.code, self.cluster = code, cluster
        self.database = Database(cluster.url)
        self.numbers = count(1)
        with self.here():
            self.plant = Plant.build(code=code)
            for other in CODES:
                if other != code:
                    add_site(code=other)
            self.plant.has(START, "BOLT", at="RAW")

    @contextmanager
    def here(self) -> Iterator[None]:
        """Make this plant's database the default; its connection may have died with its server."""
        with self.database.as_default():
            try:
                yield
            finally:
                with suppress(*DOWN):
                    connection.close()

    def sends(self, quantity: int, to: "Works", number: str = "") -> Note:
        line = Sending(item="BOLT", quantity=Decimal(quantity), source="MAIN/RAW")
        number = number or f"{self.code}{next(self.numbers)}"
        with self.here():
            sent = send_to_site(
                site=self.plant.site, to=to.code, lines=[line], by=self.plant.storekeeper, number=number
            )
            return notes_of([sent])[0]

    def takes_in(self, note: Note) -> None:
        with self.here():
            arrive(site=self.plant.site, note=note, into="MAIN/RAW", by=self.plant.storekeeper)

    @property
    def bolts(self) -> Decimal:
        with self.here():
            return self.plant.balance("BOLT", at="RAW")

    def books(self) -> list[Book]:
        with self.here():
            return books()

    def open(self) -> list[str]:
        with self.here():
            return [one.number for one in open_transfers(self.plant.site)]

    def has_posted(self, way: TransferDirection, number: str) -> bool:
        with self.here():
            return StockTransfer.objects.filter(way=way, number=number).exists()

    def is_sound(self) -> bool:
        with self.here():
            return verify().sound


@contextmanager
def dying_before(cluster: Cluster, statement: int) -> Iterator[None]:
    """Inside the block, the server is killed before its n-th statement (from 1); a commit counts twice, before and
    after."""
    seen = 0

    def step() -> None:
        nonlocal seen
        seen += 1
        if seen == statement:
            cluster.kill()

    def before_statement(execute: Any, *asked: Any) -> Any:
        step()
        return execute(*asked)

    # Typed as Any: how Django commits is internal, and there is no wrapper for it.
    django: Any = connection
    commit = django._commit

    def before_commit() -> None:
        step()
        commit()
        step()
        if seen == statement:
            raise OperationalError("the server died before it could say that it was done")

    django._commit = before_commit
    try:
        with connection.execute_wrapper(before_statement):
            yield
    finally:
        django._commit = commit


@pytest.fixture(scope="module")
def three() -> Iterator[list[Works]]:
    """The three plants, as the previous test left them."""
    with own_clusters(len(CODES), migrated) as clusters:
        yield [Works(code, cluster) for code, cluster in zip(CODES, clusters, strict=True)]


def crossing(three: Sequence[Works], *, without: Sequence[Works] = ()) -> TransferComparison:
    there = [works for works in three if works not in without]
    found = compare([book for works in there for book in works.books()], looked_at={works.code for works in there})
    assert found.faults == []
    return found


def all_hear(three: Sequence[Works]) -> None:
    arrived = crossing(three).arrived_at
    for works in three:
        mine = {(target, number): at for (source, target, number), at in arrived.items() if source == works.code}
        with works.here():
            confirm_arrivals(site=works.plant.site, arrived=mine)


def all_is_accounted_for(three: Sequence[Works]) -> bool:
    """Require that the number of bolts is unchanged, and that every ledger is valid."""
    on_the_way = sum(line.quantity for note in crossing(three).on_the_way for line in note.lines)
    assert sum(works.bolts for works in three) + on_the_way == START * len(three)
    return all(works.is_sound() for works in three)


def test_stock_goes_round_between_three_servers(three: list[Works]) -> None:
    north, south, west = three
    for source, target in ((north, south), (south, west), (west, north)):
        target.takes_in(source.sends(50, target))
    assert [works.bolts for works in three] == [START] * 3
    assert crossing(three).on_the_way == []
    assert all_is_accounted_for(three)


def test_a_site_sends_while_the_other_server_is_down(three: list[Works]) -> None:
    north, south, west = three
    all_hear(three)
    before = [works.bolts for works in three]
    south.cluster.kill()
    to_south = north.sends(7, south)
    with pytest.raises(DOWN):
        south.takes_in(to_south)
    west.takes_in(north.sends(3, west))
    # The reachable servers are compared: one transfer is in transit, and the unreachable one isn't contradicted.
    assert [note.number for note in crossing(three, without=[south]).on_the_way] == [to_south.number]
    south.cluster.start()
    assert all_is_accounted_for(three)
    for _ in range(3):
        south.takes_in(to_south)
    assert [works.bolts for works in three] == [before[0] - 10, before[1] + 7, before[2] + 3]
    assert crossing(three).on_the_way == []
    assert all_is_accounted_for(three)


@pytest.mark.parametrize("way", TransferDirection)
def test_a_server_killed_before_any_statement_loses_and_duplicates_nothing(
    three: list[Works], way: TransferDirection
) -> None:
    north, south, _ = three
    dying = north if way == TransferDirection.SENT else south
    outcomes = []
    for statement in count(1):
        number = f"{way}-{statement}"
        before = [works.bolts for works in (north, south)]
        note = None if way == TransferDirection.SENT else north.sends(2, south, number)
        deed = partial(south.takes_in, note) if note else partial(north.sends, 2, south, number)
        killed = not _survives(deed, dying, statement)
        if killed:
            dying.cluster.start()
            outcomes.append(dying.has_posted(way, number))
        note = note or north.sends(2, south, number)
        for _ in range(2):
            south.takes_in(note)
        assert [works.bolts for works in (north, south)] == [before[0] - 2, before[1] + 2], statement
        if not killed:
            break
    # Killed before the commit, nothing was posted; killed after it, everything was, although no one was told.
    assert outcomes == sorted(outcomes)
    assert outcomes.count(False) > 5
    assert outcomes.count(True) > 0
    assert crossing(three).on_the_way == []
    assert all_is_accounted_for(three)


def _survives(deed: Callable[[], Any], dying: Works, statement: int) -> bool:
    """Carry something out while a server is killed, and return whether it succeeded."""
    with dying.database.as_default():
        with suppress(*DOWN):
            connection.close()
        connection.ensure_connection()
        try:
            with dying_before(dying.cluster, statement):
                deed()
        except DOWN:
            return False
    return True


def test_the_sender_learns_of_receipts_once_all_servers_run_again(three: list[Works]) -> None:
    north, _, west = three
    waits = north.sends(1, west)
    assert waits.number in north.open()
    all_hear(three)
    assert [works.open() for works in three] == [[waits.number], [], []]
    west.takes_in(waits)
    assert all_is_accounted_for(three)


def test_the_command_line_queries_all_servers_and_names_the_unreachable_one(three: list[Works]) -> None:
    north, south, west = three
    all_hear(three)
    waits = north.sends(4, south)
    with north.here():
        others = ("--and", south.cluster.url, "--and", west.cluster.url)
        told = Console().tells("in-transit", *others)
        assert [note["number"] for note in told["on_the_way"]] == [waits.number]
        assert (told["unreachable"], told["faults"]) == ([], [])
        south.cluster.kill()
        told = Console().tells("in-transit", *others)
        assert ([note["number"] for note in told["on_the_way"]], len(told["unreachable"])) == ([waits.number], 1)
        assert told["unreachable"][0].startswith("Database 1 can't be reached: ")
        south.cluster.start()
    with south.here():
        asked = ("--site", "SOUTH", "--from-site", "NORTH", "--from-database", north.cluster.url, "--by", "sam")
        for _ in range(2):
            told = Console().tells("arrive", waits.number, "--into", "MAIN/RAW", *asked)
        assert told["repeated"]
    with north.here():
        assert Console().tells("in-transit", "--note-arrivals", *others)["noted"] == 1
    assert north.open() == []
    assert all_is_accounted_for(three)
