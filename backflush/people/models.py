import hashlib
from typing import Any, NoReturn

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import Value

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

    Only a digest is stored, so the database doesn't reveal the secret. `scope` are the rights that it has at most, all
    of the user's if empty. `ends_at` is when it stops by itself, `ended_at` when it was revoked.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    purpose = models.CharField(max_length=100, default="", db_default="")
    scope = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    ends_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)


class UserSession(AbstractBaseSession):
    """A session of the pages. Its owner can see where it was begun and when it was last used, and end it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="sessions")
    begun_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    address = models.CharField(max_length=45)
    browser = models.CharField(max_length=200)

    @property
    def handle(self) -> str:
        """A name of the session for pages: the key itself would let whoever reads it take the session over."""
        return hashlib.sha256(self.session_key.encode()).hexdigest()[:32]


class SecondFactor(models.Model):
    """A second factor of a user: an app that makes codes from a secret and the time (TOTP).

    `last_step` is the half minute of the last code that was taken: a code is taken once. Without `confirmed_at` the
    user hasn't yet shown that the app has the secret.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="second_factor")
    secret = models.CharField(max_length=64)
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=0)


class RecoveryCode(models.Model):
    """A code that stands for the second factor once, for a user whose phone is lost. Only a digest is stored."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)


class NeverChanged(models.QuerySet["SecurityEvent"]):
    """Rows that are added and read, and neither changed nor deleted."""

    def update(self, **_: Any) -> NoReturn:
        """Refuse."""
        raise TypeError("the security log is never changed")

    def delete(self) -> NoReturn:
        """Refuse."""
        raise TypeError("nothing is deleted from the security log")


class SecurityEvent(models.Model):
    """A line of the security log: who did what concerning whom, from which address, and whether it was done.

    It names people, sites and tokens by texts, because it stays when they change.
    """

    at = models.DateTimeField()
    what = models.CharField(max_length=20)
    done = models.BooleanField()
    person = models.CharField(max_length=150)
    by = models.CharField(max_length=150)
    address = models.CharField(max_length=45)
    site = models.CharField(max_length=20)
    detail = models.CharField(max_length=300)

    objects = NeverChanged.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["at"], name="security_at"),
            models.Index(fields=["person", "at"], name="security_person"),
        ]

    def save(self, *arguments: Any, **named: Any) -> None:
        """Add the line; refuse to change one."""
        if not self._state.adding:
            raise TypeError("the security log is never changed")
        super().save(*arguments, **named)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse."""
        raise TypeError("nothing is deleted from the security log")
