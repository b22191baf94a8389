from decimal import Decimal

from django.db import models

from backflush.db.fields import ExactDecimalField, RatioField, WithinSite
from backflush.items.models import Item, Unit
from backflush.stockmap.models import Location, Site


class StructureLine(models.Model):
    """A quantity of a component for one stock unit of the item, while the line is in force (S2)."""

    item = models.ForeignKey(Item, models.PROTECT, related_name="structure_lines")
    number = models.PositiveIntegerField()
    component = models.ForeignKey(Item, models.PROTECT, related_name="used_in")
    quantity = ExactDecimalField()
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    waste = ExactDecimalField(default=Decimal(0))
    fixed = ExactDecimalField(default=Decimal(0))
    by_hand = models.BooleanField(default=False)
    supplier_provides = models.BooleanField(default=False)
    starts = models.DateField(null=True, blank=True)
    ends = models.DateField(null=True, blank=True)
    remarks = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["item", "number", "starts", "pk"]


class LineSource(models.Model):
    """A structure line's own from-location at a site (S6, S7)."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    line = models.ForeignKey(StructureLine, models.CASCADE, related_name="sources")
    location = models.ForeignKey(Location, models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "line"], name="line_source_once")]


class FrozenStructure(models.Model):
    """A copy of a structure that was taken for an order, a receipt or a production. Equal contents share one row.

    `empty_phantoms` are the codes of phantoms without a line in force; they use nothing (S6).
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    item = models.ForeignKey(Item, models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64)
    empty_phantoms = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "item", "digest"], name="frozen_content_once")]


class FrozenLine(models.Model):
    """One component of a frozen structure, with phantoms passed through.

    `per_piece` and `fixed_exact` are exact ratios in the component's stock unit: for one stock unit of the item, and
    once per order. They are empty while a conversion is missing, which release refuses. `steps` keeps each line on the
    path with its quantity, unit, waste and unit factor, for the explanation.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    structure = WithinSite(FrozenStructure, models.PROTECT, related_name="lines")
    position = models.PositiveIntegerField()
    path = models.CharField(max_length=200)
    component = models.ForeignKey(Item, models.PROTECT, related_name="+")
    per_piece = RatioField(null=True)
    fixed_exact = RatioField(null=True)
    fixed = ExactDecimalField()
    by_hand = models.BooleanField()
    supplier_provides = models.BooleanField()
    source = models.ForeignKey(Location, models.PROTECT, null=True, related_name="+")
    steps = models.JSONField()

    class Meta:
        ordering = ["structure", "position"]
        constraints = [models.UniqueConstraint(fields=["site", "structure", "position"], name="frozen_position_once")]
