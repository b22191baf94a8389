from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from backflush.dashboard.stock_outside import stock_outside
from backflush.web.blocks.block import THIRD, Block
from backflush.web.outside import WHO_SEES
from backflush.web.visits import Visit


def facts(visit: Visit) -> Mapping[str, Any]:
    """What sub-contractors have of ours."""
    found = stock_outside(visit.site)
    return {"outside": found.answer, "as_at": found.as_at}


BLOCK: Final = Block(
    name="stock-outside",
    title=_("Stock at sub-contractors"),
    width=THIRD,
    template="web/blocks/stock_outside.html",
    facts=facts,
    verbs=frozenset(WHO_SEES),
)
