"""Who visits the pages in tests, and how many statements a visit costs."""

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
    """Somebody with some roles at the plant."""
    user, _ = User.objects.get_or_create(username=name, defaults={"first_name": "Rosa", "last_name": "Marsh"})
    for role in roles:
        give_role(user=user, site=plant.site, role=role)
    return user


def open_log_in(plant: Plant) -> None:
    """Let the plant's people sign in: Rosa of stores, Ken at the line, Sue who supervises, Ama who may everything."""
    people = {"rosa": Role.STORES, "ken": Role.OPERATOR, "sue": Role.SUPERVISOR, "ama": Role.ADMINISTRATOR}
    for name, role in people.items():
        set_password(user=person(plant, role, name=name), password=PASSWORD)


def browser(*, enforce_csrf_checks: bool = False, **headers: str) -> Client:
    """A browser in which nobody is signed in."""
    client = Client(headers={"host": "localhost", **headers})
    client.handler = server(enforce_csrf_checks)
    return client


@cache
def server(enforce_csrf_checks: bool) -> ClientHandler:
    """What answers: one for all browsers, as where it is served; each anew would look at all static files anew."""
    return ClientHandler(enforce_csrf_checks)


def signed_in(plant: Plant, *roles: Role, name: str = "rosa") -> Client:
    """A browser in which somebody with some roles is signed in."""
    client = browser()
    client.force_login(person(plant, *roles, name=name), backend=MODEL_BACKEND)
    return client


def session_of(name: str) -> str:
    """The key of a session in which somebody the plant knows is signed in, for a browser outside this process."""
    client = browser()
    client.force_login(User.objects.get(username=name), backend=MODEL_BACKEND)
    key = client.session.session_key
    assert key
    return key


def text_of(response: Any, status: int = HTTPStatus.OK) -> str:
    """What a page says, if it answered as expected; line breaks of the template don't matter."""
    assert isinstance(response, HttpResponse)
    assert response.status_code == status, response.content.decode()
    return " ".join(response.content.decode().split())


@contextmanager
def statements(most: int) -> Iterator[None]:
    """What happens within costs so many statements at most."""
    with CaptureQueriesContext(connection) as captured:
        yield
    asked = [one["sql"] for one in captured.captured_queries]
    assert len(asked) <= most, "\n".join(asked)
