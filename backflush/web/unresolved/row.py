"""An unresolved movement for display: the reason, the order, and its age. Used by the queue and by Home."""

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
    """A movement with the stock available now; None if its place keeps no balance, which is never short."""

    movement: Movement
    there: Decimal | None

    @property
    def due(self) -> Decimal:
        """The quantity due."""
        due: Decimal | None = self.movement.due
        assert due is not None, "an unresolved movement has a quantity due"
        return due

    @property
    def needs_choice(self) -> bool:
        """Whether a user must give the batch, serial numbers or bin."""
        return self.movement.reason in badges.CHOICE

    @property
    def short_by(self) -> Decimal:
        """The missing quantity."""
        return max(self.due - self.there, ZERO) if self.there is not None else ZERO

    @property
    def left(self) -> Decimal | None:
        """The stock that would be left."""
        return None if self.there is None else self.there - self.due

    @property
    def value(self) -> Decimal:
        """The value of the quantity due, at the item's standard cost of the moment. The movement's cost must be
        loaded."""
        return self.due * standard(self.movement.cost)

    @property
    def fits(self) -> bool:
        """Whether it can be settled now."""
        return not self.needs_choice and not self.short_by

    @property
    def badge(self) -> badges.Badge:
        """The badge: which batch?, fits now, or short 11."""
        if self.needs_choice:
            return badges.CHOICE[Reason(self.movement.reason)]
        if self.fits:
            return badges.FITS
        amount = formats.number(self.short_by, self.movement.item.quantity_decimals)
        return badges.Badge("status-badge-wait", icon="hourglass", word=_("short %(amount)s") % {"amount": amount})

    @property
    def cost_object(self) -> str:
        """The order's number; empty for production without order."""
        return self.movement.cost_object.number if self.movement.cost_object else ""


def reading_of(movement: Movement, there: Decimal | None) -> Reading:
    """Return a movement for display."""
    return Reading(movement, there)
