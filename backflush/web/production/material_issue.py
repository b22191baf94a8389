"""Issue to a works order by hand, and return from it: scan, quantity, one sentence, confirm; undo in place."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.http import HttpResponse
from django.http.request import QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse

from backflush.core.lifecycle import refuse_posting
from backflush.core.moves import Process, Tracking
from backflush.core.refusals import Refusal
from backflush.items.models import Item
from backflush.items.selectors import item_coded
from backflush.ledger.models import Balance, Posting
from backflush.ledger.selectors import balances, had_by_cost_object, total_at
from backflush.people.rights import Verb
from backflush.stockmap.deactivation import offered
from backflush.stockmap.models import Bin, Location, TransferRule
from backflush.web.forms.idempotency import new_key
from backflush.web.forms.values import number_in, serials_in, text_in
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.errors import status_of
from backflush.web.platform.visit import PageRequest
from backflush.web.production.order_detail import refused
from backflush.web.stock.reversal import strip
from backflush.works.material_issue import IssueIn, issue, return_material, rule_by_hand
from backflush.works.models import WorksOrder
from backflush.works.selectors import order_numbered

STOCK_KEYS_OFFERED: Final = 50
FIELDS: Final = frozenset({"item", "quantity", "batch", "serials", "bin", "to_bin", "remarks"})


@dataclass(frozen=True, slots=True)
class HandMoveKind:
    """What an issue and a return differ in."""

    process: Process
    verb: Verb
    do: Callable[..., Posting]
    form: str
    post: str

    @property
    def returning(self) -> bool:
        """Whether it goes back."""
        return self.process is Process.RETURN


ISSUE: Final = HandMoveKind(Process.ISSUE, Verb.ISSUE, issue, "order-issue", "order-issue-post")
RETURN: Final = HandMoveKind(Process.RETURN, Verb.RETURN, return_material, "order-return", "order-return-post")


@dataclass(frozen=True, slots=True)
class Scanned:
    """An item that was scanned for an order: what is there of it, what the order has had, what must be said of it."""

    item: Item
    rule: TransferRule
    there: Decimal | None
    had: Decimal
    stock_keys: list[Balance]
    returning: bool

    @property
    def needs_batch(self) -> bool:
        """Whether somebody must say which batch."""
        return bool(self.item.tracking == Tracking.BATCH)

    @property
    def needs_serials(self) -> bool:
        """Whether somebody must say which pieces."""
        return bool(self.item.tracking == Tracking.SERIAL)

    def _binned(self, source: bool) -> Location | None:
        place = self.rule.source if source else self.rule.target
        return place if place.bin_controlled else None

    @property
    def bin_place(self) -> Location | None:
        """The place whose bin an issue takes from, or a return puts to."""
        return self._binned(not self.returning)

    @property
    def to_bin_place(self) -> Location | None:
        """The place at the other end, where it is kept in bins too."""
        return self._binned(self.returning)

    @property
    def bins(self) -> list[str]:
        """The bins that there are."""
        place = self.bin_place
        found = offered(Bin.objects.filter(location=place).order_by("code")) if place else Bin.objects.none()
        return list(found.values_list("code", flat=True))


def scan(order: WorksOrder, rule: TransferRule, code: str, *, returning: bool) -> Scanned:
    """Look an item up for an order."""
    item = item_coded(code)
    place = rule.source
    there = total_at(order.site, item, place.pk) if place.has_balance else None
    stock_keys = balances(order.site, item=item.code, location=place.path)[:STOCK_KEYS_OFFERED]
    return Scanned(
        item, rule, there, had_by_cost_object(order.cost_object, [item.pk])[item.pk], list(stock_keys), returning
    )


def _typed_in(order: WorksOrder, typed: QueryDict, item: Item, *, key: str = "") -> IssueIn:
    return IssueIn(
        order=order.number,
        item=item.code,
        quantity=number_in(typed, "quantity", unit=item.stock_unit.code, empty=None),
        bin=text_in(typed, "bin", empty=True),
        to_bin=text_in(typed, "to_bin", empty=True),
        batch=text_in(typed, "batch", empty=True),
        serials=serials_in(typed, "serials"),
        remarks=text_in(typed, "remarks", most=500, empty=True),
        key=key,
    )


def _show(
    request: PageRequest, way: HandMoveKind, number: str, typed: QueryDict, refusal: Refusal | None = None
) -> HttpResponse:
    order = order_numbered(request.visit.site, number)
    facts: dict[str, Any] = {"order": order, "way": way, "typed": typed, "key": new_key(), "fields": FIELDS}
    facts["closed"] = refused(order, refuse_posting)
    try:
        if facts["closed"]:
            raise facts["closed"]
        rule = rule_by_hand(order, way.process)
        facts["rule"] = rule
        code = text_in(typed, "item", empty=True)
        if code:
            facts["scanned"] = scan(order, rule, code, returning=way.returning)
            if refusal is None and "quantity" in typed:
                facts["asked"] = _typed_in(order, typed, facts["scanned"].item)
    except Refusal as found:
        refusal = refusal or found
    shown = facts | {"refusal": refusal} | strip(request)
    return render(request, "web/production/material_issue.html", shown, status=status_of(refusal) if refusal else 200)


def _page(way: HandMoveKind) -> Callable[..., HttpResponse]:
    @page(way.verb)
    def shown(request: PageRequest, number: str) -> HttpResponse:
        return _show(request, way, number, request.GET)

    return shown


def _post(way: HandMoveKind) -> Callable[..., HttpResponse]:
    def again(request: PageRequest, refusal: Refusal, number: str) -> HttpResponse:
        return _show(request, way, number, request.POST, refusal)

    @posts(way.verb, again=again)
    def post(request: PageRequest, number: str) -> HttpResponse:
        order = order_numbered(request.visit.site, number)
        item = item_coded(text_in(request.POST, "item"))
        asked = _typed_in(order, request.POST, item, key=request.POST.get("key", ""))
        posting = way.do(asked, site=request.visit.site, by=request.user)
        return redirect(f"{reverse(way.form, args=[number])}?done={posting.pk}")

    return post


urlpatterns = [
    path("orders/issue/<path:number>/", _page(ISSUE), name="order-issue"),
    path("orders/issued/<path:number>/", _post(ISSUE), name="order-issue-post"),
    path("orders/return/<path:number>/", _page(RETURN), name="order-return"),
    path("orders/returned/<path:number>/", _post(RETURN), name="order-return-post"),
]
