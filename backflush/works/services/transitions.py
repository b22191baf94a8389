"""Status transitions of works orders: release, reset, complete, reopen, cancel (W)."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from django.db import transaction

from backflush.core.lifecycle import (
    OrderStatus,
    refuse_cancelling,
    refuse_completion,
    refuse_edit,
    refuse_reopening,
    refuse_reset,
)
from backflush.core.refusals import PeriodClosed, Refusal
from backflush.core.structure import Component, Explosion, Requirement
from backflush.items.selectors import converter
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import event_time, moment_of
from backflush.structures.models import FrozenLine, FrozenStructure
from backflush.structures.services import freeze, require_convertible, requirement_of
from backflush.works.models import WorksOrder
from backflush.works.selectors import standing_status
from backflush.works.services.guards import lock_order, lock_orders, require
from backflush.works.services.history import change, keep, trace

Refuses = Callable[[str, OrderStatus], Refusal | None]


@transaction.atomic
def release_orders(*, site: Site, numbers: Sequence[str], by: User) -> list[WorksOrder]:
    """Release new orders: freeze their structures with the present conversions, so that they can be booked (S1, Q4).

    Locks the orders. Raises `OrderNotNew`, `NoConversion`, `NotFound` and `Archived`. See `release_warnings` for what
    doesn't prevent a release.
    """
    orders = lock_orders(site, numbers)
    for order in orders:
        require(refuse_edit(order.number, OrderStatus(order.status)))
    copies = {order.structure_id: order.item for order in orders if order.structure_id is not None}
    phantoms = FrozenStructure.objects.filter(site=site, pk__in=copies).values_list("pk", "empty_phantoms")
    contents = _converted(site, dict(phantoms))
    for structure, item in copies.items():
        require_convertible(item, contents[structure].requirements)
    frozen = freeze(site=site, contents=[(item, contents[structure]) for structure, item in copies.items()])
    released = dict(zip(copies, frozen, strict=True))
    _set_released(site, orders, {before: after for before, after in released.items() if before != after.pk})
    keep(change(order, "status", order.status, OrderStatus.RELEASED, by) for order in orders)
    for order in orders:
        assert order.structure_id is not None, "every order takes a copy when it is created"
        order.structure = released[order.structure_id]
        order.status = OrderStatus.RELEASED
    return orders


def _set_released(site: Site, orders: Sequence[WorksOrder], changed: Mapping[int, FrozenStructure]) -> None:
    """Write the status of released orders, and their structure where conversions have changed since it was copied."""
    here = WorksOrder.objects.filter(site=site)
    here.filter(pk__in=[order.pk for order in orders]).update(status=OrderStatus.RELEASED)
    for before, after in changed.items():
        own = [order.pk for order in orders if order.structure_id == before]
        here.filter(pk__in=own).update(structure=after)


def release_order(*, site: Site, number: str, by: User) -> WorksOrder:
    """Release one order. See `release_orders`."""
    return release_orders(site=site, numbers=[number], by=by)[0]


def _converted(site: Site, copies: Mapping[int, Sequence[str]]) -> dict[int, Explosion]:
    """Return the content of some frozen structures with the present conversions; `copies` are their empty phantoms."""
    requirements: dict[int, list[Requirement]] = {structure: [] for structure in copies}
    for line in FrozenLine.objects.filter(site=site, structure__in=copies).order_by("structure", "position"):
        requirements[line.structure_id].append(requirement_of(line))
    conversions = converter(
        {step.component.item for lines in requirements.values() for line in lines for step in line.steps}
    )

    def factor(component: Component, unit: str) -> Fraction | None:
        return conversions.factor(component.item, unit, component.unit)

    return {
        structure: Explosion(tuple(line.converted(factor) for line in lines), tuple(copies[structure]))
        for structure, lines in requirements.items()
    }


@transaction.atomic
def reset_order(*, site: Site, number: str, by: User) -> WorksOrder:
    """Reset an order of which nothing stands booked or issued to new; raises `OrderNotReleased`."""
    return _move_on(lock_order(site, number), OrderStatus.NEW, refuse_reset, by)


@transaction.atomic
def complete_order(*, site: Site, number: str, by: User) -> WorksOrder:
    """Complete an order, so that no more is booked on it; raises `OrderNotOpen`.

    Its unresolved movements can still be settled.
    """
    return _move_on(lock_order(site, number), OrderStatus.COMPLETE, refuse_completion, by)


@transaction.atomic
def reopen_order(*, site: Site, number: str, by: User) -> WorksOrder:
    """Reopen a complete order for bookings; raises `OrderNotComplete`."""
    return _move_on(lock_order(site, number), OrderStatus.OPEN, refuse_reopening, by)


@transaction.atomic
def cancel_order(*, site: Site, number: str, by: User, remarks: str = "") -> WorksOrder:
    """Cancel an order of which nothing stands booked or issued; raises `OrderHasBookings`."""
    return _move_on(lock_order(site, number), OrderStatus.CANCELLED, refuse_cancelling, by, remarks)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingIn:
    """The input for the end of a works order: complete or cancelled, and when, in the site's time zone; None: now."""

    number: str
    status: OrderStatus
    at: datetime | date | None = None
    remarks: str = ""


@transaction.atomic
def end_orders(endings: Sequence[EndingIn], *, site: Site, by: User) -> list[WorksOrder]:
    """Complete or cancel some orders, as of a time that may be in the past.

    Locks the orders. Raises `OrderNotOpen`, `OrderHasBookings`, `DateInFuture`, `NotFound` and `Archived`. Nothing is
    posted, so that the time may be in a closed period.
    """
    orders = lock_orders(site, [ending.number for ending in endings])
    changes = []
    for order, ending in zip(orders, endings, strict=True):
        completing = ending.status is OrderStatus.COMPLETE
        require((refuse_completion if completing else refuse_cancelling)(order.number, standing_status(order)))
        at = ended_at(site, ending.at)
        changes.append(change(order, "status", order.status, ending.status, by, ending.remarks, at))
        order.status = ending.status
    WorksOrder.objects.bulk_update(orders, ["status"])
    keep(changes)
    return orders


def ended_at(site: Site, at: datetime | date | None) -> datetime | None:
    """Return the moment at which an order ended, None for now; raises `DateInFuture`."""
    if at is None:
        return None
    with suppress(PeriodClosed):
        event_time(site, at)
    return moment_of(site, at)


def _move_on(order: WorksOrder, status: OrderStatus, refuse: Refuses, by: User, remarks: str = "") -> WorksOrder:
    require(refuse(order.number, standing_status(order)))
    trace(order, "status", order.status, status, by, remarks)
    order.status = status
    order.save(update_fields=["status"])
    return order
