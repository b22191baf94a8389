from django.db import models
from django.db.models import Q

from backflush.fields import QuantityField
from backflush.ledger.models import Movement, Posting
from backflush.stockmap.models import Site


class Outcome(models.TextChoices):
    """What became of an unresolved movement."""

    RESOLVED = "resolved"
    CANCELLED = "cancelled"


class Settlement(models.Model):
    """What became of an unresolved movement: due = moved + dropped + what is kept (cancelled: nothing of these).

    `dropped` is below zero where more was used than was due (U8). An undone settlement no longer counts.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    movement = models.ForeignKey(Movement, models.PROTECT, related_name="settlements")
    posting = models.ForeignKey(Posting, models.PROTECT, related_name="settlements")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    moved = QuantityField(default=0)
    dropped = QuantityField(default=0)
    kept = models.ForeignKey(Movement, models.PROTECT, null=True, related_name="kept_by")
    remarks = models.CharField(max_length=500, blank=True)
    undone_by = models.ForeignKey(Posting, models.PROTECT, null=True, related_name="undid")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "movement"], condition=Q(undone_by__isnull=True), name="settled_once"
            )
        ]
