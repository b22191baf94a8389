"""Commands to move stock by hand and to reverse postings."""

from typing import Annotated

import typer

from backflush.console.options import BATCH, ITEM, NUMBER_MAX, QUANTITY, REMARKS, SERIALS
from backflush.console.output import Desk, HelpSection, command
from backflush.console.postings import answer_posting
from backflush.core.input_values import read_amount
from backflush.core.refusals import InvalidValue
from backflush.handling.moves import MoveIn, move_stock, reverse
from backflush.items.selectors import stock_quantity_of
from backflush.ledger.selectors import movement_numbered, posting_keyed


def register(app: typer.Typer) -> None:
    """Add `move` and `reverse`."""
    command(app, "move", panel=HelpSection.BOOK, posts=True, keyed=True)(move)
    command(app, "reverse", panel=HelpSection.BOOK, posts=True, keyed=True)(take_back)


def move(
    desk: Desk,
    action: Annotated[
        str,
        typer.Argument(metavar="ACTION", help="A manual, warehouse transfer or despatch action.", show_default=False),
    ],
    item: ITEM,
    quantity: QUANTITY,
    source: Annotated[
        str, typer.Option("--from", metavar="STORE/LOCATION", help="The from-location.", show_default=False)
    ],
    target: Annotated[str, typer.Option("--to", metavar="STORE/LOCATION", help="The to-location.", show_default=False)],
    from_bin: Annotated[
        str, typer.Option(metavar="BIN", help="The bin at the from-location.", show_default=False)
    ] = "",
    to_bin: Annotated[str, typer.Option(metavar="BIN", help="The bin at the to-location.", show_default=False)] = "",
    batch: BATCH = "",
    serial: SERIALS = None,
    remarks: REMARKS = "",
) -> None:
    """Move stock by hand. The action's rules say from where and to where.

    Example: backflush move TRANSFER LUG-6 200 --from MAIN/RACK --to MAIN/LINE
    """
    amount = stock_quantity_of(item, read_amount(quantity, field="quantity"), field="quantity")
    posting = move_stock(
        MoveIn(
            action=action,
            item=item,
            quantity=amount,
            source=source,
            target=target,
            from_bin=from_bin,
            to_bin=to_bin,
            batch=batch,
            serials=serial or (),
            remarks=remarks,
            at=desk.at,
            key=desk.key,
        ),
        site=desk.site,
        by=desk.by,
    )
    answer_posting(
        desk,
        posting,
        f"Moved {amount:f} of {item} from {source} to {target}: posting {posting.pk}.",
        f"To reverse it: backflush reverse {posting.pk}",
    )


def take_back(
    desk: Desk,
    posting: Annotated[
        int | None,
        typer.Argument(metavar="[POSTING]", min=1, max=NUMBER_MAX, help="The posting number.", show_default=False),
    ] = None,
    movement: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            min=1,
            max=NUMBER_MAX,
            help="Instead: the number of a movement of the posting.",
            show_default=False,
        ),
    ] = None,
    of: Annotated[
        str, typer.Option(metavar="KEY", help="Instead: the key under which it was posted.", show_default=False)
    ] = "",
) -> None:
    """Reverse a posting, once. A booking, production or receipt is reversed whole, with whatever was resolved for it.
    Manual moves, issues and returns are reversed too. A resolution, retry or cancellation is undone: its movements are
    unresolved again.

    Example: backflush reverse 1204

    Example: backflush reverse --of scan-77
    """
    reversal = reverse(
        site=desk.site, posting=_posting(desk, posting, movement, of), by=desk.by, at=desk.at, key=desk.key
    )
    answer_posting(
        desk,
        reversal,
        f"Posting {reversal.reverses_id} is reversed by posting {reversal.pk}.",
        reverses=reversal.reverses_id,
    )


def _posting(desk: Desk, posting: int | None, movement: int | None, of: str) -> int:
    """Return the posting that was named in one of the three ways."""
    if sum((posting is not None, movement is not None, bool(of))) != 1:
        raise InvalidValue(
            "Say what to reverse by one of: a posting number, --movement NUMBER, --of KEY.", field="posting"
        )
    if movement is not None:
        return movement_numbered(desk.site, movement).posting_id
    if of:
        return posting_keyed(desk.site, of).pk
    assert posting is not None
    return posting
