"""Refuses requests to pages that contain a NUL character (`delivery/null_characters.py`)."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase, QueryDict

from backflush.delivery.null_characters import PROGRAMS, null_refusal
from backflush.web.platform.errors import answer_refusal


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
