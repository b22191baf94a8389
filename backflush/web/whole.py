"""What comes in is text that every database can keep.

A null character is refused here, once for all pages, addresses and cookies: SQLite would keep it or stop at it, and
PostgreSQL fails. Nobody types one; a scanner that is set wrongly sends one, and so does whoever tries doors.
"""

from collections.abc import Callable, Iterable

from django.http import HttpRequest, HttpResponseBase, QueryDict

from backflush.core.refusals import InvalidValue
from backflush.web.refusing import answer_refusal

NULL = "\0"


def whole_text(answer: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that refuses what holds a null character."""

    def with_whole_text(request: HttpRequest) -> HttpResponseBase:
        if any(NULL in text for text in _texts(request)):
            sentence = "What was sent has a null character in it. Type it, or scan it again."
            # Nothing of it is shown again, because it would only be refused again.
            request.GET = QueryDict()
            return answer_refusal(request, InvalidValue(sentence))
        return answer(request)

    return with_whole_text


def _texts(request: HttpRequest) -> Iterable[str]:
    yield request.path
    yield from request.COOKIES.values()
    for typed in (request.GET, request.POST):
        for name, values in typed.lists():
            yield name
            yield from map(str, values)
