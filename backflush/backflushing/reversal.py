"""Reverse a booking: production on an order or without one, or a receipt."""

from datetime import date, datetime
from functools import partial

from django.db import transaction

from backflush.backflushing.models import Booking
from backflush.core.counts import effects_of
from backflush.core.moves import Process, Status, plan_posting, stock_keys_of
from backflush.core.refusals import AlreadyReversed, NotFound
from backflush.counts.corrections import post_corrected
from backflush.ledger.idempotency import claim_key
from backflush.ledger.models import CostObject, Movement
from backflush.ledger.posting import Entry, advance_cost_objects, lock_balances, lock_waiting
from backflush.ledger.selectors import move_of, posting_numbered, require_had, require_not_before
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import day_at, event_time
from backflush.unresolved.cancellation import cancel_locked


@transaction.atomic
def reverse_booking(*, site: Site, posting: int, by: User, at: datetime | date | None = None, key: str = "") -> Booking:
    """Reverse a booking, production or receipt, once, from its records (V1, V2).

    Goods and components return to where they came from, including those of resolutions; unresolved movements are
    withdrawn. The order's status doesn't change.
    """
    new_key, done = claim_key(site=site, key=key, operation="reverse", content={"posting": posting, "at": at})
    if done:
        return Booking.objects.get(reversed_by=done)
    booking = _lock_booking(site, posting)
    moment = event_time(site, at)
    require_not_before(site, moment, booking.posting.at)
    waiting = _lock_family(site, booking)
    taken = movements_standing(booking)
    back = [move_of(movement).mirrored(movement=movement.pk) for movement in taken]
    if booking.cost_object is not None:
        require_had(booking.cost_object, back)
    unused = [move_of(movement) for movement in waiting]
    stock = lock_balances(site=site, stock_keys=stock_keys_of([*back, *unused]))
    # A booking that is reversed was never made, and what waits of it was never used (H2).
    effects = partial(effects_of, at=booking.posting.at, order=booking.posting_id)
    reversal = post_corrected(
        lambda: Entry(
            Process.REVERSAL,
            moment,
            plan_posting(back, (), stock),
            new_key,
            booking.cost_object_id,
            booking.posting_id,
        ),
        [*effects(back), *effects(unused, undone=True)],
        site=site,
        by=by,
        stock=stock,
    )
    cancel_locked(waiting, posting=reversal, remarks="reversed with its booking")
    booking.reversed_by = reversal
    Booking.objects.filter(site=site, pk=booking.pk).update(reversed_by=reversal)
    if booking.cost_object is not None:
        advance_cost_objects([_set_back(booking.cost_object, booking)])
    return booking


def _lock_booking(site: Site, posting: int) -> Booking:
    found = Booking.objects.filter(site=site, posting=posting).first()
    if found is None:
        posting_numbered(site, posting)
        raise NotFound("Posting {posting} is not a booking.", posting=posting, field="posting")
    cost_objects = CostObject.objects.select_for_update(no_key=True)
    cost_object = cost_objects.get(site=site, pk=found.cost_object_id) if found.cost_object_id is not None else None
    # Read a concurrent reversal in a second query: a join in the locking query wouldn't see it yet.
    bookings = Booking.objects.select_for_update(no_key=True, of=("self",)).select_related("posting")
    booking = bookings.get(site=site, pk=found.pk)
    booking.cost_object = cost_object
    require_not_reversed(booking)
    return booking


def require_not_reversed(booking: Booking) -> None:
    """Refuse to reverse a booking twice."""
    if booking.reversed_by is not None:
        raise AlreadyReversed(
            "This was reversed on {day} by {user}.",
            day=day_at(booking.site, booking.reversed_by.at),
            user=booking.reversed_by.by.name,
            field="posting",
        )


def _lock_family(site: Site, booking: Booking) -> list[Movement]:
    """Lock all movements that continue the assumed use of a booking, and return the unresolved ones."""
    roots = Movement.objects.filter(site=site, posting=booking.posting_id, due__isnull=False).values_list(
        "pk", flat=True
    )
    family = lock_waiting(site=site, movements=set(roots))
    kept = Movement.objects.filter(site=site, origin__in=family, due__isnull=False).values_list("pk", flat=True)
    family |= lock_waiting(site=site, movements=set(kept))
    return [movement for _, movement in sorted(family.items()) if movement.status == Status.UNRESOLVED]


def movements_standing(booking: Booking) -> list[Movement]:
    """Return the movements of a booking and its resolutions that aren't reversed, newest first."""
    here = Movement.objects.filter(site=booking.site_id)
    own = here.filter(posting=booking.posting_id, status=Status.OK)
    resolved = here.filter(
        origin__posting=booking.posting_id, status=Status.OK, reverses__isnull=True, reversed_by__isnull=True
    )
    named = ("item__stock_unit", "source", "target")
    rows = [*own.select_related(*named), *resolved.select_related(*named)]
    return sorted(rows, key=lambda movement: -movement.pk)


def _set_back(cost_object: CostObject, booking: Booking) -> CostObject:
    """Subtract a booking from its cost object, whose assumed use no longer follows from the total alone."""
    cost_object.good -= booking.good
    cost_object.scrap -= booking.scrap
    if booking.assumed:
        cost_object.produced -= booking.produced
        cost_object.needs_replay = True
    return cost_object
