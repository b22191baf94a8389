"""Import a file in the browser: choose it, see what was understood of it, correct that, import."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from backflush.booking_kinds import KINDS
from backflush.core.refusals import InvalidValue, Refusal
from backflush.imports.cell_types import SHOWN, STORED
from backflush.imports.column_matches import (
    COMMA,
    DAY_FIRST,
    LEFT_OUT,
    MONTH_FIRST,
    POINT,
    Choices,
    column_names,
    columns_made,
    columns_missing,
)
from backflush.imports.columns import TABLES
from backflush.imports.files import Understanding
from backflush.imports.models import Upload
from backflush.imports.services import ImportReport, import_data
from backflush.imports.uploads import PASTED, as_path, keep_upload, upload_of
from backflush.items.models import TypeCode
from backflush.people.rights import Verb
from backflush.web.forms.fields import Field, FieldKind, Form
from backflush.web.forms.values import whole_in
from backflush.web.platform.decorators import by_method, page, posts
from backflush.web.platform.visit import PageRequest, Visit

FAULTS_SHOWN: Final = 100
BOOKED: Final = frozenset(kind.table for kind in KINDS)
"""The tables of bookings."""
HEADING: Final = "heading-"
VALUE: Final = "value-"
FILE_KINDS: Final = ".csv,.txt,.tsv,.xlsx,.xlsm,.ods,.xls"
IMPORTED_BY: Final[Mapping[str, Sequence[Verb]]] = {
    "sites": (Verb.PEOPLE,),
    "units": (Verb.UNITS,),
    "conversions": (Verb.UNITS,),
    "stores": (Verb.STOCK_MAP,),
    "locations": (Verb.STOCK_MAP,),
    "bins": (Verb.STOCK_MAP,),
    "suppliers": (Verb.STOCK_MAP,),
    "actions": (Verb.ACTIONS,),
    "rules": (Verb.RULES,),
    "product_groups": (Verb.ITEMS,),
    "type_codes": (Verb.TYPE_CODES,),
    "items": (Verb.ITEMS,),
    "structures": (Verb.STRUCTURES,),
    "opening_stock": (Verb.OPEN_STOCK,),
    "count_tolerances": (Verb.APPROVE_COUNTS,),
    "counts": (Verb.COUNT,),
    "purchase_orders": (Verb.PURCHASE,),
    "works_orders": (Verb.RELEASE, Verb.COMPLETE, Verb.CANCEL_ORDERS),
    "bookings": (Verb.BOOK,),
    "receipts": (Verb.RECEIVE,),
    "productions": (Verb.PRODUCE,),
}
"""The rights that a table takes, all of them: those of the pages where its rows are entered."""
IMPORTING: Final = tuple(dict.fromkeys(verb for verbs in IMPORTED_BY.values() for verb in verbs))


def may_import(visit: Visit, table: str) -> bool:
    """Return whether a user may import a table."""
    return all(map(visit.may, IMPORTED_BY[table]))


@dataclass(frozen=True, slots=True)
class MatchRow:
    """A column of the file with what it may be, for the table in which the user corrects it."""

    number: int
    heading: str
    column: str
    sample: str
    how: str


def _first_fields(visit: Visit) -> list[Field]:
    tables = [(name, name.replace("_", " ")) for name in TABLES if may_import(visit, name)]
    hint = _("CSV, XLSX or ODS, as your program saves it.")
    return [
        Field("file", _("File"), FieldKind.FILE, hint, accept=FILE_KINDS),
        Field("text", _("Or paste from a spreadsheet, with its headings"), FieldKind.TEXTAREA),
        Field("table", _("What it is"), FieldKind.CHOICE, choices=[("", _("find out from the columns")), *tables]),
    ]


def _answer_fields(visit: Visit, understanding: Understanding | None) -> list[Field]:
    """Return the questions that a file may leave open."""
    of_structures = understanding is not None and understanding.table == "structures"
    codes = [("", _("no new items")), *((code, code) for code in TypeCode.objects.values_list("code", flat=True))]
    fields = [
        Field(
            "decimal",
            _("Decimal sign"),
            FieldKind.CHOICE,
            choices=[("", _("as the file tells")), (COMMA, _("comma: 1.000 is a thousand")), (POINT, _("point"))],
        ),
        Field(
            "dates",
            _("Dates like 03/04/2026"),
            FieldKind.CHOICE,
            choices=[("", _("are refused")), (DAY_FIRST, _("day first")), (MONTH_FIRST, _("month first"))],
        ),
        Field(
            "cells",
            _("Cells that show another number than they contain"),
            FieldKind.CHOICE,
            choices=[("", _("are refused")), (SHOWN, _("as shown")), (STORED, _("as contained"))],
        ),
    ]
    if understanding is not None and understanding.table in BOOKED:
        choices = [("", _("are refused")), ("same", _("are the same")), ("new", _("are new"))]
        label = _("Bookings without key and date like some of an earlier day")
        fields.append(Field("undated", label, FieldKind.CHOICE, choices=choices))
    if of_structures:
        fields.insert(
            0, Field("item", _("Parent of lines that name none"), FieldKind.CODE, codes="items", optional=True)
        )
        if may_import(visit, "items"):
            fields += [
                Field("new-B", _("Type code of new components"), FieldKind.CHOICE, choices=codes),
                Field("new-M", _("Type code of new items with lines"), FieldKind.CHOICE, choices=codes),
            ]
    if may_import(visit, "units"):
        fields.append(Field("new_units", _("Add units that aren't there"), FieldKind.CHECKBOX))
    fields.append(Field("update", _("Change what is there and differs"), FieldKind.CHECKBOX))
    if of_structures:
        hint = _("Only together with changing.")
        fields.append(Field("replace", _("Remove lines that the file leaves out"), FieldKind.CHECKBOX, hint))
    return fields


@page(*IMPORTING)
def import_page(request: PageRequest) -> HttpResponse:
    """Ask for a file."""
    return _ask(request, None)


def _ask(request: PageRequest, refusal: Refusal | None) -> HttpResponse:
    form = Form(_first_fields(request.visit), request.POST, refusal)
    return render(request, "web/exchange/import.html", {"form": form})


@posts(*IMPORTING, again=_ask)
def upload(request: PageRequest) -> HttpResponse:
    """Keep a file, and show what is understood of it."""
    file, text = request.FILES.get("file"), request.POST.get("text", "")
    if file is None and not text.strip():
        raise InvalidValue("Choose a file, or paste the rows.", field="file")
    table = request.POST.get("table", "").strip()
    content = file.read() if file is not None else text.encode()
    name = (file.name or PASTED) if file is not None else PASTED
    kept = keep_upload(name=name, content=content, site=request.visit.site, by=request.user)
    return _look(request, kept, QueryDict(urlencode({"table": table})))


def _choices(sent: QueryDict, *, accept: bool) -> Choices:
    """Return the answers of the form. Refusals: `InvalidValue`."""
    answers = {name: str(sent[name]).strip() for name in sent}
    columns = {
        heading: answers.get(f"column-{name.removeprefix(HEADING)}", LEFT_OUT)
        for name, heading in answers.items()
        if name.startswith(HEADING) and heading
    }
    values = {name.removeprefix(VALUE): value for name, value in answers.items() if name.startswith(VALUE) and value}
    if answers.get("item"):
        values["item"] = answers["item"]
    return Choices(
        table=answers.get("table", ""),
        columns=columns,
        values=values,
        decimal=answers.get("decimal", ""),
        dates=answers.get("dates", ""),
        cells=answers.get("cells", ""),
        undated=answers.get("undated", ""),
        new_items={one: answers[f"new-{one}"] for one in ("B", "M") if answers.get(f"new-{one}")},
        new_units=bool(answers.get("new_units")),
        accept=accept,
    )


def _run(request: PageRequest, kept: Upload, sent: QueryDict, *, check: bool) -> ImportReport:
    visit = request.visit
    update = bool(sent.get("update"))
    with as_path(kept) as file:
        return import_data(
            file,
            by=request.user.username,
            update=update,
            replace=update and bool(sent.get("replace")),
            check=check,
            site=visit.site.code,
            only_site=visit.site.code,
            may=lambda table: may_import(visit, table),
            choices=_choices(sent, accept=not check),
        )


def _answers_digest(sent: QueryDict) -> str:
    """Return a digest of the answers, by which the server knows that what it imports is what was shown."""
    own = ("csrfmiddlewaretoken", "upload", "seen", "do")
    answers = sorted((name, sent.getlist(name)) for name in sent if name not in own and any(sent.getlist(name)))
    return hashlib.sha256(json.dumps(answers).encode()).hexdigest()


def _look(request: PageRequest, kept: Upload, sent: QueryDict) -> HttpResponse:
    return _show(request, kept, sent, _run(request, kept, sent, check=True), None)


def _show(
    request: PageRequest, kept: Upload, sent: QueryDict, report: ImportReport, refusal: Refusal | None
) -> HttpResponse:
    """Show what was understood of a file, and what an import would do."""
    understanding = next((one for one in report.understandings if not one.own), None)
    understanding = understanding or next(iter(report.understandings), None)
    form = Form(_answer_fields(request.visit, understanding), sent, refusal)
    shown = _as_sent(sent, understanding)
    context: dict[str, Any] = {
        "upload": kept,
        "form": form,
        "report": report,
        "understood": understanding,
        "several": report.understandings if len(report.understandings) > 1 else (),
        "rows": _match_rows(understanding),
        "columns": column_names(TABLES[understanding.table]) if understanding else {},
        "missing": _missing(understanding, sent),
        "table": sent.get("table", "") or (understanding.table if understanding and not understanding.own else ""),
        "tables": [name for name in TABLES if may_import(request.visit, name)],
        "faults": report.findings[:FAULTS_SHOWN],
        "more": max(len(report.findings) - FAULTS_SHOWN, 0),
        "counts": [(name, count) for name, count in report.counts.items() if count.rows],
        "removed": [name for count in report.counts.values() for name in count.removed],
        "seen": _answers_digest(shown),
    }
    return render(request, "web/exchange/import_look.html", context)


def _as_sent(sent: QueryDict, understanding: Understanding | None) -> QueryDict:
    """Return the answers as the shown form will send them."""
    shown = sent.copy()
    if understanding is None:
        return shown
    if not understanding.own:
        shown["table"] = sent.get("table", "") or understanding.table
        for row in _match_rows(understanding):
            shown[f"heading-{row.number}"], shown[f"column-{row.number}"] = row.heading, row.column
    return shown


def _match_rows(understanding: Understanding | None) -> list[MatchRow]:
    if understanding is None or understanding.own:
        return []
    first = understanding.first_cells
    return [
        MatchRow(number, match.heading, match.column, first[number] if number < len(first) else "", match.how)
        for number, match in enumerate(understanding.matches)
        if match.heading
    ]


def _missing(understanding: Understanding | None, sent: QueryDict) -> list[tuple[str, str, str]]:
    """Return the needed columns that the file doesn't have, each with its meaning and the value for all rows."""
    if understanding is None or understanding.own:
        return []
    table = TABLES[understanding.table]
    there = {match.column for match in understanding.matches}
    asked = [name for name in columns_missing(table, {*there, *columns_made(table, there)}) if name != "item"]
    asked += [name.removeprefix(VALUE) for name in sent if name.startswith(VALUE) and sent[name]]
    meanings = column_names(table)
    return [
        (name, meanings[name], str(sent.get(f"{VALUE}{name}", ""))) for name in dict.fromkeys(asked) if name in meanings
    ]


def _again(request: PageRequest, refusal: Refusal) -> HttpResponse:
    try:
        kept = upload_of(whole_in(request.POST, "upload") or 0, site=request.visit.site, by=request.user)
        report = _run(request, kept, request.POST, check=True)
    except Refusal:
        return _ask(request, refusal)
    return _show(request, kept, request.POST, report, refusal)


@posts(*IMPORTING, again=_again)
def look_or_import(request: PageRequest) -> HttpResponse:
    """Import a file as it was shown; where the answers were changed since, show it again first."""
    kept = upload_of(whole_in(request.POST, "upload") or 0, site=request.visit.site, by=request.user)
    unchanged = request.POST.get("seen") == _answers_digest(request.POST)
    if request.POST.get("do") != "import" or not unchanged:
        return _look(request, kept, request.POST)
    report = _run(request, kept, request.POST, check=False)
    if not report.applied:
        return _show(request, kept, request.POST, report, None)
    kept.delete()
    context = {"report": report, "counts": [(name, count) for name, count in report.counts.items() if count.rows]}
    return render(request, "web/exchange/imported.html", context)


@page(*IMPORTING)
def look_again(request: PageRequest) -> HttpResponse:
    """Begin again where the page is opened by its address."""
    return redirect("import")


urlpatterns = [
    path("import/", by_method(import_page, upload), name="import"),
    path("import/look/", by_method(look_again, look_or_import), name="import-look"),
]
