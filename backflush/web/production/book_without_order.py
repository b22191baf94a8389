"""Production without an order, and kits: the item is scanned in place of an order."""

from fractions import Fraction
from typing import Any, Final

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse

from backflush.booking_kinds import preview_report
from backflush.core.refusals import InvalidQuantity, Refusal
from backflush.delivery.refusals import status_of
from backflush.items.models import ComponentClass, Item
from backflush.people.rights import Verb
from backflush.stockmap.selectors import single_rules
from backflush.web.forms.idempotency import new_key
from backflush.web.forms.production_form import Task, amounts_in, shown_of
from backflush.web.forms.values import moment_in, serials_in, text_in
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest
from backflush.web.stock.reversal import strip
from backflush.works.services.production_without_order import ProductionIn, produce, producible

OFFERED: Final = 12


def _task(request: PageRequest, code: str) -> Task:
    item = producible(code.strip())
    completion = item.type_code.completion_id
    rules = single_rules(request.visit.site, [completion]) if completion else {}
    return Task(
        item=item,
        unit=item.stock_unit.code,
        factor=Fraction(1),
        good="good",
        scrap="scrap",
        hidden={"item": item.code},
        preview_at=reverse("produce-preview"),
        post_at=reverse("produce-post"),
        into=rules[completion].target if completion in rules else None,
        quick=[item.batch_size] if item.batch_size else [],
    )


def _report(task: Task, typed: QueryDict, *, key: str = "") -> ProductionIn:
    good, scrap = amounts_in(task, typed)
    return ProductionIn(
        item=task.item.code,
        good=good,
        scrap=scrap,
        at=moment_in(typed, "at"),
        key=key,
        batch=text_in(typed, "batch", empty=True),
        serials=serials_in(typed, "serials"),
        bin=text_in(typed, "bin", empty=True),
        scrap_reason=text_in(typed, "scrap_reason", most=60, empty=True),
    )


@page(Verb.PRODUCE)
def produce_page(request: PageRequest) -> HttpResponse:
    """The item field; with an item, the amounts and what will happen."""
    try:
        code = text_in(request.GET, "item", empty=True)
        task = _task(request, code) if code else None
    except Refusal as refusal:
        return _show(request, None, request.GET, refusal, status_of(refusal))
    return _show(request, task, request.GET)


def _show(
    request: PageRequest, task: Task | None, typed: QueryDict, refusal: Refusal | None = None, status: int = 200
) -> HttpResponse:
    facts: dict[str, Any] = {
        "task": task,
        "typed": typed,
        "key": typed.get("key") or new_key(),
        "refusal": refusal,
        "fields": {"good", "scrap", "batch", "serials", "bin", "at", "scrap_reason", "item"},
    }
    if task is None:
        kits = Item.objects.filter(component_class=ComponentClass.KIT).order_by("code")
        facts |= strip(request) | {"kits": kits[:OFFERED]}
    else:
        facts |= _foreseen(request, task, typed)
    return render(request, "web/production/book_without_order.html", facts, status=status)


def _foreseen(request: PageRequest, task: Task, typed: QueryDict) -> dict[str, Any]:
    try:
        report = _report(task, typed)
        preview = preview_report(report, site=request.visit.site) if report.good + report.scrap else None
        return shown_of(task, report.good, report.scrap, preview)
    except Refusal as refusal:
        return {"unforeseen": refusal}


@page(Verb.PRODUCE)
def preview_part(request: PageRequest) -> HttpResponse:
    """What will happen with what is typed so far."""
    task = _task(request, text_in(request.GET, "item"))
    shown = {"task": task, "by_itself": True} | _foreseen(request, task, request.GET)
    return render(request, "web/forms/making_preview.html", shown)


def _again(request: PageRequest, refusal: Refusal) -> HttpResponse:
    return _show(request, _task(request, text_in(request.POST, "item")), request.POST, refusal)


@posts(Verb.PRODUCE, again=_again)
def post(request: PageRequest) -> HttpResponse:
    """Take it into stock, and assume what went into it."""
    task = _task(request, text_in(request.POST, "item"))
    report = _report(task, request.POST, key=request.POST.get("key", ""))
    if not report.good + report.scrap:
        raise InvalidQuantity("Enter the quantity made, good or scrap.", field="good")
    made = produce(report, site=request.visit.site, by=request.user)
    return redirect(f"{reverse('produce')}?done={made.posting_id}")


urlpatterns = [
    path("book/item/", produce_page, name="produce"),
    path("book/item/preview/", preview_part, name="produce-preview"),
    path("book/item/post/", post, name="produce-post"),
]
