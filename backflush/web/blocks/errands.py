from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from backflush.errands.selectors import errands_for
from backflush.web.blocks.block import HALF, Block
from backflush.web.visits import Visit


def facts(visit: Visit) -> Mapping[str, Any]:
    """The retries that run here, and the person's own exports and retries of these days."""
    return {"errands": errands_for(visit.site, visit.user)}


BLOCK: Final = Block(
    name="errands", title=_("In the background"), width=HALF, template="web/blocks/errands.html", facts=facts
)
