"""(b) The same booking over HTTP, as the page sends it, by 1, 4 and 16 users at once."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter
from urllib.parse import urlencode

from django.db import connection
from django.test import Client

from backflush.people.models import User
from backflush.people.rights import Role
from backflush.people.services import give_role, set_password
from backflush.works.services.booking import book_production
from tests.speed.copies import Places, with_all_in
from tests.speed.figures import Figure, Watch, counted
from tests.speed.floor import Floor, Writings, Written
from tests.speed.pages import MODEL_BACKEND
from tests.speed.shop import Shop

PEOPLE, EACH, COMPONENTS = (1, 4, 16), {1: 80, 4: 40, 16: 15}, 10
PASSWORD = "measured-at-the-line"
PATIENCE_SECONDS = 60


def over_http(places: Places) -> list[Figure]:
    """Measure one server process, as `backflush serve` starts it, on the same machine as its users."""

    def fill() -> None:
        shop = Shop.build()
        # Separate components for each user: the floor locks in no fixed order, and would deadlock.
        for n in range(max(PEOPLE)):
            shop.lay_in(items=1, components=COMPONENTS, shared=COMPONENTS, prefix=f"{n} ")
        shop.opens([(f"W-{n}", f"{n} ITEM 0") for n in range(max(PEOPLE))], quantity=100_000)
        for n in range(max(PEOPLE)):
            book_production(shop.report(f"W-{n}"), site=shop.site, by=shop.storekeeper)
        give_role(user=shop.storekeeper, site=shop.site, role=Role.OPERATOR)
        set_password(user=shop.storekeeper, password=PASSWORD)

    with_all_in(places, "b", fill)
    places.copy("b", "b_floor")
    raw = places.connect("b")
    connection.close()
    figures, asked = [], _statements(places)
    with _served(places) as (port, server):
        for people in PEOPLE:
            lines = [_Person(port, f"W-{n}") for n in range(people)]
            writings = Writings(raw)
            raw.rollback()
            project = _at_once([person.books for person in lines], EACH[people])
            floor = _floor(places, writings.written(), people)
            bookings = people * EACH[people]
            figures.append(
                Figure(
                    "b", places.engine, f"one booking over HTTP, {people} at once", "bookings",
                    bookings / project.total, bookings / floor.total, project.median_ms, project.p99_ms,
                    floor.median_ms, floor.p99_ms, asked, _peak_memory_mb(server),
                )
            )  # fmt: skip
    return figures


def _statements(places: Places) -> int:
    """Return the number of statements of the same request, authentication included, in a process that counts them."""
    places.use("b")
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(username="sam"), backend=MODEL_BACKEND)
    with counted() as statements:
        answer = client.post("/book/post/", {"order": "W-0", "good": "2", "scrap": "", "at": "", "key": "counted"})
    assert "booked=" in answer.headers["Location"], answer.content[:200]
    connection.close()
    return len(statements)


def _peak_memory_mb(process: int) -> float | None:
    """Return the peak memory of another process, if the system reports it."""
    status = Path(f"/proc/{process}/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found.group(1)) / 1024 if found else None


class _Crowd(Watch):
    """The times of several concurrent users: `total` is wall-clock time."""

    def __init__(self, seconds: list[float], wall: float) -> None:
        self.seconds, self.wall = seconds, wall

    @property
    def total(self) -> float:
        return self.wall


def _at_once(each: list[Callable[[int], float]], times: int) -> _Crowd:
    begun = perf_counter()
    with ThreadPoolExecutor(len(each)) as crowd:
        done = list(crowd.map(lambda does: [does(n) for n in range(times)], each))
    return _Crowd([seconds for of_one in done for seconds in of_one], perf_counter() - begun)


def _floor(places: Places, written: Written, people: int) -> _Crowd:
    parts = list(written.in_parts(1))

    def writer(mine: list[Written]) -> Callable[[int], float]:
        floor = Floor(places.connect("b_floor"))

        def write(n: int) -> float:
            begun = perf_counter()
            floor.write(mine[n])
            return perf_counter() - begun

        return write

    shares = [parts[n::people] for n in range(people)]
    return _at_once([writer(share) for share in shares], min(map(len, shares)))


class _Person:
    """A browser at the line, signed in, with the booking page open."""

    def __init__(self, port: int, order: str) -> None:
        self.order, self.cookies = order, dict[str, str]()
        self.wire = HTTPConnection("127.0.0.1", port)
        self._ask("GET", "/log-in/")
        token = self._token(self._ask("GET", "/log-in/"))
        self._ask("POST", "/log-in/", csrfmiddlewaretoken=token, username="sam", password=PASSWORD)
        self.token = self._token(self._ask("GET", f"/book/?{urlencode({'order': order})}"))

    def books(self, n: int) -> float:
        """Book two; return how long the page took."""
        begun = perf_counter()
        told = self._ask(
            "POST", "/book/post/", csrfmiddlewaretoken=self.token, order=self.order, good="2", scrap="", at="",
            key=f"{self.order}-{begun}-{n}",
        )  # fmt: skip
        assert "booked=" in told, told[:200]
        return perf_counter() - begun

    def _ask(self, how: str, where: str, **form: str) -> str:
        head = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form:
            head["Content-Type"] = "application/x-www-form-urlencoded"
        self.wire.request(how, where, urlencode(form) if form else None, head)
        answer = self.wire.getresponse()
        told = answer.read().decode()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return answer.getheader("Location") or told

    @staticmethod
    def _token(page: str) -> str:
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert found, page[:300]
        return found.group(1)


@contextmanager
def _served(places: Places) -> Iterator[tuple[int, int]]:
    """A server's port and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    program = Path(sys.executable).with_name("backflush")
    server = subprocess.Popen(
        [program, "serve", "--no-worker", "--port", str(port)],
        env={**os.environ, "DATABASE_URL": places.url("b")},
        stdout=subprocess.DEVNULL,
    )
    try:
        patience_ends = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert server.poll() is None, "the server stopped"
                assert time.monotonic() < patience_ends, "the server did not come up"
                time.sleep(0.1)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(20)
