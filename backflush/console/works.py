"""Booking production, with an order and without; issues and returns by hand."""

from typing import Annotated

import typer

from backflush.backflushing.models import Booking
from backflush.console.options import (
    BATCH,
    GOOD,
    GOODS_BIN,
    ITEM,
    ORDER,
    QUANTITY,
    REMARKS,
    SCRAP,
    SCRAP_REASON,
    SERIALS,
)
from backflush.console.output import Desk, HelpSection, command
from backflush.console.postings import answer_posting, good_and_scrap
from backflush.core.input_values import read_number
from backflush.ledger.models import Posting
from backflush.works.material_issue import IssueIn, issue, return_material
from backflush.works.services.booking import BookingIn, book_production
from backflush.works.services.production_without_order import ProductionIn, produce


def register(app: typer.Typer) -> None:
    """Add `book`, `produce`, `issue` and `return`."""
    command(app, "book", panel=HelpSection.BOOK, posts=True, keyed=True)(book)
    command(app, "produce", panel=HelpSection.BOOK, posts=True, keyed=True)(produce_without_order)
    command(app, "issue", panel=HelpSection.BOOK, posts=True, keyed=True)(issue_by_hand)
    command(app, "return", panel=HelpSection.BOOK, posts=True, keyed=True)(return_by_hand)


def book(
    desk: Desk,
    order: ORDER,
    good: GOOD = "0",
    scrap: SCRAP = "0",
    scrap_reason: SCRAP_REASON = "",
    batch: BATCH = "",
    serial: SERIALS = None,
    bin: GOODS_BIN = "",
) -> None:
    """Book production on a works order. The good pieces go into stock, and what the order's structure says was used
    for good and scrap together is taken out; what isn't there is kept as unresolved.

    Example: backflush book W-1001 38 --scrap 2

    See first what it would do: backflush preview W-1001 38 --scrap 2
    """
    report = BookingIn(
        order=order,
        good=read_number(good, field="good"),
        scrap=read_number(scrap, field="scrap"),
        at=desk.at,
        key=desk.key,
        batch=batch,
        serials=serial or (),
        bin=bin,
        scrap_reason=scrap_reason,
    )
    booking = book_production(report, site=desk.site, by=desk.by)
    answer_booking(desk, booking, "Booked", f"on {order}", order=order)


def produce_without_order(
    desk: Desk,
    item: ITEM,
    good: GOOD = "0",
    scrap: SCRAP = "0",
    scrap_reason: SCRAP_REASON = "",
    batch: BATCH = "",
    serial: SERIALS = None,
    bin: GOODS_BIN = "",
) -> None:
    """Produce a kit or a manufactured item without an order. It goes into stock, and what its structure of that day
    says is taken out; what isn't there is kept as unresolved.

    Example: backflush produce KIT-5 12
    """
    report = ProductionIn(
        item=item,
        good=read_number(good, field="good"),
        scrap=read_number(scrap, field="scrap"),
        at=desk.at,
        key=desk.key,
        batch=batch,
        serials=serial or (),
        bin=bin,
        scrap_reason=scrap_reason,
    )
    booking = produce(report, site=desk.site, by=desk.by)
    answer_booking(desk, booking, "Produced", "without order")


def answer_booking(
    desk: Desk,
    booking: Booking,
    verb: str,
    where: str,
    *,
    words: tuple[str, str] = ("good", "scrap"),
    **facts: object,
) -> None:
    """Answer with a booking, production or receipt."""
    posting = booking.posting
    amounts = dict(zip(words, (booking.good, booking.scrap), strict=True))
    made = good_and_scrap(booking.good, booking.scrap, words=words)
    answer_posting(
        desk,
        posting,
        f"{verb} {made} of {booking.item.code} {where}: posting {posting.pk}.",
        f"Take it back: backflush reverse {posting.pk}",
        item=booking.item.code,
        **amounts,
        **facts,
    )


def issue_by_hand(
    desk: Desk,
    order: ORDER,
    item: ITEM,
    quantity: QUANTITY,
    bin: Annotated[str, typer.Option(metavar="BIN", help="The bin it is taken from.", show_default=False)] = "",
    to_bin: Annotated[str, typer.Option(metavar="BIN", help="The bin it goes to.", show_default=False)] = "",
    batch: BATCH = "",
    serial: SERIALS = None,
    remarks: REMARKS = "",
) -> None:
    """Issue material to a works order by hand: what was used over the structure, or all of it where nothing is
    backflushed. It follows the issue action of the item made.

    Example: backflush issue W-1001 LUG-6 12
    """
    asked = _issue(desk, order, item, quantity, bin, to_bin, batch, serial, remarks)
    _answer_by_hand(desk, issue(asked, site=desk.site, by=desk.by), asked, "Issued", "to")


def return_by_hand(
    desk: Desk,
    order: ORDER,
    item: ITEM,
    quantity: QUANTITY,
    bin: Annotated[str, typer.Option(metavar="BIN", help="The bin it is put into.", show_default=False)] = "",
    to_bin: Annotated[str, typer.Option(metavar="BIN", help="The bin it comes from.", show_default=False)] = "",
    batch: BATCH = "",
    serial: SERIALS = None,
    remarks: REMARKS = "",
) -> None:
    """Return material from a works order by hand: what was used less than the structure says. No more can go back
    than the order has had.

    Example: backflush return W-1001 LUG-6 4
    """
    asked = _issue(desk, order, item, quantity, bin, to_bin, batch, serial, remarks)
    _answer_by_hand(desk, return_material(asked, site=desk.site, by=desk.by), asked, "Returned", "from")


def _issue(
    desk: Desk,
    order: str,
    item: str,
    quantity: str,
    bin: str,
    to_bin: str,
    batch: str,
    serial: list[str] | None,
    remarks: str,
) -> IssueIn:
    return IssueIn(
        order=order,
        item=item,
        quantity=read_number(quantity, field="quantity"),
        bin=bin,
        to_bin=to_bin,
        batch=batch,
        serials=serial or (),
        remarks=remarks,
        at=desk.at,
        key=desk.key,
    )


def _answer_by_hand(desk: Desk, posting: Posting, asked: IssueIn, verb: str, whither: str) -> None:
    answer_posting(
        desk,
        posting,
        f"{verb} {asked.quantity:f} of {asked.item} {whither} {asked.order}: posting {posting.pk}.",
        f"Take it back: backflush reverse {posting.pk}",
        order=asked.order,
    )
