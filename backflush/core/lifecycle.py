"""What may be done with an order in which status (W).

A works order goes new, released, open, complete; a purchase order open, closed. The verbs below are all there are.
"""

from enum import StrEnum

from backflush.core.refusals import (
    OrderHasBookings,
    OrderNotComplete,
    OrderNotNew,
    OrderNotOpen,
    OrderNotReleased,
    Refusal,
)


class OrderStatus(StrEnum):
    """The status of a works order."""

    NEW = "new"
    RELEASED = "released"
    OPEN = "open"
    COMPLETE = "complete"
    CANCELLED = "cancelled"


class PurchaseStatus(StrEnum):
    """The status of a purchase order; closed means that no more is expected, full or short."""

    OPEN = "open"
    CLOSED = "closed"


BOOKABLE = frozenset({OrderStatus.RELEASED, OrderStatus.OPEN})


def refuse_receipt(number: str, status: PurchaseStatus) -> Refusal | None:
    """A receipt needs an open purchase order."""
    if status == PurchaseStatus.OPEN:
        return None
    return OrderNotOpen(f"{number} is {status}. Receive on another order.", field="order")


def refuse_closing(number: str, status: PurchaseStatus) -> Refusal | None:
    """An open purchase order is closed, once."""
    if status == PurchaseStatus.OPEN:
        return None
    return OrderNotOpen(f"{number} is {status} already.", field="order")


def refuse_edit(number: str, status: OrderStatus) -> Refusal | None:
    """An order's own structure may be changed while it is new (S1), and only a new one is released."""
    if status == OrderStatus.NEW:
        return None
    return OrderNotNew(f"{number} is {status}. Only a new order can be changed or released.", field="order")


def refuse_reset(number: str, status: OrderStatus) -> Refusal | None:
    """Back to new goes what is released and has nothing booked."""
    if status == OrderStatus.RELEASED:
        return None
    return OrderNotReleased(
        f"{number} is {status}. Only a released order with nothing booked goes back to new.", field="order"
    )


def refuse_posting(number: str, status: OrderStatus) -> Refusal | None:
    """Booking, issue and return need a released or open order."""
    if status in BOOKABLE:
        return None
    remedy = {
        OrderStatus.NEW: "Release it first.",
        OrderStatus.COMPLETE: "Reopen it, or book on another order.",
    }.get(status, "Book on another order.")
    return OrderNotOpen(f"{number} is {status}. {remedy}", field="order")


def refuse_completion(number: str, status: OrderStatus) -> Refusal | None:
    """What takes bookings can be completed."""
    if status in BOOKABLE:
        return None
    return OrderNotOpen(f"{number} is {status}. Only a released or open order can be completed.", field="order")


def refuse_reopening(number: str, status: OrderStatus) -> Refusal | None:
    """A complete order can be opened again."""
    if status == OrderStatus.COMPLETE:
        return None
    return OrderNotComplete(f"{number} is {status}. Only a complete order can be reopened.", field="order")


def refuse_cancelling(number: str, status: OrderStatus) -> Refusal | None:
    """An order with nothing booked can be cancelled."""
    if status in {OrderStatus.NEW, OrderStatus.RELEASED}:
        return None
    return OrderHasBookings(
        f"{number} is {status}. Only an order with nothing booked can be cancelled; complete it instead.",
        field="order",
    )


def refuse_revising(number: str, status: OrderStatus) -> Refusal | None:
    """Quantity and due date may change until the order is done with."""
    if status in {OrderStatus.NEW, OrderStatus.RELEASED, OrderStatus.OPEN}:
        return None
    return OrderNotOpen(f"{number} is {status}. Reopen it before changing it.", field="order")
