"""Refuse requests that hold a null character: PostgreSQL fails at it, and SQLite may stop at it.

Nobody types one; a scanner that is set wrongly sends one, and so does a person who tries doors. It is refused once for
all pages, addresses and cookies.
"""

from collections.abc import Callable, Iterator

from django.http import HttpRequest, HttpResponseBase, QueryDict

from backflush.core.input_values import NULL_CHARACTER
from backflush.core.refusals import InvalidValue
from backflush.web.platform.errors import answer_refusal

NULL = "\0"
PROGRAMS = "/api/"
"""Below here programs are answered, by their own door and in its way."""


def whole_text(answer: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that refuses what holds a null character."""

    def with_whole_text(request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(PROGRAMS):
            refusal = null_refusal(request, request.GET, request.POST)
            if refusal is not None:
                # Nothing of it is shown again, because it would only be refused again.
                request.GET = QueryDict()
                return answer_refusal(request, refusal)
        return answer(request)

    return with_whole_text


def null_refusal(request: HttpRequest, *given: QueryDict) -> InvalidValue | None:
    """Return the refusal of a null character in the address, a cookie or the given values; None where there is none."""
    for name, text in _texts(request, given):
        if NULL in text:
            return InvalidValue(NULL_CHARACTER, field=name.replace(NULL, ""))
    return None


def _texts(request: HttpRequest, given: tuple[QueryDict, ...]) -> Iterator[tuple[str, str]]:
    """Yield what a request holds, each text with the name of its field."""
    yield "", request.path
    for text in request.COOKIES.values():
        yield "", text
    for typed in given:
        for name, values in typed.lists():
            yield name, name
            for value in values:
                yield name, str(value)
