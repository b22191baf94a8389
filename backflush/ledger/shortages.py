"""The refusal of a posting for which there isn't enough stock."""

from collections.abc import Sequence

from backflush.core.moves import Move, Shortage
from backflush.core.refusals import InsufficientStock
from backflush.core.sentences import Sentence
from backflush.items.models import Item
from backflush.stockmap.models import Location


def insufficient_stock(shortages: Sequence[Shortage], *, taking_back: bool) -> InsufficientStock:
    """Return the refusal of moves that are short, with a sentence for each: what is in stock, and what to do."""
    items = Item.objects.select_related("stock_unit").in_bulk({shortage.move.item_id for shortage in shortages})
    places = Location.objects.in_bulk({shortage.move.source.location_id for shortage in shortages})
    first, *others = [
        _sentence(shortage, items[shortage.move.item_id], places[shortage.move.source.location_id], taking_back)
        for shortage in shortages
    ]
    return InsufficientStock.of(first, field="quantity", details=others)


def _sentence(shortage: Shortage, item: Item, location: Location, taking_back: bool) -> Sentence:
    move = shortage.move
    params: dict[str, object] = {
        "item": _named_stock(item.code, move),
        "location": location.path,
        "in_stock": shortage.there,
        "unit": item.stock_unit.code,
        "needed": move.quantity,
    }
    if taking_back:
        return Sentence(
            "{item}: only {in_stock} {unit} are at {location}, and {needed} are needed. "
            "Bring the stock back, or ask a supervisor.",
            **params,
        )
    if shortage.there > 0:
        return Sentence(
            "{item}: only {in_stock} {unit} are at {location}, and {needed} are needed. "
            "Enter {in_stock}, or choose another location.",
            **params,
        )
    return Sentence(
        "{item}: only {in_stock} {unit} are at {location}, and {needed} are needed. Choose another location.", **params
    )


def _named_stock(item: str, move: Move) -> Sentence:
    """Return the item's code with the batch, serial number or bin that the stock was wanted from."""
    if move.serial:
        return Sentence("{item} serial {serial}", item=item, serial=move.serial)
    if move.batch and move.source.bin:
        return Sentence("{item} batch {batch} in bin {bin}", item=item, batch=move.batch, bin=move.source.bin)
    if move.batch:
        return Sentence("{item} batch {batch}", item=item, batch=move.batch)
    if move.source.bin:
        return Sentence("{item} in bin {bin}", item=item, bin=move.source.bin)
    return Sentence("{item}", item=item)
