"""The blocks of Home: one module each. How to add one:

    BLOCK = Block(name="works-orders", title=_("Works orders"), width=HALF,
                  template="web/home/blocks/works_orders.html", context=context, verbs=frozenset({Verb.SEE_WORK}))

Add it to `BLOCKS`, and its name to `boards.BOARDS` for the roles whose default board has it; other users find it under
*Add a block*. `context(visit)` returns the template's context, with a fixed number of statements. The template extends
`web/home/blocks/block.html`, and has the block itself as `tile` (`block` is Django's own word). Home loads each block
from its own address (`/blocks/NAME/`), so a slow or failing block never holds up the page.

A chart is drawn from a table: include `web/display/chart.html` with the table beside it, as
`web/home/blocks/unresolved_by_age.html` does; `static/app/charts.js` defines the kinds of charts.
"""

from collections.abc import Mapping
from typing import Final

from backflush.web.home.blocks import (
    backflush_errors,
    background_jobs,
    book_production,
    consumption_by_day,
    counts_to_do,
    hand_issues_due,
    set_up_warnings,
    stock_outside,
    unresolved_by_age,
    unresolved_over_time,
    works_orders,
)
from backflush.web.home.blocks.block import Block

BLOCKS: Final[Mapping[str, Block]] = {
    module.BLOCK.name: module.BLOCK
    for module in (
        backflush_errors,
        book_production,
        unresolved_over_time,
        works_orders,
        stock_outside,
        hand_issues_due,
        counts_to_do,
        set_up_warnings,
        unresolved_by_age,
        consumption_by_day,
        background_jobs,
    )
}
"""All blocks, in the order in which they are offered."""
