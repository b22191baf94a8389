"""Creating works orders, editing their structures, and revising quantity and due date.

Services take many orders at a time, because an import brings a hundred thousand; one is a batch of one.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.db import transaction

from backflush.core.lifecycle import OrderStatus, refuse_edit, refuse_revising
from backflush.core.quantity import written
from backflush.core.refusals import AlreadyThere, DuplicateLine, InvalidDates, ObsoleteItem, Refusal, WrongClass
from backflush.core.sentences import Word
from backflush.core.structure import Explosion, require_sound
from backflush.core.units import Converter
from backflush.db.statements import insert
from backflush.db.unique_names import named_once
from backflush.items.models import ComponentClass, Item, Unit
from backflush.items.selectors import converter, items_coded, require_factor, units_coded
from backflush.ledger.archived_numbers import order_numbers
from backflush.ledger.models import CostObjectKind
from backflush.ledger.posting import open_cost_objects
from backflush.people.models import User
from backflush.stockmap.deactivation import require_in_use
from backflush.stockmap.models import Site
from backflush.structures.selectors import StructureBook
from backflush.structures.services import LineIn, freeze, require_convertible, require_possible_levels
from backflush.works.models import OrderChange, WorksOrder
from backflush.works.services.guards import lock_order, lock_orders, require, require_whole
from backflush.works.services.history import change, keep, trace
from backflush.works.statements import ADD_ORDERS


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIn:
    """A works order as it is entered; an empty `unit` means the item's stock unit."""

    number: str
    item: str
    quantity: Decimal
    unit: str = ""
    start_date: date
    due_date: date | None = None
    remarks: str = ""


@named_once("works order", field="number")
@transaction.atomic
def create_orders(orders: Sequence[OrderIn], *, site: Site, by: User, released: bool = False) -> list[WorksOrder]:
    """Create works orders, each with its own copy of the structure in force on its start date (S1, S2).

    They can be `released` at once, with the present conversions. Raises `AlreadyThere`, `WrongClass`, `ObsoleteItem`,
    `InvalidDates`, `InvalidQuantity`, `QuantityTooLarge`, `NoConversion`, `Ended` and `NotFound`.
    """
    _require_new_numbers(site, [order.number for order in orders])
    items = items_coded({order.item for order in orders})
    units = units_coded({order.unit for order in orders if order.unit})
    conversions = converter(item.pk for item in items.values())
    made: list[tuple[OrderIn, Item, Unit, Fraction]] = []
    for order in orders:
        item = items[order.item]
        unit = units[order.unit] if order.unit else item.stock_unit
        for refusal in order_refusals(order, item, unit, conversions):
            raise refusal
        require_in_use(unit, field="unit", before=item.stock_unit_id)
        made.append((order, item, unit, require_factor(conversions, item, unit.code)))
    cost_objects = open_cost_objects(
        site=site, kind=CostObjectKind.WORKS_ORDER, numbered=[(order.number, item) for order, item, _, _ in made]
    )
    contents = _contents(site, [(item, order.start_date) for order, item, _, _ in made])
    if released:
        for item, content in {id(content): (item, content) for item, content in contents}.values():
            require_convertible(item, content.requirements)
    copies = freeze(site=site, contents=contents)
    rows = [
        WorksOrder(
            site=site,
            number=order.number,
            cost_object=cost_object,
            item=item,
            quantity=order.quantity,
            unit=unit,
            factor=factor,
            status=OrderStatus.RELEASED if released else OrderStatus.NEW,
            start_date=order.start_date,
            due_date=order.due_date,
            structure=copy,
            remarks=order.remarks,
        )
        for (order, item, unit, factor), cost_object, copy in zip(made, cost_objects, copies, strict=True)
    ]
    insert(ADD_ORDERS, rows)
    keep(change(order, "status", "", str(order.status), by) for order in rows)
    return rows


def create_order(order: OrderIn, *, site: Site, by: User) -> WorksOrder:
    """Create one works order. See `create_orders`."""
    return create_orders([order], site=site, by=by)[0]


def _require_new_numbers(site: Site, numbers: Sequence[str]) -> None:
    there = {*order_numbers(WorksOrder.objects.all(), site, CostObjectKind.WORKS_ORDER, numbers)}
    twice = sorted(there | {number for number, times in Counter(numbers).items() if times > 1})
    if twice:
        raise AlreadyThere(
            "There is a works order {orders} already. Choose another number.", orders=twice, field="number"
        )


def order_refusals(order: OrderIn, item: Item, unit: Unit, conversions: Converter) -> Iterator[Refusal]:
    """Yield every fault of an order as it is entered, apart from its number and structure (W, Q4, Q5)."""
    if item.component_class != ComponentClass.MADE:
        yield WrongClass(
            "{item} is {component_class}. A works order is for a manufactured item.",
            item=item.code,
            component_class=Word(item.get_component_class_display()),
            field="item",
        )
    if item.obsolete_on is not None and item.obsolete_on <= order.start_date:
        yield ObsoleteItem(
            "{item} has been obsolete since {day}. Choose another item.",
            item=item.code,
            day=item.obsolete_on,
            field="item",
        )
    if order.due_date is not None and order.due_date < order.start_date:
        yield InvalidDates(
            "Order {order} would be due before it starts. Choose a later due date.",
            order=order.number,
            field="due_date",
        )
    try:
        factor = require_factor(conversions, item, unit.code)
        require_whole(order.quantity, factor, item, field="quantity", unit=unit.code)
    except Refusal as refusal:
        yield refusal


def _contents(site: Site, wanted: Sequence[tuple[Item, date]]) -> list[tuple[Item, Explosion]]:
    """Return the exploded structures of some items, each on its day."""
    book = StructureBook(site, {item.pk for item, _ in wanted})
    return [(item, book.explode(item.pk, day)) for item, day in wanted]


@transaction.atomic
def edit_structure(*, site: Site, number: str, lines: Sequence[LineIn], by: User) -> WorksOrder:
    """Give a new order a structure of its own, in which phantoms are exploded as of its start date (S1).

    Locks the order. Raises `OrderNotNew`, `DuplicateLine`, `StructureLoop`, and what `require_sound` refuses.
    """
    order = lock_order(site, number)
    require(refuse_edit(number, OrderStatus(order.status)))
    core_lines = [line.as_line() for line in lines]
    require_sound(core_lines)
    if len({line.number for line in lines}) < len(lines):
        raise DuplicateLine("Two lines have the same number. Give each line its own number.", field="line")
    require_possible_levels({order.item: lines})
    book = StructureBook(site, (), extra=core_lines)
    content = book.explode_lines(core_lines, order.start_date)
    order.structure = freeze(site=site, contents=[(order.item, content)])[0]
    order.save(update_fields=["structure"])
    trace(order, "structure", "", "edited", by)
    return order


@transaction.atomic
def refresh_structure(*, site: Site, number: str, by: User) -> WorksOrder:
    """Give a new order a new copy of its item's structure (S1). Locks the order. Raises `OrderNotNew`."""
    order = lock_order(site, number)
    require(refuse_edit(number, OrderStatus(order.status)))
    order.structure = freeze(site=site, contents=_contents(site, [(order.item, order.start_date)]))[0]
    order.save(update_fields=["structure"])
    trace(order, "structure", "", "copied again", by)
    return order


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionIn:
    """A new quantity, in the order's unit, or due date for an order; None leaves it as it is."""

    number: str
    quantity: Decimal | None = None
    due_date: date | None = None
    remarks: str = ""


@transaction.atomic
def revise_orders(revisions: Sequence[RevisionIn], *, site: Site, by: User) -> list[WorksOrder]:
    """Change the quantities or due dates of some orders, and log the changes (W).

    Locks the orders. Raises `OrderNotOpen`, `InvalidQuantity`, `QuantityTooLarge` and `InvalidDates`.
    """
    orders = lock_orders(site, [revision.number for revision in revisions])
    changes = []
    for order, revision in zip(orders, revisions, strict=True):
        require(refuse_revising(order.number, OrderStatus(order.status)))
        changes += _revised(order, revision, by)
    WorksOrder.objects.bulk_update(orders, ["quantity", "due_date"])
    keep(changes)
    return orders


def revise_order(
    *,
    site: Site,
    number: str,
    by: User,
    quantity: Decimal | None = None,
    due_date: date | None = None,
    remarks: str = "",
) -> WorksOrder:
    """Change one order's quantity or due date. See `revise_orders`."""
    revision = RevisionIn(number=number, quantity=quantity, due_date=due_date, remarks=remarks)
    return revise_orders([revision], site=site, by=by)[0]


def _revised(order: WorksOrder, revision: RevisionIn, by: User) -> list[OrderChange]:
    changes = []
    if revision.quantity is not None:
        require_whole(revision.quantity, order.factor, order.item, field="quantity", unit=order.unit.code)
        before, after = written(order.quantity), written(revision.quantity)
        changes.append(change(order, "quantity", before, after, by, revision.remarks))
        order.quantity = revision.quantity
    if revision.due_date is not None:
        if revision.due_date < order.start_date:
            raise InvalidDates(
                "Order {order} would be due before it starts. Choose a later due date.",
                order=order.number,
                field="due_date",
            )
        before, after = str(order.due_date or ""), str(revision.due_date)
        changes.append(change(order, "due date", before, after, by, revision.remarks))
        order.due_date = revision.due_date
    return changes
