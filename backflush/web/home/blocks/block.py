from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.functional import Promise

from backflush.people.rights import Verb
from backflush.web.platform.visit import Visit

QUARTER, THIRD, HALF, WHOLE = 3, 4, 6, 12
WIDTHS: Final = (THIRD, HALF, WHOLE)
"""Widths in twelfths. A quarter is allowed only for blocks that can be read at that width."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of Home: its name in addresses, title, width in twelfths, context function, and the rights to see it.

    `widths` are the allowed widths. A user with one of the rights in `stays_for` can't remove the block.
    """

    name: str
    title: str | Promise
    width: int
    template: str
    context: Callable[[Visit], Mapping[str, Any]]
    verbs: frozenset[Verb] = field(default=frozenset({Verb.SEE_WORK}))
    widths: Sequence[int] = WIDTHS
    stays_for: frozenset[Verb] = frozenset()

    def is_for(self, visit: Visit) -> bool:
        """Return whether the user has one of the block's rights."""
        return bool(self.verbs & visit.verbs)

    def stays(self, visit: Visit) -> bool:
        """Return whether the block is required on the user's board."""
        return bool(self.stays_for & visit.verbs)

    def next_width(self, width: int) -> int:
        """Return the next width; after the widest, the narrowest."""
        return min((wider for wider in self.widths if wider > width), default=min(self.widths))
