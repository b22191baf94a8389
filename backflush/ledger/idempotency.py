"""Callers' keys: the same request twice posts once (I).

The key is claimed before anything else is looked at, so that a repeated request gets its first outcome whatever has
happened since. Whoever comes second while the first is still at work waits for it, in the database.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from backflush.core.quantity import written
from backflush.core.refusals import InvalidValue, KeyReused
from backflush.core.text import require_short
from backflush.ledger.archived_numbers import archived_keys, key_archived
from backflush.ledger.models import Key, Posting
from backflush.ledger.statements import CLAIM_KEYS
from backflush.stockmap.models import Site

KEY_LENGTH = 200


STREAM_MARK: Final = "\N{SYMBOL FOR UNIT SEPARATOR}"
"""Stands between the name of a stream and the number of a line in the key of that line. No caller's key may have it."""


def require_own_key(key: str) -> str:
    """Return a caller's key; refuse one that could be the key of a stream's line, or is too long (`InvalidValue`)."""
    if STREAM_MARK in key:
        raise InvalidValue("A key must not contain {mark}. Choose another key.", mark=STREAM_MARK, field="key")
    return require_short(key, KEY_LENGTH, field="key", what="A key")


def stream_keys(site: Site, stream: str, numbers: Sequence[int]) -> dict[int, str]:
    """Return the keys of a stream's lines by their numbers, so that a line that is sent again posts nothing twice.

    Earlier versions made keys of the name, a space and the number, which a caller may have chosen too. Those that were
    posted before the upgrade (`Site.spaced_keys_through`) are recognised.
    """
    keys = {number: f"{stream}{STREAM_MARK}{number}" for number in numbers}
    if site.spaced_keys_through is not None:
        spaced = {f"{stream} {number}": number for number in numbers}
        known = Key.objects.filter(site=site, key__in=list(spaced), pk__lte=site.spaced_keys_through)
        keys |= {spaced[key]: key for key in known.values_list("key", flat=True)}
    return keys


@dataclass(frozen=True, slots=True)
class Request:
    """One keyed request: the operation, and its content with all defaults filled in.

    A time that the caller didn't give and the person are not content: the same scan sent twice is the same.
    """

    key: str
    operation: str
    content: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """What the content comes to, compared by value: 5 is 5.0, and order and notation don't matter."""
        text = json.dumps([self.operation, _plain(self.content)], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return written(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


@dataclass(frozen=True, slots=True)
class Claims:
    """What claiming some keys came to: new keys by name, and for the others what was posted under them."""

    new: Mapping[str, int]
    posted: Mapping[str, Posting]


def claim_keys(*, site: Site, requests: Sequence[Request]) -> Claims:
    """Claim the keys of some requests; refused where one was used with other content (`key_reused`).

    Call it first in the transaction: keys are locked before orders, orders before balances.
    """
    asked = _by_key(requests)
    if not asked:
        return Claims({}, {})
    new: dict[str, int] = dict(CLAIM_KEYS.execute_many(_columns(sorted(asked.items())), site_id=site.pk))
    posted = _first_outcomes(site, {key: request for key, request in asked.items() if key not in new})
    return Claims(new, posted)


def _columns(asked: Sequence[tuple[str, Request]]) -> dict[str, list[str]]:
    return {
        "key": [key for key, _ in asked],
        "operation": [request.operation for _, request in asked],
        "digest": [request.digest for _, request in asked],
    }


def claim_key(*, site: Site, key: str, operation: str, content: Mapping[str, Any]) -> tuple[int | None, Posting | None]:
    """Claim one key, if the caller gave any: the new key's number, or what was posted under it before."""
    claims = claim_keys(site=site, requests=[Request(key, operation, content)])
    return claims.new.get(key), claims.posted.get(key)


def posted_keys(*, site: Site, requests: Sequence[Request]) -> tuple[set[str], dict[str, KeyReused]]:
    """Which of some requests were posted before, and which keys were used for something else; claims nothing."""
    known = dict(
        Key.objects.filter(site=site, key__in=[request.key for request in requests]).values_list("key", "digest")
    )
    reused = {
        request.key: _reused(request.key)
        for request in requests
        if request.key in known and known[request.key] != request.digest
    }
    return known.keys() - reused.keys(), reused


def _by_key(requests: Iterable[Request]) -> dict[str, Request]:
    asked: dict[str, Request] = {}
    for request in requests:
        if not request.key:
            continue
        if len(request.key) > KEY_LENGTH:
            raise InvalidValue("A key has at most {most} characters. Send a shorter one.", most=KEY_LENGTH, field="key")
        first = asked.setdefault(request.key, request)
        if first is not request and first.digest != request.digest:
            raise _reused(request.key)
    return asked


def _first_outcomes(site: Site, asked: Mapping[str, Request]) -> dict[str, Posting]:
    if not asked:
        return {}
    posted: dict[str, Posting] = {}
    for posting in Posting.objects.filter(site=site, key__key__in=asked).select_related("key", "cost_object", "by"):
        assert posting.key is not None, "it was found by its key"
        if posting.key.digest != asked[posting.key.key].digest:
            raise _reused(posting.key.key)
        posted[posting.key.key] = posting
    for held in archived_keys(site, asked.keys() - posted.keys()) if len(posted) < len(asked) else ():
        if held.key.digest != asked[held.key.key].digest:
            raise _reused(held.key.key)
        raise key_archived(held)
    assert len(posted) == len(asked), "a key is kept with its posting or not at all"
    return posted


def _reused(key: str) -> KeyReused:
    return KeyReused(
        "The key '{key}' was used for another request. Use a new key, or send the first request again unchanged.",
        key=key,
        field="key",
    )
