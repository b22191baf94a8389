"""Real processes that work on one database at the same time, and that can be killed.

Each process is forked from one that has loaded Django already (multiprocessing's fork server), so a hundred of them are
cheap. A task is a module-level function with plain arguments; it runs in a separate process on the database of a URL.
`race` starts several of them together.
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
from backflush.stockmap.models import Site
from tests.cast import Plant
from tests.databases import Database

PATIENCE_SECONDS: Final = 600
"""The machine may be busy with other things; a generous timeout still detects what waits for ever."""
_FORKS: Final = multiprocessing.get_context("forkserver")
# The fork server imports these, and Django with them, once.
_FORKS.set_forkserver_preload(["tests.conftest", "tests.races.processes"])

Task = Callable[..., object]


@dataclass(frozen=True)
class Outcome:
    """The outcome of a task: its result, the code of a refusal, or an error."""

    answer: Any = None
    refusal: str = ""
    failure: str = ""


def _work(url: str, ready: Any, answers: Connection, task: Task, arguments: tuple[Any, ...]) -> None:
    with Database(url).as_default():
        plant = Plant() if Site.objects.exists() else None
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
    """One process with a task."""

    def __init__(self, database: Database, task: Task, *arguments: Any, ready: Any = None) -> None:
        self._answers, theirs = _FORKS.Pipe(duplex=False)
        # Keep a reference: the event is deleted with its last one, and the process may not have read it yet.
        self._gate = ready or _FORKS.Barrier(1)
        self.process: BaseProcess = _FORKS.Process(
            target=_work, args=(database.url, self._gate, theirs, task, arguments)
        )
        self.process.start()
        theirs.close()

    def outcome(self) -> Outcome:
        """Wait for the end, and return the outcome; a dead process is an outcome too."""
        try:
            found = self._answers.recv() if self._answers.poll(PATIENCE_SECONDS) else Outcome(failure="never answered")
        except EOFError:
            found = Outcome(failure="died")
        self.process.join(PATIENCE_SECONDS)
        assert isinstance(found, Outcome)
        return found

    def kill(self) -> None:
        """Kill the process with signal 9, and wait until it is gone."""
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join(PATIENCE_SECONDS)


def race(database: Database, *tasks: tuple[Any, ...]) -> list[Outcome]:
    """Start tasks (a function and its arguments) in separate processes at the same moment."""
    gate = _FORKS.Barrier(len(tasks))
    workers = [Worker(database, task, *arguments, ready=gate) for task, *arguments in tasks]
    return [worker.outcome() for worker in workers]


def all_went_through(outcomes: Sequence[Outcome], *refusals: str) -> bool:
    """Require that every task ended with a result or one of these refusals; the message names the others."""
    wrong = [one for one in outcomes if one.failure or (one.refusal and one.refusal not in refusals)]
    assert not wrong, f"{len(wrong)} of {len(outcomes)}: {wrong[:3]}"
    return True


@contextmanager
def killed_before(statement: int) -> Iterator[None]:
    """Inside the block, this process kills itself with signal 9 before its n-th statement (from 1), commits
    included."""
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

    # Typed as Any: how Django commits is internal, and there is no wrapper for it.
    django: Any = connections[DEFAULT_DB_ALIAS]
    commit = django._commit

    def before_commit() -> None:
        count()
        commit()
        # And once more after the commit, before anyone knows of it.
        count()

    django._commit = before_commit
    try:
        with connection.execute_wrapper(before_statement):
            yield
    finally:
        django._commit = commit
