"""The bin card: the movements of one item to and from a place, each with the balance after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import F, Q, QuerySet

from backflush.core.moves import Status
from backflush.core.quantity import ZERO
from backflush.db.fields import ExactSum
from backflush.items.models import Item
from backflush.ledger.models import Movement
from backflush.ledger.movement_list import few_of
from backflush.ledger.selectors import total_at
from backflush.stockmap.models import Location, Site


@dataclass(frozen=True, slots=True)
class CardLine:
    """A movement as seen from the place: `came` or `went` (both, if it moved between bins), and the balance after it.

    Ordered by event time, so `after` can be negative if something was recorded late (B9).
    """

    movement: Movement
    came: Decimal
    went: Decimal
    after: Decimal

    @property
    def negative(self) -> bool:
        """Whether the past balance is negative."""
        return self.after < 0


def card_movements(site: Site, item: Item, location: Location) -> QuerySet[Movement]:
    """Return the movements of an item to or from a place, newest first.

    At a place with few movements these are selected by primary key, because the item may have moved a hundred thousand
    times.
    """
    here = Movement.objects.filter(Q(source=location) | Q(target=location))
    found = here.filter(site=site, item=item, status=Status.OK)
    if (few := few_of(here)) is not None:
        found = found.filter(pk__in=few)
    return found.order_by(F("at").desc(), F("id").desc())


def card_lines(site: Site, item: Item, location: Location, rows: Sequence[Movement]) -> list[CardLine]:
    """Return consecutive movements of a bin card, newest first, with the running balance.

    It is computed backwards from the present balance, so the newest page, which is read most, needs no sums.
    """
    if not rows:
        return []
    after = total_at(site, item, location.pk) - _since(site, item, location, rows[0])
    lines = []
    for row in rows:
        came = row.quantity if row.target_id == location.pk else ZERO
        went = row.quantity if row.source_id == location.pk else ZERO
        lines.append(CardLine(row, came, went, after))
        after += went - came
    return lines


def _since(site: Site, item: Item, location: Location, row: Movement) -> Decimal:
    """Return the change of the balance by the movements after one."""
    later = Movement.objects.filter(
        Q(at__gt=row.at) | Q(at=row.at, pk__gt=row.pk), site=site, item=item, status=Status.OK, at__gte=row.at
    )
    came = later.filter(target=location).aggregate(total=ExactSum("quantity"))["total"]
    went = later.filter(source=location).aggregate(total=ExactSum("quantity"))["total"]
    return (came or ZERO) - (went or ZERO)
