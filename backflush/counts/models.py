from django.conf import settings
from django.db import models
from django.db.models import Q

from backflush.db.fields import QuantityField, WithinSite
from backflush.items.models import Item
from backflush.ledger.models import Posting
from backflush.stockmap.models import Location, Site


class CountMethod(models.TextChoices):
    """How a quantity was counted."""

    SEEN = "seen"
    WEIGHED = "weighed"
    MACHINE = "machine"


class CountStatus(models.TextChoices):
    """Whether a count's difference is in the ledger.

    POSTED: it is, even where it is zero. SHORT: it would have made the balance negative, so the count is only kept.
    """

    POSTED = "posted"
    SHORT = "short"


class StockCount(models.Model):
    """A quantity of one stock key that a person found at one moment, in the item's stock unit (H1).

    `posting` is the posting of its entry: `at` is its event time, and its number the order of recording among events
    of the same time. `expected` and `waiting` are what the ledger said at the entry: the book quantity of that moment
    less what was unresolved there, and that unresolved quantity. `difference` is counted less expected, kept up to
    date by later postings that concern a time before the count (H4): for a posted count it is the sum of its changes.
    """

    site = models.ForeignKey(Site, models.PROTECT, db_index=False, related_name="+")
    item = models.ForeignKey(Item, models.PROTECT, db_index=False, related_name="+")
    location = models.ForeignKey(Location, models.PROTECT, db_index=False, related_name="+")
    bin = models.CharField(max_length=40, blank=True)
    batch = models.CharField(max_length=60, blank=True)
    serial = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField()
    posting = WithinSite(Posting, models.PROTECT, db_index=False, related_name="counts")
    counted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    method = models.CharField(max_length=10, choices=CountMethod.choices, default=CountMethod.SEEN)
    blind = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=CountStatus.choices)
    quantity = QuantityField()
    expected = QuantityField()
    waiting = QuantityField()
    difference = QuantityField()
    reversed_by = WithinSite(Posting, models.PROTECT, null=True, db_index=False, related_name="reversed_counts")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["posting", "site"], name="counted_once_by_posting"),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="counted_not_negative"),
        ]
        indexes = [
            # The item comes first, so that this index also serves searches by it alone.
            models.Index(fields=["item", "location", "site", "at"], name="count_of_item"),
            models.Index(fields=["site", "at", "id"], name="count_by_time"),
        ]

    @property
    def expected_now(self) -> object:
        """What should have been there, as far as is known now: counted less the present difference."""
        return self.quantity - self.difference


class CountChange(models.Model):
    """A change of a count's difference by one posting, in the stock unit: the first, a correction, or its reversal.

    `posting` has the movement between the location and the adjustment place; it concerns this count alone, except a
    reversal, which reverses all movements of its count. `because` is the posting that made the correction necessary.
    """

    site = models.ForeignKey(Site, models.PROTECT, db_index=False, related_name="+")
    count = WithinSite(StockCount, models.PROTECT, db_index=False, related_name="changes")
    posting = WithinSite(Posting, models.PROTECT, db_index=False, related_name="count_changes")
    because = WithinSite(Posting, models.PROTECT, null=True, db_index=False, related_name="+")
    change = QuantityField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["posting", "site"], name="count_change_once"),
        ]
        indexes = [
            # The count comes first, so that this index also serves searches by it alone.
            models.Index(fields=["count", "site"], name="change_of_count"),
        ]
