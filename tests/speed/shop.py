"""A plant to measure in: items with a number of components, stock, and works orders."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from backflush.handling.moves import OpeningIn, open_stock
from backflush.items.models import Item
from backflush.items.selectors import item_coded
from backflush.items.services import ItemIn, add_items
from backflush.structures.services import LineIn, set_structures
from backflush.works.services.booking import BookingIn
from backflush.works.services.orders import OrderIn, create_orders
from tests.cast import DAY, PLENTY, YEARS_AGO, Plant

AT_ONCE = 1_000


class Shop(Plant):
    """The plant of the tests, with as many items and orders as a measurement needs."""

    def lay_in(self, *, items: int, components: int, stock: int = PLENTY, shared: int = 100, prefix: str = "") -> None:
        """Create items `ITEM n` with a number of components each, from shared parts that are in stock."""
        bolt, frame = item_coded("BOLT"), item_coded("BRACKET")
        parts = add_items([self._item(f"{prefix}PART {n}", "B", bolt) for n in range(shared)])
        made = add_items([self._item(f"{prefix}ITEM {n}", "M", frame) for n in range(items)])
        lines = {
            item: [
                LineIn(
                    number=10 * (place + 1),
                    component=parts[(n * 7 + place) % shared],
                    quantity=Decimal(1 + place % 4),
                    unit=bolt.stock_unit,
                    waste=Decimal(4 if place % 5 == 0 else 0),
                )
                for place in range(components)
            ]
            for n, item in enumerate(made)
        }
        set_structures(lines)
        if stock:
            line = self.location("LINE")
            openings = [OpeningIn(item=part, location=line, quantity=Decimal(stock)) for part in parts]
            open_stock(openings, site=self.site, by=self.storekeeper, at=YEARS_AGO)

    def _item(self, code: str, kind: str, like: Item) -> ItemIn:
        return ItemIn(code=code, component_class=kind, type_code=like.type_code, stock_unit=like.stock_unit)

    def opens(self, numbers: Sequence[tuple[str, str]], quantity: int = 1_000, start_date: date = DAY) -> None:
        """Release works orders, and return their numbers and items."""
        for begin in range(0, len(numbers), AT_ONCE):
            orders = [
                OrderIn(number=number, item=item, quantity=Decimal(quantity), start_date=start_date)
                for number, item in numbers[begin : begin + AT_ONCE]
            ]
            create_orders(orders, site=self.site, by=self.storekeeper, released=True)

    @staticmethod
    def report(order: str, good: int = 2, *, key: str = "") -> BookingIn:
        """Return the report of a booking."""
        return BookingIn(order=order, good=Decimal(good), at=DAY, key=key)
