"""Questions about audits: which is at work, which were signed, and how far its reckoning is."""

from datetime import timedelta
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from backflush.audit.models import Audit, AuditComputation
from backflush.core.refusals import NotFound
from backflush.ledger.models import Movement
from backflush.stockmap.models import Site

SMALL: Final = 2_000
"""So many movements are walked through while somebody waits."""
LEFT_AFTER: Final = timedelta(minutes=10)
"""A reckoning that took no step for so long was left by a worker that died."""
NOT_TAKEN_UP: Final = timedelta(seconds=20)
"""A running worker has taken it up long before."""
NUMBER_MAX: Final = 2**31 - 1


def audits(site: Site) -> QuerySet[Audit]:
    """The signed audits of a site, the last first."""
    signed = Audit.objects.filter(site=site, signed_at__isnull=False)
    return signed.select_related("begun_by", "signed_by").order_by("-number")


def audit_at_work(site: Site) -> Audit | None:
    """The audit that is being worked through."""
    found = Audit.objects.filter(site=site, signed_at__isnull=True)
    return found.select_related("site", "begun_by").first()


def audit_numbered(site: Site, number: int) -> Audit:
    """One audit, by its number."""
    found = Audit.objects.filter(site=site, number=number).select_related("site", "begun_by", "signed_by")
    audit = found.first() if number <= NUMBER_MAX else None
    if audit is None:
        raise NotFound("There is no audit {audit}.", audit=number)
    return audit


def is_small(site: Site) -> bool:
    """Whether the ledger can be walked through while somebody waits. All of it counts: the proof is of all sites."""
    return Movement.objects.order_by().values("pk")[: SMALL + 1].count() <= SMALL


def running_computation(audit: Audit) -> AuditComputation | None:
    """What is being worked out for an audit, unless a worker died over it."""
    found = AuditComputation.objects.filter(
        site=audit.site_id,
        audit=audit,
        finished_at__isnull=True,
        moved_at__gt=timezone.now() - LEFT_AFTER,
    )
    return found.select_related("by").order_by("-pk").first()


def is_waited_for_in_vain(computation: AuditComputation) -> bool:
    """Whether nobody has taken it up for so long that probably no worker runs."""
    return not computation.step and timezone.now() - computation.begun_at > NOT_TAKEN_UP


def last_asked(audit: Audit) -> AuditComputation | None:
    """The latest reckoning of an audit, however it went."""
    return AuditComputation.objects.filter(site=audit.site_id, audit=audit).order_by("-pk").first()
