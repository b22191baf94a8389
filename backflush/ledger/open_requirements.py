"""What waits, read as the moves that are due: what a retry of thousands needs of them, and nothing else.

Made of six models each, reading a movement took longer than settling it: 100,000 unresolved movements took twice as
long to retry. So this is one statement whose rows become moves at once.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection

from backflush.core.moves import Move, Place, Reason, Status, Tracking
from backflush.core.quantity import from_scaled
from backflush.db.queries import answer
from backflush.ledger.posting import OR_ITS_ORIGIN
from backflush.stockmap.models import ShortRule, Site

_DUE = (
    "SELECT m.id, COALESCE(m.origin_id, m.id), m.at, m.status, m.reason, m.cost_id, a.short, "  # noqa: S608 - our own
    "m.source_id, m.source_bin, s.has_balance, s.bin_controlled, "
    "m.target_id, m.target_bin, t.has_balance, t.bin_controlled, "
    "m.item_id, m.due, i.cost_id, i.tracking, m.batch, m.serial, m.job_id, m.charged, m.rule_id, m.line_id "
    "FROM ledger_movement m JOIN items_item i ON i.id = m.item_id "
    "JOIN stockmap_location s ON s.id = m.source_id JOIN stockmap_location t ON t.id = m.target_id "
    "LEFT JOIN stockmap_transferrule r ON r.id = m.rule_id LEFT JOIN stockmap_action a ON a.id = r.action_id "
    f"WHERE m.site_id = %(site)s AND m.id IN ({OR_ITS_ORIGIN}) ORDER BY m.id"
)


class Due(NamedTuple):
    """One unresolved movement: `move` is what is due as it would move now, at the cost of now.

    `root` is the assumed movement that it goes back to, which may be itself; `cost` what the item cost then.
    """

    number: int
    root: int
    at: datetime
    reason: Reason
    cost: int
    move: Move


def lock_due(*, site: Site, movements: Collection[int]) -> list[Due]:
    """Lock some movements as `lock_waiting` does; answers with those that are unresolved, oldest first (U7)."""
    assert connection.in_atomic_block, "the use case owns the transaction"
    locking = " FOR NO KEY UPDATE OF m" if connection.features.has_select_for_update else ""
    return _due(site, movements, f"{_DUE}{locking}")


def read_due(*, site: Site, movements: Collection[int]) -> list[Due]:
    """The same without locking them: for previews."""
    return _due(site, movements, _DUE)


def _due(site: Site, movements: Collection[int], text: str) -> list[Due]:
    wanted = set(movements)
    if not wanted:
        return []
    rows = answer(text, site=site.pk, movements=sorted(wanted))
    return sorted(_read(row for row in rows if row[0] in wanted), key=lambda one: (one.at, one.root, one.number))


def _read(rows: Iterator[tuple[Any, ...]]) -> Iterator[Due]:
    for row in rows:
        number, root, at, status, reason, cost, short = row[:7]
        if status != Status.UNRESOLVED:
            continue
        source, target = Place(*row[7:11]), Place(*row[11:15])
        item, due, cost_now, tracking, batch, serial, cost_object, charged, rule, line = row[15:]
        move = Move(
            item,
            from_scaled(due),
            source,
            target,
            cost_now,
            Tracking(tracking),
            batch,
            serial,
            cost_object,
            charged,
            rule,
            line,
            resolves=number,
            origin=root,
            parts_allowed=short == ShortRule.PART,
        )
        # SQLite keeps moments in UTC and gives them without saying so.
        yield Due(number, root, at if at.tzinfo else at.replace(tzinfo=UTC), Reason(reason), cost, move)
