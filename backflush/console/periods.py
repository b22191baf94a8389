"""Commands to close, reopen and list periods."""

from typing import Annotated, Any

import typer

from backflush.console.options import LIMIT, REMARKS
from backflush.console.output import Desk, HelpSection, Listing, command, of_all
from backflush.core.input_values import read_day
from backflush.core.sentences import written_day
from backflush.ledger.models import PeriodClosing
from backflush.ledger.periods import close_period, closings, count_balances, reopen_period, waiting_through

THROUGH = Annotated[
    str, typer.Argument(metavar="DAY", help="The last day of the period, like 2026-10-31.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add `close-period`, `reopen-period` and `periods`."""
    command(app, "close-period", panel=HelpSection.SET_UP, posts=True)(close)
    command(app, "reopen-period", panel=HelpSection.SET_UP, posts=True)(reopen)
    command(app, "periods", panel=HelpSection.SET_UP)(periods)


def close(
    desk: Desk,
    day: THROUGH,
    although_unresolved: Annotated[
        bool, typer.Option("--although-unresolved", help="Close the period although movements of it are unresolved.")
    ] = False,
    remarks: REMARKS = "",
) -> None:
    """Close all days of the site up to and including a date: nothing more is posted on these days, and the balances at
    the end are stored. Unresolved movements of the period stay unresolved and are settled with a later event time.

    Example: backflush close-period 2026-10-31

    Example: backflush close-period 2026-10-31 --although-unresolved --remarks "two slips are looked for"
    """
    closing = close_period(
        site=desk.site,
        through=read_day(day, field="day"),
        by=desk.by,
        remarks=remarks,
        known_unresolved=None if although_unresolved else 0,
    )
    waiting = f" Unresolved movements of the period: {closing.unresolved:,}." if closing.unresolved else ""
    desk.answer(
        _payload(closing),
        (f"Closed through {written_day(closing.through)}. Balances stored: {closing.stock_keys:,}.{waiting}"),
    )


def reopen(desk: Desk, day: THROUGH, remarks: REMARKS = "") -> None:
    """Reopen the period that was closed through a date, and every later one. Their stored balances are deleted, because
    they may change. Give the reason with --remarks.

    Example: backflush reopen-period 2026-10-31 --remarks "a receipt of the 28th was forgotten"
    """
    opened = reopen_period(site=desk.site, through=read_day(day, field="day"), by=desk.by, remarks=remarks)
    closed = desk.site.closed_through
    payload = {"closed_through": closed, "reopened": [_payload(one) for one in opened]}
    days = ", ".join(written_day(one.through) for one in reversed(opened))
    now = f"The site is closed through {written_day(closed)}." if closed else "No period is closed any more."
    desk.answer(payload, f"Reopened what was closed through {days}. {now}")


def periods(
    desk: Desk,
    limit: LIMIT = 24,
    count: Annotated[
        bool,
        typer.Option("--count", help="Store the balances of a closing that was interrupted before they were stored."),
    ] = False,
) -> None:
    """Show the date through which the site is closed, and list its closings, newest first: who closed and who reopened
    them.

    Example: backflush periods
    """
    if count:
        count_balances(desk.site)
    found, closed = closings(desk.site), desk.site.closed_through
    shown, total = list(found[:limit] if limit else found), found.count()
    waiting = waiting_through(desk.site, closed).count() if closed else 0
    payload = {
        "closed_through": closed,
        "unresolved": waiting,
        "total": total,
        "closings": [_payload(one) for one in shown],
    }
    if closed is None:
        desk.answer(payload, "No period is closed.", *([_listing(desk, shown)] if shown else []))
        return
    sentence = f"Closed through {written_day(closed)}. Unresolved movements of closed periods: {waiting:,}."
    desk.answer(payload, sentence, _listing(desk, shown), of_all(len(shown), total, "closings"))


def _listing(desk: Desk, shown: list[PeriodClosing]) -> Listing:
    rows = [
        (
            written_day(one.through),
            one.closed_by.name,
            desk.when(one.closed_at),
            f"{one.unresolved:,}",
            f"{one.stock_keys:,}" if one.counted_at else "dropped" if one.reopened_by else "not yet",
            one.remarks,
            f"{one.reopened_by.name}, {desk.when(one.reopened_at)}" if one.reopened_by and one.reopened_at else "",
            one.reopened_because,
        )
        for one in shown
    ]
    heads = ("Through", "Closed by", "When", "#Unresolved", "#Balances", "Remarks", "Reopened", "Because")
    return Listing(heads, rows)


def _payload(one: PeriodClosing) -> dict[str, Any]:
    return {
        "through": one.through,
        "closed_by": one.closed_by.username,
        "closed_at": one.closed_at,
        "unresolved": one.unresolved,
        "balances": one.stock_keys if one.counted_at else None,
        "remarks": one.remarks,
        "reopened_by": one.reopened_by.username if one.reopened_by else None,
        "reopened_at": one.reopened_at,
        "reopened_because": one.reopened_because,
    }
