from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as lazy

from backflush.dashboard.backflush_errors import backflush_errors
from backflush.people.rights import Verb
from backflush.web.home.blocks.block import HALF, WHOLE, Block
from backflush.web.platform.visit import Visit
from backflush.web.unresolved.row import reading_of


def context(visit: Visit) -> Mapping[str, Any]:
    """Return the number, the oldest, and the newest movements with their reasons."""
    errors = backflush_errors(visit.site)
    return {"errors": errors, "lines": [reading_of(line.movement, line.there) for line in errors.newest]}


BLOCK: Final = Block(
    name="backflush-errors",
    title=lazy("Backflush errors"),
    width=HALF,
    template="web/home/blocks/backflush_errors.html",
    context=context,
    widths=(HALF, WHOLE),
    stays_for=frozenset({Verb.RESOLVE}),
)
