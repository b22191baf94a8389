"""The static files that pages name, collected once for all workers."""

import fcntl

import pytest

from backflush.web.platform.static_files import gather


@pytest.fixture(autouse=True, scope="session")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Collect the static files; the first worker does it, the others wait."""
    with (tmp_path_factory.getbasetemp().parent / "gathering").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        gather()
