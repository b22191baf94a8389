"""Set counts against what the ledger says at their times, and post the differences (H2, H3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import chain
from typing import Any

from backflush.core.counts import LATEST, Effect
from backflush.core.moves import Place, Process, Stock, StockKey, plan_posting
from backflush.core.quantity import SCALE, ZERO, from_scaled
from backflush.counts.corrections import (
    CorrectedPosting,
    adjustment_place,
    difference_move,
    record_changes,
    stock_key_of,
)
from backflush.counts.models import CountStatus, StockCount
from backflush.counts.statements import LEDGER_AT_COUNTS, MARK_COUNTED
from backflush.ledger.posting import Entry, lock_balances
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import place_of


@dataclass(frozen=True, slots=True)
class LedgerAtCount:
    """The ledger's figures for a balance at the moment of a count, in the stock unit (H2).

    `expected` is the book quantity less `waiting`, which is what was unresolved there. `moved` is the net change since.
    """

    expected: Decimal
    waiting: Decimal
    moved: Decimal

    @property
    def book(self) -> Decimal:
        """The book quantity of that moment, with settlements and reversals at the time they go back to."""
        return self.expected + self.waiting


Decide = Callable[[StockCount], CountStatus]


def post_differences(
    counts: Sequence[StockCount],
    *,
    site: Site,
    by: User,
    keys: Sequence[int | None],
    remarks: Sequence[str],
    decide: Decide,
) -> None:
    """Set what some counts found against the ledger, and post the differences of those that are decided to be POSTED.

    `decide` is asked once `expected`, `waiting` and `difference` are set. A count that would make the balance negative
    becomes SHORT. New counts are saved with the posting that this makes; for a count that was entered before, the
    posting is that of its approval. Of several counts of one balance, each finds what the one before has left.

    Locks the balances. Raises `NoAdjustmentPlace`, `PeriodClosed`, `QuantityTooLarge`, `SerialInStock`, and
    `InsufficientStock` where a later count's difference can't take up the change.
    """
    for places in _rounds(counts):
        some = [counts[place] for place in places]
        entries = [(keys[place], remarks[place]) for place in places]
        _post_round(some, entries, site=site, by=by, decide=decide)


def _rounds(counts: Sequence[StockCount]) -> list[list[int]]:
    """Return the places of counts in rounds in which no balance occurs twice."""
    rounds: list[list[int]] = []
    times: dict[StockKey, int] = {}
    for place, count in enumerate(counts):
        key = stock_key_of(count)
        nth = times[key] = times.get(key, -1) + 1
        if nth == len(rounds):
            rounds.append([])
        rounds[nth].append(place)
    return rounds


def _post_round(
    counts: Sequence[StockCount],
    entries: Sequence[tuple[int | None, str]],
    *,
    site: Site,
    by: User,
    decide: Decide,
) -> None:
    stock = lock_balances(site=site, stock_keys={stock_key_of(count) for count in counts})
    adjustment = place_of(adjustment_place(site))
    for count, known in zip(counts, ledger_at(counts, stock, site=site), strict=True):
        count.expected, count.waiting = known.expected, known.waiting
        count.difference = count.quantity - known.expected
        count.status = decide(count)
    effects = {id(count): _effects(count) for count in counts}
    corrected = CorrectedPosting(site=site, stock=stock, effects=chain.from_iterable(effects.values()))
    for count, (key, remark) in zip(counts, entries, strict=True):
        own = effects[id(count)]
        raised = sum((change for change in corrected.changes(own).values() if change > 0), ZERO)
        if count.status == CountStatus.POSTED and stock.there(stock_key_of(count)) + raised + count.difference < 0:
            count.status, own = CountStatus.SHORT, []
        corrected.add(own, partial(_entry, count, adjustment, stock, key, remark))
    postings = corrected.post(by=by)
    new = [count for count in counts if count._state.adding]  # noqa: SLF001 - as Django documents it
    for count, posting in zip(counts, postings, strict=True):
        if count._state.adding:  # noqa: SLF001
            count.posting = posting
    StockCount.objects.bulk_create(new)
    posted = [(count, posting) for count, posting in zip(counts, postings, strict=True) if _is_posted(count)]
    record_changes(site, [(count, posting, None, count.difference) for count, posting in posted if count.difference])
    _mark_counted(site, [count for count, _ in posted])


def _is_posted(count: StockCount) -> bool:
    return count.status == CountStatus.POSTED


def _effects(count: StockCount) -> list[Effect]:
    """Return what posting a count changes at its time: its difference."""
    if not _is_posted(count) or not count.difference:
        return []
    return [Effect(stock_key_of(count), count.difference, count.at, count.posting_id or LATEST)]


def _entry(count: StockCount, adjustment: Place, stock: Stock, key: int | None, remarks: str) -> Entry:
    """Plan the posting of a count; one that agrees, or isn't posted, moves nothing."""
    moves = [difference_move(count, count.difference, adjustment)] if _is_posted(count) and count.difference else []
    return Entry(Process.COUNT, count.at, plan_posting(moves, (), stock), key, remarks=remarks)


def _mark_counted(site: Site, counts: Sequence[StockCount]) -> None:
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
        "recorded": [count.posting_id or LATEST for count in counts],
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
