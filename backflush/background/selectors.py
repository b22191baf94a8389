from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db.models import Q
from django.utils import timezone

from backflush.background.jobs import NUMBER_MAX, content_of
from backflush.background.models import BackgroundJob, BackgroundJobKind
from backflush.core.refusals import NotFound
from backflush.people.models import User
from backflush.stockmap.models import Site

OF_THE_QUEUE: Final = (BackgroundJobKind.RETRY, BackgroundJobKind.UNDO)
"""Kinds of jobs that change the unresolved queue, and are therefore shown to every user."""
SHOWN: Final = 5
NEWS: Final = timedelta(days=7)
NOT_TAKEN_UP: Final = timedelta(seconds=20)
"""A running worker starts a job much sooner than this."""


def background_job_numbered(site: Site, by: User, number: int) -> BackgroundJob:
    """Return a job that a user may see: any job that changes the queue, and the user's own exports. Refuses
    (`not_found`)."""
    found = BackgroundJob.objects.filter(site=site, pk=number).select_related("by") if number <= NUMBER_MAX else None
    background_job = found.first() if found is not None else None
    if background_job is None or (background_job.kind == BackgroundJobKind.EXPORT and background_job.by_id != by.pk):
        raise NotFound("You have no background job {job}.", job=number)
    return background_job


def background_jobs_for(site: Site, by: User, *, with_retries: bool = False) -> list[BackgroundJob]:
    """Return the jobs that Home shows to a user: running ones, and those of the user that finished lately; newest
    first. `with_retries` adds all users' recent retries, for users who may undo them.
    """
    mine = BackgroundJob.objects.filter(site=site, by=by, begun_at__gt=timezone.now() - NEWS)
    running = BackgroundJob.objects.filter(site=site, finished_at__isnull=True, kind__in=OF_THE_QUEUE)
    numbers = {
        *mine.order_by("-begun_at").values_list("pk", flat=True)[:SHOWN],
        *running.values_list("pk", flat=True)[:SHOWN],
    }
    if with_retries:
        last = BackgroundJob.objects.filter(site=site, kind=BackgroundJobKind.RETRY).order_by("-pk")[:SHOWN]
        numbers |= {one.pk for one in last if one.begun_at > timezone.now() - NEWS}
    return list(BackgroundJob.objects.filter(pk__in=numbers).select_related("by").order_by("-begun_at"))


def is_waited_for_in_vain(background_job: BackgroundJob) -> bool:
    """Return whether a job has been queued for so long that probably no worker runs."""
    waits = not background_job.taken_up and not background_job.is_finished
    return waits and timezone.now() - background_job.begun_at > NOT_TAKEN_UP


def file_of(background_job: BackgroundJob) -> Iterator[bytes]:
    """Yield the pieces of a job's file."""
    for part in background_job.parts.order_by("number").iterator(chunk_size=4):
        yield content_of(part)


def running_retries(site: Site) -> list[BackgroundJob]:
    """Return the running retries of a site, and the running jobs that undo one, oldest first."""
    found = BackgroundJob.objects.filter(Q(finished_at__isnull=True), site=site, kind__in=OF_THE_QUEUE)
    return list(found.select_related("by").order_by("begun_at")[:SHOWN])
