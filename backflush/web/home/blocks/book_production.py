from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as lazy

from backflush.dashboard.bookable_orders import bookable_orders
from backflush.people.rights import Verb
from backflush.web.home.blocks.block import HALF, Block
from backflush.web.platform.visit import Visit


def context(visit: Visit) -> Mapping[str, Any]:
    """Return the orders that take bookings."""
    return {"orders": bookable_orders(visit.site), "may_produce": visit.may(Verb.PRODUCE)}


BLOCK: Final = Block(
    name="book-production",
    title=lazy("Book production"),
    width=HALF,
    template="web/home/blocks/book_production.html",
    context=context,
    verbs=frozenset({Verb.BOOK}),
)
