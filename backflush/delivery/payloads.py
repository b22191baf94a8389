"""Refusals, previews and unresolved movements as JSON, in the same form at every interface.

Quantities are strings without trailing zeros, because JSON numbers are inexact. Dates and times are in ISO format.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, Final

from backflush.backflushing.selectors import PreviewLine
from backflush.core.quantity import written
from backflush.core.refusals import Refusal
from backflush.ledger.models import Movement

JSON: Final = "application/json"
JSON_LINES: Final = "application/x-ndjson"


def refusal_payload(refusal: Refusal) -> dict[str, Any]:
    """Return a refusal: code, field, sentence and the values in it, and a sentence for each further line concerned."""
    return {
        "code": refusal.code,
        "field": refusal.field,
        "sentence": str(refusal.sentence),
        "params": {name: as_json(value) for name, value in refusal.params.items()},
        "details": [str(detail) for detail in refusal.details],
    }


def preview_line_payload(line: PreviewLine) -> dict[str, Any]:
    """Return one component of a preview: what would be assumed, what is in stock, what would move and what would wait.

    All quantities are in the component's stock unit. `there` is null where no balance is kept.
    """
    return {
        "path": line.path,
        "component": line.component,
        "unit": line.unit,
        "source": line.source,
        "assumed": written(line.assumed),
        "there": None if line.there is None else written(line.there),
        "moves": written(line.moves),
        "waits": written(line.waits),
        "reason": line.reason,
    }


def waiting_payload(movement: Movement) -> dict[str, Any]:
    """Return an unresolved movement as the answer to a booking names it; needs its item."""
    assert movement.due is not None, "an unresolved movement has a due quantity"
    return {
        "movement": movement.pk,
        "item": movement.item.code,
        "due": written(movement.due),
        "reason": movement.reason,
    }


def unresolved_payload(movement: Movement) -> dict[str, Any]:
    """Return an unresolved movement as a list of them has it; needs its item, unit, places and cost object."""
    return {
        **waiting_payload(movement),
        "posting": movement.posting_id,
        "at": movement.at.isoformat(),
        "order": movement.cost_object.number if movement.cost_object else None,
        "unit": movement.item.stock_unit.code,
        "source": movement.source.path,
        "target": movement.target.path,
    }


def as_json(value: object) -> Any:
    """Return a value as JSON has it; lists and mappings with their contents."""
    match value:
        case None | bool() | int():
            return value
        case Enum():
            return as_json(value.value)
        case list() | tuple():
            return [as_json(one) for one in value]
        case Mapping():
            return {str(name): as_json(one) for name, one in value.items()}
        case Decimal() | date() | Fraction():
            return as_text(value)
    return str(value)


def as_text(value: object) -> str:
    """Return a decimal, ratio, date or time as text, for which JSON has no type of its own."""
    match value:
        case Decimal():
            return written(value) if value.is_finite() else str(value)
        case date():
            return value.isoformat()
        case Fraction():
            return str(value)
    raise TypeError(f"{value!r} can't be written as JSON")
