"""The operations that each order status allows (W)."""

from collections.abc import Callable

import pytest

from backflush.core.lifecycle import (
    OrderStatus,
    refuse_cancelling,
    refuse_completion,
    refuse_edit,
    refuse_posting,
    refuse_reopening,
    refuse_reset,
    refuse_revising,
)
from backflush.core.refusals import Refusal

NEW, RELEASED, OPEN, COMPLETE, CANCELLED = OrderStatus
Verb = Callable[[str, OrderStatus], Refusal | None]

ALLOWED: dict[Verb, tuple[set[OrderStatus], str]] = {
    refuse_edit: ({NEW}, "order_not_new"),
    refuse_reset: ({RELEASED}, "order_not_released"),
    refuse_posting: ({RELEASED, OPEN}, "order_not_open"),
    refuse_completion: ({RELEASED, OPEN}, "order_not_open"),
    refuse_reopening: ({COMPLETE}, "order_not_complete"),
    refuse_cancelling: ({NEW, RELEASED}, "order_has_bookings"),
    refuse_revising: ({NEW, RELEASED, OPEN}, "order_not_open"),
}


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("verb", ALLOWED, ids=lambda verb: verb.__name__)
def test_every_operation_is_defined_for_every_status(verb: Verb, status: OrderStatus) -> None:
    allowed, code = ALLOWED[verb]
    refusal = verb("W1", status)
    if status in allowed:
        assert refusal is None
        return
    assert refusal is not None
    assert (refusal.code, refusal.field) == (code, "order")
    assert "W1" in refusal.sentence
    assert status.value in refusal.sentence


def test_a_cancelled_order_allows_nothing() -> None:
    assert all(verb("W1", CANCELLED) for verb in ALLOWED)
