"""Queries on purchase orders, receipts, and our stock at sub-contractors."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import Case, Count, Exists, F, IntegerField, Min, OuterRef, QuerySet, Value, When

from backflush.backflushing.models import Booking
from backflush.core.costing import total_amount
from backflush.core.lifecycle import PurchaseStatus
from backflush.core.moves import Process, Status
from backflush.core.quantity import EXACT, ZERO
from backflush.core.refusals import Archived, NotFound
from backflush.db.codes import did_you_mean, find_by_code
from backflush.db.fields import ExactSum
from backflush.items.models import Item
from backflush.ledger.archived_numbers import no_orders
from backflush.ledger.models import Balance, CostObjectKind, Movement, Posting
from backflush.ledger.movement_list import FEW, few_of
from backflush.stockmap.models import Location, Site, Supplier, SupplierStock
from backflush.subcontract.models import PurchaseOrder, PurchaseOrderLine


def purchase_order_numbered(site: Site, number: str) -> PurchaseOrder:
    """Return one purchase order with its supplier; its number may be typed in any case.

    Raises `NotFound`, with a suggestion, and `Archived`.
    """
    orders = PurchaseOrder.objects.filter(site=site)
    related = orders.select_related("site__receive_action", "supplier", "receive_action")
    order = find_by_code(related, [number], field="number").get(number)
    if order is None:
        refusal = no_orders(site, CostObjectKind.PURCHASE_ORDER, [number])
        if isinstance(refusal, Archived):
            raise refusal
        details = did_you_mean(orders, [number], field="number")
        raise NotFound.of(refusal.sentence, field=refusal.field, details=details)
    return order


def purchase_orders_in_turn(
    site: Site, *, status: str = "", number: str = "", supplier: str = "", item: str = ""
) -> QuerySet[PurchaseOrder]:
    """Return purchase orders, open ones first (`turn`). `number` is a prefix of the order number; an order matches
    `item` if one of its lines is for it."""
    turn = Case(When(status=PurchaseStatus.OPEN, then=Value(1)), default=Value(0), output_field=IntegerField())
    found = PurchaseOrder.objects.filter(site=site).annotate(turn=turn)
    if status:
        found = found.filter(status=status)
    if number:
        found = found.filter(number__startswith=number)
    if supplier:
        found = found.filter(supplier__code=supplier)
    if item:
        lines = PurchaseOrderLine.objects.filter(site=OuterRef("site"), order=OuterRef("pk"), item__code=item)
        found = found.filter(Exists(lines))
    return found.select_related("supplier").prefetch_related("lines__item", "lines__unit", "lines__cost_object")


def purchase_lines(order: PurchaseOrder) -> list[PurchaseOrderLine]:
    """Return the lines of a purchase order; the quantities received and rejected are on their cost objects."""
    found = PurchaseOrderLine.objects.filter(order=order).order_by("number")
    return list(found.select_related("item__stock_unit", "item__type_code__backflush", "unit", "cost_object"))


def receipts(order: PurchaseOrder) -> QuerySet[Booking]:
    """Return the receipts of an order, including reversed ones.

    Each has the order line it was for: `order_number`, `line_number`, `supplier_code`, and the line's `unit_code`.
    """
    return _received(order.site).filter(cost_object__purchase_line__order=order)


def all_receipts(site: Site) -> tuple[QuerySet[Booking], int]:
    """Return all receipts of a site, and their number; `FEW` + 1 stands for more than `FEW`.

    Few receipts are selected by primary key, because SQLite would scan all bookings for them.
    """
    few = few_of(Posting.objects.filter(site=site, process=Process.GOODS_RECEIVED))
    if few is None:
        return _received(site), FEW + 1
    return _received(site).filter(posting__in=few), len(few)


def _received(site: Site) -> QuerySet[Booking]:
    found = Booking.objects.filter(site=site, posting__process=Process.GOODS_RECEIVED)
    return found.select_related("posting__by", "reversed_by__by", "item__stock_unit").annotate(
        order_number=F("cost_object__purchase_line__order__number"),
        supplier_code=F("cost_object__purchase_line__order__supplier__code"),
        line_number=F("cost_object__purchase_line__number"),
        unit_code=F("cost_object__purchase_line__unit__code"),
    )


@dataclass(slots=True)
class Outside:
    """A sub-contractor: its locations with our stock, the value, the unresolved movements there, and the next due date.

    `value` is at present standard material cost; `comes` is the earliest due date of an order line that isn't received
    in full.
    """

    supplier: Supplier
    stock: Location | None = None
    places: list[Location] = field(default_factory=list)
    value: Decimal = ZERO
    items: int = 0
    unresolved: int = 0
    open_orders: int = 0
    comes: date | None = None


def outsides(site: Site, supplier: str = "") -> list[Outside]:
    """Return the suppliers with our stock or an open order, by code; with a code, only that supplier."""
    known = Supplier.objects.filter(code=supplier) if supplier else Supplier.objects.all()
    found = {one.pk: Outside(one) for one in known.order_by("code")}
    places = Location.objects.filter(site=site, supplier__in=found).order_by("path")
    named = SupplierStock.objects.filter(site=site, supplier__in=found).select_related("location")
    holders: dict[int, set[int]] = {}
    for one in named:
        found[one.supplier_id].stock = one.location
        found[one.supplier_id].places.append(one.location)
        holders.setdefault(one.location_id, set()).add(one.supplier_id)
    for place in places:
        assert place.supplier_id is not None, "only locations of suppliers are selected"
        if place.supplier_id not in holders.setdefault(place.pk, set()):
            holders[place.pk].add(place.supplier_id)
            found[place.supplier_id].places.append(place)
    _value(site, found, holders)
    _count_waiting(site, found, holders)
    _orders(site, found)
    return [one for one in found.values() if supplier or one.places or one.open_orders]


def _value(site: Site, found: dict[int, Outside], holders: dict[int, set[int]]) -> None:
    rows = Balance.objects.filter(site=site, location__in=holders).exclude(quantity=0)
    totals = rows.values_list("location", "item__cost__standard_material", "item").annotate(ExactSum("quantity"))
    amounts_of: dict[int, list[Decimal]] = {}
    items: dict[int, set[int]] = {}
    for place, cost, item, quantity in totals.order_by():
        for supplier in holders[place]:
            amounts_of.setdefault(supplier, []).append(EXACT.multiply(quantity, cost or ZERO))
            items.setdefault(supplier, set()).add(item)
    for supplier, amounts in amounts_of.items():
        found[supplier].value = total_amount(amounts)
        found[supplier].items = len(items[supplier])


def _count_waiting(site: Site, found: dict[int, Outside], holders: dict[int, set[int]]) -> None:
    waiting = Movement.objects.filter(site=site, status=Status.UNRESOLVED, source__in=holders).order_by()
    for place, number in waiting.values_list("source").annotate(Count("pk")):
        for supplier in holders[place]:
            found[supplier].unresolved += number


def _orders(site: Site, found: dict[int, Outside]) -> None:
    open_ones = PurchaseOrder.objects.filter(site=site, status=PurchaseStatus.OPEN, supplier__in=found).order_by()
    for supplier, number in open_ones.values_list("supplier").annotate(Count("pk")):
        found[supplier].open_orders = number
    lines = PurchaseOrderLine.objects.filter(order__in=open_ones, cost_object__good__lt=F("quantity")).order_by()
    for supplier, day in lines.values_list("order__supplier").annotate(Min("due_date")):
        found[supplier].comes = day


def outside_coded(site: Site, code: str) -> Outside:
    """Return the sub-contractor with this code; raises `NotFound`."""
    found = outsides(site, code)
    if not found:
        raise NotFound("There is no supplier {supplier}.", supplier=code, field="supplier")
    return found[0]


@dataclass(frozen=True, slots=True)
class Held:
    """The stock of an item at a sub-contractor's location, and the unresolved quantity that it will still consume."""

    item: Item
    place: Location
    quantity: Decimal
    unresolved: Decimal
    waiting: int

    @property
    def left(self) -> Decimal:
        """The stock that remains once every unresolved movement is settled as assumed."""
        return self.quantity - self.unresolved

    @property
    def value(self) -> Decimal:
        """The value at present standard material cost."""
        return EXACT.multiply(self.quantity, self.item.cost.standard_material) if self.item.cost else ZERO


def held_at(site: Site, places: Sequence[Location]) -> list[Held]:
    """Return the stock at some locations by item, including items that have only unresolved movements."""
    pks = [place.pk for place in places if place.has_balance]
    there = Balance.objects.filter(site=site, location__in=pks).exclude(quantity=0)
    quantities = {
        (item, place): quantity
        for item, place, quantity in there.values_list("item", "location").annotate(ExactSum("quantity")).order_by()
    }
    waiting = Movement.objects.filter(site=site, status=Status.UNRESOLVED, source__in=pks).order_by()
    waits = {
        (item, place): (due, number)
        for item, place, due, number in waiting.values_list("item", "source").annotate(ExactSum("due"), Count("pk"))
    }
    return _held(quantities, waits, {place.pk: place for place in places})


def _held(
    quantities: dict[tuple[int, int], Decimal],
    waits: dict[tuple[int, int], tuple[Decimal, int]],
    places: dict[int, Location],
) -> list[Held]:
    stock_keys: Collection[tuple[int, int]] = quantities.keys() | waits.keys()
    items = Item.objects.select_related("stock_unit", "cost").in_bulk({item for item, _ in stock_keys})
    found: Iterable[Held] = (
        Held(items[item], places[place], quantities.get((item, place), ZERO), *waits.get((item, place), (ZERO, 0)))
        for item, place in stock_keys
    )
    return sorted(found, key=lambda one: (one.item.code, one.place.path))
