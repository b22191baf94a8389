"""Enter counts of stock in one transaction, posted or kept by their tolerances (H)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from django.db import transaction

from backflush.core.moves import Tracking
from backflush.core.quantity import ZERO, require_fit
from backflush.core.refusals import (
    BatchRequired,
    InvalidQuantity,
    InvalidValue,
    NotABalanceLocation,
    NotAllowed,
    SerialsRequired,
)
from backflush.core.text import require_short
from backflush.counts.approval import lock_open
from backflush.counts.corrections import (
    stock_key_of,
)
from backflush.counts.differences import LedgerAtCount, ledger_at, post_differences
from backflush.counts.models import CountMethod, CountStatus, StockCount
from backflush.counts.sheets import OpenLines, require_open_sheets
from backflush.counts.tolerances import Tolerances
from backflush.items.models import Item
from backflush.items.selectors import find_items, no_items
from backflush.ledger.archived_numbers import require_not_archived
from backflush.ledger.idempotency import Claims, Request, claim_keys
from backflush.ledger.lot_allocation import NAME_LENGTH
from backflush.ledger.models import Posting
from backflush.ledger.posting import lock_balances, read_balances
from backflush.people.models import User
from backflush.stockmap.models import Location, Site
from backflush.stockmap.selectors import (
    bins_of,
    event_time,
    find_locations,
    location_at,
    place_in_bin,
)

ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountIn:
    """A quantity that somebody found: of an item, in its stock unit, at a location, at a moment (H1).

    `counted_by` is the person who counted, if another than the one who enters it. `blind` says that the person didn't
    see the book quantity. `recount_of` is the number of the count that this one repeats and replaces. `sheet` is the
    number of the count sheet that it belongs to; a count without it still fills the line of its balance (H6).
    """

    item: str
    location: str
    quantity: Decimal
    bin: str = ""
    batch: str = ""
    serial: str = ""
    at: datetime | date | None = None
    method: str = CountMethod.SEEN
    blind: bool = False
    counted_by: User | None = None
    remarks: str = ""
    recount_of: int | None = None
    sheet: int | None = None
    key: str = ""

    def request(self) -> Request:
        """Return the request that this is under its key."""
        content = {
            "item": self.item,
            "location": self.location,
            "quantity": self.quantity,
            "bin": self.bin,
            "batch": self.batch,
            "serial": self.serial,
            "at": self.at,
            "method": self.method,
            "remarks": self.remarks,
            **({"recount_of": self.recount_of} if self.recount_of is not None else {}),
            **({"sheet": self.sheet} if self.sheet is not None else {}),
        }
        return Request(self.key, "count", content)


@transaction.atomic
def enter_counts(counts: Sequence[CountIn], *, site: Site, by: User) -> list[StockCount]:
    """Keep counts and post their differences at their times: all of the counts, or none (H1 to H6).

    A count whose key was posted before is returned as it is. One whose difference would make the balance negative is
    kept with the status SHORT. Locks keys, then sheets, then balances. Raises `NotFound`, `NotABalanceLocation`,
    `BinRequired`, `BatchRequired`, `SerialsRequired`, `InvalidQuantity`, `InvalidValue`, `NoAdjustmentPlace`,
    `DateInFuture`, `PeriodClosed`, `Archived`, `KeyReused`, `SheetNotOpen`, `AlreadyCounted`, and `InsufficientStock`
    where an earlier-dated count would take more off a later count than is there.
    """
    requests = [count.request() for count in counts if count.key]
    claims = claim_keys(site=site, requests=requests) if requests else Claims({}, {})
    names = [count.key or place for place, count in enumerate(counts)]
    fresh: dict[str | int, CountIn] = {}
    for name, given in zip(names, counts, strict=True):
        if name not in claims.posted:
            fresh.setdefault(name, given)
    entered: dict[str | int, StockCount] = {}
    for count in _counts_of(site, claims.posted):
        assert count.posting.key is not None, "the count was found by its key"
        entered[count.posting.key.key] = count
    if fresh:
        new = list(fresh.values())
        entered.update(zip(fresh, _enter(new, [claims.new.get(one.key) for one in new], site=site, by=by), strict=True))
    return [entered[name] for name in names]


@dataclass(frozen=True, slots=True)
class CountPreview:
    """The preview of a count: the ledger at its time, the difference, and what would become of it."""

    ledger: LedgerAtCount
    difference: Decimal
    status: CountStatus


def preview_count(one: CountIn, *, site: Site, by: User) -> CountPreview:
    """Return what `enter_counts` would find and do, refused as it would be. Locks and writes nothing.

    Refused (`NotAllowed`) for a blind count: nobody may see the book quantity before it is entered (H5).
    """
    firsts = {one.recount_of: StockCount.objects.get(site=site, pk=one.recount_of)} if one.recount_of else {}
    (count,) = _checked([one], firsts, site=site, by=by)
    tolerances = Tolerances(site, [count.item])
    lines = OpenLines(site, [count])
    if one.sheet is not None:
        lines.require_free(count, one.sheet)
    if one.blind or lines.is_blind(count) or tolerances.blind(count.item, count.location_id):
        raise NotAllowed(
            "{item} is counted blind at {location}: the book quantity is shown after the count.",
            item=count.item.code,
            location=count.location.path,
            field="item",
        )
    stock = read_balances(site=site, stock_keys=[stock_key_of(count)])
    (ledger,) = ledger_at([count], stock, site=site)
    count.expected, count.difference = ledger.expected, count.quantity - ledger.expected
    status = tolerances.decide(count)
    if status is CountStatus.POSTED and stock.there(stock_key_of(count)) + count.difference < 0:
        status = CountStatus.SHORT
    return CountPreview(ledger, count.difference, status)


def _counts_of(site: Site, posted: Mapping[str, Posting]) -> list[StockCount]:
    found = StockCount.objects.filter(site=site, posting__in=posted.values())
    return list(found.select_related("posting__key", "item__stock_unit", "location"))


def _enter(given: Sequence[CountIn], keys: Sequence[int | None], *, site: Site, by: User) -> list[StockCount]:
    """Post new counts, or keep those that need a recount or approval, and note what recounts replace."""
    named = {one.sheet for one in given if one.sheet is not None}
    if named:
        require_open_sheets(site, named)
    firsts = _lock_firsts(site, given)
    counts = _checked(given, firsts, site=site, by=by)
    lock_balances(site=site, stock_keys={stock_key_of(count) for count in counts})
    lines = OpenLines(site, counts)
    tolerances = Tolerances(site, {count.item.pk: count.item for count in counts}.values())
    for count, one in zip(counts, given, strict=True):
        if one.sheet is not None:
            lines.require_free(count, one.sheet)
        count.blind = one.blind or lines.is_blind(count) or tolerances.blind(count.item, count.location_id)
    remarks = [one.remarks for one in given]

    def decide(count: StockCount) -> CountStatus:
        count.within = tolerances.agrees(count)
        return tolerances.decide(count)

    post_differences(counts, site=site, by=by, keys=keys, remarks=remarks, decide=decide)
    StockCount.objects.filter(site=site, pk__in=firsts).update(status=CountStatus.REPLACED)
    lines.fill([(count, one.sheet) for count, one in zip(counts, given, strict=True)])
    return counts


def _lock_firsts(site: Site, given: Sequence[CountIn]) -> dict[int, StockCount]:
    """Lock the counts that some are recounts of; refused where one isn't open any more (`CountNotOpen`)."""
    numbers = {one.recount_of for one in given if one.recount_of is not None}
    return {count.pk: count for count in lock_open(site, numbers)} if numbers else {}


def _checked(counts: Sequence[CountIn], firsts: Mapping[int, StockCount], *, site: Site, by: User) -> list[StockCount]:
    """Return counts with items and places found, or refuse the first that can't be kept."""
    items = find_items({count.item for count in counts})
    missing = [code for code in dict.fromkeys(count.item for count in counts) if code not in items]
    if missing:
        raise no_items(missing)
    places = find_locations(site, {count.location for count in counts})
    for count in counts:
        if count.location not in places:
            location_at(site, count.location)
    bins = bins_of({place.pk for place in places.values() if place.bin_controlled})
    checked = [_check(one, items[one.item], places[one.location], bins, site=site, by=by) for one in counts]
    for made, one in zip(checked, counts, strict=True):
        if one.recount_of is not None:
            _set_recount(made, firsts[one.recount_of])
    return checked


def _set_recount(count: StockCount, first: StockCount) -> None:
    """Note that a count repeats another; refused for another balance, or by the same person."""
    if stock_key_of(count) != stock_key_of(first):
        raise InvalidValue(
            "Count {number} is of {item} at {location}. Count the same item and place again.",
            number=first.pk,
            item=first.item.code,
            location=first.location.path,
            field="recount_of",
        )
    if count.counted_by_id == first.counted_by_id:
        raise NotAllowed(
            "{user} made the first count of {item}. Another person must count it again.",
            user=count.counted_by.name,
            item=first.item.code,
            field="recount_of",
        )
    count.recount_of, count.attempt = first, first.attempt + 1


def _check(
    one: CountIn, item: Item, location: Location, bins: Collection[tuple[int, str]], *, site: Site, by: User
) -> StockCount:
    if not location.has_balance:
        raise NotABalanceLocation(
            "{location} keeps no balances, so nothing can be counted there. Choose another location.",
            location=location.path,
            field="location",
        )
    place_in_bin(location, one.bin, known=bins)
    _require_tracking(one, item)
    if one.method not in CountMethod.values:
        raise InvalidValue(
            "There is no counting method '{method}'. Choose one of {methods}.",
            method=one.method,
            methods=list(CountMethod.values),
            field="method",
        )
    moment = event_time(site, one.at)
    require_not_archived(site, moment)
    if one.remarks:
        require_short(one.remarks, 500, field="remarks", what="A remark")
    return StockCount(
        site=site,
        item=item,
        location=location,
        bin=one.bin,
        batch=one.batch,
        serial=one.serial,
        at=moment,
        counted_by=one.counted_by or by,
        method=one.method,
        blind=one.blind,
        quantity=_counted_quantity(one, item),
    )


def _counted_quantity(one: CountIn, item: Item) -> Decimal:
    quantity = require_fit(one.quantity, item.quantity_decimals, field="quantity", what=item.code)
    if quantity < ZERO:
        raise InvalidQuantity(
            "{item}: a counted quantity can't be below zero. Enter 0 if nothing is there.",
            item=item.code,
            field="quantity",
        )
    if item.tracking == Tracking.SERIAL and quantity not in {ZERO, ONE}:
        raise InvalidQuantity(
            "{item} is tracked by serial number: each is there once or not at all. Enter 1 or 0.",
            item=item.code,
            field="quantity",
        )
    return quantity


def _require_tracking(one: CountIn, item: Item) -> None:
    if item.tracking == Tracking.BATCH and not one.batch:
        raise BatchRequired("{item} is tracked by batch. Enter the batch.", item=item.code, field="batch")
    if item.tracking == Tracking.SERIAL and not one.serial:
        raise SerialsRequired(
            "{item} is tracked by serial number. Enter the serial number.", item=item.code, field="serial"
        )
    if one.batch and item.tracking != Tracking.BATCH:
        raise InvalidValue("{item} isn't tracked by batch. Leave the batch empty.", item=item.code, field="batch")
    if one.serial and item.tracking != Tracking.SERIAL:
        raise InvalidValue(
            "{item} isn't tracked by serial number. Leave the serial number empty.", item=item.code, field="serial"
        )
    require_short(one.batch, NAME_LENGTH, field="batch", what="A batch")
    require_short(one.serial, NAME_LENGTH, field="serial", what="A serial number")
