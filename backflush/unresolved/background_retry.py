"""A retry of a long queue as a background job, step by step, oldest first; and the job that takes it back.

Only movements with any stock at their source are tried: the others can't have become possible.

A retry is taken back posting by posting, the newest first, each as a person would undo it. A posting that can't be
undone any more is listed with its reason, and the job goes on with the others.
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
from backflush.ledger.statements import WAITING_ITEMS_WITH_STOCK
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.unresolved.models import Settlement
from backflush.unresolved.queue import QueueFilter, WaitingList
from backflush.unresolved.retry import NO_CHOICE, retry_part
from backflush.unresolved.selectors import waiting_outside
from backflush.unresolved.undo import undo

STEP: Final = 500
"""The number of movements tried in one transaction: a booking that needs the same stock waits no longer than that.

It is also what one undo takes back as a whole: the fewer, the fewer are kept from going back by one missing piece.
"""
NOWHERE: Final = -1
"""A location number that doesn't exist."""
NAMED_MOST: Final = 50
"""The number of postings that are listed one by one where they couldn't be undone."""


def retry_candidates(site: Site, filters: QueueFilter) -> QuerySet[Movement]:
    """Return movements that a retry may settle, oldest first: no choice is needed, and their source has any stock."""
    items = {item for item, _ in WAITING_ITEMS_WITH_STOCK.fetch_replanned(site_id=site.pk)}
    # Both conditions, even with no location: for items alone, SQLite would sort all unresolved movements of these.
    places = waiting_outside(site) or [NOWHERE]
    found = WaitingList(site, filters).plain.filter(Q(item__in=items) | Q(source__in=places), NO_CHOICE)
    return found.annotate(place=Coalesce("origin", "id"))


def begin_retry(*, site: Site, filters: QueueFilter, title: str, by: User) -> BackgroundJob:
    """Begin a background job that retries all movements of a search."""
    asked = {
        "item": filters.item,
        "location": filters.location,
        "order": filters.order,
        "supplier": filters.supplier,
        "reason": filters.reason,
        "until": filters.until.isoformat() if filters.until else "",
    }
    return begin_background_job(
        site=site, kind=BackgroundJobKind.RETRY, work=retry_waiting, title=title, by=by, asked=asked
    )


@task()
def retry_waiting(number: int) -> None:
    """Carry out the next steps of a retry."""
    carry_on(number, _next_some)


def _filters_of(asked: Mapping[str, Any]) -> QueueFilter:
    until = asked["until"]
    return QueueFilter(**{**asked, "until": datetime.fromisoformat(until) if until else None})


def _next_some(background_job: BackgroundJob) -> Write:
    """Return what retries the movements after the job's mark."""
    found = retry_candidates(background_job.site, _filters_of(background_job.asked))
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
        background_job.outcome = _outcome_words(background_job)
        return False

    return write


def _behind(mark: list[Any]) -> Q:
    at, place, number = datetime.fromisoformat(mark[0]), mark[1], mark[2]
    later = Q(at__gt=at) | Q(at=at, place__gt=place) | Q(at=at, place=place, pk__gt=number)
    return Q(at__gte=at) & later


def _outcome_words(background_job: BackgroundJob) -> str:
    if not background_job.counted:
        return "No movement fits yet. Nothing was settled."
    return f"{background_job.counted:,} settled. The others stay unresolved."


def postings_of(retry: BackgroundJob) -> list[int]:
    """Return the numbers of the postings of a background retry, in order."""
    return list(retry.mark.get("postings", ())) if retry.mark else []


@transaction.atomic
def begin_undo(*, site: Site, number: int, title: str, by: User) -> BackgroundJob:
    """Begin a background job that takes back all settlements of a background retry, or return the one that is running.

    Locks the retry. Raises `NotFound`, `InvalidValue` while the retry is running, and `AlreadyReversed`.
    """
    retry = BackgroundJob.objects.select_for_update().filter(site=site, pk=number, kind=BackgroundJobKind.RETRY).first()
    if retry is None:
        raise NotFound("There is no retry {job}.", job=number, field="background_job")
    if running := _undoing(retry).filter(finished_at__isnull=True).first():
        return running
    if not retry.is_finished:
        raise InvalidValue("The retry is still running. Stop it, then reverse it.", field="background_job")
    if not may_be_taken_back(retry):
        raise AlreadyReversed("Nothing that this retry settled is left to reverse.", field="background_job")
    return begin_background_job(
        site=site, kind=BackgroundJobKind.UNDO, work=undo_retry, title=title, by=by, asked={"retry": retry.pk}
    )


def may_be_taken_back(background_job: BackgroundJob) -> bool:
    """Whether a background job is a finished retry of which any settlement still stands."""
    if background_job.kind != BackgroundJobKind.RETRY or not background_job.is_finished:
        return False
    if _undoing(background_job).filter(finished_at__isnull=True).exists():
        return False
    settled = Posting.objects.filter(site=background_job.site_id, pk__in=postings_of(background_job))
    return settled.filter(reversals__isnull=True).exists()


def never_taken_back(site: Site, background_jobs: Sequence[BackgroundJob]) -> set[int]:
    """Return those of some background jobs that are finished retries with postings and have no undo job.

    One statement for all; whether their settlements still stand isn't checked here.
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
    """Return the latest background job that takes or took a retry back."""
    found = (
        _undoing(retry).select_related("by") if retry.kind == BackgroundJobKind.RETRY else BackgroundJob.objects.none()
    )
    return found.order_by("-pk").first()


def _undoing(retry: BackgroundJob) -> QuerySet[BackgroundJob]:
    return BackgroundJob.objects.filter(site=retry.site_id, kind=BackgroundJobKind.UNDO, asked__retry=retry.pk)


@task()
def undo_retry(number: int) -> None:
    """Carry out the next steps of taking a retry back."""
    carry_on(number, _next_back)


def _next_back(background_job: BackgroundJob) -> Write:
    """Return what undoes the newest posting of the retry that wasn't processed yet."""
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
        # A posting that an earlier undo job took back isn't listed again.
        if refusal and not (
            asked_before and Posting.objects.filter(site=background_job.site_id, reverses=posting).exists()
        ):
            mark["left"] += movements
            mark["named"] = [*mark["named"], [posting, movements, refusal.sentence]][:NAMED_MOST]
        background_job.mark = mark
        background_job.outcome = "" if to_come else _undo_words(background_job.counted, mark["left"])
        return bool(to_come)

    return write


def _taken_back(background_job: BackgroundJob, posting: int) -> Refusal | None:
    """Undo one posting as a person would. Return why that was refused, if it was."""
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


def _undo_words(back: int, left: int) -> str:
    words = f"{back:,} undone; they are unresolved again." if back else "Nothing was undone."
    return f"{words} {left:,} could not be undone." if left else words


class NotTakenBack(NamedTuple):
    """A posting that couldn't be taken back, with the number of movements it had settled, and the reason."""

    posting: int
    movements: int
    why: str


def not_taken_back(background_job: BackgroundJob) -> list[NotTakenBack]:
    """Return the postings that an undo job couldn't take back, the newest first, up to `NAMED_MOST`."""
    named = (
        background_job.mark.get("named", ())
        if background_job.mark and background_job.kind == BackgroundJobKind.UNDO
        else ()
    )
    return [NotTakenBack(*one) for one in named]
