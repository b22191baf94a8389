"""The initial blocks of each role's Home, in order."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from backflush.people.rights import Role
from backflush.people.services import Placed
from backflush.web.home.blocks.block import HALF, THIRD

_ERRORS, _BOOK, _ORDERS, _HAND = "backflush-errors", "book-production", "works-orders", "hand-issues-due"
_OVER_TIME, _BY_AGE, _CONSUMPTION = "unresolved-over-time", "unresolved-by-age", "consumption-by-day"
_OUTSIDE, _SET_UP, _BACKGROUND_JOBS = "stock-outside", "set-up-warnings", "errands"
_COUNTS = "counts-to-do"

BOARDS: Final[Mapping[Role, Sequence[Placed]]] = {
    Role.VIEWER: ((_ERRORS, HALF), (_OVER_TIME, HALF), (_ORDERS, HALF), (_CONSUMPTION, HALF), (_BACKGROUND_JOBS, HALF)),
    Role.OPERATOR: ((_BOOK, HALF), (_ORDERS, HALF), (_ERRORS, HALF), (_HAND, HALF), (_BACKGROUND_JOBS, HALF)),
    Role.STORES: (
        (_ERRORS, HALF),
        (_ORDERS, HALF),
        (_HAND, THIRD),
        (_OUTSIDE, THIRD),
        (_BY_AGE, THIRD),
        (_OVER_TIME, HALF),
        (_CONSUMPTION, HALF),
        (_COUNTS, HALF),
        (_BACKGROUND_JOBS, HALF),
    ),
    Role.SUPERVISOR: (
        (_ERRORS, HALF),
        (_BOOK, HALF),
        (_OVER_TIME, HALF),
        (_ORDERS, HALF),
        (_HAND, THIRD),
        (_OUTSIDE, THIRD),
        (_BY_AGE, THIRD),
        (_COUNTS, HALF),
        (_BACKGROUND_JOBS, HALF),
    ),
    Role.BUYER: ((_OUTSIDE, HALF), (_ERRORS, HALF), (_ORDERS, HALF), (_CONSUMPTION, HALF), (_BACKGROUND_JOBS, HALF)),
    Role.ENGINEER: ((_SET_UP, HALF), (_ERRORS, HALF), (_OVER_TIME, HALF), (_ORDERS, HALF), (_BACKGROUND_JOBS, HALF)),
    Role.CONTROLLER: (
        (_ERRORS, HALF),
        (_OVER_TIME, HALF),
        (_CONSUMPTION, HALF),
        (_BY_AGE, HALF),
        (_COUNTS, HALF),
        (_BACKGROUND_JOBS, HALF),
    ),
    Role.AUDITOR: (
        (_ERRORS, HALF),
        (_OVER_TIME, HALF),
        (_BY_AGE, HALF),
        (_CONSUMPTION, HALF),
        (_BACKGROUND_JOBS, HALF),
    ),
    Role.ADMINISTRATOR: (
        (_ERRORS, HALF),
        (_BOOK, HALF),
        (_OVER_TIME, HALF),
        (_ORDERS, HALF),
        (_OUTSIDE, THIRD),
        (_HAND, THIRD),
        (_SET_UP, THIRD),
        (_CONSUMPTION, HALF),
        (_BY_AGE, HALF),
        (_BACKGROUND_JOBS, HALF),
    ),
}
"""Blocks with widths that fill the rows."""


def board_of_roles(roles: Iterable[Role]) -> list[Placed]:
    """Return the blocks of some roles, each once; those of the first role come first."""
    placed: dict[str, int] = {}
    for name, width in (one for role in roles for one in BOARDS[role]):
        placed.setdefault(name, width)
    return list(placed.items())
