from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as lazy

from backflush.setup_check.findings import Severity
from backflush.setup_check.last_check import last_check
from backflush.web.home.blocks.block import THIRD, Block
from backflush.web.platform.visit import Visit
from backflush.web.setup.checks import mended_at
from backflush.web.setup.resource import SETTING_UP

SHOWN: Final = 5


def context(visit: Visit) -> Mapping[str, Any]:
    """Return the findings of the last set-up check, most severe first. Never starts a long check."""
    check = last_check(visit.site)
    first = check.findings[:SHOWN] if check else ()
    return {
        "check": check,
        "first": [
            {
                "code": finding.code,
                "sentence": finding.sentence,
                "refused": finding.severity is Severity.REFUSED,
                "address": mended_at(finding),
            }
            for finding in first
        ],
    }


BLOCK: Final = Block(
    name="set-up-warnings",
    title=lazy("Set-up warnings"),
    width=THIRD,
    template="web/home/blocks/set_up_warnings.html",
    context=context,
    verbs=frozenset(SETTING_UP),
)
