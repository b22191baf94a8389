"""What counts teach, each by itself and all together."""

from datetime import timedelta
from decimal import Decimal

from django.core.cache import cache
from django.utils import timezone

from backflush.core.count_statistics import Cause
from backflush.counts.lessons import lesson_of
from backflush.counts.sheets import SheetIn, make_sheet
from backflush.counts.tolerances import ToleranceIn, set_tolerances
from backflush.dashboard.count_accuracy import accuracy_since
from backflush.items.models import Item
from backflush.people.services import known_user
from tests.cast import DAY, Plant
from tests.doors.web.visitors import statements


def test_a_loss_here_and_a_surplus_there_are_one_item_in_the_wrong_place(plant: Plant) -> None:
    plant.has(100, "LUG")
    plant.has(20, "LUG", at="RAW")
    here = plant.counts(90, "LUG")
    assert lesson_of(here).cause is Cause.LOSS
    there = plant.counts(30, "LUG", "RAW")
    lesson = lesson_of(here)
    assert (lesson.cause, lesson.other) == (Cause.WRONG_PLACE, there.location)


def test_packs_that_were_counted_as_pieces_are_the_wrong_unit(plant: Plant) -> None:
    plant.has(120, "BOLT")
    plant.boxes("BOLT", of=12)
    count = plant.counts(10, "BOLT")
    with statements(5):
        assert lesson_of(count).cause is Cause.WRONG_UNIT


def test_a_booking_entered_late_explains_a_difference(plant: Plant) -> None:
    plant.has(100, "BOLT")
    count = plant.counts(92, "BOLT")
    plant.books(2, "BRACKET", at=DAY - timedelta(days=1))
    count.refresh_from_db()
    assert lesson_of(count).cause is Cause.LATE_BOOKING


def test_a_recount_that_agrees_makes_the_first_a_miscount(plant: Plant) -> None:
    plant.has(100, "BOLT")
    set_tolerances([ToleranceIn(quantity_down=Decimal(1))], site=plant.site)
    first = plant.counts(60, "BOLT")
    plant.counts(100, "BOLT", recount_of=first.pk, counted_by=known_user(name="rosa"))
    assert lesson_of(first).cause is Cause.MISCOUNT


def test_accuracy_is_divided_by_class_place_counter_and_month(plant: Plant) -> None:
    cache.clear()
    Item.objects.filter(code="BOLT").update(abc_class="A")
    plant.has(100, "BOLT")
    plant.has(100, "LUG")
    plant.has(10, "LUG", at="RAW")
    set_tolerances([ToleranceIn(quantity_down=Decimal(1), quantity_up=Decimal(1))], site=plant.site)
    first = plant.counts(60, "BOLT")
    plant.counts(99, "BOLT", recount_of=first.pk, counted_by=known_user(name="rosa"))
    plant.counts(100, "LUG")
    plant.counts(30, "LUG", "RAW")
    with statements(7):
        found = accuracy_since(plant.site, timezone.now() - timedelta(days=3650))
    assert (found.total.counts, found.total.within) == (3, 2)
    assert [(one.name, one.counts, one.within) for one in found.by_class] == [("A", 1, 1), ("", 2, 1)]
    assert {one.name: one.counts for one in found.by_place} == {"MAIN/LINE": 2, "MAIN/RAW": 1}
    # 20 lugs too many and a bolt too few, at their standard costs.
    assert found.total.surplus > 0
    assert found.total.loss == Decimal("0.10")
    assert found.total.net_loss == found.total.loss - found.total.surplus


def test_a_random_sample_has_an_interval(plant: Plant) -> None:
    for item in ("BOLT", "LUG", "TUBE"):
        plant.has(100, item)
    made = make_sheet(SheetIn(sample=2, seed="7"), site=plant.site, by=plant.storekeeper)
    for line in made.sheet.lines.select_related("item"):
        plant.counts(100, line.item.code, sheet=made.sheet.pk, at=timezone.now())
    (sample,) = accuracy_since(plant.site, timezone.now() - timedelta(days=1)).samples
    assert (sample.sample_of, sample.counted, sample.within) == (3, 2, 2)
    assert (round(sample.low, 1), sample.high) == (34.2, 100.0)
