"""The list of works orders, and the form of a new one."""

from collections.abc import Sequence
from typing import Final

from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from backflush.core.lifecycle import OrderStatus
from backflush.core.refusals import InvalidValue, Refusal
from backflush.delivery.pagination import count_up_to, page_along, page_of
from backflush.items.models import Unit
from backflush.items.selectors import item_coded
from backflush.people.rights import Verb
from backflush.stockmap.deactivation import offered
from backflush.web.display import badges
from backflush.web.forms.fields import Field, FieldKind, Form, Text
from backflush.web.forms.values import day_in, number_in, text_in
from backflush.web.lists.filters import FilterForm, item_filter
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest
from backflush.works.models import WorksOrder
from backflush.works.selectors import FINISHED, in_turn, orders_due, orders_listed
from backflush.works.services.orders import OrderIn, create_order

BY_DUE: Final = "due"
SORTS: Final[Sequence[tuple[str, Text]]] = (
    ("", lazy("open ones first")),
    (BY_DUE, lazy("by due date")),
)


def _is_by_due(request: PageRequest) -> bool:
    return request.GET.get("sort", "") == BY_DUE


@page()
def orders_page(request: PageRequest) -> HttpResponse:
    """List all works orders: open ones first, or those still to be made by due date. A complete order number opens its
    order at once."""
    status, number = request.GET.get("status", ""), text_in(request.GET, "number", empty=True)
    item, due_until, by_due = text_in(request.GET, "item", empty=True), day_in(request.GET, "due"), _is_by_due(request)
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
    if item:
        item = item_coded(item).code
    found = orders_listed(site, status=status, number=number, item=item, due_until=due_until)
    if by_due:
        found = orders_due(found)
        shown = page_of(found, request.GET, by=("due_date", "id"))
    else:
        runs = in_turn(found, status=status)
        shown = page_along(runs, request.GET, by=("number",), descending=True, total=count_up_to(found))
    prefetch_related_objects(shown.rows, "item", "unit", "cost_object")
    fields = [
        Field("number", _("Number begins with")),
        item_filter(),
        Field("due", _("Due up to"), FieldKind.DATE),
        Field("sort", _("Order of the list"), FieldKind.CHOICE, choices=SORTS),
    ]
    context = {
        "page": shown,
        "status": status,
        "filters": FilterForm(
            "orders",
            Form(fields, request.GET),
            folded=("due", "sort"),
            folded_label=_("More: due date, order of the list"),
            kept={"status": status} if status else {},
        ),
        "today": request.visit.today,
        "by_due": by_due,
        "unfinished": [one for one in OrderStatus if one not in FINISHED],
        "statuses": badges.ORDER,
        "may_make": request.visit.may(Verb.RELEASE),
    }
    return render(request, "web/production/order_list.html", context)


@page(Verb.RELEASE)
def new_page(request: PageRequest) -> HttpResponse:
    """Show the form of a new order."""
    return _new_form(request, None)


def _new_form(request: PageRequest, refusal: Refusal | None) -> HttpResponse:
    new = {"item": request.GET.get("item", ""), "start_date": request.visit.today.isoformat()}
    form = Form(_new_fields(), request.POST or new, refusal)
    return render(request, "web/production/new_order.html", {"form": form})


def _new_fields() -> list[Field]:
    units = [(unit.code, unit.code) for unit in offered(Unit.objects.order_by("code"))]
    hint = _("The code of a manufactured item.")
    return [
        Field("number", _("Number"), required=True, length_max=60),
        Field("item", _("Item to make"), FieldKind.CODE, hint, codes="items", required=True),
        Field("quantity", _("Quantity"), FieldKind.QUANTITY, required=True),
        Field("unit", _("Unit"), FieldKind.CHOICE, choices=[("", _("the item's stock unit")), *units]),
        Field("start_date", _("Start"), FieldKind.DATE, required=True),
        Field("due_date", _("Due"), FieldKind.DATE, optional=True),
        Field("remarks", _("Remarks"), optional=True, length_max=500),
    ]


@posts(Verb.RELEASE, again=_new_form)
def create(request: PageRequest) -> HttpResponse:
    """Create an order, with a copy of the structure of its start date."""
    form_data = request.POST
    order = OrderIn(
        number=text_in(form_data, "number", most=60),
        item=text_in(form_data, "item"),
        quantity=number_in(form_data, "quantity", unit=form_data.get("unit", ""), empty=None),
        unit=form_data.get("unit", ""),
        start_date=day_in(form_data, "start_date") or request.visit.today,
        due_date=day_in(form_data, "due_date"),
        remarks=text_in(form_data, "remarks", most=500, empty=True),
    )
    return redirect("order", create_order(order, site=request.visit.site, by=request.user).number)


urlpatterns = [
    path("orders/", orders_page, name="orders"),
    path("orders/new/", new_page, name="order-new"),
    path("orders/create/", create, name="order-create"),
]
