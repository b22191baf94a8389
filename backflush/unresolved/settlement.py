"""What every settlement has in common: its posting, the rest that is kept, and the note of what became of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from backflush.core.counts import Effect, effects_of
from backflush.core.moves import Move, Plan, Process, Reason, Status, Stock, UnresolvedMove
from backflush.core.quantity import ZERO
from backflush.core.refusals import NotUnresolved
from backflush.counts.corrections import post_corrected
from backflush.db.statements import Statements, columns_of
from backflush.ledger.models import Movement, Posting
from backflush.ledger.posting import Entry
from backflush.ledger.selectors import move_of
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.unresolved.models import Settlement, SettlementOutcome

ADD_SETTLEMENTS: Final = Statements("backflush.unresolved")["add_settlements"]


def settled_already(movement: Movement) -> NotUnresolved:
    """Return the refusal of a movement that another user has settled first, with that user's name."""
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
    return UnresolvedMove(replace(due, quantity=rest, resolves_id=None, parts_allowed=False), reason, at)


def post_settlement(
    site: Site,
    plan: Callable[[], Plan],
    *,
    at: datetime,
    by: User,
    key: int | None,
    remarks: str,
    stock: Stock,
    cost_object: int | None = None,
    effects: Sequence[Effect] = (),
) -> Posting:
    """Plan and post a settlement: what it moves, and what it keeps.

    `effects` are those on the balances at the times of the assumptions, where these aren't as before (H4).
    """

    def entry() -> Entry:
        return Entry(Process.RESOLUTION, at, plan(), key_id=key, cost_object_id=cost_object, remarks=remarks)

    return post_corrected(entry, effects, site=site, by=by, stock=stock)


def orders_of_recording(site: Site, movements: Iterable[Movement], stock: Stock) -> dict[int, int]:
    """Return the numbers of the postings that assumed what some movements go back to, by the movements' ids.

    Takes a statement only where a balance was counted; elsewhere the order of recording decides nothing (H4).
    """
    if not stock.counted:
        return {movement.pk: movement.posting_id for movement in movements}
    roots = {movement.pk: movement.origin_id or movement.pk for movement in movements}
    rows = Movement.objects.filter(site=site, pk__in=roots.values()).values_list("pk", "posting")
    postings: dict[int, int] = dict(rows)
    return {number: postings[root] for number, root in roots.items()}


def effects_of_waiting(waiting: Iterable[Movement], orders: Mapping[int, int], *, undone: bool = False) -> list[Effect]:
    """Return the effects of movements that begin to wait or, with `undone`, wait no longer, at their event times."""
    return [
        effect
        for one in waiting
        for effect in effects_of([move_of(one)], at=one.at, order=orders[one.pk], undone=undone)
    ]


class Settled(NamedTuple):
    """What becomes of one movement. Where a rest is kept, `rest_of` is the assumed movement that it goes back to."""

    movement: int
    outcome: SettlementOutcome
    moved: Decimal = ZERO
    dropped: Decimal = ZERO
    rest_of: int | None = None


class SettlementRow(NamedTuple):
    """The values of one settlement, by the names of the model's columns; `id` is 0 until it is written."""

    movement_id: int
    outcome: str
    moved: Decimal
    dropped: Decimal
    kept_id: int | None
    remarks: str
    id: int = 0


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of some movements by one posting: a row for each settlement."""

    posting: Posting
    rows: list[SettlementRow]

    @classmethod
    def under(cls, posting: Posting) -> "Recorded":
        """Read again what a posting settled."""
        found = posting.settlements.order_by("pk").values_list(*SettlementRow._fields)
        return cls(posting, [*map(SettlementRow._make, found)])

    @property
    def numbers(self) -> list[int]:
        """The ids of the settlements."""
        return [row.id for row in self.rows]

    def settlements(self) -> list[Settlement]:
        """Return the settlements as model instances; for thousands these take longer to make than to write."""
        site, posting = self.posting.site_id, self.posting.pk
        return [Settlement(site_id=site, posting_id=posting, **row._asdict()) for row in self.rows]


def record(posting: Posting, settled: Sequence[Settled], remarks: str) -> Recorded:
    """Write what became of some movements, each under the posting that settled it."""
    kept = _kept_by(posting) if any(one.rest_of for one in settled) else {}
    rows = [
        SettlementRow(
            movement_id=one.movement,
            outcome=one.outcome,
            moved=one.moved,
            dropped=one.dropped,
            kept_id=kept[one.rest_of] if one.rest_of else None,
            remarks=remarks,
        )
        for one in settled
    ]
    columns = columns_of(ADD_SETTLEMENTS, rows, Settlement)
    ids = sorted(
        number for (number,) in ADD_SETTLEMENTS.execute_many(columns, site_id=posting.site_id, posting_id=posting.pk)
    )
    return Recorded(posting, [row._replace(id=number) for row, number in zip(rows, ids, strict=True)])


def _kept_by(posting: Posting) -> dict[int | None, int]:
    """Return the rests that a posting keeps, by the assumed movements that they go back to."""
    rests = Movement.objects.filter(site=posting.site_id, posting=posting, status=Status.UNRESOLVED)
    return dict(rests.values_list("origin", "pk"))
