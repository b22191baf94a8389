from django.conf import settings
from django.db import models
from django.db.models import Q

from backflush.db.fields import WithinSite
from backflush.stockmap.models import Site


class CheckName(models.TextChoices):
    """The eight checks of an audit, in order."""

    UNRESOLVED = "unresolved"
    CANCELLED = "cancelled"
    REVISED = "revised"
    NEVER_MOVED = "never-moved"
    HAND_ISSUES = "hand-issues"
    STRUCTURES = "structures"
    NEGATIVE = "negative"
    PROOF = "proof"


class Audit(models.Model):
    """A regular audit of a site's backflushes: begun, reviewed check by check, signed off. Then it never changes.

    It covers the postings after `first_posting` up to `last_posting`. These are numbers, not times, so nothing that was
    recorded late falls between two audits. `since` and `until` are the corresponding moments.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    since = models.DateTimeField(null=True)
    until = models.DateTimeField()
    first_posting = models.BigIntegerField()
    last_posting = models.BigIntegerField()
    begun_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    begun_at = models.DateTimeField()
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    signed_at = models.DateTimeField(null=True)
    remarks = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "number"], name="audit_number_once"),
            models.UniqueConstraint(fields=["site"], condition=Q(signed_at__isnull=True), name="one_audit_at_work"),
            models.CheckConstraint(
                condition=Q(signed_at__isnull=True, signed_by__isnull=True)
                | Q(signed_at__isnull=False, signed_by__isnull=False),
                name="signed_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return str(self.number)


class AuditComputation(models.Model):
    """The computation of an audit: the verification, and the checks that read the whole ledger.

    `invariants` are those checked, with the number of tests and faults of each. `moved_at` is the time of the
    last step; a computation without a step for long was abandoned by a worker that died.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    audit = WithinSite(Audit, models.PROTECT, related_name="computations")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    begun_at = models.DateTimeField()
    moved_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    failed = models.BooleanField(default=False)
    step = models.CharField(max_length=100, blank=True)
    invariants = models.JSONField(default=list, db_column="promises")
    counts = models.JSONField(default=dict)

    class Meta:
        db_table = "audit_reckoning"


class CheckFinding(models.Model):
    """One finding that a computation stored for a check; `line` holds the facts to show."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    computation = WithinSite(
        AuditComputation, models.PROTECT, db_column="reckoning_id", db_index=False, related_name="findings"
    )
    check_name = models.CharField(max_length=20, choices=CheckName.choices)
    position = models.PositiveIntegerField()
    line = models.JSONField()

    class Meta:
        db_table = "audit_finding"
        constraints = [
            models.UniqueConstraint(fields=["site", "computation", "check_name", "position"], name="finding_once")
        ]


class CheckReview(models.Model):
    """A user's review of a check: the number of findings at that time, and a remark. Reviews are added, never changed.

    `count` ends at 10,001, which stands for more than 10,000; `lines` are the first findings.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    audit = WithinSite(Audit, models.PROTECT, related_name="looks")
    check_name = models.CharField(max_length=20, choices=CheckName.choices)
    computation = WithinSite(AuditComputation, models.PROTECT, db_column="reckoning_id", null=True, related_name="+")
    count = models.PositiveIntegerField()
    lines = models.JSONField(default=list)
    remarks = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "audit_look"


class AuditKey(models.Model):
    """The idempotency key of an operation on an audit: a repeated request is carried out once (I)."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    audit = WithinSite(Audit, models.PROTECT, null=True, related_name="+")
    look = WithinSite(CheckReview, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="audit_key_once")]
