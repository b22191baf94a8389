"""Commands to issue and return material by hand."""

from typing import Annotated

import typer

from backflush.console.options import (
    BATCH,
    ITEM,
    ORDER,
    QUANTITY,
    REMARKS,
    SERIALS,
)
from backflush.console.output import Desk, HelpSection, command
from backflush.console.postings import answer_posting
from backflush.core.input_values import read_amount
from backflush.items.selectors import stock_quantity_of
from backflush.ledger.models import Posting
from backflush.works.material_issue import IssueIn, issue, return_material


def register(app: typer.Typer) -> None:
    """Add `issue` and `return`."""
    command(app, "issue", panel=HelpSection.BOOK, posts=True, keyed=True)(issue_by_hand)
    command(app, "return", panel=HelpSection.BOOK, posts=True, keyed=True)(return_by_hand)


def issue_by_hand(
    desk: Desk,
    order: ORDER,
    item: ITEM,
    quantity: QUANTITY,
    bin: Annotated[str, typer.Option(metavar="BIN", help="The bin at the from-location.", show_default=False)] = "",
    to_bin: Annotated[str, typer.Option(metavar="BIN", help="The bin at the to-location.", show_default=False)] = "",
    batch: BATCH = "",
    serial: SERIALS = None,
    remarks: REMARKS = "",
) -> None:
    """Issue material to a works order by hand: for use beyond the structure, or for all use if nothing is backflushed.
    The issue action of the order's item decides the from- and to-location.

    Example: backflush issue W-1001 LUG-6 12
    """
    material = _issue(desk, order, item, quantity, bin, to_bin, batch, serial, remarks)
    _answer_by_hand(desk, issue(material, site=desk.site, by=desk.by), material, "Issued", "to")


def return_by_hand(
    desk: Desk,
    order: ORDER,
    item: ITEM,
    quantity: QUANTITY,
    bin: Annotated[str, typer.Option(metavar="BIN", help="The bin at the to-location.", show_default=False)] = "",
    to_bin: Annotated[str, typer.Option(metavar="BIN", help="The bin at the from-location.", show_default=False)] = "",
    batch: BATCH = "",
    serial: SERIALS = None,
    remarks: REMARKS = "",
) -> None:
    """Return unused material from a works order by hand. The quantity can't exceed what was issued to the order or
    assumed.

    Example: backflush return W-1001 LUG-6 4
    """
    material = _issue(desk, order, item, quantity, bin, to_bin, batch, serial, remarks)
    _answer_by_hand(desk, return_material(material, site=desk.site, by=desk.by), material, "Returned", "from")


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
        quantity=stock_quantity_of(item, read_amount(quantity, field="quantity"), field="quantity"),
        bin=bin,
        to_bin=to_bin,
        batch=batch,
        serials=serial or (),
        remarks=remarks,
        at=desk.at,
        key=desk.key,
    )


def _answer_by_hand(desk: Desk, posting: Posting, material: IssueIn, verb: str, whither: str) -> None:
    answer_posting(
        desk,
        posting,
        f"{verb} {material.quantity:f} of {material.item} {whither} {material.order}: posting {posting.pk}.",
        f"To reverse it: backflush reverse {posting.pk}",
        order=material.order,
    )
