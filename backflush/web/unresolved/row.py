"""How an unresolved movement reads: why it waits now, for what, and since when. The queue and Home say it alike."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from backflush.core.moves import Reason
from backflush.core.quantity import ZERO
from backflush.dashboard.backflush_errors import standard
from backflush.ledger.models import Movement
from backflush.web.display import badges, formats


@dataclass(frozen=True, slots=True)
class Reading:
    """A movement with what is there for it now; None where its place keeps no balance, which is never short."""

    movement: Movement
    there: Decimal | None

    @property
    def due(self) -> Decimal:
        """What should have moved."""
        due: Decimal | None = self.movement.due
        assert due is not None, "what waits is due"
        return due

    @property
    def needs_choice(self) -> bool:
        """Whether a person must say which batch, serials or bin it was."""
        return self.movement.reason in badges.CHOICE

    @property
    def short_by(self) -> Decimal:
        """How much more it would take."""
        return max(self.due - self.there, ZERO) if self.there is not None else ZERO

    @property
    def left(self) -> Decimal | None:
        """What would be left of what is there."""
        return None if self.there is None else self.there - self.due

    @property
    def value(self) -> Decimal:
        """What is due at the item's standard cost of its moment; its movement's cost must have been read."""
        return self.due * standard(self.movement.cost)

    @property
    def fits(self) -> bool:
        """Whether it could move as it stands."""
        return not self.needs_choice and not self.short_by

    @property
    def sign(self) -> badges.Sign:
        """Which batch? · fits now · short 11."""
        if self.needs_choice:
            return badges.CHOICE[Reason(self.movement.reason)]
        if self.fits:
            return badges.FITS
        amount = formats.number(self.short_by, self.movement.item.quantity_decimals)
        return badges.Sign("status-badge-wait", icon="hourglass", word=_("short %(amount)s") % {"amount": amount})

    @property
    def cost_object(self) -> str:
        """The order that it is for; empty for production without order."""
        return self.movement.cost_object.number if self.movement.cost_object else ""


def reading_of(movement: Movement, there: Decimal | None) -> Reading:
    """How a movement reads."""
    return Reading(movement, there)
