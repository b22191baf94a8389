"""A walk through the demo plant: each step is a command that the reader could have typed, run in front of them.

At its end the plant is served, with a log-in for each of its people.
"""

import os
import secrets
import socket
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
from backflush.console.backflushing import explain_movement, show_preview
from backflush.console.demo import make
from backflush.console.output import Desk, HelpSection, Listing, answering
from backflush.console.readiness import prepare_plant
from backflush.console.unresolved import resolve_one, show_queue
from backflush.console.works import book
from backflush.core.refusals import AlreadyThere
from backflush.demo.plant import PEOPLE, SITE
from backflush.ledger.models import Movement
from backflush.ledger.selectors import waiting_movements
from backflush.people.selectors import roles_of, user_named
from backflush.people.services import set_password

FILE: Final = Path("backflush-demo.sqlite3")
WIDTH_MIN, WIDTH_MAX = 80, 100
ORDER, GOOD, SCRAP, REASON = "W-10482", "38", "2", "paint run"
EXPLAINED, RESOLVED, FROM = "PNT-5010", "LUG-6", "MAIN/RAW"
HOST: Final = "127.0.0.1"
PORTS_TRIED: Final = 20
PROGRAM: Final = "from backflush.console.main import main; main()"


def register(app: typer.Typer) -> None:
    """Add `tour`, without the common options: it works on a file of its own."""
    app.command(
        "tour", rich_help_panel=HelpSection.SET_UP, short_help="Walk through the main job on a plant of its own"
    )(tour)


@dataclass
class Stage(Desk):
    """A desk in front of which someone sits: everything is a table, and no wider than fits."""

    @property
    def console(self) -> Console:
        """Where the tour is shown."""
        console = Console(markup=False, highlight=False, emoji=False)
        console.width = min(max(console.width, WIDTH_MIN), WIDTH_MAX) if console.is_terminal else WIDTH_MAX
        return console

    def answer(self, facts: Any, *shown: str | Text | Listing) -> None:
        console = self.console
        for one in shown:
            console.print(one.fitting(console.width) if isinstance(one, Listing) else one)

    def says(self, *sentences: str) -> None:
        """What the reader should know before the next step."""
        self.console.print()
        self.console.print(Text(" ".join(sentences), style="bold"))

    def runs(self, arguments: str, command: Callable[..., None], **given: object) -> None:
        """Show a command as one would type it, and run it."""
        self.console.print(Text(f"$ backflush {arguments}", style="cyan"))
        command(self, **given)


def tour(
    file: Annotated[
        Path, typer.Option(metavar="FILE", help="The tour's own SQLite file. It is made afresh each time.")
    ] = FILE,
    pages: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the plant's pages at the end, until Ctrl-C.")
    ] = True,
    port: Annotated[
        int, typer.Option(metavar="PORT", min=1, max=65535, help="Where to serve; the next free one if it is taken.")
    ] = 8000,
) -> None:
    """Make the demo plant in a file of its own and walk through the main job: preview a booking, book it, see what was
    assumed and what waits, ask why, settle one, and check the ledger. Then serve its pages to this machine's browsers,
    with a log-in for each of its people. Your own database isn't touched.

    Example: backflush tour

    Example: backflush tour --no-serve
    """
    with answering(as_json=False):
        make_afresh(file)
        stage = Stage(by_name="ken.ibbotson")
        _begin(stage, file)
        _book(stage)
        _look(stage)
        _settle(Stage(by_name="rosa.marsh"))
        _end(stage, file)
        if pages:
            _serve(stage, file, port)


def make_afresh(file: Path) -> None:
    """Open an empty database in the tour's own file; refused where the file is anything but an earlier tour's."""
    if file.exists():
        _require_tours_own(file)
    connections[DEFAULT_DB_ALIAS].close()
    for ending in ("", "-wal", "-shm"):
        Path(f"{file}{ending}").unlink(missing_ok=True)
    connections.settings[DEFAULT_DB_ALIAS] = _settings(file)
    del connections[DEFAULT_DB_ALIAS]
    prepare_plant()


def _require_tours_own(file: Path) -> None:
    try:
        with closing(connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as database:
            sites = [code for (code,) in database.execute("SELECT code FROM stockmap_site")]
    except DatabaseError:
        sites = ["unknown"]
    if set(sites) - {SITE}:
        raise AlreadyThere(
            f"{file} is not an earlier tour's, so it is left alone. Name another file: backflush tour --file NAME",
            field="file",
        )


def _settings(file: Path) -> dict[str, Any]:
    settings = database_at(f"sqlite:///{quote(str(file))}")
    connections.configure_settings({DEFAULT_DB_ALIAS: settings})
    return settings


def _begin(stage: Stage, file: Path) -> None:
    stage.says(
        "Northmoor Trailers makes cargo trailers. Nobody there writes down each bolt: whoever books finished frames "
        "lets Backflush assume from the structure what went into them, and stores look after what can't be right."
    )
    stage.console.print(f"Four months of its work are being made in {file} ...")
    facts = make(stage, None)
    stage.console.print(
        f"Done: {facts['postings']:,} postings, {facts['movements']:,} movements, {facts['unresolved']} unresolved."
    )


def _book(stage: Stage) -> None:
    booking = f"{ORDER} {GOOD} --scrap {SCRAP}"
    stage.says(
        f"1. Ken has painted frames: {GOOD} good ones and {SCRAP} with a paint run, on works order {ORDER}.",
        "First he looks at what will be assumed and what of it is short.",
    )
    stage.runs(f"preview {booking}", show_preview, of=ORDER, good=GOOD, scrap=SCRAP)
    stage.says(
        "2. He books. The frames go into stock and their components out of it, in one go; the scrapped ones used",
        "theirs too. What isn't there, or can't be known, is not guessed: it waits as unresolved.",
    )
    stage.runs(
        f'book {booking} --scrap-reason "{REASON}"', book, order=ORDER, good=GOOD, scrap=SCRAP, scrap_reason=REASON
    )


def _look(stage: Stage) -> None:
    stage.says("3. Everything that waits, oldest first. Nothing drops off this list until someone settles it.")
    stage.runs("unresolved", show_queue)
    stage.says("4. Every assumed quantity can say where it comes from. Why was so much paint taken?")
    paint = (
        Movement.objects.filter(site=stage.site, item__code=EXPLAINED, cost_object__number=ORDER).order_by("pk").last()
    )
    assert paint is not None, "the booking assumed paint"
    stage.runs(f"explain {paint.pk}", explain_movement, movement=paint.pk)


def _settle(stage: Stage) -> None:
    lugs = waiting_movements(stage.site).filter(item__code=RESOLVED, cost_object__number=ORDER).get()
    stage.says(f"5. Rosa knows where the {RESOLVED} came from. She looks at what there is,")
    stage.runs(f"unresolved {lugs.pk}", show_queue, movement=lugs.pk)
    stage.says(f"and says that they came from {FROM}. The original stays, marked resolved.")
    stage.runs(f"resolve {lugs.pk} --from {FROM}", resolve_one, movement=lugs.pk, source=FROM)


def _end(stage: Stage, file: Path) -> None:
    stage.says("6. Is it all true? The whole ledger is added up again.")
    stage.runs("verify", prove)
    waiting = waiting_movements(stage.site).count()
    stage.says(f"That was the main job. {waiting} movements still wait in this plant; go on with it yourself:")
    for line in (
        f"  export DATABASE_URL=sqlite:///{quote(str(file))}",
        "  backflush retry --preview      what could be settled now without asking anyone",
        "  backflush doctor               what will go wrong as the plant is set up",
        "  backflush balance --location MAIN/LINE-A",
        "  backflush transactions --order W-10482",
        "  backflush template my-plant    files to fill in with a plant of your own",
        "  backflush --help",
    ):
        stage.console.print(line)


def _serve(stage: Stage, file: Path, wanted: int) -> None:
    """Serve the plant to this machine alone; everybody in it gets the same new password, which is shown once."""
    port, password = _free_port(wanted), f"northmoor-{secrets.randbelow(900_000) + 100_000}"
    people = []
    for first, last in PEOPLE.values():
        user = user_named(f"{first}.{last}".lower())
        set_password(user=user, password=password)
        people.append([user.username, password, ", ".join(roles_of(user, stage.site))])
    taken = "" if port == wanted else f" Port {wanted} is taken, so it is at {port}."
    stage.says(f"7. The same plant as pages, for a browser on this machine.{taken}")
    stage.console.print(f"  http://{HOST}:{port}/")
    stage.says("Sign in as one of its people. This is a demo: the password is made up, and is another one next time.")
    stage.answer({}, Listing(["Name", "Password", "Role"], people))
    stage.console.print(f"The plant stays in {file} until the next tour makes it afresh.")
    sys.stdout.flush()
    _become_server(file, port)


def _become_server(file: Path, port: int) -> None:
    """Go on as `backflush serve` on the tour's file, over plain http whatever the environment says of an address.

    As a program of its own, because settings are read once, and this one's are another database's.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PUBLIC_URL"}
    environment["DATABASE_URL"] = f"sqlite:///{quote(str(file.resolve()))}"
    connections.close_all()
    os.execve(sys.executable, [sys.executable, "-c", PROGRAM, "serve", "--port", str(port)], environment)  # noqa: S606


def _free_port(wanted: int) -> int:
    """The port wanted, else one of the next, else any."""
    return next(port for port in (*range(wanted, min(wanted + PORTS_TRIED, 65536)), 0) if _is_free(port)) or _any_port()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
