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
"""What changes what waits, and so concerns everybody."""
SHOWN: Final = 5
NEWS: Final = timedelta(days=7)
NOT_TAKEN_UP: Final = timedelta(seconds=20)
"""A running worker has taken an errand up long before."""


def background_job_numbered(site: Site, by: User, number: int) -> BackgroundJob:
    """An errand that a person may look at: what is done to the queue is everybody's, an export its own person's."""
    found = BackgroundJob.objects.filter(site=site, pk=number).select_related("by") if number <= NUMBER_MAX else None
    background_job = found.first() if found is not None else None
    if background_job is None or (background_job.kind == BackgroundJobKind.EXPORT and background_job.by_id != by.pk):
        raise NotFound(f"There is no errand {number} of yours.")
    return background_job


def background_jobs_for(site: Site, by: User, *, with_retries: bool = False) -> list[BackgroundJob]:
    """What Home tells a person: what runs, and what was finished these days for that person; the latest first.

    `with_retries`: also everybody's last retries, for whoever may take them back.
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
    """Whether nobody has taken it up for so long that probably no worker runs."""
    waits = not background_job.taken_up and not background_job.is_finished
    return waits and timezone.now() - background_job.begun_at > NOT_TAKEN_UP


def file_of(background_job: BackgroundJob) -> Iterator[bytes]:
    """The file of an errand, piece by piece."""
    for part in background_job.parts.order_by("number").iterator(chunk_size=4):
        yield content_of(part)


def running_retries(site: Site) -> list[BackgroundJob]:
    """The retries, and what takes one back, that run at a site, the oldest first."""
    found = BackgroundJob.objects.filter(Q(finished_at__isnull=True), site=site, kind__in=OF_THE_QUEUE)
    return list(found.select_related("by").order_by("begun_at")[:SHOWN])
