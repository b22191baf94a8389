"""The HTTP status of every refusal, decided in one place for pages and API."""

from collections.abc import Collection
from http import HTTPStatus
from typing import ClassVar, Final

from backflush.core.failures import Failed
from backflush.core.refusals import Archived, Conflict, Forbidden, Invalid, NotFound, Refusal, Unavailable

REFERENCE: Final = "X-Reference"
"""The header with the reference of an internal error."""


class RequestRefusal(Refusal):
    """A request that is refused for how it was sent, before its content matters. Each class has its own status."""

    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST


FAMILIES: Final[tuple[tuple[type[Refusal], HTTPStatus], ...]] = (
    (Archived, HTTPStatus.GONE),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (Invalid, HTTPStatus.UNPROCESSABLE_ENTITY),
    (Failed, HTTPStatus.INTERNAL_SERVER_ERROR),
)
"""The status of each family; the first that fits."""


def status_of(refusal: Refusal, address: Collection[str] = ()) -> HTTPStatus:
    """Return the status of a refusal. `address` are the fields that are part of the request's address.

    An address that names something unknown doesn't exist (404); an unknown name in any other field makes that field
    invalid (422).
    """
    if isinstance(refusal, RequestRefusal):
        return refusal.status
    if isinstance(refusal, NotFound) and refusal.field and refusal.field not in address:
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return next((status for family, status in FAMILIES if isinstance(refusal, family)), HTTPStatus.UNPROCESSABLE_ENTITY)
