from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from backflush.core.moves import Process, Reason, Status
from backflush.fields import QuantityField
from backflush.items.models import Item, ItemCost
from backflush.stockmap.models import Location, Site, TransferRule
from backflush.structures.models import FrozenLine, FrozenStructure


class JobKind(models.TextChoices):
    """What a job belongs to."""

    WORKS_ORDER = "works order"
    PURCHASE_ORDER = "purchase order"


class Job(models.Model):
    """What material is charged to, and how far it is: one for each works order and purchase order line.

    `good` and `scrap` (rejected, for receipts) are in the order's unit, less what was reversed. `produced` is
    what was backflushed for, in the stock unit. As long as the job is not `uneven` (no booking reversed, one
    structure only), what its lines have assumed follows from `produced`, without reading its bookings.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=JobKind.choices)
    number = models.CharField(max_length=60)
    item = models.ForeignKey(Item, models.PROTECT, related_name="+")
    good = QuantityField(default=0)
    scrap = QuantityField(default=0)
    produced = QuantityField(default=0)
    structure = models.ForeignKey(FrozenStructure, models.PROTECT, null=True, related_name="+")
    uneven = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "kind", "number"], name="job_number_once")]

    def __str__(self) -> str:
        return self.number


class Key(models.Model):
    """A caller's own name for one request, so that a repeated one posts nothing twice (I)."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    key = models.CharField(max_length=200)
    operation = models.CharField(max_length=40)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="key_once")]


class Posting(models.Model):
    """One operation on stock, whole: who, when it happened (`at`) and when it was recorded, by which process."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    process = models.CharField(max_length=20, choices=[(process.value, process.value) for process in Process])
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    key = models.ForeignKey(
        Key, models.PROTECT, null=True, db_index=False, related_name="postings", related_query_name="posting"
    )
    job = models.ForeignKey(Job, models.PROTECT, null=True, related_name="postings")
    reverses = models.ForeignKey("self", models.PROTECT, null=True, related_name="reversals")
    remarks = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "reverses"], condition=Q(reverses__isnull=False), name="reversed_once"
            ),
            # The key first, so that this one index serves look-ups by it too.
            models.UniqueConstraint(fields=["key", "site"], condition=Q(key__isnull=False), name="posted_once_by_key"),
        ]
        indexes = [models.Index(fields=["site", "process", "at"], name="posting_by_process")]


class Movement(models.Model):
    """One quantity of one item from one place to another, or, unresolved, what was due and could not move.

    `source_after` and `target_after` are the balances left behind (empty where none is kept). `charged` is what
    it does to its job's material: 1 had, -1 given back, 0 neither. `line` says where an assumed quantity comes
    from, `cost` what the item cost at that moment, `origin` the assumed movement that this one goes back to.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    posting = models.ForeignKey(Posting, models.PROTECT, related_name="movements")
    job = models.ForeignKey(Job, models.PROTECT, null=True, related_name="movements")
    at = models.DateTimeField()
    item = models.ForeignKey(Item, models.PROTECT, related_name="+")
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
    line = models.ForeignKey(FrozenLine, models.PROTECT, null=True, related_name="+")
    cost = models.ForeignKey(ItemCost, models.PROTECT, related_name="+")
    resolves = models.ForeignKey("self", models.PROTECT, null=True, related_name="resolved_by")
    reverses = models.ForeignKey("self", models.PROTECT, null=True, related_name="reversed_by")
    origin = models.ForeignKey("self", models.PROTECT, null=True, related_name="settled_by")
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
                fields=["site", "reverses"], condition=Q(reverses__isnull=False), name="one_mirror_each"
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
            # Of what waits alone, so a booking that leaves nothing waiting pays for neither. This one has all that the
            # queue's groups are counted from; the status for SQLite, which looks it up elsewhere if it isn't there, and
            # last, because PostgreSQL doesn't look at it.
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
            models.Index(fields=["site", "item", "at", "id"], name="movement_by_item"),
            models.Index(fields=["site", "at", "id"], name="movement_by_time"),
            models.Index(fields=["site", "status", "at", "id"], condition=~Q(status=Status.OK), name="due_by_status"),
        ]


class Balance(models.Model):
    """What is there of an item in one pot: location, bin, batch and serial.

    The database itself refuses less than nothing, and a serial number that is there twice.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    item = models.ForeignKey(Item, models.PROTECT, related_name="balances")
    location = models.ForeignKey(Location, models.PROTECT, related_name="balances")
    bin = models.CharField(max_length=40, blank=True)
    batch = models.CharField(max_length=60, blank=True)
    serial = models.CharField(max_length=60, blank=True)
    quantity = QuantityField(default=0)

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
