from django.db import models
from django.db.models import Q

from backflush.db.fields import WithinSite
from backflush.ledger.models import Posting
from backflush.stockmap.models import Site


class TransferDirection(models.TextChoices):
    """Which end of a consignment a site has."""

    SENT = "sent"
    ARRIVED = "arrived"


class StockTransfer(models.Model):
    """One site's end of stock that goes from site to site: what it sent, or what it took in.

    Each site keeps its own, because each may be on a server of its own, and one of them may be down. `number` names
    it at both ends. `arrived_at` is for what was sent: when this site heard that the `other` had taken it in.
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
