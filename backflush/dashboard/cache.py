"""A cache for slow answers, so that a Home that reloads every minute costs little."""

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
    """An answer, and the time at which it was true if it comes from the cache."""

    answer: Answer
    as_at: datetime | None = None


def kept(name: str, site: Site, ask: Callable[[], Answer]) -> CachedAnswer[Answer]:
    """Return the cached answer for a name and a site, or compute it. Only slow answers are cached."""
    key = f"backflush:{name}:{site.pk}"
    known: CachedAnswer[Answer] | None = cache.get(key)
    if known is not None:
        return known
    began, moment = time.monotonic(), timezone.now()
    answer = ask()
    if time.monotonic() - began > LONG_SECONDS:
        cache.set(key, CachedAnswer(answer, moment), KEPT_SECONDS)
    return CachedAnswer(answer)
