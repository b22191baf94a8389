"""The API's refusals: always JSON, always `{code, field, sentence, details}`."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from backflush.core.refusals import Refusal
from backflush.delivery.metrics import count_refusal
from backflush.delivery.null_characters import PROGRAMS, null_refusal
from backflush.delivery.payloads import refusal_payload
from backflush.delivery.refusals import RequestRefusal, status_of


class NotSignedIn(RequestRefusal):
    """The token is missing or not in use."""

    code = "not_signed_in"
    status = HTTPStatus.UNAUTHORIZED


class TooManyTries(RequestRefusal):
    """Too many wrong tokens."""

    code = "too_many_tries"
    status = HTTPStatus.TOO_MANY_REQUESTS


class TooLarge(RequestRefusal):
    """The body is too large."""

    code = "too_large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class WrongType(RequestRefusal):
    """The body isn't of the type that is required."""

    code = "wrong_type"
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class NoSuchAddress(RequestRefusal):
    """There is nothing at the address."""

    code = "not_found"
    status = HTTPStatus.NOT_FOUND


class NoSuchMethod(RequestRefusal):
    """The address doesn't support the method."""

    code = "not_allowed_method"
    status = HTTPStatus.METHOD_NOT_ALLOWED


IN_ADDRESS: Final = ("site", "number")
"""The fields that are part of addresses."""


def answer_refusal(request: HttpRequest, refusal: Refusal) -> JsonResponse:
    """Return a refusal as JSON, with its status."""
    count_refusal(refusal)
    status = status_of(refusal, address=IN_ADDRESS)
    response = JsonResponse(refusal_payload(refusal), status=status)
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


def refusals_as_json(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
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
