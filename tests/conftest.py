"""Django for all tests, and databases as fixtures.

`database`            both engines, rolled back after the test: the default choice `committed_database`  both engines, a
separate database: for real commits, threads and other processes `plant`               both engines, with the plant of
`tests/cast.py`, rolled back `committed_plant`     the same plant in a separate database

A test of one engine says so: `@pytest.mark.parametrize("database", ["sqlite"], indirect=True)`.

No Django plugin is used, because each test of behaviour runs on both engines in one run. With `--engine sqlite` only
the tests on SQLite run, and those without a database; no PostgreSQL is started.
"""

import gc
import os
from collections.abc import Iterator
from typing import Any, Final
from uuid import uuid4

import django
import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from hypothesis import HealthCheck
from hypothesis import settings as examples
from xdist.scheduler import LoadGroupScheduling

from tests import no_database
from tests.part_times import PartTimes
from tests.postgres import NoServer, Server

# An address in the environment could be a real plant. A test that starts a process without naming a database gets an
# empty one in memory.
os.environ["DATABASE_URL"] = "sqlite://:memory:"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backflush.config.settings")
settings.DATABASES = {"default": no_database.SETTINGS}
# Many hashing rounds slow down attackers; tests don't need them.
PBKDF2PasswordHasher.iterations = 1
# The duration of an example depends on the load of the machine, not on the code.
examples.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
examples.load_profile("busy")
# This must come before the import below, and before any test module imports a model.
django.setup()

from tests.cast import Plant
from tests.databases import EMPTY, ENGINES, Content, Database, Databases, drop_run, rolled_back
from tests.doors.web.browser.where import chromium

# The tests of each of these files share data that takes long to create, so one worker runs all of them.
TOGETHER: Final = ("tests/doors/test_tour.py", "tests/rooms/test_demo.py", "tests/scenarios/test_three_sites.py")
PLANT: Final = Content("plant", Plant.build)
RUN: Final = pytest.StashKey[str]()
SERVER: Final = pytest.StashKey[Server]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that limits a run to one engine."""
    parser.addoption("--engine", choices=ENGINES, help="leave out the tests on the other database engine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests on an engine other than the one of `--engine`."""
    engine = config.getoption("--engine", None)
    if engine is None:
        return
    others = set(ENGINES) - {engine}
    kept = [item for item in items if not others & _parameters(item)]
    config.hook.pytest_deselected(items=[item for item in items if others & _parameters(item)])
    items[:] = kept


def _parameters(item: pytest.Item) -> set[str]:
    """Return the texts among the parameters of a test."""
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return {value for value in parameters if isinstance(value, str)}


def pytest_report_header() -> str:
    """State whether browser tests run; without a browser they are skipped."""
    return f"chromium: {chromium() or 'none here, so the tests in a browser are left out'}"


def pytest_configure(config: pytest.Config) -> None:
    """Name the run and hold its PostgreSQL server. Under xdist the controller holds it, and tells the workers its
    address."""
    told = _told(config)
    config.stash[RUN] = told.get("run") or f"backflush_{uuid4().hex[:8]}"
    config.stash[SERVER] = Server(told.get("server"))
    if not told:
        config.pluginmanager.register(PartTimes(config.getoption("numprocesses", None) or 1))


def pytest_collection_finish() -> None:
    """Exclude everything loaded so far from garbage collection, because it is kept until the end."""
    gc.collect()
    gc.freeze()


class Together(LoadGroupScheduling):  # type: ignore[misc]  # it has no types
    """A scheduler that distributes single tests, but keeps the tests of some files on one worker.

    By file, because the mark `xdist_group` relies on a name that pytest 9 no longer reads, and had no effect.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file in TOGETHER else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together | None:
    """Return this scheduler for `--dist loadgroup`."""
    return Together(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker that is about to start which run it belongs to, and the address of the server they share."""
    node.workerinput["run"] = node.config.stash[RUN]
    node.workerinput["server"] = None if _on_sqlite_only(node.config) else _server_url(node.config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove everything that the run created, on a borrowed server too."""
    if _told(config) or SERVER not in config.stash:
        return
    server = config.stash[SERVER]
    if server.is_borrowed:
        drop_run(server.url(), config.stash[RUN])
    server.stop()


@pytest.fixture(scope="session")
def databases(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """The databases of this worker, each created on first use."""
    told = _told(pytestconfig)
    own_folder = tmp_path_factory.getbasetemp()
    made = Databases(
        # Each worker has a folder inside that of the run; templates are shared.
        folder=own_folder.parent if told else own_folder,
        postgres=lambda: _server_url(pytestconfig),
        run=pytestconfig.stash[RUN],
        worker=told.get("workerid", "main"),
    )
    yield made
    made.close()


@pytest.fixture(params=ENGINES)
def database(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Database]:
    """A migrated database as `default`; changes of the test are rolled back."""
    with databases.kept(request.param).as_default() as database, rolled_back():
        yield database


@pytest.fixture(params=ENGINES)
def committed_database(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Database]:
    """A migrated, separate database as `default`, with its `url` for other processes."""
    content = PLANT if "committed_plant" in request.fixturenames else EMPTY
    with databases.fresh(request.param, content) as database, database.as_default():
        yield database


@pytest.fixture(params=ENGINES)
def plant(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Plant]:
    """The plant without stock; changes of the test are rolled back."""
    with databases.kept(request.param, PLANT).as_default(), rolled_back():
        yield Plant()


@pytest.fixture
def committed_plant(committed_database: Database) -> Plant:
    """The plant in a separate database."""
    return Plant()


def _told(config: pytest.Config) -> dict[str, Any]:
    """Return what the controller told this worker; nothing if this is no worker."""
    return getattr(config, "workerinput", {})


def _on_sqlite_only(config: pytest.Config) -> bool:
    return bool(config.getoption("--engine", None) == "sqlite")


def _server_url(config: pytest.Config) -> str:
    if _on_sqlite_only(config):
        pytest.skip("compares both engines, and --engine names one")
    try:
        return config.stash[SERVER].url()
    except NoServer as reason:
        pytest.exit(str(reason), returncode=pytest.ExitCode.USAGE_ERROR)
