from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from django.db.models import QuerySet

from backflush.backflushing.consumption import cumulative_use_of, use_line
from backflush.backflushing.models import Booking
from backflush.core.consumption import CumulativeUse
from backflush.core.lifecycle import OrderStatus
from backflush.core.moves import Process, Status
from backflush.core.quantity import ZERO, round_half_up
from backflush.core.refusals import Archived, NotFound
from backflush.db.codes import did_you_mean, find_by_code
from backflush.db.fields import ExactSum
from backflush.items.models import Item, Unit
from backflush.ledger.archived_numbers import no_orders
from backflush.ledger.models import CostObjectKind, Movement, Posting
from backflush.ledger.selectors import totals_at, uses_material, waiting_movements
from backflush.stockmap.models import Action, Location, Site, TransferRule
from backflush.stockmap.selectors import single_rules
from backflush.structures.models import FrozenLine
from backflush.structures.services import LineIn
from backflush.works.models import OrderChange, WorksOrder
from backflush.works.statements import LOCK_ORDERS, MADE_ITEMS, ORDERS

FINISHED = frozenset({OrderStatus.COMPLETE, OrderStatus.CANCELLED})
IN_TURN = (OrderStatus.OPEN, OrderStatus.RELEASED, OrderStatus.NEW, OrderStatus.COMPLETE, OrderStatus.CANCELLED)
BY_HAND = (Process.ISSUE, Process.RETURN)

_MADE_ITEM_PARTS = [part.alias for part in MADE_ITEMS.parts]


class OrdersFound(NamedTuple):
    """Works orders by number, with their cost objects, items and units, and the rules that bookings need, by action."""

    found: dict[str, WorksOrder]
    rules: dict[int, TransferRule]


def orders_numbered(site: Site, numbers: Sequence[str], *, lock: bool = False) -> list[WorksOrder]:
    """Return works orders with all that booking needs, in the order given; raises `NotFound` and `Archived`.

    With `lock`, the orders and their cost objects are locked, in the order of the cost objects.
    """
    orders = orders_found(site, numbers, lock=lock).found
    require_found(site, numbers, orders)
    return [orders[number] for number in numbers]


def standing_status(order: WorksOrder) -> OrderStatus:
    """Return the status that decides whether an order can be reset, changed or cancelled (W).

    An open order of which nothing stands booked or issued, because all of it was reversed or returned, counts as
    released. Takes two statements for an open order, none for others. The order is locked where something is changed.
    """
    status = OrderStatus(order.status)
    if status is not OrderStatus.OPEN:
        return status
    booked = Booking.objects.filter(site=order.site_id, cost_object=order.cost_object_id, reversed_by__isnull=True)
    if booked.exists() or uses_material(order.site_id, order.cost_object_id):
        return status
    return OrderStatus.RELEASED


def require_found(site: Site, numbers: Sequence[str], orders: Container[str]) -> None:
    """Refuse numbers of works orders that don't exist (`NotFound`) or are in archives (`Archived`)."""
    missing = [number for number in dict.fromkeys(numbers) if number not in orders]
    if missing:
        raise no_orders(site, CostObjectKind.WORKS_ORDER, missing)


def orders_found(site: Site, numbers: Sequence[str], *, lock: bool = False) -> OrdersFound:
    """Return those works orders that exist, and the rules that bookings on them need.

    Many orders make the same few items, so these are read once, with their actions and rules, and shared.
    """
    statement = LOCK_ORDERS if lock else ORDERS
    orders: dict[str, WorksOrder] = {
        order.number: order for order, _ in statement.rows(site_id=site.pk, numbers=sorted(set(numbers)))
    }
    items: dict[int, Item] = {}
    rules: dict[int, TransferRule] = {}
    wanted = sorted({order.item_id for order in orders.values()})
    for row in MADE_ITEMS.rows(site_id=site.pk, items=wanted):
        part = dict(zip(_MADE_ITEM_PARTS, row, strict=True))
        item = items[part["item"].pk] = part["item"]
        for action, rule in (
            (item.type_code.completion, part["completion_rule"]),
            (item.type_code.backflush, part["backflush_rule"]),
        ):
            if rule is not None:
                rule.action = action
                rules[action.pk] = rule
    for order in orders.values():
        order.item = items[order.item_id]
        if order.unit_id == order.item.stock_unit_id:
            order.unit = order.item.stock_unit
    return OrdersFound(orders, rules)


def release_warnings(order: WorksOrder) -> list[str]:
    """Return warnings about an order's structure that don't prevent its release (S6)."""
    if order.structure is None:
        return []
    warnings = [
        f"{phantom} is a phantom with no line in force on {order.start_date:%d %b %Y}: nothing will be used for it."
        for phantom in order.structure.empty_phantoms
    ]
    if not warnings and not order.structure.lines.exists():
        warnings.append(f"{order.number} has no structure lines: nothing will be taken out of stock.")
    return warnings


def order_numbered(site: Site, number: str) -> WorksOrder:
    """Return one works order, unlocked; its number may be typed in any case. Raises `NotFound` and `Archived`."""
    try:
        return orders_numbered(site, [number])[0]
    except Archived:
        raise
    except NotFound as refusal:
        orders = WorksOrder.objects.filter(site=site)
        same = find_by_code(orders, [number], field="number").get(number)
        if same is None:
            details = did_you_mean(orders, [number], field="number")
            raise NotFound.of(refusal.sentence, field=refusal.field, details=details) from None
    return orders_numbered(site, [same.number])[0]


def orders_listed(
    site: Site, *, status: str = "", number: str = "", item: str = "", due_until: date | None = None
) -> QuerySet[WorksOrder]:
    """Return works orders, filtered by status, by the beginning of the number, by item and by the last due date."""
    found = WorksOrder.objects.filter(site=site)
    if status:
        found = found.filter(status=status)
    if number:
        found = found.filter(number__startswith=number)
    if item:
        found = found.filter(item__code=item)
    return found.filter(due_date__lte=due_until) if due_until else found


def orders_due(found: QuerySet[WorksOrder]) -> QuerySet[WorksOrder]:
    """Return those of some works orders that are still to be made and have a due date."""
    return found.filter(status__in=[status for status in IN_TURN if status not in FINISHED], due_date__isnull=False)


def in_turn(found: QuerySet[WorksOrder], *, status: str = "") -> list[QuerySet[WorksOrder]]:
    """Return works orders status by status: open, released, new, complete, cancelled.

    Each status is read along its index by number. What was booked is on each order's cost object, so nothing is summed.
    """
    return [found.filter(status=one) for one in IN_TURN if status in {"", one}]


@dataclass(slots=True)
class Material:
    """One component of an order, in its stock unit; `line` is None where it was issued without being in the structure.

    `needed` is for what was made, scrap too, and what is still to be made of the ordered quantity (None: a conversion
    is missing), `assumed` what bookings have assumed so far and `moved` what of that has left stock (None: issued by
    hand). `to_come` is what is still to be used, `there` the stock at its source (None: no balance is kept), and
    `short` what is missing of it after the lines before.
    """

    line: FrozenLine | None
    component: Item
    by_hand: bool = False
    needed: Decimal | None = ZERO
    assumed: Decimal | None = None
    moved: Decimal | None = None
    unresolved: Decimal = ZERO
    issued: Decimal = ZERO
    to_come: Decimal = ZERO
    source: Location | None = None
    there: Decimal | None = None
    short: Decimal = ZERO

    @property
    def path(self) -> str:
        """Its line number, after those of the phantoms above it."""
        return self.line.path if self.line else ""

    @property
    def phantoms(self) -> list[str]:
        """The phantoms above it."""
        return [step["code"] for step in self.line.steps[:-1]] if self.line else []


def materials(order: WorksOrder) -> list[Material]:
    """Return the components of an order by line, then items that were issued and aren't in its structure."""
    lines = frozen_lines_of(order)
    had = _had(order)
    cumulative_use = cumulative_use_of(order.cost_object)
    rules = single_rules(order.site, _actions(order.item.type_code.backflush, order.item.type_code.issue))
    found = [_material(order, line, cumulative_use, had) for line in lines]
    issued = dict(had.issued)
    _share_issues(found, issued)
    for material in found:
        if material.by_hand and material.needed is not None:
            material.to_come = max(ZERO, required_by_hand(order, material.line) - material.issued)
        action = order.item.type_code.issue_id if material.by_hand else order.item.type_code.backflush_id
        rule = rules.get(action or 0)
        own = material.line.source if material.line and not material.by_hand else None
        material.source = own or (rule.source if rule else None)
    found += _beyond(issued, had.units)
    _look(order.site, found)
    return found


@dataclass(slots=True)
class _Had:
    """The material charged to an order: moved and unresolved by line, issued less returned by item."""

    moved: dict[int, Decimal] = field(default_factory=dict)
    unresolved: dict[int, Decimal] = field(default_factory=dict)
    issued: dict[int, Decimal] = field(default_factory=dict)
    units: set[int] = field(default_factory=set)


def _had(order: WorksOrder) -> _Had:
    had = _Had()
    rows = (
        Movement.objects.filter(cost_object=order.cost_object_id, status__in=(Status.OK, Status.UNRESOLVED))
        .exclude(charged=0)
        .values_list("line", "item", "status", "charged")
        .annotate(ExactSum("quantity"), ExactSum("due"))
        .order_by()
    )
    for line, item, status, charged, quantity, due in rows:
        if line is None:
            had.issued[item] = had.issued.get(item, ZERO) + charged * quantity
        elif status == Status.OK:
            had.moved[line] = had.moved.get(line, ZERO) + charged * quantity
        else:
            had.unresolved[line] = had.unresolved.get(line, ZERO) + due
    had.units = set(had.issued)
    return had


def _actions(*actions: Action | None) -> set[int]:
    return {action.pk for action in actions if action is not None}


def _to_go(order: WorksOrder) -> Decimal:
    """Return what is still to be made, in the order's unit: nothing once it is complete or cancelled."""
    return ZERO if order.status in FINISHED else max(ZERO, order.quantity - order.cost_object.good)


def _material(order: WorksOrder, line: FrozenLine, cumulative_use: CumulativeUse, had: _Had) -> Material:
    by_hand = line.by_hand or order.item.type_code.backflush_id is None
    material = Material(line, line.component, by_hand)
    material.moved = None if by_hand else had.moved.get(line.pk, ZERO)
    material.unresolved = had.unresolved.get(line.pk, ZERO)
    if line.per_piece is None or line.fixed_exact is None:
        material.needed = None
        return material
    decimals = line.component.quantity_decimals
    pieces = _pieces(order)
    material.needed = round_half_up(line.per_piece * pieces + line.fixed_exact, decimals) if pieces else ZERO
    if not by_hand:
        use = cumulative_use.would_assume(use_line(line), Fraction(_to_go(order)) * order.factor)
        material.assumed = use.assumed_before
        material.to_come = use.quantity if _to_go(order) else ZERO
    return material


def _pieces(order: WorksOrder) -> Fraction:
    """Return the pieces that the order uses material for, in the stock unit: good, scrap, and still to be made."""
    pieces: Fraction = Fraction(order.cost_object.good + order.cost_object.scrap + _to_go(order)) * order.factor
    return pieces


def required_by_hand(order: WorksOrder, line: FrozenLine | None) -> Decimal:
    """Return what an order will need of a line issued by hand, for what was made, scrap too, and what is to be made."""
    if line is None or line.per_piece is None or line.fixed_exact is None or not _to_go(order):
        return ZERO
    return round_half_up(line.per_piece * _pieces(order) + line.fixed_exact, line.component.quantity_decimals)


def _share_issues(found: Sequence[Material], issued: dict[int, Decimal]) -> None:
    """Assign each item's issues to its line that is issued by hand, otherwise to its first line."""
    for material in sorted(found, key=lambda material: not material.by_hand):
        material.issued = issued.pop(material.component.pk, ZERO)


def _beyond(issued: Mapping[int, Decimal], units: Iterable[int]) -> list[Material]:
    """Return the items that were issued and aren't in the structure."""
    items = Item.objects.select_related("stock_unit").in_bulk([item for item in units if issued.get(item)])
    beyond = [Material(None, item, by_hand=True, issued=issued[pk]) for pk, item in items.items()]
    return sorted(beyond, key=lambda material: material.component.code)


def _look(site: Site, found: Sequence[Material]) -> None:
    """Set the stock there is for each line and what is missing: lines with one source share its stock, in order."""
    placed = [
        (material, material.source) for material in found if material.source is not None and material.source.has_balance
    ]
    totals = totals_at(site, {material.component.pk for material, _ in placed}, {place.pk for _, place in placed})
    left = dict(totals)
    for material, place in placed:
        stock_key = material.component.pk, place.pk
        material.there = totals.get(stock_key, ZERO)
        wanted = material.unresolved + material.to_come
        material.short = max(ZERO, wanted - left.get(stock_key, ZERO))
        left[stock_key] = max(ZERO, left.get(stock_key, ZERO) - wanted)


def waiting_of(order: WorksOrder) -> QuerySet[Movement]:
    """Return the unresolved movements of an order, oldest first."""
    return waiting_movements(order.site).filter(cost_object=order.cost_object_id)


def changes_of(order: WorksOrder) -> QuerySet[OrderChange]:
    """Return the change log of an order, the newest first."""
    return OrderChange.objects.filter(order=order).select_related("by").order_by("-pk")


def opened_by(order: WorksOrder) -> Posting | None:
    """Return the first booking or issue of an order, which opened it."""
    return (
        Posting.objects.filter(site=order.site_id, cost_object=order.cost_object_id)
        .select_related("by")
        .order_by("pk")
        .first()
    )


def bookings_of(order: WorksOrder) -> QuerySet[Booking]:
    """Return the bookings of an order, reversed ones too."""
    return Booking.objects.filter(cost_object=order.cost_object_id).select_related("posting__by", "reversed_by__by")


def hand_postings_of(order: WorksOrder) -> QuerySet[Posting]:
    """Return the postings of issues to an order and returns from it."""
    found = Posting.objects.filter(cost_object=order.cost_object_id, process__in=BY_HAND)
    return found.select_related("by").prefetch_related(
        "reversals__by", "movements__item__stock_unit", "movements__source", "movements__target"
    )


def frozen_lines_of(order: WorksOrder) -> list[FrozenLine]:
    """Return the lines of an order's frozen structure, with phantoms replaced by their components."""
    found = FrozenLine.objects.filter(structure=order.structure_id).order_by("position")
    return list(found.select_related("component__stock_unit", "source"))


def own_lines(order: WorksOrder) -> list[LineIn]:
    """Return an order's own structure as it would be entered: a phantom is one line, not its components.

    A phantom's line is by hand if all of its components are, and has a from-location if they all have the same one.
    """
    lines = frozen_lines_of(order)
    items = Item.objects.select_related("stock_unit").in_bulk({line.steps[0]["item"] for line in lines})
    units = {unit.code: unit for unit in Unit.objects.filter(code__in={line.steps[0]["unit"] for line in lines})}
    below: dict[tuple[int, int], list[FrozenLine]] = {}
    for line in lines:
        below.setdefault((line.steps[0]["number"], line.steps[0]["item"]), []).append(line)
    return [_entered(parts, items, units) for parts in below.values()]


def _entered(parts: Sequence[FrozenLine], items: Mapping[int, Item], units: Mapping[str, Unit]) -> LineIn:
    first, step = parts[0], parts[0].steps[0]
    shared = all(part.source_id == first.source_id for part in parts)
    return LineIn(
        number=step["number"],
        component=items[step["item"]],
        quantity=Decimal(step["quantity"]),
        unit=units[step["unit"]],
        waste=Decimal(step["waste"]),
        fixed=first.fixed if len(first.steps) == 1 else ZERO,
        by_hand=all(part.by_hand for part in parts),
        supplier_provides=all(part.supplier_provides for part in parts),
        source=first.source if shared else None,
    )
