from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as lazy

from backflush.dashboard.unresolved_over_time import unresolved_over_time
from backflush.web.home.blocks.block import HALF, Block
from backflush.web.home.blocks.charts import queue_table
from backflush.web.platform.visit import Visit


def context(visit: Visit) -> Mapping[str, Any]:
    """Return the unresolved movements at the end of each week, with the highest and the current number."""
    found = unresolved_over_time(visit.site, visit.today)
    weeks = found.answer.weeks
    return {
        "table": queue_table(((week.begins, week.waiting) for week in weeks), by_reason=found.answer.by_reason),
        "highest": max(weeks, key=lambda week: week.total),
        "now": weeks[-1],
        "as_at": found.as_at,
    }


BLOCK: Final = Block(
    name="unresolved-over-time",
    title=lazy("Unresolved over time"),
    width=HALF,
    template="web/home/blocks/unresolved_over_time.html",
    context=context,
)
