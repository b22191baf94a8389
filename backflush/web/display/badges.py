"""The icon, word and colour class of each status (docs/ux.md, Status)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as lazy

from backflush.core.lifecycle import OrderStatus, PurchaseStatus
from backflush.core.moves import Process, Reason, Status
from backflush.counts.models import CountMethod, CountStatus, SheetStatus
from backflush.counts.sheet_progress import LineState
from backflush.ledger import movement_list


@dataclass(frozen=True, slots=True)
class Badge:
    """How a status looks: its class beside `status-badge`, its icon, its word."""

    look: str
    icon: str
    word: str | Promise


REVERSED: Final = Badge("status-badge-back", icon="arrow-back-up", word=lazy("Reversed"))
MOVEMENT: Final[Mapping[str, Badge]] = {
    Status.OK: Badge("status-badge-ok", icon="check", word=lazy("OK")),
    Status.UNRESOLVED: Badge("status-badge-wait", icon="hourglass", word=lazy("Unresolved")),
    Status.RESOLVED: Badge("status-badge-good", icon="circle-check", word=lazy("Resolved")),
    Status.CANCELLED: Badge("status-badge-off", icon="ban", word=lazy("Cancelled")),
    Status.WITHDRAWN: Badge("status-badge-back", icon="arrow-back-up", word=lazy("Withdrawn")),
    movement_list.REVERSED: REVERSED,
}
COUNT: Final[Mapping[str, Badge]] = {
    CountStatus.POSTED: Badge("status-badge-ok", icon="check", word=lazy("Posted")),
    CountStatus.SHORT: Badge("status-badge-bad", icon="alert-triangle", word=lazy("Not posted")),
    CountStatus.RECOUNT: Badge("status-badge-wait", icon="hourglass", word=lazy("Count again")),
    CountStatus.APPROVAL: Badge("status-badge-wait", icon="hourglass", word=lazy("To approve")),
    CountStatus.REPLACED: Badge("status-badge-off", icon="ban", word=lazy("Replaced")),
    CountStatus.REJECTED: Badge("status-badge-off", icon="ban", word=lazy("Rejected")),
}
SHEET_LINE: Final[Mapping[str, Badge]] = {
    LineState.NOT_COUNTED: Badge("status-badge-off", icon="circle", word=lazy("Not counted")),
    LineState.COUNTED: Badge("status-badge-ok", icon="check", word=lazy("Counted")),
    LineState.BEYOND: COUNT[CountStatus.RECOUNT],
    LineState.TO_APPROVE: COUNT[CountStatus.APPROVAL],
    LineState.NOT_POSTED: COUNT[CountStatus.SHORT],
    LineState.APPROVED: Badge("status-badge-good", icon="circle-check", word=lazy("Approved")),
    LineState.REJECTED: COUNT[CountStatus.REJECTED],
}
SHEET: Final[Mapping[str, Badge]] = {
    SheetStatus.OPEN: Badge("status-badge-wait", icon="hourglass", word=lazy("Open")),
    SheetStatus.CLOSED: Badge("status-badge-good", icon="circle-check", word=lazy("Closed")),
    SheetStatus.CANCELLED: Badge("status-badge-off", icon="ban", word=lazy("Cancelled")),
}
COUNT_METHOD: Final[Mapping[str, str | Promise]] = {
    CountMethod.SEEN: lazy("counted by eye"),
    CountMethod.WEIGHED: lazy("weighed"),
    CountMethod.MACHINE: lazy("by a machine"),
}
FITS: Final = Badge("status-badge-good", icon="check", word=lazy("fits now"))
SHORT: Final = Badge("status-badge-bad", icon="alert-triangle", word=lazy("short"))
CHOICE: Final[Mapping[str, Badge]] = {
    Reason.BATCH: Badge("status-badge-wait", icon="hourglass", word=lazy("which batch?")),
    Reason.SERIAL: Badge("status-badge-wait", icon="hourglass", word=lazy("which serials?")),
    Reason.BIN: Badge("status-badge-wait", icon="hourglass", word=lazy("which bin?")),
}
REASON: Final[Mapping[str, str | Promise]] = {
    Reason.SHORT: lazy("short"),
    Reason.BATCH: lazy("which batch?"),
    Reason.SERIAL: lazy("which serials?"),
    Reason.BIN: lazy("which bin?"),
}
ORDER: Final[Mapping[str, str | Promise]] = {
    OrderStatus.NEW: lazy("New"),
    OrderStatus.RELEASED: lazy("Released"),
    OrderStatus.OPEN: lazy("Open"),
    OrderStatus.COMPLETE: lazy("Complete"),
    OrderStatus.CANCELLED: lazy("Cancelled"),
}
PURCHASE_ORDER: Final[Mapping[str, str | Promise]] = {
    PurchaseStatus.OPEN: lazy("Open"),
    PurchaseStatus.CLOSED: lazy("Closed"),
}
ORDER_CHANGE: Final[Mapping[str, str | Promise]] = {
    "status": lazy("status"),
    "quantity": lazy("quantity"),
    "due date": lazy("due date"),
    "structure": lazy("structure"),
}

# stock

PROCESS: Final[Mapping[str, str | Promise]] = {
    Process.WORKS_ORDER: lazy("works order"),
    Process.GOODS_RECEIVED: lazy("goods received"),
    Process.PRODUCTION: lazy("production without order"),
    Process.ISSUE: lazy("issue"),
    Process.RETURN: lazy("return"),
    Process.HAND: lazy("hand movement"),
    Process.RESOLUTION: lazy("resolution"),
    Process.COUNT: lazy("count"),
    Process.REVERSAL: lazy("reversal"),
    Process.OPENING: lazy("opening stock"),
}
