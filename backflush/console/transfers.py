"""Commands for stock transfers between sites."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from django.db import DEFAULT_DB_ALIAS, DatabaseError

from backflush.console.options import BATCH, ITEM, QUANTITY, REMARKS, SERIALS
from backflush.console.output import Desk, HelpSection, Listing, command, in_json
from backflush.console.postings import answer_posting
from backflush.core.input_values import read_amount
from backflush.core.quantity import written
from backflush.core.refusals import InvalidValue, NotFound
from backflush.db.connections import another_database
from backflush.handling.transfer_queries import TransferComparison, books, compare, notes_of, sent_transfer
from backflush.handling.transfers import Note, Sending, arrive, confirm_arrivals, read_note, send_to_site
from backflush.items.selectors import stock_quantity_of
from backflush.ledger.models import Posting
from backflush.stockmap.models import Site


def register(app: typer.Typer) -> None:
    """Add `send`, `arrive` and `in-transit`."""
    command(app, "send", panel=HelpSection.BOOK, posts=True, keyed=True)(send)
    command(app, "arrive", panel=HelpSection.BOOK, posts=True, keyed=True)(take_in)
    command(app, "in-transit", panel=HelpSection.STOCK)(in_transit)


def send(
    desk: Desk,
    item: ITEM,
    quantity: QUANTITY,
    source: Annotated[
        str, typer.Option("--from", metavar="STORE/LOCATION", help="The from-location.", show_default=False)
    ],
    to: Annotated[str, typer.Option("--to-site", metavar="CODE", help="The receiving site.", show_default=False)],
    bin: Annotated[
        str, typer.Option("--bin", metavar="BIN", help="The bin at the from-location.", show_default=False)
    ] = "",
    batch: BATCH = "",
    serial: SERIALS = None,
    remarks: REMARKS = "",
    note: Annotated[
        str, typer.Option(metavar="FILE", help="Write the transfer note to this file.", show_default=False)
    ] = "",
) -> None:
    """Send stock to another site, whose server need not be running. The note contains all that the other site needs to
    receive it. With --key a transfer is sent once, however often the command is repeated.

    Example: backflush send LUG-6 200 --site NORTH --from MAIN/FG --to-site SOUTH --note lugs.json
    """
    line = Sending(
        item=item,
        quantity=stock_quantity_of(item, read_amount(quantity, field="quantity"), field="quantity"),
        source=source,
        bin=bin,
        batch=batch,
        serials=serial or (),
    )
    sent = send_to_site(site=desk.site, to=to, lines=[line], by=desk.by, number=desk.key, at=desk.at, remarks=remarks)
    payload = notes_of([sent])[0].as_payload()
    if note:
        Path(note).write_text(in_json(payload) + "\n", encoding="utf-8")
    answer_posting(
        desk,
        sent.posting,
        f"Sent {written(line.quantity)} of {item} to {to}: transfer {sent.number}.",
        f"To receive it there: backflush arrive {note or 'NOTE'} --site {to} --into STORE/LOCATION",
        note=payload,
    )


def take_in(
    desk: Desk,
    note: Annotated[
        str,
        typer.Argument(metavar="NOTE", help="The transfer note: a file, or - for standard input.", show_default=False),
    ],
    into: Annotated[str, typer.Option(metavar="STORE/LOCATION", help="The to-location.", show_default=False)],
    bin: Annotated[
        str, typer.Option("--bin", metavar="BIN", help="The bin at the to-location.", show_default=False)
    ] = "",
    remarks: REMARKS = "",
    sender: Annotated[
        str,
        typer.Option(
            "--from-site",
            metavar="CODE",
            help="The sending site. NOTE is then the transfer number.",
            show_default=False,
        ),
    ] = "",
    where: Annotated[
        str,
        typer.Option(
            "--from-database",
            metavar="URL",
            help="The sending site's database, if it is another one.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Receive a transfer from another site, whole. A transfer that is received twice is posted once. Count any shortage
    afterwards.

    Example: backflush arrive lugs.json --site SOUTH --into MAIN/RAW

    Example: backflush arrive 4711 --site SOUTH --into MAIN/RAW --from-site NORTH
    """
    if desk.key:
        raise InvalidValue("A transfer is received under the key with which it was sent. Leave out --key.", field="key")
    note_in = _note_of_sender(desk.site.code, note, sender, where) if sender else read_note(_read(note))
    arrived = arrive(site=desk.site, note=note_in, into=into, bin=bin, by=desk.by, at=desk.at, remarks=remarks)
    posting: Posting = arrived.posting
    answer_posting(
        desk, posting, f"Received transfer {note_in.number} from {note_in.source}.", note=note_in.as_payload()
    )


def in_transit(
    desk: Desk,
    also: Annotated[
        list[str] | None,
        typer.Option("--and", metavar="URL", help="The database of another site. Can be repeated."),
    ] = None,
    note_arrivals: Annotated[
        bool,
        typer.Option("--note-arrivals", help="Mark the transfers of this database's sites that have been received."),
    ] = False,
) -> None:
    """Compare the records of all sites: list transfers in transit, and find any that were received twice or never sent.
    An unreachable database is named and left out. The exit code is 1 if a transfer is wrong.

    Example: backflush in-transit --and postgres://backflush@south/backflush
    """
    found, looked_at = books(), set(Site.objects.values_list("code", flat=True)) if not also else _sites_here()
    missing: list[str] = []
    for number, url in enumerate(also or (), start=1):
        try:
            with another_database(url) as using:
                theirs = books(using=using)
                found += theirs
                looked_at |= _sites_here(using)
        except DatabaseError as reason:
            # Don't print the address, which may contain a password.
            missing.append(f"Database {number} can't be reached: {str(reason).splitlines()[0]}")
    comparison = compare(found, looked_at=looked_at)
    noted = _note_arrivals(comparison) if note_arrivals else 0
    desk.answer(_payload(comparison, missing, noted), *_shown(comparison, missing, noted))
    if comparison.faults:
        desk.fail()


def _sites_here(using: str = DEFAULT_DB_ALIAS) -> set[str]:
    """Return the sites whose postings are in a database. Other sites appear there by name only."""
    return set(Posting.objects.using(using).values_list("site__code", flat=True).distinct().order_by())


def _note_of_sender(target: str, number: str, sender: str, where: str) -> Note:
    with _opened(where) as using:
        return notes_of([sent_transfer(sender, target, number, using=using)], using=using)[0]


@contextmanager
def _opened(url: str) -> Iterator[str]:
    if not url:
        yield DEFAULT_DB_ALIAS
        return
    with another_database(url) as using:
        yield using


def _read(note: str) -> Any:
    try:
        return json.loads(sys.stdin.read() if note == "-" else Path(note).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound("There is no file {file}.", file=note, field="note") from None
    except (OSError, ValueError) as reason:
        raise InvalidValue(
            "{file} is not a transfer note: {problem}.", file=note, problem=reason, field="note"
        ) from None


def _note_arrivals(comparison: TransferComparison) -> int:
    noted = 0
    for site in Site.objects.order_by("pk"):
        arrived = {
            (target, number): at
            for (source, target, number), at in comparison.arrived_at.items()
            if source == site.code
        }
        noted += confirm_arrivals(site=site, arrived=arrived) if arrived else 0
    return noted


def _payload(comparison: TransferComparison, missing: list[str], noted: int) -> dict[str, object]:
    return {
        "on_the_way": [note.as_payload() for note in comparison.on_the_way],
        "arrived": len(comparison.arrived_at),
        "noted": noted,
        "unreachable": missing,
        "faults": comparison.faults,
    }


def _shown(comparison: TransferComparison, missing: list[str], noted: int) -> list[str | Listing]:
    rows = [
        (note.source, note.target, note.number, f"{note.sent_at:%d %b %Y %H:%M}", line.item, written(line.quantity))
        for note in comparison.on_the_way
        for line in note.lines
    ]
    shown: list[str | Listing] = [*missing]
    if rows:
        shown.append(Listing(("From", "To", "Transfer", "Sent", "Item", "#Quantity"), rows))
    count = len(comparison.on_the_way)
    shown.append("1 transfer is in transit." if count == 1 else f"{count:,} transfers are in transit.")
    if noted:
        shown.append(f"{noted:,} marked as received.")
    shown += comparison.faults
    return shown
