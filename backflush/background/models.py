from django.conf import settings
from django.db import models
from django.db.models import Q

from backflush.stockmap.models import Site


class BackgroundJobKind(models.TextChoices):
    """The kind of work."""

    RETRY = "retry"
    UNDO = "undo"
    EXPORT = "export"


class BackgroundJob(models.Model):
    """One piece of background work: who requested it, its progress, and its result.

    `asked` holds the parameters, `mark` the position, and `work` the path of the task function. `done` of `of` is the
    progress (`of` is 0 until the total is known), `counted` the successful part. `moved_at` is the time of the last
    step; a job without a step for long was abandoned by a worker that died.
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
        """Whether the job has ended, successfully or not."""
        return self.finished_at is not None

    @property
    def offers_file(self) -> bool:
        """Whether a file can be downloaded."""
        return self.is_finished and bool(self.file_name) and not self.file_removed and not self.failed

    @property
    def percent(self) -> int:
        """The progress in per cent; 100 only when the job is finished."""
        if self.is_finished:
            return 100
        return min(99, 100 * self.done // self.of) if self.of else 0


class BackgroundJobPart(models.Model):
    """A compressed piece of a job's file. It is stored in the database, where every process can read it."""

    background_job = models.ForeignKey(
        BackgroundJob, models.CASCADE, db_column="errand_id", db_index=False, related_name="parts"
    )
    number = models.IntegerField()
    content = models.BinaryField()

    class Meta:
        db_table = "errands_errandpart"
        constraints = [models.UniqueConstraint(fields=["background_job", "number"], name="errand_part_once")]
