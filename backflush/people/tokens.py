"""Tokens by which programs come in: `NAME.SECRET`, shown once, of which a digest is kept.

Wrong ones are counted by axes like wrong passwords, by the token's name and the address they come from. So nobody can
try secrets for long, and nobody locks another out.
"""

import hashlib
import hmac
import re
import secrets
from typing import Any, Final

from django.contrib.auth import authenticate
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest
from django.utils import timezone

from backflush.people.models import Token, User

NAME_BYTES: Final = 6
SECRET_BYTES: Final = 32
NAME: Final = re.compile(f"[0-9a-f]{{{2 * NAME_BYTES}}}")
PREFIX: Final = "token "
"""Before a token's name where axes counts: no log-in name is mistaken for it."""


def make_token(*, user: User) -> str:
    """One more token for somebody; nobody can see it again."""
    name, secret = secrets.token_hex(NAME_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    Token.objects.create(user=user, name=name, digest=_digest(secret), made_at=timezone.now())
    return f"{name}.{secret}"


def end_tokens(*, user: User) -> int:
    """Take all of somebody's tokens back; how many there were."""
    return Token.objects.filter(user=user, ended_at__isnull=True).update(ended_at=timezone.now())


def user_by_token(request: HttpRequest, text: str) -> User | None:
    """Whose token it is, if it is anybody's and wasn't tried too often."""
    name, _, secret = text.partition(".")
    if not NAME.fullmatch(name):
        return None
    user = authenticate(request, username=f"{PREFIX}{name}", token=secret)
    return user if isinstance(user, User) else None


class TokenBackend(BaseBackend):
    """Knows people by their tokens. A random secret of this length needs no slow digest."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, token: str | None = None, **more: Any
    ) -> User | None:
        """The person of a token that wasn't taken back."""
        if token is None or username is None:
            return None
        found = Token.objects.filter(name=username.removeprefix(PREFIX), ended_at__isnull=True, user__is_active=True)
        kept = found.select_related("user").first()
        return kept.user if kept is not None and hmac.compare_digest(kept.digest, _digest(token)) else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
