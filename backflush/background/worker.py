"""The worker: takes one queued task after another.

While the queue is empty it only reads, once a second, so on SQLite it takes no lock that a booking would wait for.
"""

import os
import signal
from collections.abc import Callable
from time import monotonic
from typing import Any, Final
from uuid import uuid4

from django.db import DatabaseError, close_old_connections, connection, transaction
from django_tasks import DEFAULT_TASK_BACKEND_ALIAS, DEFAULT_TASK_QUEUE_NAME
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from backflush.background.jobs import logger, stopping, take_up_left, tidy

INTERVAL_SECONDS: Final = 1.0
LOOKS_FOR_LEFT_SECONDS: Final = 60.0
TIDIES_SECONDS: Final = 3600.0


def work(parent: int = 0, *, between: Callable[[], object] = lambda: None) -> None:
    """Work until stopped, or until the parent process has ended.

    Calls `between` whenever the queue is empty; it must return quickly when it has nothing to do.
    """
    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, lambda *_: stopping.set())
    looked, tidied = -LOOKS_FOR_LEFT_SECONDS, monotonic()
    while not _is_over(parent):
        close_old_connections()
        try:
            if work_off():
                if monotonic() - tidied > TIDIES_SECONDS:
                    tidied = monotonic()
                    tidy()
                continue
            if monotonic() - looked > LOOKS_FOR_LEFT_SECONDS:
                looked = monotonic()
                take_up_left()
            between()
        except DatabaseError as error:
            # The database is unreachable, or a lock timed out. Try again later.
            logger.warning("The worker is waiting: %s", str(error).strip())
            connection.close()
            stopping.wait(10 * INTERVAL_SECONDS)
        stopping.wait(INTERVAL_SECONDS)


def _is_over(parent: int) -> bool:
    if parent and os.getppid() != parent:
        stopping.set()
    return stopping.is_set()


def work_off() -> bool:
    """Carry out the next queued task, and return whether there was one."""
    worker_id = uuid4().hex
    waiting = _claim(worker_id) if DBTaskResult.objects.ready().exists() else None
    if waiting is None:
        return False
    worker: Any = Worker(
        queue_names=[DEFAULT_TASK_QUEUE_NAME],
        interval=0,
        batch=True,
        backend_name=DEFAULT_TASK_BACKEND_ALIAS,
        startup_delay=False,
        max_tasks=1,
        worker_id=worker_id,
        excluded_queue_names=[],
    )
    worker.run_task(waiting)
    return True


@transaction.atomic
def _claim(worker_id: str) -> "DBTaskResult[..., object] | None":
    """Claim the next task, unless another worker claims it first."""
    waiting: DBTaskResult[..., object] | None = DBTaskResult.objects.ready().get_locked()
    if waiting is not None:
        waiting.claim(worker_id)
    return waiting
