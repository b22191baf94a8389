"""Previews of reversals, manual movements and opening stock, and the rules along which stock may be moved."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import QuerySet

from backflush.backflushing.models import Booking
from backflush.backflushing.reversal import movements_standing
from backflush.backflushing.reversal import require_not_reversed as require_booking_not_reversed
from backflush.core.moves import Move, Place, Process, Status, plan_posting, stock_keys_of
from backflush.core.refusals import Refusal
from backflush.counts.selectors import count_of, movements_of_count, not_a_count, require_count_not_reversed
from backflush.handling.moves import OpeningIn, not_reversible, opening_moves, require_not_reversed
from backflush.ledger.models import Movement, Posting
from backflush.ledger.posting import read_balances, require_possible
from backflush.ledger.selectors import move_of, require_cost_objects_had
from backflush.stockmap.models import ActionType, Location, Site, TransferRule
from backflush.stockmap.selectors import bins_of
from backflush.unresolved.models import Settlement
from backflush.unresolved.undo import nothing_settled, require_undoable

NEVER_BACK = frozenset({Process.REVERSAL})
NOWHERE = 0
"""A location number that doesn't exist."""
_NAMED = ("item__stock_unit", "source", "target")


@dataclass(frozen=True, slots=True)
class TakingBack:
    """What taking a posting back would do now, checked and planned as it would be.

    `back` are the movements that would be mirrored, `cancels` the unresolved movements that would be cancelled, and
    `waits_again` those that would be unresolved again. With a `refusal`, none of it can be done.
    """

    posting: Posting
    back: tuple[Movement, ...] = ()
    cancels: tuple[Movement, ...] = ()
    waits_again: tuple[Movement, ...] = ()
    refusal: Refusal | None = None


def goes_back(posting: Posting) -> bool:
    """Whether a posting is of a kind that can be taken back, and hasn't been yet."""
    if posting.process in NEVER_BACK:
        return False
    if posting.process == Process.COUNT and count_of(posting) is None:
        return False
    if posting.process == Process.RESOLUTION:
        return posting.settlements.exists() and not posting.settlements.filter(undone_by__isnull=False).exists()
    return not posting.reversals.exists()


def preview_reversal(posting: Posting) -> TakingBack:
    """Return what `reverse` would do to a posting; nothing is locked or written."""
    match Process(posting.process):
        case Process.WORKS_ORDER | Process.GOODS_RECEIVED | Process.PRODUCTION:
            return _booking_back(posting)
        case Process.RESOLUTION:
            return _settlement_back(posting)
        case Process.COUNT:
            return _count_back(posting)
        case Process.REVERSAL as process:
            return TakingBack(posting, refusal=not_reversible(posting.pk, process))
        case Process.ISSUE | Process.RETURN | Process.HAND | Process.OPENING:
            back = _moved_by(posting)
            return TakingBack(posting, back, refusal=_refusal(back, lambda: require_not_reversed(posting)))


def _count_back(posting: Posting) -> TakingBack:
    """Return what reversing a count would do: all movements of its difference go back."""
    count = count_of(posting)
    if count is None:
        return TakingBack(posting, refusal=not_a_count(posting.pk))
    back = tuple(movements_of_count(count).select_related(*_NAMED))
    return TakingBack(posting, back, refusal=_refusal(back, lambda: require_count_not_reversed(count)))


def _booking_back(posting: Posting) -> TakingBack:
    booking = Booking.objects.select_related("reversed_by__by").get(posting=posting)
    back = tuple(movements_standing(booking))
    unresolved = Movement.objects.filter(status=Status.UNRESOLVED).select_related(*_NAMED).order_by("pk")
    # Two queries, because the databases would read all rows for one with an *or*.
    waiting = [*unresolved.filter(posting=posting), *unresolved.filter(origin__posting=posting)]
    refusal = _refusal(back, lambda: require_booking_not_reversed(booking))
    return TakingBack(posting, back, cancels=tuple(waiting), refusal=refusal)


def _settlement_back(posting: Posting) -> TakingBack:
    found = Settlement.objects.filter(posting=posting).select_related("kept", *(f"movement__{name}" for name in _NAMED))
    settlements = list(found.order_by("pk"))
    if not settlements:
        return TakingBack(posting, refusal=nothing_settled(posting.pk))
    kept = {one.kept.pk: one.kept for one in settlements if one.kept is not None}
    back = _moved_by(posting)
    return TakingBack(
        posting,
        back,
        waits_again=tuple(one.movement for one in settlements),
        refusal=_refusal(back, lambda: require_undoable(settlements, kept=kept)),
    )


def _moved_by(posting: Posting) -> tuple[Movement, ...]:
    return tuple(posting.movements.filter(status=Status.OK).select_related(*_NAMED).order_by("-pk"))


def _refusal(back: Sequence[Movement], require_allowed: Callable[[], None]) -> Refusal | None:
    """Return why some movements can't be mirrored now; None if they can."""
    moves = [move_of(movement).mirrored(movement=movement.pk) for movement in back]
    stock = read_balances(site=back[0].site, stock_keys=stock_keys_of(moves)) if back else None
    try:
        require_allowed()
        if stock is not None:
            require_cost_objects_had(back[0].site, moves)
            require_possible(plan_posting(moves, (), stock).shortages, stock, taking_back=True)
    except Refusal as refusal:
        return refusal
    return None


def ways_by_hand(site: Site, source: Location) -> QuerySet[TransferRule]:
    """Return the rules along which stock may be moved by hand from a location (A3)."""
    by_hand = [type for type in ActionType if type.by_hand]
    rules = TransferRule.objects.filter(site=site, source=source, active=True, action__type__in=by_hand)
    return rules.select_related("action", "source", "target").order_by("target__path", "action__name")


@dataclass(frozen=True, slots=True)
class MovePreview:
    """The balances that a manual movement would leave at both ends; None where no balance is kept."""

    left: Decimal | None
    then: Decimal | None


def preview_move(moves: Sequence[Move], site: Site) -> MovePreview:
    """Return the balances that the last of some moves would leave; refused where posting them would be."""
    stock = read_balances(site=site, stock_keys=stock_keys_of(moves))
    plan = plan_posting(moves, (), stock)
    require_possible(plan.shortages, stock)
    last = plan.moved[-1]
    return MovePreview(last.source_after, last.target_after)


def preview_opening(openings: Sequence[OpeningIn], site: Site) -> MovePreview:
    """Return the balances that opening stock would leave; refused where posting it would be. Nothing is written."""
    outside = Place(NOWHERE, keeps_balance=False)
    bins = bins_of({one.location.pk for one in openings if one.bin}, into=True)
    return preview_move([move for one in openings for move in opening_moves(one, outside, bins=bins)], site)
