"""Moves of tracked items: which batch or which serial numbers move (T2, T3, B8), and when they can (X5)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Min

from backflush.core.moves import Move, Place, Tracking
from backflush.core.quantity import ZERO
from backflush.core.refusals import BatchRequired, InvalidValue, NotThereYet, SerialsRequired
from backflush.core.text import require_short
from backflush.items.models import Item
from backflush.ledger.models import ArchivedStretch, Movement
from backflush.stockmap.models import Site

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
    """Return the moves of a quantity whose batch or serial numbers are given: one for each serial number, else one.

    `quantity` is in the stock unit, `more` are further fields of `Move`. Raises `BatchRequired` or `SerialsRequired`
    where the item's tracking needs them and they aren't given, as many as the quantity (T2, T3, B8), and `InvalidValue`
    where the item isn't tracked.
    """
    tracking = Tracking(item.tracking)
    if tracking is not Tracking.NONE or batch or serials:
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


def _serials_wrong(item: Item, quantity: Decimal, serials: Sequence[str]) -> SerialsRequired:
    if len(set(serials)) < len(serials):
        return SerialsRequired(
            "The same serial number of {item} is entered twice. Enter each once.", item=item.code, field="serials"
        )
    return SerialsRequired(
        "{item} needs as many serial numbers as pieces: {quantity}, not {count}. Correct the serial numbers or the "
        "quantity.",
        item=item.code,
        quantity=quantity,
        count=len(serials),
        field="serials",
    )


def _require_named(item: Item, tracking: Tracking, quantity: Decimal, batch: str, serials: Sequence[str]) -> None:
    if tracking is Tracking.BATCH and not batch and quantity:
        raise BatchRequired("{item} is tracked by batch. Enter the batch.", item=item.code, field="batch")
    if tracking is Tracking.SERIAL and (len(set(serials)) != len(serials) or len(serials) != quantity):
        raise _serials_wrong(item, quantity, serials)
    if batch and tracking is not Tracking.BATCH:
        raise InvalidValue("{item} isn't tracked by batch. Leave the batch empty.", item=item.code, field="batch")
    if serials and tracking is not Tracking.SERIAL:
        raise InvalidValue(
            "{item} isn't tracked by serial number. Leave the serial numbers empty.", item=item.code, field="serials"
        )
    if batch:
        require_short(batch, NAME_LENGTH, field="batch", what="A batch")
    for serial in serials:
        require_short(serial, NAME_LENGTH, field="serials", what="A serial number")


def require_there_by(site: Site, item: Item, moves: Sequence[Move], moment: datetime) -> None:
    """Refuse (`NotThereYet`) to take from a batch, serial number or bin before it first arrived at its place (X5).

    Only for events whose time was given: at the present time everything has arrived. Stock whose arrival is archived
    is taken as there.
    """
    stock_keys = [key for move in moves if (key := move.source_stock_key) and (key.bin or key.batch or key.serial)]
    if not stock_keys:
        return
    arrivals = Movement.objects.filter(
        site=site,
        item=item,
        target__in={key.location_id for key in stock_keys},
        target_bin__in={key.bin for key in stock_keys},
        batch__in={key.batch for key in stock_keys},
        serial__in={key.serial for key in stock_keys},
        quantity__gt=0,
    )
    names = ("target", "target_bin", "batch", "serial")
    first = {tuple(row[:4]): row[4] for row in arrivals.order_by().values_list(*names).annotate(Min("at"))}
    late = [key for key in stock_keys if (arrived := first.get(tuple(key[1:]))) is not None and arrived > moment]
    if not late or ArchivedStretch.objects.filter(site=site, item=item, location=late[0].location_id).exists():
        return
    key = late[0]
    raise NotThereYet(
        "{name} of {item} came to its place at {arrived}, so it can't have been used before. Enter a later time, or "
        "choose another.",
        name=key.batch or key.serial or key.bin,
        item=item.code,
        arrived=first[tuple(key[1:])].astimezone(ZoneInfo(site.time_zone)),
        field="at",
    )
