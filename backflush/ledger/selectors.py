from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import F, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from backflush.core.moves import Move, Pot, Process, Status, Tracking
from backflush.core.quantity import ZERO, written
from backflush.core.refusals import DateBeforeOriginal, MoreThanIssued, NotFound
from backflush.fields import ExactSum
from backflush.items.models import Item
from backflush.ledger.models import Balance, Job, Movement, Posting
from backflush.stockmap.models import Location, Site
from backflush.stockmap.selectors import place_of
from backflush.structures.models import FrozenLine


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
    found = Posting.objects.filter(site=site, key__site=site, key__key=key).first()
    if found is None:
        raise NotFound(f"Nothing was posted under the key {key!r}.", field="key")
    return found


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
        .annotate(total=ExactSum("quantity"))
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


def require_not_before(site: Site, at: datetime, original: datetime) -> None:
    """A reversal or settlement has an event time of its own, not before the original's (V4)."""
    if at < original:
        zone = ZoneInfo(site.time_zone)
        given, first = (f"{moment.astimezone(zone):%d %b %Y %H:%M}" for moment in (at, original))
        raise DateBeforeOriginal(
            f"{given} is before the original's {first}. Give a later time, or none.",
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


def items_kept(site: Site, *, item: str = "", location: str = "") -> QuerySet[Item]:
    """The items of which something is or was anywhere at a site, or at a place or store of it, by code."""
    kept = balances(site, item=item, location=location, with_zero=True)
    return Item.objects.filter(pk__in=kept.order_by().values("item")).order_by("code")


def total_at(site: Site, item: Item, location: int) -> Decimal:
    """All of an item at a location, whatever its bins, batches and serials."""
    there = Balance.objects.filter(site=site, item=item, location=location)
    total: Decimal | None = there.aggregate(total=ExactSum("quantity"))["total"]
    return total if total is not None else ZERO


def totals_at(site: Site, items: Collection[int], locations: Collection[int]) -> dict[tuple[int, int], Decimal]:
    """All of some items at some locations, by item and location."""
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
    """Movements, newest first; the filters join with *and*. `until` is not included, `location` a path or a store."""
    end = "path" if "/" in location else "store__code"
    filters = (
        (status, Q(status=status)),
        (item, Q(item__code=item)),
        (location, Q(**{f"source__{end}": location}) | Q(**{f"target__{end}": location})),
        (order, Q(job__number=order) | Q(job__purchase_line__order__number=order)),
        (since, Q(at__gte=since)),
        (until, Q(at__lt=until)),
    )
    found = Movement.objects.filter(*(wanted for asked, wanted in filters if asked), site=site).select_related(
        "item__stock_unit", "source", "target", "job", "posting__by", "rule__action"
    )
    return found.order_by(F("at").desc(), F("id").desc())


def has_moved(items: Collection[int]) -> set[int]:
    """Those of some items that any movement names: their stock unit, decimals and tracking can't change any more."""
    return set(Movement.objects.filter(item__in=items).values_list("item", flat=True).distinct())


def items_in_use(items: Collection[int]) -> set[int]:
    """Those of some items that moved, or that an order is for or counts in: their unit and tracking are settled."""
    ordered = Job.objects.filter(item__in=items).values_list("item", flat=True).distinct()
    planned = FrozenLine.objects.filter(component__in=items).values_list("component", flat=True).distinct()
    return has_moved(items) | set(ordered) | set(planned)


def locations_in_use(locations: Collection[int]) -> set[int]:
    """Those of some locations where anything has moved: how stock is kept there is settled."""
    came = Movement.objects.filter(target__in=locations).values_list("target", flat=True).distinct()
    went = Movement.objects.filter(source__in=locations).values_list("source", flat=True).distinct()
    return {*came, *went}


def bins_in_use(location: int, bins: Collection[str]) -> set[str]:
    """Those of some bins of a location that have held anything."""
    kept = Balance.objects.filter(location=location, bin__in=bins)
    return set(kept.order_by().values_list("bin", flat=True).distinct())


def holding_stock(locations: Collection[int]) -> set[int]:
    """Those of some locations where there is anything now."""
    there = Balance.objects.filter(location__in=locations, quantity__gt=0)
    return set(there.order_by().values_list("location", flat=True).distinct())


def sites_in_use(sites: Collection[int]) -> set[int]:
    """Those of some sites where anything was posted: their days are settled."""
    return set(Posting.objects.filter(site__in=sites).values_list("site", flat=True).distinct())


def serials_there(site: Site, items: Collection[int], serials: Collection[str]) -> dict[tuple[int, str], str]:
    """Where some serial numbers of some items are in stock: the location's path, by item and serial number."""
    there = Balance.objects.filter(site=site, item__in=items, serial__in=serials, quantity__gt=0).exclude(serial="")
    return {(item, serial): path for item, serial, path in there.values_list("item", "serial", "location__path")}


def openings_at(site: Site, items: Collection[int]) -> dict[Pot, tuple[Decimal, datetime]]:
    """The opening stock of some items by pot, with the day that it was entered for."""
    rows = Movement.objects.filter(site=site, item__in=items, posting__process=Process.OPENING)
    pots = rows.values_list("item", "target", "target_bin", "batch", "serial")
    found = pots.annotate(ExactSum("quantity"), Min("at"))
    return {Pot(*row[:5]): (row[5], row[6]) for row in found.order_by()}


@dataclass(frozen=True, slots=True)
class BalanceAt:
    """What was in a pot at a moment of the past, by event time.

    It may be below zero where something was recorded later than it happened: *never negative* is a promise about
    the present (B9).
    """

    item: str
    unit: str
    location: str
    bin: str
    batch: str
    serial: str
    quantity: Decimal
    decimals: int = 0
    description: str = ""

    @property
    def negative(self) -> bool:
        """Whether the past shows less than nothing here."""
        return self.quantity < 0


def balances_at(
    site: Site, moment: datetime, *, item: str = "", location: str = "", items: Collection[int] | None = None
) -> list[BalanceAt]:
    """What was there at a moment, pot by pot, by event time, zeros left out; of one item, of some, or of all.

    All movements up to it are added up; or, where that is fewer, all since are taken off what is there now. Places
    are sorted out afterwards, because a database that goes by place reads far more than one that goes by item.
    """
    moved = Movement.objects.filter(site=site, status=Status.OK)
    if item:
        items = list(Item.objects.filter(code=item).values_list("pk", flat=True))
    if items is not None:
        moved = moved.filter(item__in=items)
    totals: dict[Pot, Decimal] = {}
    if _nearer_the_end(site, moment):
        there = Balance.objects.filter(site=site).exclude(quantity=0)
        there = there if items is None else there.filter(item__in=items)
        totals = {Pot(*names): quantity for *names, quantity in there.values_list(*_POT, "quantity")}
        _add(totals, moved.filter(at__gt=moment), sign=-1)
    else:
        _add(totals, moved.filter(at__lte=moment), sign=1)
    paths = _paths(site, location)
    return _named({pot: total for pot, total in totals.items() if total and pot.location in paths}, paths)


_POT = ("item", "location", "bin", "batch", "serial")


def _paths(site: Site, location: str) -> dict[int, str]:
    """The places of a site that keep balances, or that of a path, or those of a store."""
    kept = Location.objects.filter(site=site, has_balance=True)
    if location:
        kept = kept.filter(path=location) if "/" in location else kept.filter(store__code=location)
    return dict(kept.values_list("pk", "path"))


def _nearer_the_end(site: Site, moment: datetime) -> bool:
    """Whether less has probably happened since a moment than before it."""
    times = Movement.objects.filter(site=site).order_by("at", "id").values_list("at", flat=True)
    first, last = times.first(), times.last()
    return first is not None and last is not None and moment - first > last - moment


def _add(totals: dict[Pot, Decimal], moved: QuerySet[Movement], *, sign: int) -> None:
    """Add movements to the pots that they filled, and take them off those that they emptied; or the other way."""
    for end, way in (("target", sign), ("source", -sign)):
        pots = moved.values_list("item", end, f"{end}_bin", "batch", "serial").annotate(total=ExactSum("quantity"))
        for *names, total in pots.order_by():
            pot = Pot(*names)
            totals[pot] = totals.get(pot, ZERO) + way * total


def _named(totals: Mapping[Pot, Decimal], paths: Mapping[int, str]) -> list[BalanceAt]:
    """Pots by the names that people know them by, in order of these."""
    items = Item.objects.select_related("stock_unit").in_bulk({pot.item for pot in totals})
    named = [
        BalanceAt(
            items[pot.item].code,
            items[pot.item].stock_unit.code,
            paths[pot.location],
            pot.bin,
            pot.batch,
            pot.serial,
            total,
            items[pot.item].quantity_decimals,
            items[pot.item].description,
        )
        for pot, total in totals.items()
    ]
    return sorted(named, key=lambda one: (one.item, one.location, one.bin, one.batch, one.serial))


def movements_of(posting: Posting) -> QuerySet[Movement]:
    """What a posting moved and what waited of it, as it was recorded."""
    found = Movement.objects.filter(site=posting.site_id, posting=posting)
    return found.select_related("item__stock_unit", "source", "target", "job", "posting__by", "rule__action").order_by(
        "pk"
    )
