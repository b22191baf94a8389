from django.db import models
from django.db.models import Q

from backflush.db.fields import QuantityField, WithinSite
from backflush.items.models import Item, TypeCode
from backflush.ledger.models import CostObject, Posting
from backflush.stockmap.models import Site, TransferRule
from backflush.structures.models import FrozenStructure


class Booking(models.Model):
    """A booking with its quantities, and the structure from which its use was assumed.

    `good` (accepted) and `scrap` (rejected) are in the order's unit, `produced` is both together in the stock unit.
    `details` has the values of inputs that are kept (`ReportInput.kept`), as texts by the name of the input.
    `assumed` is false if the type code had no backflush action (B3). `type_code` and `rule` decided source and target
    of the use.
    """

    site = models.ForeignKey(Site, models.PROTECT, db_index=False, related_name="+")
    posting = WithinSite(Posting, models.PROTECT, db_index=False, related_name="bookings", related_query_name="booking")
    cost_object = WithinSite(CostObject, models.PROTECT, db_column="job_id", null=True, related_name="bookings")
    item = models.ForeignKey(Item, models.PROTECT, db_index=False, related_name="bookings")
    good = QuantityField()
    scrap = QuantityField()
    produced = QuantityField(db_column="quantity")
    scrap_reason = models.CharField(max_length=60, blank=True)
    details = models.JSONField(null=True)
    structure = WithinSite(FrozenStructure, models.PROTECT, null=True, db_index=False, related_name="+")
    assumed = models.BooleanField()
    type_code = models.ForeignKey(TypeCode, models.PROTECT, related_name="+")
    rule = models.ForeignKey(TransferRule, models.PROTECT, null=True, db_index=False, related_name="+")
    reversed_by = WithinSite(
        Posting,
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="reversed_bookings",
        related_query_name="reversed_booking",
    )

    class Meta:
        constraints = [
            # The posting comes first, so that each of these indexes also serves searches by it alone.
            models.UniqueConstraint(fields=["posting", "site"], name="one_booking_each_posting"),
            models.UniqueConstraint(
                fields=["reversed_by", "site"], condition=Q(reversed_by__isnull=False), name="reverses_one_booking"
            ),
        ]
