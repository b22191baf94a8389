"""Naming which pieces moved: the batch, the serial numbers (T2, T3, B8)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from backflush.core.moves import Move, Place, Tracking
from backflush.core.quantity import ZERO, written
from backflush.core.refusals import BatchRequired, InvalidValue, SerialsRequired
from backflush.core.text import require_short
from backflush.items.models import Item

ONE = Decimal(1)
NAME_LENGTH = 60


def named_moves(
    *,
    item: Item,
    quantity: Decimal,
    source: Place,
    target: Place,
    batch: str = "",
    serials: Sequence[str] = (),
    **more: object,
) -> list[Move]:
    """The moves of a quantity of which a person says which pieces they are: one for each serial number, else one.

    Refused where the item's tracking asks for a batch or for serial numbers and they aren't named, as many as the
    quantity (`batch_required`, `serials_required`). `more` are the other facts of a move.
    """
    tracking = Tracking(item.tracking)
    _require_named(item, tracking, quantity, batch, serials)
    assert item.cost_id is not None, "every item has a cost from its start"
    whole = Move(
        item.pk,
        quantity,
        source,
        target,
        item.cost_id,
        tracking=tracking,
        batch=batch,
        **more,  # type: ignore[arg-type]
    )
    if not serials:
        return [whole] if quantity > ZERO else []
    return [replace(whole, quantity=ONE, serial=serial) for serial in serials]


def _serials_said(item: Item, quantity: Decimal, serials: Sequence[str]) -> str:
    missing = quantity - len(set(serials))
    if len(set(serials)) < len(serials):
        return f"A serial number of {item.code} is there twice. Enter each once."
    if missing < 0:
        return f"Enter {written(quantity)} serials of {item.code}; {written(-missing)} too many."
    if missing == 1:
        return f"Enter {written(quantity)} serials of {item.code}; 1 is missing."
    return f"Enter {written(quantity)} serials of {item.code}; {written(missing)} are missing."


def _require_named(item: Item, tracking: Tracking, quantity: Decimal, batch: str, serials: Sequence[str]) -> None:
    if tracking is Tracking.BATCH and not batch and quantity:
        raise BatchRequired(f"{item.code} is kept by batch. Say which batch.", field="batch")
    if tracking is Tracking.SERIAL and (len(set(serials)) != len(serials) or len(serials) != quantity):
        raise SerialsRequired(_serials_said(item, quantity, serials), field="serials")
    if batch and tracking is not Tracking.BATCH:
        raise InvalidValue(f"{item.code} isn't kept by batch. Leave the batch out.", field="batch")
    if serials and tracking is not Tracking.SERIAL:
        raise InvalidValue(f"{item.code} has no serial numbers. Leave them out.", field="serials")
    require_short(batch, NAME_LENGTH, field="batch", what=f"A batch of {item.code}")
    for serial in serials:
        require_short(serial, NAME_LENGTH, field="serials", what=f"A serial number of {item.code}")
