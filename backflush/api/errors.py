"""The API's refusals: always JSON, always `{code, field, sentence, details}`."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from backflush.core.failures import Failed
from backflush.core.refusals import NotFound, Refusal
from backflush.streams.line_format import refusal_facts
from backflush.web.platform.errors import status_of
from backflush.web.platform.metrics import count_refusal
from backflush.web.platform.null_bytes import PROGRAMS, null_refusal


class NotSignedIn(Refusal):
    """The token is missing, unknown or revoked."""

    code = "not_signed_in"


class TooManyTries(Refusal):
    """A wrong token was sent too often."""

    code = "too_many_tries"


class TooLarge(Refusal):
    """The request body is too large."""

    code = "too_large"


class WrongType(Refusal):
    """The request's Content-Type isn't JSON."""

    code = "wrong_type"


class NoSuchAddress(Refusal):
    """The address doesn't exist."""

    code = "not_found"


class NoSuchMethod(Refusal):
    """The address doesn't support this method."""

    code = "not_allowed_method"


STATUS: Final[dict[type[Refusal], HTTPStatus]] = {
    NotSignedIn: HTTPStatus.UNAUTHORIZED,
    TooManyTries: HTTPStatus.TOO_MANY_REQUESTS,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    WrongType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    NoSuchAddress: HTTPStatus.NOT_FOUND,
    NoSuchMethod: HTTPStatus.METHOD_NOT_ALLOWED,
    Failed: HTTPStatus.INTERNAL_SERVER_ERROR,
}
IN_ADDRESS: Final = ("site", "number")
"""Fields that are part of the address. If the record they name doesn't exist, the status is 404."""


def answer_refusal(request: HttpRequest, refusal: Refusal) -> JsonResponse:
    """Return a refusal as JSON, with its status."""
    count_refusal(refusal)
    status = STATUS.get(type(refusal), status_of(refusal))
    if isinstance(refusal, NotFound) and refusal.field in IN_ADDRESS:
        status = HTTPStatus.NOT_FOUND
    response = JsonResponse(refusal_facts(refusal), status=status)
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def missing(request: HttpRequest, rest: str = "") -> JsonResponse:
    """Return the refusal of an address that doesn't exist."""
    return answer_refusal(request, NoSuchAddress("There is nothing at this address. See /api/v1/openapi.json."))


def whole_requests(answer: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that refuses API requests with a NUL character in the query. Bodies are checked when they are
    parsed."""

    def with_whole_text(request: HttpRequest) -> HttpResponseBase:
        refusal = null_refusal(request, request.GET) if request.path.startswith(PROGRAMS) else None
        return answer(request) if refusal is None else answer_refusal(request, refusal)

    return with_whole_text


def told_in_json(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Decorate a view so that an unsupported method is refused in JSON too."""

    @wraps(view)
    def with_method(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
        response = view(request, *arguments, **named)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            return response
        refused = answer_refusal(
            request, NoSuchMethod("{method} isn't supported at this address.", method=request.method)
        )
        refused.headers["Allow"] = response.headers.get("Allow", "")
        return refused

    return with_method
