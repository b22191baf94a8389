"""The command that lists sites."""

import typer

from backflush.console.output import Desk, HelpSection, Listing, command
from backflush.stockmap.models import Site


def register(app: typer.Typer) -> None:
    """Add `sites`."""
    command(app, "sites", panel=HelpSection.SET_UP)(sites)


def sites(desk: Desk) -> None:
    """List the sites, with the codes that --site takes.

    Example: backflush sites
    """
    found = list(Site.objects.order_by("code"))
    payload = {"sites": [{"site": site.code, "name": site.name, "time_zone": site.time_zone} for site in found]}
    rows = [(site.code, site.name, site.time_zone) for site in found]
    desk.answer(payload, Listing(("Site", "Name", "Time zone"), rows) if rows else "There is no site yet.")
