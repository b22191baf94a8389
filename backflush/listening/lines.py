"""One booking as a line of JSON, and the line that answers it.

{"order": "W-1001", "good": "38", "scrap": "2", "at": "2026-03-12T14:30", "key": "press 7/4711"}
{"line": 1, "outcome": "booked", "order": "W-1001", "key": "press 7/4711", "posting": 812, "unresolved": []}
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from backflush.core.moments import read_moment
from backflush.core.quantity import ZERO, read_decimal, written
from backflush.core.refusals import InvalidValue, Refusal
from backflush.ledger.models import Movement
from backflush.ledger.selectors import waiting_by_posting
from backflush.stockmap.models import Site
from backflush.works.services.booking import BookingIn
from backflush.works.services.bulk import Line, Outcome

LONGEST: Final = 65_536
"""Bytes of a line. No booking needs so many, and what never ends must not fill the memory."""

TEXTS: Final = ("order", "key", "batch", "bin", "scrap_reason")
FIELDS: Final = ("order", "good", "scrap", "at", "key", "batch", "serials", "bin", "scrap_reason")


def read_line(number: int, raw: bytes) -> Line:
    """A line as a booking, or as the reason why it can't be read."""
    try:
        if len(raw) > LONGEST:
            raise InvalidValue(f"A line has at most {LONGEST:,} bytes. Send each booking as a line of its own.")
        return Line(number, read_booking(read_object(raw)))
    except Refusal as refusal:
        return Line(number, refusal)


def read_object(raw: bytes) -> Any:
    """What some bytes of JSON say, with exact numbers."""
    try:
        return json.loads(
            raw.decode("utf-8-sig"),
            parse_float=Decimal,
            parse_int=Decimal,
            parse_constant=_no_number,
            object_pairs_hook=_each_once,
        )
    except (ValueError, ArithmeticError, RecursionError):
        raise InvalidValue('This is no line of JSON. Write it like {"order": "W-1001", "good": "38"}.') from None


def _no_number(word: str) -> None:
    raise InvalidValue(f"{word} is not a number. Write it like 12.5.")


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        raise InvalidValue("A field stands twice. Say each thing once.")
    return named


def read_booking(given: Any) -> BookingIn:
    """What a program says of a booking. Every field is of its own kind; what isn't known is refused, not ignored."""
    if not isinstance(given, Mapping):
        raise InvalidValue('A booking is an object. Write it like {"order": "W-1001", "good": "38"}.')
    said = {name: value for name, value in given.items() if value is not None}
    for name in said:
        if name not in FIELDS:
            raise InvalidValue(f"There is no field {name[:40]!r}. There are {', '.join(FIELDS)}.", field="")
    if not said.get("order"):
        raise InvalidValue("Say which works order it is for.", field="order")
    at = _text(said.get("at", ""), "at")
    return BookingIn(
        good=_number(said.get("good", ZERO), "good"),
        scrap=_number(said.get("scrap", ZERO), "scrap"),
        at=read_moment(at, field="at") if at else None,
        serials=_serials(said.get("serials", [])),
        **{name: _text(said.get(name, ""), name) for name in TEXTS},
    )


def _number(value: Any, field: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | Decimal):
        raise InvalidValue(f'{field} is a number. Write it like "12.5".', field=field)
    return read_decimal(value, field=field)


def _text(value: Any, field: str) -> str:
    """Text that every database keeps as it is: without null characters, and without halves of characters."""
    if not isinstance(value, str):
        raise InvalidValue(f"{field} is text. Put it in quotes.", field=field)
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidValue(f"{field} has a character in it that can't be kept. Write it again.", field=field)
    return value


def _serials(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise InvalidValue('serials is a list. Write it like ["S-1", "S-2"].', field="serials")
    return tuple(_text(one, "serials") for one in value)


def answers(outcomes: Sequence[Outcome], site: Site) -> Iterator[dict[str, Any]]:
    """What is told of each line; what waits of all bookings is read by one statement."""
    postings = [outcome.booking.posting_id for outcome in outcomes if outcome.booking is not None]
    waiting = waiting_by_posting(site, postings)
    return (_answer(outcome, waiting) for outcome in outcomes)


def _answer(outcome: Outcome, waiting: Mapping[int, Sequence[Movement]]) -> dict[str, Any]:
    report = outcome.line.report
    told: dict[str, Any] = {"line": outcome.line.number, "outcome": outcome_word(outcome)}
    if isinstance(report, BookingIn):
        told |= {"order": report.order, "key": report.key or None}
    if outcome.booking is None:
        return told | {"refusals": [refusal_facts(refusal) for refusal in outcome.refusals]}
    posting = outcome.booking.posting_id
    return told | {"posting": posting, "unresolved": [_waits(one) for one in waiting.get(posting, ())]}


def outcome_word(outcome: Outcome) -> str:
    """Booked, repeated or refused."""
    if outcome.booking is None:
        return "refused"
    return "repeated" if outcome.repeated else "booked"


def refusal_facts(refusal: Refusal) -> dict[str, Any]:
    """A refusal for a program."""
    return {
        "code": refusal.code,
        "field": refusal.field,
        "sentence": refusal.sentence,
        "details": list(refusal.details),
    }


def _waits(movement: Movement) -> dict[str, Any]:
    assert movement.due is not None, "what waits is due"
    return {
        "movement": movement.pk,
        "item": movement.item.code,
        "due": written(movement.due),
        "reason": movement.reason,
    }


def in_one_line(facts: Mapping[str, Any]) -> str:
    """Facts as one line of JSON, with its end."""
    return json.dumps(facts, ensure_ascii=False, separators=(", ", ": ")) + "\n"
