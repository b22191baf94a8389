"""The columns, by name, that the ledger's statements take: of stock keys, and of the movements of some postings."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from backflush.core.moves import Moved, Plan, Status, StockKey, UnresolvedMove
from backflush.core.quantity import to_scaled
from backflush.ledger.models import Posting


def stock_key_columns(stock_keys: Sequence[StockKey]) -> dict[str, list[Any]]:
    """Return the columns that name some balances within a site."""
    return {
        "item_id": [key.item for key in stock_keys],
        "location_id": [key.location for key in stock_keys],
        "bin": [key.bin for key in stock_keys],
        "batch": [key.batch for key in stock_keys],
        "serial": [key.serial for key in stock_keys],
    }


def balance_change_columns(changes: Sequence[tuple[StockKey, Decimal]]) -> dict[str, list[Any]]:
    """Return the columns that name some balances and the change of each, in millionths."""
    return {**stock_key_columns([key for key, _ in changes]), "change": [to_scaled(by) for _, by in changes]}


def movement_columns(planned: Iterable[tuple[Posting, Plan]]) -> dict[str, list[Any]]:
    """Return the columns of the movements that some postings write, one row for each step of their plans.

    Quantities become millionths. A booking writes one row a line, so each column is a list of its own: that takes
    three quarters of the time of a tuple for each row. A move without a cost object of its own has its posting's.
    """
    steps = [(posting, step) for posting, plan in planned for step in plan.steps]
    moves = [step.move for _, step in steps]
    moved = [isinstance(step, Moved) for _, step in steps]
    quantities = [to_scaled(move.quantity) for move in moves]
    return {
        "posting_id": [posting.pk for posting, _ in steps],
        "job_id": [
            posting.cost_object_id if move.cost_object is None else move.cost_object
            for (posting, _), move in zip(steps, moves, strict=True)
        ],
        "at": [
            step.at if isinstance(step, UnresolvedMove) and step.at is not None else posting.at
            for posting, step in steps
        ],
        "item_id": [move.item for move in moves],
        "quantity": [quantity if ok else 0 for quantity, ok in zip(quantities, moved, strict=True)],
        "source_id": [move.source.location for move in moves],
        "source_bin": [move.source.bin for move in moves],
        "target_id": [move.target.location for move in moves],
        "target_bin": [move.target.bin for move in moves],
        "batch": [move.batch for move in moves],
        "serial": [move.serial for move in moves],
        "status": [Status.OK.value if ok else Status.UNRESOLVED.value for ok in moved],
        "due": [None if ok else quantity for quantity, ok in zip(quantities, moved, strict=True)],
        "reason": [step.reason.value if isinstance(step, UnresolvedMove) else "" for _, step in steps],
        "charged": [move.charged for move in moves],
        "source_after": [_scaled(step.source_after) if isinstance(step, Moved) else None for _, step in steps],
        "target_after": [_scaled(step.target_after) if isinstance(step, Moved) else None for _, step in steps],
        "rule_id": [move.rule for move in moves],
        "line_id": [move.line for move in moves],
        "cost_id": [move.cost for move in moves],
        "resolves_id": [move.resolves for move in moves],
        "reverses_id": [move.reverses for move in moves],
        "origin_id": [move.origin for move in moves],
        "remarks": [move.remarks for move in moves],
    }


def _scaled(quantity: Decimal | None) -> int | None:
    return None if quantity is None else to_scaled(quantity)
