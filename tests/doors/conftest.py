import pytest

from tests.doors.console import Console


@pytest.fixture(scope="session")
def console() -> Console:
    """The command line; name `plant` beside it for a plant to work in."""
    return Console()
