"""The demo plant: always the same, valid, and with every feature in use."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest
from django.utils import timezone

from backflush.audit.verification import verify
from backflush.backflushing.models import Booking
from backflush.core.lifecycle import OrderStatus
from backflush.core.moves import Process, Reason, Status, Tracking
from backflush.core.quantity import ZERO, written
from backflush.core.refusals import AlreadyThere, DateInFuture
from backflush.demo.plant import PEOPLE, DemoPlant
from backflush.demo.story import make_demo
from backflush.items.models import Batch, ComponentClass, Item
from backflush.ledger.models import Balance, CostObjectKind, Movement, Posting
from backflush.ledger.selectors import balances, waiting_movements
from backflush.setup_check.selectors import examine
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import day_at
from backflush.structures.models import LineSource, StructureLine
from backflush.unresolved.models import Settlement, SettlementOutcome
from backflush.works.models import WorksOrder
from tests.databases import ENGINES, Database, Databases, PlantDatabases, rolled_back

pytestmark = pytest.mark.slow

TODAYS = {"sqlite": date(2026, 3, 12), "postgres": date(2025, 11, 2)}
"""Days in different months, in summer and winter time, because the story must not depend on the calendar."""


class Demos:
    """The demo plant, created once per engine, each with another last day."""

    def __init__(self, databases: Databases) -> None:
        self.plants: dict[str, DemoPlant] = {}
        self.databases = {
            engine: PlantDatabases(databases, lambda engine=engine: self._make(engine))  # type: ignore[misc]
            for engine in ENGINES
        }

    def _make(self, engine: str) -> None:
        self.plants[engine] = make_demo(today=TODAYS[engine])

    def database(self, engine: str) -> Database:
        return self.databases[engine].of(engine)


@pytest.fixture(scope="module")
def demos(databases: Databases) -> Iterator[Demos]:
    demos = Demos(databases)
    yield demos
    for made in demos.databases.values():
        made.__exit__()


@pytest.fixture(params=ENGINES)
def demo(request: pytest.FixtureRequest, demos: Demos) -> Iterator[DemoPlant]:
    """The demo plant; changes of a test are rolled back."""
    with demos.database(request.param).as_default(), rolled_back():
        yield demos.plants[request.param]


def ledger(plant: DemoPlant) -> list[tuple[Any, ...]]:
    """Return every movement without its keys, with days counted from the plant's today."""
    rows = Movement.objects.order_by("pk").select_related("item", "source", "target", "posting__by", "cost_object")
    return [
        (
            row.item.code,
            row.source.path,
            row.source_bin,
            row.target.path,
            row.target_bin,
            row.batch,
            row.serial,
            written(row.quantity),
            row.status,
            None if row.due is None else written(row.due),
            row.reason,
            _when(plant, row.at),
            row.posting.by.username,
            row.posting.process,
            row.cost_object.number if row.cost_object else None,
        )
        for row in rows
    ]


def _when(plant: DemoPlant, at: datetime) -> int:
    return (day_at(plant.site, at) - plant.today).days


def test_the_story_is_the_same_on_every_database_whatever_the_day(demos: Demos) -> None:
    told = []
    for engine in ENGINES:
        with demos.database(engine).as_default():
            told.append(ledger(demos.plants[engine]))
    assert told[0] == told[1]
    assert len({row[-1] for row in told[0]}) + 100 > 200
    assert len(told[0]) > 1_000


def test_the_ledger_of_the_demo_is_sound(demo: DemoPlant) -> None:
    report = verify()
    assert report.sound, report.checks
    assert 300 <= Posting.objects.count() <= 1_000


def test_the_queue_has_every_reason_and_different_ages(demo: DemoPlant) -> None:
    queue = [
        (-_when(demo, one.at), one.item.code, written(one.due or ZERO), one.reason)
        for one in waiting_movements(demo.site)
    ]
    assert queue == [
        (23, "CVR-BLU", "14.4", "short"),
        (19, "RING-40", "120", "short"),
        (16, "ADH-330", "0.6", "batch"),
        (13, "BRG-6001", "48", "short"),
        (10, "GPS-1", "2", "serial"),
        (9, "BLT-M8", "160", "short"),
        (8, "AXL-12", "10", "short"),
        (6, "SPK-238", "720", "bin"),
        (3, "CVR-BLU", "9.6", "short"),
        (2, "TIE-4", "40", "short"),
        (1, "RING-40", "60", "short"),
        (1, "CTN-XL", "12", "short"),
    ]


def test_the_story_contains_every_operation(demo: DemoPlant) -> None:
    assert set(Posting.objects.values_list("process", flat=True)) == set(Process)
    assert set(Movement.objects.values_list("status", flat=True)) == {
        Status.OK,
        Status.UNRESOLVED,
        Status.RESOLVED,
        Status.CANCELLED,
    }
    assert set(Movement.objects.exclude(reason="").values_list("reason", flat=True)) == set(Reason)
    assert set(Settlement.objects.values_list("outcome", flat=True)) == set(SettlementOutcome)
    assert Settlement.objects.filter(kept__isnull=False).exists(), "a rest was kept"
    assert Settlement.objects.filter(dropped__gt=ZERO).exists(), "a rest was dropped"
    assert Settlement.objects.filter(undone_by__isnull=False).exists(), "a resolution was undone"
    assert Booking.objects.filter(reversed_by__isnull=False).exists(), "a booking was reversed"
    assert Booking.objects.filter(scrap__gt=ZERO).exclude(scrap_reason="").exists(), "scrap has its reason"
    assert Booking.objects.filter(assumed=False, cost_object__kind=CostObjectKind.WORKS_ORDER).exists(), (
        "nothing was assumed once"
    )
    assert Booking.objects.filter(scrap__gt=ZERO, cost_object__kind=CostObjectKind.PURCHASE_ORDER).exists(), (
        "pieces were rejected"
    )
    assert set(WorksOrder.objects.values_list("status", flat=True)) == {
        OrderStatus.NEW,
        OrderStatus.RELEASED,
        OrderStatus.OPEN,
        OrderStatus.COMPLETE,
    }
    assert {posting.by.get_full_name() for posting in Posting.objects.select_related("by")} == {
        " ".join(PEOPLE[name]) for name in ("ama", "rosa", "jan", "ken")
    }


def test_every_kind_of_item_line_and_place_is_in_the_plant(demo: DemoPlant) -> None:
    assert set(Item.objects.values_list("component_class", flat=True)) == set(ComponentClass.values)
    assert set(Item.objects.values_list("tracking", flat=True)) == set(Tracking)
    assert Batch.objects.filter(expires_on__isnull=False).count() >= 3
    lines = StructureLine.objects.all()
    assert lines.filter(by_hand=True).exists()
    assert lines.filter(supplier_provides=True).exists()
    assert [line.fixed for line in lines if line.fixed], "a line has a fixed quantity"
    assert [line.waste for line in lines if line.waste], "a line has waste"
    assert lines.filter(ends__isnull=False).exists(), "a structure changed on the way"
    assert LineSource.objects.filter(location__bin_controlled=True).exists()
    assert WorksOrder.objects.filter(unit__code="DOZ").exists(), "an order is in a unit of its own"
    made_of_made = lines.filter(item__code="TR-200", component__component_class=ComponentClass.MADE)
    assert {line.component.code for line in made_of_made} == {"FR-200", "WHL-20"}
    used_at_supplier = Movement.objects.filter(source__supplier__code="CALDER", item__code="CVR-BLU", status=Status.OK)
    assert used_at_supplier.exists(), "a supplier's own stock stood in for the rule's place"


def test_the_order_of_the_tour_has_the_state_that_the_pages_show(demo: DemoPlant) -> None:
    order = WorksOrder.objects.select_related("cost_object").get(number="W-10482")
    assert (order.quantity, order.cost_object.good, order.status) == (120, 60, OrderStatus.OPEN)
    at_line = {
        item: sum((heap.quantity for heap in balances(demo.site, item=item, location="MAIN/LINE-A")), ZERO)
        for item in ("TB-25", "LUG-6", "PNT-5010", "BLT-M8", "BRK-L", "ADH-330")
    }
    assert {item: written(quantity) for item, quantity in at_line.items()} == {
        "TB-25": "412.6",
        "LUG-6": "229",
        "PNT-5010": "18.4",
        "BLT-M8": "2140",
        "BRK-L": "390",
        "ADH-330": "4.2",
    }


def test_the_set_up_check_finds_the_intended_faults_of_the_demo(demo: DemoPlant) -> None:
    assert [(finding.code, finding.subject) for finding in examine(demo.site, today=demo.today)] == [
        ("batch_tracked", "FR-200 line 60"),
        ("serial_tracked", "TR-200 line 60"),
        ("bin_controlled", "WHL-20 line 20"),
        ("bin_controlled", "WHL-24 line 20"),
        ("no_stock_record", "RIM-24 at MAIN/LINE-B"),
    ]


def test_the_demo_is_refused_in_a_database_with_a_plant(demo: DemoPlant) -> None:
    before = Movement.objects.count()
    with pytest.raises(AlreadyThere, match="in another one"):
        make_demo()
    assert Movement.objects.count() == before
    assert Site.objects.count() == 1


def test_a_story_that_would_end_in_the_future_is_refused(database: Database) -> None:
    with pytest.raises(DateInFuture):
        make_demo(today=date(timezone.now().year + 2, 1, 1))
    assert not Site.objects.exists()
    assert not Balance.objects.exists()
