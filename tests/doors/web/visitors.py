"""Users of the pages in tests, and the number of statements of a page."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.test.client import Client, ClientHandler
from django.test.utils import CaptureQueriesContext

from backflush.people.models import User
from backflush.people.rights import Role
from backflush.people.services import give_role, set_password
from tests.cast import Plant

PASSWORD = "northmoor-12"
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


def person(plant: Plant, *roles: Role, name: str = "rosa") -> User:
    """Return a user with some roles at the plant."""
    user, _ = User.objects.get_or_create(username=name, defaults={"first_name": "Rosa", "last_name": "Marsh"})
    for role in roles:
        give_role(user=user, site=plant.site, role=role)
    return user


def open_log_in(plant: Plant) -> None:
    """Set passwords for the plant's people: Rosa of stores, Ken at the line, Sue the supervisor, Ama the
    administrator."""
    people = {"rosa": Role.STORES, "ken": Role.OPERATOR, "sue": Role.SUPERVISOR, "ama": Role.ADMINISTRATOR}
    for name, role in people.items():
        set_password(user=person(plant, role, name=name), password=PASSWORD)


def browser(*, enforce_csrf_checks: bool = False, **headers: str) -> Client:
    """Return a client without a session."""
    client = Client(headers={"host": "localhost", **headers})
    client.handler = server(enforce_csrf_checks)
    return client


@cache
def server(enforce_csrf_checks: bool) -> ClientHandler:
    """Return the request handler, shared by all clients; a new one would scan all static files again."""
    return ClientHandler(enforce_csrf_checks)


def signed_in(plant: Plant, *roles: Role, name: str = "rosa") -> Client:
    """Return a client with the session of a user with some roles."""
    client = browser()
    client.force_login(person(plant, *roles, name=name), backend=MODEL_BACKEND)
    return client


def session_of(name: str) -> str:
    """Return the session key of a signed-in user of the plant, for a browser outside this process."""
    client = browser()
    client.force_login(User.objects.get(username=name), backend=MODEL_BACKEND)
    key = client.session.session_key
    assert key
    return key


def text_of(response: Any, status: int = HTTPStatus.OK) -> str:
    """Return the text of a page with normalised spaces, after checking its status."""
    assert isinstance(response, HttpResponse)
    assert response.status_code == status, response.content.decode()
    return " ".join(response.content.decode().split())


@contextmanager
def statements(most: int) -> Iterator[None]:
    """Require that the block runs at most this many statements."""
    with CaptureQueriesContext(connection) as captured:
        yield
    asked = [one["sql"] for one in captured.captured_queries]
    assert len(asked) <= most, "\n".join(asked)
