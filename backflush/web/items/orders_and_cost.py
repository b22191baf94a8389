"""Further tabs of an item: its orders, and its cost by element, recorded and rolled up."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.functional import Promise

from backflush.core.quantity import ZERO, round_half_up
from backflush.costing.structure import CostedStructure
from backflush.delivery.pagination import page_of
from backflush.items.models import ItemCost
from backflush.people.rights import Verb
from backflush.subcontract.models import PurchaseOrderLine
from backflush.web.items.views import COST_DECIMALS, ELEMENTS, SEES_COSTS, item_at
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest
from backflush.works.models import WorksOrder

COSTS_SHOWN: Final = 20
PURCHASES_SHOWN: Final = 50


@page(Verb.SEE_WORK)
def orders_page(request: PageRequest, code: str) -> HttpResponse:
    """Show the works orders for an item, newest first, and its purchase orders by supplier."""
    item, site = item_at(code), request.visit.site
    found: QuerySet[WorksOrder] = WorksOrder.objects.filter(site=site, item=item).select_related("unit", "cost_object")
    bought = PurchaseOrderLine.objects.filter(site=site, item=item).order_by("-pk")
    return render(
        request,
        "web/items/orders.html",
        {
            "item": item,
            "page": page_of(found, request.GET, by=("number",), descending=True),
            "purchases": bought.select_related("order__supplier", "unit", "cost_object")[:PURCHASES_SHOWN],
            "may_make": request.visit.may(Verb.RELEASE),
        },
    )


@dataclass(frozen=True, slots=True)
class ElementRow:
    """The recorded cost of one element."""

    name: str | Promise
    standard: Decimal
    latest: Decimal


def by_element(cost: ItemCost) -> list[ElementRow]:
    """Return a cost by element."""
    return [
        ElementRow(name, getattr(cost, f"standard_{element}"), getattr(cost, f"latest_{element}"))
        for element, name in ELEMENTS.items()
    ]


def totals(rows: Sequence[ElementRow]) -> tuple[Decimal, Decimal]:
    """Return the standard and latest cost, all elements together."""
    return sum((row.standard for row in rows), ZERO), sum((row.latest for row in rows), ZERO)


@page(*SEES_COSTS)
def cost_page(request: PageRequest, code: str) -> HttpResponse:
    """Show the recorded cost, the rolled-up cost of the structure today, and earlier costs."""
    item, visit = item_at(code), request.visit
    structure = CostedStructure(visit.site, item, visit.today)
    elements = by_element(item.cost) if item.cost else []
    context: dict[str, Any] = {
        "item": item,
        "elements": elements,
        "earlier": [(one, *totals(by_element(one))) for one in item.costs.order_by("-pk")[:COSTS_SHOWN]],
        "lines": len(structure),
        "day": visit.today,
    }
    context["standard"], context["latest"] = totals(elements)
    if len(structure) and structure.each is not None and item.cost:
        # For a manufactured item, the recorded cost includes the outside work of all levels below.
        on_record = item.cost.standard_material + item.cost.standard_outside
        rolled = round_half_up(structure.each, COST_DECIMALS)
        context |= {"rolled": rolled, "on_record": on_record, "difference": rolled - on_record}
    return render(request, "web/items/cost.html", context)


urlpatterns = [
    path("items/orders/<path:code>/", orders_page, name="item-orders"),
    path("items/cost/<path:code>/", cost_page, name="item-cost"),
]
