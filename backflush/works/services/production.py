"""What reports of production have in common, on an order or without one."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from django.utils.translation import gettext_noop as marked

from backflush.backflushing.booking import SCRAP_REASON_LENGTH
from backflush.backflushing.report_inputs import QuantityInput, TextInput
from backflush.backflushing.report_kinds import Report
from backflush.core.quantity import ZERO
from backflush.core.refusals import NoCompletionAction
from backflush.items.models import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported(Report):
    """Good and scrapped pieces as they are reported, in the order's unit."""

    good: Annotated[Decimal, QuantityInput(marked("Good"), marked("Good pieces, in the order's unit."))] = ZERO
    scrap: Annotated[
        Decimal,
        QuantityInput(marked("Scrap"), marked("Scrapped pieces, in the order's unit. They used their components too.")),
    ] = ZERO
    scrap_reason: Annotated[
        str, TextInput(marked("Reason for scrap"), marked("The reason for the scrap."), length=SCRAP_REASON_LENGTH)
    ] = ""


def no_completion_action(item: Item) -> NoCompletionAction:
    """Return why an item can't be booked whose type code has no completion action (B1)."""
    return NoCompletionAction(
        "Type code {type_code} has no completion action, so {item} can't be booked. Ask an engineer to add one.",
        type_code=item.type_code.code,
        item=item.code,
        field="item",
    )
