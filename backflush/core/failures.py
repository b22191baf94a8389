"""Internal errors: the message for users and programs, and the reference under which the log has the details."""

import logging
import secrets
import sys
from typing import Final

from backflush.core.refusals import Refusal

_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Letters that aren't mistaken for others on the telephone."""
_LENGTH: Final = 4


class Failed(Refusal):
    """An internal error. The request itself may be valid (500)."""

    code = "failed"


def log_failure(log: logging.Logger, what: str) -> str:
    """Log the exception that is being handled, and return the reference that is logged with it."""
    reference = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    log.error("reference %s: %s failed", reference, what, exc_info=sys.exc_info())
    return reference


def failure(log: logging.Logger, what: str) -> Failed:
    """Log the exception that is being handled, and return the refusal that gives its reference."""
    reference = log_failure(log, what)
    return Failed("The server failed. Give your administrator the reference {reference}.", reference=reference)
