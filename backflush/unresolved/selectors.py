"""Questions about what waits: the queue, what is there for it now, and what it could be taken from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import F, Min, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from backflush.core.moves import Reason, Status
from backflush.core.quantity import ZERO
from backflush.core.refusals import InvalidValue
from backflush.db.fields import QuantityField
from backflush.items.models import Batch
from backflush.ledger.models import Balance, Movement
from backflush.ledger.selectors import totals_at, waiting_movements
from backflush.stockmap.models import Location, Site
from backflush.unresolved.models import Settlement


def queue(
    site: Site, *, item: str = "", location: str = "", order: str = "", supplier: str = "", reason: str = ""
) -> QuerySet[Movement]:
    """What is unresolved, oldest first; the filters join with *and*.

    `location` is a path, or a store's code for all of its locations; `order` a works or purchase order; `supplier`
    whoever's order or stock it is about.
    """
    found = waiting_movements(site)
    if reason and reason not in set(Reason):
        raise InvalidValue(f"{reason!r} is none of {', '.join(Reason)}.", field="reason")
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
    """Those of some that are short no longer: as much as is due is at the planned place. Each by itself."""
    return _with_there(found).filter(reason=Reason.SHORT, due__lte=F("there"))


def short_now(found: QuerySet[Movement]) -> QuerySet[Movement]:
    """Those of some that are short still."""
    return _with_there(found).filter(reason=Reason.SHORT, due__gt=F("there"))


def needing_choice(found: QuerySet[Movement]) -> QuerySet[Movement]:
    """Those of some that wait for someone to say which batch, serials or bin."""
    # Said twice: PostgreSQL asks an index by the reasons, SQLite knows by what is left out which index has them all.
    return found.filter(reason__in=[reason for reason in Reason if reason != Reason.SHORT]).exclude(reason=Reason.SHORT)


def waiting_outside(site: Site) -> list[int]:
    """The places without balances from which something waits: what is due there is never short (U1)."""
    outside = list(Location.objects.filter(site=site, has_balance=False).values_list("pk", flat=True))
    waiting = Movement.objects.filter(site=site, status=Status.UNRESOLVED, source__in=outside)
    return list(waiting.order_by().values_list("source", flat=True).distinct()[: len(outside)])


def _with_there(found: QuerySet[Movement]) -> QuerySet[Movement]:
    # Asked of the balances, row by row through their unique index; the ledger itself is read once.
    of_the_same = Balance.objects.filter(site=OuterRef("site"), item=OuterRef("item"), location=OuterRef("source"))
    total = of_the_same.order_by().values("item").annotate(total=Sum("quantity")).values("total")
    return found.annotate(there=Coalesce(Subquery(total), Value(ZERO), output_field=QuantityField()))


def settlement_of(movement: Movement) -> Settlement | None:
    """What became of a movement, with who and when; None as long as it waits."""
    return (
        Settlement.objects.filter(site=movement.site_id, movement=movement, undone_by__isnull=True)
        .select_related("posting__by")
        .first()
    )


def last_settlement(site: Site) -> Settlement | None:
    """What was settled last, and is settled still: who has emptied the queue."""
    settled = Settlement.objects.filter(site=site, undone_by__isnull=True).select_related("posting__by")
    return settled.order_by("-pk").first()


def there_now(site: Site, waiting: Iterable[Movement]) -> dict[int, Decimal | None]:
    """How much is where each of some movements would take it from, by its number; None where no balance is kept.

    Bins, batches and serials together: which of them it was is what the choice is about.
    """
    rows = list(waiting)
    totals = totals_at(site, {row.item_id for row in rows}, {row.source_id for row in rows})
    return {row.pk: totals.get((row.item_id, row.source_id), ZERO) if row.source.has_balance else None for row in rows}


@dataclass(frozen=True, slots=True)
class Candidate:
    """Stock that something unresolved could have come from."""

    balance: Balance
    planned: bool
    expires_on: date | None


def candidates(waiting: Movement) -> list[Candidate]:
    """Where it could have come from: the planned place, first expired and first in at the top (T2), then the others.

    Of the others those come first that have enough.
    """
    there = list(
        Balance.objects.filter(site=waiting.site_id, item=waiting.item_id, quantity__gt=0).select_related("location")
    )
    expiry = dict(Batch.objects.filter(item=waiting.item_id).values_list("code", "expires_on"))
    # Which was first in matters only where several pots share a place; of the others the ledger isn't asked.
    shared = len({balance.location_id for balance in there}) < len(there)
    arrived = _first_in(waiting, there) if shared else {}
    offered = [
        Candidate(balance, balance.location_id == waiting.source_id, expiry.get(balance.batch)) for balance in there
    ]
    return sorted(
        offered,
        key=lambda one: (
            not one.planned,
            not one.planned and waiting.due is not None and one.balance.quantity < waiting.due,
            one.balance.location.path if not one.planned else "",
            one.expires_on or date.max,
            arrived.get(_stock_key(one.balance), 0),
            one.balance.pk,
        ),
    )


def _first_in(waiting: Movement, there: Sequence[Balance]) -> dict[tuple[int, str, str, str], int]:
    """The first movement into each pot that has something."""
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
    """What a movement goes back to, and what has become of it.

    `settlements` with those that were undone, the latest first; `kept_by` is the settlement of which it is the rest.
    """

    settlements: list[Settlement]
    settled_by: list[Movement]
    kept_by: Settlement | None
    taken_back_by: Movement | None


def fate_of(movement: Movement) -> Fate:
    """What became of a movement."""
    named = ("posting__by", "undone_by__by", "kept", "movement")
    settlements = Settlement.objects.select_related(*named)
    moved = Movement.objects.filter(resolves=movement).select_related("item__stock_unit", "source", "posting")
    return Fate(
        settlements=list(settlements.filter(movement=movement).order_by("-pk")),
        settled_by=list(moved.order_by("pk")),
        kept_by=settlements.filter(kept=movement).first(),
        taken_back_by=Movement.objects.filter(reverses=movement).select_related("posting__by").first(),
    )
