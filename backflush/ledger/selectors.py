from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Coalesce

from backflush.core.moves import Move, Status, Tracking
from backflush.core.quantity import ZERO, written
from backflush.core.refusals import DateBeforeOriginal, MoreThanIssued, NotFound
from backflush.items.models import Item
from backflush.ledger.models import Balance, Job, Key, Movement, Posting
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import place_of


def waiting_movements(site: Site) -> QuerySet[Movement]:
    """What is unresolved, oldest first: by event time of the booking, then by order of recording (U7).

    A kept remainder stands where the movement stood that it goes back to.
    """
    return (
        Movement.objects.filter(site=site, status=Status.UNRESOLVED)
        .select_related("item__stock_unit", "source", "target", "job", "posting__by", "rule__action")
        .order_by("at", Coalesce("origin", "id"), "id")
    )


def movement_numbered(site: Site, number: int) -> Movement:
    """One movement, by its number."""
    movement = (
        Movement.objects.filter(site=site, pk=number)
        .select_related("item__stock_unit", "source", "target", "job", "posting__by", "rule__action", "line", "cost")
        .first()
    )
    if movement is None:
        raise NotFound(f"There is no movement {number}.", field="movement")
    return movement


def posting_keyed(site: Site, key: str) -> Posting:
    """What was posted under a caller's key."""
    found = Key.objects.filter(site=site, key=key).select_related("posting").first()
    if found is None:
        raise NotFound(f"Nothing was posted under the key {key!r}.", field="key")
    return found.posting


def posting_numbered(site: Site, number: int) -> Posting:
    """One posting, by its number."""
    posting = Posting.objects.filter(site=site, pk=number).first()
    if posting is None:
        raise NotFound(f"There is no posting {number}.", field="posting")
    return posting


def move_of(movement: Movement) -> Move:
    """A recorded movement as the core knows it; one that waits, with the whole of what is due."""
    return Move(
        item=movement.item_id,
        quantity=movement.quantity if movement.due is None else movement.due,
        source=place_of(movement.source, movement.source_bin),
        target=place_of(movement.target, movement.target_bin),
        cost=movement.cost_id,
        tracking=Tracking(movement.item.tracking),
        batch=movement.batch,
        serial=movement.serial,
        job=movement.job_id,
        charged=movement.charged,
        rule=movement.rule_id,
        line=movement.line_id,
        resolves=movement.resolves_id,
        reverses=movement.reverses_id,
        origin=movement.origin_id,
    )


def had_by_job(job: int, items: Collection[int]) -> dict[int, Decimal]:
    """What a job has had of some items: assumed, resolved and issued, less returned and reversed (B4)."""
    rows = (
        Movement.objects.filter(job=job, item__in=items)
        .exclude(charged=0)
        .values_list("item", "charged")
        .annotate(total=Sum("quantity"))
    )
    had = dict.fromkeys(items, ZERO)
    for item, charged, total in rows:
        had[item] += charged * total
    return had


def require_had(job: Job, moves: Iterable[Move]) -> None:
    """Refuse to give back more than a job has had, of any item (`more_than_issued`). The job must be locked."""
    back: dict[int, Decimal] = {}
    for move in moves:
        back[move.item] = back.get(move.item, ZERO) - move.charged * move.quantity
    going_back = {item: quantity for item, quantity in back.items() if quantity > 0}
    if not going_back:
        return
    had = had_by_job(job.pk, going_back.keys())
    over = [item for item, quantity in going_back.items() if quantity > had[item]]
    if over:
        sentences = _over_sentences(job, {item: (had[item], going_back[item]) for item in over})
        raise MoreThanIssued(sentences[0], field="quantity", details=sentences[1:])


def _over_sentences(job: Job, over: Mapping[int, tuple[Decimal, Decimal]]) -> list[str]:
    items = Item.objects.select_related("stock_unit").in_bulk(over)
    return [
        f"{job.number} has had {written(had)} {items[item].stock_unit.code} of {items[item].code}; "
        f"{written(back)} can't go back."
        for item, (had, back) in over.items()
    ]


def require_not_before(at: datetime, original: datetime) -> None:
    """A reversal or settlement has an event time of its own, not before the original's (V4)."""
    if at < original:
        raise DateBeforeOriginal(
            f"{at:%d %b %Y %H:%M} is before the original's {original:%d %b %Y %H:%M} (UTC). "
            "Give a later time, or none.",
            field="at",
        )


def balances(site: Site, *, item: str = "", location: str = "", with_zero: bool = False) -> QuerySet[Balance]:
    """What is there, pot by pot; `location` is a path, or a store's code for all of its locations."""
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


def total_at(site: Site, item: Item, location: int) -> Decimal:
    """All of an item at a location, whatever its bins, batches and serials."""
    total = Balance.objects.filter(site=site, item=item, location=location).aggregate(total=Sum("quantity"))["total"]
    return total if total is not None else ZERO


def totals_at(site: Site, items: Collection[int], locations: Collection[int]) -> dict[tuple[int, int], Decimal]:
    """All of some items at some locations, by item and location."""
    rows = Balance.objects.filter(site=site, item__in=items, location__in=locations)
    return {
        (item, location): total
        for item, location, total in rows.values_list("item", "location").annotate(total=Sum("quantity"))
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
    """Movements, newest first; the filters join with *and*. `until` is not included."""
    found = Movement.objects.filter(site=site).select_related(
        "item__stock_unit", "source", "target", "job", "posting__by", "rule__action"
    )
    if status:
        found = found.filter(status=status)
    if item:
        found = found.filter(item__code=item)
    if location:
        found = found.filter(source__path=location) | found.filter(target__path=location)
    if order:
        found = found.filter(job__number=order) | found.filter(job__purchase_line__order__number=order)
    if since:
        found = found.filter(at__gte=since)
    if until:
        found = found.filter(at__lt=until)
    return found.order_by(F("at").desc(), F("id").desc())


def has_moved(items: Collection[int]) -> set[int]:
    """Those of some items that any movement names: their stock unit, decimals and tracking can't change any more."""
    return set(Movement.objects.filter(item__in=items).values_list("item", flat=True).distinct())
