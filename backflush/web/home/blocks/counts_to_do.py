from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as lazy

from backflush.dashboard.counts_to_do import counts_to_do
from backflush.people.rights import Verb
from backflush.web.home.blocks.block import THIRD, Block
from backflush.web.platform.visit import Visit


def context(visit: Visit) -> Mapping[str, Any]:
    """Return today's counts, and those that are beyond the tolerance."""
    return {"counts": counts_to_do(visit.site), "may_count": visit.may(Verb.COUNT)}


BLOCK: Final = Block(
    name="counts-to-do",
    title=lazy("To count today"),
    width=THIRD,
    template="web/home/blocks/counts_to_do.html",
    context=context,
    verbs=frozenset({Verb.COUNT, Verb.APPROVE_COUNTS, Verb.SEE}),
)
