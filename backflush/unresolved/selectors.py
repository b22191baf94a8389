"""The queue of unresolved movements, the stock there is for them, and candidates to resolve them from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import F, Min, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from backflush.core.moves import Reason, Status
from backflush.core.quantity import ZERO
from backflush.core.refusals import InvalidValue
from backflush.db.fields import QuantityField
from backflush.items.models import Batch
from backflush.ledger.models import Balance, Movement
from backflush.ledger.selectors import totals_at, waiting_movements
from backflush.stockmap.models import Location, Site
from backflush.stockmap.selectors import day_at
from backflush.unresolved.models import Settlement


def queue(
    site: Site, *, item: str = "", location: str = "", order: str = "", supplier: str = "", reason: str = ""
) -> QuerySet[Movement]:
    """Return unresolved movements, oldest first, to which all of the filters apply; raises `InvalidValue`.

    `location` is a path, or a store's code for all of its locations; `order` a works or purchase order; `supplier` the
    one whose order or free-issue stock it is.
    """
    found = waiting_movements(site)
    if reason and reason not in set(Reason):
        raise InvalidValue(
            "There is no reason '{reason}'. Choose one of: {reasons}.",
            reason=reason,
            reasons=list(Reason),
            field="reason",
        )
    if item:
        found = found.filter(item__code=item)
    if location:
        found = found.filter(source__path=location) if "/" in location else found.filter(source__store__code=location)
    if order:
        found = found.filter(Q(cost_object__number=order) | Q(cost_object__purchase_line__order__number=order))
    if supplier:
        found = found.filter(
            Q(source__supplier__code=supplier) | Q(cost_object__purchase_line__order__supplier__code=supplier)
        )
    return found.filter(reason=reason) if reason else found


def fits_now(found: QuerySet[Movement]) -> QuerySet[Movement]:
    """Return those movements that are short no longer: the due quantity is at the planned source. Each by itself."""
    return _with_there(found).filter(reason=Reason.SHORT, due__lte=F("there"))


def short_now(found: QuerySet[Movement]) -> QuerySet[Movement]:
    """Return those movements that are still short."""
    return _with_there(found).filter(reason=Reason.SHORT, due__gt=F("there"))


def needing_choice(found: QuerySet[Movement]) -> QuerySet[Movement]:
    """Return those movements for which a person must choose the batch, serial numbers or bin."""
    # Both conditions: PostgreSQL looks the reasons up in an index, SQLite chooses the index by what is left out.
    return found.filter(reason__in=[reason for reason in Reason if reason != Reason.SHORT]).exclude(reason=Reason.SHORT)


def waiting_outside(site: Site) -> list[int]:
    """Return the locations without balances that are the source of unresolved movements: these are never short (U1)."""
    outside = list(Location.objects.filter(site=site, has_balance=False).values_list("pk", flat=True))
    waiting = Movement.objects.filter(site=site, status=Status.UNRESOLVED, source__in=outside)
    return list(waiting.order_by().values_list("source", flat=True).distinct()[: len(outside)])


def _with_there(found: QuerySet[Movement]) -> QuerySet[Movement]:
    # A look-up in the unique index of balances for each row, so that movements are read once.
    of_the_same = Balance.objects.filter(site=OuterRef("site"), item=OuterRef("item"), location=OuterRef("source"))
    total = of_the_same.order_by().values("item").annotate(total=Sum("quantity")).values("total")
    return found.annotate(there=Coalesce(Subquery(total), Value(ZERO), output_field=QuantityField()))


def settlement_of(movement: Movement) -> Settlement | None:
    """Return the standing settlement of a movement, with its posting; None while it is unresolved."""
    return (
        Settlement.objects.filter(site=movement.site_id, movement=movement, undone_by__isnull=True)
        .select_related("posting__by")
        .first()
    )


def last_settlement(site: Site) -> Settlement | None:
    """Return the latest settlement at a site that still stands, with its posting."""
    settled = Settlement.objects.filter(site=site, undone_by__isnull=True).select_related("posting__by")
    return settled.order_by("-pk").first()


def there_now(site: Site, waiting: Iterable[Movement]) -> dict[int, Decimal | None]:
    """Return the stock at the source of each movement, by its number; None where no balance is kept.

    All bins, batches and serial numbers together, because the movement may need a choice between them.
    """
    rows = list(waiting)
    totals = totals_at(site, {row.item_id for row in rows}, {row.source_id for row in rows})
    return {row.pk: totals.get((row.item_id, row.source_id), ZERO) if row.source.has_balance else None for row in rows}


@dataclass(frozen=True, slots=True)
class Candidate:
    """Stock that an unresolved movement could be resolved from."""

    balance: Balance
    planned: bool
    expires_on: date | None
    expired: bool = False


def candidates(waiting: Movement) -> list[Candidate]:
    """Return the stock that a movement could be resolved from.

    First the planned source, by expiry and then by arrival (T2); then other locations, those with enough stock first.
    Expired batches are last (X5).
    """
    there = list(
        Balance.objects.filter(site=waiting.site_id, item=waiting.item_id, quantity__gt=0).select_related("location")
    )
    expiry = dict(Batch.objects.filter(item=waiting.item_id).values_list("code", "expires_on"))
    today = day_at(waiting.site, timezone.now())
    # The arrival matters only where several stock keys share a location; for the others no movement is read.
    shared = len({balance.location_id for balance in there}) < len(there)
    arrived = _first_in(waiting, there) if shared else {}
    offered = [
        Candidate(
            balance,
            balance.location_id == waiting.source_id,
            expires_on := expiry.get(balance.batch),
            expired=expires_on is not None and expires_on < today,
        )
        for balance in there
    ]
    return sorted(
        offered,
        key=lambda one: (
            one.expired,
            not one.planned,
            not one.planned and waiting.due is not None and one.balance.quantity < waiting.due,
            one.balance.location.path if not one.planned else "",
            one.expires_on or date.max,
            arrived.get(_stock_key(one.balance), 0),
            one.balance.pk,
        ),
    )


def _first_in(waiting: Movement, there: Sequence[Balance]) -> dict[tuple[int, str, str, str], int]:
    """Return the first movement into each stock key that isn't empty."""
    rows = (
        Movement.objects.filter(
            site=waiting.site_id,
            item=waiting.item_id,
            target__in={balance.location_id for balance in there},
            status=Status.OK,
        )
        .values_list("target", "target_bin", "batch", "serial")
        .annotate(first=Min("pk"))
    )
    return {(location, bin, batch, serial): first for location, bin, batch, serial, first in rows}


def _stock_key(balance: Balance) -> tuple[int, str, str, str]:
    return balance.location_id, balance.bin, balance.batch, balance.serial


@dataclass(frozen=True, slots=True)
class Fate:
    """The later history of a movement: how it was settled, undone or reversed.

    `settlements` are its own, undone ones too, the latest first; `settled_by` the movements of its resolutions;
    `kept_by` the settlement of which it is the remainder; `taken_back_by` the movement that reversed it.
    """

    settlements: list[Settlement]
    settled_by: list[Movement]
    kept_by: Settlement | None
    taken_back_by: Movement | None


def fate_of(movement: Movement) -> Fate:
    """Return what happened to a movement after it was posted."""
    named = ("posting__by", "undone_by__by", "kept", "movement")
    settlements = Settlement.objects.select_related(*named)
    moved = Movement.objects.filter(resolves=movement).select_related("item__stock_unit", "source", "posting")
    return Fate(
        settlements=list(settlements.filter(movement=movement).order_by("-pk")),
        settled_by=list(moved.order_by("pk")),
        kept_by=settlements.filter(kept=movement).first(),
        taken_back_by=Movement.objects.filter(reverses=movement).select_related("posting__by").first(),
    )
