"""Health checks for load balancers, containers and monitoring, which don't sign in."""

from http import HTTPStatus

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from backflush.operations.readiness import pending_migrations


@require_safe
@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """Answer that the process runs. Doesn't ask the database: a process that waits for it needs no restart."""
    return JsonResponse({"status": "alive"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Answer whether requests can be served: the database is reachable and up to date. Reveals no address and no
    details."""
    try:
        pending = pending_migrations()
    except (DatabaseError, InterfaceError):
        return _not_ready("The database can't be reached.")
    if pending:
        return _not_ready(f"The database needs `backflush upgrade`: {len(pending)} steps.")
    return JsonResponse({"status": "ready"})


def _not_ready(reason: str) -> JsonResponse:
    return JsonResponse({"status": "not ready", "reason": reason}, status=HTTPStatus.SERVICE_UNAVAILABLE)


urlpatterns = [path("health/", health, name="health"), path("ready/", ready, name="ready")]
