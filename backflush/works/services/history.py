"""The change log of works orders: what was changed, and by whom (W)."""

from collections.abc import Iterable

from django.utils import timezone

from backflush.ledger.statements import adding, driver_time, run
from backflush.people.models import User
from backflush.works.models import OrderChange, WorksOrder

ADD_CHANGES = adding(
    "works_orderchange",
    {
        "site_id": "bigint",
        "order_id": "bigint",
        "what": "text",
        "before": "text",
        "after": "text",
        "by_id": "bigint",
        "at": "timestamptz",
        "remarks": "text",
    },
)


def keep(changes: Iterable[OrderChange]) -> None:
    """Write changes of some orders to their logs."""
    rows = [
        (
            one.site_id,
            one.order_id,
            one.what,
            str(one.before),
            str(one.after),
            one.by_id,
            driver_time(one.at),
            one.remarks,
        )
        for one in changes
    ]
    run(ADD_CHANGES, rows)


def trace(order: WorksOrder, what: str, before: str, after: str, by: User, remarks: str = "") -> None:
    keep([change(order, what, before, after, by, remarks)])


def change(order: WorksOrder, what: str, before: str, after: str, by: User, remarks: str = "") -> OrderChange:
    return OrderChange(
        site_id=order.site_id,
        order=order,
        what=what,
        before=before,
        after=after,
        by=by,
        at=timezone.now(),
        remarks=remarks,
    )
