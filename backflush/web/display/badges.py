"""The icon, word and colour class of each status (docs/ux.md, Status)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from backflush.core.lifecycle import OrderStatus, PurchaseStatus
from backflush.core.moves import Process, Reason, Status


@dataclass(frozen=True, slots=True)
class Sign:
    """How a status looks: its class beside `status-badge`, its icon, its word."""

    look: str
    icon: str
    word: str | Promise


MOVEMENT: Final[Mapping[str, Sign]] = {
    Status.OK: Sign("status-badge-ok", icon="check", word=_("OK")),
    Status.UNRESOLVED: Sign("status-badge-wait", icon="hourglass", word=_("Unresolved")),
    Status.RESOLVED: Sign("status-badge-good", icon="circle-check", word=_("Resolved")),
    Status.CANCELLED: Sign("status-badge-off", icon="ban", word=_("Cancelled")),
    Status.WITHDRAWN: Sign("status-badge-back", icon="arrow-back-up", word=_("Withdrawn")),
}
REVERSED: Final = Sign("status-badge-back", icon="arrow-back-up", word=_("Reversed"))
FITS: Final = Sign("status-badge-good", icon="check", word=_("fits now"))
SHORT: Final = Sign("status-badge-bad", icon="alert-triangle", word=_("short"))
CHOICE: Final[Mapping[str, Sign]] = {
    Reason.BATCH: Sign("status-badge-wait", icon="hourglass", word=_("which batch?")),
    Reason.SERIAL: Sign("status-badge-wait", icon="hourglass", word=_("which serials?")),
    Reason.BIN: Sign("status-badge-wait", icon="hourglass", word=_("which bin?")),
}
REASON: Final[Mapping[str, str | Promise]] = {
    Reason.SHORT: _("short"),
    Reason.BATCH: _("which batch?"),
    Reason.SERIAL: _("which serials?"),
    Reason.BIN: _("which bin?"),
}
ORDER: Final[Mapping[str, str | Promise]] = {
    OrderStatus.NEW: _("New"),
    OrderStatus.RELEASED: _("Released"),
    OrderStatus.OPEN: _("Open"),
    OrderStatus.COMPLETE: _("Complete"),
    OrderStatus.CANCELLED: _("Cancelled"),
}
PURCHASE_ORDER: Final[Mapping[str, str | Promise]] = {
    PurchaseStatus.OPEN: _("Open"),
    PurchaseStatus.CLOSED: _("Closed"),
}
ORDER_CHANGE: Final[Mapping[str, str | Promise]] = {
    "status": _("status"),
    "quantity": _("quantity"),
    "due date": _("due date"),
    "structure": _("structure"),
}

# stock

PROCESS: Final[Mapping[str, str | Promise]] = {
    Process.WORKS_ORDER: _("works order"),
    Process.GOODS_RECEIVED: _("goods received"),
    Process.PRODUCTION: _("production without order"),
    Process.ISSUE: _("issue"),
    Process.RETURN: _("return"),
    Process.HAND: _("hand movement"),
    Process.RESOLUTION: _("resolution"),
    Process.REVERSAL: _("reversal"),
    Process.OPENING: _("opening stock"),
}
