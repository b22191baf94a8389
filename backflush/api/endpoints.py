"""The operations of the API. Each translates between JSON and the services and selectors."""

import logging
from collections.abc import Iterator
from http import HTTPStatus
from itertools import chain, islice
from typing import Any, Final

from django.db import InterfaceError, OperationalError
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.security import HttpBearer

from backflush import __version__
from backflush.api.errors import NotSignedIn, TooManyTries, answer_refusal
from backflush.api.remedies import refusals_described
from backflush.api.request_bodies import key_of, many_bookings, one_booking
from backflush.api.schemas import (
    COMPONENTS,
    MANY_BOOKINGS,
    ONE_BOOKING,
    BookingOut,
    OrderOut,
    PreviewOut,
    RefusalOut,
    UnresolvedPage,
)
from backflush.backflushing.stream import CHUNK, DATABASE_AWAY
from backflush.booking_kinds import KINDS, kind_of, preview_report
from backflush.config.logs import asked
from backflush.core.failures import Failed, failure, log_failure
from backflush.core.quantity import written
from backflush.core.refusals import DatabaseUnreachable, InvalidValue, NotAllowed, NotFound, Refusal
from backflush.delivery.pagination import page_of
from backflush.delivery.payloads import JSON_LINES, preview_line_payload, refusal_payload, unresolved_payload
from backflush.delivery.refusals import REFERENCE
from backflush.delivery.visitor import Visitor
from backflush.ledger.selectors import waiting_movements
from backflush.people.models import User
from backflush.people.rights import Verb
from backflush.people.security_log import SecurityMatter, note
from backflush.people.selectors import not_allowed
from backflush.people.tokens import note_wrong_token, token_of
from backflush.stockmap.selectors import site_named
from backflush.streams.line_format import answers, in_one_line, verb_of
from backflush.streams.line_posting import Line, LinePoster
from backflush.streams.operations import OPERATIONS
from backflush.unresolved.arrivals import proposed_by
from backflush.unresolved.selectors import queue
from backflush.works.selectors import order_numbered

_log: Final = logging.getLogger(__name__)
RETRY_AFTER_SECONDS: Final = 10

REFUSED: Final[dict[Any, Any]] = {
    frozenset({400, 401, 403, 404, 409, 410, 413, 415, 422, 429, 500, 503}): RefusalOut,
}


class ByToken(HttpBearer):
    """Authenticates a program as a user, by an API token. The cookies of the pages are ignored."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """Return the user of a token, or None."""
        found = token_of(token)
        if found is None:
            request.wrong_token = token  # type: ignore[attr-defined]
            return None
        request.user = found.user
        request.scope = frozenset(map(Verb, found.scope)) or frozenset(Verb)  # type: ignore[attr-defined]
        return found.user


class DescribedAPI(NinjaAPI):
    """An API whose description includes the schemas of request bodies, which are parsed by `request_bodies`."""

    def get_openapi_schema(self, **how: Any) -> OpenAPISchema:
        """Return the OpenAPI document."""
        document = super().get_openapi_schema(**how)
        document["components"]["schemas"].update(COMPONENTS)
        document["x-refusals"] = refusals_described()
        return document


BOOKINGS, ORDERS, UNRESOLVED = "Bookings", "Orders", "Unresolved"

api = DescribedAPI(
    title="Backflush",
    version=__version__,
    description="Book production and receipts, and list unresolved movements.",
    auth=ByToken(),
    docs_url=None,
    urls_namespace="api",
)


VERBS: Final = tuple(kind.verb for kind in KINDS)
"""The rights to book, one for each kind of booking."""
LINE_VERBS: Final = (*VERBS, *(operation.verb for operation in OPERATIONS.values()))
"""The rights to post the lines of a stream."""


def _visitor(request: HttpRequest, code: str, *verbs: Verb) -> Visitor:
    """Return the token's user at a site; refuse (`NotAllowed`) one without any of these rights there."""
    user = request.user
    assert isinstance(user, User), "the token was checked before"
    visitor = Visitor(user, site_named(code), scope=getattr(request, "scope", frozenset()))
    if not visitor.roles:
        # The same answer as for a site that doesn't exist: a token tells nothing about other sites.
        raise NotFound("There is no site {site}.", site=code, field="site")
    visitor.require(*verbs)
    return visitor


@api.post(
    "/sites/{site}/bookings",
    response={200: BookingOut, 201: BookingOut, **REFUSED},
    openapi_extra=ONE_BOOKING,
    tags=[BOOKINGS],
    summary="Book one",
)
def book(request: HttpRequest, site: str) -> HttpResponse:
    """Post one booking of any kind. The status is 201 if it was posted now, and 200 if it was posted earlier under the
    same key."""
    visitor = _visitor(request, site, *VERBS)
    report = one_booking(request)
    visitor.require(kind_of(report).verb)
    line = Line(1, report)
    [result] = LinePoster(visitor.site, visitor.user).post([line])
    if result.booking is None:
        first, *others = result.refusals
        first.details = (*first.details, *(one.sentence for one in others))
        raise first
    response = next(answers([line], [result], visitor.site))
    del response["line"]
    response["fits_now"] = list(proposed_by(result.booking.posting, site=visitor.site).movements)
    return api.create_response(request, response, status=HTTPStatus.OK if result.repeated else HTTPStatus.CREATED)


@api.post(
    "/sites/{site}/bookings/bulk",
    response=REFUSED,
    openapi_extra=MANY_BOOKINGS,
    tags=[BOOKINGS],
    summary="Book many",
)
def book_many(request: HttpRequest, site: str) -> StreamingHttpResponse:
    """Post a stream of bookings, moves, counts, issues, returns, settlements and reversals, in any order and number.
    The response has one line for each, sent as soon as it is posted or refused; a refused line doesn't stop the others.
    With an Idempotency-Key, a stream can be sent again without posting anything twice."""
    visitor = _visitor(request, site, *LINE_VERBS)
    poster = LinePoster(visitor.site, visitor.user, key_of(request))
    answered = _in_chunks(_allowed(many_bookings(request), visitor), poster)
    # Before the status is sent: where nothing can be booked, the status says so.
    first = next(answered, "")
    return StreamingHttpResponse(chain([first], _to_the_end(answered)), content_type=JSON_LINES)


def _allowed(lines: Iterator[Line], visitor: Visitor) -> Iterator[Line]:
    """Yield the lines; those that the user has no right to post are replaced by a refusal."""
    for line in lines:
        verb = None if isinstance(line.content, Refusal) else verb_of(line.content)
        yield line if verb is None or visitor.may(verb) else Line(line.number, not_allowed(verb))


def _to_the_end(answered: Iterator[str]) -> Iterator[str]:
    """Yield the answers; where they break off, say so in a last line, and break the connection off too.

    What was answered before is booked. The status was sent long ago, so a program must be told in another way.
    """
    try:
        yield from answered
    except DATABASE_AWAY as error:
        yield in_one_line({"line": None, "outcome": "failed", "refusals": [refusal_payload(_database_away(error))]})
        raise
    except Exception:
        broken = failure(_log, "a stream of bookings")
        yield in_one_line({"line": None, "outcome": "failed", "refusals": [refusal_payload(broken)]})
        raise


def _database_away(error: Exception) -> DatabaseUnreachable:
    return DatabaseUnreachable("The database can't be used: {problem}", problem=str(error).strip() or "no answer")


def _in_chunks(lines: Iterator[Line], poster: LinePoster) -> Iterator[str]:
    while chunk := list(islice(lines, CHUNK)):
        yield "".join(map(in_one_line, answers(chunk, poster.post(chunk), poster.site)))


@api.post(
    "/sites/{site}/bookings/preview",
    response={200: PreviewOut, **REFUSED},
    openapi_extra=ONE_BOOKING,
    tags=[BOOKINGS],
    summary="Preview a booking",
)
def preview(request: HttpRequest, site: str) -> dict[str, Any]:
    """Return what a booking would consume and what would be unresolved. Nothing is posted."""
    visitor = _visitor(request, site, *VERBS)
    report = one_booking(request)
    visitor.require(kind_of(report).verb)
    found = preview_report(report, site=visitor.site)
    return {
        "lines": [preview_line_payload(line) for line in found.lines],
        "largest": None if found.largest is None else written(found.largest),
    }


@api.get(
    "/sites/{site}/orders/{path:number}",
    response={200: OrderOut, **REFUSED},
    tags=[ORDERS],
    summary="Show a works order",
)
def order(request: HttpRequest, site: str, number: str) -> dict[str, Any]:
    """Return a works order with the quantities booked so far."""
    where = _visitor(request, site, Verb.SEE_WORK).site
    try:
        found = order_numbered(where, number)
    except NotFound as refusal:
        refusal.field = "number"
        raise
    return {
        "number": found.number,
        "item": found.item.code,
        "status": found.status,
        "quantity": written(found.quantity),
        "unit": found.unit.code,
        "good": written(found.cost_object.good),
        "scrap": written(found.cost_object.scrap),
        "start_date": found.start_date.isoformat(),
        "due_date": found.due_date.isoformat() if found.due_date else None,
        "remarks": found.remarks,
    }


@api.get(
    "/sites/{site}/unresolved",
    response={200: UnresolvedPage, **REFUSED},
    tags=[UNRESOLVED],
    summary="List unresolved movements",
)
def unresolved(request: HttpRequest, site: str, item: str = "", after: str = "") -> dict[str, Any]:
    """Return a page of unresolved movements, oldest first. For the next page, send the `after` of this one."""
    where = _visitor(request, site, Verb.SEE_WORK).site
    # Select the primary keys of the page first, so that only its rows are joined.
    found = queue(where, item=item).select_related(None).annotate(place=Coalesce("origin", "id"))
    page = page_of(found.only("pk", "at"), {"after": after}, by=("at", "place", "pk"), total=0)
    shown = waiting_movements(where).filter(pk__in=[row.pk for row in page.rows])
    return {"lines": [unresolved_payload(row) for row in shown], "after": page.following}


@api.exception_handler(Refusal)
def _refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    if isinstance(refusal, NotAllowed):
        note(SecurityMatter.RIGHT, person="", done=False, detail=asked(request))
    return answer_refusal(request, refusal)


@api.exception_handler(AuthenticationError)
def _unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    wrong = getattr(request, "wrong_token", "")
    if wrong and note_wrong_token(wrong):
        return answer_refusal(
            request, TooManyTries("Too many wrong tokens came from here. Wait a few minutes, then try again.")
        )
    return answer_refusal(
        request, NotSignedIn("The token is missing, unknown or revoked. Send a valid one: Authorization: Bearer TOKEN.")
    )


@api.exception_handler(ValidationError)
def _wrong(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0]
    return answer_refusal(request, InvalidValue("{problem}.", problem=first["msg"], field=str(first["loc"][-1])))


@api.exception_handler(HttpError)
def _other(request: HttpRequest, error: HttpError) -> HttpResponse:
    return answer_refusal(request, InvalidValue("{problem}.", problem=error.message))


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def _away(request: HttpRequest, error: OperationalError | InterfaceError) -> HttpResponse:
    log_failure(_log, asked(request))
    answer = answer_refusal(request, _database_away(error))
    answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


@api.exception_handler(Exception)
def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    reference = log_failure(_log, asked(request))
    response = answer_refusal(
        request, Failed("The server failed. Give your administrator the reference {reference}.", reference=reference)
    )
    response.headers[REFERENCE] = reference
    return response
