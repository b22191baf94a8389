from django.db import models
from django.db.models import Q

from backflush.core.lifecycle import PurchaseStatus
from backflush.db.codes import AnyCase
from backflush.db.fields import QuantityField, RatioField, WithinSite
from backflush.items.models import Item, Unit
from backflush.ledger.models import CostObject
from backflush.stockmap.models import Action, Site, Supplier


class PurchaseOrder(models.Model):
    """A purchase order. Goods are received by its own receive action, else by the site's (R5)."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    number = models.CharField(max_length=50)
    supplier = models.ForeignKey(Supplier, models.PROTECT, related_name="orders")
    receive_action = models.ForeignKey(Action, models.PROTECT, null=True, blank=True, related_name="+")
    status = models.CharField(
        max_length=10,
        choices=[(status.value, status.value) for status in PurchaseStatus],
        default=PurchaseStatus.OPEN,
    )
    placed_on = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "number"], name="purchase_order_number_once")]
        indexes = [models.Index("site", AnyCase("number"), name="purchase_order_any_case")]

    def __str__(self) -> str:
        return self.number


class PurchaseOrderLine(models.Model):
    """A quantity of an item in the line's unit; `factor` is stock units per unit (R2)."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    order = WithinSite(PurchaseOrder, models.PROTECT, related_name="lines")
    number = models.PositiveIntegerField()
    cost_object = WithinSite(
        CostObject,
        models.PROTECT,
        db_column="job_id",
        db_index=False,
        related_name="purchase_lines",
        related_query_name="purchase_line",
    )
    item = models.ForeignKey(Item, models.PROTECT, related_name="purchase_lines")
    quantity = QuantityField()
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    factor = RatioField()
    due_date = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["order", "number"]
        constraints = [
            models.UniqueConstraint(fields=["site", "order", "number"], name="purchase_line_once"),
            # The cost object comes first, so that this index also serves searches by it alone.
            models.UniqueConstraint(fields=["cost_object", "site"], name="one_purchase_line_each_job"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="purchase_line_for_something"),
        ]
