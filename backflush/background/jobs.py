"""Start background jobs, carry out their steps, and clean up after them.

A step first reads, without locks, and returns a function that writes. The function runs with the job's row locked,
stores the new position in the same transaction, and only if no other worker has changed the job since. So no step is
lost or carried out twice, wherever a worker stops.
"""

import logging
import zlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from threading import Event
from time import monotonic
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from django_tasks import TaskResultStatus
from django_tasks.base import Task
from django_tasks_db.models import DBTaskResult

from backflush.background.models import BackgroundJob, BackgroundJobKind, BackgroundJobPart
from backflush.core.refusals import InvalidValue, NotFound, Refusal
from backflush.people.models import User
from backflush.stockmap.models import Site

SLICE_SECONDS: Final = 5.0
"""How long a job runs before others get their turn."""
LEFT_AFTER: Final = timedelta(minutes=3)
"""A job without a step for this long was abandoned by a worker that died."""
KEPT: Final = timedelta(days=7)
"""How long a finished file is kept."""
TASKS_KEPT: Final = timedelta(days=1)
NUMBER_MAX: Final = 2**63 - 1

Write = Callable[[BackgroundJob], bool]
"""Writes the result of a step and the new position to the locked job; returns whether there is more to do."""
Step = Callable[[BackgroundJob], Write]
"""Reads what one step of a job needs."""

stopping: Final = Event()
"""Set when this process is asked to stop: the job stops after its current step."""

logger: Final = logging.getLogger("backflush.background")


class Interrupted(Exception):
    """The process or the job is being stopped; raised by work that can't be divided into steps."""


@transaction.atomic
def begin_background_job(
    *, site: Site, kind: BackgroundJobKind, work: Task[[int], None], title: str, by: User, asked: Mapping[str, Any]
) -> BackgroundJob:
    """Queue a job. A second request for the same work returns the job that is running."""
    now = timezone.now()
    same = BackgroundJob.objects.filter(site=site, kind=kind, by=by, asked=dict(asked), stopping=False)
    if unfinished := same.filter(finished_at__isnull=True).first():
        return unfinished
    background_job = BackgroundJob.objects.create(
        site=site,
        kind=kind,
        work=work.module_path,
        title=title[:200],
        by=by,
        asked=dict(asked),
        begun_at=now,
        moved_at=now,
    )
    work.enqueue(background_job.pk)
    return background_job


def stop_background_job(*, site: Site, number: int) -> BackgroundJob:
    """Stop a job after its current step. The finished steps are kept."""
    background_job = BackgroundJob.objects.filter(site=site, pk=number).first() if number <= NUMBER_MAX else None
    if background_job is None:
        raise NotFound("There is no background job {job}.", job=number)
    if background_job.is_finished:
        raise InvalidValue("The background job has ended already.", field="background_job")
    BackgroundJob.objects.filter(pk=background_job.pk, finished_at__isnull=True).update(stopping=True)
    return background_job


def carry_on(number: int, step: Step) -> None:
    """Carry out steps of a job for a while, then queue the rest behind other jobs."""
    until = monotonic() + SLICE_SECONDS
    more = True
    while more:
        try:
            more = _step(number, step)
        except Interrupted:
            break
        except Refusal as refusal:
            _give_up(number, refusal.sentence)
            return
        except Exception:
            _give_up(number, "An error occurred. The steps finished before it are kept.")
            raise
        if more and (monotonic() > until or stopping.is_set()):
            break
    if more:
        _queue_again(number)


def _step(number: int, step: Step) -> bool:
    background_job = BackgroundJob.objects.select_related("site", "by").get(pk=number)
    if background_job.is_finished:
        return False
    return _written(background_job, _leave_off if background_job.stopping else step(background_job))


@transaction.atomic
def _written(read: BackgroundJob, write: Write) -> bool:
    background_job = BackgroundJob.objects.select_for_update(of=("self",)).select_related("site", "by").get(pk=read.pk)
    if background_job.is_finished or background_job.mark != read.mark:
        # Another worker has changed the job, so what was read here is outdated.
        return False
    background_job.taken_up = True
    more = write(background_job)
    background_job.moved_at = timezone.now()
    background_job.finished_at = None if more else background_job.moved_at
    background_job.save(update_fields=_CHANGED)
    return more


def _leave_off(background_job: BackgroundJob) -> bool:
    background_job.outcome = "Stopped before the end. The finished steps are kept."
    background_job.failed = background_job.kind == BackgroundJobKind.EXPORT
    return False


_CHANGED: Final = (
    "taken_up",
    "mark",
    "done",
    "of",
    "counted",
    "moved_at",
    "finished_at",
    "failed",
    "outcome",
    "file_name",
)


def _give_up(number: int, sentence: str) -> None:
    now = timezone.now()
    changed = {"finished_at": now, "moved_at": now, "failed": True, "outcome": sentence[:500]}
    BackgroundJob.objects.filter(pk=number, finished_at__isnull=True).update(**changed)


def _queue_again(number: int) -> None:
    _task_of(BackgroundJob.objects.get(pk=number)).enqueue(number)


def _task_of(background_job: BackgroundJob) -> Task[[int], None]:
    task = import_string(background_job.work)
    assert isinstance(task, Task), f"{background_job.work} is no task"
    return task


def report(background_job: BackgroundJob, done: int) -> None:
    """Report the progress of a step that reads for a long time, and stop if that was requested."""
    known = BackgroundJob.objects.filter(pk=background_job.pk, finished_at__isnull=True)
    if stopping.is_set() or known.filter(stopping=True).exists():
        raise Interrupted
    known.update(done=done, moved_at=timezone.now(), taken_up=True)


def add_part(background_job: BackgroundJob, number: int, content: bytes) -> None:
    """Store the next piece of the job's file, compressed."""
    BackgroundJobPart.objects.create(background_job=background_job, number=number, content=zlib.compress(content, 1))


def content_of(part: BackgroundJobPart) -> bytes:
    """Return a stored piece of a file, uncompressed."""
    return zlib.decompress(bytes(part.content))


def take_up_left() -> int:
    """Queue the jobs that a dead worker abandoned, and return how many. Writes nothing if there are none."""
    left = BackgroundJob.objects.filter(finished_at__isnull=True, moved_at__lt=timezone.now() - LEFT_AFTER)
    for background_job in left:
        now = timezone.now()
        # The worker whose update succeeds gets the job.
        if BackgroundJob.objects.filter(pk=background_job.pk, moved_at=background_job.moved_at).update(moved_at=now):
            logger.warning("Background job %s was abandoned by a worker that died; it continues.", background_job.pk)
            _task_of(background_job).enqueue(background_job.pk)
    return len(left)


@transaction.atomic
def tidy() -> None:
    """Delete files older than a week, and the task queue's records of finished tasks."""
    now = timezone.now()
    old = BackgroundJob.objects.filter(finished_at__lt=now - KEPT, file_removed=False).exclude(file_name="")
    numbers = list(old.values_list("pk", flat=True)[:100])
    BackgroundJobPart.objects.filter(background_job__in=numbers).delete()
    BackgroundJob.objects.filter(pk__in=numbers).update(file_removed=True)
    ended = (TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED)
    DBTaskResult.objects.filter(status__in=ended, finished_at__lt=now - TASKS_KEPT).delete()
