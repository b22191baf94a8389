from django.conf import settings
from django.db import models
from django.db.models import Q

from backflush.db.fields import WithinSite
from backflush.stockmap.models import Site


class CheckName(models.TextChoices):
    """The eight questions of an audit, in the order in which they are worked through."""

    UNRESOLVED = "unresolved"
    CANCELLED = "cancelled"
    REVISED = "revised"
    NEVER_MOVED = "never-moved"
    HAND_ISSUES = "hand-issues"
    STRUCTURES = "structures"
    NEGATIVE = "negative"
    PROOF = "proof"


class Audit(models.Model):
    """One regular audit of a site's backflushes: begun, looked through check by check, signed off; then it stands.

    It is about what was recorded behind `first_posting` up to `last_posting`: numbers, not times, so nothing that was
    recorded late falls between two audits. `since` and `until` say the same in moments.
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
    """What takes a walk through the whole ledger, worked out once for an audit: the proof, and the slow checks.

    `promises` are the proof's, each with how often it was tried and how often it doesn't hold. `moved_at` is when it
    last took a step: one that stands still for long was left by a worker that died.
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
    """One line that a reckoning found for a check; `line` is what is shown of it."""

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
    """Somebody has looked at a check: what it came to then, and what they say to it. Looks are added, never changed.

    `count` stops at one more than 10,000; `lines` are the first that were shown.
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
    """A caller's key for something that was done to an audit, so that a repeated request does it once (I)."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    audit = WithinSite(Audit, models.PROTECT, null=True, related_name="+")
    look = WithinSite(CheckReview, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="audit_key_once")]
