from decimal import Decimal

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
    """Whether a count's difference is in the ledger, and if not, why.

    POSTED: it is, even where it is zero. SHORT: it would have made the balance negative. RECOUNT: it is beyond the
    tolerance, and another person must count again. APPROVAL: it waits for approval. REPLACED: a recount took its place.
    REJECTED: it was not approved. Only POSTED counts change stock; all are kept.
    """

    POSTED = "posted"
    SHORT = "short"
    RECOUNT = "recount"
    APPROVAL = "approval"
    REPLACED = "replaced"
    REJECTED = "rejected"

    @property
    def open(self) -> bool:
        """Whether somebody still has to do something about the count."""
        return self in {CountStatus.SHORT, CountStatus.RECOUNT, CountStatus.APPROVAL}


class Decision(models.TextChoices):
    """The decision about a count that waited for one."""

    APPROVED = "approved"
    REJECTED = "rejected"


class StockCount(models.Model):
    """A quantity of one stock key that a person found at one moment, in the item's stock unit (H1).

    `posting` is the posting of its entry: `at` is its event time, and its number the order of recording among events
    of the same time. `expected` and `waiting` are what the ledger said at the entry: the book quantity of that moment
    less what was unresolved there, and that unresolved quantity. `difference` is counted less expected, kept up to
    date by later postings that concern a time before the count (H4): for a posted count it is the sum of its changes.
    `within` says whether the difference was within its tolerance at the entry; where there is none, only a count that
    agrees is. `attempt` is 1 for a first count, 2 for its recount (`recount_of`) and so on.
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
    within = models.BooleanField(null=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    recount_of = WithinSite("self", models.PROTECT, null=True, db_index=False, related_name="recounts")
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
            models.Index(
                fields=["site", "status", "at", "id"],
                condition=Q(status__in=["short", "recount", "approval"]),
                name="count_open",
            ),
        ]

    @property
    def expected_now(self) -> Decimal:
        """What should have been there, as far as is known now: counted less the present difference."""
        return Decimal(self.quantity - self.difference)

    @property
    def is_book_hidden(self) -> bool:
        """Whether nobody may see its book quantity: it is blind, and another person must still count again (H5)."""
        return self.blind and self.status == CountStatus.RECOUNT and self.reversed_by_id is None


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


class CountDecision(models.Model):
    """The approval or rejection of a count: by whom, when, and why. A rejected count is kept and never posted."""

    site = models.ForeignKey(Site, models.PROTECT, db_index=False, related_name="+")
    count = WithinSite(StockCount, models.PROTECT, db_index=False, related_name="decisions")
    decision = models.CharField(max_length=10, choices=Decision.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    remarks = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["count", "site"], name="count_decided_once")]


class SheetStatus(models.TextChoices):
    """Whether a count sheet is being worked on, is finished, or was given up."""

    OPEN = "open"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class CountSheet(models.Model):
    """A list of balances to count, by one or several people (H6).

    `selection` says by what its lines were chosen. Of a random sample `seed` repeats it, and `sample_of` is the number
    of balances that it was drawn from. A `blind` sheet shows no book quantity before a line is counted.
    `ended_because` is the reason of a cancellation, or of a closing with lines that weren't counted.
    """

    site = models.ForeignKey(Site, models.PROTECT, db_index=False, related_name="+")
    status = models.CharField(max_length=10, choices=SheetStatus.choices, default=SheetStatus.OPEN)
    title = models.CharField(max_length=100, blank=True)
    selection = models.JSONField(default=dict)
    seed = models.CharField(max_length=60, blank=True)
    sample_of = models.PositiveIntegerField(null=True)
    blind = models.BooleanField(default=False)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_because = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [models.Index(fields=["site", "status", "id"], name="sheet_by_status")]


class SheetLine(models.Model):
    """A balance on a count sheet, in walking order. `count` is its latest count; none means that it isn't counted yet.

    `open` repeats whether its sheet is open, so that a balance is on one open sheet only. `counter` is the person whose
    part of the sheet it is in; anybody may count it. `added` says that it was found although it wasn't on the sheet.
    """

    site = models.ForeignKey(Site, models.PROTECT, db_index=False, related_name="+")
    sheet = WithinSite(CountSheet, models.PROTECT, db_index=False, related_name="lines")
    position = models.PositiveIntegerField()
    item = models.ForeignKey(Item, models.PROTECT, db_index=False, related_name="+")
    location = models.ForeignKey(Location, models.PROTECT, db_index=False, related_name="+")
    bin = models.CharField(max_length=40, blank=True)
    batch = models.CharField(max_length=60, blank=True)
    serial = models.CharField(max_length=60, blank=True)
    counter = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    added = models.BooleanField(default=False)
    open = models.BooleanField(default=True)
    count = WithinSite(StockCount, models.PROTECT, null=True, db_index=False, related_name="lines")

    class Meta:
        constraints = [
            # The sheet comes first, so that this index also serves its lines in their order.
            models.UniqueConstraint(fields=["sheet", "position", "site"], name="sheet_position_once"),
            models.UniqueConstraint(
                fields=["item", "location", "bin", "batch", "serial", "site"],
                condition=Q(open=True),
                name="on_one_open_sheet",
            ),
        ]
        indexes = [
            models.Index(fields=["sheet", "site"], condition=Q(count__isnull=True), name="sheet_line_not_counted"),
            models.Index(fields=["count", "site"], condition=Q(count__isnull=False), name="sheet_line_of_count"),
        ]


class CountPlan(models.Model):
    """The counting programme of a site: how often a year by ABC class, and how many balances a day.

    Everything is counted once a year, whatever the class says. `blind` makes all counts of the site blind.
    """

    site = models.OneToOneField(Site, models.PROTECT, related_name="+")
    yearly_a = models.PositiveSmallIntegerField(default=4)
    yearly_b = models.PositiveSmallIntegerField(default=2)
    yearly_c = models.PositiveSmallIntegerField(default=1)
    daily_most = models.PositiveSmallIntegerField(default=20)
    blind = models.BooleanField(default=False)


class CountTolerance(models.Model):
    """How far a count may differ before somebody else counts again, and from which value on it needs approval (H5).

    It is for an item at a location, an item, an ABC class, or the whole site; the first that exists in this order
    decides. Limits are for a surplus (up) and a loss (down) apart: in the stock unit, in per cent of the expected
    quantity, and in value at standard cost. A difference is within the tolerance if it exceeds none of the limits that
    are set. `post_within` says whether what is within is posted at once, or waits for approval. `blind` says that the
    counter doesn't see the book quantity.
    """

    site = models.ForeignKey(Site, models.PROTECT, db_index=False, related_name="+")
    item = models.ForeignKey(Item, models.PROTECT, null=True, blank=True, related_name="+")
    location = models.ForeignKey(Location, models.PROTECT, null=True, blank=True, related_name="+")
    abc_class = models.CharField(max_length=1, blank=True)
    quantity_up = QuantityField(null=True)
    quantity_down = QuantityField(null=True)
    percent_up = QuantityField(null=True)
    percent_down = QuantityField(null=True)
    value_up = QuantityField(null=True)
    value_down = QuantityField(null=True)
    approval_value = QuantityField(null=True)
    post_within = models.BooleanField(default=True)
    recount_beyond = models.BooleanField(default=True)
    blind = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "item", "location"], condition=Q(location__isnull=False), name="tolerance_once_at_place"
            ),
            models.UniqueConstraint(
                fields=["site", "item"],
                condition=Q(item__isnull=False) & Q(location__isnull=True),
                name="tolerance_once_of_item",
            ),
            models.UniqueConstraint(
                fields=["site", "abc_class"], condition=Q(item__isnull=True), name="tolerance_once_of_class"
            ),
            models.CheckConstraint(
                condition=Q(item__isnull=False) | Q(location__isnull=True), name="tolerance_place_with_item"
            ),
            models.CheckConstraint(condition=Q(item__isnull=True) | Q(abc_class=""), name="tolerance_item_or_class"),
        ]
