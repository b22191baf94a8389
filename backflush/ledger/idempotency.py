"""Idempotency keys: the same request sent twice posts once (I).

The key is claimed before anything else is read, so a repeated request gets its first outcome, whatever has happened
since. While the first request is still running, the database makes the second one wait.
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
"""The separator between stream name and line number in the key of a line. A caller's key can't contain it."""


def require_own_key(key: str) -> str:
    """Return a caller's key; refuse one that is too long or could be the key of a stream's line (`InvalidValue`)."""
    if STREAM_MARK in key:
        raise InvalidValue("A key must not contain {mark}. Choose another key.", mark=STREAM_MARK, field="key")
    return require_short(key, KEY_LENGTH, field="key", what="A key")


def stream_keys(site: Site, stream: str, numbers: Sequence[int]) -> dict[int, str]:
    """Return the keys of a stream's lines by line number, so that a line sent again posts nothing twice.

    Earlier versions separated name and number by a space, which a caller's key may contain too. Keys posted before the
    upgrade (`Site.spaced_keys_through`) are still recognised.
    """
    keys = {number: f"{stream}{STREAM_MARK}{number}" for number in numbers}
    if site.spaced_keys_through is not None:
        spaced = {f"{stream} {number}": number for number in numbers}
        known = Key.objects.filter(site=site, key__in=list(spaced), pk__lte=site.spaced_keys_through)
        keys |= {spaced[key]: key for key in known.values_list("key", flat=True)}
    return keys


@dataclass(frozen=True, slots=True)
class Request:
    """A request with a key: the operation, and its content with all defaults filled in.

    The user, and an event time that wasn't given, aren't part of the content: the same scan sent twice is the same
    request.
    """

    key: str
    operation: str
    content: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """The digest of the content, compared by value: 5 equals 5.0, and neither order nor notation matters."""
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
    """The result of claiming keys: new keys by name, and the earlier outcomes of the others."""

    new: Mapping[str, int]
    posted: Mapping[str, Posting]


def claim_keys(*, site: Site, requests: Sequence[Request]) -> Claims:
    """Claim the keys of some requests; refused if one was used with other content (`key_reused`).

    Call it first in the transaction: keys are locked before orders, and orders before balances.
    """
    by_key = _by_key(requests)
    if not by_key:
        return Claims({}, {})
    new: dict[str, int] = dict(CLAIM_KEYS.execute_many(_columns(sorted(by_key.items())), site_id=site.pk))
    posted = _first_outcomes(site, {key: request for key, request in by_key.items() if key not in new})
    return Claims(new, posted)


def _columns(by_key: Sequence[tuple[str, Request]]) -> dict[str, list[str]]:
    return {
        "key": [key for key, _ in by_key],
        "operation": [request.operation for _, request in by_key],
        "digest": [request.digest for _, request in by_key],
    }


def claim_key(*, site: Site, key: str, operation: str, content: Mapping[str, Any]) -> tuple[int | None, Posting | None]:
    """Claim one key, if given. Return the new key's primary key, or the earlier outcome."""
    claims = claim_keys(site=site, requests=[Request(key, operation, content)])
    return claims.new.get(key), claims.posted.get(key)


def posted_keys(*, site: Site, requests: Sequence[Request]) -> tuple[set[str], dict[str, KeyReused]]:
    """Return which requests were posted before, and which keys were used for other requests. Claims nothing."""
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
    by_key: dict[str, Request] = {}
    for request in requests:
        if not request.key:
            continue
        if len(request.key) > KEY_LENGTH:
            raise InvalidValue("A key has at most {most} characters. Send a shorter one.", most=KEY_LENGTH, field="key")
        first = by_key.setdefault(request.key, request)
        if first is not request and first.digest != request.digest:
            raise _reused(request.key)
    return by_key


def _first_outcomes(site: Site, by_key: Mapping[str, Request]) -> dict[str, Posting]:
    if not by_key:
        return {}
    posted: dict[str, Posting] = {}
    for posting in Posting.objects.filter(site=site, key__key__in=by_key).select_related("key", "cost_object", "by"):
        assert posting.key is not None, "the posting was found by its key"
        if posting.key.digest != by_key[posting.key.key].digest:
            raise _reused(posting.key.key)
        posted[posting.key.key] = posting
    for held in archived_keys(site, by_key.keys() - posted.keys()) if len(posted) < len(by_key) else ():
        if held.key.digest != by_key[held.key.key].digest:
            raise _reused(held.key.key)
        raise key_archived(held)
    assert len(posted) == len(by_key), "a key is stored with its posting or not at all"
    return posted


def _reused(key: str) -> KeyReused:
    return KeyReused(
        "The key '{key}' was used for another request. Use a new key, or send the first request again unchanged.",
        key=key,
        field="key",
    )
