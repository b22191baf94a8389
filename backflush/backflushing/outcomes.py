"""How many lines of assumed use are unresolved, resolved or cancelled, for lists of bookings."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count

from backflush.core.moves import Status
from backflush.ledger.models import Movement


@dataclass(slots=True)
class UseState:
    """The number of structure lines of which a booking assumed use, and the number of these in each status."""

    lines: int = 0
    unresolved: int = 0
    resolved: int = 0
    cancelled: int = 0


def use_states(postings: Iterable[int]) -> dict[int, UseState]:
    """Return the state of the use that bookings assumed, by posting, with the same three statements for any number.

    A line of which a remainder was kept counts as unresolved.
    """
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
