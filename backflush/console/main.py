"""`backflush`: the entry point, and the list of the modules that hold its commands.

Django reads the database address during set-up, so `--database` is read before anything else.
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
"""The exit code after Ctrl-C."""

MODULES: Final[Mapping[str, Sequence[str]]] = {
    "bookings": ("book", "produce", "receive", "preview"),
    "works": ("issue", "return"),
    "listen": ("listen",),
    "subcontract": ("purchase-order",),
    "moves": ("move", "reverse"),
    "transfers": ("send", "arrive", "in-transit"),
    "unresolved": ("unresolved", "resolve", "cancel", "retry"),
    "backflushing": ("explain",),
    "ledger": ("balance", "transactions"),
    "counts": ("count",),
    "costs": ("cost",),
    "orders": ("orders", "order"),
    "audit": ("verify", "audit"),
    "findings": ("findings",),
    "periods": ("close-period", "reopen-period", "periods"),
    "stockmap": ("sites",),
    "doctor": ("doctor",),
    "imports": ("import", "template", "export"),
    "demo": ("demo",),
    "tour": ("tour",),
    "begin": ("begin",),
    "serve": ("serve",),
    "worker": ("worker",),
    "people": ("person", "people"),
    "upgrade": ("upgrade",),
    "backup": ("backup", "restore"),
    "archives": ("archive", "archives", "archive-show", "unarchive"),
    "citus": ("citus",),
}
"""The modules of `backflush.console` with their commands, in the order of `--help`.

Each module has `register(app)`. Only the module of the requested command is imported, so that scanning stays fast.
"""


def main() -> None:
    """Run one command. What it makes can be read by its owner only: databases, copies, archives, notes."""
    os.umask(0o077)
    try:
        open_django(sys.argv[1:])
        commands(modules_for(sys.argv[1:]))()
    except KeyboardInterrupt:
        sys.exit(STOPPED)


def open_django(arguments: Sequence[str]) -> None:
    """Set up Django for the database named in the arguments, else for the one in the environment."""
    address = asked_database(arguments)
    if address is not None:
        os.environ["DATABASE_URL"] = address
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    try:
        django.setup()
    except SystemExit as stop:
        # An environment variable is invalid. Programs get the sentence as JSON.
        if isinstance(stop.code, str) and JSON in arguments:
            error = {"code": "invalid_value", "field": "database", "sentence": stop.code, "details": []}
            stop.code = json.dumps({"error": error}, indent=2)
        raise


def asked_database(arguments: Sequence[str]) -> str | None:
    """Return the value of `--database` from any position. The last one counts, as for any option."""
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
    """Return the module of the requested command, or all modules for help and for suggestions."""
    word = asked_command(arguments)
    return [module for module, names in MODULES.items() if word in names] or list(MODULES)


def asked_command(arguments: Sequence[str]) -> str | None:
    """Return the first word that is neither an option nor the value of `--database`; None if a help option comes
    first."""
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
    """Return the app with the commands of some modules, or all. Django must be set up, because the modules import
    models."""
    app = typer.Typer(
        name="backflush",
        help=(
            "Backflushing for manufacturers: book what was made, have its components consumed, and "
            "find wrong assumptions."
        ),
        epilog="Every command has its own --help with an example. To begin: backflush demo",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": list(HELP)},
    )
    app.callback()(plant)
    for name in modules:
        import_module(f"backflush.console.{name}").register(app)
    return app


def _say_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"backflush {__version__}\n")
        raise typer.Exit


def plant(
    database: Annotated[
        str, typer.Option(metavar="URL", help="The database, as for every command.", show_default=False)
    ] = "",
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    """Accept the options that may stand before a command. `open_django` and `commands` have handled them already."""
