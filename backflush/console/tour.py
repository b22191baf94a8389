"""A tour of the demo plant: it shows the main job as commands that the reader could type, with what each prints.

At the end the plant's pages are served, with a log-in for each of its people.
"""

import os
import secrets
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import DatabaseError, connect
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer
from django.db import DEFAULT_DB_ALIAS, connections
from rich.console import Console
from rich.text import Text

from backflush.config.env import database_at
from backflush.console.audit import prove
from backflush.console.backflushing import explain_movement
from backflush.console.bookings import booking_command, show_preview
from backflush.console.demo import make
from backflush.console.output import Desk, HelpSection, Listing, answering
from backflush.console.readiness import prepare_plant
from backflush.console.serve import free_port, listen
from backflush.console.unresolved import resolve_one, show_queue
from backflush.core.refusals import AlreadyThere
from backflush.demo.plant import PEOPLE, SITE
from backflush.ledger.models import Movement
from backflush.ledger.selectors import waiting_movements
from backflush.people.selectors import roles_of, user_named
from backflush.people.services import set_password
from backflush.works.services.booking import ON_ORDERS

FILE: Final = Path("backflush-demo.sqlite3")
WIDTH_MIN, WIDTH_MAX = 80, 100
ORDER, GOOD, SCRAP, REASON = "W-10482", "38", "2", "paint run"
EXPLAINED, RESOLVED, FROM = "PNT-5010", "LUG-6", "MAIN/RAW"
HOST: Final = "127.0.0.1"
PROGRAM: Final = (
    "from backflush.console.main import open_django; open_django([]); "
    "from backflush.console.tour import serve_plant; serve_plant()"
)
SIGNS_IN: Final = "rosa.marsh"
"""The last lines name her, because the stores have the most to see in this plant."""


def register(app: typer.Typer) -> None:
    """Add `tour`, without the common options, because it works on a file of its own."""
    app.command(
        "tour",
        rich_help_panel=HelpSection.SET_UP,
        short_help="Walk through the main job in a demo plant, and serve its pages",
    )(tour)


@dataclass
class Stage(Desk):
    """A desk that prints for a person: always tables, never JSON, and no wider than the terminal."""

    @property
    def console(self) -> Console:
        """The terminal, within the widths that the tour's tables need."""
        console = Console(markup=False, highlight=False, emoji=False)
        console.width = min(max(console.width, WIDTH_MIN), WIDTH_MAX) if console.is_terminal else WIDTH_MAX
        return console

    def answer(self, payload: Any, *shown: str | Text | Listing) -> None:
        console = self.console
        for one in shown:
            console.print(one.fitting(console.width) if isinstance(one, Listing) else one)

    def says(self, *sentences: str) -> None:
        """Print what the reader should know before the next step."""
        self.console.print()
        self.console.print(Text(" ".join(sentences), style="bold"))

    def runs(self, arguments: str, command: Callable[..., None], **given: object) -> None:
        """Print a command as a user would type it, and run it."""
        self.console.print(Text(f"$ backflush {arguments}", style="cyan"))
        command(self, **given)


def tour(
    file: Annotated[
        Path, typer.Option(metavar="FILE", help="The tour's own SQLite file. Each tour creates it again.")
    ] = FILE,
    pages: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the plant's pages at the end, until Ctrl-C.")
    ] = True,
    port: Annotated[
        int,
        typer.Option(
            metavar="PORT", min=1, max=65535, help="Where to serve. If it is taken, the next free one is used."
        ),
    ] = 8000,
) -> None:
    """Create the demo plant in a file of its own and walk through the main job: preview a booking, book it, see which
    components it consumed and which are unresolved, explain a quantity, resolve a movement, and verify the ledger. Then
    serve the plant's pages to browsers on this machine. Your own database isn't touched.

    Example: backflush tour

    Example: backflush tour --no-serve
    """
    with answering(as_json=False):
        stage = Stage(by_name="ken.ibbotson")
        _begin(stage, file)
        _book(stage)
        _look(stage)
        _settle(Stage(by_name="rosa.marsh"))
        _end(stage, file)
        if pages:
            stage.says("7. The same plant as pages, for a browser on this machine. Starting the server ...")
            _become_server(file, port)


def replace_demo(file: Path) -> None:
    """Open an empty database in the tour's own file, in place of the last tour's."""
    connections[DEFAULT_DB_ALIAS].close()
    for ending in ("", "-wal", "-shm"):
        Path(f"{file}{ending}").unlink(missing_ok=True)
    connections.settings[DEFAULT_DB_ALIAS] = _settings(file)
    del connections[DEFAULT_DB_ALIAS]
    prepare_plant()


def require_tours_own(file: Path) -> None:
    """Refuse a file that another program or plant made (AlreadyThere)."""
    if not file.exists():
        return
    try:
        with closing(connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as database:
            sites = [code for (code,) in database.execute("SELECT code FROM stockmap_site")]
    except DatabaseError:
        sites = ["unknown"]
    if set(sites) - {SITE}:
        raise AlreadyThere(
            "{file} is not a file of an earlier tour. Name another file: backflush tour --file NAME",
            file=file,
            field="file",
        )


def _settings(file: Path) -> dict[str, Any]:
    settings = database_at(f"sqlite:///{quote(str(file))}")
    connections.configure_settings({DEFAULT_DB_ALIAS: settings})
    return settings


def _begin(stage: Stage, file: Path) -> None:
    require_tours_own(file)
    stage.says(
        "Northmoor Trailers makes cargo trailers. Its people don't book every bolt: they book finished frames, and",
        "Backflush posts the components that the structure says a frame needs. Stores settle the ones that can't be",
        "posted.",
    )
    stage.console.print(f"Creating a database in {file} (some seconds) ...")
    replace_demo(file)
    stage.console.print("Making four months of the plant's bookings, receipts and moves (some seconds) ...")
    payload = make(stage, None)
    stage.console.print(
        f"Done: {payload['postings']:,} postings, "
        f"{payload['movements']:,} movements, {payload['unresolved']} unresolved."
    )


def _book(stage: Stage) -> None:
    booking = f"{ORDER} {GOOD} --scrap {SCRAP}"
    stage.says(
        f"1. Ken has painted {GOOD} good frames and {SCRAP} with a paint run, on works order {ORDER}. First he checks",
        "which components his booking would consume, and what is short.",
    )
    stage.runs(f"preview {booking}", show_preview, of=ORDER, good=GOOD, scrap=SCRAP)
    stage.says(
        "2. He books. The good frames go into stock and the components of all frames come out of it, in one",
        "transaction. A component that isn't in stock, or whose batch isn't known, becomes an unresolved movement.",
    )
    book = booking_command(ON_ORDERS)
    stage.runs(
        f'book {booking} --scrap-reason "{REASON}"', book, order=ORDER, good=GOOD, scrap=SCRAP, scrap_reason=REASON
    )


def _look(stage: Stage) -> None:
    stage.says("3. The unresolved movements, oldest first. A movement stays on this list until a person settles it.")
    stage.runs("unresolved", show_queue)
    stage.says("4. Every assumed quantity can be explained. Why did the booking consume this much paint?")
    paint = (
        Movement.objects.filter(site=stage.site, item__code=EXPLAINED, cost_object__number=ORDER).order_by("pk").last()
    )
    assert paint is not None, "the booking assumed paint"
    stage.runs(f"explain {paint.pk}", explain_movement, movement=paint.pk)


def _settle(stage: Stage) -> None:
    lugs = waiting_movements(stage.site).filter(item__code=RESOLVED, cost_object__number=ORDER).get()
    stage.says(
        f"5. Rosa knows where the {RESOLVED} really came from. She opens the movement and sees where there is stock,"
    )
    stage.runs(f"unresolved {lugs.pk}", show_queue, movement=lugs.pk)
    stage.says(f"and resolves it from {FROM}. The original movement stays in the ledger, marked as resolved.")
    stage.runs(f"resolve {lugs.pk} --from {FROM}", resolve_one, movement=lugs.pk, source=FROM)


def _end(stage: Stage, file: Path) -> None:
    stage.says("6. Does it all add up? The whole ledger is checked again.")
    stage.runs("verify", prove)
    waiting = waiting_movements(stage.site).count()
    stage.says(f"That was the main job. {waiting} movements are still unresolved in this plant. To go on by yourself:")
    for line in (
        f"  export DATABASE_URL=sqlite:///{quote(str(file))}",
        "  backflush retry --preview      show which unresolved movements fit now",
        "  backflush doctor               check the set-up of the plant",
        "  backflush balance --location MAIN/LINE-A",
        "  backflush transactions --order W-10482",
        "  backflush template my-plant    make import files for a plant of your own",
        "  backflush --help",
    ):
        stage.console.print(line)


def _become_server(file: Path, port: int) -> None:
    """Replace this process by one that serves the tour's file, on plain http even if PUBLIC_URL is set.

    A process of its own, because Django reads its settings once, and here they name another database.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PUBLIC_URL"}
    environment["DATABASE_URL"] = f"sqlite:///{quote(str(file.resolve()))}"
    connections.close_all()
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-c", PROGRAM, str(file), str(port)], environment)  # noqa: S606


def serve_plant() -> None:
    """Serve the tour's plant to this machine only, with a new password for its people, until Ctrl-C.

    The arguments of the process are the file, as the reader knows it, and the wanted port. The address, a name and the
    password are the last lines printed, once the server accepts connections.
    """
    with answering(as_json=False):
        stage, file, wanted = Stage(), sys.argv[1], int(sys.argv[2])
        port, password = free_port(HOST, wanted), f"axle-hinge-lamp-{secrets.randbelow(900_000) + 100_000}"
        if port != wanted:
            stage.console.print(f"Port {wanted} is taken, so the server uses {port}.")
        stage.console.print("Everyone in the demo plant has the same password, which is new with every tour:")
        people = []
        for user in (user_named(f"{first}.{last}".lower()) for first, last in PEOPLE.values()):
            set_password(user=user, password=password)
            people.append([user.username, ", ".join(roles_of(user, stage.site))])
        stage.answer({}, Listing(["Name", "Role"], people))
        stage.console.print(f"The plant stays in {file} until the next tour replaces it. Ctrl-C stops the server.")

        def announce() -> None:
            stage.console.print(f"\nAddress   http://{HOST}:{port}/\nName      {SIGNS_IN}\nPassword  {password}")
            sys.stdout.flush()

        listen(HOST, port, announce=announce)
