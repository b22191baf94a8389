"""Working through parts of a long stream by two connections: one part is confirmed while the next is under way.

Of many bookings in one transaction PostgreSQL spends half the time in COMMIT, where it checks each reference of each
row, and nobody else works meanwhile. By the time a part has come that far it holds every lock that it needs, and
whatever the next one needs of it, that one waits for: what comes out is what one part after the other would come to.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import cycle
from typing import TypeVar

from django.db import connection, connections

In = TypeVar("In")
Out = TypeVar("Out")
Posted = Callable[[], None]
"""Called by a part as the last thing in its transaction: from then on it only waits to be confirmed."""


def nobody() -> None:
    """Where nobody waits to be told that a part is posted."""


def one_ahead(parts: Iterable[In], work: Callable[[In, Posted], Out]) -> Iterator[Out]:
    """What `work` makes of each part, in their order; the next part is begun as soon as one says that it is posted.

    So whoever stops asking may find one part more done than answered, and where a confirmation fails, which a lost
    database does, the part after it may be in: for work that can be repeated under its keys.
    """
    with ExitStack() as lanes:
        lane = cycle([lanes.enter_context(_lane()), lanes.enter_context(_lane())])
        running: deque[Future[Out]] = deque()
        for part in parts:
            posted: Future[None] = Future()
            running.append(next(lane).submit(_worked, work, part, posted))
            posted.result()
            if len(running) > 1:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def can_be_ahead() -> bool:
    """Whether another connection can work beside this one: SQLite has one writer, and a transaction one connection."""
    return connection.vendor == "postgresql" and not connection.in_atomic_block


@contextmanager
def _lane() -> Iterator[ThreadPoolExecutor]:
    """A thread with a connection of its own, which is closed with it."""
    with ThreadPoolExecutor(max_workers=1) as lane:
        try:
            yield lane
        finally:
            lane.submit(connections.close_all)


def _worked(work: Callable[[In, Posted], Out], part: In, posted: "Future[None]") -> Out:
    """The part's answer; `posted` is told at the latest when it ends, or why it failed before."""

    def tell() -> None:
        if not posted.done():
            posted.set_result(None)

    try:
        done = work(part, tell)
    except BaseException as failure:
        if not posted.done():
            posted.set_exception(failure)
        raise
    tell()
    return done
