"""The uzLETs of Home: one module each. How to add one:

    BLOCK = Block(name="works-orders", title=_("Works orders"), width=HALF,
                  template="web/home/blocks/works_orders.html", facts=facts, verbs=frozenset({Verb.SEE_WORK}))

its line in `BLOCKS`, and its name in `boards.BOARDS` for the roles on whose Home it stands from the beginning; the
others find it under *Add a block*. `facts(visit)` answers with what the template needs, by a fixed number of
statements; the template has the block itself as `tile` (`block` is Django's own word) and extends
`web/home/blocks/block.html`. Each block has an address of its own (`/blocks/NAME/`) from
which Home loads it, so a slow or failing one never holds the page.

A chart is a table with its picture: include `web/display/chart.html` and put the table beside it, as
`web/home/blocks/unresolved_by_age.html` does; `static/app/charts.js` says which charts there are.
"""

from collections.abc import Mapping
from typing import Final

from backflush.web.home.blocks import (
    backflush_errors,
    background_jobs,
    book_production,
    consumption_by_day,
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
        set_up_warnings,
        unresolved_by_age,
        consumption_by_day,
        background_jobs,
    )
}
"""All blocks, in the order in which they are offered."""
