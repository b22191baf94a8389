from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as lazy

from backflush.background.selectors import background_jobs_for
from backflush.people.rights import Verb
from backflush.unresolved.background_retry import never_taken_back
from backflush.web.home.blocks.block import HALF, Block
from backflush.web.platform.visit import Visit


def context(visit: Visit) -> Mapping[str, Any]:
    """Return the running jobs on the queue, and the user's own recent exports and retries.

    Users who may undo see all users' recent retries.
    """
    may_undo = visit.may(Verb.UNDO)
    background_jobs = background_jobs_for(visit.site, visit.user, with_retries=may_undo)
    return {
        "background_jobs": background_jobs,
        "offered": never_taken_back(visit.site, background_jobs) if may_undo else set(),
    }


BLOCK: Final = Block(
    name="errands",
    title=lazy("In the background"),
    width=HALF,
    template="web/home/blocks/background_jobs.html",
    context=context,
)
