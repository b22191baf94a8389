"""Opening stock: the stock when the ledger begins. It is posted once."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal

from backflush.core.moves import Place, StockKey, Tracking
from backflush.core.quantity import written
from backflush.core.refusals import BatchRequired, PeriodClosed, Refusal, SerialsRequired
from backflush.handling.moves import OpeningIn, open_stock, opening_moves
from backflush.imports.context import BATCH, Work
from backflush.imports.files import ImportRow
from backflush.items.models import Item
from backflush.items.services import set_batches
from backflush.ledger.selectors import openings_at
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import event_time, moment_of

TABLE = "opening_stock"
OUTSIDE = Place(0, keeps_balance=False)
COLUMNS = {"serials": "serial", "at": "date"}

Entered = tuple[ImportRow, OpeningIn]


def take_opening_stock(work: Work) -> None:
    """Post opening stock, one posting per site and day."""
    groups: dict[tuple[Site, date | datetime | None], list[Entered]] = {}
    for row in work.rows(TABLE):
        opening, site = _opening(work, row), work.site(TABLE, row)
        if opening is not None and site is not None and _sound(work, row, opening, site):
            groups.setdefault((site, row["date"]), []).append((row, opening))
    _require_serials_once(work, [one for entered in groups.values() for one in entered])
    for (site, at), entered in groups.items():
        new = [
            one for start in range(0, len(entered), BATCH) for one in _new(work, site, entered[start : start + BATCH])
        ]

        def open_all(given: list[OpeningIn], site: Site = site, at: date | datetime | None = at) -> list[OpeningIn]:
            open_stock(given, site=site, by=work.by, at=at)
            return given

        work.counts[TABLE].new += len(work.hand_over(TABLE, new, open_all, COLUMNS))
    if TABLE in work.sheets:
        _take_expiries(work)


def _opening(work: Work, row: ImportRow) -> OpeningIn | None:
    item = work.find(TABLE, row, "item", work.items, row["item"])
    location = work.location(TABLE, row, "location")
    if item is None or location is None:
        return None
    return OpeningIn(
        item=item,
        location=location,
        quantity=row["quantity"],
        bin=row["bin"],
        batch=row["batch"],
        serial=row["serial"],
    )


def _sound(work: Work, row: ImportRow, opening: OpeningIn, site: Site) -> bool:
    """Return whether the services accept the row."""
    checks: Sequence[Callable[[], object]] = (
        lambda: opening_moves(opening, OUTSIDE, bins=work.bins),
        lambda: _happened(site, row["date"]),
    )
    sound = True
    for check in checks:
        try:
            check()
        except Refusal as refusal:
            if not _tracking_fault(work, row, refusal, opening.item):
                work.refused(TABLE, row, refusal, COLUMNS)
            sound = False
    return sound


def _tracking_fault(work: Work, row: ImportRow, refusal: Refusal, item: Item) -> bool:
    """Record how stock is taken over whose tracking isn't that of its item, and return whether that is the reason."""
    tracking = Tracking(item.tracking)
    if isinstance(refusal, BatchRequired) and tracking is Tracking.BATCH:
        remedy = "Enter it. Stock without a batch is taken over under one of its own, like OLD."
        work.fault(TABLE, row, "batch", f"{item.code} is tracked by batch, and the row has none.", remedy, refusal.code)
    elif isinstance(refusal, SerialsRequired) and tracking is Tracking.SERIAL and not row["serial"]:
        remedy = "Enter one row for each piece. A piece without a number gets one of its own, like OLD-1."
        fault = f"{item.code} is tracked by serial number, and the row has none."
        work.fault(TABLE, row, "serial", fault, remedy, refusal.code)
    elif tracking is Tracking.SERIAL and row["batch"]:
        remedy = "Leave the batch out, or write it before the serial number, like B7-0001."
        work.fault(TABLE, row, "batch", f"{item.code} is tracked by serial number, so it has no batches.", remedy)
    elif tracking is Tracking.BATCH and row["serial"]:
        remedy = "Leave the serial number out, or track the item by serial number."
        work.fault(TABLE, row, "serial", f"{item.code} is tracked by batch, so it has no serial numbers.", remedy)
    elif tracking is Tracking.NONE and (row["batch"] or row["serial"]):
        column = "batch" if row["batch"] else "serial"
        remedy = f"Leave it out, or set the tracking of the item to {column} in items: then all its stock needs one."
        work.fault(TABLE, row, column, f"{item.code} isn't tracked.", remedy)
    else:
        return False
    return True


def _happened(site: Site, at: date | datetime | None) -> None:
    """Refuse a date in the future. A closed period is only refused for new rows, because existing ones may date from
    before it."""
    with suppress(PeriodClosed):
        event_time(site, at)


def _stock_key(opening: OpeningIn) -> StockKey:
    return StockKey(opening.item.pk, opening.location.pk, opening.bin, opening.batch, opening.serial)


def _new(work: Work, site: Site, entered: list[Entered]) -> list[Entered]:
    """Return the rows that aren't posted yet. A row posted with another quantity or date is a fault."""
    known = openings_at(site, {opening.item.pk for _, opening in entered})
    new = []
    for row, opening in entered:
        before = known.get(_stock_key(opening))
        if before is None:
            if _is_open(work, row, site):
                new.append((row, opening))
        elif _same(row, opening, site, before):
            work.counts[TABLE].there += 1
        else:
            quantity, at = before
            work.fault(
                TABLE,
                row,
                "quantity" if quantity != opening.quantity else "date",
                (f"{written(quantity)} of {opening.item.code} were posted there as opening stock of {at:%d %b %Y}."),
                "Opening stock can't be changed: delete the row, and move the difference by hand.",
            )
    return new


def _is_open(work: Work, row: ImportRow, site: Site) -> bool:
    try:
        event_time(site, row["date"])
    except PeriodClosed as refusal:
        work.refused(TABLE, row, refusal, COLUMNS)
        return False
    return True


def _same(row: ImportRow, opening: OpeningIn, site: Site, before: tuple[Decimal, datetime]) -> bool:
    quantity, at = before
    return quantity == opening.quantity and (row["date"] is None or moment_of(site, row["date"]) == at)


def _require_serials_once(work: Work, entered: list[Entered]) -> None:
    """Refuse a serial number that is in two places, in the files or in stock."""
    seen: dict[tuple[int, str], int] = {}
    for row, opening in entered:
        if opening.serial and seen.setdefault((opening.item.pk, opening.serial), row.number) != row.number:
            first = seen[opening.item.pk, opening.serial]
            fault = f"{opening.item.code} serial {opening.serial} is in row {first} already."
            work.fault(
                TABLE, row, "serial", fault, "A serial number can be in one place only: correct one of the rows."
            )


def _take_expiries(work: Work) -> None:
    batches = {
        (work.items[row["item"]], row["batch"]): row["expires_on"]
        for row in work.sheets[TABLE].rows
        if row["expires_on"] is not None and row["batch"] and row["item"] in work.items
    }
    set_batches([(item, code, expires_on) for (item, code), expires_on in batches.items()])
