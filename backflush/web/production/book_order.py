"""Book production on a works order: can I book this, and what happens? Scan, amount, book; undo in place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode

from backflush.backflushing.models import Booking
from backflush.backflushing.selectors import Preview, PreviewLine, preview
from backflush.core.input_values import whole_or_none
from backflush.core.lifecycle import OrderStatus, refuse_posting
from backflush.core.moves import Reason, Status, Tracking
from backflush.core.quantity import DECIMALS_MAX, ZERO
from backflush.core.refusals import InvalidQuantity, InvalidValue, Refusal
from backflush.dashboard.bookable_orders import bookable_orders
from backflush.delivery.refusals import status_of
from backflush.handling.moves import reverse as take_back
from backflush.handling.rights import may_reverse, require_may_reverse
from backflush.items.models import Item
from backflush.ledger.models import Movement
from backflush.ledger.selectors import posting_numbered
from backflush.people.rights import Verb
from backflush.stockmap.models import TransferRule
from backflush.unresolved.arrivals import proposed_by
from backflush.web.display.badges import CHOICE, Sign
from backflush.web.display.formats import number
from backflush.web.forms.idempotency import new_key
from backflush.web.forms.values import moment_in, number_in, serials_in
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest, Visit
from backflush.works.models import WorksOrder
from backflush.works.selectors import orders_found, require_found
from backflush.works.services.booking import BookableOrders, BookingIn, book_production

OFFERED: Final = 12
"""So many orders are offered where none was scanned yet."""
SHOWN_WHOLE: Final = 14
"""A preview of more components folds those of which there is enough."""
QUICK: Final = Decimal(10)


@dataclass(frozen=True, slots=True)
class OrderToBook:
    """An order that production is booked on, as the page shows it; quantities in the order's unit."""

    order: WorksOrder
    orders: BookableOrders
    """The order as bookings and previews take it, so that it is read once."""

    @property
    def rule(self) -> TransferRule | None:
        """The rule by which good pieces come into stock, where there is one."""
        action_id = self.order.item.type_code.completion_id
        return None if action_id is None else self.orders.rules.get(action_id)

    @property
    def decimals(self) -> int:
        """How many its quantities have: the item's in its stock unit, else as many as are there."""
        return self.order.item.quantity_decimals if self.order.factor == 1 else DECIMALS_MAX

    @property
    def to_go(self) -> Decimal:
        """What is still to be made."""
        left: Decimal = self.order.quantity - self.order.cost_object.good
        return max(left, ZERO)

    @property
    def quick(self) -> list[Decimal]:
        """Amounts that one press enters: ten, a batch, all that is to go."""
        batch = self.order.item.batch_size if self.order.factor == 1 else None
        smaller = {amount for amount in (QUICK, batch or ZERO) if ZERO < amount < self.to_go}
        return [*sorted(smaller), *([self.to_go] if self.to_go else [])]

    @property
    def needs_batch(self) -> bool:
        """Whether the goods' batch must be named (B8)."""
        return bool(self.order.item.tracking == Tracking.BATCH)

    @property
    def needs_serials(self) -> bool:
        """Whether the goods' serial numbers must be named (B8)."""
        return bool(self.order.item.tracking == Tracking.SERIAL)

    @property
    def needs_bin(self) -> bool:
        """Whether it must be said in which bin they are put (B8)."""
        return self.rule is not None and self.rule.target.bin_controlled

    @property
    def refusal(self) -> Refusal | None:
        """Why nothing can be booked on it, whatever the amount."""
        return refuse_posting(self.order.number, OrderStatus(self.order.status))


def asked_order(visit: Visit, number: str) -> OrderToBook:
    """Return the works order of a number, as it was scanned or typed; raises `NotFound` and `Archived`."""
    number = number.strip()
    orders, rules = orders_found(visit.site, [number])
    require_found(visit.site, [number], orders)
    return OrderToBook(orders[number], BookableOrders(visit.site, orders, rules))


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A component of the preview with what a person needs to know of it."""

    line: PreviewLine
    item: Item

    @property
    def short_by(self) -> Decimal:
        """How much there is too little."""
        there = self.line.there if self.line.there is not None else ZERO
        return max(self.line.assumed - there, ZERO) or self.line.waits

    @property
    def short_text(self) -> str:
        """The same, by the locale."""
        return number(self.short_by, self.item.quantity_decimals)

    @property
    def choice(self) -> Sign:
        """What somebody must say before it can move."""
        assert self.line.reason is not None, "only what waits is asked for it"
        return CHOICE[self.line.reason]

    @property
    def is_short(self) -> bool:
        """Whether it is short, and not only waiting for somebody's choice."""
        return self.line.reason is Reason.SHORT

    @property
    def after(self) -> Decimal | None:
        """What will be there afterwards."""
        return None if self.line.there is None else self.line.there - self.line.moves


@dataclass(frozen=True)
class Foreseen:
    """A preview, its shortages first."""

    preview: Preview
    lines: Sequence[PreviewRow]

    @property
    def short(self) -> list[PreviewRow]:
        """What is short."""
        return [line for line in self.lines if line.is_short]

    @property
    def waiting(self) -> int:
        """How many will wait for stores, short or for a choice."""
        return sum(1 for line in self.lines if line.line.reason is not None)

    @property
    def shown(self) -> Sequence[PreviewRow]:
        """What stands open: all, or in a long list those that wait."""
        return self.lines if len(self.lines) <= SHOWN_WHOLE else [one for one in self.lines if one.line.reason]

    @property
    def folded(self) -> Sequence[PreviewRow]:
        """The rest of a long list."""
        return [] if len(self.lines) <= SHOWN_WHOLE else [one for one in self.lines if not one.line.reason]

    @property
    def sources(self) -> list[str]:
        """The places that it is taken from."""
        return list(dict.fromkeys(line.line.source for line in self.lines))


def foresee(asked: OrderToBook, booking: BookingIn) -> Foreseen:
    """Return what a booking would do: short lines first, then those that wait for a choice."""
    found = preview(booking, asked.orders)
    items = _items(line.component for line in found.lines)
    lines = [PreviewRow(line, items[line.component]) for line in found.lines]
    return Foreseen(found, sorted(lines, key=lambda one: (not one.is_short, one.line.reason is None)))


def _items(codes: Iterable[str]) -> dict[str, Item]:
    return {item.code: item for item in Item.objects.filter(code__in=set(codes)).select_related("stock_unit")}


def _booking_in(asked: OrderToBook, typed: QueryDict, *, key: str = "") -> BookingIn:
    """What was typed. Amounts left empty are nothing, and a serial number stands on a line or behind a comma."""
    unit = asked.order.unit.code
    return BookingIn(
        order=asked.order.number,
        good=number_in(typed, "good", unit=unit),
        scrap=number_in(typed, "scrap", unit=unit),
        at=moment_in(typed, "at"),
        key=key,
        batch=typed.get("batch", "").strip(),
        serials=tuple(serials_in(typed, "serials")),
        bin=typed.get("bin", "").strip(),
        scrap_reason=typed.get("scrap_reason", "").strip(),
    )


@page(Verb.BOOK)
def book_page(request: PageRequest) -> HttpResponse:
    """The order field; with an order, the amounts and what will happen."""
    scanned = request.GET.get("order", "").strip()
    if not scanned:
        shown = {**_strip(request), "orders": bookable_orders(request.visit.site, OFFERED)}
        return render(request, "web/production/book_order.html", shown)
    try:
        asked = asked_order(request.visit, scanned)
    except Refusal as refusal:
        shown = {"refusal": refusal, "number": scanned, "orders": bookable_orders(request.visit.site, OFFERED)}
        return render(request, "web/production/book_order.html", shown, status=status_of(refusal))
    return _show(request, asked, request.GET)


def _show(request: PageRequest, asked: OrderToBook, typed: QueryDict, refusal: Refusal | None = None) -> HttpResponse:
    shown: dict[str, Any] = {
        "asked": asked,
        "order": asked.order,
        "number": asked.order.number,
        "typed": typed,
        "key": typed.get("key") or new_key(),
        "refusal": refusal,
        "fields": {"order", "good", "scrap", "scrap_reason", "batch", "serials", "bin", "at"},
        **_foreseen(asked, typed),
    }
    return render(request, "web/production/book_order.html", shown)


def _foreseen(asked: OrderToBook, typed: QueryDict) -> Mapping[str, Any]:
    """What will happen with what is typed so far; nothing as long as it can't be read or is nothing."""
    try:
        booking = _booking_in(asked, typed)
        if not booking.good + booking.scrap:
            return {}
        return {"booking": booking, "foreseen": foresee(asked, booking)}
    except Refusal as refusal:
        return {"unforeseen": refusal}


@page(Verb.BOOK)
def preview_part(request: PageRequest) -> HttpResponse:
    """What will happen with what is typed so far, and what the button will do."""
    asked = asked_order(request.visit, request.GET.get("order", ""))
    shown = {"asked": asked, "order": asked.order, "by_itself": True, **_foreseen(asked, request.GET)}
    return render(request, "web/production/booking_preview.html", shown)


def _again(request: PageRequest, refusal: Refusal) -> HttpResponse:
    return _show(request, asked_order(request.visit, request.POST.get("order", "")), request.POST, refusal)


@posts(Verb.BOOK, again=_again)
def book(request: PageRequest) -> HttpResponse:
    """Book it. What is posted is what is true now, whatever the preview said."""
    asked = asked_order(request.visit, request.POST.get("order", ""))
    booking = _booking_in(asked, request.POST, key=request.POST.get("key", ""))
    if not booking.good + booking.scrap:
        raise InvalidQuantity("Enter the quantity made, good or scrap.", field="good")
    made = book_production(booking, site=request.visit.site, by=request.user)
    foreseen = request.POST.get("foreseen", "")
    return redirect(f"{reverse('book')}?{urlencode({'booked': str(made.posting_id), 'foreseen': foreseen})}")


@posts(Verb.REVERSE_OWN, Verb.REVERSE)
def undo(request: PageRequest) -> HttpResponse:
    """Take the booking back at once: it's exact, and can be booked again."""
    posting_id = whole_or_none(request.POST.get("posting", ""))
    if posting_id is None:
        raise InvalidValue("Choose the booking to reverse.", field="posting")
    posting = posting_numbered(request.visit.site, posting_id)
    require_may_reverse(request.user, request.visit.site, posting)
    take_back(site=request.visit.site, posting=posting.pk, by=request.user, key=request.POST.get("key", ""))
    return redirect(f"{reverse('book')}?{urlencode({'undone': posting.pk})}")


def _strip(request: PageRequest) -> dict[str, Any]:
    """What was just booked or taken back, read from the ledger."""
    posting_id = whole_or_none(request.GET.get("booked", "") or request.GET.get("undone", ""))
    if posting_id is None:
        return {}
    booking = (
        Booking.objects.filter(site=request.visit.site, posting=posting_id)
        .select_related("posting", "cost_object", "item__stock_unit")
        .first()
    )
    if booking is None:
        return {}
    if booking.reversed_by_id is not None:
        return {"undone": booking}
    waits = Movement.objects.filter(posting=booking.posting_id, status=Status.UNRESOLVED).count()
    foreseen = whole_or_none(request.GET.get("foreseen", ""))
    return {
        "booked": booking,
        "waits": waits,
        "differs": foreseen not in {None, waits},
        "foreseen_waits": foreseen,
        "may_undo": may_reverse(request.user, request.visit.site, booking.posting),
        "proposal": proposed_by(booking.posting, site=request.visit.site),
        "key": new_key(),
    }


urlpatterns = [
    path("book/", book_page, name="book"),
    path("book/preview/", preview_part, name="booking-preview"),
    path("book/post/", book, name="book-post"),
    path("book/undo/", undo, name="book-undo"),
]
