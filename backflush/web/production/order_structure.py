"""The structure of a works order: its own copy, which can be edited until the order is released."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from backflush.core.refusals import Refusal
from backflush.people.rights import Verb
from backflush.web.forms.edit_table import EditTable, changes_rows, read_rows
from backflush.web.forms.fields import Form
from backflush.web.items.structure_rows import SECONDARY, note_components, read_lines, row_of, structure_columns
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest
from backflush.web.production.order_detail import order_context
from backflush.works.selectors import frozen_lines_of, order_numbered, own_lines
from backflush.works.services.orders import edit_structure


@page()
def structure_page(request: PageRequest, number: str) -> HttpResponse:
    """Show the order's copy of the structure, or its editor."""
    return _show(request, None, number)


def _show(request: PageRequest, refusal: Refusal | None, number: str) -> HttpResponse:
    order = order_numbered(request.visit.site, number)
    context: dict[str, Any] = order_context(request, order, "order-structure")
    editing = context["doing"].release and ("edit" in request.GET or request.method == "POST")
    if not editing:
        context |= {"lines": frozen_lines_of(order), "form": Form(refusal=refusal)}
        return render(request, "web/production/structure.html", context)
    columns = structure_columns(dated=False)
    rows = read_rows(request.POST, columns)
    if not rows:
        rows = [row_of(index, line) for index, line in enumerate(own_lines(order))]
    note_components(rows)
    hint = _("A phantom isn't taken from stock itself: its components are.")
    table = EditTable(columns, rows, label=_("Structure lines, table"), secondary=SECONDARY, hint=hint)
    context["form"] = Form(refusal=refusal, table=table)
    return render(request, "web/production/structure_edit.html", context)


@posts(Verb.RELEASE, again=_show)
def keep_structure(request: PageRequest, number: str) -> HttpResponse:
    """Give a new order the structure that was entered; or only add, remove or restore a row."""
    if changes_rows(request.POST):
        return _show(request, None, number)
    site = request.visit.site
    lines = read_lines(read_rows(request.POST, structure_columns(dated=False)), site, unique=True)
    edit_structure(site=site, number=number, lines=lines, by=request.user)
    return redirect("order-structure", number)


urlpatterns = [
    path("orders/structure/<path:number>/", structure_page, name="order-structure"),
    path("orders/structure-kept/<path:number>/", keep_structure, name="order-structure-keep"),
]
