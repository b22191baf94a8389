from django.db import models
from django.db.models import Q

from backflush.db.fields import WithinSite
from backflush.ledger.models import Posting
from backflush.stockmap.models import Site


class TransferDirection(models.TextChoices):
    """Whether a site sent or received a transfer."""

    SENT = "sent"
    ARRIVED = "arrived"


class StockTransfer(models.Model):
    """One site's record of a stock transfer between sites: what it sent, or what it received.

    Each site keeps its own record, because each may be on a server of its own, and one may be down. `number` is the
    same at both sites. `arrived_at` of a sent transfer is the receipt of the `other` site, once this site knows of it.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    way = models.CharField(max_length=10, choices=TransferDirection.choices)
    other = models.ForeignKey(Site, models.PROTECT, related_name="+")
    number = models.CharField(max_length=100)
    posting = WithinSite(
        Posting, models.PROTECT, db_index=False, related_name="transfers", related_query_name="transfer"
    )
    arrived_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "handling_consignment"
        constraints = [
            models.UniqueConstraint(fields=["site", "way", "other", "number"], name="consignment_number_once"),
            # The posting first, so that this one index serves look-ups by it too.
            models.UniqueConstraint(fields=["posting", "site"], name="one_consignment_each_posting"),
        ]
        indexes = [
            models.Index(
                fields=["site", "id"],
                condition=Q(way=TransferDirection.SENT, arrived_at__isnull=True),
                name="consignment_still_open",
            )
        ]

    def __str__(self) -> str:
        return self.number
