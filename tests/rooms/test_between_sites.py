"""Stock transfers between sites of one database: two postings under one key, each made once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from backflush.audit.verification import verify
from backflush.core.refusals import (
    DateBeforeOriginal,
    InsufficientStock,
    InvalidQuantity,
    InvalidValue,
    KeyReused,
    NotABalanceLocation,
    NotFound,
    NotReversible,
    SerialsRequired,
    WrongSite,
)
from backflush.handling.models import StockTransfer, TransferDirection
from backflush.handling.moves import reverse
from backflush.handling.selectors import preview_reversal
from backflush.handling.transfer_queries import Book, books, compare, notes_of, open_transfers, sent_transfer
from backflush.handling.transfers import Note, NoteLine, Sending, arrive, confirm_arrivals, read_note, send_to_site
from backflush.ledger.models import Key, Movement, Posting
from tests.cast import Plant


@pytest.fixture
def south(plant: Plant) -> Plant:
    return Plant.build_site(code="SOUTH")


def sends(plant: Plant, quantity: int, item: str = "BOLT", *, to: str = "SOUTH", number: str = "", **more: Any) -> Note:
    line = Sending(item=item, quantity=Decimal(quantity), source="MAIN/RAW", **more)
    sent = send_to_site(site=plant.site, to=to, lines=[line], by=plant.storekeeper, number=number)
    return notes_of([sent])[0]


def takes_in(plant: Plant, note: Note, into: str = "MAIN/RAW", **more: Any) -> StockTransfer:
    return arrive(site=plant.site, note=note, into=into, by=plant.storekeeper, **more)


def on_the_way(*sites: Plant) -> list[str]:
    crossing = compare(books(), looked_at={plant.site.code for plant in sites})
    assert crossing.faults == []
    return [f"{note.number} {line.quantity} {line.item}" for note in crossing.on_the_way for line in note.lines]


def test_sent_stock_leaves_at_once_and_arrives_when_it_is_received(plant: Plant, south: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    note = sends(plant, 6, number="7")
    assert (plant.balance("BOLT", at="RAW"), south.balance("BOLT", at="RAW")) == (4, 0)
    assert on_the_way(plant, south) == ["7 6 BOLT"]
    takes_in(south, note)
    assert (plant.balance("BOLT", at="RAW"), south.balance("BOLT", at="RAW")) == (4, 6)
    assert on_the_way(plant, south) == []
    assert verify().sound


def test_both_ends_are_posted_under_one_key_through_the_transit_location(plant: Plant, south: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    takes_in(south, sends(plant, 6, number="7"))
    keys = Key.objects.filter(key="MAIN/SOUTH/7").order_by("pk").values_list("site__code", "posting__site__code")
    assert [*keys] == [("MAIN", "MAIN"), ("SOUTH", "SOUTH")]
    ends = Movement.objects.filter(posting__transfer__isnull=False).order_by("pk")
    assert [*ends.values_list("source__path", "target__path")] == [
        ("MAIN/RAW", "IN-TRANSIT/SOUTH"),
        ("IN-TRANSIT/MAIN", "MAIN/RAW"),
    ]


def test_a_transfer_sent_and_received_twice_is_posted_once(plant: Plant, south: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    first, again = sends(plant, 6, number="7"), sends(plant, 6, number="7")
    assert first == again
    one, other = takes_in(south, first), takes_in(south, again)
    assert one.pk == other.pk
    assert (plant.balance("BOLT", at="RAW"), south.balance("BOLT", at="RAW")) == (4, 6)


def test_the_same_number_for_something_else_is_refused(plant: Plant, south: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    note = sends(plant, 6, number="7")
    with pytest.raises(KeyReused):
        sends(plant, 5, number="7")
    takes_in(south, note)
    with pytest.raises(KeyReused):
        takes_in(south, replace(note, lines=(replace(note.lines[0], quantity=Decimal(60)),)))
    assert south.balance("BOLT", at="RAW") == 6


def test_the_same_number_may_go_to_another_site(plant: Plant, south: Plant) -> None:
    Plant.build_site(code="WEST")
    plant.has(10, "BOLT", at="RAW")
    sends(plant, 1, number="7")
    sends(plant, 2, number="7", to="WEST")
    assert on_the_way(plant) == ["7 1 BOLT", "7 2 BOLT"]


def test_without_a_number_each_transfer_is_a_new_one(plant: Plant, south: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    assert sends(plant, 1).number != sends(plant, 1).number
    assert plant.balance("BOLT", at="RAW") == 8


def test_more_than_the_balance_cannot_be_sent(plant: Plant, south: Plant) -> None:
    plant.has(5, "BOLT", at="RAW")
    with pytest.raises(InsufficientStock):
        sends(plant, 6)
    assert not StockTransfer.objects.exists()
    assert plant.balance("BOLT", at="RAW") == 5


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_transfer_needs_a_quantity_above_zero(plant: Plant, south: Plant, quantity: int) -> None:
    with pytest.raises(InvalidQuantity):
        sends(plant, quantity)


def test_a_transfer_has_lines(plant: Plant, south: Plant) -> None:
    with pytest.raises(InvalidValue):
        send_to_site(site=plant.site, to="SOUTH", lines=[], by=plant.storekeeper)


@pytest.mark.parametrize("to", ["MAIN", ""])
def test_a_site_sends_nothing_to_itself(plant: Plant, south: Plant, to: str) -> None:
    with pytest.raises((WrongSite, NotFound)):
        sends(plant, 1, to=to)


def test_only_the_receiving_site_can_receive_a_transfer(plant: Plant, south: Plant) -> None:
    west = Plant.build_site(code="WEST")
    plant.has(10, "BOLT", at="RAW")
    note = sends(plant, 6)
    for wrong in (west, plant):
        with pytest.raises(WrongSite):
            takes_in(wrong, note)
    assert not StockTransfer.objects.filter(way=TransferDirection.ARRIVED).exists()


@pytest.mark.parametrize("place", ["WIP", "ADJUST"])
def test_a_transfer_needs_locations_with_balances(plant: Plant, south: Plant, place: str) -> None:
    plant.has(10, "BOLT", at="RAW")
    with pytest.raises(NotABalanceLocation):
        takes_in(south, sends(plant, 1), into=f"MAIN/{place}")
    line = Sending(item="BOLT", quantity=Decimal(1), source=f"MAIN/{place}")
    with pytest.raises(NotABalanceLocation):
        send_to_site(site=plant.site, to="SOUTH", lines=[line], by=plant.storekeeper)


def test_serial_numbers_and_batches_are_transferred(plant: Plant, south: Plant) -> None:
    plant.has(2, "MOTOR", at="RAW", serials=["S1", "S2"])
    plant.has(3, "RESIN", at="RAW", batch="B1")
    with pytest.raises(SerialsRequired):
        sends(plant, 2, "MOTOR", serials=["S1"])
    takes_in(south, sends(plant, 2, "MOTOR", serials=["S2", "S1"]))
    takes_in(south, sends(plant, 3, "RESIN", batch="B1"))
    there = south.site.pk
    named = Movement.objects.filter(site=there).order_by("serial").values_list("batch", "serial", "quantity")
    assert [*named] == [("B1", "", 3), ("", "S1", 1), ("", "S2", 1)]
    assert verify().sound


def test_a_transfer_may_go_from_bin_to_bin(plant: Plant, south: Plant) -> None:
    plant.has(9, "LUG", at="RACK", bin="R1")
    line = Sending(item="LUG", quantity=Decimal(4), source="MAIN/RACK", bin="R1")
    sent = send_to_site(site=plant.site, to="SOUTH", lines=[line], by=plant.storekeeper)
    takes_in(south, notes_of([sent])[0], into="MAIN/RACK", bin="R2")
    assert (plant.balance("LUG", at="RACK"), south.balance("LUG", at="RACK")) == (5, 4)


def test_a_transfer_is_not_received_before_it_was_sent(plant: Plant, south: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    note = sends(plant, 6)
    with pytest.raises(DateBeforeOriginal):
        takes_in(south, note, at=note.sent_at - timedelta(minutes=1))


def test_neither_end_of_a_transfer_can_be_reversed(plant: Plant, south: Plant) -> None:
    """The stock would be at both sites once the other end is posted. It is sent back instead."""
    plant.has(10, "BOLT", at="RAW")
    note = sends(plant, 6)
    arrived = takes_in(south, note)
    for end in (plant, south):
        posting = Posting.objects.get(site=end.site, transfer__isnull=False)
        assert isinstance(preview_reversal(posting).refusal, NotReversible)
        with pytest.raises(NotReversible):
            reverse(site=end.site, posting=posting.pk, by=end.storekeeper)
    assert arrived.posting.movements.count() == 1
    takes_in(plant, sends(south, 6, to="MAIN"))
    assert (plant.balance("BOLT", at="RAW"), south.balance("BOLT", at="RAW")) == (10, 0)


def test_a_transfer_is_open_until_the_sending_site_knows_of_the_receipt(plant: Plant, south: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    takes_in(south, sends(plant, 6, number="7"))
    sends(plant, 1, number="8")
    assert [one.number for one in open_transfers(plant.site)] == ["7", "8"]
    heard = {("SOUTH", "7"): timezone.now()}
    assert confirm_arrivals(site=plant.site, arrived=heard) == 1
    assert confirm_arrivals(site=plant.site, arrived=heard) == 0
    assert [one.number for one in open_transfers(plant.site)] == ["8"]
    assert on_the_way(plant, south) == ["8 1 BOLT"]


def test_a_transfer_note_is_text(plant: Plant, south: Plant) -> None:
    plant.has(2, "MOTOR", at="RAW", serials=["S1", "S2"])
    note = sends(plant, 2, "MOTOR", serials=["S1", "S2"])
    assert read_note(note.as_payload()) == note


@pytest.mark.parametrize(
    "facts",
    [
        {},
        [],
        {"from": "A", "to": "B", "number": "1", "sent_at": "yesterday", "lines": []},
        {"from": "A", "to": "B", "number": "1", "sent_at": "2026-01-01", "lines": [{"item": "BOLT", "quantity": "x"}]},
        {"from": "A", "to": "B", "number": "1", "sent_at": "2026-01-01", "lines": ["BOLT"]},
    ],
)
def test_an_invalid_note_is_refused(facts: Any) -> None:
    with pytest.raises(InvalidValue):
        read_note(facts)


def test_a_transfer_is_found_by_its_ends_and_number(plant: Plant, south: Plant) -> None:
    plant.has(10, "BOLT", at="RAW")
    sends(plant, 6, number="7")
    assert sent_transfer("MAIN", "SOUTH", "7").number == "7"
    with pytest.raises(NotFound):
        sent_transfer("SOUTH", "MAIN", "7")


NAME = ("NORTH", "SOUTH", "1")


def book(site: str, *, sent: Sequence[int] = (), arrived: Sequence[int] = (), heard: bool = False) -> Book:
    """Return the record of a site with one transfer of bolts from NORTH to SOUTH."""
    at = datetime(2026, 3, 2, tzinfo=UTC)

    def note(bolts: int) -> Note:
        line = NoteLine(item="BOLT", quantity=Decimal(bolts))
        return Note(source="NORTH", target="SOUTH", number="1", sent_at=at, lines=(line,))

    sent_notes, arrived_notes = ([(NAME, note(some)) for some in end] for end in (sent, arrived))
    made = Book(site, dict(sent_notes), dict(arrived_notes))
    made.arrived_at = dict.fromkeys(made.arrived, at)
    made.heard = {NAME} if heard else set()
    return made


BOTH = {"NORTH", "SOUTH"}


@pytest.mark.parametrize(
    ("found", "looked_at", "fault"),
    [
        ([book("SOUTH", arrived=[5])], BOTH, "SOUTH received 1, which NORTH never sent."),
        (
            [book("NORTH", sent=[5]), book("SOUTH", arrived=[6])],
            BOTH,
            "SOUTH received something else under 1 than NORTH sent.",
        ),
        (
            [book("NORTH", sent=[5], heard=True)],
            BOTH,
            "NORTH was told that SOUTH received 1, and SOUTH has no such receipt.",
        ),
        (
            [book("SOUTH"), book("SOUTH")],
            BOTH,
            "SOUTH has records in 2 databases. Only one of them can be its own.",
        ),
    ],
)
def test_contradicting_records_of_sites_are_named(found: list[Book], looked_at: set[str], fault: str) -> None:
    assert compare(found, looked_at=looked_at).faults == [fault]


def test_an_unreachable_server_is_not_reported_as_a_contradiction() -> None:
    assert compare([book("SOUTH", arrived=[5])], looked_at={"SOUTH"}).faults == []
    alone = compare([book("NORTH", sent=[5])], looked_at={"NORTH"})
    assert (alone.faults, len(alone.on_the_way)) == ([], 1)
    heard = compare([book("NORTH", sent=[5], heard=True)], looked_at={"NORTH"})
    assert (heard.faults, len(heard.on_the_way)) == ([], 0)
