from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from backflush.core.moves import Process, Reason, Status
from backflush.db.fields import QuantityField, WithinSite
from backflush.items.models import Item, ItemCost
from backflush.stockmap.models import Location, Site, TransferRule
from backflush.structures.models import FrozenLine, FrozenStructure


class CostObjectKind(models.TextChoices):
    """The kind of order that a cost object belongs to."""

    WORKS_ORDER = "works order"
    PURCHASE_ORDER = "purchase order"


class CostObject(models.Model):
    """What material is charged to: one per works order and purchase order line, with the quantities booked so far.

    `good` and `scrap` (rejected, for receipts) are in the order's unit, less reversals. `produced` is the quantity
    backflushed so far, in the stock unit. Unless `needs_replay` is set (a booking was reversed, or the structure
    changed), the assumed quantities follow from `produced`, without reading the bookings.
    """

    site = models.ForeignKey(Site, models.PROTECT, db_index=False, related_name="+")
    kind = models.CharField(max_length=20, choices=CostObjectKind.choices)
    number = models.CharField(max_length=60)
    item = models.ForeignKey(Item, models.PROTECT, related_name="+")
    good = QuantityField(default=0)
    scrap = QuantityField(default=0)
    produced = QuantityField(default=0)
    structure = WithinSite(FrozenStructure, models.PROTECT, null=True, db_index=False, related_name="+")
    needs_replay = models.BooleanField(default=False, db_column="uneven")

    class Meta:
        db_table = "ledger_job"
        constraints = [models.UniqueConstraint(fields=["site", "kind", "number"], name="job_number_once")]

    def __str__(self) -> str:
        return self.number


class Key(models.Model):
    """A caller's idempotency key for one request, so that a repeated one posts nothing twice (I)."""

    site = models.ForeignKey(Site, models.PROTECT, db_index=False, related_name="+")
    key = models.CharField(max_length=200)
    operation = models.CharField(max_length=40)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="key_once")]


class Posting(models.Model):
    """One complete stock operation: user, event time (`at`), time of recording, and process."""

    site = models.ForeignKey(Site, models.PROTECT, db_index=False, related_name="+")
    process = models.CharField(max_length=20, choices=[(process.value, process.value) for process in Process])
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    key = WithinSite(
        Key, models.PROTECT, null=True, db_index=False, related_name="postings", related_query_name="posting"
    )
    cost_object = WithinSite(CostObject, models.PROTECT, db_column="job_id", null=True, related_name="postings")
    reverses = WithinSite("self", models.PROTECT, null=True, db_index=False, related_name="reversals")
    remarks = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            # The column that is searched by comes first, so that these indexes also serve searches by it alone.
            models.UniqueConstraint(
                fields=["reverses", "site"], condition=Q(reverses__isnull=False), name="reversed_only_once"
            ),
            models.UniqueConstraint(fields=["key", "site"], condition=Q(key__isnull=False), name="posted_once_by_key"),
        ]
        indexes = [models.Index(fields=["site", "process", "at"], name="posting_by_process")]


class Movement(models.Model):
    """One quantity of one item from a source to a target or, if unresolved, a quantity due that could not move.

    `source_after` and `target_after` are the balances after it (empty where none is kept). `charged` is its effect on
    the cost object: 1 use, -1 return, 0 neither. `line` is the structure line of an assumed quantity, `cost` the item's
    cost at that moment, and `origin` the assumed movement that this one settles or continues.
    """

    site = models.ForeignKey(Site, models.PROTECT, db_index=False, related_name="+")
    posting = WithinSite(Posting, models.PROTECT, related_name="movements")
    cost_object = WithinSite(CostObject, models.PROTECT, db_column="job_id", null=True, related_name="movements")
    at = models.DateTimeField()
    item = models.ForeignKey(Item, models.PROTECT, db_index=False, related_name="+")
    quantity = QuantityField()
    source = models.ForeignKey(Location, models.PROTECT, related_name="+")
    source_bin = models.CharField(max_length=40, blank=True)
    target = models.ForeignKey(Location, models.PROTECT, related_name="+")
    target_bin = models.CharField(max_length=40, blank=True)
    batch = models.CharField(max_length=60, blank=True)
    serial = models.CharField(max_length=60, blank=True)
    status = models.CharField(max_length=10, choices=[(status.value, status.value) for status in Status])
    due = QuantityField(null=True)
    reason = models.CharField(max_length=10, blank=True, choices=[(reason.value, reason.value) for reason in Reason])
    charged = models.SmallIntegerField(default=0)
    source_after = QuantityField(null=True)
    target_after = QuantityField(null=True)
    rule = models.ForeignKey(TransferRule, models.PROTECT, null=True, related_name="+")
    line = WithinSite(FrozenLine, models.PROTECT, null=True, db_index=False, related_name="+")
    cost = models.ForeignKey(ItemCost, models.PROTECT, db_index=False, related_name="+")
    resolves = WithinSite("self", models.PROTECT, null=True, db_index=False, related_name="resolved_by")
    reverses = WithinSite("self", models.PROTECT, null=True, db_index=False, related_name="reversed_by")
    origin = WithinSite("self", models.PROTECT, null=True, db_index=False, related_name="settled_by")
    remarks = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(Q(status=Status.OK) & Q(quantity__gt=0) & Q(due__isnull=True))
                | (~Q(status=Status.OK) & Q(quantity=0) & Q(due__gt=0)),
                name="moved_or_due",
            ),
            models.CheckConstraint(
                condition=~Q(source=F("target")) | ~Q(source_bin=F("target_bin")), name="movement_ends_differ"
            ),
            models.UniqueConstraint(
                fields=["reverses", "site"], condition=Q(reverses__isnull=False), name="mirrored_only_once"
            ),
        ]
        indexes = [
            models.Index(
                "site",
                "at",
                Coalesce("origin", "id"),
                "id",
                condition=Q(status=Status.UNRESOLVED),
                name="unresolved_oldest_first",
            ),
            # Partial indexes of unresolved movements, so a booking without any pays for neither. This one contains
            # every column that the queue's groups are counted from. The status is included for SQLite, which would
            # otherwise read the table, and comes last, because PostgreSQL doesn't need it.
            models.Index(
                fields=["site", "source", "item", "reason", "due", "at", "status"],
                condition=Q(status=Status.UNRESOLVED),
                name="waiting_by_pot",
            ),
            models.Index(
                "site",
                "at",
                Coalesce("origin", "id"),
                "id",
                condition=Q(status=Status.UNRESOLVED) & ~Q(reason=Reason.SHORT),
                name="waiting_for_choice",
            ),
            # The item comes first, so that this index also serves searches by it alone.
            models.Index(fields=["item", "site", "at", "id"], name="movement_of_item"),
            models.Index(fields=["site", "at", "id"], name="movement_by_time"),
            models.Index(fields=["site", "status", "at", "id"], condition=~Q(status=Status.OK), name="due_by_status"),
            models.Index(
                fields=["item", "site", "status", "at", "id"], condition=~Q(status=Status.OK), name="due_of_item"
            ),
            models.Index(fields=["resolves"], condition=Q(resolves__isnull=False), name="movement_resolving"),
            models.Index(fields=["origin"], condition=Q(origin__isnull=False), name="movement_of_origin"),
        ]


class Balance(models.Model):
    """The present quantity of one stock key: item, location, bin, batch and serial number.

    `counted_at` is the event time of its latest posted count: a posting of before that time may change the count's
    difference (H4). Database constraints refuse a negative balance, and a serial number in two places.
    """

    site = models.ForeignKey(Site, models.PROTECT, db_index=False, related_name="+")
    item = models.ForeignKey(Item, models.PROTECT, db_index=False, related_name="balances")
    location = models.ForeignKey(Location, models.PROTECT, related_name="balances")
    bin = models.CharField(max_length=40, blank=True)
    batch = models.CharField(max_length=60, blank=True)
    serial = models.CharField(max_length=60, blank=True)
    quantity = QuantityField(default=0)
    counted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "item", "location", "bin", "batch", "serial"], name="balance_once"),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="balance_never_negative"),
            models.CheckConstraint(condition=Q(serial="") | Q(quantity__lte=Decimal(1)), name="serial_at_most_one"),
            models.UniqueConstraint(
                fields=["site", "item", "serial"],
                condition=Q(quantity__gt=0) & ~Q(serial=""),
                name="serial_in_one_place",
            ),
        ]


class PeriodClosing(models.Model):
    """A closing of all days of a site up to `through`: nothing is posted on them any more.

    `until` is the first moment after the period. The closing is valid until it is reopened. `counted_at` is when its
    balances were stored, `stock_keys` how many. `unresolved` is the number of unresolved movements at the closing.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    through = models.DateField()
    until = models.DateTimeField()
    closed_at = models.DateTimeField()
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    remarks = models.CharField(max_length=500, blank=True)
    unresolved = models.IntegerField(default=0)
    counted_at = models.DateTimeField(null=True)
    stock_keys = models.IntegerField(default=0, db_column="pots")
    reopened_at = models.DateTimeField(null=True)
    reopened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    reopened_because = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "through"], condition=Q(reopened_at__isnull=True), name="period_closed_once"
            ),
        ]


class PeriodBalance(models.Model):
    """The balance of one stock key at the end of a closed period, by event time; zero balances have no row.

    It can be negative, like any past balance (B9). It follows from the movements, so reopening deletes it.
    """

    site = models.ForeignKey(Site, models.PROTECT, db_index=False, related_name="+")
    closing = WithinSite(PeriodClosing, models.PROTECT, db_index=False, related_name="balances")
    item = models.ForeignKey(Item, models.PROTECT, db_index=False, related_name="+")
    location = models.ForeignKey(Location, models.PROTECT, db_index=False, related_name="+")
    bin = models.CharField(max_length=40, blank=True)
    batch = models.CharField(max_length=60, blank=True)
    serial = models.CharField(max_length=60, blank=True)
    quantity = QuantityField()

    class Meta:
        constraints = [
            # The closing comes first, so that this one index also serves reading all balances of a closing.
            models.UniqueConstraint(
                fields=["closing", "item", "location", "bin", "batch", "serial", "site"], name="period_balance_once"
            ),
        ]


class Archive(models.Model):
    """A file that holds the finished part of a closed period. The record stays after a restore.

    `digest` is that of the file's table of contents, which contains the digest of each table and of the previous
    archive, so a missing or changed file is detected. `until` is the first moment after the period.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    through = models.DateField()
    until = models.DateTimeField()
    file = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    counts = models.JSONField(default=dict)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    brought_back_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    brought_back_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "number"], name="archive_number_once")]

    def __str__(self) -> str:
        return f"{self.site.code} {self.number}"


class ArchivedStretch(models.Model):
    """The net change of one stock key by consecutive archived movements.

    It takes the place of its last movement in the history of the balance, with the balance after it, so the
    verification treats it like one movement. For a location without balances, one row records that it was used.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    archive = WithinSite(Archive, models.PROTECT, related_name="stretches")
    item = models.ForeignKey(Item, models.PROTECT, related_name="+")
    location = models.ForeignKey(Location, models.PROTECT, related_name="+")
    bin = models.CharField(max_length=40, blank=True)
    batch = models.CharField(max_length=60, blank=True)
    serial = models.CharField(max_length=60, blank=True)
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    count = models.BigIntegerField()
    change = QuantityField(null=True)
    after = QuantityField(null=True)


class ArchivedKind(models.TextChoices):
    """The kinds of records that users look up by number."""

    MOVEMENT = "movement"
    POSTING = "posting"


class ArchivedRange(models.Model):
    """A range of archived numbers, so that a lookup can name the archive."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    archive = WithinSite(Archive, models.PROTECT, related_name="ranges")
    kind = models.CharField(max_length=10, choices=ArchivedKind.choices)
    first = models.BigIntegerField()
    last = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "kind", "first"], name="archived_range_once")]


class ArchivedOrder(models.Model):
    """The number of an archived order, which can't be used again."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    archive = WithinSite(Archive, models.PROTECT, related_name="orders")
    kind = models.CharField(max_length=20, choices=CostObjectKind.choices)
    number = models.CharField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "kind", "number"], name="archived_order_once")]


class ArchivedKey(models.Model):
    """An idempotency key whose posting is archived: the key stays, so that nothing is posted again (I)."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    archive = WithinSite(Archive, models.PROTECT, related_name="keys")
    key = WithinSite(Key, models.PROTECT, db_index=False, related_name="archived")
    posting = models.BigIntegerField()

    class Meta:
        # The key comes first, so that this index also serves searches by it alone.
        constraints = [models.UniqueConstraint(fields=["key", "site"], name="archived_key_once")]
