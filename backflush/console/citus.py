"""The command that distributes a database with Citus."""

from typing import Annotated

import typer

from backflush.console.output import Desk, HelpSection, command
from backflush.core.refusals import InvalidValue
from backflush.operations.citus import layout, preparation, prepare


def register(app: typer.Typer) -> None:
    """Add `citus`."""
    command(app, "citus", panel=HelpSection.SET_UP)(spread)


def spread(
    desk: Desk,
    show: Annotated[bool, typer.Option("--show", help="Only print the SQL.")] = False,
    keys_only: Annotated[
        bool, typer.Option("--keys-only", help="Only swap the keys, which works on any PostgreSQL, to try it out.")
    ] = False,
) -> None:
    """Prepare a PostgreSQL database that has the Citus extension: distribute the tables that grow by site, and copy
    shared tables to every server. Run it once, while no one works, after a backup. docs/scaling.md says who needs it.

    Example: backflush citus --show --database postgres://backflush@coordinator/backflush
    """
    statements = preparation(keys_only=keys_only)
    if show:
        desk.answer({"statements": statements}, *(f"{statement};" for statement in statements))
        return
    if not statements:
        raise InvalidValue("This database is prepared already.", field="database")
    place = layout()
    prepare(keys_only=keys_only)
    payload = {"statements": len(statements), "divided": list(place.divided), "shared": list(place.shared)}
    desk.answer(
        payload, (f"{len(place.divided)} tables distributed by site, {len(place.shared)} copied to all servers.")
    )
