"""The command that serves the pages."""

import os
import secrets
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Annotated, Final

import typer
from django.conf import settings
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import Server

from backflush.config import env
from backflush.config.env import BEGIN_CODE
from backflush.console.output import DatabaseNeed, Desk, HelpSection, command
from backflush.console.readiness import prepare_plant, require_plant
from backflush.console.worker import beside
from backflush.core.refusals import AlreadyThere, InvalidValue, NoPlant
from backflush.people.models import Assignment
from backflush.stockmap.models import Site
from backflush.web.platform.static_files import gather

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
APPLICATION: Final = "backflush.config.asgi:application"
HEADERS_WITHIN_MS: Final = 10_000
"""How long the headers of a request may take, and how long a connection may be idle."""
HEADERS_LARGEST: Final = 1 << 16
PORT: Final = 8000
PORTS_TRIED: Final = 20


def register(app: typer.Typer) -> None:
    """Add `serve`."""
    command(app, "serve", panel=HelpSection.SET_UP, plant=DatabaseNeed.NONE)(serve)


def serve(
    desk: Desk,
    host: Annotated[str, typer.Option(metavar="HOST", help="The address of this machine to listen on.")] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=1,
            max=65535,
            help=f"The port to listen on. Default: {PORT}, or the next free one.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[int, typer.Option(metavar="N", min=1, max=64, help="The number of worker processes.")] = 1,
    background: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Run a worker for long retries and exports beside the server.")
    ] = True,
) -> None:
    """Serve the pages to browsers: to this machine only, over plain http, unless PUBLIC_URL is the https address of a
    proxy that forwards requests. Set SECRET_KEY, or all users must sign in again after a restart. An empty database is
    created, and the address printed at the start opens the page on which you begin your plant.

    Example: backflush serve --port 8080
    """
    require_servable(host)
    port = port or free_port(host, PORT)
    require_free(host, port)
    try:
        require_plant()
    except NoPlant:
        sys.stderr.write("Creating the database ...\n")
        prepare_plant()
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    shown = {"address": address}
    advice = _advice(f"{settings.PUBLIC.origins[0]}/" if settings.PUBLIC.secure else address)

    def announce() -> None:
        desk.answer(shown, f"Serving at {shown['address']} (Ctrl-C stops it)", *advice)
        sys.stdout.flush()

    listen(host, port, workers, background=background, announce=announce)


def require_servable(host: str) -> None:
    """Refuse to serve in debug mode, or to send passwords unencrypted over a network."""
    if settings.DEBUG:
        raise InvalidValue("Debug mode shows the server's memory to every visitor. Turn it off.", field="debug")
    if host not in LOOPBACK and not settings.PUBLIC.secure:
        raise InvalidValue(
            "On {host}, passwords would cross the network unencrypted. Put an HTTPS server in front, and give its "
            "address: PUBLIC_URL=https://backflush.example.org",
            host=host,
            field="host",
        )


def require_free(host: str, port: int) -> None:
    """Refuse a port that is in use: the server would share it, and the two plants would answer in turn."""
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as failed:
                raise AlreadyThere(
                    "Port {port} on {host} is in use. Stop the other program, or choose another port: --port {other}",
                    port=port,
                    host=host,
                    other=port % 65535 + 1,
                    field="port",
                ) from failed


def free_port(host: str, wanted: int) -> int:
    """Return the wanted port, or one of the next that are free, or any."""
    for port in range(wanted, min(wanted + PORTS_TRIED, 65536)):
        with suppress(AlreadyThere):
            require_free(host, port)
            return port
    with socket.socket() as probe:
        probe.bind((LOOPBACK[0], 0))
        return int(probe.getsockname()[1])


def listen(host: str, port: int, workers: int = 1, *, background: bool = True, announce: Callable[[], None]) -> None:
    """Serve requests until the process is stopped, with worker processes that share a signing key.

    Calls `announce` once a worker accepts connections, so that the address can be opened at once.
    """
    gather()
    os.environ.setdefault("SECRET_KEY", settings.SECRET_KEY)
    with TemporaryDirectory(prefix="backflush-figures-") as figures:
        # All workers count here, so any of them can report the metrics of all.
        os.environ.setdefault(env.FIGURES_FOLDER, figures)
        with beside(background):
            _serve(host, port, workers, announce)


ENDS_WITHIN_SECONDS: Final = 10
"""How long to wait for a worker process before killing it: one that is still loading doesn't notice the request to
stop."""


def _serve(host: str, port: int, workers: int, announce: Callable[[], None]) -> None:
    server = Server(
        APPLICATION,
        address=host,
        port=port,
        # Without the lifespan of ASGI, which the gateway doesn't need.
        interface=Interfaces.ASGINL,
        workers=workers,
        # One connection can't open many requests at a time.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_WITHIN_MS, max_buffer_size=HEADERS_LARGEST),
        log_level="warning",  # type: ignore[arg-type]
        websockets=False,
        workers_kill_timeout=ENDS_WITHIN_SECONDS,
    )
    server.on_startup(lambda: Thread(target=_announce, args=(host, port, announce), daemon=True).start())
    server.serve()


def _announce(host: str, port: int, announce: Callable[[], None]) -> None:
    """Call `announce` when the first worker accepts connections. Until then the port refuses them."""
    while True:
        with suppress(OSError), socket.create_connection((host, port), timeout=1):
            break
        time.sleep(0.1)
    announce()


def _advice(address: str) -> list[str]:
    """Return what to do first where nobody can sign in yet. A database without a site gets a code, so that only who
    sees this terminal can begin its plant."""
    if Assignment.objects.exists():
        return []
    if not Site.objects.exists():
        code = os.environ.setdefault(BEGIN_CODE, secrets.token_urlsafe(12))
        return [f"There is no plant here yet. Begin yours at {address}begin/?code={code}"]
    first = "backflush person NAME --role administrator --password"
    return [f"No user has a role yet, so no one can work here. Begin with: {first}"]
