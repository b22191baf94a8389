"""One count: what was found and expected, what moved since, its changes and decisions, and what it taught."""

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as lazy

from backflush.core.count_statistics import Cause
from backflush.counts.corrections import stock_key_of
from backflush.counts.differences import ledger_at
from backflush.counts.lessons import lesson_of
from backflush.counts.models import CountChange, CountDecision, CountStatus, SheetLine, StockCount
from backflush.counts.selectors import count_numbered
from backflush.ledger.posting import read_balances
from backflush.people.rights import Verb
from backflush.web.display import badges
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest
from backflush.web.stock.counts.count_entry import entry_address

CHANGES_MOST: Final = 200
TAUGHT: Final = {
    Cause.NONE: lazy("The book was right."),
    Cause.MISCOUNT: lazy("A miscount: another person counted again, and the book was right."),
    Cause.LATE_BOOKING: lazy("A booking that was entered late: later postings explain the whole difference."),
    Cause.WRONG_PLACE: lazy("The wrong place: another place has just the opposite difference."),
    Cause.WRONG_UNIT: lazy("Perhaps the wrong unit: counted and expected differ by just one pack of the item."),
    Cause.LOSS: lazy("A loss that nothing in the ledger explains."),
    Cause.SURPLUS: lazy("A surplus that nothing in the ledger explains."),
}


@page()
def count_page(request: PageRequest, number: int) -> HttpResponse:
    """Show one count with its evidence. Of a blind count that waits for a recount, the book stays hidden."""
    site, verbs = request.visit.site, request.visit.verbs
    count = count_numbered(site, number)
    open_now = CountStatus(count.status).open and count.reversed_by_id is None
    context: dict[str, Any] = {
        "count": count,
        "badge": badges.REVERSED if count.reversed_by_id is not None else badges.COUNT[count.status],
        "method": badges.COUNT_METHOD[count.method],
        "line": SheetLine.objects.filter(site=site, count=count).first(),
        "again": StockCount.objects.filter(site=site, recount_of=count).select_related("counted_by").first(),
        "decisions": CountDecision.objects.filter(site=site, count=count).select_related("by"),
        "hidden": count.is_book_hidden,
        "recount": f"{reverse('count-entry')}?{urlencode(entry_address(count))}"
        if open_now and Verb.COUNT in verbs
        else "",
        "may_reverse": count.reversed_by_id is None and Verb.REVERSE in verbs,
    }
    if not count.is_book_hidden:
        stock = read_balances(site=site, stock_keys=[stock_key_of(count)])
        (known,) = ledger_at([count], stock, site=site)
        lesson = lesson_of(count)
        changes = CountChange.objects.filter(site=site, count=count).select_related("posting__by", "because")
        context |= {
            "book": count.expected + count.waiting,
            "first_difference": count.quantity - count.expected,
            "moved": known.moved,
            "there": stock.there(stock_key_of(count)),
            "changes": changes.order_by("pk")[:CHANGES_MOST],
            "taught": TAUGHT[lesson.cause],
            "other": lesson.other,
            "move": _move_address(count, lesson.other.path) if lesson.other and Verb.MOVE in verbs else "",
        }
    return render(request, "web/stock/counts/count.html", context)


def _move_address(count: StockCount, other: str) -> str:
    """Return the page of a manual move from where too little was found, to be put right where it is."""
    source = count.location.path if count.difference < 0 else other
    return f"{reverse('move')}?{urlencode({'source': source, 'item': count.item.code})}"


urlpatterns = [path("stock/counts/<int:number>/", count_page, name="count")]
