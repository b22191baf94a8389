from django.conf import settings
from django.db import models
from django.db.models import F, Q


class ActionType(models.TextChoices):
    """The purpose of an action. A type code takes only actions of the right type (A1, A4)."""

    BACKFLUSH = "backflush"
    COMPLETION = "completion"
    DESPATCH = "despatch"
    ISSUE = "issue"
    MANUAL = "manual"
    RECEIVE = "receive"
    RETURN = "return"
    TRANSFER = "warehouse transfer"

    @property
    def single(self) -> bool:
        """Whether an action of this type has at most one rule per site (A2)."""
        return self not in {ActionType.MANUAL, ActionType.TRANSFER}

    @property
    def by_hand(self) -> bool:
        """Whether users post movements by this action directly (A3)."""
        return self in {ActionType.MANUAL, ActionType.TRANSFER, ActionType.DESPATCH}


class ShortRule(models.TextChoices):
    """How the backflush treats a short line: the whole line waits, or the available part moves (U2)."""

    WHOLE = "whole"
    PART = "part"


class RetryRule(models.TextChoices):
    """The effect of arriving stock on the unresolved movements of an action (U7).

    NEVER does nothing, PROPOSE tells the user who brought the stock how many fit now, AUTOMATIC settles them.
    """

    NEVER = "never"
    PROPOSE = "propose"
    AUTOMATIC = "automatic"


class Endable(models.Model):
    """A set-up row that can be deactivated from a day on. Records that name it stay valid; new ones may not name it.

    Deactivated rows are kept because the history refers to them, and they can be reactivated.
    """

    ended_on = models.DateField(null=True, blank=True)

    class Meta:
        abstract = True


class Action(Endable):
    """A named way of moving stock. All sites share the action; each of its transfer rules belongs to one site."""

    name = models.CharField(max_length=40, unique=True)
    type = models.CharField(max_length=20, choices=ActionType.choices)
    description = models.CharField(max_length=200, blank=True)
    short = models.CharField(max_length=10, choices=ShortRule.choices, default=ShortRule.WHOLE)
    retry = models.CharField(max_length=10, choices=RetryRule.choices, default=RetryRule.NEVER)

    def __str__(self) -> str:
        return self.name


class Site(models.Model):
    """A plant with stores of its own.

    Nothing is posted with an event date on or before `closed_through`, in the site's time zone (P); `ledger.periods`
    closes and reopens. `adjustment` is the location without balances that count differences go to and come from (H5).
    Movements up to `archived_through` may have been archived to files and deleted from the
    database. Keys up to number `spaced_keys_through` may have been made for lines of streams by a version that put a
    space before the line's number (`ledger.idempotency`).
    """

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=100, blank=True)
    time_zone = models.CharField(max_length=60, default="UTC")
    receive_action = models.ForeignKey(Action, models.PROTECT, null=True, blank=True, related_name="+")
    complete_when_full = models.BooleanField(default=False)
    closed_through = models.DateField(null=True, blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    archived_through = models.DateField(null=True, blank=True)
    adjustment = models.ForeignKey("Location", models.PROTECT, null=True, blank=True, related_name="+")
    spaced_keys_through = models.BigIntegerField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return self.code


class Supplier(Endable):
    """A company that we buy from or send work to. It may hold stock of ours (R5)."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=100, blank=True)

    def __str__(self) -> str:
        return self.code


class Store(Endable):
    """A building, hall or sub-contractor that holds locations."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="stores")
    code = models.CharField(max_length=40)
    description = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "code"], name="store_code_once")]

    def __str__(self) -> str:
        return self.code


class Location(Endable):
    """A place for stock; without balances it stands for the outside: suppliers, work in progress, adjustments.

    `path` is the store and the code, as in "MAIN/LINE". It is the name that users see.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="locations")
    store = models.ForeignKey(Store, models.PROTECT, related_name="locations")
    code = models.CharField(max_length=40)
    path = models.CharField(max_length=81)
    description = models.CharField(max_length=200, blank=True)
    has_balance = models.BooleanField(default=True)
    bin_controlled = models.BooleanField(default=False)
    supplier = models.ForeignKey(Supplier, models.PROTECT, null=True, blank=True, related_name="locations")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "store", "code"], name="location_code_once"),
            models.UniqueConstraint(fields=["site", "path"], name="location_path_once"),
            models.CheckConstraint(
                condition=Q(has_balance=True) | Q(bin_controlled=False), name="bins_only_where_balances"
            ),
        ]

    def __str__(self) -> str:
        return self.path


class Bin(Endable):
    """A place within a bin-controlled location."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    location = models.ForeignKey(Location, models.PROTECT, related_name="bins")
    code = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "location", "code"], name="bin_code_once")]

    def __str__(self) -> str:
        return self.code


class SupplierStock(models.Model):
    """The location at a site from which a supplier's backflush takes, instead of the rule's from-location (R1, R5)."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    supplier = models.ForeignKey(Supplier, models.PROTECT, related_name="stock")
    location = models.ForeignKey(Location, models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "supplier"], name="supplier_stock_once")]


class TransferRule(models.Model):
    """The from- and to-location of an action at a site. A rule is never changed: it ends and a new one begins.

    `single` repeats `ActionType.single`, so that a database constraint can refuse a second rule (A2).
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="rules")
    action = models.ForeignKey(Action, models.PROTECT, related_name="rules")
    source = models.ForeignKey(Location, models.PROTECT, related_name="+")
    target = models.ForeignKey(Location, models.PROTECT, related_name="+")
    single = models.BooleanField()
    active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(source=F("target")), name="rule_ends_differ"),
            models.UniqueConstraint(
                fields=["site", "action"], condition=Q(single=True, active=True), name="one_rule_where_single"
            ),
            models.UniqueConstraint(
                fields=["site", "action", "source", "target"], condition=Q(active=True), name="rule_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action}: {self.source} to {self.target}"
