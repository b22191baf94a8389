"""Preparing a database for Citus."""

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
    show: Annotated[bool, typer.Option("--show", help="Only say what would be done, as SQL.")] = False,
    keys_only: Annotated[
        bool, typer.Option("--keys-only", help="Only swap the keys, which any PostgreSQL takes; to try it out.")
    ] = False,
) -> None:
    """Prepare a PostgreSQL database with the Citus extension: divide what grows by site over its servers, and keep what
    every site reads on each. Once; nobody may be working meanwhile; make a copy first. docs/scaling.md says for whom.

    Example: backflush citus --show --database postgres://backflush@coordinator/backflush
    """
    statements = preparation(keys_only=keys_only)
    if show:
        desk.answer({"statements": statements}, *(f"{statement};" for statement in statements))
        return
    if not statements:
        raise InvalidValue("This database was prepared before.", field="database")
    place = layout()
    prepare(keys_only=keys_only)
    facts = {"statements": len(statements), "divided": list(place.divided), "shared": list(place.shared)}
    desk.answer(facts, f"{len(place.divided)} tables divided by site, {len(place.shared)} shared by all servers.")
