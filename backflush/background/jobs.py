"""Beginning an errand, taking its steps, and tidying up behind it.

A step reads first, and hands over what is to be written. That is done under the errand's lock, with the new mark in
the same transaction, and only where no other worker was quicker. So no step is lost or taken twice, whoever stops in
between, and what takes long to read holds no lock.
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
"""So long an errand works in one go; then the others have their turn."""
LEFT_AFTER: Final = timedelta(minutes=3)
"""An errand that took no step for so long was left by a worker that died."""
KEPT: Final = timedelta(days=7)
"""So long a finished file is kept."""
TASKS_KEPT: Final = timedelta(days=1)
NUMBER_MAX: Final = 2**63 - 1

Write = Callable[[BackgroundJob], bool]
"""Writes what a step came to, with the new mark, into a locked errand, and says whether there is more to do."""
Step = Callable[[BackgroundJob], Write]
"""Reads what one step of an errand takes."""

stopping: Final = Event()
"""Set while this process is being stopped: an errand leaves off after the step that it is in."""

logger: Final = logging.getLogger("backflush.background")


class Interrupted(Exception):
    """The process is being stopped, or the errand; what can't be done by steps ends like this."""


@transaction.atomic
def begin_background_job(
    *, site: Site, kind: BackgroundJobKind, work: Task[[int], None], title: str, by: User, asked: Mapping[str, Any]
) -> BackgroundJob:
    """Ask for something to be done in the background. Pressed twice, it is one errand."""
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
    """Leave off after the step that it is in. What was done stays."""
    background_job = BackgroundJob.objects.filter(site=site, pk=number).first() if number <= NUMBER_MAX else None
    if background_job is None:
        raise NotFound(f"There is no errand {number}.")
    if background_job.is_finished:
        raise InvalidValue("It has come to its end already.", field="background_job")
    BackgroundJob.objects.filter(pk=background_job.pk, finished_at__isnull=True).update(stopping=True)
    return background_job


def carry_on(number: int, step: Step) -> None:
    """Take steps of an errand for a while; what is left then is done behind what others wait for."""
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
            _give_up(number, "Something failed here. What was done before stays.")
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
        # Another worker has it. Whatever was read here is old.
        return False
    background_job.taken_up = True
    more = write(background_job)
    background_job.moved_at = timezone.now()
    background_job.finished_at = None if more else background_job.moved_at
    background_job.save(update_fields=_CHANGED)
    return more


def _leave_off(background_job: BackgroundJob) -> bool:
    background_job.outcome = "Stopped before its end. What was done stays."
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
    """Say how far a step has come that reads for long; leave off where that is wanted."""
    known = BackgroundJob.objects.filter(pk=background_job.pk, finished_at__isnull=True)
    if stopping.is_set() or known.filter(stopping=True).exists():
        raise Interrupted
    known.update(done=done, moved_at=timezone.now(), taken_up=True)


def add_part(background_job: BackgroundJob, number: int, content: bytes) -> None:
    """Keep the next piece of the file that an errand makes."""
    BackgroundJobPart.objects.create(background_job=background_job, number=number, content=zlib.compress(content, 1))


def content_of(part: BackgroundJobPart) -> bytes:
    """A piece of a file as it was."""
    return zlib.decompress(bytes(part.content))


def take_up_left() -> int:
    """Queue errands again that a worker left when it died; how many these were. Reads only, where there is none."""
    left = BackgroundJob.objects.filter(finished_at__isnull=True, moved_at__lt=timezone.now() - LEFT_AFTER)
    for background_job in left:
        now = timezone.now()
        # Whoever changes it first has it.
        if BackgroundJob.objects.filter(pk=background_job.pk, moved_at=background_job.moved_at).update(moved_at=now):
            logger.warning("Errand %s was left by a worker that died; it goes on.", background_job.pk)
            _task_of(background_job).enqueue(background_job.pk)
    return len(left)


@transaction.atomic
def tidy() -> None:
    """Throw away files that were offered long enough, and the queue's own notes of what is done."""
    now = timezone.now()
    old = BackgroundJob.objects.filter(finished_at__lt=now - KEPT, file_removed=False).exclude(file_name="")
    numbers = list(old.values_list("pk", flat=True)[:100])
    BackgroundJobPart.objects.filter(background_job__in=numbers).delete()
    BackgroundJob.objects.filter(pk__in=numbers).update(file_removed=True)
    ended = (TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED)
    DBTaskResult.objects.filter(status__in=ended, finished_at__lt=now - TASKS_KEPT).delete()
