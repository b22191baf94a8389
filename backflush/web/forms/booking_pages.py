"""The pages of a kind of booking: scan what it is about, enter quantities, see what happens, book.

Each kind has the same form, preview and views; fields, labels and their order come from the kind's declaration
(`backflushing.report_inputs`). A kind's own module says only what is around them:

    class ItemPages(BookingPages):
        kind = WITHOUT_ORDERS
        name, preview_name, post_name = "produce", "produce-preview", "produce-post"
        template = "web/production/book_without_order.html"
        ...

    urlpatterns = ItemPages().urls("book/item/")

The template extends `web/production/book.html`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from backflush.backflushing.booking import completed_reports, take_reports
from backflush.backflushing.models import Booking
from backflush.backflushing.report_inputs import (
    MomentInput,
    QuantityInput,
    ReportInput,
    SerialsInput,
    TextInput,
    WholeInput,
)
from backflush.backflushing.report_kinds import Report, ReportKind, Subject, Subjects
from backflush.backflushing.selectors import Preview, PreviewLine, preview
from backflush.core.moves import Reason, Tracking
from backflush.core.quantity import ZERO
from backflush.core.refusals import Conflict, NotFound, Refusal
from backflush.delivery.refusals import status_of
from backflush.items.models import Item
from backflush.stockmap.models import Location, Site
from backflush.web.display.badges import CHOICE, Badge
from backflush.web.display.formats import for_input, number
from backflush.web.forms.fields import Field, FieldKind, Form
from backflush.web.forms.idempotency import new_key
from backflush.web.forms.values import page_dialect, serials_in
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest

SHOWN_WHOLE: Final = 14
"""A longer preview folds the components of which there is enough."""
QUICK: Final = Decimal(10)
GOODS: Final = ("batch", "serials", "bin")
"""Inputs that only some goods need (B8)."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The order or item that was scanned, read once for the form and the preview."""

    report: Report
    """A report that only says what it is about."""
    subjects: Subjects[Any]
    subject: Subject

    @property
    def item(self) -> Item:
        """The item that is made or received."""
        return self.subject.item

    @property
    def unit(self) -> str:
        """The code of the unit that quantities are entered in."""
        return self.subject.unit_code()

    @property
    def into(self) -> Location | None:
        """Where the good ones go; None where no rule says so."""
        action = self.subject.goods_action
        rule = self.subjects.rules.get(action.pk) if action else None
        return rule.target if rule else None

    @property
    def to_go(self) -> Decimal | None:
        """The quantity still expected, in the unit; None where nothing was ordered."""
        ordered, cost_object = self.subject.ordered, self.subject.cost_object
        return None if ordered is None or cost_object is None else max(ZERO, ordered - cost_object.good)

    @property
    def refusal(self) -> Refusal | None:
        """Why nothing can be booked, whatever the quantity."""
        return next(iter(self.subject.refusals), None)

    def needs(self, name: str) -> bool:
        """Say whether the goods need their batch, serial numbers or bin (B8); every other input is always asked for."""
        match name:
            case "batch":
                return bool(self.item.tracking == Tracking.BATCH)
            case "serials":
                return bool(self.item.tracking == Tracking.SERIAL)
            case "bin":
                return self.into is not None and self.into.bin_controlled
        return True

    @property
    def usual(self) -> list[Decimal]:
        """Usual quantities: ten, a batch, all that is to go."""
        batch = self.item.batch_size if self.subject.factor == 1 else None
        if self.to_go is None:
            return [batch] if batch else []
        smaller = {amount for amount in (QUICK, batch or ZERO) if ZERO < amount < self.to_go}
        return [*sorted(smaller), *([self.to_go] if self.to_go else [])]


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A component of the preview, as the page shows it."""

    line: PreviewLine
    item: Item

    @property
    def short_text(self) -> str:
        """How much is missing."""
        there = self.line.there if self.line.there is not None else ZERO
        return number(max(self.line.assumed - there, ZERO) or self.line.waits, self.item.quantity_decimals)

    @property
    def choice(self) -> Badge:
        """What must be chosen before it can move."""
        assert self.line.reason is not None, "only what waits is asked for it"
        return CHOICE[self.line.reason]

    @property
    def is_short(self) -> bool:
        """Whether it is short, and not only waiting for a choice."""
        return self.line.reason is Reason.SHORT

    @property
    def after(self) -> Decimal | None:
        """What will be in stock afterwards."""
        return None if self.line.there is None else self.line.there - self.line.moves


@dataclass(frozen=True)
class ShownPreview:
    """A preview with its short components first."""

    result: Preview
    lines: Sequence[PreviewRow]

    @property
    def short(self) -> list[PreviewRow]:
        """The components that are short."""
        return [line for line in self.lines if line.is_short]

    @property
    def waiting(self) -> int:
        """How many will be unresolved, short or for a choice."""
        return sum(1 for line in self.lines if line.line.reason is not None)

    @property
    def shown(self) -> Sequence[PreviewRow]:
        """The rows that aren't folded: all, or in a long list those that will be unresolved."""
        return self.lines if len(self.lines) <= SHOWN_WHOLE else [one for one in self.lines if one.line.reason]

    @property
    def folded(self) -> Sequence[PreviewRow]:
        """The other rows of a long list."""
        return [] if len(self.lines) <= SHOWN_WHOLE else [one for one in self.lines if not one.line.reason]

    @property
    def sources(self) -> list[str]:
        """The locations that the components are taken from."""
        return list(dict.fromkeys(line.line.source for line in self.lines))


def shown_preview(report: Report, subjects: Subjects[Any]) -> ShownPreview:
    """Return what a report would do: short components first, then those that wait for a choice."""
    found = preview(report, subjects)
    codes = {line.component for line in found.lines}
    items = {item.code: item for item in Item.objects.filter(code__in=codes).select_related("stock_unit")}
    rows = [PreviewRow(line, items[line.component]) for line in found.lines]
    return ShownPreview(found, sorted(rows, key=lambda one: (not one.is_short, one.line.reason is None)))


class BookingPages(ABC):
    """The pages of one kind of booking. `name` is the page's address; see the module for the rest.

    `codes` names the look-up that completes what is scanned (`web/home/lookup.py`).
    """

    kind: ReportKind[Any]
    name: str
    preview_name: str
    post_name: str
    template: str
    codes: str

    # ---- what a kind's own module may say

    def offered(self, request: PageRequest) -> dict[str, Any]:
        """Return what the template shows where nothing is scanned yet."""
        return {}

    def choices(self, request: PageRequest, form_data: QueryDict, refusal: Refusal) -> dict[str, Any] | None:
        """Return what the template offers to choose from, where the refusal asks for a choice; else None."""
        return None

    def aside(self, opened: Opened) -> str:
        """Return what stands beside the item, such as whom it comes from."""
        return ""

    @abstractmethod
    def title(self) -> str:
        """Return the heading of the page."""

    @abstractmethod
    def scan_label(self) -> str:
        """Return the label of the field to scan into."""

    @abstractmethod
    def as_kept(self, site: Site, text: str) -> str:
        """Return the number or code of the record that was typed in another case. Refusals: `NotFound`."""

    @abstractmethod
    def banner(self, request: PageRequest) -> dict[str, Any]:
        """Return what was booked or reversed just now, for the template."""

    @abstractmethod
    def done_at(self, request: PageRequest, report: Report, booking: Booking) -> str:
        """Return the address of the page after a booking."""

    @abstractmethod
    def button(self, good: str, scrap: str) -> str:
        """Return the words of the button; a quantity that isn't entered is empty."""

    def preview_title(self) -> str:
        """Return the heading of the preview."""
        return _("What will be taken out of stock")

    def preview_empty(self) -> str:
        """Return what stands in the preview while nothing is entered."""
        return _("Enter what was made, and you see here what will be taken out of stock.")

    @abstractmethod
    def beyond(self, left: str) -> str:
        """Return the notice that more is entered than is left."""

    # ---- reading

    @property
    def naming(self) -> list[ReportInput]:
        """The inputs that say what is booked on; the form keeps them out of sight."""
        return [one for one in self.kind.inputs.all if one.identifies]

    def open(self, request: PageRequest, form_data: QueryDict) -> Opened:
        """Return what was scanned or typed, in any case; raises `InvalidValue`, `NotFound` and `Archived`."""
        raw = {one.name: form_data.get(one.name, "").strip() for one in self.naming}
        subject = self.kind.inputs.subject.name
        try:
            return self._open(request, raw)
        except NotFound as refusal:
            kept = self.as_kept(request.visit.site, raw[subject]) if refusal.field == subject else raw[subject]
            if kept == raw[subject]:
                raise
            return self._open(request, {**raw, subject: kept})

    def _open(self, request: PageRequest, raw: Mapping[str, str]) -> Opened:
        report = self.kind.read(raw, page_dialect())
        [complete] = completed_reports([report], [self.kind], site=request.visit.site)
        if isinstance(complete, Refusal):
            raise complete
        subjects = self.kind.subjects([complete], site=request.visit.site, lock=False)
        return Opened(complete, subjects, subjects.subject(complete))

    def report(self, form_data: QueryDict, *, key: str = "") -> Report:
        """Return the report that was entered. Refusals: `InvalidValue`."""
        raw: dict[str, Any] = {}
        for one in self.kind.inputs.all:
            serials = isinstance(one, SerialsInput)
            raw[one.name] = serials_in(form_data, one.name) if serials else form_data.get(one.name, "").strip()
        report: Report = self.kind.read({**raw, "key": key}, page_dialect())
        return report

    # ---- the form

    def form(self, opened: Opened | None, form_data: QueryDict, refusal: Refusal | None) -> Form:
        """Return the field to scan into and, once something was scanned, the fields of a booking on it."""
        subject = self.kind.inputs.subject
        scan = Field(subject.name, self.scan_label(), FieldKind.CODE, codes=self.codes, focus=opened is None)
        if opened is None or opened.refusal is not None:
            return Form([scan], form_data, refusal)
        entered = [one for one in self.kind.inputs.all if one not in self.naming and one.name != "key"]
        fields = [self.field(one, opened, refusal) for one in entered if opened.needs(one.name)]
        return Form([scan, *fields], form_data, refusal)

    def field(self, one: ReportInput, opened: Opened, refusal: Refusal | None) -> Field:
        """Return the field of an input."""
        label = _(one.title)
        match one:
            case QuantityInput():
                return self._amount(one, label, opened)
            case SerialsInput():
                return Field(one.name, label, FieldKind.TEXTAREA, _("Separate them by spaces or lines."))
            case MomentInput():
                # A time that the clocks repeat is written with its offset, which no browser's own field takes.
                refused = refusal is not None and refusal.field == one.name
                kind = FieldKind.TEXT if refused else FieldKind.MOMENT
                return Field(one.name, label, kind, _("Leave it empty for now."), look="narrow")
            case WholeInput():
                return Field(one.name, label, FieldKind.WHOLE, optional=True)
            case TextInput() if one.name not in GOODS:
                return Field(one.name, label, hint=_(one.help), optional=True, length_max=one.length or None)
        return Field(one.name, label)

    def _amount(self, one: QuantityInput, label: str, opened: Opened) -> Field:
        first = one == self.kind.inputs.quantities[0]
        if not first:
            return Field(one.name, label, FieldKind.AMOUNT, _("uses components, goes nowhere"))
        into = opened.into
        hint = _("%(unit)s, into %(place)s") % {"unit": opened.unit, "place": into.path} if into else opened.unit
        every = opened.to_go
        quick = [
            (for_input(amount), _("All %(amount)s") % {"amount": number(amount)} if amount == every else number(amount))
            for amount in opened.usual
        ]
        return Field(one.name, label, FieldKind.AMOUNT, hint, focus=True, quick=quick)

    def _drawn(self, opened: Opened, form: Form) -> dict[str, Any]:
        """Return what the form's template needs: quantities first, and folded away what is rarely entered."""
        quantities = [one.name for one in self.kind.inputs.quantities]
        first = {*quantities, *GOODS, self.kind.inputs.subject.name}
        more = [bound.name for bound in form if bound.name not in first]
        return {
            "hidden": [(one.name, str(getattr(opened.report, one.name))) for one in self.naming],
            "quantities": form.some(*quantities),
            "more": form.some(*more),
            "more_open": form.has_entry(*more),
        }

    # ---- the preview

    def preview_context(self, request: PageRequest, opened: Opened, form_data: QueryDict) -> Mapping[str, Any]:
        """Return what would happen with what is entered so far, or why nothing would."""
        try:
            report = self.report(form_data)
            amounts = {one.name: getattr(report, one.name) for one in self.kind.inputs.quantities}
            if not any(amounts.values()):
                return {"button": self.button("", "")}
            texts = [
                _amount_text(amount, dict(report.units).get(name, ""), opened.unit) for name, amount in amounts.items()
            ]
            [complete] = completed_reports([report], [self.kind], site=request.visit.site)
            if isinstance(complete, Refusal):
                raise complete
            return {
                "preview": shown_preview(complete, opened.subjects),
                "button": self.button(*texts),
                **self._compared(complete, opened),
            }
        except Refusal as refusal:
            return {"preview_refusal": refusal, "button": self.button("", "")}

    def _compared(self, report: Report, opened: Opened) -> dict[str, Any]:
        """Return the notice that more is entered than is left, and the quantity in the stock unit if it isn't that."""
        first, second = (Fraction(getattr(report, one.name)) for one in self.kind.inputs.quantities)
        factor = Fraction(1) if report.in_stock_unit else opened.subject.factor
        compared: dict[str, Any] = {}
        if opened.to_go is not None and first * factor > Fraction(opened.to_go) * opened.subject.factor:
            compared["beyond"] = self.beyond(number(opened.to_go))
        if opened.unit != opened.item.stock_unit.code:
            together = (first + second) * factor
            compared["in_stock"] = Decimal(together.numerator) / together.denominator
        return compared

    # ---- the views

    def show(
        self, request: PageRequest, form_data: QueryDict, refusal: Refusal | None = None, *, status: int = 200
    ) -> HttpResponse:
        """Show the page: the field to scan into, and with what was scanned the form and the preview."""
        subject = self.kind.inputs.subject.name
        context: dict[str, Any] = {
            "pages": self,
            "key": form_data.get("key") or new_key(),
            "form": self.form(None, form_data, refusal),
        }
        if not form_data.get(subject, "").strip():
            return render(request, self.template, context | self.banner(request) | self.offered(request))
        try:
            opened = self.open(request, form_data)
            if opened.refusal is not None and not isinstance(opened.refusal, Conflict):
                raise opened.refusal
        except Refusal as found:
            choices = None if refusal else self.choices(request, form_data, found)
            if choices is None:
                shown = refusal or found
                context |= {"form": self.form(None, form_data, shown)} | self.offered(request)
                status = status_of(shown)
            return render(request, self.template, context | (choices or {}), status=status)
        form = self.form(opened, form_data, refusal)
        context |= {"opened": opened, "aside": self.aside(opened), "form": form}
        if opened.refusal is None:
            context |= self._drawn(opened, form)
            context |= self.preview_context(request, opened, form_data)
        return render(request, self.template, context, status=status)

    def urls(self, under: str) -> list[URLPattern]:
        """Return the addresses: the page, the preview while it is filled in, and posting."""
        verb = self.kind.verb

        @page(verb)
        def book_page(request: PageRequest) -> HttpResponse:
            return self.show(request, request.GET)

        @page(verb)
        def preview_part(request: PageRequest) -> HttpResponse:
            opened = self.open(request, request.GET)
            context = {"pages": self, "opened": opened, "by_itself": True}
            found = self.preview_context(request, opened, request.GET)
            return render(request, "web/production/book_preview.html", {**context, **found})

        def again(request: PageRequest, refusal: Refusal) -> HttpResponse:
            return self.show(request, request.POST, refusal)

        @posts(verb, again=again)
        def book(request: PageRequest) -> HttpResponse:
            """Book what was entered. What is posted is what is true now, whatever the preview said."""
            report = self.report(request.POST, key=request.POST.get("key", ""))
            [result] = take_reports([report], [self.kind], site=request.visit.site, by=request.user)
            assert result.booking is not None, "what is refused is raised"
            return redirect(self.done_at(request, report, result.booking))

        return [
            path(under, book_page, name=self.name),
            path(f"{under}preview/", preview_part, name=self.preview_name),
            path(f"{under}post/", book, name=self.post_name),
        ]

    @property
    def scan_at(self) -> str:
        """The address of the page, which opens what is scanned."""
        return reverse(self.name)

    @property
    def scan_field(self) -> str:
        """The name of the field to scan into."""
        return self.kind.inputs.subject.name

    @property
    def preview_at(self) -> str:
        """The address of the preview."""
        return reverse(self.preview_name)

    @property
    def post_at(self) -> str:
        """The address that the form is sent to."""
        return reverse(self.post_name)

    @property
    def first_quantity(self) -> str:
        """The name of the field for the good or accepted quantity."""
        return self.kind.inputs.quantities[0].name


def _amount_text(amount: Decimal, unit: str, own: str) -> str:
    """Return a quantity as it was entered, with a unit that isn't the field's own; empty where it is nothing."""
    if not amount:
        return ""
    return f"{number(amount)} {unit}" if unit and unit.casefold() != own.casefold() else number(amount)
