"""Unresolved movements read as the moves that are due, with just what a retry of thousands needs.

Building model instances from six tables took longer than settling: a retry of 100,000 took twice as long. So one
statement reads them, and its rows become moves directly.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import NamedTuple

from django.db import connection

from backflush.core.moves import Move, Place, Reason, Status, Tracking
from backflush.core.quantity import from_scaled
from backflush.db.statements import Statement
from backflush.ledger.statements import LOCK_OPEN_REQUIREMENTS, OPEN_REQUIREMENTS
from backflush.stockmap.models import ShortRule, Site


class RequirementRow(NamedTuple):
    """A row of the statements `open_requirements` and `lock_open_requirements`, by the names of its columns."""

    id: int
    root: int
    at: datetime
    status: str
    reason: str
    cost_id: int
    short: str | None
    source_id: int
    source_bin: str
    source_keeps_balance: bool
    source_has_bins: bool
    target_id: int
    target_bin: str
    target_keeps_balance: bool
    target_has_bins: bool
    item_id: int
    due: int
    cost_now: int
    tracking: str
    batch: str
    serial: str
    job_id: int | None
    charged: int
    rule_id: int | None
    line_id: int | None


class Due(NamedTuple):
    """One unresolved movement: `move` is the quantity due as it would move now, at the present cost.

    `root` is the assumed movement that it continues, or itself; `cost` is the item's cost at that time.
    """

    number: int
    root: int
    at: datetime
    reason: Reason
    cost: int
    move: Move


def lock_due(*, site: Site, movements: Collection[int]) -> list[Due]:
    """Lock some movements as `lock_waiting` does, and return those that are unresolved, oldest first (U7)."""
    assert connection.in_atomic_block, "the use case owns the transaction"
    return _due(LOCK_OPEN_REQUIREMENTS, site, movements)


def read_due(*, site: Site, movements: Collection[int]) -> list[Due]:
    """Return some unresolved movements, oldest first, without locking them: for previews (U7)."""
    return _due(OPEN_REQUIREMENTS, site, movements)


def _due(statement: Statement, site: Site, movements: Collection[int]) -> list[Due]:
    wanted = set(movements)
    if not wanted:
        return []
    rows = map(RequirementRow._make, statement.fetch(site_id=site.pk, movements=sorted(wanted)))
    unresolved = (row for row in rows if row.status == Status.UNRESOLVED and row.id in wanted)
    return sorted(map(_requirement, unresolved), key=lambda one: (one.at, one.root, one.number))


def _requirement(row: RequirementRow) -> Due:
    move = Move(
        item_id=row.item_id,
        quantity=from_scaled(row.due),
        source=Place(row.source_id, row.source_bin, row.source_keeps_balance, row.source_has_bins),
        target=Place(row.target_id, row.target_bin, row.target_keeps_balance, row.target_has_bins),
        cost_id=row.cost_now,
        tracking=Tracking(row.tracking),
        batch=row.batch,
        serial=row.serial,
        cost_object_id=row.job_id,
        charged=row.charged,
        rule_id=row.rule_id,
        line_id=row.line_id,
        resolves_id=row.id,
        origin_id=row.root,
        parts_allowed=row.short == ShortRule.PART,
    )
    # SQLite keeps moments in UTC, and returns them without a time zone.
    at = row.at if row.at.tzinfo else row.at.replace(tzinfo=UTC)
    return Due(row.id, row.root, at, Reason(row.reason), row.cost_id, move)
