"""Measure the path of one booking: which functions and files it passes, and how many statements it runs.

    .venv/bin/python -m tools.path            the figures of every leg
    .venv/bin/python -m tools.path service    the calls of one leg in order, indented by depth

A booking of 2 pieces with 3 structure lines is booked on SQLite by each way that leads to one (`LEGS`), after the same
way was used before. `sys.setprofile` reports every call of a function of the package. Comprehensions, generator
expressions and lambdas count with the function around them; functions of libraries, and constructors that a dataclass
or a named tuple generates, are left out. A change of file is a call into another file than the call before.
Statements include the ledger's own and savepoints. `tests/doors/web/test_path.py` holds the budgets.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, FrameType
from typing import Any, Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backflush.config.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402
from django.urls import reverse  # noqa: E402

from backflush.people.rights import Role  # noqa: E402
from backflush.streams.line_format import answers, in_one_line, read_line  # noqa: E402
from backflush.streams.line_posting import LinePoster  # noqa: E402
from backflush.web.platform.static_files import gather  # noqa: E402
from backflush.works.services.booking import BookingIn, book_production  # noqa: E402
from tests.cast import DAY, STRUCTURES, Plant  # noqa: E402
from tests.doors.web.visitors import signed_in  # noqa: E402
from tests.speed.copies import Places  # noqa: E402

PACKAGE: Final = str(Path(__file__).resolve().parent.parent / "backflush") + os.sep
TIMES_BEFORE: Final = 2
ITEM: Final = "FRAME"
"""Made of three components: tube, lugs and paint."""


@dataclass
class Walk:
    """The calls of functions of the package in order, each with its depth, and the statements that were run."""

    calls: list[tuple[int, CodeType]] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    _depth: int = 0

    def note_call(self, frame: FrameType, event: str, _: object) -> None:
        """Take a call or a return, as `sys.setprofile` reports it."""
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE) or code.co_name.startswith("<"):
            return
        if event == "call":
            self.calls.append((self._depth, code))
            self._depth += 1
        elif event == "return":
            self._depth -= 1

    def note_statement(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Take a statement, as one of Django's execute wrappers."""
        self.statements.append(sql)
        return execute(sql, params, many, context)

    @property
    def figures(self) -> dict[str, int]:
        """The five figures."""
        files = [code.co_filename for _, code in self.calls]
        return {
            "calls": len(self.calls),
            "functions": len({code for _, code in self.calls}),
            "files": len(set(files)),
            "changes of file": sum(1 for before, after in pairwise(files) if before != after),
            "statements": len(self.statements),
        }

    def outline(self) -> Iterator[str]:
        """The calls in order, indented by depth."""
        for depth, code in self.calls:
            yield f"{'  ' * depth}{code.co_qualname}  {code.co_filename.removeprefix(PACKAGE)}"


@contextmanager
def walked() -> Iterator[Walk]:
    """Record the path of what happens within, in this thread."""
    walk = Walk()
    with connection.execute_wrapper(walk.note_statement):
        sys.setprofile(walk.note_call)
        try:
            yield walk
        finally:
            sys.setprofile(None)


class Legs:
    """The ways to a booking. Each prepares one and returns the function to measure; the plant has stock of all
    parts."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        for component in ("TUBE", "LUG", "PAINT"):
            plant.has(200, component)
        self._order = plant.releases(1000, ITEM)
        self._client = signed_in(plant, Role.OPERATOR)
        self._numbers = count(1)

    def service(self) -> Callable[[], object]:
        """Book through the service, without key and event time."""
        return self._books()

    def keyed(self) -> Callable[[], object]:
        """Book through the service, with a key and for an earlier day."""
        return self._books(key=self._key(), at=DAY)

    def _books(self, **more: Any) -> Callable[[], object]:
        booking = BookingIn(order=self._order, good=Decimal(2), **more)
        return lambda: book_production(booking, site=self._plant.site, by=self._plant.storekeeper)

    def post(self) -> Callable[[], Any]:
        """Post the form of the booking page."""
        return self._posts(self._order)

    def first_post(self) -> Callable[[], Any]:
        """Post the form for the first booking of an item, which opens its order and the balance of its goods."""
        plant, item = self._plant, f"{ITEM} {next(self._numbers)}"
        plant.stocks(item, "M", "MADE")
        plant.consists(item, *(plant.line(*line) for line in STRUCTURES[ITEM]))
        return self._posts(plant.releases(1000, item))

    def _posts(self, order: str) -> Callable[[], Any]:
        form_data = {"order": order, "good": "2", "scrap": "", "key": self._key(), "foreseen": "0"}
        return lambda: self._client.post(reverse("book-post"), form_data)

    def preview(self) -> Callable[[], object]:
        """Request the preview that the page shows while a quantity is typed."""
        return lambda: self._client.get(reverse("booking-preview"), {"order": self._order, "good": "2"})

    def page(self) -> Callable[[], object]:
        """Follow the redirect after a booking."""
        location = self.post()().headers["Location"]
        return lambda: self._client.get(location)

    def stream(self) -> Callable[[], object]:
        """Read, book and answer one line of a stream; a single booking of the API goes the same way."""
        site, by = self._plant.site, self._plant.storekeeper
        line = json.dumps({"order": self._order, "good": "2"}).encode()

        def book_line() -> None:
            lines = [read_line(1, line)]
            for answer in answers(lines, LinePoster(site, by).post(lines), site):
                in_one_line(answer)

        return book_line

    def _key(self) -> str:
        return f"path {next(self._numbers)}"


LEGS: Final[dict[str, Callable[[Legs], Callable[[], object]]]] = {
    "service": Legs.service,
    "keyed": Legs.keyed,
    "post": Legs.post,
    "first post": Legs.first_post,
    "preview": Legs.preview,
    "page": Legs.page,
    "stream": Legs.stream,
}


def measured(legs: Legs, name: str) -> Walk:
    """Return the path of one leg on its third run, when nothing is read or opened for the first time."""
    for _ in range(TIMES_BEFORE):
        LEGS[name](legs)()
    does = LEGS[name](legs)
    with walked() as walk:
        does()
    return walk


def main() -> None:
    """Print the figures of every leg, or the calls of one."""
    with TemporaryDirectory() as folder:
        Places("sqlite", Path(folder), "").create("path")
        gather()
        with transaction.atomic():
            legs = Legs(Plant.build())
            for name in sys.argv[1:]:
                print("\n".join(measured(legs, name).outline()))
            if sys.argv[1:]:
                return
            walks = {name: measured(legs, name).figures for name in LEGS}
        print(f"{'':10}" + "".join(f"{column:>17}" for column in walks["service"]))
        for name, figures in walks.items():
            print(f"{name:10}" + "".join(f"{figure:>17}" for figure in figures.values()))


if __name__ == "__main__":
    main()
