from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models

from backflush.people.rights import Role


class User(AbstractUser):
    """Whoever books, resolves or sets up; every posting names one.

    `single_keys` is whether letters alone do something in the pages: whoever speaks to the machine, or is bumped by
    another hand, switches them off.
    """

    single_keys = models.BooleanField(default=True)

    @property
    def name(self) -> str:
        """What people call them: first and last name, else the log-in name."""
        return self.get_full_name() or self.username

    @property
    def initials(self) -> str:
        """One or two letters for the round button."""
        return "".join(part[0] for part in self.name.split()[:2]).upper()


class Assignment(models.Model):
    """A role that someone has at a site.

    The site is named by a string: people are below the stock map, which knows nothing of roles either.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="assignments")
    site = models.ForeignKey("stockmap.Site", models.CASCADE, related_name="+")
    role = models.CharField(max_length=20, choices=[(role.value, role.value) for role in Role])

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "site", "role"], name="role_once")]


class Board(models.Model):
    """Somebody's own Home: which blocks stand on it, in which order, and how wide (`[["backflush-errors", 6], …]`).

    Which blocks there are is the pages' affair; whoever never arranged theirs has no row, and sees their role's.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="board")
    blocks = models.JSONField()


class Token(models.Model):
    """By what a program comes in through the API as somebody, with that person's roles.

    Only a digest is kept: whoever reads the database can't come in by it. `ended_at` is when it was taken back.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
