from django.conf import settings
from django.db import models
from django.db.models import F, Q


class ActionType(models.TextChoices):
    """What an action is for; a type code takes only actions of the right type (A1, A4)."""

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
        """Whether an action of this type takes one rule per site at most (A2)."""
        return self not in {ActionType.MANUAL, ActionType.TRANSFER}

    @property
    def by_hand(self) -> bool:
        """Whether a person moves stock by it as it stands (A3)."""
        return self in {ActionType.MANUAL, ActionType.TRANSFER, ActionType.DESPATCH}


class ShortRule(models.TextChoices):
    """What happens to a line that is short: it waits whole, or what is there moves (U2)."""

    WHOLE = "whole"
    PART = "part"


class RetryRule(models.TextChoices):
    """What arriving stock does to unresolved movements of the action (U7).

    Nothing; or whoever brought it is told what fits now, and may settle it; or they are settled, and nobody is asked.
    """

    NEVER = "never"
    PROPOSE = "propose"
    AUTOMATIC = "automatic"


class Endable(models.Model):
    """Something of the set-up that may be used no more, from a day on: what names it stays, nothing new may.

    It is kept, because what has happened is read by it; and it can be taken in use again.
    """

    ended_on = models.DateField(null=True, blank=True)

    class Meta:
        abstract = True


class Action(Endable):
    """A named way of moving stock; common to all sites, while its rules belong to one each."""

    name = models.CharField(max_length=40, unique=True)
    type = models.CharField(max_length=20, choices=ActionType.choices)
    description = models.CharField(max_length=200, blank=True)
    short = models.CharField(max_length=10, choices=ShortRule.choices, default=ShortRule.WHOLE)
    retry = models.CharField(max_length=10, choices=RetryRule.choices, default=RetryRule.NEVER)

    def __str__(self) -> str:
        return self.name


class Site(models.Model):
    """A plant with stores of its own.

    Nothing is posted on or before `closed_through`, a day of the site's (P): the ledger's `periods` closes and reopens.
    Up to `archived_through` some of what happened is in the files of archives, and no longer in the database.
    """

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=100, blank=True)
    time_zone = models.CharField(max_length=60, default="UTC")
    receive_action = models.ForeignKey(Action, models.PROTECT, null=True, blank=True, related_name="+")
    complete_when_full = models.BooleanField(default=False)
    closed_through = models.DateField(null=True, blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    archived_through = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return self.code


class Supplier(Endable):
    """Whom we buy from or send work to; may hold our stock (R5)."""

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
    """Where stock is, or, without balances, a part of the outside: suppliers, work in progress, adjustments.

    `path` is store and code, "MAIN/LINE": the name that people use.
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
    """The location that a supplier's backflush takes from at a site, in the rule's stead (R1, R5)."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    supplier = models.ForeignKey(Supplier, models.PROTECT, related_name="stock")
    location = models.ForeignKey(Location, models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "supplier"], name="supplier_stock_once")]


class TransferRule(models.Model):
    """From where to where an action moves at a site. A rule never changes: it ends, and another begins.

    `single` repeats what the action's type says, so that the database itself can refuse a second one (A2).
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
