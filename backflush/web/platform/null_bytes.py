"""What comes in is text that every database can keep.

A null character is refused here, once for all pages, addresses and cookies: SQLite would keep it or stop at it, and
PostgreSQL fails. Nobody types one; a scanner that is set wrongly sends one, and so does whoever tries doors.
"""

from collections.abc import Callable, Iterable

from django.http import HttpRequest, HttpResponseBase, QueryDict

from backflush.core.refusals import InvalidValue
from backflush.web.platform.errors import answer_refusal

NULL = "\0"
PROGRAMS = "/api/"
"""Below here programs are answered, by their own door and in its way."""
REFUSED = "What was sent has a null character in it. Type it, or scan it again."


def whole_text(answer: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that refuses what holds a null character."""

    def with_whole_text(request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(PROGRAMS) and has_null(request, request.GET, request.POST):
            # Nothing of it is shown again, because it would only be refused again.
            request.GET = QueryDict()
            return answer_refusal(request, InvalidValue(REFUSED))
        return answer(request)

    return with_whole_text


def has_null(request: HttpRequest, *given: QueryDict) -> bool:
    """Whether a null character is in the address, a cookie or what is given with it."""
    return any(NULL in text for text in _texts(request, given))


def _texts(request: HttpRequest, given: Iterable[QueryDict]) -> Iterable[str]:
    yield request.path
    yield from request.COOKIES.values()
    for typed in given:
        for name, values in typed.lists():
            yield name
            yield from map(str, values)
