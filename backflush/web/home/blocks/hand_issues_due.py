from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as lazy

from backflush.dashboard.hand_issues_due import hand_issues_due
from backflush.people.rights import Verb
from backflush.web.home.blocks.block import THIRD, Block
from backflush.web.platform.visit import Visit


def context(visit: Visit) -> Mapping[str, Any]:
    """Return the issues by hand that are due."""
    return {"issues": hand_issues_due(visit.site), "may_issue": visit.may(Verb.ISSUE)}


BLOCK: Final = Block(
    name="hand-issues-due",
    title=lazy("Hand issues due"),
    width=THIRD,
    template="web/home/blocks/hand_issues_due.html",
    context=context,
)
