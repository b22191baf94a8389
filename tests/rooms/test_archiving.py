"""Archives: finished orders go into a file as a whole, the rest behaves as before, and a restore is exact."""

import json
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from django.db import transaction

from backflush.archives.file_format import digest_of, opened
from backflush.archives.selection import GOING
from backflush.archives.services import archive, preview_archive, unarchive
from backflush.archives.verification import prove_archives
from backflush.audit.services import begin_audit
from backflush.audit.verification import verify
from backflush.core.refusals import NotFound, Refusal
from backflush.items.selectors import item_coded
from backflush.ledger.models import Archive, ArchivedStretch, Balance, Movement, Posting
from backflush.ledger.selectors import has_moved, locations_in_use, movement_numbered
from backflush.operations.portable import CopiedTable, rows_of
from backflush.stockmap.models import Site
from backflush.subcontract.selectors import purchase_order_numbered
from backflush.subcontract.services import close_order
from backflush.works.models import WorksOrder
from backflush.works.selectors import orders_numbered
from backflush.works.services.booking import BookingIn, book_production
from backflush.works.services.transitions import cancel_order, complete_order
from tests.cast import DAY, Plant
from tests.hands import KINDS, ORDERED, REFUSALS, Hands
from tests.oracle import refused

LATER = date(2026, 5, 4)
MORE_REFUSALS = REFUSALS | {"archived", "already_there", "date_before_original"}


def closes(plant: Plant, through: date = DAY) -> None:
    """Close the period."""
    Site.objects.filter(pk=plant.site.pk).update(closed_through=through)
    plant.site.refresh_from_db()


def opens(plant: Plant) -> None:
    Site.objects.filter(pk=plant.site.pk).update(closed_through=None)
    plant.site.refresh_from_db()


def completes(plant: Plant, item: str) -> None:
    complete_order(site=plant.site, number=plant.order_number(item), by=plant.storekeeper)


def puts_away(plant: Plant, folder: Path, through: date = DAY) -> Archive:
    return archive(site=plant.site, through=through, folder=folder, by=plant.storekeeper)


def everything() -> dict[str, list[Any]]:
    """Return every row that can be archived, and every balance."""
    tables = [CopiedTable(going.model) for going in GOING] + [CopiedTable(Balance)]
    return {table.name: sorted(map(json.dumps, rows_of(table))) for table in tables}


def all_faults(files: Path | None = None) -> list[str]:
    """Return every fault in the database and in the given archive files."""
    reports = [verify(), *([prove_archives([files])] if files else [])]
    return [fault for report in reports for check in report.checks for fault in check.faults]


@pytest.fixture
def finished(plant: Plant) -> Plant:
    """A finished order, and one with an unresolved movement."""
    plant.has(100, "BOLT")
    plant.has(100, "SHEET")
    plant.books(3, "BRACKET", key="first")
    plant.books(2, "BRACKET")
    completes(plant, "BRACKET")
    plant.books(3, "FRAME")
    plant.moves(1, "BOLT", "LINE", "RAW")
    plant.moves(1, "BOLT", "LINE", "RAW")
    plant.moves(1, "BOLT", "LINE", "RAW", at=LATER)
    return plant


def test_finished_orders_are_archived_and_unresolved_ones_stay(finished: Plant, tmp_path: Path) -> None:
    assert all_faults() == []
    before = Movement.objects.count()
    closes(finished)
    made = puts_away(finished, tmp_path)
    assert made.counts["works_worksorder"] == 1
    assert Movement.objects.count() == before - made.counts["ledger_movement"]
    assert finished.order("FRAME").status == "open"
    assert Posting.objects.filter(process="hand movement", at__year=2026, at__month=3).count() == 0
    assert all_faults(tmp_path) == []
    assert [file.name for file in tmp_path.iterdir()] == [made.file]


def test_an_archive_is_restored_row_for_row(finished: Plant, tmp_path: Path) -> None:
    before = everything()
    closes(finished)
    made = puts_away(finished, tmp_path)
    assert everything() != before
    unarchive(file=tmp_path / made.file, by=finished.storekeeper)
    assert everything() == before
    assert ArchivedStretch.objects.count() == 0
    assert all_faults() == []
    with refused("already_there"):
        unarchive(file=tmp_path / made.file, by=finished.storekeeper)
    assert puts_away(finished, tmp_path).number == 2
    assert all_faults() == []


def test_postings_connected_to_an_unfinished_order_stay(plant: Plant, tmp_path: Path) -> None:
    """One resolution settled lines of two orders, one of which is still open."""
    plant.books(2, "BRACKET", at=DAY)
    plant.books(1, "FRAME", at=DAY)
    plant.has(500, "BOLT")
    plant.has(500, "SHEET")
    plant.has(500, "LUG")
    plant.has(500, "TUBE")
    plant.retries(at=DAY)
    completes(plant, "BRACKET")
    plant.moves(1, "BOLT", "LINE", "RAW", at=LATER)
    closes(plant)
    with refused("not_found", field="through"):
        puts_away(plant, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_order_cancelled_without_postings_is_archived_and_restored(plant: Plant, tmp_path: Path) -> None:
    for number in ("W-1", "W-2"):
        # The newest row of a table stays.
        plant.releases(5, "FRAME", number=number)
        cancel_order(site=plant.site, number=number, by=plant.storekeeper, remarks="no demand")
    before = everything()
    closes(plant)
    made = puts_away(plant, tmp_path)
    assert [order.number for order in WorksOrder.objects.all()] == ["W-2"]
    assert not ArchivedStretch.objects.exists()
    assert all_faults(tmp_path) == []
    unarchive(file=tmp_path / made.file, by=plant.storekeeper)
    assert everything() == before


def test_only_closed_periods_are_archived_and_not_during_an_audit(finished: Plant, tmp_path: Path) -> None:
    with refused("period_closed", field="through"):
        puts_away(finished, tmp_path)
    closes(finished, date(2026, 2, 28))
    with refused("period_closed", field="through"):
        preview_archive(site=finished.site, through=DAY)
    closes(finished)
    with refused("not_found", field="to"):
        puts_away(finished, tmp_path / "nowhere")
    begin_audit(site=finished.site, by=finished.storekeeper)
    with refused("changed_meanwhile", field="through"):
        puts_away(finished, tmp_path)


def test_a_preview_shows_what_would_be_archived_and_changes_nothing(finished: Plant, tmp_path: Path) -> None:
    closes(finished)
    before = everything()
    choice = preview_archive(site=finished.site, through=DAY)
    assert (everything(), choice.empty, choice.staying) == (before, False, 3)
    assert choice.counts == puts_away(finished, tmp_path).counts


def test_a_request_for_an_archived_record_names_its_archive(finished: Plant, tmp_path: Path) -> None:
    booking = finished.order("BRACKET").cost_object.bookings.order_by("pk")[0]
    movement = Movement.objects.filter(posting=booking.posting_id).order_by("pk")[0].pk
    closes(finished)
    made = puts_away(finished, tmp_path)
    with refused("archived", field="movement"):
        movement_numbered(finished.site, movement)
    with refused("archived", field="movement"):
        finished.cancels(movement)
    with refused("archived", field="posting"):
        finished.reverses_number(booking.posting_id)
    with pytest.raises(Refusal, match=made.file):
        orders_numbered(finished.site, ["W-BRACKET"])
    with refused("archived", field="order"):
        complete_order(site=finished.site, number="W-BRACKET", by=finished.storekeeper)
    with refused("already_there", field="number"):
        finished.orders(5, "BRACKET")
    with refused("not_found", field="movement"):
        movement_numbered(finished.site, 999_999)


def test_a_key_whose_posting_is_archived_posts_nothing_again(finished: Plant, tmp_path: Path) -> None:
    closes(finished)
    puts_away(finished, tmp_path)
    for good, code in ((3, "archived"), (4, "key_reused")):
        again = BookingIn(order="W-BRACKET", good=Decimal(good), at=DAY, key="first")
        with refused(code, field="key"):
            book_production(again, site=finished.site, by=finished.storekeeper)


def test_a_closed_purchase_order_is_archived_with_its_receipts(plant: Plant, tmp_path: Path) -> None:
    plant.has(100, "LUG", at="ACME/STOCK")
    plant.has(100, "LUG")
    for number in ("P-1", "P-2"):
        plant.buys(10, "PLATED", number=number)
        plant.receives(2, number)
    plant.buys(10, "PLATED", number="P-3")
    plant.moves(1, "LUG", "LINE", "RAW", at=LATER)
    close_order(site=plant.site, number="P-1", by=plant.storekeeper)
    closes(plant)
    made = puts_away(plant, tmp_path)
    assert (made.counts["subcontract_purchaseorder"], made.counts["backflushing_booking"]) == (1, 1)
    with refused("archived", field="order"):
        purchase_order_numbered(plant.site, "P-1")
    with refused("archived", field="order"):
        plant.receives(1, "P-1", at=LATER)
    with refused("already_there", field="number"):
        plant.buys(1, "PLATED", number="P-1")
    assert purchase_order_numbered(plant.site, "P-2").status == "open"
    assert all_faults(tmp_path) == []


def test_a_row_named_only_in_an_archive_still_counts_as_used(finished: Plant, tmp_path: Path) -> None:
    plant = finished
    plant.moves(1, "BOLT", "RAW", "LINE", at=DAY)
    items = {item_coded(code).pk for code in ("BOLT", "SHEET", "BRACKET")}
    places = {plant.location(name).pk for name in ("LINE", "RAW", "WIP")}
    plant.moves(1, "BOLT", "LINE", "RAW", at=LATER)
    moved, used = has_moved(items), locations_in_use(places)
    closes(plant)
    puts_away(plant, tmp_path)
    assert (has_moved(items), locations_in_use(places)) == (moved, used)


def rewritten(file: Path, change: Any) -> None:
    """Change the contents of a file and correct its digests, as a person could who knows the format."""
    with ZipFile(file) as archived:
        members = {name: archived.read(name) for name in archived.namelist()}
    change(members)
    with ZipFile(file, "w", ZIP_DEFLATED) as archived:
        for name, text in members.items():
            archived.writestr(name, text)


def one_quantity(members: dict[str, bytes]) -> None:
    lines = members["ledger_movement.jsonl"].splitlines(keepends=True)
    lines[0] = lines[0].replace(b"3000000", b"4000000", 1)
    members["ledger_movement.jsonl"] = b"".join(lines)


def one_quantity_and_its_digest(members: dict[str, bytes]) -> None:
    one_quantity(members)
    contents = json.loads(members["archive.json"])
    contents["tables"]["ledger_movement"]["sha256"] = digest_of(members["ledger_movement.jsonl"])
    members["archive.json"] = json.dumps(contents, indent=1, ensure_ascii=False).encode()


@pytest.mark.parametrize("change", [one_quantity, one_quantity_and_its_digest])
def test_a_changed_file_is_detected_and_not_restored(finished: Plant, tmp_path: Path, change: Any) -> None:
    closes(finished)
    file = tmp_path / puts_away(finished, tmp_path).file
    rewritten(file, change)
    assert not prove_archives([file]).sound
    assert verify().sound
    with refused("invalid_value", field="file"):
        unarchive(file=file, by=finished.storekeeper)


def test_a_changed_quantity_is_detected_even_with_a_new_digest_in_the_database(finished: Plant, tmp_path: Path) -> None:
    closes(finished)
    made = puts_away(finished, tmp_path)
    rewritten(tmp_path / made.file, one_quantity_and_its_digest)
    with opened(tmp_path / made.file) as file:
        Archive.objects.filter(pk=made.pk).update(digest=file.digest)
    faults = [fault for check in prove_archives([tmp_path]).checks for fault in check.faults]
    assert any(fault.startswith(("balances", "running balances", "goods")) for fault in faults), faults


def test_a_truncated_or_missing_file_is_detected(finished: Plant, tmp_path: Path) -> None:
    closes(finished)
    file = tmp_path / puts_away(finished, tmp_path).file
    whole = file.read_bytes()
    for cut in (whole[:100], whole[: len(whole) // 2], whole[: len(whole) // 2] + b"x" + whole[len(whole) // 2 + 1 :]):
        file.write_bytes(cut)
        assert not prove_archives([file]).sound
    file.unlink()
    assert "isn't among the files" in str(prove_archives([tmp_path]).checks[-1].faults)


def test_a_change_of_the_stored_totals_is_detected(finished: Plant, tmp_path: Path) -> None:
    closes(finished)
    puts_away(finished, tmp_path)
    stretch = ArchivedStretch.objects.filter(after__isnull=False)[0]
    ArchivedStretch.objects.filter(pk=stretch.pk).update(count=stretch.count + 1)
    assert verify().sound
    assert not prove_archives([tmp_path]).sound
    stretch.change = (stretch.change or Decimal(0)) + 1
    stretch.save()
    assert not verify().sound


def lives(plant: Plant, chance: Random, deeds: int, at: date) -> None:
    """Carry out random operations on a day."""
    hands = Hands(plant, chance.choice)
    for _ in range(deeds):
        deed = hands.pick(chance.choice(KINDS))
        if deed is None:
            continue
        try:
            with transaction.atomic():
                deed.do(plant, at=at)
        except Refusal as refusal:
            assert refusal.code in MORE_REFUSALS, refusal.code  # noqa: PT017


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 6))])
def test_any_history_is_archived_and_restored_and_every_invariant_holds(
    plant: Plant, tmp_path: Path, seed: int
) -> None:
    chance = Random(seed)
    Hands(plant, chance.choice).start()
    made = []
    for through in (DAY, DAY + timedelta(days=30)):
        lives(plant, chance, 30, through)
        for waiting in plant.queue():
            if chance.random() < 0.9:
                plant.cancels(waiting.pk, at=through)
        for item in ORDERED:
            order = WorksOrder.objects.filter(number=plant.order_number(item), status="open")
            if chance.random() < 0.8 and order.exists():
                completes(plant, item)
        lives(plant, chance, 3, through + timedelta(days=1))
        before = everything()
        closes(plant, through)
        with suppress(NotFound):
            made.append(puts_away(plant, tmp_path, through))
            assert sum(made[-1].counts.values()) + sum(map(len, everything().values())) == sum(
                map(len, before.values())
            )
        assert all_faults(tmp_path) == []
    lives(plant, chance, 15, LATER)
    assert all_faults(tmp_path) == []
    chance.shuffle(made)
    stays = everything()
    for one in made:
        unarchive(file=tmp_path / one.file, by=plant.storekeeper)
        assert all_faults() == []
    assert all(set(rows) <= set(everything()[name]) for name, rows in stays.items())
