"""The format of a line of JSON, and of the answer to it. `kind` is the kind of booking, or another operation.

{"order": "W-1001", "good": "38", "scrap": "2", "at": "2026-03-12T14:30", "key": "press 7/4711"}
{"line": 1, "outcome": "booked", "kind": "booking", "order": "W-1001", "key": "press 7/4711", "posting": 812,
 "unresolved": []}
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from backflush.backflushing.report_inputs import JsonNumber
from backflush.backflushing.report_kinds import Report
from backflush.booking_kinds import kind_named, kind_of
from backflush.core.failures import failure
from backflush.core.refusals import InvalidValue, Refusal
from backflush.core.sentences import Count
from backflush.delivery.payloads import refusal_payload, waiting_payload
from backflush.ledger.models import Movement
from backflush.ledger.selectors import waiting_by_posting
from backflush.people.rights import Verb
from backflush.stockmap.models import Site
from backflush.streams.line_posting import Line, LineResult
from backflush.streams.operations import OPERATIONS, StreamOperation

_log: Final = logging.getLogger(__name__)
LONGEST: Final = 65_536
"""The most bytes of a line. No booking needs more, and an endless line must not fill the memory."""


def read_line(number: int, raw: bytes) -> Line:
    """Return a line of bytes with what it reports, or the reason why it can't be read."""
    return line_of(number, lambda: _content_of(raw))


def _content_of(raw: bytes) -> Report | StreamOperation:
    if len(raw) > LONGEST:
        raise InvalidValue(
            "A line can have at most {most} bytes. Send each booking on a line of its own.", most=Count(LONGEST)
        )
    return read_content(read_object(raw))


def line_of(number: int, read: Callable[[], Report | StreamOperation]) -> Line:
    """Return the line of a number with what it reports, or why that can't be read. An internal error doesn't end the
    stream: it refuses the line (`Failed`), with a reference that is logged.
    """
    try:
        return Line(number, read())
    except Refusal as refusal:
        return Line(number, refusal)
    except Exception:  # noqa: BLE001
        return Line(number, failure(_log, f"reading line {number}"))


def read_object(raw: bytes) -> Any:
    """Parse a JSON document. Numbers are returned as strings, exactly as written."""
    try:
        return json.loads(
            raw.decode("utf-8-sig"),
            parse_float=JsonNumber,
            parse_int=JsonNumber,
            parse_constant=_no_number,
            object_pairs_hook=_each_once,
        )
    except (ValueError, ArithmeticError, RecursionError):
        raise InvalidValue('This is not valid JSON. Write it like {"order": "W-1001", "good": "38"}.') from None


def _no_number(word: str) -> None:
    raise InvalidValue("{text} is not a number. Write it like 12.5.", text=word)


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        raise InvalidValue("The object has the same field twice. Send each field once.")
    return named


def read_booking(given: Any) -> Report:
    """Return the report in a JSON object. Unknown fields are refused, not ignored."""
    return _report_in(_object(given))


def read_content(given: Any) -> Report | StreamOperation:
    """Return the booking, or the other operation, in a JSON object. Unknown fields are refused, not ignored."""
    fields = _object(given)
    operation = OPERATIONS.get(fields.get("kind", "")) if isinstance(fields.get("kind"), str) else None
    return _report_in(fields) if operation is None else operation.read(_without_kind(fields))


def _object(given: Any) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise InvalidValue('A booking must be a JSON object, like {"order": "W-1001", "good": "38"}.')
    return given


def _report_in(fields: Mapping[str, Any]) -> Report:
    report: Report = kind_named(fields.get("kind"), others=tuple(OPERATIONS)).read(_without_kind(fields))
    return report


def _without_kind(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "kind"}


def verb_of(content: Report | StreamOperation) -> Verb:
    """Return the right that posting a line takes."""
    return content.verb if isinstance(content, StreamOperation) else kind_of(content).verb


def answers(lines: Sequence[Line], results: Sequence[LineResult], site: Site) -> Iterator[dict[str, Any]]:
    """Yield the answer to each line. One statement reads the unresolved movements of all bookings."""
    postings = [result.posting for result in results if result.booking is not None and result.posting is not None]
    waiting = waiting_by_posting(site, postings)
    return (_answer(line.number, result, waiting) for line, result in zip(lines, results, strict=True))


def _answer(number: int, result: LineResult, waiting: Mapping[int, Sequence[Movement]]) -> dict[str, Any]:
    content = result.content
    answer: dict[str, Any] = {"line": number, "outcome": outcome_word(result)}
    if isinstance(content, Report):
        kind = kind_of(content)
        answer |= {"kind": kind.word, kind.inputs.subject.name: content.of, "key": content.key or None}
    elif isinstance(content, StreamOperation):
        answer |= {"kind": content.word, content.subject: content.about, "key": content.key or None}
    if result.posting is None:
        return answer | {"refusals": [refusal_payload(refusal) for refusal in result.refusals]}
    answer |= {"posting": result.posting, **(result.facts or {})}
    if result.booking is not None:
        answer["unresolved"] = [waiting_payload(one) for one in waiting.get(result.posting, ())]
    return answer


def outcome_word(result: LineResult) -> str:
    """Return "booked" (also for another operation that was posted), "repeated" or "refused"."""
    if result.posting is None:
        return "refused"
    return "repeated" if result.repeated else "booked"


_ENDS: Final = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}
"""Characters that some libraries treat as line ends, and that JSON doesn't escape."""


def in_one_line(payload: Mapping[str, Any]) -> str:
    """Return an answer as one line of JSON that no reader splits."""
    return json.dumps(payload, ensure_ascii=False, separators=(", ", ": ")).translate(_ENDS) + "\n"
