"""The check for NUL characters in requests: PostgreSQL rejects them, and SQLite may cut text at them.

No keyboard enters one, but a misconfigured scanner or an attacker may send it. Each interface has a middleware that
checks its requests and answers in its own format. The bodies of API requests are checked when they are read.
"""

from collections.abc import Iterator
from typing import Final

from django.http import HttpRequest, QueryDict

from backflush.core.input_values import null_character
from backflush.core.refusals import InvalidValue

NULL: Final = "\0"
PROGRAMS: Final = "/api/"
"""The paths of the API, which answers in a format of its own."""


def null_refusal(request: HttpRequest, *given: QueryDict) -> InvalidValue | None:
    """Return the refusal of a null character in the address, a cookie or the given values; None where there is none."""
    for name, text in _texts(request, given):
        if NULL in text:
            return null_character(name.replace(NULL, ""))
    return None


def _texts(request: HttpRequest, given: tuple[QueryDict, ...]) -> Iterator[tuple[str, str]]:
    """Yield each text of a request with the name of its field."""
    yield "", request.path
    for text in request.COOKIES.values():
        yield "", text
    for fields in given:
        for name, values in fields.lists():
            yield name, name
            for value in values:
                yield name, str(value)
