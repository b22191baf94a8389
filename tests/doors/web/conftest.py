"""The static files that pages name, gathered once for all workers."""

import fcntl

import pytest

from backflush.web.platform.static_files import gather


@pytest.fixture(autouse=True, scope="session")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Bring them up to date; the first worker to come does it, the others wait."""
    with (tmp_path_factory.getbasetemp().parent / "gathering").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        gather()
