"""API tokens of the form `NAME.SECRET`. The secret is shown once; a digest is stored.

A secret is random and too long to guess, so a right token is never refused for wrong ones before. Wrong ones are noted
in the security log, up to a limit per address.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from backflush.people.log_in_limits import too_many_wrong_tokens
from backflush.people.models import Token, User
from backflush.people.rights import Verb
from backflush.people.security_log import SecurityMatter, note

NAME_BYTES: Final = 6
SECRET_BYTES: Final = 32
NAME: Final = re.compile(f"[0-9a-f]{{{2 * NAME_BYTES}}}")
DAYS: Final = 365
"""How long a token lasts if nothing else is said."""
USE_NOTED_EVERY: Final = timedelta(minutes=10)
"""How often it is recorded that a token is used: a request rarely writes."""


def make_token(*, user: User, purpose: str = "", scope: Iterable[Verb] = (), days: int = DAYS) -> str:
    """Create a token for a user and return it. It can't be shown again.

    It has the rights of `scope` at most, all of the user's if that is empty, and ends after some days.
    """
    name, secret = secrets.token_hex(NAME_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    now, rights = timezone.now(), sorted(scope)
    Token.objects.create(
        user=user,
        name=name,
        digest=_digest(secret),
        made_at=now,
        purpose=purpose,
        scope=rights,
        ends_at=now + timedelta(days=days),
    )
    note(SecurityMatter.TOKEN, person=user.username, detail=f"{name} made for: {purpose}; {', '.join(rights)}")
    return f"{name}.{secret}"


def end_tokens(*, user: User, name: str = "") -> int:
    """Revoke all tokens of a user, or one by its name, and return how many there were."""
    found = Token.objects.filter(user=user, ended_at__isnull=True)
    if name:
        found = found.filter(name=name)
    count = found.update(ended_at=timezone.now())
    if count:
        note(SecurityMatter.TOKEN, person=user.username, detail=f"{count} ended {name}".strip())
    return count


def tokens_in_use(user: User) -> QuerySet[Token]:
    """Return the tokens of a user that are neither revoked nor over, the newest first."""
    return Token.objects.filter(_in_use(), user=user).order_by("-made_at", "pk")


def _in_use() -> Q:
    return Q(ended_at__isnull=True) & (Q(ends_at__isnull=True) | Q(ends_at__gt=timezone.now()))


def token_of(text: str) -> Token | None:
    """Return a token with its user, or None if it is unknown, revoked or over, or its user may not sign in."""
    name, _, secret = text.partition(".")
    if not NAME.fullmatch(name):
        return None
    found = Token.objects.filter(_in_use(), name=name, user__is_active=True).select_related("user").first()
    if found is None or not hmac.compare_digest(found.digest, _digest(secret)):
        return None
    now = timezone.now()
    if now - (found.used_at or found.made_at) > USE_NOTED_EVERY:
        Token.objects.filter(pk=found.pk).update(used_at=now)
    return found


def note_wrong_token(text: str) -> bool:
    """Note a wrong token, and return whether there were too many from this address."""
    if too_many_wrong_tokens():
        return True
    name = text.partition(".")[0]
    owner = (
        Token.objects.filter(name=name).values_list("user__username", flat=True).first() if NAME.fullmatch(name) else ""
    )
    note(SecurityMatter.TOKEN, person=owner or "", done=False, detail=f"wrong token {name}" if owner else "wrong token")
    return False


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
