"""API tokens of the form `NAME.SECRET`. The secret is shown once; a digest is stored.

Failed attempts are counted by axes as for passwords, per token name and address, so secrets can't be guessed and one
caller can't lock out another.
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
"""The prefix of token names in axes, so that no log-in name can be mistaken for a token."""


def make_token(*, user: User) -> str:
    """Create a token for a user and return it. It can't be shown again."""
    name, secret = secrets.token_hex(NAME_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    Token.objects.create(user=user, name=name, digest=_digest(secret), made_at=timezone.now())
    return f"{name}.{secret}"


def end_tokens(*, user: User) -> int:
    """Revoke all tokens of a user, and return how many there were."""
    return Token.objects.filter(user=user, ended_at__isnull=True).update(ended_at=timezone.now())


def user_by_token(request: HttpRequest, text: str) -> User | None:
    """Return the user of a token, or None if it is unknown, revoked or locked after too many attempts."""
    name, _, secret = text.partition(".")
    if not NAME.fullmatch(name):
        return None
    user = authenticate(request, username=f"{PREFIX}{name}", token=secret)
    return user if isinstance(user, User) else None


class TokenBackend(BaseBackend):
    """Authenticates programs by token. The secret is random and long, so a fast digest is enough."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, token: str | None = None, **more: Any
    ) -> User | None:
        """Return the user of a token that isn't revoked."""
        if token is None or username is None:
            return None
        found = Token.objects.filter(name=username.removeprefix(PREFIX), ended_at__isnull=True, user__is_active=True)
        kept = found.select_related("user").first()
        return kept.user if kept is not None and hmac.compare_digest(kept.digest, _digest(token)) else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
