"""Refuses requests that contain a null character: PostgreSQL rejects it, and SQLite may cut text at it.

No keyboard enters one, but a misconfigured scanner or an attacker may send it. One middleware checks all fields,
addresses and cookies.
"""

from collections.abc import Callable, Iterator

from django.http import HttpRequest, HttpResponseBase, QueryDict

from backflush.core.input_values import null_character
from backflush.core.refusals import InvalidValue
from backflush.web.platform.errors import answer_refusal

NULL = "\0"
PROGRAMS = "/api/"
"""API paths, which answer in their own format."""


def whole_text(answer: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that refuses a request containing a null character."""

    def with_whole_text(request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(PROGRAMS):
            refusal = null_refusal(request, request.GET, request.POST)
            if refusal is not None:
                # The values aren't shown again, because they would be refused again.
                request.GET = QueryDict()
                return answer_refusal(request, refusal)
        return answer(request)

    return with_whole_text


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
    for typed in given:
        for name, values in typed.lists():
            yield name, name
            for value in values:
                yield name, str(value)
