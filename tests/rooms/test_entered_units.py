"""A quantity may have a unit of its own; a refused one is named in the unit that it was entered in (Q6)."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from backflush.audit.verification import verify
from backflush.backflushing.models import Booking
from backflush.backflushing.reversal import reverse_booking
from backflush.booking_kinds import kind_named, preview_report
from backflush.core.input_values import read_amount
from backflush.core.refusals import InvalidQuantity, NoConversion, NotFound, Refusal
from backflush.items.models import Unit
from backflush.items.selectors import item_coded, stock_quantity
from backflush.items.services import ConversionIn, add_conversions
from backflush.works.models import WorksOrder
from backflush.works.services.booking import BookingIn, book_production
from tests.cast import Plant


@pytest.fixture
def dozens(plant: Plant) -> WorksOrder:
    """An order of 10 dozen brackets, which are counted in whole pieces."""
    pieces, dozen = Unit.objects.get(code="EA"), Unit.objects.create(code="DOZ", name="Dozen")
    add_conversions([ConversionIn(source=dozen, target=pieces, ratio=Fraction(12))])
    plant.has(10_000, "BOLT", at="LINE")
    plant.releases(10, "BRACKET", unit="DOZ")
    return WorksOrder.objects.get(number="W-BRACKET")


def booking(**raw: Any) -> BookingIn:
    read: BookingIn = kind_named("booking").read({"order": "W-BRACKET", "at": "2026-03-02", **raw})
    return read


def books(plant: Plant, good: str, **raw: Any) -> Booking:
    return book_production(booking(good=good, **raw), site=plant.site, by=plant.storekeeper)


def refused(plant: Plant, kind: type[Refusal], good: str) -> Refusal:
    with pytest.raises(kind) as refusal:
        books(plant, good)
    assert refusal.value.field == "good"
    assert not Booking.objects.exists()
    return refusal.value


def made(order: WorksOrder) -> Decimal:
    order.cost_object.refresh_from_db()
    good: Decimal = order.cost_object.good
    return good


def test_a_refused_quantity_names_good_ones_in_the_orders_unit(plant: Plant, dozens: WorksOrder) -> None:
    sentence = refused(plant, InvalidQuantity, "0.6").sentence
    assert sentence == (
        "BRACKET: 0.6 DOZ can't be converted exactly to EA. Enter 0.5 or 0.75 DOZ, or 7 or 8 EA with its unit."
    )
    assert "Enter 0.25 DOZ, or 1 EA with its unit." in refused(plant, InvalidQuantity, "0.05").sentence
    assert books(plant, "0.75").produced == 9


@pytest.mark.parametrize("good", ["7 EA", "7EA", "7 ea"])
def test_pieces_of_a_dozen_are_booked_by_their_own_unit(plant: Plant, dozens: WorksOrder, good: str) -> None:
    posted = books(plant, good)
    assert posted.produced == 7
    assert posted.good == Decimal("0.583333")
    assert plant.balance("BRACKET", at="FG") == 7
    assert made(dozens) == Decimal("0.583333")


def test_twelve_times_one_piece_is_a_dozen(plant: Plant, dozens: WorksOrder) -> None:
    for _ in range(12):
        books(plant, "1 EA")
    assert made(dozens) == 1
    assert plant.balance("BRACKET", at="FG") == 12
    assert all(check.sound for check in verify().checks)


def test_an_order_is_full_by_pieces_too(plant: Plant, dozens: WorksOrder) -> None:
    plant.site.complete_when_full = True
    plant.site.save()
    books(plant, "119 EA")
    books(plant, "1 EA")
    dozens.refresh_from_db()
    assert dozens.status == "complete"


def test_a_reversal_leaves_no_remainder(plant: Plant, dozens: WorksOrder) -> None:
    posted = [books(plant, "1 EA", scrap="1 EA") for _ in range(5)]
    for one in posted:
        reverse_booking(site=plant.site, posting=one.posting_id, by=plant.storekeeper)
    dozens.cost_object.refresh_from_db()
    assert (dozens.cost_object.good, dozens.cost_object.scrap, dozens.cost_object.produced) == (0, 0, 0)
    assert plant.balance("BRACKET", at="FG") == 0
    assert all(check.sound for check in verify().checks)


def test_the_orders_own_unit_may_be_written_and_is_the_same_request(plant: Plant, dozens: WorksOrder) -> None:
    first = books(plant, "2", key="K")
    for same in ("2 DOZ", "2doz", "24 EA"):
        assert books(plant, same, key="K").pk == first.pk
    assert Booking.objects.count() == 1


def test_the_same_pieces_under_one_key_are_booked_once(plant: Plant, dozens: WorksOrder) -> None:
    assert books(plant, "7 EA", key="K").pk == books(plant, "7 EA", key="K").pk
    assert Booking.objects.count() == 1


def test_units_are_mixed(plant: Plant, dozens: WorksOrder) -> None:
    posted = books(plant, "1 DOZ", scrap="5 EA")
    assert posted.produced == 17
    assert (posted.good, posted.scrap) == (1, Decimal("0.416667"))


def test_a_unit_that_is_not_known_or_not_converted_is_refused(plant: Plant, dozens: WorksOrder) -> None:
    assert refused(plant, NotFound, "7 PALLETS").sentence == "There is no unit PALLETS."
    refused(plant, NoConversion, "7 KG")
    assert refused(plant, InvalidQuantity, "7.5 EA").sentence == (
        "BRACKET: 7.5 EA has too many decimals. Enter 7 or 8 EA."
    )


def test_a_preview_takes_the_same_units(plant: Plant, dozens: WorksOrder) -> None:
    preview = preview_report(booking(good="7 EA"), site=plant.site)
    assert [line.assumed for line in preview.lines if line.component == "BOLT"] == [28]
    assert preview.largest == Decimal("208.25")
    assert not Booking.objects.exists()


def test_a_production_takes_any_unit_of_its_item(plant: Plant, dozens: WorksOrder) -> None:
    kind = kind_named("production")
    assert preview_report(kind.read({"item": "PACK", "good": "1 DOZ"}), site=plant.site) == preview_report(
        kind.read({"item": "PACK", "good": "12"}), site=plant.site
    )


def test_issues_and_moves_take_the_units_of_the_item(plant: Plant, dozens: WorksOrder) -> None:
    bolt = item_coded("BOLT")
    assert stock_quantity(bolt, read_amount("2 DOZ", field="quantity"), field="quantity") == 24
    assert stock_quantity(bolt, read_amount("7 ea", field="quantity"), field="quantity") == 7
    with pytest.raises(InvalidQuantity, match=r"Enter 0\.5 or 0\.75 DOZ, or 7 or 8 EA with its unit"):
        stock_quantity(bolt, read_amount("0.6 DOZ", field="quantity"), field="quantity")
    with pytest.raises(NotFound):
        stock_quantity(bolt, read_amount("7 PALLETS", field="quantity"), field="quantity")
