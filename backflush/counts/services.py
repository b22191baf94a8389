"""Enter counts of stock and reverse one, each call in one transaction (H)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from backflush.core.counts import Effect, effects_of
from backflush.core.moves import Plan, Process, Stock, StockKey, Tracking, plan_posting
from backflush.core.quantity import SCALE, ZERO, from_scaled, require_fit
from backflush.core.refusals import (
    BatchRequired,
    InvalidQuantity,
    InvalidValue,
    NotABalanceLocation,
    SerialsRequired,
)
from backflush.core.text import require_short
from backflush.counts.corrections import (
    CorrectedPosting,
    adjustment_place,
    difference_move,
    post_corrected,
    record_changes,
    stock_key_of,
)
from backflush.counts.models import CountChange, CountMethod, CountStatus, StockCount
from backflush.counts.selectors import count_of, movements_of_count, not_a_count, require_count_not_reversed
from backflush.counts.statements import LEDGER_AT_COUNTS, MARK_COUNTED
from backflush.items.models import Item
from backflush.items.selectors import find_items, no_items
from backflush.ledger.archived_numbers import require_not_archived
from backflush.ledger.idempotency import Claims, Request, claim_key, claim_keys
from backflush.ledger.lot_allocation import NAME_LENGTH
from backflush.ledger.models import Posting
from backflush.ledger.posting import Entry, lock_balances
from backflush.ledger.selectors import move_of, posting_numbered, require_not_before
from backflush.people.models import User
from backflush.stockmap.models import Location, Site
from backflush.stockmap.selectors import (
    bins_of,
    event_time,
    find_locations,
    location_at,
    place_in_bin,
    place_of,
)

ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountIn:
    """A quantity that somebody found: of an item, in its stock unit, at a location, at a moment (H1).

    `counted_by` is the person who counted, if another than the one who enters it. `blind` says that the person didn't
    see the book quantity.
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
        }
        return Request(self.key, "count", content)


@dataclass(frozen=True, slots=True)
class LedgerAtCount:
    """What the ledger says of a balance at the moment of a count, in the stock unit (H2).

    `expected` is the book quantity less `waiting`, which is what was unresolved there. `moved` is the net change since.
    """

    expected: Decimal
    waiting: Decimal
    moved: Decimal

    @property
    def book(self) -> Decimal:
        """The book quantity of that moment, with settlements and reversals at the time they go back to."""
        return self.expected + self.waiting


@transaction.atomic
def enter_counts(counts: Sequence[CountIn], *, site: Site, by: User) -> list[StockCount]:
    """Keep counts and post their differences at their times: all of the counts, or none (H1 to H5).

    A count whose key was posted before is returned as it is. One whose difference would make the balance negative is
    kept with the status SHORT. Locks keys, then balances. Raises `NotFound`, `NotABalanceLocation`, `BinRequired`,
    `BatchRequired`, `SerialsRequired`, `InvalidQuantity`, `InvalidValue`, `NoAdjustmentPlace`, `DateInFuture`,
    `PeriodClosed`, `Archived`, `KeyReused`, and `InsufficientStock` where an earlier-dated count would take more off a
    later count than is there.
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
        checked = _checked(list(fresh.values()), site=site, by=by)
        keys = [claims.new.get(count.key) for count in fresh.values()]
        entered.update(zip(fresh, _enter(checked, keys, fresh, site=site, by=by), strict=True))
    return [entered[name] for name in names]


def _counts_of(site: Site, posted: Mapping[str, Posting]) -> list[StockCount]:
    found = StockCount.objects.filter(site=site, posting__in=posted.values())
    return list(found.select_related("posting__key", "item__stock_unit", "location"))


def _enter(
    checked: Sequence[StockCount],
    keys: Sequence[int | None],
    given: Mapping[str | int, CountIn],
    *,
    site: Site,
    by: User,
) -> list[StockCount]:
    """Post checked counts in rounds: of two counts of one balance, the second finds what the first has left."""
    remarks = [count.remarks for count in given.values()]
    for round_ in _rounds(checked):
        _enter_round(
            [checked[place] for place in round_],
            [keys[place] for place in round_],
            [remarks[place] for place in round_],
            site=site,
            by=by,
        )
    return list(checked)


def _rounds(counts: Sequence[StockCount]) -> Iterator[list[int]]:
    """Yield the places of counts so that no balance occurs twice in a round."""
    rounds: list[list[int]] = []
    times: dict[StockKey, int] = {}
    for place, count in enumerate(counts):
        key = stock_key_of(count)
        nth = times[key] = times.get(key, -1) + 1
        if nth == len(rounds):
            rounds.append([])
        rounds[nth].append(place)
    yield from rounds


def _enter_round(
    counts: Sequence[StockCount], keys: Sequence[int | None], remarks: Sequence[str], *, site: Site, by: User
) -> None:
    stock = lock_balances(site=site, stock_keys={stock_key_of(count) for count in counts})
    ledger = ledger_at(counts, stock, site=site)
    adjustment = place_of(adjustment_place(site))
    effects: list[list[Effect]] = []
    for count, known in zip(counts, ledger, strict=True):
        count.expected, count.waiting = known.expected, known.waiting
        count.difference = count.quantity - known.expected
        key = stock_key_of(count)
        effects.append([Effect(key, count.difference, count.at)] if count.difference else [])
    corrected = CorrectedPosting(site=site, stock=stock, effects=[effect for some in effects for effect in some])
    for count, own, key_id, remark in zip(counts, effects, keys, remarks, strict=True):
        raised = sum((change for change in corrected.changes(own).values() if change > 0), ZERO)
        there = stock.there(stock_key_of(count)) + raised
        short = there + count.difference < 0
        count.status = CountStatus.SHORT if short else CountStatus.POSTED

        def entry(count: StockCount = count, key_id: int | None = key_id, remark: str = remark) -> Entry:
            moves = [difference_move(count, count.difference, adjustment)] if count.difference else []
            plan = Plan() if count.status == CountStatus.SHORT else plan_posting(moves, (), stock)
            return Entry(Process.COUNT, count.at, plan, key_id, remarks=remark)

        corrected.add([] if short else own, entry)
    for count, posting in zip(counts, corrected.post(by=by), strict=True):
        count.posting = posting
    StockCount.objects.bulk_create(counts)
    posted = [count for count in counts if count.status == CountStatus.POSTED]
    record_changes(site, [(count, count.posting, None, count.difference) for count in posted if count.difference])
    _mark(site, posted)


def _mark(site: Site, counts: Sequence[StockCount]) -> None:
    columns: dict[str, list[Any]] = {
        "item_id": [count.item_id for count in counts],
        "location_id": [count.location_id for count in counts],
        "bin": [count.bin for count in counts],
        "batch": [count.batch for count in counts],
        "serial": [count.serial for count in counts],
        "at": [count.at for count in counts],
    }
    MARK_COUNTED.execute_many(columns, site_id=site.pk)


def ledger_at(counts: Sequence[StockCount], stock: Stock, *, site: Site) -> list[LedgerAtCount]:
    """Return what the ledger says at the moments of some counts, each of another balance, from the present stock.

    Takes one statement. Locks nothing: lock the balances first where the answer is posted.
    """
    columns: dict[str, list[Any]] = {
        "ord": list(range(len(counts))),
        "item_id": [count.item_id for count in counts],
        "location_id": [count.location_id for count in counts],
        "bin": [count.bin for count in counts],
        "batch": [count.batch for count in counts],
        "serial": [count.serial for count in counts],
        "at": [count.at for count in counts],
    }
    sums = {
        (place, what): from_scaled(int(whole) * SCALE + int(part))
        for place, what, whole, part in LEDGER_AT_COUNTS.execute_many(columns, site_id=site.pk)
    }
    found = []
    for place, count in enumerate(counts):
        waiting, moved, later = (sums.get((place, what), ZERO) for what in ("waiting", "moved", "later"))
        book = stock.there(stock_key_of(count)) - moved - later
        found.append(LedgerAtCount(book - waiting, waiting, moved + later))
    return found


def _checked(counts: Sequence[CountIn], *, site: Site, by: User) -> list[StockCount]:
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
    return [_check(one, items[one.item], places[one.location], bins, site=site, by=by) for one in counts]


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


@transaction.atomic
def reverse_count(*, site: Site, posting: int, by: User, at: datetime | date | None = None, key: str = "") -> Posting:
    """Reverse a count once, with all corrections of its difference (H5, V3). The count is kept as reversed.

    Locks the key, the posting and the balance. Raises `AlreadyReversed`, `NotFound`, `DateBeforeOriginal`,
    `InsufficientStock`, `PeriodClosed`, `KeyReused`.
    """
    new_key, done = claim_key(site=site, key=key, operation="reverse", content={"posting": posting, "at": at})
    if done:
        return done
    original = posting_numbered(site, posting)
    count = count_of(original)
    if count is None:
        raise not_a_count(posting)
    Posting.objects.select_for_update(no_key=True, of=("self",)).get(site=site, pk=posting)
    stock = lock_balances(site=site, stock_keys=[stock_key_of(count)])
    # Read it again under the lock: a correction or another reversal may have come first.
    count = count_of(original)
    assert count is not None, "counts are never deleted"
    require_count_not_reversed(count)
    moment = event_time(site, at)
    require_not_before(site, moment, count.at)
    taken = movements_of_count(count).select_related("item", "source", "target")
    back = [move_of(movement).mirrored(movement=movement.pk) for movement in taken]
    # What comes into stock first, so that the balance doesn't fall below zero in between.
    back.sort(key=lambda move: move.target_stock_key is None)
    reversal = post_corrected(
        lambda: Entry(Process.REVERSAL, moment, plan_posting(back, (), stock), new_key, reverses=posting),
        effects_of(back, at=count.at, order=posting),
        site=site,
        by=by,
        stock=stock,
    )
    # The difference itself stays on the count, as a record of what was found.
    if count.status == CountStatus.POSTED and count.difference:
        CountChange.objects.create(site=site, count=count, posting=reversal, change=-count.difference)
    StockCount.objects.filter(site=site, pk=count.pk).update(reversed_by=reversal)
    return reversal
