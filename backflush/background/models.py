from django.conf import settings
from django.db import models
from django.db.models import Q

from backflush.stockmap.models import Site


class BackgroundJobKind(models.TextChoices):
    """What is done."""

    RETRY = "retry"
    UNDO = "undo"
    EXPORT = "export"


class BackgroundJob(models.Model):
    """One piece of background work: who asked for what, how far it is, and what came of it.

    `asked` is what the work needs to know, `mark` how far it has come, in its own words; `work` the task that does it.
    `done` of `of` is for the bar (`of` is 0 until it is known). `counted` is what has come of it so far. `moved_at` is
    when it last took a step: one that stands still for long was left by a worker that died.
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=BackgroundJobKind.choices)
    work = models.CharField(max_length=200)
    title = models.CharField(max_length=200)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked = models.JSONField(default=dict)
    begun_at = models.DateTimeField()
    moved_at = models.DateTimeField()
    taken_up = models.BooleanField(default=False)
    mark = models.JSONField(null=True)
    done = models.BigIntegerField(default=0)
    of = models.BigIntegerField(default=0)
    counted = models.BigIntegerField(default=0)
    stopping = models.BooleanField(default=False)
    finished_at = models.DateTimeField(null=True)
    failed = models.BooleanField(default=False)
    outcome = models.CharField(max_length=500, blank=True)
    file_name = models.CharField(max_length=200, blank=True)
    file_removed = models.BooleanField(default=False)

    class Meta:
        db_table = "errands_errand"
        indexes = [
            models.Index(fields=["site", "moved_at"], condition=Q(finished_at__isnull=True), name="errand_unfinished"),
            models.Index(fields=["site", "by", "begun_at"], name="errand_by_person"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_finished(self) -> bool:
        """Whether it has come to its end, good or bad."""
        return self.finished_at is not None

    @property
    def offers_file(self) -> bool:
        """Whether there is a file to take."""
        return self.is_finished and bool(self.file_name) and not self.file_removed and not self.failed

    @property
    def percent(self) -> int:
        """How far the bar goes; 100 only at the end."""
        if self.is_finished:
            return 100
        return min(99, 100 * self.done // self.of) if self.of else 0


class BackgroundJobPart(models.Model):
    """A piece of the file that an errand makes, packed. Kept in the database, where every process finds it."""

    background_job = models.ForeignKey(
        BackgroundJob, models.CASCADE, db_column="errand_id", db_index=False, related_name="parts"
    )
    number = models.IntegerField()
    content = models.BinaryField()

    class Meta:
        db_table = "errands_errandpart"
        constraints = [models.UniqueConstraint(fields=["background_job", "number"], name="errand_part_once")]
