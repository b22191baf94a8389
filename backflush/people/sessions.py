"""Sessions of the pages: they end after a time without use, and after a time in any case.

Django loads `SessionStore` by the setting SESSION_ENGINE. A session is one row, which says whose it is, so its owner
can see it and end it; a request reads it by the same statement as before.
"""

from datetime import datetime, timedelta
from typing import Any, Final, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db.models import QuerySet
from django.utils import timezone

from backflush.people.models import User, UserSession
from backflush.people.security_log import SecurityMatter, note

IDLE: Final = timedelta(hours=2)
LONGEST: Final = timedelta(hours=12)
NOTED_EVERY: Final = timedelta(minutes=5)
"""How often it is recorded that a session is used: a request rarely writes."""
ADDRESS: Final = "address"
BROWSER: Final = "browser"


class SessionStore(DatabaseStore):
    """Keeps sessions as rows that say whose they are and when they were used."""

    _begun: datetime | None = None
    _seen: datetime | None = None

    @classmethod
    def get_model_class(cls) -> type[UserSession]:
        """Return the model of the rows."""
        return UserSession

    def load(self) -> dict[str, Any]:
        """Return what a session holds; nothing if it is over."""
        now = timezone.now()
        row = UserSession.objects.filter(session_key=self.session_key, expire_date__gt=now).first()
        if row is None or now - row.seen_at > IDLE or now - row.begun_at > LONGEST:
            self._session_key = None
            return {}
        self._begun, self._seen = row.begun_at, row.seen_at
        if now - row.seen_at > NOTED_EVERY:
            UserSession.objects.filter(pk=row.pk).update(seen_at=now)
            self._seen = now
        return dict(self.decode(row.session_data))

    def cycle_key(self) -> None:
        """Begin anew, at a log-in."""
        self._begun = self._seen = None
        super().cycle_key()

    def flush(self) -> None:
        """End the session."""
        self._begun = self._seen = None
        super().flush()

    def create_model_instance(self, data: dict[str, Any]) -> UserSession:
        """Return the row of what a session holds."""
        row = cast(UserSession, super().create_model_instance(data))
        now = timezone.now()
        row.user_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        row.begun_at, row.seen_at = self._begun or now, self._seen or now
        row.address, row.browser = data.get(ADDRESS, ""), data.get(BROWSER, "")
        self._begun, self._seen = row.begun_at, row.seen_at
        return row


def open_sessions(user: User) -> QuerySet[UserSession]:
    """Return the sessions of a user that aren't over, the last used first."""
    now = timezone.now()
    found = UserSession.objects.filter(user=user, expire_date__gt=now, seen_at__gt=now - IDLE)
    return found.filter(begun_at__gt=now - LONGEST).order_by("-seen_at", "pk")


def end_sessions(user: User, *, but: str = "", only: str = "") -> int:
    """End sessions of a user: all, all `but` one key, or `only` one by its handle. Return how many."""
    found = UserSession.objects.filter(user=user).exclude(session_key=but)
    if only:
        found = found.filter(pk__in=[session.pk for session in found if session.handle == only])
    count, _ = found.delete()
    if count:
        note(SecurityMatter.SESSION, person=user.username, detail=f"{count} ended")
    return count


def forget_old_sessions(user: User) -> None:
    """Delete the rows of sessions that are over."""
    UserSession.objects.filter(user=user).exclude(pk__in=open_sessions(user).values("pk")).delete()
