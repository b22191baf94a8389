"""Complete a code while it is being typed: `/look-up/items/?q=ca` answers with what begins with it, as JSON.

Where nothing has the text in its code or description, it answers with the codes that are spelt most like it.

A field with `codes="items"` uses this (`static/app/lookup.js`); without script it is a plain field. Each kind costs a
fixed number of statements, whatever its size (`db/codes.py`).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet
from django.http import Http404, HttpResponse, JsonResponse
from django.urls import path

from backflush.db.codes import CONTAINING_FROM, code_suggestions, find_by_code, type_ahead
from backflush.items.models import Item, TypeCode, Unit
from backflush.people.rights import Verb
from backflush.stockmap.deactivation import offered
from backflush.stockmap.models import Action, Location, Supplier
from backflush.subcontract.models import PurchaseOrder
from backflush.web.forms.values import text_in
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest, Visit
from backflush.web.setup.resource import SETTING_UP
from backflush.works.models import WorksOrder

SHOWN_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class CodeKind:
    """A kind of code: the rows of a site, the field with the code and the one that describes it, and who may look."""

    rows: Callable[[Visit], QuerySet[Any]]
    field: str = "code"
    about: str = "description"
    described_by: Callable[[Any], str] = lambda row: str(row.description)
    verbs: Sequence[Verb] = (Verb.SEE_WORK,)


CODE_KINDS: Final[Mapping[str, CodeKind]] = {
    "items": CodeKind(
        lambda visit: Item.objects.select_related("stock_unit"),
        described_by=lambda item: f"{item.description}, {item.stock_unit.code}",
    ),
    "locations": CodeKind(lambda visit: offered(Location.objects.filter(site=visit.site)), "path"),
    "suppliers": CodeKind(
        lambda visit: offered(Supplier.objects.all()), about="name", described_by=lambda supplier: supplier.name
    ),
    "units": CodeKind(lambda visit: offered(Unit.objects.all()), about="name", described_by=lambda unit: unit.name),
    "works-orders": CodeKind(
        lambda visit: WorksOrder.objects.filter(site=visit.site).select_related("item"),
        "number",
        "number",
        lambda order: f"{order.item.code} {order.item.description}",
    ),
    "purchase-orders": CodeKind(
        lambda visit: PurchaseOrder.objects.filter(site=visit.site).select_related("supplier"),
        "number",
        "number",
        lambda order: order.supplier.name or order.supplier.code,
    ),
    "type-codes": CodeKind(lambda visit: offered(TypeCode.objects.all()), verbs=SETTING_UP),
    "actions": CodeKind(lambda visit: offered(Action.objects.all()), "name", verbs=SETTING_UP),
}


@page()
def lookup_part(request: PageRequest, kind: str) -> HttpResponse:
    """Return the codes that may be meant, at most eight; whether there are more; and whether they are only similar."""
    if kind not in CODE_KINDS:
        raise Http404
    found = CODE_KINDS[kind]
    request.visit.require(*found.verbs)
    text = text_in(request.GET, "q", empty=True)
    candidates = found.rows(request.visit)
    rows = type_ahead(candidates, text, field=found.field, about=found.about, most=SHOWN_MAX + 1)
    similar: Collection[Any] = ()
    if not rows and len(text) >= CONTAINING_FROM:
        names = code_suggestions(candidates, text, field=found.field)
        similar = find_by_code(candidates, names, field=found.field).values()
    codes = [
        {"code": getattr(row, found.field), "about": found.described_by(row)} for row in rows[:SHOWN_MAX] or similar
    ]
    return JsonResponse({"codes": codes, "more": len(rows) > SHOWN_MAX, "similar": bool(similar)})


urlpatterns = [path("look-up/<slug:kind>/", lookup_part, name="look-up")]
