"""Undo of what was settled: the stock goes back, and the same due is unresolved again."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from django.db import transaction

from backflush.core.counts import Effect, effects_of
from backflush.core.moves import Process, Status, Stock, plan_posting, stock_keys_of
from backflush.core.refusals import AlreadyReversed, NotReversible, SettledSince
from backflush.counts.corrections import post_corrected
from backflush.ledger.idempotency import claim_key
from backflush.ledger.models import CostObject, Movement, Posting
from backflush.ledger.posting import Entry, lock_balances, lock_waiting, set_status
from backflush.ledger.selectors import move_of, require_cost_objects_had, require_not_before
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import event_time
from backflush.unresolved.models import Settlement, SettlementOutcome
from backflush.unresolved.settlement import effects_of_waiting, orders_of_recording


@transaction.atomic
def undo(*, site: Site, posting: int, by: User, at: datetime | date | None = None, key: str = "") -> Posting:
    """Undo a resolution, a cancellation or a retry: the stock goes back and the same due is unresolved again (V3)."""
    new_key, done = claim_key(site=site, key=key, operation="undo", content={"posting": posting, "at": at})
    if done:
        return done
    settlements, locked = _lock_settled(site, posting)
    original = settlements[0].posting
    moment = event_time(site, at)
    require_not_before(site, moment, original.at)
    taken = Movement.objects.filter(site=site, posting=original, status=Status.OK).select_related(
        "item", "source", "target"
    )
    back = [move_of(movement).mirrored(movement=movement.pk) for movement in taken.order_by("-pk")]
    require_cost_objects_had(site, back)
    again = [locked[one.movement_id] for one in settlements]
    kept = [locked[one.kept_id] for one in settlements if one.kept_id is not None]
    stock = lock_balances(site=site, stock_keys=stock_keys_of([*back, *map(move_of, again)]))
    undoing = post_corrected(
        lambda: Entry(
            Process.REVERSAL, moment, plan_posting(back, (), stock), new_key, original.cost_object_id, original.pk
        ),
        _effects(site, taken, again, kept, stock),
        site=site,
        by=by,
        stock=stock,
    )
    for outcome, before in (
        (SettlementOutcome.RESOLVED, Status.RESOLVED),
        (SettlementOutcome.CANCELLED, Status.CANCELLED),
    ):
        numbers = [one.movement_id for one in settlements if one.outcome == outcome]
        set_status(numbers, site=site, before=before, after=Status.UNRESOLVED)
    set_status([rest.pk for rest in kept], site=site, before=Status.UNRESOLVED, after=Status.WITHDRAWN)
    Settlement.objects.filter(site=site, pk__in=[one.pk for one in settlements]).update(undone_by=undoing)
    return undoing


def _effects(
    site: Site, taken: Iterable[Movement], again: Sequence[Movement], kept: Sequence[Movement], stock: Stock
) -> list[Effect]:
    """Return how the same use is unresolved again: at the time of its assumption (H2)."""
    if not stock.counted:
        return []
    orders = orders_of_recording(site, [*again, *kept], stock)
    at = {one.pk: one.at for one in again}
    effects = effects_of_waiting(again, orders)
    effects += effects_of_waiting(kept, orders, undone=True)
    for movement in taken:
        assert movement.resolves_id is not None, "a settlement moves what was due"
        order = orders[movement.resolves_id]
        effects += effects_of([move_of(movement)], at=at[movement.resolves_id], order=order, undone=True)
    return effects


def _lock_settled(site: Site, posting: int) -> tuple[list[Settlement], dict[int, Movement]]:
    """Lock the cost objects of a posting's settlements, then the movements; return both, by id.

    Refused where they can't be undone (`NotReversible`, `AlreadyReversed`, `SettledSince`).
    """
    settlements = list(
        Settlement.objects.filter(site=site, posting=posting)
        .select_related("posting", "kept", "movement__item")
        .order_by("pk")
    )
    if not settlements or settlements[0].posting.process != Process.RESOLUTION:
        raise nothing_settled(posting)
    cost_objects = {one.movement.cost_object_id for one in settlements if one.movement.cost_object_id is not None}
    list(CostObject.objects.select_for_update(no_key=True).filter(site=site, pk__in=cost_objects).order_by("pk"))
    kept = {one.kept_id for one in settlements if one.kept_id is not None}
    locked = lock_waiting(site=site, movements={one.movement_id for one in settlements} | kept)
    require_undoable(settlements, kept=locked)
    return settlements, locked


def nothing_settled(posting: int) -> NotReversible:
    """Return the refusal of undoing a posting that settled nothing."""
    return NotReversible("Posting {posting} has no settlement to undo.", posting=posting, field="posting")


def require_undoable(settlements: Sequence[Settlement], *, kept: Mapping[int, Movement]) -> None:
    """Refuse to undo what was undone before, what went back with its booking, or of which the rest was settled since.

    `kept` are the rests that were kept, as they stand now.
    """
    site, posting = settlements[0].site_id, settlements[0].posting_id
    if Settlement.objects.filter(site=site, posting=posting, undone_by__isnull=False).exists():
        raise AlreadyReversed("Posting {posting} was undone before.", posting=posting, field="posting")
    roots = {one.movement.origin_id or one.movement_id for one in settlements}
    if Posting.objects.filter(site=site, reverses__movements__in=roots).exists():
        raise AlreadyReversed("The booking itself has been reversed, together with its settlements.", field="posting")
    for one in settlements:
        if one.kept_id is not None and kept[one.kept_id].status != Status.UNRESOLVED:
            raise SettledSince(
                "{item}: the kept remainder has been settled since. Undo that first.",
                item=one.movement.item.code,
                field="posting",
            )
