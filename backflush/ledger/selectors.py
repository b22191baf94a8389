from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import cast
from zoneinfo import ZoneInfo

from django.db.models import F, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from backflush.core.moves import Move, Process, Status, StockKey, Tracking
from backflush.core.quantity import ZERO
from backflush.core.refusals import DateBeforeOriginal, MoreThanIssued, NotFound
from backflush.core.sentences import Sentence
from backflush.db.fields import ExactSum
from backflush.items.models import Item
from backflush.ledger.archived_numbers import archived_keys, key_archived, no_number
from backflush.ledger.models import (
    Archive,
    ArchivedKind,
    ArchivedStretch,
    Balance,
    CostObject,
    Movement,
    PeriodClosing,
    Posting,
)
from backflush.ledger.movement_list import movements_named, with_status
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import place_of
from backflush.structures.models import FrozenLine


def waiting_movements(site: Site) -> QuerySet[Movement]:
    """Return unresolved movements, oldest first: by event time of the booking, then by order of recording (U7).

    A kept remainder has the place of its original in this order.
    """
    return (
        Movement.objects.filter(site=site, status=Status.UNRESOLVED)
        .select_related("item__stock_unit", "source", "target", "cost_object", "posting__by", "rule__action")
        .order_by("at", Coalesce("origin", "id"), "id")
    )


def waiting_of_item(site: Site, item: Item) -> QuerySet[Movement]:
    """Return the unresolved movements of one item. Repeats the condition of the partial index, or SQLite reads all
    movements of the item."""
    return waiting_movements(site).filter(item=item).exclude(status=Status.OK)


def waiting_by_posting(site: Site, postings: Collection[int]) -> dict[int, list[Movement]]:
    """Return the unresolved movements of some postings, each with its item, in line order.

    The status is checked in Python: with a condition on it, a database might read all unresolved movements of the site
    instead of these postings.
    """
    rows = Movement.objects.filter(site=site, posting__in=postings, due__isnull=False).select_related("item")
    found: dict[int, list[Movement]] = {}
    for movement in rows.order_by("pk"):
        if movement.status == Status.UNRESOLVED:
            found.setdefault(movement.posting_id, []).append(movement)
    return found


def movement_numbered(site: Site, number: int) -> Movement:
    """Return the movement with this number, as a row of `movements_named`; raises `NotFound` and `Archived`."""
    found = movements_named().filter(site=site, pk=number).select_related("line", "cost")
    for movement in found:
        return cast("Movement", movement)
    raise no_number(site, ArchivedKind.MOVEMENT, number)


def posting_keyed(site: Site, key: str) -> Posting:
    """Return the posting that was made under an idempotency key."""
    found = Posting.objects.filter(site=site, key__site=site, key__key=key).first()
    if found is None:
        for held in archived_keys(site, [key]):
            raise key_archived(held)
        raise NotFound("Nothing was posted under the key '{key}'.", key=key, field="key")
    return found


def posting_numbered(site: Site, number: int) -> Posting:
    """Return the posting with this number; raises `NotFound` and `Archived`."""
    posting = Posting.objects.filter(site=site, pk=number).first()
    if posting is None:
        raise no_number(site, ArchivedKind.POSTING, number)
    return posting


def move_of(movement: Movement) -> Move:
    """Convert a recorded movement to the core's `Move`; for an unresolved one, with the whole quantity due."""
    return Move(
        item_id=movement.item_id,
        quantity=movement.quantity if movement.due is None else movement.due,
        source=place_of(movement.source, movement.source_bin),
        target=place_of(movement.target, movement.target_bin),
        cost_id=movement.cost_id,
        tracking=Tracking(movement.item.tracking),
        batch=movement.batch,
        serial=movement.serial,
        cost_object_id=movement.cost_object_id,
        charged=movement.charged,
        rule_id=movement.rule_id,
        line_id=movement.line_id,
        resolves_id=movement.resolves_id,
        reverses_id=movement.reverses_id,
        origin_id=movement.origin_id,
    )


def had_by_cost_object(cost_object: CostObject, items: Collection[int]) -> dict[int, Decimal]:
    """Return a cost object's use of some items: assumed, resolved and issued, less returned and reversed (B4)."""
    had = _had_by_cost_objects(cost_object.site_id, [cost_object.pk], items)
    return {item: had.get((cost_object.pk, item), ZERO) for item in items}


def _had_by_cost_objects(
    site: int, cost_objects: Collection[int], items: Collection[int]
) -> dict[tuple[int, int], Decimal]:
    """Return the use of many cost objects, by cost object and item."""
    rows = (
        Movement.objects.filter(site=site, cost_object__in=cost_objects, item__in=items)
        .exclude(charged=0)
        .values_list("cost_object", "item", "charged")
        .annotate(total=ExactSum("quantity"))
    )
    had: dict[tuple[int, int], Decimal] = {}
    for cost_object, item, charged, total in rows:
        had[cost_object, item] = had.get((cost_object, item), ZERO) + charged * total
    return had


def uses_material(site: int, cost_object: int) -> bool:
    """Return whether a cost object has used more of any item than was returned or reversed."""
    moved = Movement.objects.filter(site=site, cost_object=cost_object).exclude(charged=0)
    totals: dict[int, Decimal] = {}
    for item, charged, total in moved.values_list("item", "charged").annotate(total=ExactSum("quantity")):
        totals[item] = totals.get(item, ZERO) + charged * total
    return any(totals.values())


def require_had(cost_object: CostObject, moves: Iterable[Move]) -> None:
    """Refuse (`more_than_issued`) to return more of an item than a cost object has used. The cost object must be
    locked."""
    _require_had(cost_object.site_id, ((cost_object.pk, move) for move in moves))


def require_cost_objects_had(site: Site, moves: Iterable[Move]) -> None:
    """Check returns to many cost objects like `require_had`. Moves without a cost object return nothing."""
    _require_had(site.pk, ((move.cost_object_id, move) for move in moves if move.cost_object_id is not None))


def _require_had(site: int, moves: Iterable[tuple[int, Move]]) -> None:
    back: dict[tuple[int, int], Decimal] = {}
    for cost_object, move in moves:
        back[cost_object, move.item_id] = back.get((cost_object, move.item_id), ZERO) - move.charged * move.quantity
    going_back = {one: quantity for one, quantity in back.items() if quantity > 0}
    if not going_back:
        return
    had = _had_by_cost_objects(site, {cost_object for cost_object, _ in going_back}, {item for _, item in going_back})
    over = {
        one: (had.get(one, ZERO), quantity) for one, quantity in going_back.items() if quantity > had.get(one, ZERO)
    }
    if over:
        first, *others = _over_sentences(site, over)
        raise MoreThanIssued.of(first, field="quantity", details=others)


def _over_sentences(site: int, over: Mapping[tuple[int, int], tuple[Decimal, Decimal]]) -> list[Sentence]:
    cost_objects = CostObject.objects.filter(site=site).in_bulk({cost_object for cost_object, _ in over})
    items = Item.objects.select_related("stock_unit").in_bulk({item for _, item in over})
    return [
        Sentence(
            "{issued} {unit} of {item} were issued to order {order}. Return up to {issued}, not {returned}.",
            order=cost_objects[cost_object].number,
            issued=had,
            unit=items[item].stock_unit.code,
            item=items[item].code,
            returned=back,
        )
        for (cost_object, item), (had, back) in over.items()
    ]


def require_not_before(site: Site, at: datetime, original: datetime) -> None:
    """Refuse (`date_before_original`) an event time of a reversal or settlement before its original's (V4)."""
    if at < original:
        zone = ZoneInfo(site.time_zone)
        raise DateBeforeOriginal(
            "{given} is before the original posting, {original}. Enter a later time, or leave it empty.",
            given=at.astimezone(zone),
            original=original.astimezone(zone),
            field="at",
        )


def balances(site: Site, *, item: str = "", location: str = "", with_zero: bool = False) -> QuerySet[Balance]:
    """Return balances; `location` is a path, or a store's code for all of its locations."""
    found = Balance.objects.filter(site=site).select_related("item__stock_unit", "location")
    if not with_zero:
        found = found.exclude(quantity=0)
    if item:
        found = found.filter(item__code=item)
    if location:
        found = (
            found.filter(location__path=location) if "/" in location else found.filter(location__store__code=location)
        )
    return found.order_by("item__code", "location__path", "bin", "batch", "serial")


def items_kept(site: Site, *, item: str = "", location: str = "") -> QuerySet[Item]:
    """Return items with a balance record, zero or not, at a site, store or location, by code."""
    kept = balances(site, item=item, location=location, with_zero=True)
    return Item.objects.filter(pk__in=kept.order_by().values("item")).order_by("code")


def total_at(site: Site, item: Item, location: int) -> Decimal:
    """Return the balance of an item at a location over all bins, batches and serial numbers."""
    there = Balance.objects.filter(site=site, item=item, location=location)
    total: Decimal | None = there.aggregate(total=ExactSum("quantity"))["total"]
    return total if total is not None else ZERO


def totals_at(site: Site, items: Collection[int], locations: Collection[int]) -> dict[tuple[int, int], Decimal]:
    """Return the balances of some items at some locations, by item and location."""
    rows = Balance.objects.filter(site=site, item__in=items, location__in=locations)
    return {
        (item, location): total
        for item, location, total in rows.values_list("item", "location").annotate(total=ExactSum("quantity"))
    }


def transactions(
    site: Site,
    *,
    status: str = "",
    item: str = "",
    location: str = "",
    order: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Movement]:
    """Return movements, newest first; all filters must match. `status` is one of `STATUSES`, `until` is exclusive,
    `location` a path or a store."""
    end = "path" if "/" in location else "store__code"
    filters = (
        (status, with_status(status)),
        (item, Q(item__code=item)),
        (location, Q(**{f"source__{end}": location}) | Q(**{f"target__{end}": location})),
        (order, Q(cost_object__number=order) | Q(cost_object__purchase_line__order__number=order)),
        (since, Q(at__gte=since)),
        (until, Q(at__lt=until)),
    )
    found = movements_named().filter(*(wanted for applies, wanted in filters if applies), site=site)
    return found.order_by(F("at").desc(), F("id").desc())


def has_moved(items: Collection[int]) -> set[int]:
    """Return the items among these with movements: their stock unit, decimals and tracking can't change."""
    moved = Movement.objects.filter(item__in=items).order_by().values_list("item", flat=True)
    archived = ArchivedStretch.objects.filter(item__in=items).values_list("item", flat=True)
    return set(moved.union(archived))


def items_in_use(items: Collection[int]) -> set[int]:
    """Return the items among these with movements or orders: their unit and tracking can't change."""
    ordered = CostObject.objects.filter(item__in=items).values_list("item", flat=True).distinct()
    planned = FrozenLine.objects.filter(component__in=items).values_list("component", flat=True).distinct()
    return has_moved(items) | set(ordered) | set(planned)


def locations_in_use(locations: Collection[int]) -> set[int]:
    """Return the locations among these with movements: their balance and bin settings can't change."""
    # The limit tells the database to stop once it has found all of them.
    most = len(locations)
    came = Movement.objects.filter(target__in=locations).values_list("target", flat=True).distinct()[:most]
    went = Movement.objects.filter(source__in=locations).values_list("source", flat=True).distinct()[:most]
    archived = ArchivedStretch.objects.filter(location__in=locations).values_list("location", flat=True).distinct()
    return {*came, *went, *archived}


def bins_in_use(location: int, bins: Collection[str]) -> set[str]:
    """Return the bins of a location among these that ever held stock."""
    kept = Balance.objects.filter(location=location, bin__in=bins)
    return set(kept.order_by().values_list("bin", flat=True).distinct())


def bins_holding_stock(location: int, bins: Collection[str]) -> set[str]:
    """Return the bins of a location among these that hold stock now."""
    there = Balance.objects.filter(location=location, bin__in=bins, quantity__gt=0)
    return set(there.order_by().values_list("bin", flat=True).distinct())


def holding_stock(locations: Collection[int]) -> set[int]:
    """Return the locations among these that hold stock now."""
    there = Balance.objects.filter(location__in=locations, quantity__gt=0)
    return set(there.order_by().values_list("location", flat=True).distinct())


def sites_in_use(sites: Collection[int]) -> set[int]:
    """Return the sites among these with postings or closings: their time zone can't change."""
    posted = Posting.objects.filter(site__in=sites).order_by().values_list("site", flat=True)
    archived = Archive.objects.filter(site__in=sites).values_list("site", flat=True)
    closed = PeriodClosing.objects.filter(site__in=sites).values_list("site", flat=True)
    return set(posted.union(archived, closed))


def serials_there(site: Site, items: Collection[int], serials: Collection[str]) -> dict[tuple[int, str], str]:
    """Return the location paths of serial numbers in stock, by item and serial number."""
    there = Balance.objects.filter(site=site, item__in=items, serial__in=serials, quantity__gt=0).exclude(serial="")
    return {(item, serial): path for item, serial, path in there.values_list("item", "serial", "location__path")}


def openings_at(site: Site, items: Collection[int]) -> dict[StockKey, tuple[Decimal, datetime]]:
    """Return the opening stock of some items by stock key, with its date; reversed postings are left out."""
    rows = Movement.objects.filter(site=site, item__in=items, posting__process=Process.OPENING)
    taken_back = Posting.objects.filter(site=site, reverses__process=Process.OPENING).values("reverses")
    rows = rows.exclude(posting__in=taken_back)
    stock_keys = rows.values_list("item", "target", "target_bin", "batch", "serial")
    found = stock_keys.annotate(ExactSum("quantity"), Min("at"))
    return {StockKey(*row[:5]): (row[5], row[6]) for row in found.order_by()}


def movements_of(posting: Posting) -> QuerySet[Movement]:
    """Return the movements of a posting, posted and unresolved, in the order of recording."""
    return movements_named().filter(site=posting.site_id, posting=posting).order_by("pk")
