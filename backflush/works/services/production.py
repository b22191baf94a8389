"""What reports of production have in common, on an order or without one."""

from dataclasses import dataclass
from decimal import Decimal

from backflush.backflushing.report_kinds import Report
from backflush.core.quantity import ZERO
from backflush.core.refusals import NoCompletionAction
from backflush.items.models import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported(Report):
    """Good and scrapped pieces as they are reported."""

    good: Decimal
    scrap: Decimal = ZERO
    scrap_reason: str = ""


def no_completion_action(item: Item) -> NoCompletionAction:
    """Return why an item can't be booked whose type code has no completion action (B1)."""
    return NoCompletionAction(
        f"Type code {item.type_code.code} has no completion action, so {item.code} can't be booked. "
        "Ask an engineer to add one.",
        field="item",
    )
