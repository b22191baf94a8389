"""A retry of a long queue in the background, any number, step by step, oldest first; and all of it taken back.

Only those are tried for which there is anything at all where they would take it from; the others can't have become
possible. What has become possible meanwhile at another place is met by the next retry.

What is taken back goes back posting by posting, the newest first, each as a person would undo it. One that can't go
back any more is named with its reason, and the others go on.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django_tasks import task

from backflush.background.jobs import Write, begin_background_job, carry_on
from backflush.background.models import BackgroundJob, BackgroundJobKind
from backflush.core.refusals import AlreadyReversed, InvalidValue, NotFound, Refusal
from backflush.ledger.models import Movement, Posting
from backflush.ledger.statements import waiting_with_stock
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.unresolved.models import Settlement
from backflush.unresolved.queue import SoughtWaiting, WaitingList
from backflush.unresolved.retry import NO_CHOICE, retry_part
from backflush.unresolved.selectors import waiting_outside
from backflush.unresolved.undo import undo

STEP: Final = 500
"""So many are tried in one transaction: a booking that wants the same stock waits no longer than that takes.

It is also what one undo takes back, or can't: the fewer, the less one piece that is gone keeps others from going back.
"""
NOWHERE: Final = -1
"""The number of no place."""
NAMED_MOST: Final = 50
"""So many postings that couldn't be taken back are named one by one."""


def worth_retrying(site: Site, sought: SoughtWaiting) -> QuerySet[Movement]:
    """Those that a retry may be able to settle: no choice is needed, and something is there, oldest first."""
    items = {item for item, _ in waiting_with_stock(site.pk)}
    # Either, even if it is nowhere: asked for some items alone, SQLite sorts all that waits for these.
    places = waiting_outside(site) or [NOWHERE]
    found = WaitingList(site, sought).plain.filter(Q(item__in=items) | Q(source__in=places), NO_CHOICE)
    return found.annotate(place=Coalesce("origin", "id"))


def begin_retry(*, site: Site, sought: SoughtWaiting, title: str, by: User) -> BackgroundJob:
    """Retry all that is looked for, in the background."""
    asked = {
        "item": sought.item,
        "location": sought.location,
        "order": sought.order,
        "supplier": sought.supplier,
        "reason": sought.reason,
        "until": sought.until.isoformat() if sought.until else "",
    }
    return begin_background_job(
        site=site, kind=BackgroundJobKind.RETRY, work=retry_waiting, title=title, by=by, asked=asked
    )


@task()
def retry_waiting(number: int) -> None:
    """Take the next steps of a retry."""
    carry_on(number, _next_some)


def _sought(asked: Mapping[str, Any]) -> SoughtWaiting:
    until = asked["until"]
    return SoughtWaiting(**{**asked, "until": datetime.fromisoformat(until) if until else None})


def _next_some(background_job: BackgroundJob) -> Write:
    """The next ones behind the mark."""
    found = worth_retrying(background_job.site, _sought(background_job.asked))
    whole = background_job.of if background_job.mark else found.order_by().count()
    behind = found.filter(_behind(background_job.mark["after"])) if background_job.mark else found
    rows = list(behind.values_list("pk", "at", Coalesce("origin", "id"))[:STEP])

    def write(background_job: BackgroundJob) -> bool:
        tried = [number for number, _, _ in rows]
        settled = retry_part(site=background_job.site, by=background_job.by, movements=tried)
        background_job.of = whole
        background_job.done += len(rows)
        background_job.counted += len(settled.rows) if settled else 0
        after = [rows[-1][1].isoformat(), rows[-1][2], rows[-1][0]] if rows else []
        background_job.mark = {
            "after": after,
            "postings": [*postings_of(background_job), *([settled.posting.pk] if settled else [])],
        }
        if len(rows) == STEP:
            return True
        background_job.outcome = _said(background_job)
        return False

    return write


def _behind(mark: list[Any]) -> Q:
    at, place, number = datetime.fromisoformat(mark[0]), mark[1], mark[2]
    later = Q(at__gt=at) | Q(at=at, place__gt=place) | Q(at=at, place=place, pk__gt=number)
    return Q(at__gte=at) & later


def _said(background_job: BackgroundJob) -> str:
    if not background_job.counted:
        return "Nothing has become possible yet. Nothing was settled."
    return f"{background_job.counted:,} settled. What doesn't fit yet goes on waiting."


def postings_of(retry: BackgroundJob) -> list[int]:
    """What a retry in the background has posted, in order."""
    return list(retry.mark.get("postings", ())) if retry.mark else []


@transaction.atomic
def begin_undo(*, site: Site, number: int, title: str, by: User) -> BackgroundJob:
    """Take back all that a retry in the background has settled. Pressed by two, it is one errand: the first one's."""
    retry = BackgroundJob.objects.select_for_update().filter(site=site, pk=number, kind=BackgroundJobKind.RETRY).first()
    if retry is None:
        raise NotFound(f"There is no retry {number}.", field="background_job")
    if running := _undoing(retry).filter(finished_at__isnull=True).first():
        return running
    if not retry.is_finished:
        raise InvalidValue("It is under way. Stop it, then take back what it has settled.", field="background_job")
    if not may_be_taken_back(retry):
        raise AlreadyReversed("Nothing that this retry settled is left to take back.", field="background_job")
    return begin_background_job(
        site=site, kind=BackgroundJobKind.UNDO, work=undo_retry, title=title, by=by, asked={"retry": retry.pk}
    )


def may_be_taken_back(background_job: BackgroundJob) -> bool:
    """Whether it is a retry that has come to its end, and something that it settled still stands."""
    if background_job.kind != BackgroundJobKind.RETRY or not background_job.is_finished:
        return False
    if _undoing(background_job).filter(finished_at__isnull=True).exists():
        return False
    settled = Posting.objects.filter(site=background_job.site_id, pk__in=postings_of(background_job))
    return settled.filter(reversals__isnull=True).exists()


def never_taken_back(site: Site, background_jobs: Sequence[BackgroundJob]) -> set[int]:
    """Those of some errands that are retries, settled something, and were never asked to be taken back.

    By one statement, and without looking at what they posted: that is for the errand's own page.
    """
    retries = {
        one.pk
        for one in background_jobs
        if one.kind == BackgroundJobKind.RETRY and one.is_finished and postings_of(one)
    }
    if not retries:
        return set()
    asked = BackgroundJob.objects.filter(site=site, kind=BackgroundJobKind.UNDO, asked__retry__in=sorted(retries))
    return retries - {one["retry"] for one in asked.values_list("asked", flat=True)}


def undoing_of(retry: BackgroundJob) -> BackgroundJob | None:
    """What takes or took a retry back, the last time that somebody asked for it."""
    found = (
        _undoing(retry).select_related("by") if retry.kind == BackgroundJobKind.RETRY else BackgroundJob.objects.none()
    )
    return found.order_by("-pk").first()


def _undoing(retry: BackgroundJob) -> QuerySet[BackgroundJob]:
    return BackgroundJob.objects.filter(site=retry.site_id, kind=BackgroundJobKind.UNDO, asked__retry=retry.pk)


@task()
def undo_retry(number: int) -> None:
    """Take the next steps of taking a retry back."""
    carry_on(number, _next_back)


def _next_back(background_job: BackgroundJob) -> Write:
    """The newest posting of the retry that was not come to yet."""
    retry = BackgroundJob.objects.get(site=background_job.site_id, pk=background_job.asked["retry"])
    mark: dict[str, Any] = {"before": None, "left": 0, "named": [], **(background_job.mark or {})}
    to_come = [one for one in postings_of(retry) if mark["before"] is None or one < mark["before"]]
    asked_before = _undoing(retry).filter(pk__lt=background_job.pk).exists()

    def write(background_job: BackgroundJob) -> bool:
        posting = to_come.pop()
        movements = Settlement.objects.filter(site=background_job.site_id, posting=posting).count()
        refusal = _taken_back(background_job, posting)
        background_job.of = retry.counted
        background_job.done += movements
        background_job.counted += 0 if refusal else movements
        mark["before"] = posting
        # What was taken back when it was asked for before is no news.
        if refusal and not (
            asked_before and Posting.objects.filter(site=background_job.site_id, reverses=posting).exists()
        ):
            mark["left"] += movements
            mark["named"] = [*mark["named"], [posting, movements, refusal.sentence]][:NAMED_MOST]
        background_job.mark = mark
        background_job.outcome = "" if to_come else _said_of_undo(background_job.counted, mark["left"])
        return bool(to_come)

    return write


def _taken_back(background_job: BackgroundJob, posting: int) -> Refusal | None:
    """Undo one posting as a person would; the reason, where it can't go back any more."""
    try:
        undo(
            site=background_job.site,
            posting=posting,
            by=background_job.by,
            key=f"errand {background_job.pk}, posting {posting}",
        )
    except Refusal as refusal:
        return refusal
    return None


def _said_of_undo(back: int, left: int) -> str:
    said = f"{back:,} taken back; they wait again." if back else "Nothing was taken back."
    return f"{said} {left:,} could not go back." if left else said


class NotTakenBack(NamedTuple):
    """A posting that couldn't be taken back: how many movements it had settled, and why."""

    posting: int
    movements: int
    why: str


def not_taken_back(background_job: BackgroundJob) -> list[NotTakenBack]:
    """What couldn't be taken back, the newest first; so many at most as are named."""
    named = (
        background_job.mark.get("named", ())
        if background_job.mark and background_job.kind == BackgroundJobKind.UNDO
        else ()
    )
    return [NotTakenBack(*one) for one in named]
