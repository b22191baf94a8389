"""The change log of works orders: what was changed, and by whom (W)."""

from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone

from backflush.db.statements import insert
from backflush.people.models import User
from backflush.works.models import OrderChange, WorksOrder
from backflush.works.statements import ADD_ORDER_CHANGES


def keep(changes: Iterable[OrderChange]) -> None:
    """Write changes of some orders to their logs."""
    insert(ADD_ORDER_CHANGES, [*changes])


def trace(order: WorksOrder, what: str, before: str, after: str, by: User, remarks: str = "") -> None:
    keep([change(order, what, before, after, by, remarks)])


def change(
    order: WorksOrder, what: str, before: str, after: str, by: User, remarks: str = "", at: datetime | None = None
) -> OrderChange:
    """Return an entry of an order's log; it was made at `at`, now by default."""
    return OrderChange(
        site_id=order.site_id,
        order=order,
        what=what,
        before=before,
        after=after,
        by=by,
        at=at or timezone.now(),
        remarks=remarks,
    )
