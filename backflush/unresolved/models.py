from django.db import models
from django.db.models import Q

from backflush.db.fields import QuantityField, WithinSite
from backflush.ledger.models import Movement, Posting
from backflush.stockmap.models import Site


class SettlementOutcome(models.TextChoices):
    """How an unresolved movement was settled."""

    RESOLVED = "resolved"
    CANCELLED = "cancelled"


class Settlement(models.Model):
    """How an unresolved movement was settled: due = moved + dropped + the due of `kept`; all are 0 if it was cancelled.

    Quantities are in the stock unit. `dropped` is negative where more was used than was due (U8). `kept` is the
    remainder as a new unresolved movement. A settlement that was undone doesn't count.
    """

    site = models.ForeignKey(Site, models.PROTECT, db_index=False, related_name="+")
    movement = WithinSite(Movement, models.PROTECT, related_name="settlements")
    posting = WithinSite(Posting, models.PROTECT, related_name="settlements")
    outcome = models.CharField(max_length=10, choices=SettlementOutcome.choices)
    moved = QuantityField(default=0)
    dropped = QuantityField(default=0)
    kept = WithinSite(Movement, models.PROTECT, null=True, db_index=False, related_name="kept_by")
    remarks = models.CharField(max_length=500, blank=True)
    undone_by = WithinSite(Posting, models.PROTECT, null=True, db_index=False, related_name="undid")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "movement"], condition=Q(undone_by__isnull=True), name="settled_once"
            )
        ]
        indexes = [
            models.Index(fields=["kept"], condition=Q(kept__isnull=False), name="settlement_keeping"),
            models.Index(fields=["undone_by"], condition=Q(undone_by__isnull=False), name="settlement_undone"),
        ]
