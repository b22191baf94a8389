"""A kind of booking that is added in a few lines: rework on works orders, with a field of its own that is kept."""

from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any

import pytest

from backflush import booking_kinds
from backflush.backflushing.booking import take_reports
from backflush.backflushing.models import Booking
from backflush.backflushing.report_inputs import TextInput
from backflush.backflushing.report_kinds import Report
from backflush.booking_kinds import details_of
from backflush.core.lifecycle import OrderStatus
from backflush.core.refusals import Refusal
from backflush.works.models import WorksOrder
from backflush.works.services.booking import ON_ORDERS, BookingIn, ProductionOnOrders
from tests.cast import DAY, Plant


@dataclass(frozen=True, slots=True, kw_only=True)
class ReworkIn(BookingIn):
    """Rework on a works order, with the defect."""

    defect: Annotated[str, TextInput("Defect", "The defect that was reworked.", length=60, kept=True)] = ""

    operation = "rework"


class ReworkOnOrders(ProductionOnOrders):
    """Reports of rework."""

    report = ReworkIn
    word = "rework"
    example = MappingProxyType({"order": "W-1001", "good": "3", "defect": "porous weld", "key": "rework-2/17"})


KINDS = (ON_ORDERS, ReworkOnOrders())


def take(plant: Plant, *reports: Report) -> list[Booking]:
    results = take_reports(reports, KINDS, site=plant.site, by=plant.storekeeper, in_turn=True)
    return [result.booking for result in results if result.booking is not None]


def rework(good: int, **more: Any) -> ReworkIn:
    return ReworkIn(order="W-BRACKET", good=Decimal(good), at=DAY, **more)


def test_a_value_of_its_own_is_kept_and_shown_with_its_title(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(booking_kinds, "KINDS", KINDS)
    plant.releases(5, "BRACKET")
    read = KINDS[1].read({"order": "W-BRACKET", "good": "1", "defect": "porös weld", "at": DAY})
    take(plant, read, rework(1), BookingIn(order="W-BRACKET", good=Decimal(1), at=DAY))
    kept = Booking.objects.order_by("pk")
    assert [one.details for one in kept] == [{"defect": "porös weld"}, None, None]
    assert [details_of(one) for one in kept] == [[("Defect", "porös weld")], [], []]


def test_a_value_of_its_own_is_part_of_what_a_key_stands_for() -> None:
    assert rework(1, defect="porous").request().digest != rework(1).request().digest
    assert "defect" not in rework(1).request().content, "an input that was added later changes no earlier key"


def test_an_order_is_full_after_the_bookings_of_both_kinds(plant: Plant) -> None:
    plant.site.complete_when_full = True
    plant.releases(5, "BRACKET")
    take(plant, BookingIn(order="W-BRACKET", good=Decimal(3), at=DAY), rework(2))
    assert WorksOrder.objects.get(number="W-BRACKET").status == OrderStatus.COMPLETE
    plant.releases(5, "BRACKET", number="W-2")
    second = ReworkIn(order="W-2", good=Decimal(1), at=DAY)
    with pytest.raises(Refusal, match="complete"):
        take(plant, BookingIn(order="W-2", good=Decimal(5), at=DAY), second)
