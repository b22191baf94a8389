"""Real processes that work on one database at the same time, and that can be killed like any other.

Each process is forked from one that has Django loaded already (multiprocessing's fork server), so a hundred of them
are cheap. A task is a function of a module with what it needs as plain arguments; it runs in a process of its own on
the database of a URL. `race` starts several of them together.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, connection, connections

from backflush.core.refusals import Refusal
from tests.cast import Plant
from tests.databases import Database

PATIENCE_SECONDS: Final = 600
"""A machine may be busy with other things; what waits for ever is found all the same."""
_FORKS: Final = multiprocessing.get_context("forkserver")
# The server loads these, and with them Django, once.
_FORKS.set_forkserver_preload(["tests.conftest", "tests.races.processes"])

Task = Callable[..., object]


@dataclass(frozen=True)
class Outcome:
    """What became of a task: its answer, the code of a refusal, or what it failed with."""

    answer: Any = None
    refusal: str = ""
    failure: str = ""


def _work(url: str, ready: Any, answers: Connection, task: Task, arguments: tuple[Any, ...]) -> None:
    with Database(url).as_default():
        plant = Plant()
        ready.wait(PATIENCE_SECONDS)
        try:
            outcome = Outcome(answer=task(plant, *arguments))
        except Refusal as refusal:
            outcome = Outcome(refusal=refusal.code)
        except Exception as error:  # noqa: BLE001  # whatever it is, the test that waits for it must hear of it
            outcome = Outcome(failure=f"{type(error).__name__}: {error}")
        answers.send(outcome)
        connection.close()


class Worker:
    """One process at work on a task."""

    def __init__(self, database: Database, task: Task, *arguments: Any, ready: Any = None) -> None:
        self._answers, theirs = _FORKS.Pipe(duplex=False)
        # Kept, because it is gone with the last who knows it, and the process may not have come so far.
        self._gate = ready or _FORKS.Barrier(1)
        self.process: BaseProcess = _FORKS.Process(
            target=_work, args=(database.url, self._gate, theirs, task, arguments)
        )
        self.process.start()
        theirs.close()

    def outcome(self) -> Outcome:
        """Wait until it is done; a process that died says so."""
        try:
            found = self._answers.recv() if self._answers.poll(PATIENCE_SECONDS) else Outcome(failure="never answered")
        except EOFError:
            found = Outcome(failure="died")
        self.process.join(PATIENCE_SECONDS)
        assert isinstance(found, Outcome)
        return found

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join(PATIENCE_SECONDS)


def race(database: Database, *tasks: tuple[Any, ...]) -> list[Outcome]:
    """Start tasks (a function and its arguments) in processes of their own, all at the same moment."""
    gate = _FORKS.Barrier(len(tasks))
    workers = [Worker(database, task, *arguments, ready=gate) for task, *arguments in tasks]
    return [worker.outcome() for worker in workers]


def all_went_through(outcomes: Sequence[Outcome], *refusals: str) -> bool:
    """Whether every task came to an answer, or to one of these refusals; says which did not."""
    wrong = [one for one in outcomes if one.failure or (one.refusal and one.refusal not in refusals)]
    assert not wrong, f"{len(wrong)} of {len(outcomes)}: {wrong[:3]}"
    return True


@contextmanager
def killed_before(statement: int) -> Iterator[None]:
    """Within, this process kills itself with signal 9 before its n-th statement (from 1), commits included."""
    seen = 0

    def count() -> None:
        nonlocal seen
        seen += 1
        if seen == statement:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(PATIENCE_SECONDS)

    def before_statement(execute: Any, *asked: Any) -> Any:
        count()
        return execute(*asked)

    # Any: Django keeps to itself how it commits, and there is no wrapper for it.
    django: Any = connections[DEFAULT_DB_ALIAS]
    commit = django._commit

    def before_commit() -> None:
        count()
        commit()
        # And once more when it is in, but nobody knows yet.
        count()

    django._commit = before_commit
    try:
        with connection.execute_wrapper(before_statement):
            yield
    finally:
        django._commit = commit
