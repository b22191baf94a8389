"""The operations that each order status allows (W).

A works order goes from new to released, open and complete; a purchase order from open to closed.
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
    """The status of a purchase order. Closed means that no more receipts are expected, full or short."""

    OPEN = "open"
    CLOSED = "closed"


BOOKABLE = frozenset({OrderStatus.RELEASED, OrderStatus.OPEN})


def refuse_receipt(number: str, status: PurchaseStatus) -> Refusal | None:
    """Refuse a receipt unless the purchase order is open."""
    if status == PurchaseStatus.OPEN:
        return None
    return OrderNotOpen(
        "Order {order} is {status}. Receive on an open order.", order=number, status=status, field="order"
    )


def refuse_closing(number: str, status: PurchaseStatus) -> Refusal | None:
    """Refuse to close a purchase order that is closed."""
    if status == PurchaseStatus.OPEN:
        return None
    return OrderNotOpen("Order {order} is {status} already.", order=number, status=status, field="order")


def refuse_edit(number: str, status: OrderStatus) -> Refusal | None:
    """Refuse to edit an order's structure, or to release the order, unless it is new (S1)."""
    if status == OrderStatus.NEW:
        return None
    return OrderNotNew(
        "Order {order} is {status}. Only a new order can be changed or released.",
        order=number,
        status=status,
        field="order",
    )


def refuse_reset(number: str, status: OrderStatus) -> Refusal | None:
    """Refuse to reset an order unless it is released and nothing is booked."""
    if status == OrderStatus.RELEASED:
        return None
    if status == OrderStatus.OPEN:
        return OrderNotReleased(
            "Order {order} is {status} and has bookings or issues. Reverse them before you set it back to new.",
            order=number,
            status=status,
            field="order",
        )
    return OrderNotReleased(
        "Order {order} is {status}. Only a released order with nothing booked can be set back to new.",
        order=number,
        status=status,
        field="order",
    )


def refuse_posting(number: str, status: OrderStatus) -> Refusal | None:
    """Refuse a booking, issue or return unless the order is released or open."""
    return None if status in BOOKABLE else not_bookable(number, status)


def not_bookable(number: str, status: OrderStatus) -> OrderNotOpen:
    """Return why nothing can be posted to an order in a status that takes no bookings, with a remedy."""
    if status == OrderStatus.NEW:
        return OrderNotOpen("Order {order} is {status}. Release it first.", order=number, status=status, field="order")
    if status == OrderStatus.COMPLETE:
        return OrderNotOpen(
            "Order {order} is {status}. Reopen it, or book on another order.",
            order=number,
            status=status,
            field="order",
        )
    return OrderNotOpen("Order {order} is {status}. Book on another order.", order=number, status=status, field="order")


def refuse_completion(number: str, status: OrderStatus) -> Refusal | None:
    """Refuse to complete an order unless it takes bookings."""
    if status in BOOKABLE:
        return None
    return OrderNotOpen(
        "Order {order} is {status}. Only a released or open order can be completed.",
        order=number,
        status=status,
        field="order",
    )


def refuse_reopening(number: str, status: OrderStatus) -> Refusal | None:
    """Refuse to reopen an order unless it is complete."""
    if status == OrderStatus.COMPLETE:
        return None
    return OrderNotComplete(
        "Order {order} is {status}. Only a complete order can be reopened.", order=number, status=status, field="order"
    )


def refuse_cancelling(number: str, status: OrderStatus) -> Refusal | None:
    """Refuse to cancel an order on which something is booked."""
    if status in {OrderStatus.NEW, OrderStatus.RELEASED}:
        return None
    if status == OrderStatus.OPEN:
        return OrderHasBookings(
            "Order {order} is {status} and has bookings or issues. Reverse them before you cancel it, or complete it.",
            order=number,
            status=status,
            field="order",
        )
    return OrderHasBookings(
        "Order {order} is {status}. Only an order with nothing booked can be cancelled.",
        order=number,
        status=status,
        field="order",
    )


def refuse_revising(number: str, status: OrderStatus) -> Refusal | None:
    """Refuse to change the quantity or due date of an order that is complete or cancelled."""
    if status in {OrderStatus.NEW, OrderStatus.RELEASED, OrderStatus.OPEN}:
        return None
    return OrderNotOpen(
        "Order {order} is {status}. Reopen it before you change it.", order=number, status=status, field="order"
    )
