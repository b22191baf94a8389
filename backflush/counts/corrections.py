"""The changes that postings make to the differences of counts which were taken after the time they concern (H4).

A booking that is entered late, a settlement, a cancellation or a reversal concerns a moment before a count. What was
counted stays true, so the count's difference changes by as much, in a posting of process *count* of its own, in the
same transaction. Increases are posted before the posting that needs them is planned, decreases after it.

Balances that were never counted take no statement.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Subquery, Sum

from backflush.core.counts import Effect, PostedCount, differences_changed
from backflush.core.moves import Move, Place, Process, Stock, StockKey, Tracking, plan_posting
from backflush.core.refusals import InsufficientStock, NoAdjustmentPlace
from backflush.counts.models import CountChange, CountStatus, StockCount
from backflush.ledger.models import Posting
from backflush.ledger.posting import Entry, post
from backflush.people.models import User
from backflush.stockmap.models import Location, Site
from backflush.stockmap.selectors import day_at, place_of


class CorrectedPosting:
    """Entries of one transaction with the corrections of counts that they make necessary.

    Create it with the locked stock and all effects that will follow; `add` plans each entry in turn on that stock,
    between the increases and the decreases of its counts; `post` writes everything. Takes one statement to read the
    counts and at most three to record the corrections, however many entries there are.
    """

    def __init__(self, *, site: Site, stock: Stock, effects: Iterable[Effect]) -> None:
        self._site, self._stock = site, stock
        self._counts, self._by_key = _counts_after(site, stock, effects)
        self._entries: list[Entry] = []
        self._own: list[int] = []
        self._corrections: list[tuple[int, StockCount, Decimal, int]] = []

    def changes(self, effects: Iterable[Effect]) -> dict[int, Decimal]:
        """Return by how much effects change the differences of counts, by the count's primary key."""
        return differences_changed(effects, self._by_key)

    def add(self, effects: Iterable[Effect], plan: Callable[[], Entry]) -> None:
        """Plan an entry, with the corrections that its effects make necessary."""
        changes = self.changes(effects)
        because = len(self._own)
        for number, change in changes.items():
            if change > 0:
                self._correct(self._counts[number], change, because)
        entry = plan()
        self._own.append(len(self._entries))
        self._entries.append(entry)
        for number, change in changes.items():
            if change < 0:
                self._correct(self._counts[number], change, because)

    def post(self, *, by: User) -> list[Posting]:
        """Post everything; return the postings of the added entries, in their order. See `ledger.posting.post`."""
        postings = post(self._entries, site=self._site, by=by, stock=self._stock)
        own = [postings[place] for place in self._own]
        record_changes(
            self._site,
            [(count, postings[place], own[because], change) for place, count, change, because in self._corrections],
        )
        return own

    def _correct(self, count: StockCount, change: Decimal, because: int) -> None:
        move = difference_move(count, change, place_of(adjustment_place(self._site)))
        plan = plan_posting([move], (), self._stock)
        if plan.shortages:
            raise _correction_short(count, change, plan.shortages[0].there)
        self._corrections.append((len(self._entries), count, change, because))
        self._entries.append(Entry(Process.COUNT, open_time(self._site, count.at), plan))


def post_corrected(
    entry: Callable[[], Entry], effects: Sequence[Effect], *, site: Site, by: User, stock: Stock
) -> Posting:
    """Plan and post one entry with the corrections of counts that its effects make necessary."""
    corrected = CorrectedPosting(site=site, stock=stock, effects=effects)
    corrected.add(effects, entry)
    return corrected.post(by=by)[0]


def adjustment_place(site: Site) -> Location:
    """Return where a site's count differences go to and come from; raises `NoAdjustmentPlace` (H5)."""
    if site.adjustment is None:
        raise NoAdjustmentPlace(
            "Site {site} has no adjustment place for the differences of counts. Name a location without balances in "
            "the set-up of the site.",
            site=site.code,
            field="location",
        )
    return site.adjustment


def difference_move(count: StockCount, difference: Decimal, adjustment: Place) -> Move:
    """Return the move of a difference: from the adjustment place into stock where more was counted, else out."""
    item, here = count.item, place_of(count.location, count.bin)
    assert item.cost_id is not None, "every item has a cost from its start"
    return Move(
        item.pk,
        abs(difference),
        source=adjustment if difference > 0 else here,
        target=here if difference > 0 else adjustment,
        cost_id=item.cost_id,
        tracking=Tracking(item.tracking),
        batch=count.batch,
        serial=count.serial,
    )


def stock_key_of(count: StockCount) -> StockKey:
    """Return the key of the balance that was counted."""
    return StockKey(count.item_id, count.location_id, count.bin, count.batch, count.serial)


def record_changes(site: Site, changed: Sequence[tuple[StockCount, Posting, Posting | None, Decimal]]) -> None:
    """Record changes of differences with their postings and what made them necessary; add up the differences."""
    if not changed:
        return
    CountChange.objects.bulk_create(
        CountChange(site=site, count=count, posting=posting, because=because, change=change)
        for count, posting, because, change in changed
    )
    totals = CountChange.objects.filter(site=site, count=OuterRef("pk")).order_by().values("count")
    StockCount.objects.filter(site=site, pk__in={count.pk for count, _, _, _ in changed}).update(
        difference=Subquery(totals.annotate(total=Sum("change")).values("total"))
    )


def open_time(site: Site, at: datetime) -> datetime:
    """Return a moment, or the first moment of the first open day if its own day is closed (H4)."""
    if site.closed_through is None or day_at(site, at) > site.closed_through:
        return at
    return datetime.combine(site.closed_through + timedelta(days=1), time(), ZoneInfo(site.time_zone))


def _counts_after(
    site: Site, stock: Stock, effects: Iterable[Effect]
) -> tuple[dict[int, StockCount], Mapping[StockKey, Sequence[PostedCount]]]:
    """Return the posted counts of the affected balances from the earliest effect on, by number and by key."""
    affected = [effect for effect in effects if effect.stock_key in stock.counted]
    earlier = [effect for effect in affected if effect.at <= stock.counted[effect.stock_key]]
    if not earlier:
        return {}, {}
    keys = {effect.stock_key for effect in earlier}
    found = StockCount.objects.filter(
        site=site,
        item__in={key.item_id for key in keys},
        location__in={key.location_id for key in keys},
        at__gte=min(effect.at for effect in earlier),
        status=CountStatus.POSTED,
        reversed_by__isnull=True,
    ).select_related("item__stock_unit", "location")
    counts, by_key = {}, dict[StockKey, list[PostedCount]]()
    for count in found.order_by("at", "posting"):
        if (key := stock_key_of(count)) in keys:
            counts[count.pk] = count
            by_key.setdefault(key, []).append(PostedCount(count.pk, count.at, count.posting_id))
    return counts, by_key


def _correction_short(count: StockCount, change: Decimal, there: Decimal) -> InsufficientStock:
    return InsufficientStock(
        "{item} was counted at {location} on {day}, and this would take {quantity} {unit} off that count's difference, "
        "but only {in_stock} {unit} are there now. Look at the movements of {item} since the count, or count it again.",
        item=count.item.code,
        location=count.location.path,
        day=day_at(count.site, count.at),
        quantity=-change,
        unit=count.item.stock_unit.code,
        in_stock=there,
        field="quantity",
    )
