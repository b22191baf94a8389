"""The bin card: what came to a place and left it, of one item, with what was there after each."""

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
    """A movement as the place sees it: `came` or `went`, both where it was from bin to bin, and what was there then.

    By event time, so `after` may be below zero where something was recorded later than it happened (B9).
    """

    movement: Movement
    came: Decimal
    went: Decimal
    after: Decimal

    @property
    def negative(self) -> bool:
        """Whether the past shows less than nothing here."""
        return self.after < 0


def card_movements(site: Site, item: Item, location: Location) -> QuerySet[Movement]:
    """What moved of an item to or from a place, newest first.

    Where little moved at the place at all, that is named one by one: an item may have moved a hundred thousand times.
    """
    here = Movement.objects.filter(Q(source=location) | Q(target=location))
    found = here.filter(site=site, item=item, status=Status.OK)
    if (few := few_of(here)) is not None:
        found = found.filter(pk__in=few)
    return found.order_by(F("at").desc(), F("id").desc())


def card_lines(site: Site, item: Item, location: Location, rows: Sequence[Movement]) -> list[CardLine]:
    """Some movements in a row of a card, newest first, with the running balance.

    It is counted back from what is there now, so the newest page, which is looked at most, adds nothing up.
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
    """By how much the movements after one have changed what is there."""
    later = Movement.objects.filter(
        Q(at__gt=row.at) | Q(at=row.at, pk__gt=row.pk), site=site, item=item, status=Status.OK, at__gte=row.at
    )
    came = later.filter(target=location).aggregate(total=ExactSum("quantity"))["total"]
    went = later.filter(source=location).aggregate(total=ExactSum("quantity"))["total"]
    return (came or ZERO) - (went or ZERO)
