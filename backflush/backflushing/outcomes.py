"""How the use that bookings assumed stands now, for lists of bookings: in a fixed number of statements."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count

from backflush.core.moves import Status
from backflush.ledger.models import Movement


@dataclass(slots=True)
class UseState:
    """Of how many lines a booking assumed any use, and how many of these wait, were resolved or were cancelled."""

    lines: int = 0
    unresolved: int = 0
    resolved: int = 0
    cancelled: int = 0


def use_states(postings: Iterable[int]) -> dict[int, UseState]:
    """What became of the use that some bookings assumed, by posting; a remainder that was kept still waits."""
    wanted = list(postings)
    states = {posting: UseState() for posting in wanted}
    own = Movement.objects.filter(posting__in=wanted, line__isnull=False).order_by()
    for posting, lines in own.values_list("posting").annotate(Count("line", distinct=True)):
        states[posting].lines = lines
    for posting, status, lines in own.values_list("posting", "status").annotate(Count("line", distinct=True)):
        _count(states[posting], status, lines)
    kept = Movement.objects.filter(origin__posting__in=wanted, status=Status.UNRESOLVED).order_by()
    for posting, lines in kept.values_list("origin__posting").annotate(Count("line", distinct=True)):
        states[posting].unresolved += lines
        states[posting].resolved -= lines
    return states


def _count(state: UseState, status: str, lines: int) -> None:
    match Status(status):
        case Status.UNRESOLVED:
            state.unresolved = lines
        case Status.RESOLVED:
            state.resolved = lines
        case Status.CANCELLED:
            state.cancelled = lines
        case _:
            pass
