from django.db import models

from backflush.fields import QuantityField
from backflush.items.models import Item, TypeCode
from backflush.ledger.models import Job, Posting
from backflush.stockmap.models import Site, TransferRule
from backflush.structures.models import FrozenStructure


class Booking(models.Model):
    """What was reported made or received, and the structure that its use was assumed from.

    `good` (accepted) and `scrap` (rejected) are in the order's unit, `quantity` is both in the stock unit.
    `assumed` is false where the type code had no backflush action (B3). `type_code` and `rule` are
    those that chose where from and to.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    posting = models.OneToOneField(Posting, models.PROTECT, related_name="booking")
    job = models.ForeignKey(Job, models.PROTECT, null=True, related_name="bookings")
    item = models.ForeignKey(Item, models.PROTECT, related_name="bookings")
    good = QuantityField()
    scrap = QuantityField()
    quantity = QuantityField()
    scrap_reason = models.CharField(max_length=60, blank=True)
    structure = models.ForeignKey(FrozenStructure, models.PROTECT, null=True, related_name="+")
    assumed = models.BooleanField()
    type_code = models.ForeignKey(TypeCode, models.PROTECT, related_name="+")
    rule = models.ForeignKey(TransferRule, models.PROTECT, null=True, related_name="+")
    reversed_by = models.OneToOneField(Posting, models.PROTECT, null=True, related_name="reversed_booking")
