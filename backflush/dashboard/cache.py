"""Answers that took long to find are kept for some minutes, so that a board that asks every minute costs little."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from django.core.cache import cache
from django.utils import timezone

from backflush.stockmap.models import Site

LONG_SECONDS: Final = 1.0
KEPT_SECONDS: Final = 600

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class CachedAnswer(Generic[Answer]):
    """An answer, and the moment at which it was true if that isn't now."""

    answer: Answer
    as_at: datetime | None = None


def kept(name: str, site: Site, ask: Callable[[], Answer]) -> CachedAnswer[Answer]:
    """The answer kept under a name for a site, else a fresh one, which is kept only where it took long."""
    key = f"backflush:{name}:{site.pk}"
    known: CachedAnswer[Answer] | None = cache.get(key)
    if known is not None:
        return known
    began, moment = time.monotonic(), timezone.now()
    answer = ask()
    if time.monotonic() - began > LONG_SECONDS:
        cache.set(key, CachedAnswer(answer, moment), KEPT_SECONDS)
    return CachedAnswer(answer)
