"""Stock transfers between sites: send with a note, receive from a note, and list transfers in transit.

A note can be printed. Its QR code holds the whole note while that is short enough to scan; otherwise it holds the
transfer's name, which is enough for a site of the same database.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from backflush.core.refusals import InvalidValue, Refusal
from backflush.delivery.pagination import page_of
from backflush.handling.models import StockTransfer
from backflush.handling.transfer_queries import (
    arrived_transfer,
    notes_of,
    open_transfers,
    preview_receiving,
    preview_sending,
    sent_transfer,
    to_arrive,
    transfer_values,
)
from backflush.handling.transfers import Note, NoteLine, Sending, arrive, confirm_arrivals, read_note, send_to_site
from backflush.items.models import Item
from backflush.items.selectors import find_items, stock_quantity_of
from backflush.people.rights import Verb
from backflush.stockmap.models import Site
from backflush.unresolved.arrivals import proposed_by
from backflush.web.forms.edit_table import (
    EditTable,
    RowFaults,
    RowsRefused,
    TableRow,
    changes_rows,
    entered_rows,
    read_rows,
)
from backflush.web.forms.fields import Field, FieldKind, Form
from backflush.web.forms.standard_fields import remarks_field
from backflush.web.forms.values import amount_in, serials_in, text_in
from backflush.web.items.views import sees_costs
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest

BEGUN_BY: Final = ("item", "quantity", "source")
"""A row in which none of these is filled in isn't a line."""
NOTE_MOST: Final = 1_000_000
"""The most characters of a note."""
QR_MOST: Final = 1_200
"""The most characters that a printed QR code can hold and still be scanned."""


@page()
def list_page(request: PageRequest) -> HttpResponse:
    """List the transfers in transit to and from this site."""
    visit = request.visit
    outgoing = page_of(open_transfers(visit.site), request.GET, by=("pk",))
    context = {
        "page": outgoing,
        "outgoing": _rows(outgoing.rows),
        "incoming": _rows(to_arrive(visit.site)),
        "costs": sees_costs(visit),
        "may": visit.may(Verb.MOVE),
    }
    return render(request, "web/stock/transfers/list.html", context)


@dataclass(frozen=True, slots=True)
class TransferRow:
    """A transfer for the list."""

    sent: StockTransfer
    lines: Sequence[NoteLine]
    worth: Decimal

    @property
    def items(self) -> str:
        """The items of the transfer, by code."""
        return ", ".join(sorted({line.item for line in self.lines}))


def _rows(transfers: Sequence[StockTransfer]) -> list[TransferRow]:
    worth = transfer_values(transfers)
    notes = notes_of(transfers)
    return [TransferRow(one, note.lines, worth[one.pk]) for one, note in zip(transfers, notes, strict=True)]


# ---- sending ----------------------------------------------------------------------------------------------------


def _columns() -> list[Field]:
    return [
        Field("item", _("Item"), FieldKind.CODE, codes="items"),
        Field("quantity", _("Quantity"), FieldKind.QUANTITY),
        Field("source", _("From-location"), FieldKind.CODE, codes="locations", also=("location",)),
        Field("bin", _("Bin")),
        Field("batch", _("Batch")),
        Field("serials", _("Serial numbers"), also=("serial",)),
    ]


def _lines_in(rows: Sequence[TableRow]) -> dict[int, Sending]:
    """Read the rows as lines, by the index of their row. Everything unreadable is refused together, at its cell."""
    faults, lines = RowFaults(), {}
    for row in entered_rows(rows, BEGUN_BY):
        with faults.at(row, "item"):
            if not row.value("item"):
                raise InvalidValue("Enter the item.")
        with faults.at(row, "source"):
            if not row.value("source"):
                raise InvalidValue("Enter the location that it is taken from.")
        if faults.has(row):
            continue
        with faults.at(row, "quantity"):
            serials = serials_in(row.values, "serials")
            if serials and not row.value("quantity"):
                quantity = Decimal(len(serials))
            else:
                quantity = stock_quantity_of(row.value("item"), amount_in(row.values, "quantity"), field="quantity")
            lines[row.index] = Sending(
                item=row.value("item"),
                quantity=quantity,
                source=row.value("source"),
                bin=row.value("bin"),
                batch=row.value("batch"),
                serials=serials,
            )
    faults.require_none()
    return lines


def _at_its_row(refusal: Refusal, lines: Mapping[int, Sending], site: Site) -> Refusal:
    """Return a refusal of all lines together as one of the line that causes it, if one line does."""
    columns = {name for column in _columns() for name in column.names}
    for index, line in lines.items():
        try:
            preview_sending([line], site=site)
        except Refusal as own:
            own.field = f"{own.field}-{index}" if own.field in columns else own.field
            return own
    return refusal


def _preview(request: PageRequest, form_data: QueryDict) -> dict[str, Any]:
    """Return what each line would take and what would be left; empty while no line is complete."""
    rows = [
        row
        for row in read_rows(form_data, _columns())
        if row.value("item") and row.value("source") and (row.value("quantity") or row.value("serials"))
    ]
    if not entered_rows(rows, BEGUN_BY):
        return {}
    lines: dict[int, Sending] = {}
    try:
        lines = _lines_in(rows)
        left = preview_sending(list(lines.values()), site=request.visit.site)
    except RowsRefused as refusal:
        return {"preview_refusal": next(iter(refusal.cells.values()))}
    except Refusal as refusal:
        return {"preview_refusal": _at_its_row(refusal, lines, request.visit.site)}
    items = find_items({line.item for line in lines.values()})
    return {"takes": [(line, items[line.item], behind) for line, behind in zip(lines.values(), left, strict=True)]}


def _show_send(request: PageRequest, refusal: Refusal | None) -> HttpResponse:
    form_data = request.POST if request.method == "POST" else request.GET
    rows = read_rows(form_data, _columns())
    items = find_items({row.value("item") for row in rows})
    for row in rows:
        if item := items.get(row.value("item")):
            row.notes = {"item": item.description}
    hint = _("Rows without an item are left out.")
    table = EditTable(_columns(), rows, label=_("Lines, table"), secondary=("bin", "batch", "serials"), hint=hint)
    sites = [(site.code, f"{site.code} {site.name}") for site in Site.objects.exclude(pk=request.visit.site.pk)]
    choices = sites if len(sites) == 1 else [("", _("Choose")), *sites]
    number_hint = _("Printed on the transfer note. Keep this number, or enter your own.")
    fields = [
        Field("to", _("To site"), FieldKind.CHOICE, _no_site_hint() if not sites else "", choices=choices),
        Field("number", _("Number"), hint=number_hint, required=True, length_max=100),
        remarks_field(),
    ]
    new_number = f"{request.visit.today:%y%m%d}-{uuid4().hex[:5].upper()}"
    values = {**form_data.dict(), "number": form_data.get("number") or new_number}
    context = {"form": Form(fields, values, refusal, table=table), **_preview(request, form_data)}
    return render(request, "web/stock/transfers/send.html", context)


def _no_site_hint() -> str:
    add = reverse("set-up-list", args=["sites"])
    return format_html('{} <a href="{}">{}</a>', _("There is no other site."), add, _("Add a site"))


@page(Verb.MOVE)
def send_page(request: PageRequest) -> HttpResponse:
    """Show the form to send stock."""
    return _show_send(request, None)


@posts(Verb.MOVE)
def send_preview_part(request: PageRequest) -> HttpResponse:
    """Show what would leave, while the form is being filled in."""
    return render(request, "web/stock/transfers/send_preview.html", _preview(request, request.POST))


@posts(Verb.MOVE, again=_show_send)
def send(request: PageRequest) -> HttpResponse:
    """Send the stock; or only add, remove or restore a row. The transfer number makes a double click send once."""
    form_data, site = request.POST, request.visit.site
    if changes_rows(form_data):
        return _show_send(request, None)
    lines = _lines_in(read_rows(form_data, _columns()))
    if not form_data.get("to"):
        raise InvalidValue("Choose the site to send to.", field="to")
    try:
        sent = send_to_site(
            site=site,
            to=form_data["to"],
            lines=list(lines.values()),
            by=request.user,
            number=text_in(form_data, "number", most=100),
            remarks=form_data.get("remarks", "").strip(),
        )
    except Refusal as refusal:
        raise _at_its_row(refusal, lines, site) from None
    return redirect(f"{reverse('transfer-sent', args=[sent.other.code, sent.number])}?done=1")


@page()
def sent_page(request: PageRequest, to: str, number: str) -> HttpResponse:
    """Show a sent transfer with its note, to print or to take along."""
    one = sent_transfer(request.visit.site.code, to, number)
    note = notes_of([one])[0]
    whole = json.dumps(note.as_payload(), ensure_ascii=False, separators=(",", ":"))
    context = {
        "one": one,
        "note": note,
        "lines": _with_items(note),
        "worth": transfer_values([one])[one.pk] if sees_costs(request.visit) else None,
        "whole": whole,
        "code": whole if len(whole) <= QR_MOST else note.key,
        "code_is_whole": len(whole) <= QR_MOST,
        "done": "done" in request.GET,
    }
    return render(request, "web/stock/transfers/sent.html", context)


def _with_items(note: Note) -> list[tuple[NoteLine, Item | None]]:
    """Return the lines of a note with the items that exist here."""
    items = Item.objects.select_related("stock_unit").in_bulk({line.item for line in note.lines}, field_name="code")
    return [(line, items.get(line.item)) for line in note.lines]


@page()
def note_file(request: PageRequest, to: str, number: str) -> HttpResponse:
    """Download the note, for a site with a server of its own."""
    note = notes_of([sent_transfer(request.visit.site.code, to, number)])[0]
    body = json.dumps(note.as_payload(), ensure_ascii=False, indent=2)
    name = "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in f"note-{number}.json")
    return HttpResponse(
        body, content_type="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


# ---- receiving --------------------------------------------------------------------------------------------------


def _scanned(request: PageRequest) -> str:
    """Return the text that was scanned, pasted or uploaded."""
    data = request.POST if request.method == "POST" else request.GET
    file = request.FILES.get("file")
    if isinstance(file, UploadedFile) and file.size:
        if file.size > NOTE_MOST:
            raise InvalidValue("This file is too large for a transfer note. Choose another.", field="note")
        return bytes(file.read()).decode("utf-8", errors="replace").strip()
    return data.get("note", "").strip()


def _note_in(request: PageRequest, text: str) -> Note:
    """Return the note in a text. A name or number alone stands for a transfer in this database."""
    if text.startswith("{"):
        try:
            return read_note(json.loads(text))
        except ValueError:
            raise InvalidValue(
                "This transfer note is incomplete. Paste all of it, or scan it again.", field="note"
            ) from None
    for one in to_arrive(request.visit.site):
        if text in {one.number, f"{one.site.code}/{one.other.code}/{one.number}"}:
            return notes_of([one])[0]
    source, _slash, rest = text.partition("/")
    target, _slash, number = rest.partition("/")
    # A transfer between two other sites is none of this site's business: it is answered as if it weren't there.
    if number and request.visit.site.code in (source, target):
        try:
            return notes_of([sent_transfer(source, target, number)])[0]
        except Refusal as refusal:
            refusal.field = "note"
            raise
    raise InvalidValue(
        "No stock transfer {transfer} is on its way to this site. Paste the transfer note that came with it.",
        transfer=text[:60],
        field="note",
    )


def _show_receive(request: PageRequest, refusal: Refusal | None) -> HttpResponse:
    form_data = request.POST if request.method == "POST" else request.GET
    note, text = None, ""
    try:
        text = _scanned(request)
        note = _note_in(request, text) if text else None
    except Refusal as unread:
        refusal = refusal or unread
    received = arrived_transfer(request.visit.site, note.source, note.number) if note else None
    fields = [
        Field("note", _("Scan or paste the transfer note, or enter its number"), FieldKind.TEXTAREA, focus=not note),
        Field("file", _("Or choose its file"), FieldKind.FILE, optional=True, accept="application/json,.json"),
    ]
    if note and not received:
        bin_hint = _("Only for a location that is kept in bins.")
        fields += [
            Field("into", _("To-location"), FieldKind.CODE, codes="locations", look="scan", required=True,
                  focus=True),
            Field("bin", _("Bin"), hint=bin_hint),
            remarks_field(),
        ]  # fmt: skip
    values = {**form_data.dict(), "note": text}
    context = {
        "text": text,
        "note": note,
        "lines": _with_items(note) if note else [],
        "incoming": _rows(to_arrive(request.visit.site)),
        "received": received,
        "form": Form(fields, values, refusal),
        **_receipt_preview(request, note, form_data),
    }
    return render(request, "web/stock/transfers/receive.html", context)


def _receipt_preview(request: PageRequest, note: Note | None, form_data: QueryDict) -> dict[str, Any]:
    """Return where the stock would go, once a location is entered."""
    if note is None or not form_data.get("into", "").strip():
        return {}
    try:
        into, bin = form_data.get("into", "").strip(), form_data.get("bin", "").strip()
        return {"into": preview_receiving(note, site=request.visit.site, into=into, bin=bin)}
    except Refusal as refusal:
        return {"preview_refusal": refusal}


@page(Verb.MOVE)
def receive_page(request: PageRequest) -> HttpResponse:
    """Show the form to receive a transfer."""
    return _show_receive(request, None)


@posts(Verb.MOVE)
def read_page(request: PageRequest) -> HttpResponse:
    """Show the form for a note that is too long for an address or was uploaded. Nothing is posted yet."""
    return _show_receive(request, None)


@posts(Verb.MOVE)
def receive_preview_part(request: PageRequest) -> HttpResponse:
    """Show what would be received, while the location is being entered."""
    try:
        note = _note_in(request, _scanned(request))
    except Refusal as refusal:
        return render(request, "web/stock/transfers/receive_preview.html", {"preview_refusal": refusal})
    context = {"note": note, **_receipt_preview(request, note, request.POST)}
    return render(request, "web/stock/transfers/receive_preview.html", context)


@posts(Verb.MOVE, again=_show_receive)
def receive(request: PageRequest) -> HttpResponse:
    """Receive the transfer, whole. A sending site in this database is updated at once."""
    form_data, site = request.POST, request.visit.site
    note = _note_in(request, _scanned(request))
    came = arrive(
        site=site,
        note=note,
        into=text_in(form_data, "into"),
        bin=form_data.get("bin", "").strip(),
        by=request.user,
        remarks=form_data.get("remarks", "").strip(),
    )
    confirm_arrivals(site=came.other, arrived={(site.code, came.number): came.posting.at})
    return redirect(f"{reverse('transfer-received', args=[note.source, came.number])}?{urlencode({'done': 1})}")


@page()
def received_page(request: PageRequest, source: str, number: str) -> HttpResponse:
    """Show what was received, and where it went."""
    one = arrived_transfer(request.visit.site, source, number)
    if one is None:
        raise Http404
    moved = one.posting.movements.filter(site=one.site_id).select_related("item__stock_unit", "target").order_by("pk")
    context: dict[str, Any] = {"one": one, "moved": moved, "done": "done" in request.GET}
    if context["done"]:
        context["proposal"] = proposed_by(one.posting, site=request.visit.site)
    return render(request, "web/stock/transfers/received.html", context)


urlpatterns = [
    path("stock/transfers/", list_page, name="transfers"),
    path("stock/transfers/send/", send_page, name="transfer-send"),
    path("stock/transfers/send/preview/", send_preview_part, name="transfer-send-preview"),
    path("stock/transfers/send/post/", send, name="transfer-send-post"),
    path("stock/transfers/receive/", receive_page, name="transfer-receive"),
    path("stock/transfers/receive/read/", read_page, name="transfer-read"),
    path("stock/transfers/receive/preview/", receive_preview_part, name="transfer-receive-preview"),
    path("stock/transfers/receive/post/", receive, name="transfer-receive-post"),
    path("stock/transfers/note/<str:to>/<path:number>/", note_file, name="transfer-note"),
    path("stock/transfers/sent/<str:to>/<path:number>/", sent_page, name="transfer-sent"),
    path("stock/transfers/received/<str:source>/<path:number>/", received_page, name="transfer-received"),
]
