"""Begin an audit, review its checks, sign it off. These services write audit records and never stock.

A signed audit never changes: reviews are added while it is current, and the lock of the audit decides between a user
who reviews and a user who signs.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone
from django_tasks import task

from backflush.audit.checks import WORKED_OUT, kept, last_computation, latest_looks, listed
from backflush.audit.computation import work_out
from backflush.audit.models import Audit, AuditComputation, AuditKey, CheckName, CheckReview
from backflush.audit.selectors import audit_at_work, audit_numbered, is_small, running_computation
from backflush.audit.verification import Progress
from backflush.core.refusals import (
    AlreadyThere,
    AuditSigned,
    DateInFuture,
    InvalidDates,
    InvalidValue,
    KeyReused,
    NotLookedAt,
    NotWorkedOut,
)
from backflush.core.text import require_short
from backflush.ledger.idempotency import KEY_LENGTH, Request
from backflush.ledger.models import Key, Posting
from backflush.ledger.posting import REMARKS_LENGTH
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import day_at

LINES_KEPT: Final = 100
"""The number of findings that are stored with each review."""


def begin_audit(*, site: Site, by: User, until: date | None = None, key: str = "") -> Audit:
    """Begin an audit of everything recorded since the last one, until the end of a day, or until now.

    A site has one current audit, so that all users work on the same one.
    """
    now = timezone.now()
    end = _end_of(site, until, now)
    with transaction.atomic():
        claim = _claim(site, Request(key, "begin audit", {"until": until}))
        if claim.audit is not None:
            return claim.audit
        # A second user waits here, and then sees the first one's audit.
        Site.objects.select_for_update(no_key=True).get(pk=site.pk)
        _require_none_at_work(site)
        last = Audit.objects.filter(site=site).order_by("-number").first()
        if last is not None and end <= last.until:
            raise InvalidDates(
                "Audit {audit} covers everything up to {day}. Choose a later day.",
                audit=last.number,
                day=_words(site, last.until),
                field="until",
            )
        audit = Audit.objects.create(
            site=site,
            number=last.number + 1 if last else 1,
            since=last.until if last else None,
            until=end,
            first_posting=last.last_posting if last else 0,
            last_posting=_last_posting(site, end, after=last.last_posting if last else 0),
            begun_by=by,
            begun_at=now,
        )
        claim.fulfil(audit=audit)
    return audit


def _end_of(site: Site, until: date | None, now: datetime) -> datetime:
    """Return the end of the period; for a day that isn't over, now."""
    if until is None:
        return now
    if until > day_at(site, now):
        raise DateInFuture("{day} isn't over yet. Choose today or an earlier day.", day=until, field="until")
    return min(now, datetime.combine(until + timedelta(days=1), time(), ZoneInfo(site.time_zone)))


def _last_posting(site: Site, end: datetime, *, after: int) -> int:
    """Return the last posting recorded before a moment, but none of the previous audit."""
    before = Posting.objects.filter(site=site, pk__gt=after, recorded_at__lt=end).order_by("-pk")
    return before.values_list("pk", flat=True).first() or after


def _require_none_at_work(site: Site) -> None:
    open_one = audit_at_work(site)
    if open_one is not None:
        raise AlreadyThere(
            "Audit {audit}, started by {user}, is still open. Sign it off first.",
            audit=open_one.number,
            user=open_one.begun_by.name,
            field="until",
        )


def look_at(*, site: Site, number: int, check: str, by: User, remarks: str = "", key: str = "") -> CheckReview:
    """Record a review of a check with a remark. The present findings are stored with it."""
    name = _check_named(check)
    require_short(remarks, REMARKS_LENGTH, field="remarks", what="A remark")
    audit = audit_numbered(site, number)
    # Read the findings before locking, so that no booking waits for it.
    computation = last_computation(audit) if name in WORKED_OUT else None
    found = listed(audit, name, computation)
    content = {"audit": number, "check": name.value, "remarks": remarks}
    count, lines = (0, []) if audit.signed_at else (_counted(name, computation, found.count), found.first(LINES_KEPT))
    with transaction.atomic():
        claim = _claim(site, Request(key, "look at check", content))
        if claim.look is not None:
            return claim.look
        audit = _lock(site, number)
        if name in WORKED_OUT and computation is None:
            raise NotWorkedOut("This check hasn't been computed yet. Compute it first.", field="check")
        look = CheckReview.objects.create(
            site=site,
            audit=audit,
            check_name=name,
            computation=computation,
            count=count,
            lines=kept(lines),
            remarks=remarks,
            by=by,
            at=timezone.now(),
        )
        claim.fulfil(audit=audit, look=look)
    return look


def _counted(check: CheckName, computation: AuditComputation | None, count: Any) -> int:
    """Return the number of findings. For computed checks it is stored; for the verification it includes unlisted
    faults."""
    return int(computation.counts[check.value]) if computation is not None else int(count())


def _check_named(check: str) -> CheckName:
    if check not in set(CheckName):
        raise InvalidValue(
            "There is no check '{check}'. The checks are: {checks}.",
            check=check,
            checks=CheckName.values,
            field="check",
        )
    return CheckName(check)


@transaction.atomic
def sign_off(*, site: Site, number: int, by: User, remarks: str = "", key: str = "") -> Audit:
    """Sign an audit off. Refused (`not_looked_at`) until every check is reviewed. It can't change afterwards."""
    require_short(remarks, REMARKS_LENGTH, field="remarks", what="A remark")
    claim = _claim(site, Request(key, "sign off audit", {"audit": number, "remarks": remarks}))
    if claim.audit is not None:
        return claim.audit
    audit = _lock(site, number)
    looked = latest_looks(audit)
    missing = [str(check.value) for check in CheckName if check not in looked]
    if missing:
        raise NotLookedAt(
            "These checks haven't been reviewed yet: {checks}. Review them first.", checks=missing, field="check"
        )
    audit.signed_by, audit.signed_at, audit.remarks = by, timezone.now(), remarks
    audit.save(update_fields=["signed_by", "signed_at", "remarks"])
    claim.fulfil(audit=audit)
    return audit


def _lock(site: Site, number: int) -> Audit:
    """Return a current audit, locked."""
    pk = audit_numbered(site, number).pk
    audit = Audit.objects.select_for_update(no_key=True, of=("self",)).select_related("site", "begun_by").get(pk=pk)
    if audit.signed_at is not None:
        assert audit.signed_by is not None, "a database constraint guarantees it"
        raise AuditSigned(
            "{user} signed off audit {audit} on {day}. A signed audit can't be changed.",
            user=audit.signed_by.name,
            audit=number,
            day=_words(site, audit.signed_at),
            field="audit",
        )
    return audit


def _words(site: Site, moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo(site.time_zone)):%d %b %Y %H:%M}"


def compute_audit(*, audit: Audit, by: User, progress: Progress | None = None) -> AuditComputation:
    """Compute the verification and the checks that read the whole ledger, now."""
    computation = _new_computation(audit, by)
    _work_out(computation, progress)
    return computation


def request_computation(*, audit: Audit, by: User) -> AuditComputation:
    """Request a computation for a page: at once if the ledger is small, else by the worker.

    Returns the running computation if there is one.
    """
    running = running_computation(audit)
    if running is not None:
        return running
    if is_small(audit.site):
        return compute_audit(audit=audit, by=by)
    computation = _new_computation(audit, by)
    work_out_later.enqueue(computation.pk)
    return computation


@transaction.atomic
def _new_computation(audit: Audit, by: User) -> AuditComputation:
    locked = _lock(audit.site, audit.number)
    now = timezone.now()
    return AuditComputation.objects.create(site_id=locked.site_id, audit=locked, by=by, begun_at=now, moved_at=now)


@task()
def work_out_later(number: int) -> None:
    """Carry out a queued computation in the worker."""
    computation = AuditComputation.objects.select_related("audit__site").get(pk=number)
    if computation.finished_at is None and not computation.step:
        _work_out(computation, None)


def _work_out(computation: AuditComputation, progress: Progress | None) -> None:
    try:
        work_out(computation, progress)
    except Exception:
        now = timezone.now()
        AuditComputation.objects.filter(pk=computation.pk).update(failed=True, finished_at=now, moved_at=now)
        raise


@dataclass(frozen=True, slots=True)
class _Claim:
    """A claimed idempotency key, with the first outcome if it was used before."""

    new: AuditKey | None = None
    audit: Audit | None = None
    look: CheckReview | None = None

    def fulfil(self, *, audit: Audit, look: CheckReview | None = None) -> None:
        """Store the outcome with a new key."""
        if self.new is not None:
            AuditKey.objects.filter(pk=self.new.pk).update(audit=audit, look=look)


def _claim(site: Site, request: Request) -> _Claim:
    """Claim a key, if one is given. A second request with the key waits for the first."""
    if not request.key:
        return _Claim()
    if len(request.key) > KEY_LENGTH:
        raise InvalidValue("A key has at most {most} characters. Send a shorter one.", most=KEY_LENGTH, field="key")
    if Key.objects.filter(site=site, key=request.key).exists():
        raise _reused(request.key)
    AuditKey.objects.bulk_create([AuditKey(site=site, key=request.key, digest=request.digest)], ignore_conflicts=True)
    named = ("audit__site", "audit__begun_by", "look__by")
    claimed = AuditKey.objects.select_related(*named).get(site=site, key=request.key)
    if claimed.digest != request.digest:
        raise _reused(request.key)
    return _Claim(audit=claimed.audit, look=claimed.look) if claimed.audit else _Claim(new=claimed)


def _reused(key: str) -> KeyReused:
    return KeyReused(
        "The key '{key}' was used for another request. Use a new key, or send the first request again unchanged.",
        key=key,
        field="key",
    )
