from django.conf import settings
from django.db import models
from django.db.models import Q

from backflush.core.lifecycle import OrderStatus
from backflush.db.codes import AnyCase
from backflush.db.fields import QuantityField, RatioField, WithinSite
from backflush.items.models import Item, Unit
from backflush.ledger.models import CostObject
from backflush.stockmap.models import Site
from backflush.structures.models import FrozenStructure


class WorksOrder(models.Model):
    """An order to make a quantity of an item, in a unit of which one is `factor` stock units.

    `structure` is the order's own copy: it can be taken again or edited while the order is new, and is frozen by its
    release (S1). The quantities booked on the order are on its cost object.
    """

    site = models.ForeignKey(Site, models.PROTECT, db_index=False, related_name="+")
    number = models.CharField(max_length=60)
    cost_object = WithinSite(
        CostObject,
        models.PROTECT,
        db_column="job_id",
        db_index=False,
        related_name="works_orders",
        related_query_name="works_order",
    )
    item = models.ForeignKey(Item, models.PROTECT, related_name="works_orders")
    quantity = QuantityField()
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    factor = RatioField()
    status = models.CharField(
        max_length=10, choices=[(status.value, status.value) for status in OrderStatus], default=OrderStatus.NEW
    )
    start_date = models.DateField()
    due_date = models.DateField(null=True, blank=True)
    structure = WithinSite(FrozenStructure, models.PROTECT, null=True, related_name="+")
    remarks = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "number"], name="works_order_number_once"),
            # The cost object first, so that this one index serves look-ups by it too.
            models.UniqueConstraint(fields=["cost_object", "site"], name="one_works_order_each_job"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="works_order_for_something"),
        ]
        indexes = [
            models.Index(fields=["site", "status", "number"], name="works_order_by_status"),
            models.Index("site", AnyCase("number"), name="works_order_any_case"),
            models.Index(fields=["site", "status", "start_date", "id"], name="works_order_by_start"),
        ]

    def __str__(self) -> str:
        return self.number


class OrderChange(models.Model):
    """An entry of a works order's change log: a change of status, quantity, due date or structure (W)."""

    site = models.ForeignKey(Site, models.PROTECT, db_index=False, related_name="+")
    order = WithinSite(WorksOrder, models.PROTECT, related_name="changes")
    what = models.CharField(max_length=20)
    before = models.CharField(max_length=100)
    after = models.CharField(max_length=100)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+")
    at = models.DateTimeField()
    remarks = models.CharField(max_length=500, blank=True)
