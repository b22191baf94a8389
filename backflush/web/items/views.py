"""Items: the list, and an item with its costed structure, where-used, stock and form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from backflush.backflushing.material_flow import material_flow
from backflush.core.moves import Tracking
from backflush.core.quantity import plain, round_half_up
from backflush.core.refusals import NotFound, Refusal
from backflush.costing.structure import CostedLine, CostedStructure
from backflush.delivery.pagination import count_up_to, page_of
from backflush.items.models import ComponentClass, Item, ProductGroup, TypeCode, Unit
from backflush.items.selectors import item_coded, items_found, unit_coded
from backflush.items.services import COST_ELEMENTS, ITEM_FIELDS, ItemIn, add_item, change_items
from backflush.ledger.selectors import items_in_use, waiting_of_item
from backflush.ledger.stock_by_location import places_of, stock_of
from backflush.people.rights import Verb
from backflush.setup_check.findings import About
from backflush.setup_check.selectors import by_thing, examine
from backflush.stockmap.deactivation import offered
from backflush.stockmap.models import Location
from backflush.structures.models import StructureLine
from backflush.structures.selectors import use_counts, where_used
from backflush.structures.services import copy_structure
from backflush.web.display import formats
from backflush.web.forms.dry_run import live_check
from backflush.web.forms.fields import Field, FieldKind, Form, input_text
from backflush.web.forms.values import chosen_in, day_in, optional_number, text_in, whole_in
from backflush.web.lists.filters import FilterForm, choice_of_any
from backflush.web.platform.decorators import by_method, page, posts
from backflush.web.platform.visit import PageRequest, Visit

OPENED_MOST: Final = 40
SHOWN_MOST: Final = 300
QUANTITY_DECIMALS: Final = 6
COST_DECIMALS: Final = 4
SEES_COSTS: Final = (Verb.SEE, Verb.COSTS, Verb.ITEMS, Verb.STRUCTURES)
MADE: Final = {ComponentClass.MADE, ComponentClass.KIT, ComponentClass.SUBCONTRACTED, ComponentClass.PHANTOM}


def item_at(code: str) -> Item:
    """Return the item of an address; 404 if there is none."""
    return item_coded(code, field="")


def sees_costs(visit: Visit) -> bool:
    """Return whether the user may see costs."""
    return any(visit.may(verb) for verb in SEES_COSTS)


# ---- the list ---------------------------------------------------------------------------------------------------


@page(Verb.SEE_WORK)
def items_page(request: PageRequest) -> HttpResponse:
    """List items by code, filtered by code or description, class and group."""
    filters = {name: request.GET.get(name, "").strip() for name in ("q", "class", "group", "type")}
    found = items_found(
        text=filters["q"], component_class=filters["class"], group=filters["group"], type_code=filters["type"]
    )
    listed = page_of(found, request.GET, by=("code",))
    keys = [item.pk for item in listed.rows]
    stock, used = stock_of(request.visit.site, keys), use_counts(keys, day=request.visit.today)
    wrong = by_thing(examine(request.visit.site), About.ITEM) if request.visit.may(Verb.ITEMS) else {}
    return render(
        request,
        "web/items/list.html",
        {
            "page": listed,
            "rows": [
                (item, stock.get(item.pk, Decimal(0)), used.get(item.pk, 0), wrong.get(item.code, []))
                for item in listed.rows
            ],
            "filters": FilterForm("items", Form(_item_filters(), request.GET)),
            "costs": sees_costs(request.visit),
        },
    )


def _item_filters() -> list[Field]:
    groups = ProductGroup.objects.order_by("code").values_list("code", "code")
    type_codes = TypeCode.objects.order_by("code").values_list("code", "code")
    return [
        Field("q", _("Code or description")),
        choice_of_any("class", _("Class"), ComponentClass.choices),
        choice_of_any("group", _("Product group"), list(groups)),
        choice_of_any("type", _("Type code"), list(type_codes)),
    ]


# ---- one item -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A structure line of the tree, with the address that opens or closes its level."""

    costed: CostedLine
    traits: Sequence[str]
    toggles: str
    per_top: Decimal | None
    each: Decimal | None
    amount: Decimal | None
    indent: int


DEEPEST_INDENT: Final = 9
NONE_OPEN: Final = "-"
ALL_OPEN: Final = "all"


@page(Verb.SEE_WORK)
def item_page(request: PageRequest, code: str) -> HttpResponse:
    """Show an item: its costed structure, verdict and stock."""
    item, visit = item_at(code), request.visit
    day = day_in(request.GET, "on") or visit.today
    structure = CostedStructure(visit.site, item, day)
    context: dict[str, Any] = {
        "item": item,
        "day": day,
        "dated": day != visit.today,
        "structure": structure,
        "made": item.component_class in MADE,
        "costs": sees_costs(visit),
        "places": places_of(visit.site, item),
        "waiting": count_up_to(waiting_of_item(visit.site, item)),
        "happens": material_flow(visit.site, item, visit.today),
        "used_in": list(where_used(item, day=visit.today)[:6]),
        "versions": StructureLine.objects.filter(item=item).count(),
        **_tree(structure, request.GET.get("open", ""), request.GET.get("on", "")),
    }
    context["total"] = sum((amount for _place, amount in context["places"]), Decimal(0))
    return render(request, "web/items/item.html", context)


def _tree(structure: CostedStructure, opened_levels: str, on: str) -> dict[str, Any]:
    """Return the visible lines: all of a small structure, else the first level and the opened ones."""
    small = structure.size(OPENED_MOST + 1) <= OPENED_MOST
    everything = opened_levels == ALL_OPEN or (not opened_levels and small)
    opened = None if everything else frozenset(opened_levels.split(","))
    lines = list(structure.rows(opened, SHOWN_MOST + 1))
    cut_off = len(lines) > SHOWN_MOST
    lines = lines[:SHOWN_MOST]
    now_open = {line.path for line in lines if line.open}
    places = Location.objects.in_bulk({line.line.source for line in lines if line.line.source is not None})
    return {
        "rows": [_tree_row(line, now_open, places, on) for line in lines],
        "closed": any(line.opens and not line.open for line in lines),
        "cut_off": cut_off,
        "each": _money(structure.each),
        "outside": _money(structure.outside),
        "fixed": any(line.line.fixed for line in lines),
    }


def _tree_row(line: CostedLine, now_open: set[str], places: Mapping[int, Location], on: str) -> TreeRow:
    toggled = ",".join(sorted(now_open ^ {line.path})) or NONE_OPEN
    return TreeRow(
        costed=line,
        traits=traits_of(line, places),
        toggles=f"?{urlencode({'on': on, 'open': toggled} if on else {'open': toggled})}" if line.opens else "",
        per_top=None if line.per_top is None else plain(round_half_up(line.per_top, QUANTITY_DECIMALS)),
        each=_money(line.each),
        amount=_money(line.amount),
        indent=min(line.level, DEEPEST_INDENT),
    )


def _money(exact: Fraction | None) -> Decimal | None:
    return None if exact is None else round_half_up(exact, COST_DECIMALS)


COMPONENT_CLASS_NAMES: Final = {
    ComponentClass.SUBCONTRACTED.value: lazy("sub-contracted"),
    ComponentClass.KIT.value: lazy("kit"),
}
TRACKING_NAMES: Final = {Tracking.BATCH.value: lazy("batch"), Tracking.SERIAL.value: lazy("serial")}


def traits_of(costed: CostedLine, places: Mapping[int, Location]) -> list[str]:
    """Return the special properties of a line, as short tags."""
    line, item = costed.line, costed.item
    own = places.get(line.source) if line.source is not None else None
    traits = []
    if line.component.phantom:
        traits.append(_("phantom"))
    if (word := COMPONENT_CLASS_NAMES.get(item.component_class)) is not None:
        traits.append(str(word))
    if line.by_hand:
        traits.append(_("by hand"))
    if (word := TRACKING_NAMES.get(item.tracking)) is not None:
        traits.append(str(word))
    if line.fixed:
        traits.append(_("%(fixed)s %(unit)s once") % {"fixed": formats.number(line.fixed), "unit": line.unit})
    if line.supplier_provides:
        traits.append(_("supplier provides"))
    if own is not None:
        traits.append(_("from %(place)s") % {"place": own})
    if costed.per_parent is None:
        traits.append(_("no conversion"))
    return traits


@page(Verb.SEE_WORK)
def used_page(request: PageRequest, code: str) -> HttpResponse:
    """Show the parents of an item, with all versions of the lines."""
    item = item_at(code)
    listed = page_of(where_used(item), request.GET, by=("made", "number", "pk"))
    return render(request, "web/items/used.html", {"item": item, "page": listed, "today": request.visit.today})


# ---- new and changed -----------------------------------------------------------------------------------------------

ELEMENTS: Final = {
    "material": lazy("material"),
    "labour": lazy("labour"),
    "outside": lazy("outside work"),
    "overhead": lazy("overhead"),
}


def item_fields(item: Item | None, *, in_use: bool) -> list[Field]:
    """Return the fields of an item; what may not change once stock has moved is locked."""
    units = offered(Unit.objects.order_by("code"), current_id=item.stock_unit_id if item else None)
    types = offered(TypeCode.objects.order_by("code"), current_id=item.type_code_id if item else None)
    groups = offered(ProductGroup.objects.order_by("code"), current_id=item.product_group_id if item else None)
    locked = _("Stock has moved, or an order uses it, so this can't change.") if in_use else ""
    kind = FieldKind
    return [
        Field("code", _("Code"), required=True, length_max=60,
              locked="" if item is None else _("A code can't be changed.")),
        Field("description", _("Description"), length_max=200),
        Field("class", _("Class"), kind.CHOICE, choices=ComponentClass.choices, also=("component_class",)),
        Field("type_code", _("Type code"), kind.CHOICE, _("Decides how the item is backflushed."),
              choices=[(code.code, f"{code.code} {code.description}") for code in types]),
        Field("product_group", _("Product group"), kind.CHOICE,
              choices=[("", _("none")), *((group.code, f"{group.code} {group.description}") for group in groups)]),
        Field("unit", _("Stock unit"), kind.CHOICE, locked=locked, also=("stock_unit",),
              choices=[(unit.code, f"{unit.code} {unit.name}") for unit in units]),
        Field("decimals", _("Decimals of quantities"), kind.WHOLE, _("0 for whole pieces, 6 at most."), locked=locked,
              also=("quantity_decimals",)),
        Field("tracking", _("Tracking"), kind.CHOICE, locked=locked, choices=_tracking_options()),
        Field("cost_decimals", _("Decimals of costs"), kind.WHOLE),
        Field("abc_class", _("ABC class"), length_max=1),
        Field("stock_min", _("Minimum stock"), kind.QUANTITY),
        Field("stock_max", _("Maximum stock"), kind.QUANTITY),
        Field("batch_size", _("Batch size"), kind.QUANTITY),
        Field("lead_time_days", _("Lead time in days"), kind.WHOLE),
        Field("obsolete_on", _("Obsolete from"), kind.DATE,
              _("Instead of deleting it: past movements still name it.")),
    ]  # fmt: skip


def _tracking_options() -> list[tuple[str, str]]:
    words = {Tracking.NONE: _("none"), Tracking.BATCH: _("batch"), Tracking.SERIAL: _("serial number")}
    return [(str(kind), word) for kind, word in words.items()]


def cost_fields(visit: Visit) -> list[Field]:
    """Return the eight cost fields, for people who may set costs."""
    if not visit.may(Verb.COSTS):
        return []
    kinds = {"standard": _("Standard %(element)s"), "latest": _("Latest %(element)s")}
    return [
        Field(name, kinds[name.partition("_")[0]] % {"element": ELEMENTS[name.partition("_")[2]]}, FieldKind.QUANTITY)
        for name in COST_ELEMENTS
    ]


CALLED: Final = {"component_class": "class", "stock_unit": "unit", "quantity_decimals": "decimals"}
NEW_ITEM: Final = {"class": "B", "decimals": "0", "cost_decimals": "4", "tracking": Tracking.NONE.value}


def item_values(item: Item) -> dict[str, str]:
    """Return the item's values as form entries."""
    values = {CALLED.get(name, name): input_text(getattr(item, name)) for name in ITEM_FIELDS}
    costs = {name: input_text(getattr(item.cost, name)) for name in COST_ELEMENTS} if item.cost else {}
    return {"code": item.code, **values, **costs}


def item_in(request: PageRequest, code: str) -> ItemIn:
    """Read an item from its form."""
    form_data = request.POST
    kind = chosen_in(form_data, "class", ComponentClass.values)
    type_code = TypeCode.objects.filter(code=form_data.get("type_code", "")).first()
    if type_code is None:
        raise NotFound("Choose a type code.", field="type_code")
    costs = {field.name: optional_number(form_data, field.name) for field in cost_fields(request.visit)}
    decimals = whole_in(form_data, "cost_decimals", most=QUANTITY_DECIMALS)
    return ItemIn(
        code=code,
        component_class=kind,
        type_code=type_code,
        stock_unit=unit_coded(form_data.get("unit", "")),
        description=text_in(form_data, "description", empty=True),
        product_group=ProductGroup.objects.filter(code=form_data.get("product_group", "")).first(),
        quantity_decimals=whole_in(form_data, "decimals", most=100) or 0,
        cost_decimals=COST_DECIMALS if decimals is None else decimals,
        tracking=form_data.get("tracking", Tracking.NONE.value),
        abc_class=text_in(form_data, "abc_class", most=1, empty=True),
        stock_min=optional_number(form_data, "stock_min"),
        stock_max=optional_number(form_data, "stock_max"),
        batch_size=optional_number(form_data, "batch_size"),
        lead_time_days=whole_in(form_data, "lead_time_days"),
        obsolete_on=day_in(form_data, "obsolete_on"),
        costs={name: cost for name, cost in costs.items() if cost is not None},
    )


def show_item_form(request: PageRequest, refusal: Refusal | None = None, code: str = "") -> HttpResponse:
    """Show the form of a new item or, with a code, of an existing one."""
    item = item_at(code) if code else None
    in_use = item is not None and bool(items_in_use([item.pk]))
    now = item_values(item) if item is not None else NEW_ITEM
    costs = cost_fields(request.visit)
    form = Form([*item_fields(item, in_use=in_use), *costs], request.POST if request.method == "POST" else now, refusal)
    context = {
        "item": item,
        "form": form,
        "item_fields": [bound for bound in form if bound.field not in costs],
        "cost_fields": [bound for bound in form if bound.field in costs],
    }
    return render(request, "web/items/form.html", context)


@page(Verb.ITEMS)
def new_page(request: PageRequest) -> HttpResponse:
    """Show the form of a new item."""
    return show_item_form(request)


@posts(Verb.ITEMS, again=show_item_form)
def add_page(request: PageRequest) -> HttpResponse:
    """Add an item."""
    item = add_item(item_in(request, text_in(request.POST, "code", most=60)))
    return redirect("item", item.code)


@page(Verb.ITEMS)
def edit_page(request: PageRequest, code: str) -> HttpResponse:
    """Show the form of an existing item."""
    return show_item_form(request, None, code)


@posts(Verb.ITEMS)
def check_part(request: PageRequest, code: str = "") -> HttpResponse:
    """Return the refusal that saving the current entries would get."""

    def save() -> None:
        if code:
            item = item_at(code)
            change_items([(item, item_in(request, code))], in_use=items_in_use([item.pk]))
        else:
            add_item(item_in(request, text_in(request.POST, "code", most=60)))

    form = Form([*item_fields(None, in_use=False), *cost_fields(request.visit)])
    return live_check(request, save, form)


def _show_again(request: PageRequest, refusal: Refusal, code: str) -> HttpResponse:
    return show_item_form(request, refusal, code)


@posts(Verb.ITEMS, again=_show_again)
def change_page(request: PageRequest, code: str) -> HttpResponse:
    """Change an item."""
    item = item_at(code)
    change_items([(item, item_in(request, code))], in_use=items_in_use([item.pk]))
    return redirect("item", code)


# ---- copy a structure ------------------------------------------------------------------------------------------------


def show_copy(request: PageRequest, refusal: Refusal | None, code: str) -> HttpResponse:
    """Show which structure to copy, and the lines that this would copy."""
    item = item_at(code)
    form_data = request.POST if request.method == "POST" else request.GET
    source_code = form_data.get("source", "").strip()
    day, lines, source = request.visit.today, [], None
    try:
        day = day_in(form_data, "on") or day
        source = item_coded(source_code, field="source") if source_code else None
    except Refusal as unread:
        refusal = refusal or unread
    if source is not None:
        lines = list(CostedStructure(request.visit.site, source, day).rows(frozenset(), SHOWN_MOST))
    places = Location.objects.in_bulk({line.line.source for line in lines if line.line.source is not None})
    lines_now = StructureLine.objects.filter(item=item).count()
    fields = [
        Field("source", _("Item"), FieldKind.CODE, codes="items", required=True),
        Field("on", _("In force on"), FieldKind.DATE),
        *([_replace_field(item, lines_now)] if lines and lines_now else []),
    ]
    values = {"source": source_code, "on": day.isoformat(), "replace": form_data.get("replace", "")}
    context = {
        "item": item,
        "source": source,
        "day": day,
        "lines": [(line, traits_of(line, places)) for line in lines],
        "form": Form(fields, values, refusal),
    }
    return render(request, "web/items/copy.html", context)


def _replace_field(item: Item, lines: int) -> Field:
    words = ngettext("Replace the %(number)s line of %(code)s", "Replace the %(number)s lines of %(code)s", lines)
    return Field(
        "replace",
        words % {"number": lines, "code": item.code},
        FieldKind.CHECKBOX,
        _("Existing orders keep their own copies."),
    )


@page(Verb.STRUCTURES)
def copy_form_page(request: PageRequest, code: str) -> HttpResponse:
    """Preview the structure to copy."""
    return show_copy(request, None, code)


@posts(Verb.STRUCTURES, again=show_copy)
def copy_page(request: PageRequest, code: str) -> HttpResponse:
    """Copy a structure."""
    item = item_at(code)
    copy_structure(
        source=item_coded(request.POST.get("source", "").strip(), field="source"),
        item=item,
        day=day_in(request.POST, "on") or request.visit.today,
        site=request.visit.site,
        replace=bool(request.POST.get("replace")),
    )
    return redirect("item", code)


urlpatterns = [
    path("items/", items_page, name="items"),
    path("items/check/", check_part, name="item-live-check-new"),
    path("items/check/<path:code>/", check_part, name="item-live-check"),
    path("items/new/", by_method(new_page, add_page), name="item-new"),
    path("items/edit/<path:code>/", by_method(edit_page, change_page), name="item-edit"),
    path("items/copy/<path:code>/", by_method(copy_form_page, copy_page), name="item-copy"),
    path("items/used/<path:code>/", used_page, name="item-used"),
    path("items/code/<path:code>/", item_page, name="item"),
]
