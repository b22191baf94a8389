"""The tables behind the charts of the queue: a column for each reason that there is, or one for all together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from backflush.core.moves import Reason

REASONS: Final[Mapping[str, str | Promise]] = {
    Reason.SHORT: _("Short"),
    Reason.BATCH: _("Batch"),
    Reason.SERIAL: _("Serial"),
    Reason.BIN: _("Bin"),
}


@dataclass(frozen=True, slots=True)
class ChartRow:
    """A row of such a table: what it is about, a number for each column, and all of them."""

    about: object
    numbers: Sequence[int]
    total: int


@dataclass(frozen=True, slots=True)
class QueueTable:
    """The columns and rows, and whether reasons are told apart."""

    reasons: Sequence[str | Promise]
    rows: Sequence[ChartRow]


def queue_table(found: Iterable[tuple[object, Mapping[str, int]]], *, told_apart: bool) -> QueueTable:
    """What waits, by whatever the rows are about."""
    reasons = list(REASONS) if told_apart else []
    rows = [ChartRow(about, [waiting[reason] for reason in reasons], sum(waiting.values())) for about, waiting in found]
    return QueueTable([REASONS[reason] for reason in reasons], rows)
