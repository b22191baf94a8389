"""Commands for balances and movements."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any

import typer

from backflush.console.lookups import require_item, require_order, require_place
from backflush.console.options import LIMIT, ONLY_ITEM, ONLY_ORDER
from backflush.console.output import Desk, HelpSection, Listing, command, in_decimals, in_unit, of_all
from backflush.console.postings import WHY, ends, movement_payload
from backflush.core.input_values import LAST_YEAR, read_moment
from backflush.core.moves import Status
from backflush.core.quantity import written
from backflush.core.refusals import InvalidValue
from backflush.ledger.history import balances_at
from backflush.ledger.models import Movement
from backflush.ledger.movement_list import REVERSED, STATUSES
from backflush.ledger.selectors import balances, transactions
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import moment_of

LOCATION = Annotated[
    str, typer.Option("--location", metavar="STORE[/LOCATION]", help="Only this location or store.", show_default=False)
]

INSTANT = timedelta(microseconds=1)


def register(app: typer.Typer) -> None:
    """Add `balance` and `transactions`."""
    command(app, "balance", panel=HelpSection.STOCK)(show_balances)
    command(app, "transactions", panel=HelpSection.STOCK)(show_transactions)


def show_balances(
    desk: Desk,
    only: Annotated[str, typer.Argument(metavar="[ITEM]", help="Only this item.", show_default=False)] = "",
    item: ONLY_ITEM = "",
    location: LOCATION = "",
    at: Annotated[
        str,
        typer.Option(metavar="TIME", help="As at a past date or time, by event time.", show_default=False),
    ] = "",
    zero: Annotated[bool, typer.Option("--zero", help="Include zero balances.")] = False,
) -> None:
    """Show balances: each item by location, bin, batch and serial number. With a date, show the balances at the end of
    that day by event time; a balance can be negative in the past if something was recorded late, and is marked.

    Example: backflush balance --location MAIN

    Example: backflush balance LUG-6 --at 2026-02-28
    """
    item = item or only
    require_item(item)
    require_place(desk.site, location)
    moment = end_of(read_moment(at, field="at"), desk.site, field="at") if at else None
    rows = _now(desk, item, location, zero) if moment is None else _then(desk, item, location, moment)
    payload = {"at": moment and desk.local(moment), "total": len(rows), "balances": rows}
    listing = Listing(
        ("Item", "Location", "Bin", "Batch", "Serial", "#Quantity", ""),
        [
            (
                row["item"],
                row["location"],
                row["bin"],
                row["batch"],
                row["serial"],
                f"{row.pop('shown')} {row['unit']}",
                "negative: recorded late" if row["quantity"] < 0 else "",
            )
            for row in rows
        ],
    )
    desk.answer(payload, *([listing] if rows else []), f"{len(rows):,} balances." if rows else "There is no stock.")


def _now(desk: Desk, item: str, location: str, zero: bool) -> list[dict[str, Any]]:
    return [
        {
            "item": row.item.code,
            "location": row.location.path,
            "bin": row.bin,
            "batch": row.batch,
            "serial": row.serial,
            "quantity": row.quantity,
            "unit": row.item.stock_unit.code,
            "shown": in_decimals(row.quantity, row.item),
        }
        for row in balances(desk.site, item=item, location=location, with_zero=zero)
    ]


def _then(desk: Desk, item: str, location: str, moment: datetime) -> list[dict[str, Any]]:
    return [
        {
            "item": row.item,
            "location": row.location,
            "bin": row.bin,
            "batch": row.batch,
            "serial": row.serial,
            "quantity": row.quantity,
            "unit": row.unit,
            "shown": written(row.quantity),
        }
        for row in balances_at(desk.site, moment, item=item, location=location)
    ]


def end_of(moment: datetime | date, site: Site, *, field: str) -> datetime:
    """Return the last instant of a date in the site's time zone, or the time itself."""
    if isinstance(moment, datetime):
        return moment_of(site, moment, field=field)
    return moment_of(site, min(moment + timedelta(days=1), date(LAST_YEAR, 12, 31)), field=field) - INSTANT


def show_transactions(
    desk: Desk,
    status: Annotated[
        str,
        typer.Option(
            metavar="STATUS",
            help="Only movements with this status: ok, unresolved, resolved, cancelled, withdrawn or reversed.",
            show_default=False,
        ),
    ] = "",
    item: ONLY_ITEM = "",
    location: LOCATION = "",
    order: ONLY_ORDER = "",
    since: Annotated[
        str,
        typer.Option(metavar="DATE", help="Only movements with an event time on or after this.", show_default=False),
    ] = "",
    until: Annotated[
        str,
        typer.Option(metavar="DATE", help="Only movements with an event time on or before this.", show_default=False),
    ] = "",
    limit: LIMIT = 50,
) -> None:
    """List movements, newest first: item, quantity, source and target, process and status. All filters must match.

    Example: backflush transactions --item LUG-6 --since 2026-03-01

    Example: backflush transactions --status unresolved --order W-1001
    """
    if status and status not in STATUSES:
        raise InvalidValue(
            "There is no status '{status}'. Use one of: {statuses}.",
            status=status,
            statuses=list(STATUSES),
            field="status",
        )
    require_item(item)
    require_place(desk.site, location)
    require_order(desk.site, order)
    found = transactions(
        desk.site,
        status=status,
        item=item,
        location=location,
        order=order,
        since=moment_of(desk.site, read_moment(since, field="since"), field="since") if since else None,
        until=end_of(read_moment(until, field="until"), desk.site, field="until") + INSTANT if until else None,
    )
    total = found.count()
    rows = list(found[:limit] if limit else found)
    payload = {"total": total, "transactions": [_payload(desk, row) for row in rows]}
    if not total:
        desk.answer(payload, "No movement matches.")
        return
    desk.answer(payload, listed(desk, rows), of_all(len(rows), total, "movements"))


def _payload(desk: Desk, row: Any) -> dict[str, Any]:
    return {**movement_payload(desk, row), "reversed": row.is_reversed}


def _status(row: Any) -> str:
    if row.is_reversed:
        return REVERSED
    return f"unresolved: {WHY[row.reason]}" if row.status == Status.UNRESOLVED else row.status


def listed(desk: Desk, rows: list[Movement]) -> Listing:
    """Return a table of movements."""
    return Listing(
        ("#Movement", "When", "Item", "Batch", "Serial", "#Quantity", "From / to", "Status", "For"),
        [
            (
                str(row.pk),
                desk.when(row.at),
                row.item.code,
                row.batch,
                row.serial,
                in_unit(row.quantity if row.due is None else row.due, row.item),
                ends(row),
                _status(row),
                row.cost_object.number if row.cost_object else row.posting.process,
            )
            for row in rows
        ],
    )
