"""The tables of the queue's charts: a column per reason, or one column for all reasons."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as lazy

from backflush.core.moves import Reason

REASONS: Final[Mapping[str, str | Promise]] = {
    Reason.SHORT: lazy("Short"),
    Reason.BATCH: lazy("Batch"),
    Reason.SERIAL: lazy("Serial"),
    Reason.BIN: lazy("Bin"),
}


@dataclass(frozen=True, slots=True)
class ChartRow:
    """A row: its label, a number per column, and the total."""

    about: object
    numbers: Sequence[int]
    total: int


@dataclass(frozen=True, slots=True)
class QueueTable:
    """The columns and rows, and whether they are split by reason."""

    reasons: Sequence[str | Promise]
    rows: Sequence[ChartRow]


def queue_table(found: Iterable[tuple[object, Mapping[str, int]]], *, by_reason: bool) -> QueueTable:
    """Return the table of unresolved movements for the given rows."""
    reasons = list(REASONS) if by_reason else []
    rows = [ChartRow(about, [waiting[reason] for reason in reasons], sum(waiting.values())) for about, waiting in found]
    return QueueTable([REASONS[reason] for reason in reasons], rows)
