"""One booking as a line of JSON, and the line that answers it. `kind` says of which kind it is.

{"order": "W-1001", "good": "38", "scrap": "2", "at": "2026-03-12T14:30", "key": "press 7/4711"}
{"line": 1, "outcome": "booked", "kind": "booking", "order": "W-1001", "key": "press 7/4711", "posting": 812,
 "unresolved": []}
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from backflush.backflushing.booking import ReportResult
from backflush.backflushing.report_kinds import Report, ReportKind, ReportKinds
from backflush.backflushing.selectors import Preview
from backflush.backflushing.stream import StreamLine
from backflush.core.input_values import LINE_MAX, read_moment, read_number, read_whole, require_text
from backflush.core.quantity import ZERO, written
from backflush.core.refusals import InvalidValue, Refusal
from backflush.ledger.models import Movement
from backflush.ledger.selectors import waiting_by_posting
from backflush.people.rights import Verb
from backflush.stockmap.models import Site
from backflush.subcontract.receipts import RECEIPTS, ReceiptIn, preview_receipt
from backflush.works.previews import preview_booking, preview_production
from backflush.works.services.booking import ON_ORDERS, BookingIn
from backflush.works.services.production_without_order import WITHOUT_ORDERS, ProductionIn

LONGEST: Final = 65_536
"""Bytes of a line. No booking needs so many, and what never ends must not fill the memory."""


class JsonNumber(str):
    """A number as it was written in JSON, to be read by the same grammar as the numbers in texts."""


@dataclass(frozen=True, slots=True)
class LineKind:
    """A kind of booking as programs report it: its fields, which of them says what it is about, and who may send it."""

    word: str
    kind: ReportKind[Any]
    verb: Verb
    preview: Callable[..., Preview]
    about: str
    about_what: str
    quantities: tuple[str, ...]
    more: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """All that may be said."""
        return ("kind", self.about, *self.quantities, *self.more, "at", "key", "batch", "serials", "bin")


TOLD: Final[Mapping[str, LineKind]] = {
    told.word: told
    for told in (
        LineKind(
            *("booking", ON_ORDERS, Verb.BOOK, preview_booking, "order", "which works order it is for"),
            *(("good", "scrap"), ("scrap_reason",)),
        ),
        LineKind(
            *("receipt", RECEIPTS, Verb.RECEIVE, preview_receipt, "order", "which purchase order it is for"),
            *(("accepted", "rejected"), ("line",)),
        ),
        LineKind(
            *("production", WITHOUT_ORDERS, Verb.PRODUCE, preview_production, "item", "which item was made"),
            *(("good", "scrap"), ("scrap_reason",)),
        ),
    )
}
"""By the word that a line has for it; one without a word is the first."""
KINDS: Final[ReportKinds] = tuple(told.kind for told in TOLD.values())
_BY_REPORT: Final = {told.kind.report: told for told in TOLD.values()}


def told_of(report: Report) -> LineKind:
    """Of which kind a report is."""
    return _BY_REPORT[type(report)]


def read_line(number: int, raw: bytes) -> StreamLine:
    """A line as a booking, or as the reason why it can't be read."""
    try:
        if len(raw) > LONGEST:
            raise InvalidValue(f"A line has at most {LONGEST:,} bytes. Send each booking as a line of its own.")
        return StreamLine(number, read_booking(read_object(raw)))
    except Refusal as refusal:
        return StreamLine(number, refusal)


def read_object(raw: bytes) -> Any:
    """Parse a JSON document. Its numbers stay as they are written."""
    try:
        return json.loads(
            raw.decode("utf-8-sig"),
            parse_float=JsonNumber,
            parse_int=JsonNumber,
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


def read_booking(given: Any) -> Report:
    """What a program says of a booking. Every field is of its own kind; what isn't known is refused, not ignored."""
    if not isinstance(given, Mapping):
        raise InvalidValue('A booking is an object. Write it like {"order": "W-1001", "good": "38"}.')
    said = {name: value for name, value in given.items() if value is not None}
    told = _told(said.get("kind", next(iter(TOLD))))
    for name in said:
        if name not in told.fields:
            raise InvalidValue(f"There is no field {name[:40]!r}. There are {', '.join(told.fields)}.", field="")
    if not said.get(told.about):
        raise InvalidValue(f"Say {told.about_what}.", field=told.about)
    at = _text(said.get("at", ""), "at")
    texts = {name: _text(said.get(name, ""), name) for name in (told.about, "key", "batch", "bin")}
    quantities = {name: _number(said.get(name, ""), name) for name in told.quantities}
    common: dict[str, Any] = {
        "at": read_moment(at, field="at") if at else None,
        "serials": _serials(said.get("serials", [])),
        **texts,
        **quantities,
    }
    if told.kind is RECEIPTS:
        return ReceiptIn(line=_whole(said.get("line"), "line"), **common)
    made = BookingIn if told.kind is ON_ORDERS else ProductionIn
    return made(scrap_reason=_text(said.get("scrap_reason", ""), "scrap_reason"), **common)


def _told(word: object) -> LineKind:
    if not isinstance(word, str) or word not in TOLD:
        raise InvalidValue(f"kind is one of {', '.join(TOLD)}.", field="kind")
    return TOLD[word]


def _whole(value: Any, field: str) -> int | None:
    if value is None:
        return None
    return read_whole(_number_text(value, field), field=field, most=LINE_MAX)


def _number(value: Any, field: str) -> Decimal:
    text = _number_text(value, field)
    return read_number(text, field=field) if text.strip() else ZERO


def _number_text(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise InvalidValue(f'{field} is a number. Write it like "12.5".', field=field)
    return value


def _text(value: Any, field: str) -> str:
    """Return text that every database keeps as it is."""
    if not isinstance(value, str) or isinstance(value, JsonNumber):
        raise InvalidValue(f"{field} is text. Put it in quotes.", field=field)
    return require_text(value, field=field)


def _serials(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise InvalidValue('serials is a list. Write it like ["S-1", "S-2"].', field="serials")
    return tuple(_text(one, "serials") for one in value)


def answers(lines: Sequence[StreamLine], results: Sequence[ReportResult], site: Site) -> Iterator[dict[str, Any]]:
    """What is told of each line; what waits of all bookings is read by one statement."""
    postings = [result.booking.posting_id for result in results if result.booking is not None]
    waiting = waiting_by_posting(site, postings)
    return (_answer(line.number, result, waiting) for line, result in zip(lines, results, strict=True))


def _answer(number: int, result: ReportResult, waiting: Mapping[int, Sequence[Movement]]) -> dict[str, Any]:
    report = result.report
    said: dict[str, Any] = {"line": number, "outcome": outcome_word(result)}
    if isinstance(report, Report):
        told = told_of(report)
        said |= {"kind": told.word, told.about: report.of, "key": report.key or None}
    if result.booking is None:
        return said | {"refusals": [refusal_facts(refusal) for refusal in result.refusals]}
    posting = result.booking.posting_id
    return said | {"posting": posting, "unresolved": [_waits(one) for one in waiting.get(posting, ())]}


def outcome_word(result: ReportResult) -> str:
    """Booked, repeated or refused."""
    if result.booking is None:
        return "refused"
    return "repeated" if result.repeated else "booked"


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


_ENDS: Final = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}
"""What some libraries end lines at too, and JSON leaves as it is."""


def in_one_line(facts: Mapping[str, Any]) -> str:
    """Facts as one line of JSON, with its end, for whatever its reader takes as the end of a line."""
    return json.dumps(facts, ensure_ascii=False, separators=(", ", ": ")).translate(_ENDS) + "\n"
