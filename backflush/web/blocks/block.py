from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise

from backflush.people.rights import Verb
from backflush.web.visits import Visit


@dataclass(frozen=True, slots=True)
class Block:
    """One uzLET: its name in addresses, its title, its width (of 12 columns), its facts, for whom it is."""

    name: str
    title: str | Promise
    width: int
    template: str
    facts: Callable[[Visit], Mapping[str, Any]]
    verbs: frozenset[Verb] = field(default=frozenset({Verb.SEE_WORK}))

    def is_for(self, visit: Visit) -> bool:
        """Whether the person has one of its rights."""
        return bool(self.verbs & visit.verbs)
