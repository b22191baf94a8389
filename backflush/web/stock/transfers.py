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
from django.utils.http import urlencode

from backflush.core.refusals import InvalidValue, Refusal
from backflush.delivery.pagination import page_of
from backflush.handling.models import StockTransfer
from backflush.handling.transfer_queries import (
    arrived_transfer,
    foresee_arrival,
    foresee_sending,
    notes_of,
    open_transfers,
    sent_transfer,
    to_arrive,
    worth_of,
)
from backflush.handling.transfers import Note, NoteLine, Sending, arrive, confirm_arrivals, read_note, send_to_site
from backflush.items.models import Item
from backflush.items.selectors import stock_quantity_of
from backflush.people.rights import Verb
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import place_names
from backflush.unresolved.arrivals import proposed_by
from backflush.web.forms.values import amount_in, rows_in, serials_in, text_in
from backflush.web.items.views import sees_costs
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest
from backflush.web.stock.transactions import SUGGESTED_MOST

ROWS_AT_FIRST: Final = 3
ROWS_MOST: Final = 100
CELLS: Final = ("item", "quantity", "source", "bin", "batch", "serials")
NOTE_MOST: Final = 1_000_000
"""The most characters of a note."""
QR_MOST: Final = 1_200
"""The most characters that a printed QR code can hold and still be scanned."""


@page()
def list_page(request: PageRequest) -> HttpResponse:
    """List the transfers in transit to and from this site."""
    visit = request.visit
    listed = page_of(open_transfers(visit.site), request.GET, by=("pk",))
    coming = to_arrive(visit.site)
    facts = {
        "page": listed,
        "going": _rows(listed.rows),
        "coming": _rows(coming),
        "costs": sees_costs(visit),
        "may": visit.may(Verb.MOVE),
    }
    return render(request, "web/stock/transfers/list.html", facts)


@dataclass(frozen=True, slots=True)
class OnTheWay:
    """A transfer for the list."""

    sent: StockTransfer
    lines: Sequence[NoteLine]
    worth: Decimal

    @property
    def items(self) -> str:
        """The items of the transfer, by code."""
        return ", ".join(sorted({line.item for line in self.lines}))


def _rows(transfers: Sequence[StockTransfer]) -> list[OnTheWay]:
    worth = worth_of(transfers)
    notes = notes_of(transfers)
    return [OnTheWay(one, note.lines, worth[one.pk]) for one, note in zip(transfers, notes, strict=True)]


# ---- sending ----------------------------------------------------------------------------------------------------


def _line(at: int, said: QueryDict, row: Mapping[str, str]) -> Sending:
    serials = serials_in(said, f"serials-{at}")
    field = f"quantity-{at}"
    if serials and not said.get(field, "").strip():
        quantity = Decimal(len(serials))
    else:
        quantity = stock_quantity_of(row["item"], amount_in(said, field), field=field)
    return Sending(
        item=row["item"], quantity=quantity, source=row["source"], bin=row["bin"], batch=row["batch"], serials=serials
    )


def _lines_in(said: QueryDict) -> dict[int, Sending]:
    """Return the entered lines by row. A quantity that can't be read is refused at its row."""
    return {at: _line(at, said, row) for at, row in enumerate(rows_in(said, CELLS, most=ROWS_MOST)) if row["item"]}


def _at_its_row(refusal: Refusal, lines: Mapping[int, Sending], site: Site) -> Refusal:
    """Return a refusal of the whole form at the row that causes it, if there is one."""
    for at, line in lines.items():
        try:
            foresee_sending([line], site=site)
        except Refusal as own:
            own.field = f"{own.field}-{at}" if own.field in CELLS else own.field
            return own
    return refusal


def _will(request: PageRequest, said: QueryDict) -> dict[str, Any]:
    """Return what each line would take, and what would be left; nothing while no line is complete."""
    typed = enumerate(rows_in(said, CELLS, most=ROWS_MOST))
    rows = {at: row for at, row in typed if row["item"] and row["source"]}
    if not any(row["quantity"] or row["serials"] for row in rows.values()):
        return {}
    lines: dict[int, Sending] = {}
    try:
        lines = {at: _line(at, said, row) for at, row in rows.items() if row["quantity"] or row["serials"]}
        left = foresee_sending(list(lines.values()), site=request.visit.site)
    except Refusal as refusal:
        return {"will_refusal": _at_its_row(refusal, lines, request.visit.site)}
    items = Item.objects.select_related("stock_unit").in_bulk({line.item for line in lines.values()}, field_name="code")
    return {"will": [(line, items[line.item], behind) for line, behind in zip(lines.values(), left, strict=True)]}


def _show_send(request: PageRequest, refusal: Refusal | None) -> HttpResponse:
    said = request.POST if request.method == "POST" else request.GET
    rows = rows_in(said, CELLS, most=ROWS_MOST)
    full = not rows or bool(rows[-1]["item"])
    spare = ROWS_AT_FIRST if not rows else int(full)
    fields = {f"{cell}-{at}" for cell in CELLS for at in range(len(rows))} | {"to", "number"}
    facts = {
        "typed": said,
        "number": said.get("number") or f"{request.visit.today:%y%m%d}-{uuid4().hex[:5].upper()}",
        "rows": [(str(at), row) for at, row in enumerate([*rows, *({} for _spare in range(spare))])],
        "sites": Site.objects.exclude(pk=request.visit.site.pk).order_by("code"),
        "places": place_names(request.visit.site, most=SUGGESTED_MOST, in_use=True),
        "refusal": refusal,
        "loose": refusal is not None and refusal.field not in fields,
        **_will(request, said),
    }
    return render(request, "web/stock/transfers/send.html", facts)


@page(Verb.MOVE)
def send_page(request: PageRequest) -> HttpResponse:
    """Show the form to send a transfer."""
    return _show_send(request, None)


@posts(Verb.MOVE)
def will_part(request: PageRequest) -> HttpResponse:
    """Show what would be sent, while it is being entered."""
    return render(request, "web/stock/transfers/send_will.html", _will(request, request.POST))


@posts(Verb.MOVE, again=_show_send)
def send(request: PageRequest) -> HttpResponse:
    """Send the transfer. Its number comes from the form, so a double press sends it once."""
    said, site = request.POST, request.visit.site
    lines = _lines_in(said)
    if not said.get("to"):
        raise InvalidValue("Choose the site that the stock goes to.", field="to")
    try:
        sent = send_to_site(
            site=site,
            to=said["to"],
            lines=list(lines.values()),
            by=request.user,
            number=text_in(said, "number", most=100),
            remarks=said.get("remarks", "").strip(),
        )
    except Refusal as refusal:
        raise _at_its_row(refusal, lines, site) from None
    return redirect(f"{reverse('between-sent', args=[sent.other.code, sent.number])}?done=1")


@page()
def sent_page(request: PageRequest, to: str, number: str) -> HttpResponse:
    """Show a sent transfer with its note, to print or to take along."""
    one = sent_transfer(request.visit.site.code, to, number)
    note = notes_of([one])[0]
    whole = json.dumps(note.as_facts(), ensure_ascii=False, separators=(",", ":"))
    facts = {
        "one": one,
        "note": note,
        "lines": _with_items(note),
        "worth": worth_of([one])[one.pk] if sees_costs(request.visit) else None,
        "whole": whole,
        "code": whole if len(whole) <= QR_MOST else note.key,
        "code_is_whole": len(whole) <= QR_MOST,
        "done": "done" in request.GET,
    }
    return render(request, "web/stock/transfers/sent.html", facts)


def _with_items(note: Note) -> list[tuple[NoteLine, Item | None]]:
    """Return the lines of a note with the items that exist here."""
    items = Item.objects.select_related("stock_unit").in_bulk({line.item for line in note.lines}, field_name="code")
    return [(line, items.get(line.item)) for line in note.lines]


@page()
def note_file(request: PageRequest, to: str, number: str) -> HttpResponse:
    """Download the note, for a site with a server of its own."""
    note = notes_of([sent_transfer(request.visit.site.code, to, number)])[0]
    body = json.dumps(note.as_facts(), ensure_ascii=False, indent=2)
    name = "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in f"note-{number}.json")
    return HttpResponse(
        body, content_type="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


# ---- receiving --------------------------------------------------------------------------------------------------


def _scanned(request: PageRequest) -> str:
    """Return the text that was scanned, pasted or uploaded."""
    said = request.POST if request.method == "POST" else request.GET
    file = request.FILES.get("file")
    if isinstance(file, UploadedFile) and file.size:
        if file.size > NOTE_MOST:
            raise InvalidValue("This file is too large for a transfer note. Choose another.", field="note")
        return bytes(file.read()).decode("utf-8", errors="replace").strip()
    return said.get("note", "").strip()


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
    if target and number:
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


def _show_arrive(request: PageRequest, refusal: Refusal | None) -> HttpResponse:
    said = request.POST if request.method == "POST" else request.GET
    note, text = None, ""
    try:
        text = _scanned(request)
        note = _note_in(request, text) if text else None
    except Refusal as unread:
        refusal = refusal or unread
    facts = {
        "typed": said,
        "text": text,
        "note": note,
        "lines": _with_items(note) if note else [],
        "coming": _rows(to_arrive(request.visit.site)),
        "before": arrived_transfer(request.visit.site, note.source, note.number) if note else None,
        "places": place_names(request.visit.site, most=SUGGESTED_MOST, in_use=True),
        "refusal": refusal,
        "loose": refusal is not None and refusal.field not in {"note", "into", "bin"},
        **_arrives(request, note, said),
    }
    return render(request, "web/stock/transfers/arrive.html", facts)


def _arrives(request: PageRequest, note: Note | None, said: QueryDict) -> dict[str, Any]:
    """Return where the stock would go, once a place is given."""
    if note is None or not said.get("into", "").strip():
        return {}
    try:
        into, bin = said.get("into", "").strip(), said.get("bin", "").strip()
        return {"will": foresee_arrival(note, site=request.visit.site, into=into, bin=bin)}
    except Refusal as refusal:
        return {"will_refusal": refusal}


@page(Verb.MOVE)
def arrive_page(request: PageRequest) -> HttpResponse:
    """Show the form to receive a transfer."""
    return _show_arrive(request, None)


@posts(Verb.MOVE)
def read_page(request: PageRequest) -> HttpResponse:
    """Show the form for a note that is too long for an address or was uploaded. Nothing is posted yet."""
    return _show_arrive(request, None)


@posts(Verb.MOVE)
def arrives_part(request: PageRequest) -> HttpResponse:
    """Show what would be received, while the place is being entered."""
    try:
        note = _note_in(request, _scanned(request))
    except Refusal as refusal:
        return render(request, "web/stock/transfers/arrive_will.html", {"will_refusal": refusal})
    facts = {"note": note, **_arrives(request, note, request.POST)}
    return render(request, "web/stock/transfers/arrive_will.html", facts)


@posts(Verb.MOVE, again=_show_arrive)
def take_in(request: PageRequest) -> HttpResponse:
    """Receive the transfer, whole. A sending site in this database is updated at once."""
    said, site = request.POST, request.visit.site
    note = _note_in(request, _scanned(request))
    came = arrive(
        site=site,
        note=note,
        into=text_in(said, "into"),
        bin=said.get("bin", "").strip(),
        by=request.user,
        remarks=said.get("remarks", "").strip(),
    )
    confirm_arrivals(site=came.other, arrived={(site.code, came.number): came.posting.at})
    return redirect(f"{reverse('between-arrived', args=[note.source, came.number])}?{urlencode({'done': 1})}")


@page()
def arrived_page(request: PageRequest, source: str, number: str) -> HttpResponse:
    """Show what was received, and where it went."""
    one = arrived_transfer(request.visit.site, source, number)
    if one is None:
        raise Http404
    moved = one.posting.movements.filter(site=one.site_id).select_related("item__stock_unit", "target").order_by("pk")
    facts: dict[str, Any] = {"one": one, "moved": moved, "done": "done" in request.GET}
    if facts["done"]:
        facts["proposal"] = proposed_by(one.posting, site=request.visit.site)
    return render(request, "web/stock/transfers/arrived.html", facts)


urlpatterns = [
    path("stock/between/", list_page, name="between"),
    path("stock/between/send/", send_page, name="between-send"),
    path("stock/between/send/will/", will_part, name="between-will"),
    path("stock/between/send/post/", send, name="between-send-post"),
    path("stock/between/arrive/", arrive_page, name="between-arrive"),
    path("stock/between/arrive/read/", read_page, name="between-read"),
    path("stock/between/arrive/will/", arrives_part, name="between-arrives"),
    path("stock/between/arrive/post/", take_in, name="between-arrive-post"),
    path("stock/between/note/<str:to>/<path:number>/", note_file, name="between-note"),
    path("stock/between/sent/<str:to>/<path:number>/", sent_page, name="between-sent"),
    path("stock/between/arrived/<str:source>/<path:number>/", arrived_page, name="between-arrived"),
]
