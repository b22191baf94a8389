"""Parses request bodies: one booking, or many. Limits their size."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from django.http import HttpRequest

from backflush.api.errors import TooLarge, WrongType
from backflush.backflushing.report_kinds import Report
from backflush.core.refusals import InvalidValue
from backflush.core.sentences import Count
from backflush.delivery.payloads import JSON, JSON_LINES
from backflush.ledger.idempotency import require_own_key
from backflush.streams.arrivals import BLOCK, Cutter
from backflush.streams.line_format import LONGEST, line_of, read_booking, read_content, read_object
from backflush.streams.line_posting import Line

ARRAY_LARGEST: Final = 2_500_000
LINES_LARGEST: Final = 100_000_000
KEY_LONGEST: Final = 150
"""The longest key of a stream; with a line number after it, it must still be a valid key."""


def key_of(request: HttpRequest) -> str:
    """Return the key in the Idempotency-Key header."""
    key = request.headers.get("Idempotency-Key", "")
    require_own_key(key)
    if len(key) > KEY_LONGEST or not key.isprintable():
        raise InvalidValue(
            "A key has at most {most} printable characters. Send a shorter one.", most=KEY_LONGEST, field="key"
        )
    return key


def one_booking(request: HttpRequest) -> Report:
    """Return the booking in a request, with its own key or that of the header."""
    _require(request, LONGEST, JSON)
    booking = read_booking(read_object(request.body))
    return booking if booking.key else replace(booking, key=key_of(request))


def many_bookings(request: HttpRequest) -> Iterator[Line]:
    """Yield the lines of a request: of an array after reading it whole, of JSON lines as they arrive."""
    if request.content_type == JSON:
        _require(request, ARRAY_LARGEST, JSON)
        return _of_array(read_object(request.body))
    _require(request, LINES_LARGEST, JSON_LINES)
    return _of_lines(request)


def _require(request: HttpRequest, largest: int, wanted: str) -> None:
    if request.content_type != wanted:
        raise WrongType("The body must be {wanted}. Set Content-Type to that.", wanted=wanted)
    if int(request.META.get("CONTENT_LENGTH") or 0) > largest:
        raise TooLarge(
            "The body is larger than {most} bytes. Send the bookings in several requests.", most=Count(largest)
        )


def _of_array(given: object) -> Iterator[Line]:
    if not isinstance(given, list):
        raise InvalidValue("The body must be an array of bookings.")
    return (_line(number, one) for number, one in enumerate(given, 1))


def _line(number: int, given: object) -> Line:
    return line_of(number, lambda: read_content(given))


def _of_lines(request: HttpRequest) -> Iterator[Line]:
    cutter = Cutter()
    while data := request.read(BLOCK):
        yield from cutter.cut(data)
    yield from cutter.end()
