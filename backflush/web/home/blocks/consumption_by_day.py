from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as lazy

from backflush.core.costing import total_amount
from backflush.dashboard.consumption_by_day import consumption_by_day
from backflush.web.home.blocks.block import HALF, Block
from backflush.web.platform.visit import Visit


def context(visit: Visit) -> Mapping[str, Any]:
    """Return the consumption of the last days, the total, and the day with the most."""
    found = consumption_by_day(visit.site, visit.today)
    return {
        "days": found.answer,
        "total": total_amount([day.total for day in found.answer]),
        "most": max(found.answer, key=lambda day: day.total),
        "as_at": found.as_at,
    }


BLOCK: Final = Block(
    name="consumption-by-day",
    title=lazy("Consumption by day"),
    width=HALF,
    template="web/home/blocks/consumption_by_day.html",
    context=context,
)
