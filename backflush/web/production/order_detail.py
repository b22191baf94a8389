"""One works order: its progress, materials, bookings, cost, structure and history, each at its own address."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from backflush.backflushing.models import Booking
from backflush.backflushing.outcomes import UseState, use_states
from backflush.core.costing import UsageVariance
from backflush.core.lifecycle import (
    OrderStatus,
    refuse_cancelling,
    refuse_completion,
    refuse_edit,
    refuse_posting,
    refuse_reopening,
    refuse_reset,
    refuse_revising,
)
from backflush.core.quantity import ZERO, written
from backflush.core.refusals import Refusal
from backflush.costing.selectors import OrderCost, order_cost
from backflush.delivery.pagination import count_up_to, page_of
from backflush.items.models import Item
from backflush.people.models import User
from backflush.people.rights import Verb
from backflush.web.display.qr import qr_path
from backflush.web.forms.fields import Field, FieldKind, Form, input_text
from backflush.web.forms.values import day_in, number_in, text_in
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest, Visit
from backflush.web.stock.reversal import banner
from backflush.works.models import WorksOrder
from backflush.works.selectors import (
    bookings_of,
    changes_of,
    hand_postings_of,
    materials,
    opened_by,
    order_numbered,
    release_warnings,
    standing_status,
    waiting_of,
)
from backflush.works.services.orders import refresh_structure, revise_order
from backflush.works.services.transitions import cancel_order, complete_order, release_order, reopen_order, reset_order

SHOWN_WAITING: Final = 50
SHOWN_MATERIALS: Final = 200
HAND_SHOWN: Final = 200
HALF: Final = 50
"""Half the width of a variance bar, whose middle is zero."""


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab of an order."""

    name: str | Promise
    at: str
    verbs: frozenset[Verb] = frozenset()


TABS: Final[Sequence[Tab]] = (
    Tab(lazy("Materials"), "order"),
    Tab(lazy("Bookings"), "order-bookings"),
    Tab(lazy("Cost"), "order-cost", frozenset({Verb.SEE, Verb.COSTS})),
    Tab(lazy("Structure"), "order-structure"),
    Tab(lazy("History"), "order-history"),
)


Refuses = Callable[[str, OrderStatus], Refusal | None]


def refused(order: WorksOrder, refuse: Refuses) -> Refusal | None:
    """Return why an order's status doesn't allow an operation. Such operations aren't offered."""
    undoes = refuse in {refuse_reset, refuse_cancelling}
    return refuse(order.number, standing_status(order) if undoes else OrderStatus(order.status))


@dataclass(frozen=True, slots=True)
class Doing:
    """The operations that an order's status and the user's rights allow."""

    order: WorksOrder
    visit: Visit

    def _may(self, verb: Verb, refuse: Refuses) -> bool:
        return self.visit.may(verb) and refused(self.order, refuse) is None

    @property
    def release(self) -> bool:
        """Release the order, or change its structure before."""
        return self._may(Verb.RELEASE, refuse_edit)

    @property
    def reset(self) -> bool:
        """Reset the order to new."""
        return self._may(Verb.RELEASE, refuse_reset)

    @property
    def revise(self) -> bool:
        """Change quantity or due date."""
        return self._may(Verb.RELEASE, refuse_revising)

    @property
    def book(self) -> bool:
        """Book production."""
        return self._may(Verb.BOOK, refuse_posting)

    @property
    def issue(self) -> bool:
        """Issue material by hand."""
        return self._may(Verb.ISSUE, refuse_posting)

    @property
    def give_back(self) -> bool:
        """Return material."""
        return self._may(Verb.RETURN, refuse_posting)

    @property
    def complete(self) -> bool:
        """Complete the order."""
        return self._may(Verb.COMPLETE, refuse_completion)

    @property
    def reopen(self) -> bool:
        """Reopen the order."""
        return self._may(Verb.REOPEN, refuse_reopening)

    @property
    def cancel(self) -> bool:
        """Cancel the order."""
        return self._may(Verb.CANCEL_ORDERS, refuse_cancelling)

    @property
    def more(self) -> bool:
        """Whether the menu behind the main buttons has entries."""
        return self.give_back or self.revise or self.reset or self.cancel


def to_go(order: WorksOrder) -> Decimal:
    """Return the ordered quantity that isn't made yet."""
    left: Decimal = order.quantity - order.cost_object.good
    return max(ZERO, left)


def order_context(request: PageRequest, order: WorksOrder, at: str) -> dict[str, Any]:
    warnings = release_warnings(order) if order.status in {OrderStatus.NEW, OrderStatus.RELEASED} else []
    return {
        "order": order,
        "at": at,
        "to_go": to_go(order),
        "over": max(ZERO, order.cost_object.good - order.quantity),
        "waiting": count_up_to(waiting_of(order)),
        "tabs": [tab for tab in TABS if not tab.verbs or tab.verbs & request.visit.verbs],
        "doing": Doing(order, request.visit),
        "warnings": warnings,
    }


def _found(request: PageRequest, number: str) -> WorksOrder:
    return order_numbered(request.visit.site, number)


@page()
def materials_page(request: PageRequest, number: str) -> HttpResponse:
    """Show the materials: needed, used, unresolved, still to come, and short."""
    return _materials(request, None, number)


def _materials(request: PageRequest, refusal: Refusal | None, number: str) -> HttpResponse:
    order = _found(request, number)
    found = materials(order)
    every = "all" in request.GET or len(found) <= SHOWN_MATERIALS
    shown = found if every else sorted(found, key=lambda one: not one.short)[:SHOWN_MATERIALS]
    context = {"materials": shown, "left_out": len(found) - len(shown), "form": Form(refusal=refusal)}
    return render(request, "web/production/materials.html", order_context(request, order, "order") | context)


@dataclass(frozen=True, slots=True)
class Booked:
    """A booking of the list, with the state of its assumed use."""

    booking: Booking
    use: UseState


@page()
def bookings_page(request: PageRequest, number: str) -> HttpResponse:
    """Show the bookings, issues and returns, each with a link to reverse it."""
    order = _found(request, number)
    shown = page_of(bookings_of(order), request.GET, by=("posting_id",), descending=True)
    uses = use_states(booking.posting_id for booking in shown.rows)
    by_hand = list(hand_postings_of(order).order_by("-pk")[: HAND_SHOWN + 1])
    context = {
        "page": shown,
        "booked": [Booked(booking, uses[booking.posting_id]) for booking in shown.rows],
        "by_hand": by_hand[:HAND_SHOWN],
        "more_by_hand": len(by_hand) > HAND_SHOWN,
        "may_reverse": bool({Verb.REVERSE, Verb.REVERSE_OWN} & request.visit.verbs),
    }
    shown_with = order_context(request, order, "order-bookings") | context | banner(request)
    return render(request, "web/production/bookings.html", shown_with)


@dataclass(frozen=True, slots=True)
class VarianceBar:
    """A component's usage variance as a bar left or right of zero."""

    variance: UsageVariance
    item: Item
    width: Decimal

    @property
    def over(self) -> bool:
        """Whether more was used than the standard."""
        return self.variance.amount > 0

    @property
    def x(self) -> Decimal:
        """The left edge of the bar."""
        return Decimal(HALF) if self.over else HALF - self.width


def bars_of(cost: OrderCost) -> list[VarianceBar]:
    """Return the bars, largest variance first; the longest bar fills its half."""
    worst = max((abs(one.amount) for one in cost.variances), default=ZERO) or Decimal(1)
    scale = Decimal(HALF) / worst
    found = sorted(cost.variances, key=lambda one: -abs(one.amount))
    return [VarianceBar(one, cost.items[one.item], round(abs(one.amount) * scale, 1)) for one in found]


@page(Verb.SEE, Verb.COSTS)
def cost_page(request: PageRequest, number: str) -> HttpResponse:
    """Show the material cost, the standard, the usage variances and price effects."""
    order = _found(request, number)
    cost = order_cost(order.cost_object)
    context = {"cost": cost, "bars": bars_of(cost)}
    return render(request, "web/production/cost.html", order_context(request, order, "order-cost") | context)


@page()
def history_page(request: PageRequest, number: str) -> HttpResponse:
    """Show the changes of the order: what, by whom and when."""
    order = _found(request, number)
    shown = page_of(changes_of(order), request.GET, by=("pk",), descending=True)
    context = {**order_context(request, order, "order-history"), "page": shown, "opened_by": opened_by(order)}
    return render(request, "web/production/history.html", context)


@page()
def print_page(request: PageRequest, number: str) -> HttpResponse:
    """Show the order for printing: the QR code of its number, figures, materials and bookings."""
    order = _found(request, number)
    bookings = list(bookings_of(order).filter(reversed_by__isnull=True).order_by("-posting_id")[:SHOWN_WAITING])
    context = {
        "materials": materials(order),
        "bookings": bookings,
        "qr": qr_path(order.number),
    }
    return render(request, "web/production/print.html", order_context(request, order, "order") | context)


Verbed = Callable[..., WorksOrder]


def _at_once(verb: Verb, do: Verbed) -> Callable[..., HttpResponse]:
    """Carry out an operation that needs no input; a refusal is shown on the order's page."""

    @posts(verb, again=_materials)
    def done(request: PageRequest, number: str) -> HttpResponse:
        do(site=request.visit.site, number=number, by=request.user)
        return redirect("order", number)

    return done


def _complete_form(request: PageRequest, refusal: Refusal | None, number: str) -> HttpResponse:
    order = _found(request, number)
    rows = list(waiting_of(order)[:SHOWN_WAITING])
    form = Form(refusal=refusal or refused(order, refuse_completion))
    context = {"form": form, "rows": rows, "allowed": Doing(order, request.visit).complete}
    return _order_form(request, order, "web/production/complete.html", "order-complete-now", context)


def _cancel_form(request: PageRequest, refusal: Refusal | None, number: str) -> HttpResponse:
    order = _found(request, number)
    allowed = Doing(order, request.visit).cancel
    fields = [Field("remarks", _("Reason"), required=True, length_max=500)] if allowed else []
    form = Form(fields, request.POST, refusal or refused(order, refuse_cancelling))
    context = {"form": form, "allowed": allowed}
    return _order_form(request, order, "web/production/cancel.html", "order-cancel-now", context)


def _revise_form(request: PageRequest, refusal: Refusal | None, number: str) -> HttpResponse:
    order = _found(request, number)
    allowed = Doing(order, request.visit).revise
    unit = order.unit.code
    fields = [
        Field("quantity", _("Quantity"), FieldKind.QUANTITY, unit=unit, required=True),
        Field("due_date", _("Due"), FieldKind.DATE, optional=True),
        Field("remarks", _("Remarks"), optional=True, length_max=500),
    ]
    now = {"quantity": written(order.quantity), "due_date": input_text(order.due_date)}
    form = Form(fields if allowed else [], request.POST or now, refusal or refused(order, refuse_revising))
    context = {"form": form, "allowed": allowed}
    return _order_form(request, order, "web/production/revise.html", "order-revise-now", context)


def _order_form(
    request: PageRequest, order: WorksOrder, template: str, post_at: str, context: Mapping[str, Any]
) -> HttpResponse:
    """Show the form to complete, cancel or revise an order."""
    return render(request, template, {**order_context(request, order, ""), "post_at": post_at, **context})


def _asks(verb: Verb, form: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @page(verb)
    def confirm(request: PageRequest, number: str) -> HttpResponse:
        return form(request, None, number)

    return confirm


@posts(Verb.COMPLETE, again=_complete_form)
def complete(request: PageRequest, number: str) -> HttpResponse:
    """Complete the order. Its unresolved movements can still be settled."""
    complete_order(site=request.visit.site, number=number, by=request.user)
    return redirect("order", number)


@posts(Verb.CANCEL_ORDERS, again=_cancel_form)
def cancel(request: PageRequest, number: str) -> HttpResponse:
    """Cancel the order, with a reason."""
    remarks = text_in(request.POST, "remarks", most=500)
    cancel_order(site=request.visit.site, number=number, by=request.user, remarks=remarks)
    return redirect("order", number)


@posts(Verb.RELEASE, again=_revise_form)
def revise(request: PageRequest, number: str) -> HttpResponse:
    """Change quantity or due date. Only real changes are kept in the history."""
    order, form_data, by = _found(request, number), request.POST, request.user
    quantity = number_in(form_data, "quantity", unit=order.unit.code, empty=None)
    due = day_in(form_data, "due_date")
    remarks = text_in(form_data, "remarks", most=500, empty=True)
    _revise(order, quantity, due if due != order.due_date else None, remarks, by)
    return redirect("order", number)


def _revise(order: WorksOrder, quantity: Decimal, due: Any, remarks: str, by: User) -> None:
    changed = quantity if quantity != order.quantity else None
    revise_order(site=order.site, number=order.number, by=by, quantity=changed, due_date=due, remarks=remarks)


urlpatterns = [
    path("orders/materials/<path:number>/", materials_page, name="order"),
    path("orders/bookings/<path:number>/", bookings_page, name="order-bookings"),
    path("orders/cost/<path:number>/", cost_page, name="order-cost"),
    path("orders/history/<path:number>/", history_page, name="order-history"),
    path("orders/print/<path:number>/", print_page, name="order-print"),
    path("orders/release/<path:number>/", _at_once(Verb.RELEASE, release_order), name="order-release"),
    path("orders/afresh/<path:number>/", _at_once(Verb.RELEASE, refresh_structure), name="order-refresh-structure"),
    path("orders/reset/<path:number>/", _at_once(Verb.RELEASE, reset_order), name="order-reset"),
    path("orders/reopen/<path:number>/", _at_once(Verb.REOPEN, reopen_order), name="order-reopen"),
    path("orders/complete/<path:number>/", _asks(Verb.COMPLETE, _complete_form), name="order-complete"),
    path("orders/completed/<path:number>/", complete, name="order-complete-now"),
    path("orders/cancel/<path:number>/", _asks(Verb.CANCEL_ORDERS, _cancel_form), name="order-cancel"),
    path("orders/cancelled/<path:number>/", cancel, name="order-cancel-now"),
    path("orders/revise/<path:number>/", _asks(Verb.RELEASE, _revise_form), name="order-revise"),
    path("orders/revised/<path:number>/", revise, name="order-revise-now"),
]
