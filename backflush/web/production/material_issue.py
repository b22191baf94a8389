"""Issue material to a works order by hand, and return it: scan the item, enter the quantity, confirm; undo in place."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpResponse
from django.http.request import QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from backflush.core.lifecycle import refuse_posting
from backflush.core.moves import Process, Tracking
from backflush.core.refusals import Refusal
from backflush.delivery.refusals import status_of
from backflush.items.models import Item
from backflush.items.selectors import item_coded
from backflush.ledger.models import Balance, Posting
from backflush.ledger.selectors import balances, had_by_cost_object, total_at
from backflush.people.rights import Verb
from backflush.stockmap.deactivation import offered
from backflush.stockmap.models import Bin, Location, TransferRule
from backflush.web.forms.fields import Field, FieldKind, Form
from backflush.web.forms.idempotency import new_key
from backflush.web.forms.standard_fields import remarks_field
from backflush.web.forms.values import serials_in, stock_quantity_in, text_in
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest
from backflush.web.production.order_detail import refused
from backflush.web.stock.reversal import banner
from backflush.works.material_issue import IssueIn, issue, return_material, rule_by_hand
from backflush.works.models import WorksOrder
from backflush.works.selectors import order_numbered

STOCK_KEYS_OFFERED: Final = 50


@dataclass(frozen=True, slots=True)
class HandMoveKind:
    """The differences between an issue and a return."""

    process: Process
    verb: Verb
    do: Callable[..., Posting]
    form: str
    post: str

    @property
    def returning(self) -> bool:
        """Whether material comes back from the order."""
        return self.process is Process.RETURN


ISSUE: Final = HandMoveKind(Process.ISSUE, Verb.ISSUE, issue, "order-issue", "order-issue-post")
RETURN: Final = HandMoveKind(Process.RETURN, Verb.RETURN, return_material, "order-return", "order-return-post")


@dataclass(frozen=True, slots=True)
class Scanned:
    """An item that was scanned for an order: the stock of it, what the order has had, and what must be entered."""

    item: Item
    rule: TransferRule
    there: Decimal | None
    had: Decimal
    stock_keys: list[Balance]
    returning: bool

    @property
    def needs_batch(self) -> bool:
        """Whether the batch must be entered."""
        return bool(self.item.tracking == Tracking.BATCH)

    @property
    def needs_serials(self) -> bool:
        """Whether serial numbers must be entered."""
        return bool(self.item.tracking == Tracking.SERIAL)

    def _binned(self, source: bool) -> Location | None:
        place = self.rule.source if source else self.rule.target
        return place if place.bin_controlled else None

    @property
    def bin_place(self) -> Location | None:
        """The store location, if its bin must be entered."""
        return self._binned(not self.returning)

    @property
    def to_bin_place(self) -> Location | None:
        """The location at the other end, if its bin must be entered too."""
        return self._binned(self.returning)

    @property
    def bins(self) -> list[str]:
        """The bins of the store location, by code."""
        place = self.bin_place
        found = offered(Bin.objects.filter(location=place).order_by("code")) if place else Bin.objects.none()
        return list(found.values_list("code", flat=True))


def scan(order: WorksOrder, rule: TransferRule, code: str, *, returning: bool) -> Scanned:
    """Look up an item for an order."""
    item = item_coded(code)
    place = rule.source
    there = total_at(order.site, item, place.pk) if place.has_balance else None
    stock_keys = balances(order.site, item=item.code, location=place.path)[:STOCK_KEYS_OFFERED]
    return Scanned(
        item, rule, there, had_by_cost_object(order.cost_object, [item.pk])[item.pk], list(stock_keys), returning
    )


def _issue_in(order: WorksOrder, form_data: QueryDict, item: Item, *, key: str = "") -> IssueIn:
    return IssueIn(
        order=order.number,
        item=item.code,
        quantity=stock_quantity_in(form_data, "quantity", item),
        bin=text_in(form_data, "bin", empty=True),
        to_bin=text_in(form_data, "to_bin", empty=True),
        batch=text_in(form_data, "batch", empty=True),
        serials=serials_in(form_data, "serials"),
        remarks=text_in(form_data, "remarks", most=500, empty=True),
        key=key,
    )


def _show(
    request: PageRequest, kind: HandMoveKind, number: str, form_data: QueryDict, refusal: Refusal | None = None
) -> HttpResponse:
    order = order_numbered(request.visit.site, number)
    closed = refused(order, refuse_posting)
    context: dict[str, Any] = {"order": order, "kind": kind, "closed": closed, "key": new_key()}
    scanned, to_confirm = None, None
    try:
        if closed:
            raise closed
        rule = rule_by_hand(order, kind.process)
        context["rule"] = rule
        code = text_in(form_data, "item", empty=True)
        if code:
            scanned = scan(order, rule, code, returning=kind.returning)
            if refusal is None and "quantity" in form_data:
                to_confirm = _issue_in(order, form_data, scanned.item)
    except Refusal as found:
        refusal = refusal or found
    fields = [] if closed else _fields(scanned, confirming=to_confirm is not None)
    context |= {"scanned": scanned, "to_confirm": to_confirm, "form": Form(fields, form_data, refusal)}
    status = status_of(refusal) if refusal else HTTPStatus.OK
    return render(request, "web/production/material_issue.html", context | banner(request), status=status)


def _fields(scanned: Scanned | None, *, confirming: bool) -> list[Field]:
    item = Field("item", _("Item"), FieldKind.CODE, codes="items", look="scan", required=True, focus=scanned is None)
    if scanned is None:
        return [item]
    unit = scanned.item.stock_unit.code
    focus = not confirming
    fields = [
        item,
        Field("quantity", _("Quantity"), FieldKind.QUANTITY, unit=unit, required=True, look="large", focus=focus),
    ]
    if scanned.needs_batch:
        batches = [stock_key.batch for stock_key in scanned.stock_keys]
        fields.append(Field("batch", _("Batch"), required=True, suggestions=batches))
    if scanned.needs_serials:
        fields.append(Field("serials", _("Serial numbers, one a line"), FieldKind.TEXTAREA))
    if scanned.bin_place:
        hint = scanned.bin_place.path
        fields.append(Field("bin", _("Bin"), hint=hint, required=True, suggestions=scanned.bins))
    if scanned.to_bin_place:
        hint = scanned.to_bin_place.path
        fields.append(Field("to_bin", _("Bin at the other location"), hint=hint, required=True))
    return [*fields, remarks_field()]


def _page(kind: HandMoveKind) -> Callable[..., HttpResponse]:
    @page(kind.verb)
    def shown(request: PageRequest, number: str) -> HttpResponse:
        return _show(request, kind, number, request.GET)

    return shown


def _post(kind: HandMoveKind) -> Callable[..., HttpResponse]:
    def again(request: PageRequest, refusal: Refusal, number: str) -> HttpResponse:
        return _show(request, kind, number, request.POST, refusal)

    @posts(kind.verb, again=again)
    def post(request: PageRequest, number: str) -> HttpResponse:
        order = order_numbered(request.visit.site, number)
        item = item_coded(text_in(request.POST, "item"))
        issued = _issue_in(order, request.POST, item, key=request.POST.get("key", ""))
        posting = kind.do(issued, site=request.visit.site, by=request.user)
        return redirect(f"{reverse(kind.form, args=[number])}?done={posting.pk}")

    return post


urlpatterns = [
    path("orders/issue/<path:number>/", _page(ISSUE), name="order-issue"),
    path("orders/issued/<path:number>/", _post(ISSUE), name="order-issue-post"),
    path("orders/return/<path:number>/", _page(RETURN), name="order-return"),
    path("orders/returned/<path:number>/", _post(RETURN), name="order-return-post"),
]
