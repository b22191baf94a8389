"""The uzLETs of Home: one module each. How to add one:

    BLOCK = Block(name="orders-open", title=_("Works orders"), width=6, template="web/blocks/orders_open.html",
                  facts=facts, verbs=frozenset({Verb.SEE_WORK}))

and its line in `BLOCKS`. `facts(visit)` answers with what the template needs, by a fixed number of statements. The
template extends `web/blocks/block.html`. Each block has an address of its own (`/blocks/NAME/`) from which Home loads
it, so a slow or failing one never holds the page.
"""

from collections.abc import Mapping
from typing import Final

from backflush.web.blocks import backflush_errors, book_production
from backflush.web.blocks.block import Block

BLOCKS: Final[Mapping[str, Block]] = {module.BLOCK.name: module.BLOCK for module in (backflush_errors, book_production)}
"""In the order in which a board begins."""
