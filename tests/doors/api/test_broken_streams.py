"""A bulk answer with status 200 is whole, or says in its last line that it isn't, and breaks off (F54)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import pytest
from django.db import OperationalError, connection

from backflush.api import endpoints
from backflush.backflushing.models import Booking
from tests.cast import Plant
from tests.doors.api.programs import booking, program

BULK = "/sites/MAIN/bookings/bulk"


@contextmanager
def away_after(chunks: int) -> Iterator[None]:
    """The database goes away at the claim of keys of the chunk after so many."""
    claims = 0

    def break_off(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal claims
        if "ledger_key" in sql and "INSERT" in sql.upper():
            claims += 1
            if claims > chunks:
                raise OperationalError("the server closed the connection unexpectedly")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(break_off):
        yield


@pytest.fixture
def chunks_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short stream of several chunks."""
    monkeypatch.setattr(endpoints, "CHUNK", 2)


def test_a_database_that_is_away_from_the_start_is_told_by_the_status(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    with away_after(0):
        status, body = program(plant).posts(BULK, [booking(), booking()], key="shift 7")
    assert (status, body["code"]) == (HTTPStatus.SERVICE_UNAVAILABLE, "database_unreachable")
    assert not Booking.objects.exists()


def test_a_program_is_told_when_to_come_again(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    comes_in = program(plant)
    with away_after(0):
        response = comes_in.answered(BULK, [booking()], key="shift 7")
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.usefixtures("chunks_of_two")
def test_a_stream_that_breaks_off_says_so_in_its_last_line(plant: Plant) -> None:
    plant.releases(10, "BRACKET")
    comes_in, sent = program(plant), [booking() for _ in range(5)]
    lines: list[Any] = []
    with away_after(1):
        response = comes_in.answered(BULK, sent, key="shift 7")
        assert response.status_code == HTTPStatus.OK
        with pytest.raises(OperationalError):
            lines.extend(json.loads(line) for part in response.streaming_content for line in part.splitlines())
    assert [line["outcome"] for line in lines] == ["booked", "booked", "failed"]
    assert (lines[-1]["line"], lines[-1]["refusals"][0]["code"]) == (None, "database_unreachable")
    assert Booking.objects.count() == 2
    again = comes_in.posts(BULK, sent, key="shift 7")[1]
    assert [line["outcome"] for line in again] == ["repeated", "repeated", "booked", "booked", "booked"]
