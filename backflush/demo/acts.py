"""The acts of the demo's people: each is one operation that a user carries out through the services.

An act is plain data, so that the story can be read. What depends on the current state (the oldest unresolved movement,
the batch to expire first) is read from the ledger, as a person would.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from backflush.backflushing.models import Booking
from backflush.core.moves import Tracking
from backflush.core.quantity import ZERO
from backflush.counts.approval import approve_counts
from backflush.counts.models import CountStatus, StockCount
from backflush.counts.services import CountIn, enter_counts, preview_count
from backflush.demo.plant import DemoPlant
from backflush.handling.moves import MoveIn, OpeningIn, move_stock, open_stock, reverse
from backflush.items.selectors import item_coded
from backflush.items.services import set_batch
from backflush.ledger.models import Movement
from backflush.ledger.selectors import balances, total_at, waiting_movements
from backflush.people.models import User
from backflush.stockmap.selectors import location_at
from backflush.subcontract.receipts import ReceiptIn, receive
from backflush.subcontract.services import PurchaseLineIn, PurchaseOrderIn, close_order, place_order
from backflush.unresolved.cancellation import cancel
from backflush.unresolved.resolution import Remainder, ResolveIn, resolve
from backflush.unresolved.retry import retry
from backflush.unresolved.undo import undo
from backflush.works.material_issue import IssueIn, issue, return_material
from backflush.works.services.booking import BookingIn, book_production
from backflush.works.services.orders import OrderIn, create_order
from backflush.works.services.production_without_order import ProductionIn, produce
from backflush.works.services.transitions import complete_order, release_order


@dataclass(frozen=True, slots=True)
class Scene:
    """The plant, the time, and the acting user."""

    plant: DemoPlant
    at: datetime
    by: User


class Act(ABC):
    """One operation by one user."""

    @abstractmethod
    def happen(self, scene: Scene) -> None:
        """Carry out the operation through the services."""


@dataclass(frozen=True, slots=True)
class Heap:
    """A quantity of an item at a location: in a batch, in a bin, or by serial number."""

    item: str
    location: str
    quantity: str
    bin: str = ""
    batch: str = ""


@dataclass(frozen=True)
class Opens(Act):
    """Posts opening stock."""

    heaps: Sequence[Heap]

    def happen(self, scene: Scene) -> None:
        site = scene.plant.site
        openings = [
            OpeningIn(
                item=item_coded(heap.item),
                location=location_at(site, heap.location),
                quantity=Decimal(heap.quantity),
                bin=heap.bin,
                batch=heap.batch,
            )
            for heap in self.heaps
        ]
        open_stock(openings, site=site, by=scene.by, at=scene.at)


@dataclass(frozen=True)
class Orders(Act):
    """Creates and releases a works order."""

    number: str
    item: str
    quantity: str
    unit: str = ""
    days: int = 10
    release: bool = True

    def happen(self, scene: Scene) -> None:
        start = scene.at.date()
        due = start + timedelta(days=self.days)
        order = OrderIn(
            number=self.number,
            item=self.item,
            quantity=Decimal(self.quantity),
            unit=self.unit,
            start_date=start,
            due_date=due,
        )
        create_order(order, site=scene.plant.site, by=scene.by)
        if self.release:
            release_order(site=scene.plant.site, number=self.number, by=scene.by)


@dataclass(frozen=True)
class Completes(Act):
    """Completes a works order."""

    order: str

    def happen(self, scene: Scene) -> None:
        complete_order(site=scene.plant.site, number=self.order, by=scene.by)


@dataclass(frozen=True)
class Books(Act):
    """Books production on a works order."""

    order: str
    good: str
    scrap: str = "0"
    reason: str = ""

    def happen(self, scene: Scene) -> None:
        booking = BookingIn(
            order=self.order,
            good=Decimal(self.good),
            scrap=Decimal(self.scrap),
            scrap_reason=self.reason,
            at=scene.at,
        )
        book_production(booking, site=scene.plant.site, by=scene.by)


@dataclass(frozen=True)
class Produces(Act):
    """Books production without an order."""

    item: str
    good: str
    scrap: str = "0"
    reason: str = ""

    def happen(self, scene: Scene) -> None:
        production = ProductionIn(
            item=self.item,
            good=Decimal(self.good),
            scrap=Decimal(self.scrap),
            scrap_reason=self.reason,
            at=scene.at,
        )
        produce(production, site=scene.plant.site, by=scene.by)


@dataclass(frozen=True)
class TakesBack(Act):
    """Reverses the last unreversed booking of an order."""

    order: str

    def happen(self, scene: Scene) -> None:
        standing = Booking.objects.filter(cost_object__number=self.order, reversed_by=None).order_by("posting").last()
        assert standing is not None, f"nothing is booked on {self.order}"
        reverse(site=scene.plant.site, posting=standing.posting_id, by=scene.by, at=scene.at)


@dataclass(frozen=True)
class Buys(Act):
    """Places a purchase order with one line."""

    number: str
    supplier: str
    item: str
    quantity: str
    unit: str = ""
    receive_action: str = ""
    days: int = 14

    def happen(self, scene: Scene) -> None:
        placed = scene.at.date()
        due = placed + timedelta(days=self.days)
        line = PurchaseLineIn(item=self.item, quantity=Decimal(self.quantity), unit=self.unit, due_date=due)
        order = PurchaseOrderIn(
            number=self.number,
            supplier=self.supplier,
            lines=[line],
            placed_on=placed,
            receive_action=self.receive_action,
        )
        place_order(order, site=scene.plant.site, by=scene.by)


@dataclass(frozen=True)
class Receives(Act):
    """Receives goods on a purchase order. A batch expires `expires` days after today."""

    order: str
    accepted: str
    rejected: str = "0"
    batch: str = ""
    expires: int = 0
    serials: Sequence[str] = ()
    closes: bool = True

    def happen(self, scene: Scene) -> None:
        receipt = ReceiptIn(
            order=self.order,
            accepted=Decimal(self.accepted),
            rejected=Decimal(self.rejected),
            batch=self.batch,
            serials=self.serials,
            at=scene.at,
        )
        booking = receive(receipt, site=scene.plant.site, by=scene.by)
        if self.batch:
            set_batch(item=booking.item, code=self.batch, expires_on=scene.plant.day(self.expires))
        if self.closes:
            close_order(site=scene.plant.site, number=self.order, by=scene.by)


@dataclass(frozen=True)
class Moves(Act):
    """Moves stock by hand."""

    action: str
    item: str
    quantity: str
    source: str
    target: str
    to_bin: str = ""
    batch: str = ""
    remarks: str = ""

    def happen(self, scene: Scene) -> None:
        _move(scene, self, Decimal(self.quantity))


@dataclass(frozen=True)
class Fills(Act):
    """Replenishes a location up to a quantity. Does nothing if it holds enough."""

    action: str
    item: str
    level: str
    source: str
    target: str
    to_bin: str = ""
    batch: str = ""
    remarks: str = ""

    def happen(self, scene: Scene) -> None:
        site, item = scene.plant.site, item_coded(self.item)
        there = total_at(site, item, location_at(site, self.target).pk)
        if Decimal(self.level) > there:
            _move(scene, self, Decimal(self.level) - there)


def _move(scene: Scene, how: "Moves | Fills", quantity: Decimal) -> None:
    move_stock(
        MoveIn(
            action=how.action,
            item=how.item,
            quantity=quantity,
            source=how.source,
            target=how.target,
            to_bin=how.to_bin,
            batch=how.batch,
            remarks=how.remarks,
            at=scene.at,
        ),
        site=scene.plant.site,
        by=scene.by,
    )


@dataclass(frozen=True)
class Issues(Act):
    """Issues material by hand to an order, or returns it."""

    order: str
    item: str
    quantity: str
    remarks: str = ""
    back: bool = False

    def happen(self, scene: Scene) -> None:
        material = IssueIn(
            order=self.order, item=self.item, quantity=Decimal(self.quantity), remarks=self.remarks, at=scene.at
        )
        (return_material if self.back else issue)(material, site=scene.plant.site, by=scene.by)


@dataclass(frozen=True)
class Resolves(Act):
    """Resolves the oldest unresolved movement of an item for an order, from the first batch or bin that holds enough.

    Batches are taken by code, because in the demo they expire in the order of their codes.
    """

    item: str
    order: str
    quantity: str = ""
    source: str = ""
    remainder: Remainder = "drop"
    remarks: str = ""
    skip: int = field(default=0, kw_only=True)
    """How many of the first batches or bins to skip, to take the wrong one."""

    def happen(self, scene: Scene) -> None:
        waiting = oldest(scene.plant, self.item, self.order)
        due = waiting.due if not self.quantity else Decimal(self.quantity)
        assert due is not None
        place = self.source or waiting.source.path
        heaps = list(balances(scene.plant.site, item=self.item, location=place))
        enough = [heap for heap in heaps if heap.quantity >= due]
        serials = [heap.serial for heap in heaps if heap.serial][: int(due)]
        stock_key = enough[self.skip] if enough else None
        resolve(
            ResolveIn(
                movement=waiting.pk,
                quantity=Decimal(self.quantity) if self.quantity else None,
                source=self.source,
                bin=stock_key.bin if stock_key else "",
                batch=stock_key.batch if stock_key else "",
                serials=serials if waiting.item.tracking == Tracking.SERIAL else (),
                remainder=self.remainder,
                remarks=self.remarks,
                at=scene.at,
            ),
            site=scene.plant.site,
            by=scene.by,
        )


@dataclass(frozen=True)
class TakesBackResolving(Act):
    """Undoes the last resolution for an order and item: the stock goes back and the same quantity is unresolved
    again."""

    item: str
    order: str

    def happen(self, scene: Scene) -> None:
        resolved = Movement.objects.filter(
            site=scene.plant.site,
            item__code=self.item,
            cost_object__number=self.order,
            resolves__isnull=False,
            reverses=None,
        ).order_by("pk")
        last = resolved.last()
        assert last is not None, f"nothing of {self.item} was resolved for {self.order}"
        undo(site=scene.plant.site, posting=last.posting_id, by=scene.by, at=scene.at)


@dataclass(frozen=True)
class Cancels(Act):
    """Cancels the oldest unresolved movement of an item for an order."""

    item: str
    order: str
    remarks: str

    def happen(self, scene: Scene) -> None:
        waiting = oldest(scene.plant, self.item, self.order)
        cancel(site=scene.plant.site, movements=[waiting.pk], remarks=self.remarks, at=scene.at, by=scene.by)


@dataclass(frozen=True)
class Retries(Act):
    """Retries the unresolved movements of some items."""

    items: Sequence[str]

    def happen(self, scene: Scene) -> None:
        waiting = waiting_movements(scene.plant.site).filter(item__code__in=self.items)
        retry(
            site=scene.plant.site,
            movements=list(waiting.values_list("pk", flat=True)),
            at=scene.at,
            by=scene.by,
        )


def oldest(plant: DemoPlant, item: str, order: str) -> Movement:
    """Return the oldest unresolved movement of an item for an order, or for production without an order."""
    of_item = waiting_movements(plant.site).filter(item__code=item)
    waiting = of_item.filter(cost_object__number=order).first() if order else of_item.filter(cost_object=None).first()
    assert waiting is not None, f"nothing of {item} is unresolved for {order}"
    return waiting


def numbered(prefix: str, first: int, count: int) -> tuple[str, ...]:
    """Return consecutive serial numbers."""
    return tuple(f"{prefix}{number:05d}" for number in range(first, first + count))


@dataclass(frozen=True)
class Counts(Act):
    """Counts an item at a location: `off` more than the ledger expects, or fewer."""

    item: str
    location: str
    off: str = "0"
    bin: str = ""

    def happen(self, scene: Scene) -> None:
        counted = CountIn(item=self.item, location=self.location, quantity=Decimal(0), bin=self.bin, at=scene.at)
        expected = preview_count(counted, site=scene.plant.site, by=scene.by).ledger.expected
        found = replace(counted, quantity=max(ZERO, expected + Decimal(self.off)))
        enter_counts([found], site=scene.plant.site, by=scene.by)


@dataclass(frozen=True)
class Recounts(Act):
    """Counts again what another person counted beyond the tolerance, and finds `off` more than that, or fewer."""

    item: str
    off: str = "0"

    def happen(self, scene: Scene) -> None:
        first = StockCount.objects.filter(
            site=scene.plant.site, item__code=self.item, status=CountStatus.RECOUNT
        ).select_related("item", "location")[0]
        again = CountIn(
            item=self.item,
            location=first.location.path,
            bin=first.bin,
            quantity=first.quantity + Decimal(self.off),
            at=scene.at,
            recount_of=first.pk,
        )
        enter_counts([again], site=scene.plant.site, by=scene.by)


@dataclass(frozen=True)
class Approves(Act):
    """Approves the counts that wait for it."""

    remarks: str

    def happen(self, scene: Scene) -> None:
        waiting = StockCount.objects.filter(site=scene.plant.site, status=CountStatus.APPROVAL)
        numbers = list(waiting.values_list("pk", flat=True))
        approve_counts(site=scene.plant.site, counts=numbers, by=scene.by, remarks=self.remarks)
