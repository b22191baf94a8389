from django.db import models
from django.db.models import F, Q

from backflush.core.moves import Tracking
from backflush.db.codes import AnyCase
from backflush.db.fields import QuantityField, RatioField
from backflush.stockmap.models import Action, Endable


class ComponentClass(models.TextChoices):
    """How an item is obtained. It decides which orders the item may have, and whether it is passed through as a
    phantom."""

    BOUGHT = "B", "bought in"
    MADE = "M", "manufactured"
    SUBCONTRACTED = "S", "sub-contracted"
    PHANTOM = "P", "phantom"
    KIT = "K", "kit"


class Unit(Endable):
    """A unit of measure."""

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=100, blank=True)

    def __str__(self) -> str:
        return self.code


class ProductGroup(Endable):
    """A group of items for reports."""

    code = models.CharField(max_length=40, unique=True)
    description = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.code


class TypeCode(Endable):
    """The completion, backflush, issue and return actions of its items; each is optional."""

    code = models.CharField(max_length=40, unique=True)
    description = models.CharField(max_length=200, blank=True)
    completion = models.ForeignKey(Action, models.PROTECT, null=True, blank=True, related_name="+")
    backflush = models.ForeignKey(Action, models.PROTECT, null=True, blank=True, related_name="+")
    issue = models.ForeignKey(Action, models.PROTECT, null=True, blank=True, related_name="+")
    return_action = models.ForeignKey(Action, models.PROTECT, null=True, blank=True, related_name="+")

    def __str__(self) -> str:
        return self.code


class Item(models.Model):
    """A stocked item, or a phantom that stands for its components. Quantities are in its stock unit."""

    code = models.CharField(max_length=60, unique=True)
    description = models.CharField(max_length=200, blank=True)
    product_group = models.ForeignKey(ProductGroup, models.PROTECT, null=True, blank=True, related_name="items")
    type_code = models.ForeignKey(TypeCode, models.PROTECT, related_name="items")
    component_class = models.CharField(max_length=1, choices=ComponentClass.choices)
    stock_unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    quantity_decimals = models.PositiveSmallIntegerField(default=0)
    cost_decimals = models.PositiveSmallIntegerField(default=4)
    tracking = models.CharField(
        max_length=10, choices=[(tracking.value, tracking.value) for tracking in Tracking], default=Tracking.NONE
    )
    abc_class = models.CharField(max_length=1, blank=True)
    stock_min = QuantityField(null=True, blank=True)
    stock_max = QuantityField(null=True, blank=True)
    batch_size = QuantityField(null=True, blank=True)
    lead_time_days = models.PositiveIntegerField(null=True, blank=True)
    obsolete_on = models.DateField(null=True, blank=True)
    cost = models.ForeignKey("ItemCost", models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity_decimals__lte=6), name="at_most_six_decimals"),
        ]
        indexes = [
            models.Index(AnyCase("code"), name="item_by_code_any_case"),
            models.Index(AnyCase("description"), name="item_by_description"),
        ]

    def __str__(self) -> str:
        return self.code


class ItemCost(models.Model):
    """The standard and latest unit cost of an item by element, from one moment on.

    A row is never changed: a new cost is a new row, and a movement keeps its cost by naming the row.
    """

    item = models.ForeignKey(Item, models.PROTECT, related_name="costs")
    since = models.DateTimeField()
    standard_material = QuantityField(default=0)
    standard_labour = QuantityField(default=0)
    standard_outside = QuantityField(default=0)
    standard_overhead = QuantityField(default=0)
    latest_material = QuantityField(default=0)
    latest_labour = QuantityField(default=0)
    latest_outside = QuantityField(default=0)
    latest_overhead = QuantityField(default=0)


class UnitConversion(models.Model):
    """One `source` equals `ratio` of `target`, for one item or, without an item, for all (Q4)."""

    item = models.ForeignKey(Item, models.PROTECT, null=True, blank=True, related_name="conversions")
    source = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    target = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    ratio = RatioField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "source", "target"], condition=Q(item__isnull=False), name="own_conversion_once"
            ),
            models.UniqueConstraint(
                fields=["source", "target"], condition=Q(item__isnull=True), name="system_conversion_once"
            ),
            models.CheckConstraint(condition=~Q(source=F("target")), name="conversion_ends_differ"),
        ]


class Batch(models.Model):
    """The expiry date of a batch. Batches without one need no row."""

    item = models.ForeignKey(Item, models.PROTECT, related_name="batches")
    code = models.CharField(max_length=60)
    expires_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "code"], name="batch_once")]
