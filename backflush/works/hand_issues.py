"""Components of works orders that are issued by hand, and how much of them is still to be issued."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q

from backflush.core.lifecycle import BOOKABLE
from backflush.core.moves import Status
from backflush.core.quantity import ZERO
from backflush.db.fields import ExactSum
from backflush.items.models import Item
from backflush.ledger.models import Movement
from backflush.stockmap.models import Site
from backflush.structures.models import FrozenLine
from backflush.works.models import WorksOrder
from backflush.works.selectors import required_by_hand


@dataclass(frozen=True, slots=True)
class HandIssue:
    """The quantity of a component, in its stock unit, that is still to be issued to an order."""

    order: WorksOrder
    component: Item
    due: Decimal


def orders_with_hand_issues(site: Site, most: int) -> list[WorksOrder]:
    """Return bookable orders with components that are issued by hand, by start date, no more than `most`."""
    by_hand = FrozenLine.objects.filter(site=site, by_hand=True).order_by().values("structure")
    made = WorksOrder.objects.filter(site=site, item=OuterRef("pk"))
    whole = list(Item.objects.filter(Exists(made), type_code__backflush__isnull=True).values_list("pk", flat=True))
    if not whole and not by_hand.exists():
        # The usual case; without this, all orders would be read.
        return []
    condition = Q(structure__in=by_hand) | Q(item__in=whole)
    first: list[WorksOrder] = []
    for status in sorted(BOOKABLE):
        # Each status alone, in the order of an index; to sort them together, all would be read.
        found = WorksOrder.objects.filter(condition, site=site, status=status, structure__isnull=False)
        first += found.select_related("cost_object", "item__type_code").order_by("start_date", "pk")[:most]
    return sorted(first, key=lambda order: (order.start_date, order.pk))[:most]


def hand_issues(site: Site, orders: Sequence[WorksOrder]) -> list[HandIssue]:
    """Return what is still to be issued to some orders, in their order; two statements, however many orders."""
    lines = _lines(site, {order.structure_id for order in orders if order.structure_id is not None})
    issued = _issued(site, {order.cost_object_id for order in orders})
    return [issue for order in orders for issue in _of_order(order, lines, issued)]


def _of_order(
    order: WorksOrder, lines: Mapping[int, Sequence[FrozenLine]], issued: Mapping[tuple[int, int], Decimal]
) -> Iterator[HandIssue]:
    assert order.structure_id is not None, "only orders with a structure are selected"
    due: dict[int, Decimal] = defaultdict(lambda: ZERO)
    components: dict[int, Item] = {}
    for line in lines.get(order.structure_id, ()):
        if line.by_hand or order.item.type_code.backflush_id is None:
            components[line.component_id] = line.component
            due[line.component_id] += required_by_hand(order, line)
    for item, component in components.items():
        left = due[item] - issued.get((order.cost_object_id, item), ZERO)
        if left > 0:
            yield HandIssue(order, component, left)


def _lines(site: Site, structures: Collection[int]) -> dict[int, list[FrozenLine]]:
    rows = FrozenLine.objects.filter(site=site, structure__in=structures).select_related("component__stock_unit")
    lines: dict[int, list[FrozenLine]] = defaultdict(list)
    for line in rows.order_by("structure", "position"):
        lines[line.structure_id].append(line)
    return lines


def _issued(site: Site, cost_objects: Collection[int]) -> dict[tuple[int, int], Decimal]:
    """Return what was issued less what was returned, by cost object and item: charged movements without a line."""
    rows = Movement.objects.filter(
        site=site, cost_object__in=cost_objects, line__isnull=True, status=Status.OK
    ).exclude(charged=0)
    totals: dict[tuple[int, int], Decimal] = defaultdict(lambda: ZERO)
    for cost_object, item, charged, quantity in (
        rows.order_by().values_list("cost_object", "item", "charged").annotate(ExactSum("quantity"))
    ):
        totals[cost_object, item] += charged * quantity
    return totals
