"""`backflush`: the installed entry point, and the list of the modules whose commands it has.

Django reads the database's address when it is set up, so `--database` is looked for before anything else is read.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Annotated, Final

import django
import typer

from backflush import __version__

DATABASE: Final = "--database"
JSON: Final = "--json"
HELP: Final = ("--help", "-h")
SETTINGS: Final = "backflush.config.settings"
STOPPED: Final = 130
"""The exit code of a program that was interrupted."""

MODULES: Final[Mapping[str, Sequence[str]]] = {
    "works": ("book", "produce", "issue", "return"),
    "listen": ("listen",),
    "subcontract": ("receive", "purchase-order"),
    "moves": ("move", "reverse"),
    "transfers": ("send", "arrive", "in-transit"),
    "unresolved": ("unresolved", "resolve", "cancel", "retry"),
    "backflushing": ("preview", "explain"),
    "ledger": ("balance", "transactions"),
    "costs": ("cost",),
    "orders": ("orders", "order"),
    "audit": ("verify", "audit"),
    "periods": ("close-period", "reopen-period", "periods"),
    "stockmap": ("sites",),
    "doctor": ("doctor",),
    "imports": ("import", "template"),
    "demo": ("demo",),
    "tour": ("tour",),
    "serve": ("serve",),
    "worker": ("worker",),
    "people": ("person", "people"),
    "upgrade": ("upgrade",),
    "backup": ("backup", "restore"),
    "archives": ("archive", "archives", "archive-show", "unarchive"),
    "citus": ("citus",),
}
"""In `backflush.console`, with the commands of each, in the order in which `--help` lists them.

Each has `register(app)`. Only the module whose command is asked for is read: a storekeeper scans all day.
"""


def main() -> None:
    """Run one command."""
    try:
        open_django(sys.argv[1:])
        commands(modules_for(sys.argv[1:]))()
    except KeyboardInterrupt:
        sys.exit(STOPPED)


def open_django(arguments: Sequence[str]) -> None:
    """Set Django up for the database that the arguments name, else for the one in the environment."""
    address = asked_database(arguments)
    if address is not None:
        os.environ["DATABASE_URL"] = address
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    try:
        django.setup()
    except SystemExit as stop:
        # What the environment says makes no sense: a sentence, which programs get in their own form.
        if isinstance(stop.code, str) and JSON in arguments:
            error = {"code": "invalid_value", "field": "database", "sentence": stop.code, "details": []}
            stop.code = json.dumps({"error": error}, indent=2)
        raise


def asked_database(arguments: Sequence[str]) -> str | None:
    """The value of `--database`, wherever it stands; the last one counts, as with any option."""
    address = None
    for position, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == DATABASE and position + 1 < len(arguments):
            address = arguments[position + 1]
        elif argument.startswith(f"{DATABASE}="):
            address = argument.removeprefix(f"{DATABASE}=")
    return address


def modules_for(arguments: Sequence[str]) -> list[str]:
    """The module of the command that the arguments ask for; all of them where it is none, for help and suggestions."""
    word = asked_command(arguments)
    return [module for module, names in MODULES.items() if word in names] or list(MODULES)


def asked_command(arguments: Sequence[str]) -> str | None:
    """The first word that is neither an option nor the address after `--database`; none where help comes first."""
    words = iter(arguments)
    for word in words:
        if word == DATABASE:
            next(words, None)
        elif word in HELP:
            return None
        elif not word.startswith("-"):
            return word
    return None


def commands(modules: Iterable[str] = MODULES) -> typer.Typer:
    """The commands of some modules, or all. Django must be set up, because their modules name models."""
    app = typer.Typer(
        name="backflush",
        help="Backflushing for a plant: assume what production used, and show where the assumption was wrong.",
        epilog="Every command has a --help of its own, with an example. Begin with: backflush demo",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": list(HELP)},
    )
    app.callback()(plant)
    for name in modules:
        import_module(f"backflush.console.{name}").register(app)
    return app


def _say_version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"backflush {__version__}\n")
        raise typer.Exit


def plant(
    database: Annotated[
        str, typer.Option(metavar="URL", help="Where the stock is, as with every command.", show_default=False)
    ] = "",
    version: Annotated[
        bool, typer.Option("--version", help="Say which version this is.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    """What may stand before a command. All of it was seen to before this is called."""
