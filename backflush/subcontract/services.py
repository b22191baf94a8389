"""Place and close purchase orders."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction

from backflush.core.lifecycle import PurchaseStatus, refuse_closing
from backflush.core.refusals import (
    DuplicateLine,
    InvalidQuantity,
    InvalidValue,
    Refusal,
    WrongClass,
)
from backflush.core.sentences import Word
from backflush.core.text import require_short
from backflush.core.units import Converter
from backflush.db.unique_names import named_once
from backflush.items.models import ComponentClass, Item, Unit
from backflush.items.selectors import converter, in_stock_unit, items_coded, require_factor, units_coded
from backflush.ledger.archived_numbers import no_orders, order_numbers
from backflush.ledger.models import CostObject, CostObjectKind
from backflush.ledger.posting import open_cost_objects
from backflush.people.models import User
from backflush.stockmap.deactivation import require_in_use
from backflush.stockmap.models import ActionType, Site
from backflush.stockmap.selectors import (
    actions_named,
    suppliers_coded,
)
from backflush.stockmap.services import require_new, require_type
from backflush.structures.selectors import StructureBook
from backflush.structures.services import require_convertible
from backflush.subcontract.models import PurchaseOrder, PurchaseOrderLine

NUMBER_LENGTH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseLineIn:
    """The input for a purchase order line; an empty `unit` means the item's stock unit."""

    item: str
    quantity: Decimal
    unit: str = ""
    number: int = 10
    due_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseOrderIn:
    """The input for a purchase order."""

    number: str
    supplier: str
    lines: Sequence[PurchaseLineIn]
    placed_on: date
    receive_action: str = ""


@named_once("a purchase order", field="number")
@transaction.atomic
def place_orders(orders: Sequence[PurchaseOrderIn], *, site: Site, by: User) -> list[PurchaseOrder]:
    """Place purchase orders for bought-in or sub-contracted items. Refused (`no_conversion`) where a structure line in
    force can't be converted (Q4)."""
    there = order_numbers(
        PurchaseOrder.objects.all(), site, CostObjectKind.PURCHASE_ORDER, [order.number for order in orders]
    )
    known = [(number,) for number in there]
    require_new(((order.number,) for order in orders), known, "purchase order", field="number")
    items = items_coded({line.item for order in orders for line in order.lines})
    units = units_coded({line.unit for order in orders for line in order.lines if line.unit})
    suppliers = suppliers_coded({order.supplier for order in orders})
    for supplier in suppliers.values():
        require_in_use(supplier, field="supplier")
    actions = actions_named({order.receive_action for order in orders if order.receive_action}, field="receive_action")
    conversions = converter(item.pk for item in items.values())
    for order in orders:
        require_short(order.number, NUMBER_LENGTH, field="number", what="The number of a purchase order")
        if order.receive_action:
            require_type(actions[order.receive_action], ActionType.RECEIVE, field="receive_action")
            require_in_use(actions[order.receive_action], field="receive_action")
        if not order.lines:
            raise InvalidValue("Order {order} needs at least one line.", order=order.number, field="lines")
        if len({line.number for line in order.lines}) < len(order.lines):
            raise DuplicateLine(
                "Two lines of order {order} have the same number. Give each line its own number.",
                order=order.number,
                field="line",
            )
        for line in order.lines:
            unit = units.get(line.unit)
            require_in_use(unit, field="unit", before=items[line.item].stock_unit_id)
            for refusal in line_refusals(line, items[line.item], units.get(line.unit), conversions):
                raise refusal
    _require_convertible(orders, items, site)
    heads = PurchaseOrder.objects.bulk_create(
        PurchaseOrder(
            site=site,
            number=order.number,
            supplier=suppliers[order.supplier],
            receive_action=actions.get(order.receive_action),
            placed_on=order.placed_on,
        )
        for order in orders
    )
    lines = [(head, line) for head, order in zip(heads, orders, strict=True) for line in order.lines]
    numbered = [(f"{head.number}/{line.number}", items[line.item]) for head, line in lines]
    cost_objects = open_cost_objects(site=site, kind=CostObjectKind.PURCHASE_ORDER, numbered=numbered)
    PurchaseOrderLine.objects.bulk_create(
        _line(site, head, line, cost_object, items[line.item], units.get(line.unit), conversions)
        for (head, line), cost_object in zip(lines, cost_objects, strict=True)
    )
    return heads


def place_order(order: PurchaseOrderIn, *, site: Site, by: User) -> PurchaseOrder:
    """Place one purchase order."""
    return place_orders([order], site=site, by=by)[0]


def line_refusals(line: PurchaseLineIn, item: Item, unit: Unit | None, conversions: Converter) -> Iterator[Refusal]:
    """Yield a refusal for each invalid value of an order line by itself (W, Q4, Q5)."""
    if item.component_class not in {ComponentClass.BOUGHT, ComponentClass.SUBCONTRACTED}:
        yield WrongClass(
            "{item} is {component_class}. A purchase order is for bought-in and sub-contracted items.",
            item=item.code,
            component_class=Word(item.get_component_class_display()),
            field="item",
        )
    if not line.quantity.is_finite() or line.quantity <= 0:
        yield InvalidQuantity(
            "{item} needs a quantity above zero, not {quantity}.",
            item=item.code,
            quantity=line.quantity,
            field="quantity",
        )
        return
    try:
        code = (unit or item.stock_unit).code
        factor = require_factor(conversions, item, code)
        in_stock_unit(line.quantity, factor, item, field="quantity", unit=code)
    except Refusal as refusal:
        yield refusal


def _require_convertible(orders: Iterable[PurchaseOrderIn], items: Mapping[str, Item], site: Site) -> None:
    book = StructureBook(site, [item.pk for item in items.values()])
    for code, day in dict.fromkeys((line.item, order.placed_on) for order in orders for line in order.lines):
        require_convertible(items[code], book.explode(items[code].pk, day).requirements)


def _line(
    site: Site,
    head: PurchaseOrder,
    line: PurchaseLineIn,
    cost_object: CostObject,
    item: Item,
    unit: Unit | None,
    conversions: Converter,
) -> PurchaseOrderLine:
    unit = unit or item.stock_unit
    return PurchaseOrderLine(
        site=site,
        order=head,
        number=line.number,
        cost_object=cost_object,
        item=item,
        quantity=line.quantity,
        unit=unit,
        factor=require_factor(conversions, item, unit.code),
        due_date=line.due_date,
    )


@transaction.atomic
def close_order(*, site: Site, number: str, by: User) -> PurchaseOrder:
    """Close a purchase order, full or short: no more receipts are expected. See `close_orders`."""
    return close_orders(site=site, numbers=[number], by=by)[0]


@transaction.atomic
def close_orders(*, site: Site, numbers: Sequence[str], by: User) -> list[PurchaseOrder]:
    """Close purchase orders, full or short. Locks them; raises `OrderNotOpen`, `NotFound` and `Archived`."""
    locked = PurchaseOrder.objects.select_for_update(no_key=True).filter(site=site, number__in=numbers).order_by("pk")
    found = {order.number: order for order in locked}
    if missing := [number for number in numbers if number not in found]:
        raise no_orders(site, CostObjectKind.PURCHASE_ORDER, missing)
    for order in found.values():
        if refusal := refuse_closing(order.number, PurchaseStatus(order.status)):
            raise refusal
        order.status = PurchaseStatus.CLOSED
    PurchaseOrder.objects.bulk_update(found.values(), ["status"])
    return [found[number] for number in numbers]
