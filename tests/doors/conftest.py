import pytest

from tests.doors.console import Console


@pytest.fixture(scope="session")
def console() -> Console:
    """The command line. Request `plant` too, for a plant to work in."""
    return Console()
