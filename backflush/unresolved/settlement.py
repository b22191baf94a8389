"""What every settlement has in common: its posting, the rest that is kept, and the note of what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.db import connection

from backflush.core.moves import Move, Plan, Process, Reason, Status, Stock, UnresolvedMove
from backflush.core.quantity import ZERO, to_scaled
from backflush.core.refusals import NotUnresolved
from backflush.ledger.models import Movement, Posting
from backflush.ledger.posting import Entry, post
from backflush.ledger.statements import adding, run
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.unresolved.models import Settlement, SettlementOutcome


def settled_already(movement: Movement) -> NotUnresolved:
    """Somebody was quicker: who, and that nothing came of this."""
    standing = Settlement.objects.filter(site=movement.site_id, movement=movement, undone_by=None)
    settlement = standing.select_related("posting__by").first()
    if settlement is None:
        return NotUnresolved(
            "Movement {movement} ({item}) is {status} already. Nothing was posted.",
            movement=movement.pk,
            item=movement.item.code,
            status=Status(movement.status),
            field="movement",
        )
    return NotUnresolved(
        "{user} {outcome} movement {movement} ({item}) already. Nothing was posted.",
        user=settlement.posting.by.name,
        outcome=SettlementOutcome(settlement.outcome),
        movement=movement.pk,
        item=movement.item.code,
        field="movement",
    )


def kept_rest(due: Move, rest: Decimal, *, reason: Reason, at: datetime) -> UnresolvedMove:
    """The rest of what was due as a new unresolved movement with the original's place, reason and event time (U4)."""
    return UnresolvedMove(replace(due, quantity=rest, resolves=None, parts_allowed=False), reason, at)


def post_settlement(
    site: Site,
    plan: Plan,
    *,
    at: datetime,
    by: User,
    key: int | None,
    remarks: str,
    stock: Stock,
    cost_object: int | None = None,
) -> Posting:
    """Post what a settlement moves, and keeps."""
    entry = Entry(Process.RESOLUTION, at, plan, key=key, cost_object=cost_object, remarks=remarks)
    return post([entry], site=site, by=by, stock=stock)[0]


class Settled(NamedTuple):
    """What becomes of one movement. Where a rest is kept, `rest_of` is the assumed movement that it goes back to."""

    movement: int
    outcome: SettlementOutcome
    moved: Decimal = ZERO
    dropped: Decimal = ZERO
    rest_of: int | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of some movements by one posting: for each the number of its settlement, and what that says."""

    posting: Posting
    rows: list[tuple[Any, ...]]

    @classmethod
    def under(cls, posting: Posting) -> "Recorded":
        """What a posting settled, read again."""
        found = posting.settlements.order_by("pk")
        return cls(posting, list(found.values_list("pk", "movement", "outcome", "moved", "dropped", "kept", "remarks")))

    @property
    def numbers(self) -> list[int]:
        """The numbers of the settlements."""
        return [row[0] for row in self.rows]

    def settlements(self) -> list[Settlement]:
        """The settlements themselves; of thousands, making these would take longer than to write them."""
        site, posting = self.posting.site_id, self.posting.pk
        return [
            Settlement.from_db(connection.alias, _COLUMNS, (number, site, movement, posting, *said, None))
            for number, movement, *said in self.rows
        ]


def record(posting: Posting, settled: Sequence[Settled], remarks: str) -> Recorded:
    """Write what became of some movements, each under the posting that settled it."""
    kept = _kept_by(posting) if any(one.rest_of for one in settled) else {}
    said = [
        (one.movement, one.outcome, one.moved, one.dropped, kept[one.rest_of] if one.rest_of else None, remarks)
        for one in settled
    ]
    rows = [
        (posting.site_id, movement, posting.pk, outcome.value, to_scaled(moved), to_scaled(dropped), rest, remarks)
        for movement, outcome, moved, dropped, rest, _ in said
    ]
    numbers = sorted(number for (number,) in run(ADD_SETTLEMENTS, rows))
    return Recorded(posting, [(number, *row) for number, row in zip(numbers, said, strict=True)])


def _kept_by(posting: Posting) -> dict[int | None, int]:
    """The rests that a posting keeps, by the assumed movements that they go back to."""
    rests = Movement.objects.filter(site=posting.site_id, posting=posting, status=Status.UNRESOLVED)
    return dict(rests.values_list("origin", "pk"))


_WRITTEN: Final = {
    "site_id": "bigint",
    "movement_id": "bigint",
    "posting_id": "bigint",
    "outcome": "text",
    "moved": "bigint",
    "dropped": "bigint",
    "kept_id": "bigint",
    "remarks": "text",
}
_COLUMNS: Final = ["id", *_WRITTEN, "undone_by_id"]
ADD_SETTLEMENTS: Final = adding("unresolved_settlement", _WRITTEN)
