from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.functional import Promise

from backflush.people.rights import Verb
from backflush.web.platform.visit import Visit

QUARTER, THIRD, HALF, WHOLE = 3, 4, 6, 12
WIDTHS: Final = (THIRD, HALF, WHOLE)
"""Of 12 columns; a block is a quarter wide only where it says that it can be read so."""


@dataclass(frozen=True, slots=True)
class Block:
    """One uzLET: its name in addresses, its title, its width (of 12 columns), its facts, for whom it is.

    `widths` are those that it can be given; whoever has one of the rights in `stays_for` can't remove it.
    """

    name: str
    title: str | Promise
    width: int
    template: str
    facts: Callable[[Visit], Mapping[str, Any]]
    verbs: frozenset[Verb] = field(default=frozenset({Verb.SEE_WORK}))
    widths: Sequence[int] = WIDTHS
    stays_for: frozenset[Verb] = frozenset()

    def is_for(self, visit: Visit) -> bool:
        """Whether the person has one of its rights."""
        return bool(self.verbs & visit.verbs)

    def stays(self, visit: Visit) -> bool:
        """Whether it is on the person's board whatever they do."""
        return bool(self.stays_for & visit.verbs)

    def next_width(self, width: int) -> int:
        """The width after this one; after the widest the narrowest."""
        return min((wider for wider in self.widths if wider > width), default=min(self.widths))
