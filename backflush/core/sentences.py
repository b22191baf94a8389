"""Sentences with named places: a template, its parameters, and the English text made from them.

A `Sentence` is a string: its text is the template filled in. It keeps the template and the parameters, so that a page
can translate it (the template is the message id) and a program can read the values. Values are formatted by type, so
a template has plain places only:

    Sentence("Enter less than {quantity} {unit}.", quantity=Decimal("40.0"), unit="EA")    # "Enter less than 40 EA."
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Context, Decimal
from enum import Enum
from typing import Final, Self

EXACT: Final = Context(prec=200)
"""Structure quantities have any number of digits, amounts up to 38: more than Python's decimals keep by default."""

NO_BREAK: Final = "\N{NO-BREAK SPACE}"
_PLACE: Final = re.compile(r"\{(\w+)\}")


class Sentence(str):
    """A text made of a template and parameters; equal to its English text, and used wherever a string is."""

    template: str
    params: Mapping[str, object]

    def __new__(cls, template: str, /, **params: object) -> Self:
        """Fill the template's `{places}`; every place needs a parameter of its name."""
        sentence = super().__new__(cls, fill(template, params, shown))
        sentence.template = template
        sentence.params = params
        return sentence

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:
        """Copy and pickle a sentence by its template and parameters."""
        return (self.template,), dict(self.params)


class Count(int):
    """A whole number that counts something: written with thousands separators, unlike the number of a record."""

    __slots__ = ()


class Word(str):
    """One of the rooms' own words, such as a component class, which pages translate. Members of enums are words too."""

    __slots__ = ()


def fill(template: str, params: Mapping[str, object], text_of: Callable[[object], str]) -> str:
    """Return a template with its `{places}` filled, each value written by `text_of`."""
    return _PLACE.sub(lambda place: text_of(params[place[1]]), template)


def places(template: str) -> set[str]:
    """Return the names of a template's places."""
    return set(_PLACE.findall(template))


def shown(value: object) -> str:
    """Return a value as an English sentence shows it, by its type."""
    match value:
        case Enum():
            text = str(value.value)
        case str():
            text = printable(value)
        case Count():
            text = f"{value:,}"
        case Decimal() if value.is_finite():
            text = written(value)
        case datetime():
            text = written_time(value)
        case date():
            text = written_day(value)
        case tuple() | list():
            text = ", ".join(map(shown, value))
        case _:
            text = str(value)
    return text


def printable(text: str) -> str:
    r"""Return a text with its control characters and lone surrogates escaped (`\x07`), so that any door can show it."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one == NO_BREAK else repr(one)[1:-1] for one in text)


def plain(quantity: Decimal) -> Decimal:
    """Return the same value in its shortest form without an exponent: 6.25, 40, 0."""
    if not quantity:
        return Decimal(0)
    short = quantity.normalize(EXACT)
    return short if short.as_tuple().exponent <= 0 else short.quantize(Decimal(1), context=EXACT)  # type: ignore[operator]


def written(quantity: Decimal) -> str:
    """Return a quantity as text, for sentences and for comparing content."""
    return format(plain(quantity), "f")


def written_day(day: date) -> str:
    """Return a day as a sentence shows it: 1 Mar 2026."""
    return f"{day.day} {day:%b} {day.year}"


def written_time(moment: datetime) -> str:
    """Return a moment as a sentence shows it, in the time zone it has: 1 Mar 2026 14:30."""
    return f"{written_day(moment)} {moment:%H:%M}"
