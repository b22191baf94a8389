"""Count sheets: the list, making one, the sheet with its lines, its print, and approving, closing or cancelling it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from backflush.core.input_values import read_whole
from backflush.core.refusals import InvalidValue, Refusal, RemarksRequired
from backflush.counts.approval import approve_counts, reject_counts
from backflush.counts.models import CountSheet, CountStatus, SheetLine, SheetStatus
from backflush.counts.sheet_progress import (
    LineShown,
    LineState,
    Progress,
    progress_of,
    sheet_lines,
    sheets,
    shown_lines,
)
from backflush.counts.sheets import (
    LINES_MOST,
    SheetIn,
    approve_sheet,
    cancel_sheet,
    close_sheet,
    make_sheet,
    sheet_numbered,
)
from backflush.delivery.pagination import page_of
from backflush.items.models import ComponentClass, Item, ProductGroup
from backflush.people.rights import Verb
from backflush.people.selectors import people_who_may, user_named
from backflush.stockmap.selectors import place_names
from backflush.web.display import badges
from backflush.web.forms.fields import Field, FieldKind, Form
from backflush.web.forms.standard_fields import remarks_field
from backflush.web.forms.values import pks_in
from backflush.web.platform.decorators import by_method, page, posts
from backflush.web.platform.visit import PageRequest, Visit

SUGGESTED_MOST: Final = 200
COUNTERS_MOST: Final = 30
PRINTED_AT_ONCE: Final = 200
UNFINISHED: Final = "unfinished"
COUNTING: Final = (Verb.COUNT, Verb.APPROVE_COUNTS)
_REASON: Final = Field("reason", lazy("Reason"), optional=True, length_max=500)
CLASSES: Final = {
    ComponentClass.BOUGHT: lazy("bought in"),
    ComponentClass.MADE: lazy("manufactured"),
    ComponentClass.SUBCONTRACTED: lazy("sub-contracted"),
    ComponentClass.KIT: lazy("kit"),
}


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A sheet of the list: what it is for, and how far it is."""

    sheet: CountSheet
    words: str
    badge: badges.Badge
    progress: Progress


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line of a sheet with its badge, and whether this person may approve or reject its count."""

    shown: LineShown
    badge: badges.Badge
    may_decide: bool


@page()
def sheets_page(request: PageRequest) -> HttpResponse:
    """List the count sheets, the latest first."""
    status = request.GET.get("status", "")
    if status and status not in SheetStatus.values:
        raise InvalidValue("Choose from the list.", field="status")
    listed = page_of(sheets(request.visit.site, status=status), request.GET, by=("id",), descending=True)
    progress = progress_of(listed.rows)
    context = {
        "page": listed,
        "rows": [SheetRow(one, sheet_words(one), badges.SHEET[one.status], progress[one.pk]) for one in listed.rows],
        "status": status,
        "statuses": [(one.value, badges.SHEET[one].word) for one in SheetStatus],
        "may_count": Verb.COUNT in request.visit.verbs,
    }
    return render(request, "web/stock/counts/sheets.html", context)


def sheet_words(sheet: CountSheet) -> str:
    """Return in words by what the lines of a sheet were chosen."""
    chosen: Mapping[str, Any] = sheet.selection
    words = [
        *([", ".join(chosen["locations"])] if chosen.get("locations") else []),
        *([", ".join(chosen["items"])] if chosen.get("items") else []),
        *([str(CLASSES.get(chosen["component_class"], ""))] if chosen.get("component_class") else []),
        *([_("ABC class %(name)s") % {"name": chosen["abc_class"]}] if chosen.get("abc_class") else []),
        *([_("group %(name)s") % {"name": chosen["product_group"]}] if chosen.get("product_group") else []),
        *([_("backflushed items")] if chosen.get("backflushed") else []),
        *([_("where something is unresolved")] if chosen.get("unresolved") else []),
        *([_("what to count next")] if chosen.get("balances") else []),
    ]
    if sheet.sample_of is not None:
        sample = _("random sample of %(number)s from %(of)s, seed %(seed)s")
        words.append(sample % {"number": chosen.get("sample"), "of": sheet.sample_of, "seed": sheet.seed})
    return "; ".join(words) or _("everything in stock")


# ---- making one ---------------------------------------------------------------------------------------------------


def _new_fields(visit: Visit) -> list[Field]:
    abc = Item.objects.exclude(abc_class="").values_list("abc_class", flat=True).distinct().order_by("abc_class")
    groups = ProductGroup.objects.filter(ended_on__isnull=True).order_by("code").values_list("code", flat=True)
    people = people_who_may(visit.site, Verb.COUNT, most=COUNTERS_MOST)
    anything = [("", _("any"))]
    return [
        Field(
            "locations",
            _("Locations or stores"),
            hint=_("Separate several with commas. Leave it empty for all."),
            suggestions=place_names(visit.site, most=SUGGESTED_MOST, in_use=True),
        ),
        Field("items", _("Items"), hint=_("Separate several with commas. Leave it empty for all.")),
        Field("component_class", _("Item class"), FieldKind.CHOICE, choices=[*anything, *CLASSES.items()]),
        Field("abc_class", _("ABC class"), FieldKind.CHOICE, choices=[*anything, *((one, one) for one in abc)]),
        Field("product_group", _("Product group"), FieldKind.CHOICE, choices=[*anything, *((g, g) for g in groups)]),
        Field("backflushed", _("Only items that are backflushed"), FieldKind.CHECKBOX),
        Field("unresolved", _("Only where something is unresolved"), FieldKind.CHECKBOX),
        Field(
            "with_zero",
            _("Also where the book says zero"),
            FieldKind.CHECKBOX,
            hint=_("Where something is unresolved, it is on the sheet anyway."),
        ),
        Field(
            "sample",
            _("Random sample of"),
            FieldKind.WHOLE,
            hint=_("How many balances to draw. Leave it empty for all."),
            look="narrow",
        ),
        Field("seed", _("Seed"), hint=_("Any text. The same seed draws the same sample again."), look="narrow"),
        Field("title", _("Title"), optional=True, length_max=100),
        Field(
            "blind",
            _("Blind"),
            FieldKind.CHECKBOX,
            hint=_("The counters see the book quantity only after they have counted."),
        ),
        Field(
            "counters",
            _("Who counts"),
            FieldKind.CHECKBOXES,
            hint=_("Several people share the lines in equal parts. Choose nobody, and anyone may count any line."),
            choices=[(one.username, one.name) for one in people],
        ),
    ]


def _show_new(request: PageRequest, refusal: Refusal | None) -> HttpResponse:
    values: Any = request.POST if request.method == "POST" else request.GET
    form = Form(_new_fields(request.visit), values, refusal)
    return render(request, "web/stock/counts/new_sheet.html", {"form": form})


@page(Verb.COUNT)
def new_sheet_page(request: PageRequest) -> HttpResponse:
    """Show the form of a new sheet."""
    return _show_new(request, None)


@posts(Verb.COUNT, again=_show_new)
def make(request: PageRequest) -> HttpResponse:
    """Make a sheet. Pressed twice, it finds the balances on the sheet that was just made, and refuses."""
    form_data = request.POST
    sample = form_data.get("sample", "").strip()
    made = make_sheet(
        SheetIn(
            locations=_names(form_data.get("locations", "")),
            items=_names(form_data.get("items", "")),
            balances=[pair for text in form_data.getlist("balance") if (pair := _pair(text))],
            component_class=form_data.get("component_class", ""),
            abc_class=form_data.get("abc_class", ""),
            product_group=form_data.get("product_group", ""),
            backflushed=bool(form_data.get("backflushed")),
            unresolved=bool(form_data.get("unresolved")),
            with_zero=bool(form_data.get("with_zero")),
            sample=read_whole(sample, field="sample", least=1, most=LINES_MOST) if sample else None,
            seed=form_data.get("seed", "").strip(),
            title=form_data.get("title", "").strip(),
            blind=bool(form_data.get("blind")),
            counters=[user_named(name) for name in form_data.getlist("counters")[:COUNTERS_MOST]],
        ),
        site=request.visit.site,
        by=request.user,
    )
    elsewhere = f"?elsewhere={made.elsewhere}" if made.elsewhere else ""
    return redirect(f"{reverse('count-sheet', args=[made.sheet.pk])}{elsewhere}")


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _pair(text: str) -> tuple[str, str] | None:
    """Return item and location of a balance that was ticked: the location's path, a tab, the item's code."""
    location, tab, item = text.partition("\t")
    return (item, location) if tab and item and location else None


# ---- one sheet ----------------------------------------------------------------------------------------------------


def _show(request: PageRequest, refusal: Refusal | None, number: int) -> HttpResponse:
    visit = request.visit
    sheet = sheet_numbered(visit.site, number)
    state = request.GET.get("state", "")
    if state not in {"", UNFINISHED, *LineState}:
        raise InvalidValue("Choose from the list.", field="state")
    progress = progress_of([sheet])[sheet.pk]
    listed = page_of(sheet_lines(sheet, state=state), request.GET, by=("position", "id"))
    rows = [_row(visit, one) for one in shown_lines(listed.rows)]
    context = {
        "sheet": sheet,
        "words": sheet_words(sheet),
        "badge": badges.SHEET[sheet.status],
        "progress": progress,
        "is_open": sheet.status == SheetStatus.OPEN,
        "page": listed,
        "rows": rows,
        "state": state,
        "states": _state_choices(progress),
        "form": Form([remarks_field(_("Reason")), _REASON], request.POST, refusal),
        "elsewhere": _elsewhere(request.GET.get("elsewhere", "")),
        "deciding": any(row.may_decide for row in rows),
        "may_count": Verb.COUNT in visit.verbs,
        "may_approve": Verb.APPROVE_COUNTS in visit.verbs,
    }
    return render(request, "web/stock/counts/sheet.html", context)


def _elsewhere(text: str) -> str:
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        return ""
    number = int(text)
    words = ngettext(
        "%(number)s balance is on another open sheet and was left out.",
        "%(number)s balances are on other open sheets and were left out.",
        number,
    )
    return words % {"number": number}


def _row(visit: Visit, shown: LineShown) -> LineRow:
    count = shown.line.count
    waits = count is not None and CountStatus(count.status).open and count.counted_by_id != visit.user.pk
    return LineRow(shown, badges.SHEET_LINE[shown.state], waits and Verb.APPROVE_COUNTS in visit.verbs)


def _state_choices(progress: Progress) -> list[tuple[str, Any, int]]:
    choices = [
        ("", _("All"), progress.lines),
        (UNFINISHED, _("Not finished"), progress.unfinished),
        (LineState.NOT_COUNTED.value, badges.SHEET_LINE[LineState.NOT_COUNTED].word, progress.not_counted),
        (LineState.BEYOND.value, badges.SHEET_LINE[LineState.BEYOND].word, progress.beyond),
        (LineState.TO_APPROVE.value, badges.SHEET_LINE[LineState.TO_APPROVE].word, progress.to_approve),
        (LineState.NOT_POSTED.value, badges.SHEET_LINE[LineState.NOT_POSTED].word, progress.not_posted),
    ]
    return [choice for place, choice in enumerate(choices) if place < 2 or choice[2]]


@page()
def sheet_page(request: PageRequest, number: int) -> HttpResponse:
    """Show a sheet with its lines, and what isn't finished."""
    return _show(request, None, number)


@posts(Verb.APPROVE_COUNTS, again=_show)
def decide(request: PageRequest, number: int) -> HttpResponse:
    """Approve or reject the counts that were ticked, or approve all of the sheet that wait."""
    site, decision = request.visit.site, request.POST.get("decision", "")
    remarks = request.POST.get("remarks", "").strip()
    if decision == "all":
        approve_sheet(site=site, sheet=number, by=request.user, remarks=remarks)
    else:
        chosen = pks_in(request.POST.getlist("count"), field="count")
        if not chosen:
            raise InvalidValue("Tick the counts to approve or reject.", field="count")
        of_sheet = SheetLine.objects.filter(site=site, sheet=number, count__in=chosen)
        if of_sheet.count() != len(set(chosen)):
            raise InvalidValue("Tick counts of this sheet.", field="count")
        settle = reject_counts if decision == "reject" else approve_counts
        settle(site=site, counts=chosen, by=request.user, remarks=remarks)
    return redirect("count-sheet", number)


@posts(Verb.COUNT, again=_show)
def end(request: PageRequest, number: int) -> HttpResponse:
    """Close or cancel a sheet."""
    settle = cancel_sheet if request.POST.get("decision") == "cancel" else close_sheet
    remarks = request.POST.get("reason", "").strip()
    try:
        settle(site=request.visit.site, sheet=number, by=request.user, remarks=remarks)
    except RemarksRequired as refusal:
        refusal.field = _REASON.name
        raise
    return redirect("count-sheet", number)


@page()
def print_page(request: PageRequest, number: int) -> HttpResponse:
    """Show a sheet on paper: place, bin, item, a box to write in, and a QR code that opens the line on a phone.

    The book quantity is printed unless the line is counted blind.
    """
    sheet = sheet_numbered(request.visit.site, number)
    listed = page_of(sheet_lines(sheet), request.GET, by=("position", "id"), size=PRINTED_AT_ONCE)
    expected = {shown.line.pk: shown.expected for shown in shown_lines(listed.rows)}
    entry = request.build_absolute_uri(reverse("sheet-entry", args=[sheet.pk]))
    context = {
        "sheet": sheet,
        "words": sheet_words(sheet),
        "page": listed,
        "lines": [(line, expected[line.pk], f"{entry}?line={line.pk}") for line in listed.rows],
        "shows_book": any(quantity is not None for quantity in expected.values()),
        "entry": entry,
    }
    return render(request, "web/stock/counts/print.html", context)


urlpatterns: Sequence[Any] = [
    path("stock/counts/sheets/", sheets_page, name="count-sheets"),
    path("stock/counts/sheets/new/", by_method(new_sheet_page, make), name="new-count-sheet"),
    path("stock/counts/sheets/<int:number>/", sheet_page, name="count-sheet"),
    path("stock/counts/sheets/<int:number>/decide/", decide, name="count-sheet-decide"),
    path("stock/counts/sheets/<int:number>/end/", end, name="count-sheet-end"),
    path("stock/counts/sheets/<int:number>/print/", print_page, name="count-sheet-print"),
]
