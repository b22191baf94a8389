"""Queries on audits: the current one, the signed ones, and the progress of a computation."""

from datetime import timedelta
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from backflush.audit.models import Audit, AuditComputation
from backflush.core.refusals import NotFound
from backflush.ledger.models import Movement
from backflush.stockmap.models import Site

SMALL: Final = 2_000
"""The number of movements that are checked while a user waits."""
LEFT_AFTER: Final = timedelta(minutes=10)
"""A computation without a step for this long was abandoned by a worker that died."""
NOT_TAKEN_UP: Final = timedelta(seconds=20)
"""A running worker starts a computation much sooner than this."""
NUMBER_MAX: Final = 2**31 - 1


def audits(site: Site) -> QuerySet[Audit]:
    """Return the signed audits of a site, newest first."""
    signed = Audit.objects.filter(site=site, signed_at__isnull=False)
    return signed.select_related("begun_by", "signed_by").order_by("-number")


def audit_at_work(site: Site) -> Audit | None:
    """Return the current audit of a site."""
    found = Audit.objects.filter(site=site, signed_at__isnull=True)
    return found.select_related("site", "begun_by").first()


def audit_numbered(site: Site, number: int) -> Audit:
    """Return the audit with this number."""
    found = Audit.objects.filter(site=site, number=number).select_related("site", "begun_by", "signed_by")
    audit = found.first() if number <= NUMBER_MAX else None
    if audit is None:
        raise NotFound("There is no audit {audit}.", audit=number)
    return audit


def is_small(site: Site) -> bool:
    """Return whether the ledger of all sites is small enough to be checked while a user waits."""
    return Movement.objects.order_by().values("pk")[: SMALL + 1].count() <= SMALL


def running_computation(audit: Audit) -> AuditComputation | None:
    """Return the running computation of an audit, unless a dead worker abandoned it."""
    found = AuditComputation.objects.filter(
        site=audit.site_id,
        audit=audit,
        finished_at__isnull=True,
        moved_at__gt=timezone.now() - LEFT_AFTER,
    )
    return found.select_related("by").order_by("-pk").first()


def is_waited_for_in_vain(computation: AuditComputation) -> bool:
    """Return whether a computation has been queued for so long that probably no worker runs."""
    return not computation.step and timezone.now() - computation.begun_at > NOT_TAKEN_UP


def newest_computation(audit: Audit) -> AuditComputation | None:
    """Return the last computation of an audit, finished or not."""
    return AuditComputation.objects.filter(site=audit.site_id, audit=audit).order_by("-pk").first()
