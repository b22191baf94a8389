from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from backflush.dashboard.unresolved_by_age import Age, unresolved_by_age
from backflush.web.home.blocks.block import THIRD, Block
from backflush.web.home.blocks.charts import queue_table
from backflush.web.platform.visit import Visit


def context(visit: Visit) -> Mapping[str, Any]:
    """Return the unresolved movements by age, and the largest age class."""
    found = unresolved_by_age(visit.site, visit.today)
    ages = found.answer.ages
    most = max(ages, key=lambda age: age.total)
    return {
        "table": queue_table(((_words(age), age.waiting) for age in ages), by_reason=found.answer.by_reason),
        "total": sum(age.total for age in ages),
        "most": most,
        "most_words": _sentence(most),
        "as_at": found.as_at,
    }


def _words(age: Age) -> str:
    if age.days_max == 0:
        return _("today")
    if age.days_max is None:
        return _("over %(days)d") % {"days": age.days_min - 1}
    return _("%(first)d to %(last)d") % {"first": age.days_min, "last": age.days_max}


def _sentence(age: Age) -> str:
    if age.days_max == 0:
        return _("are of today")
    return _("have waited %(span)s days") % {"span": _words(age)}


BLOCK: Final = Block(
    name="unresolved-by-age",
    title=lazy("Unresolved by age"),
    width=THIRD,
    template="web/home/blocks/unresolved_by_age.html",
    context=context,
)
