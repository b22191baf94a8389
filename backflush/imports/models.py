from django.conf import settings
from django.db import models


class ColumnMapping(models.Model):
    """The columns of files with the same headings, as they were imported last, so that the next one needs no mapping.

    `shape` is a digest of the headings. `columns` are the table's columns by heading, empty for those left out;
    `answers` are the answers to questions about numbers and dates.
    """

    shape = models.CharField(max_length=64, unique=True)
    table = models.CharField(max_length=40)
    columns = models.JSONField()
    answers = models.JSONField(default=dict)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()


class Upload(models.Model):
    """A file that a user sent to a page, until it is imported or a day has passed.

    It is kept between the page that shows what was understood and the import itself.
    """

    site = models.ForeignKey("stockmap.Site", models.CASCADE, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    at = models.DateTimeField()
    name = models.CharField(max_length=200)
    content = models.BinaryField()
