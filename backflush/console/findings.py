"""The command that shows what the counts say about the structures."""

from typing import Annotated, Any

import typer

from backflush.assumptions.findings import AssumptionFinding, findings
from backflush.console.output import Desk, HelpSection, Listing, command

NAMES = {
    "line": "wrong line",
    "missing_line": "missing line",
    "unit": "unit or pack size",
    "loss": "constant loss",
    "one_off": "one loss",
    "miscount": "miscount",
    "late_booking": "booking with a wrong date",
    "unbooked_output": "output not booked",
    "unbooked_scrap": "scrap not booked",
    "short_delivery": "short deliveries",
}


def register(app: typer.Typer) -> None:
    """Add `findings`."""
    command(app, "findings", panel=HelpSection.SET_UP)(show)


def show(
    desk: Desk,
    location: Annotated[
        str, typer.Option(metavar="STORE/LOCATION", help="Only what is found at this location.", show_default=False)
    ] = "",
) -> None:
    """Show which structure lines are wrong, by the counts: how much is really used, how sure that is, and the money a
    year. Losses, miscounts and wrong dates are told apart. Lines with a probability below 0.5 are left out.

    Example: backflush findings

    Example: backflush findings --location MAIN/LINE --json
    """
    found = findings(desk.site, location=location)
    rows = [_row(one) for one in found]
    listing = Listing(
        ("finding", "place", "parent", "component", "#book", "#really", "#sure", "#a year", "since"), rows
    )
    shown = [listing] if rows else ["The counts show nothing wrong."]
    desk.answer([payload(desk.site.code, one) for one in found], *shown)


def payload(site: str, one: AssumptionFinding) -> dict[str, Any]:
    """Return a finding as JSON."""
    return {
        "site": site,
        "location": one.location or None,
        "parent": one.parent or None,
        "component": one.component or None,
        "kind": one.kind,
        "probability": round(one.probability, 4),
        "book": one.book,
        "estimate": one.estimate,
        "low": one.low,
        "high": one.high,
        "since": one.since.isoformat() if one.since else None,
        "money_a_year": None if one.money_a_year is None else round(one.money_a_year, 2),
        "posting": one.posting,
        "set": [{"parent": parent, "component": part, "probability": round(sure, 4)} for parent, part, sure in one.set],
    }


def _row(one: AssumptionFinding) -> tuple[str, ...]:
    really = "" if one.estimate is None else f"{one.estimate:.4g} ({one.low:.4g} to {one.high:.4g})"
    return (
        NAMES[one.kind] if not one.set or one.probability >= 0.5 else "one of a set is wrong",
        one.location,
        one.parent if not one.set else ", ".join(parent for parent, _, _ in one.set),
        one.component,
        "" if one.book is None else f"{one.book:g}",
        really,
        f"{one.probability:.0%}",
        "" if one.money_a_year is None else f"{one.money_a_year:,.2f}",
        one.since.isoformat() if one.since else "",
    )
