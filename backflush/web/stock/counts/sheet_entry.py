"""Counting a sheet, one line a screen: big keys, several piles, packs, and what is kept while there is no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from backflush.core.input_values import whole_or_none
from backflush.core.quantity import written
from backflush.core.refusals import InvalidValue, NotFound, Refusal
from backflush.counts.models import CountMethod, CountSheet, SheetLine, SheetStatus, StockCount
from backflush.counts.selectors import count_of
from backflush.counts.services import CountIn, enter_counts
from backflush.counts.sheet_progress import lines_to_count, progress_of, sheet_lines
from backflush.counts.sheets import sheet_numbered
from backflush.handling.moves import reverse as reverse_posting
from backflush.handling.rights import may_reverse, require_may_reverse
from backflush.items.models import Item, UnitConversion
from backflush.items.selectors import converter
from backflush.ledger.selectors import posting_numbered
from backflush.people.rights import Verb
from backflush.web.display import badges
from backflush.web.forms.fields import Field, FieldKind, Form
from backflush.web.forms.idempotency import new_key
from backflush.web.forms.standard_fields import remarks_field
from backflush.web.forms.values import moment_in, piles_in
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest
from backflush.web.stock.counts.count_entry import kept_answer, kept_refusal

AT_ONCE: Final = 60
"""How many lines a page holds, so that a phone without a network can go on counting."""
PACKS_MOST: Final = 4
IN_BACKGROUND: Final = "X-Kept-Count"
"""The header by which the page's script sends a count in the background; it is answered with JSON."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A unit that the item is also counted in, with how many stock units one of it is."""

    code: str
    factor: str


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A line to count, with its form, the key of the form, and the packs of its item."""

    line: SheetLine
    form: Form
    key: str
    at: str
    packs: Sequence[Pack]
    following: int | None
    """The line that is counted after it."""

    @property
    def again(self) -> bool:
        """Whether another person has counted it, beyond the tolerance."""
        return self.line.count_id is not None


def _wanted(sheet: CountSheet, request: PageRequest) -> SheetLine | None:
    """Return the line that was asked for, or the one of the item, bin or location that was scanned."""
    lines = sheet_lines(sheet)
    number = whole_or_none(request.GET.get("line", ""))
    scanned = request.GET.get("scan", "").strip()
    if scanned and "line=" in scanned:
        number = whole_or_none(parse_qs(urlsplit(scanned).query).get("line", [""])[0])
    if number is not None:
        found = lines.filter(pk=number).first()
        if found is None:
            raise NotFound("That line isn't on count sheet {sheet}.", sheet=sheet.pk, field="scan")
        return found
    if not scanned:
        return None
    place, slash, bin = scanned.rpartition("/")
    choices = [
        lines.filter(item__code__iexact=scanned),
        lines.filter(location__path__iexact=scanned),
        lines.filter(location__path__iexact=place, bin__iexact=bin) if slash else lines.none(),
        lines.filter(serial=scanned),
        lines.filter(batch=scanned),
    ]
    for choice in choices:
        found = choice.filter(count__isnull=True).first() or choice.first()
        if found is not None:
            return found
    raise NotFound("{scanned} isn't on count sheet {sheet}. Scan another, or count it on its own.",
                   scanned=scanned[:60], sheet=sheet.pk, field="scan")  # fmt: skip


def _entry_lines(lines: Sequence[SheetLine], form_data: QueryDict, refusal: Refusal | None) -> list[EntryLine]:
    """Return lines with their forms and packs, in three statements; what was sent stands in the first."""
    packs = _packs_of([line.item for line in lines])
    entries = []
    for place, line in enumerate(lines):
        sent = form_data if place == 0 else QueryDict()
        entries.append(
            EntryLine(
                line=line,
                form=Form(_fields(line), sent, refusal if place == 0 else None),
                key=sent.get("key", "") or new_key(),
                at=sent.get("at", ""),
                packs=packs.get(line.item_id, ()),
                following=lines[place + 1].pk if place + 1 < len(lines) else None,
            )
        )
    return entries


def _fields(line: SheetLine) -> list[Field]:
    label = _("What is there, in %(unit)s?") % {"unit": line.item.stock_unit.code}
    methods = [(method.value, badges.COUNT_METHOD[method]) for method in CountMethod]
    return [
        Field("quantity", label, look="scan", required=True, length_max=100),
        Field("method", _("How it was counted"), FieldKind.CHOICE, choices=methods),
        remarks_field(),
    ]


def _packs_of(items: Sequence[Item]) -> dict[int, list[Pack]]:
    """Return the units of the items' own conversions of which one is a whole number of stock units."""
    by_number = {item.pk: item for item in items}
    found, packs = converter(by_number), dict[int, list[Pack]]()
    own = UnitConversion.objects.filter(item__in=by_number).select_related("source", "target").order_by("pk")
    for conversion in own:
        item = by_number[conversion.item_id or 0]
        some = packs.setdefault(item.pk, [])
        for unit in (conversion.source.code, conversion.target.code):
            factor = found.factor(item.pk, unit, item.stock_unit.code)
            known = unit == item.stock_unit.code or any(pack.code == unit for pack in some)
            if factor is not None and factor.denominator == 1 and not known and len(some) < PACKS_MOST:
                some.append(Pack(unit, written(Decimal(factor.numerator))))
    return packs


def _show(request: PageRequest, refusal: Refusal | None, number: int) -> HttpResponse:
    if request.headers.get(IN_BACKGROUND):
        assert refusal is not None, "only a refusal is shown again"
        return kept_refusal(refusal)
    visit, scan_refusal = request.visit, None
    sheet = sheet_numbered(visit.site, number)
    lines = lines_to_count(sheet, visit.user, most=AT_ONCE) if sheet.status == SheetStatus.OPEN else []
    try:
        wanted = _posted_line(sheet, request) if request.POST.get("line") else _wanted(sheet, request)
    except Refusal as wrong:
        wanted, scan_refusal = None, wrong
    if wanted is not None:
        lines = [wanted, *(line for line in lines if line.pk != wanted.pk)]
    context = {
        "sheet": sheet,
        "progress": progress_of([sheet])[sheet.pk],
        "lines": _entry_lines(lines, request.POST, refusal),
        "is_open": sheet.status == SheetStatus.OPEN,
        "refusal": refusal if not lines else None,
        "scan_refusal": scan_refusal,
        "now": int(timezone.now().timestamp() * 1000),
        "undo_key": new_key(),
        **_just_counted(request),
    }
    return render(request, "web/stock/counts/sheet_entry.html", context)


def _just_counted(request: PageRequest) -> dict[str, Any]:
    number = whole_or_none(request.GET.get("done", ""))
    if number is None:
        return {}
    posting = posting_numbered(request.visit.site, number)
    count = count_of(posting)
    if count is None:
        return {}
    return {
        "done": posting,
        "count": count,
        "undone": count.reversed_by_id is not None,
        "may_undo": may_reverse(request.user, request.visit.site, posting),
    }


@page(Verb.COUNT)
def entry_page(request: PageRequest, number: int) -> HttpResponse:
    """Show the next line of the sheet for this person, or the one that was scanned."""
    return _show(request, None, number)


def _posted_line(sheet: CountSheet, request: PageRequest) -> SheetLine:
    number = whole_or_none(request.POST.get("line", ""))
    line = sheet_lines(sheet).filter(pk=number).first() if number is not None else None
    if line is None:
        raise InvalidValue("That line isn't on this sheet. Open the sheet again.", field="line")
    return line


@posts(Verb.COUNT, again=_show)
def enter(request: PageRequest, number: int) -> HttpResponse:
    """Enter the count of one line. Its key makes it once, however often the page sends it."""
    in_background = bool(request.headers.get(IN_BACKGROUND))
    try:
        count = _entered(request, number)
    except Refusal as refusal:
        if in_background:
            return kept_refusal(refusal)
        raise
    if in_background:
        return kept_answer(request, count)
    return redirect(f"{reverse('sheet-entry', args=[number])}?{urlencode({'done': count.posting_id})}")


def _entered(request: PageRequest, number: int) -> StockCount:
    sheet = sheet_numbered(request.visit.site, number)
    line, form_data = _posted_line(sheet, request), request.POST
    again = whole_or_none(form_data.get("recount_of", ""))
    given = CountIn(
        item=line.item.code,
        location=line.location.path,
        quantity=piles_in(form_data, "quantity", line.item),
        bin=line.bin,
        batch=line.batch,
        serial=line.serial,
        at=moment_in(form_data, "at"),
        method=form_data.get("method", "") or CountMethod.SEEN,
        remarks=form_data.get("remarks", "").strip(),
        recount_of=again,
        sheet=sheet.pk,
        key=form_data.get("key", ""),
    )
    (count,) = enter_counts([given], site=request.visit.site, by=request.user)
    return count


@posts(Verb.REVERSE_OWN, Verb.REVERSE, again=_show)
def undo(request: PageRequest, number: int) -> HttpResponse:
    """Undo the count that was just entered; its line is to be counted again."""
    posting = whole_or_none(request.POST.get("posting", ""))
    if posting is None:
        raise InvalidValue("Choose the count to undo.", field="posting")
    entered = posting_numbered(request.visit.site, posting)
    require_may_reverse(request.user, request.visit.site, entered)
    reverse_posting(site=request.visit.site, posting=entered.pk, by=request.user, key=request.POST.get("key", ""))
    return redirect(f"{reverse('sheet-entry', args=[number])}?{urlencode({'done': entered.pk})}")


urlpatterns = [
    path("stock/counts/sheets/<int:number>/enter/", entry_page, name="sheet-entry"),
    path("stock/counts/sheets/<int:number>/enter/post/", enter, name="sheet-entry-post"),
    path("stock/counts/sheets/<int:number>/enter/undo/", undo, name="sheet-entry-undo"),
]
