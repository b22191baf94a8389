"""Forms of set-up, described by their fields: one template draws them all, typed values come back in any of them.

    FIELDS = [Field("code", _("Code"), required=True), Field("description", _("Description"))]
    render(request, "web/setup/form.html", {"fields": shown(FIELDS, typed), "refusal": refusal, ...})

`typed` is request.POST after a refusal, else what the thing is now. What a field may hold is decided in the rooms.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise

from backflush.core.refusals import InvalidValue
from backflush.web.display import formats

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Field:
    """One thing to enter. `kind` is text, number, choice, pick (one press each), tick, date or password.

    `settled` says why it can't be changed any more: it is shown, and the reason with it.
    """

    name: str
    label: Text
    kind: str = "text"
    hint: Text = ""
    choices: Sequence[tuple[str, Text]] = ()
    required: bool = False
    settled: Text = ""
    suggestions: Sequence[str] = ()
    value: str = ""


def shown(fields: Iterable[Field], values: Mapping[str, str]) -> list[Field]:
    """Fields with what stands in them."""
    return [replace(field, value=values.get(field.name, "")) for field in fields]


def plainly(value: Any) -> str:
    """What a thing is now, as one would type it."""
    if value is None or value is False:
        return ""
    if value is True:
        return "on"
    if isinstance(value, Decimal):
        return formats.number(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def chosen_in(typed: Mapping[str, str], field: str, choices: Iterable[str]) -> str:
    """Which of some choices a field holds."""
    value = typed.get(field, "")
    if value not in choices:
        raise InvalidValue("Choose from the list.", field=field)
    return value
