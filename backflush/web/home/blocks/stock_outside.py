from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as lazy

from backflush.dashboard.stock_outside import stock_outside
from backflush.web.home.blocks.block import THIRD, Block
from backflush.web.platform.visit import Visit
from backflush.web.purchasing.subcontractors import WHO_SEES


def context(visit: Visit) -> Mapping[str, Any]:
    """Return our stock at sub-contractors."""
    found = stock_outside(visit.site)
    return {"outside": found.answer, "as_at": found.as_at}


BLOCK: Final = Block(
    name="stock-outside",
    title=lazy("Stock at sub-contractors"),
    width=THIRD,
    template="web/home/blocks/stock_outside.html",
    context=context,
    verbs=frozenset(WHO_SEES),
)
