"""The second factor: codes of an app on the user's phone (TOTP, RFC 6238), and recovery codes for when it is lost."""

import hashlib
import secrets
from typing import Final

import pyotp
from django.db import transaction
from django.utils import timezone

from backflush.core.refusals import InvalidValue
from backflush.people.models import RecoveryCode, SecondFactor, User
from backflush.people.security_log import SecurityMatter, note

ISSUER: Final = "Backflush"
STEP_SECONDS: Final = 30
STEPS_AROUND: Final = 1
"""How many half minutes a phone's clock may be wrong."""
RECOVERY_CODES: Final = 10
RECOVERY_BYTES: Final = 8
CODE_LONGEST: Final = 40


def has_second_factor(user: User) -> bool:
    """Return whether a user signs in with a code too."""
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def begin_second_factor(*, user: User) -> str:
    """Return the address that an app reads from a QR code. The factor isn't in use until a code confirms it.

    Begun again, it is the same secret, so that a page may be opened twice.
    """
    factor, _ = SecondFactor.objects.get_or_create(user=user, defaults={"secret": pyotp.random_base32()})
    if factor.confirmed_at is not None:
        raise InvalidValue("You have a second factor already. Switch it off first.", field="code")
    return pyotp.TOTP(factor.secret).provisioning_uri(name=user.username, issuer_name=ISSUER)


@transaction.atomic
def confirm_second_factor(*, user: User, code: str) -> list[str]:
    """Put the second factor in use, with a code that the app shows. Return recovery codes, which are shown once.

    Refused (`invalid_value`) where the code is wrong.
    """
    if not _takes(user, code, confirmed=False):
        raise InvalidValue("This code is wrong or over. Enter the code that the app shows now.", field="code")
    SecondFactor.objects.filter(user=user).update(confirmed_at=timezone.now())
    RecoveryCode.objects.filter(user=user).delete()
    codes = [secrets.token_hex(RECOVERY_BYTES) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(code)) for code in codes)
    note(SecurityMatter.SECOND_FACTOR, person=user.username, detail="in use")
    return codes


@transaction.atomic
def end_second_factor(*, user: User) -> None:
    """Switch the second factor off."""
    count, _ = SecondFactor.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    if count:
        note(SecurityMatter.SECOND_FACTOR, person=user.username, detail="switched off")


@transaction.atomic
def takes_code(*, user: User, code: str) -> bool:
    """Return whether a code of the app, or a recovery code, is right. Each is taken once."""
    plain = code.strip().replace(" ", "").replace("-", "")[:CODE_LONGEST]
    if _takes(user, plain, confirmed=True):
        return True
    used = RecoveryCode.objects.filter(user=user, digest=_digest(plain), used_at__isnull=True)
    if used.update(used_at=timezone.now()):
        note(SecurityMatter.SECOND_FACTOR, person=user.username, detail="recovery code used")
        return True
    return False


def _takes(user: User, code: str, *, confirmed: bool) -> bool:
    """Return whether the app's code is right and newer than the last one. Locks the row, so that it is taken once."""
    factor = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at__isnull=not confirmed).first()
    plain = code.strip().replace(" ", "")
    if factor is None or not (plain.isascii() and plain.isdigit()):
        return False
    totp, now = pyotp.TOTP(factor.secret), int(timezone.now().timestamp()) // STEP_SECONDS
    for step in range(max(factor.last_step + 1, now - STEPS_AROUND), now + STEPS_AROUND + 1):
        if secrets.compare_digest(totp.at(step * STEP_SECONDS), plain):
            SecondFactor.objects.filter(pk=factor.pk).update(last_step=step)
            return True
    return False


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode(errors="replace")).hexdigest()
