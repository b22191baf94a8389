"""Works orders: the list, what takes bookings first, and a new one."""

from typing import Final

from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from backflush.core.lifecycle import OrderStatus
from backflush.core.refusals import InvalidValue, Refusal
from backflush.items.models import Unit
from backflush.people.rights import Verb
from backflush.stockmap.deactivation import offered
from backflush.web.display import badges
from backflush.web.forms.values import day_in, number_in, text_in
from backflush.web.lists.pagination import count_up_to, page_along
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest
from backflush.works.models import WorksOrder
from backflush.works.selectors import in_turn, orders_listed
from backflush.works.services.orders import OrderIn, create_order


@page()
def orders_page(request: PageRequest) -> HttpResponse:
    """All works orders; a number that is typed whole opens its order at once."""
    status, number = request.GET.get("status", ""), text_in(request.GET, "number", empty=True)
    if status and status not in set(OrderStatus):
        raise InvalidValue(
            "There is no status '{status}'. Choose one of: {statuses}.",
            status=status,
            statuses=list(OrderStatus),
            field="status",
        )
    site = request.visit.site
    if number and not status and WorksOrder.objects.filter(site=site, number=number).exists():
        return redirect("order", number)
    found = orders_listed(site, status=status, number=number)
    runs = in_turn(found, status=status)
    shown = page_along(runs, request.GET, by=("number",), descending=True, total=count_up_to(found))
    prefetch_related_objects(shown.rows, "item", "unit", "cost_object")
    facts = {
        "page": shown,
        "status": status,
        "number": number,
        "statuses": badges.ORDER,
        "may_make": request.visit.may(Verb.RELEASE),
    }
    return render(request, "web/production/order_list.html", facts)


@page(Verb.RELEASE)
def new_page(request: PageRequest) -> HttpResponse:
    """The form of a new order."""
    return _new_form(request, None)


def _new_form(request: PageRequest, refusal: Refusal | None) -> HttpResponse:
    typed = request.POST or {"item": request.GET.get("item", ""), "start_date": request.visit.today.isoformat()}
    facts = {"typed": typed, "refusal": refusal, "units": offered(Unit.objects.order_by("code")), "fields": _FIELDS}
    return render(request, "web/production/new_order.html", facts)


_FIELDS: Final = frozenset({"number", "item", "quantity", "unit", "start_date", "due_date", "remarks"})


@posts(Verb.RELEASE, again=_new_form)
def create(request: PageRequest) -> HttpResponse:
    """Create it, with a copy of the structure of its start date."""
    typed = request.POST
    order = OrderIn(
        number=text_in(typed, "number", most=60),
        item=text_in(typed, "item"),
        quantity=number_in(typed, "quantity", unit=typed.get("unit", ""), empty=None),
        unit=typed.get("unit", ""),
        start_date=day_in(typed, "start_date") or request.visit.today,
        due_date=day_in(typed, "due_date"),
        remarks=text_in(typed, "remarks", most=500, empty=True),
    )
    return redirect("order", create_order(order, site=request.visit.site, by=request.user).number)


urlpatterns = [
    path("orders/", orders_page, name="orders"),
    path("orders/new/", new_page, name="order-new"),
    path("orders/create/", create, name="order-create"),
]
