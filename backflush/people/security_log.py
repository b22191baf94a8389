"""The security log: who signed in or tried to, and who changed whose rights, passwords, tokens and sessions.

Lines are only added. `within` tells the log which request it is, so that services needn't pass it on.
"""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from backflush.people.models import Assignment, SecurityEvent, User

NAME_LONGEST: Final = 150
DETAIL_LONGEST: Final = 300


class SecurityMatter(StrEnum):
    """What a line of the security log is about."""

    SIGN_IN = "sign in"
    SIGN_OUT = "sign out"
    SESSION = "session"
    PASSWORD = "password"  # noqa: S105 - a word, not a password
    SECOND_FACTOR = "second factor"
    TOKEN = "token"  # noqa: S105
    PERSON = "person"
    ROLES = "roles"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Caller:
    """The request that is answered, and the address that it came from."""

    request: HttpRequest
    address: str


CALLER: Final[ContextVar[Caller | None]] = ContextVar("caller", default=None)


@contextmanager
def within(request: HttpRequest, address: str) -> Iterator[None]:
    """Within this context, lines name the user and the address of a request."""
    token = CALLER.set(Caller(request, address))
    try:
        yield
    finally:
        CALLER.reset(token)


def note(
    what: SecurityMatter, *, person: str, done: bool = True, by: str = "", site: str = "", detail: str = ""
) -> None:
    """Add a line about a person, by log-in name. Texts that are too long are cut."""
    caller = CALLER.get()
    SecurityEvent.objects.create(
        at=timezone.now(),
        what=what,
        done=done,
        person=_plain(person, NAME_LONGEST),
        by=_plain(by or _actor(caller), NAME_LONGEST),
        address=caller.address if caller else "",
        site=site,
        detail=_plain(detail, DETAIL_LONGEST),
    )


def events_at(site: Model) -> QuerySet[SecurityEvent]:
    """Return the lines that concern people of a site, and those with names that nobody has."""
    here = Assignment.objects.filter(site=site.pk).values("user__username")
    unknown = ~Q(person__in=User.objects.values("username"))
    return SecurityEvent.objects.filter(Q(person__in=here) | Q(by__in=here) | unknown)


def _actor(caller: Caller | None) -> str:
    if caller is None:
        try:
            return f"command line ({getpass.getuser()})"
        except (KeyError, OSError):
            return "command line"
    user = getattr(caller.request, "user", None)
    return user.username if user is not None and user.is_authenticated else ""


def _plain(text: str, longest: int) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text[:longest])
