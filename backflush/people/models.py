from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models

from backflush.people.rights import Role


class User(AbstractUser):
    """A person who works with the system, or a program's account. Every posting names one.

    `single_keys` switches single-letter shortcuts on the pages: users of speech input or with a tremor switch them off.
    """

    single_keys = models.BooleanField(default=True)

    @property
    def name(self) -> str:
        """The name to show: first and last name, else the log-in name."""
        return self.get_full_name() or self.username

    @property
    def initials(self) -> str:
        """One or two initials for the account button."""
        return "".join(part[0] for part in self.name.split()[:2]).upper()


class Assignment(models.Model):
    """A role of a user at a site.

    The foreign key names the site's model by a string, because `people` lies below `stockmap`.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="assignments")
    site = models.ForeignKey("stockmap.Site", models.CASCADE, related_name="+")
    role = models.CharField(max_length=20, choices=[(role.value, role.value) for role in Role])

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "site", "role"], name="role_once")]


class Board(models.Model):
    """A user's own Home: its blocks in order with their widths (`[["backflush-errors", 6], …]`).

    The pages know which blocks exist. A user who never arranged the board has no row and sees the board of the role.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="board")
    blocks = models.JSONField()


class Token(models.Model):
    """An API token. A program that sends it acts as its user, with that user's roles.

    Only a digest is stored, so the database doesn't reveal the secret. `ended_at` is when the token was revoked.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
