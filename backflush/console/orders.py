"""Commands for works orders, from creation to completion."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import typer
from django.utils import timezone

from backflush.backflushing.explanation import figure
from backflush.console.lookups import require_item
from backflush.console.options import LIMIT, ONLY_ITEM, ORDER, REMARKS
from backflush.console.output import Desk, HelpSection, Listing, command, in_decimals, in_unit, of_all
from backflush.console.postings import WHY, movement_payload
from backflush.core.input_values import read_day, read_number
from backflush.core.lifecycle import OrderStatus
from backflush.core.quantity import ZERO, written
from backflush.core.refusals import InvalidValue
from backflush.stockmap.selectors import day_at
from backflush.unresolved.selectors import queue
from backflush.works.models import WorksOrder
from backflush.works.selectors import Material, materials, orders_numbered, release_warnings
from backflush.works.services.orders import OrderIn, create_order, refresh_structure, revise_order
from backflush.works.services.transitions import (
    cancel_order,
    complete_order,
    release_order,
    release_orders,
    reopen_order,
    reset_order,
)

ITEM_MADE = Annotated[
    str, typer.Argument(metavar="ITEM", help="The code of the manufactured item.", show_default=False)
]
HOW_MANY = Annotated[str, typer.Argument(metavar="QUANTITY", help="The quantity to make.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add `orders`, and the `order` commands."""
    command(app, "orders", panel=HelpSection.ORDERS)(list_orders)
    one = typer.Typer(no_args_is_help=True, help="Create, release, complete or show a works order.")
    command(one, "show")(show)
    command(one, "new", posts=True)(new)
    command(one, "release", posts=True)(release)
    command(one, "reset", posts=True)(reset)
    command(one, "complete", posts=True)(complete)
    command(one, "reopen", posts=True)(reopen)
    command(one, "cancel", posts=True)(give_up)
    command(one, "revise", posts=True)(revise)
    command(one, "structure-afresh", posts=True)(refresh_order_structure)
    app.add_typer(one, name="order", rich_help_panel=HelpSection.ORDERS)


def list_orders(
    desk: Desk,
    status: Annotated[
        str,
        typer.Option(
            metavar="STATUS",
            help="Only orders with this status: new, released, open, complete or cancelled.",
            show_default=False,
        ),
    ] = "",
    item: ONLY_ITEM = "",
    limit: LIMIT = 50,
) -> None:
    """List works orders, newest first, with the quantities booked.

    Example: backflush orders --status open
    """
    if status and status not in set(OrderStatus):
        raise InvalidValue(
            "There is no status '{status}'. Use one of: {statuses}.",
            status=status,
            statuses=list(OrderStatus),
            field="status",
        )
    require_item(item)
    found = WorksOrder.objects.filter(site=desk.site).select_related("item", "unit", "cost_object").order_by("-pk")
    if status:
        found = found.filter(status=status)
    if item:
        found = found.filter(item__code=item)
    total = found.count()
    orders = list(found[:limit] if limit else found)
    payload = {"total": total, "orders": [_payload(order) for order in orders]}
    if not total:
        desk.answer(payload, "No works order matches." if status or item else "There are no works orders.")
        return
    desk.answer(payload, _listing(orders), of_all(len(orders), total, "works orders"))


def _payload(order: WorksOrder) -> dict[str, Any]:
    return {
        "order": order.number,
        "item": order.item.code,
        "status": order.status,
        "quantity": order.quantity,
        "unit": order.unit.code,
        "good": order.cost_object.good,
        "scrap": order.cost_object.scrap,
        "start_date": order.start_date,
        "due_date": order.due_date,
        "remarks": order.remarks,
    }


def _listing(orders: list[WorksOrder]) -> Listing:
    return Listing(
        ("Order", "Item", "Status", "#Ordered", "#Good", "#Scrap", "Unit", "Start", "Due"),
        [
            (
                order.number,
                order.item.code,
                order.status,
                written(order.quantity),
                written(order.cost_object.good),
                written(order.cost_object.scrap),
                order.unit.code,
                f"{order.start_date:%d %b %Y}",
                f"{order.due_date:%d %b %Y}" if order.due_date else "",
            )
            for order in orders
        ],
    )


def _order(desk: Desk, number: str) -> WorksOrder:
    return orders_numbered(desk.site, [number])[0]


def show(desk: Desk, order: ORDER) -> None:
    """Show a works order: its progress, its materials, and the history of changes. *Had* is what moved for a line and
    what was issued by hand; *needed* is for what was made, scrap too, and what is still to be made. Material issued
    beside the structure is listed last.

    Example: backflush order show W-1001
    """
    found = _order(desk, order)
    listed = materials(found)
    changes = list(found.changes.select_related("by").order_by("pk"))
    payload = {
        **_payload(found),
        "materials": [_material(material) for material in listed],
        "unresolved": sum(1 for material in listed if material.unresolved),
        "changes": [
            {
                "at": desk.local(change.at),
                "by": change.by.username,
                "what": change.what,
                "before": change.before,
                "after": change.after,
                "remarks": change.remarks,
            }
            for change in changes
        ],
    }
    trace = Listing(
        ("When", "Who", "What", "Before", "After", "Remarks"),
        [
            (desk.when(change.at), change.by.username, change.what, change.before, change.after, change.remarks)
            for change in changes
        ],
        "Changes",
    )
    shown = [_say(found), _materials_listing(listed), *([trace] if changes else [])]
    desk.answer(payload, *shown, *release_warnings(found))


def _say(order: WorksOrder) -> str:
    return (
        f"{order.number}: {written(order.quantity)} {order.unit.code} of {order.item.code}, "
        f"{order.status}. Booked: {written(order.cost_object.good)} good, "
        f"{written(order.cost_object.scrap)} scrap."
    )


def _material(material: Material) -> dict[str, Any]:
    line = material.line
    return {
        "line": material.path,
        "item": material.component.code,
        "unit": material.component.stock_unit.code,
        "for_one": line.per_piece if line else None,
        "fixed": line.fixed_exact if line else None,
        "by_hand": material.by_hand,
        "from": material.source.path if material.source else None,
        "needed": material.needed,
        "assumed": material.assumed,
        "had": (material.moved or ZERO) + material.issued,
        "issued": material.issued,
        "waits": material.unresolved,
        "to_come": material.to_come,
        "short": material.short,
    }


def _materials_listing(found: Sequence[Material]) -> Listing | str:
    if not found:
        return "The order has no structure lines."
    return Listing(
        (
            *("Line", "Item", "#Per piece", "#Once", "Unit", "#Needed", "#Assumed", "#Had", "#Waits", "#To come"),
            *("#Short", "From", ""),
        ),
        [_material_row(material) for material in found],
        "Materials",
    )


def _material_row(material: Material) -> tuple[str, ...]:
    line, item = material.line, material.component
    if line is None:
        per_piece, note = "", "not in the structure"
    else:
        per_piece = "no conversion" if line.per_piece is None else figure(line.per_piece)
        note = "by hand" if material.by_hand else ""

    def quantity(value: Decimal | None) -> str:
        return in_decimals(value, item) if value else ""

    return (
        material.path,
        item.code,
        per_piece,
        figure(line.fixed_exact) if line and line.fixed_exact else "",
        item.stock_unit.code,
        quantity(material.needed),
        quantity(material.assumed),
        in_decimals((material.moved or ZERO) + material.issued, item),
        quantity(material.unresolved),
        quantity(material.to_come),
        quantity(material.short),
        material.source.path if material.source else "",
        note,
    )


def new(
    desk: Desk,
    order: ORDER,
    item: ITEM_MADE,
    quantity: HOW_MANY,
    unit: Annotated[
        str,
        typer.Option(
            metavar="UNIT", help="The unit of the quantity. Default: the item's stock unit.", show_default=False
        ),
    ] = "",
    start: Annotated[
        str,
        typer.Option(
            metavar="DATE", help="The start date, which decides the structure. Default: today.", show_default=False
        ),
    ] = "",
    due: Annotated[str, typer.Option(metavar="DATE", help="The due date.", show_default=False)] = "",
    remarks: REMARKS = "",
    release: Annotated[bool, typer.Option("--release", help="Release the order at once.")] = False,
) -> None:
    """Create a works order for a manufactured item. The order copies the structure that is in force on its start date.
    Release freezes the copy and allows bookings.

    Example: backflush order new W-1001 FR-200 40 --due 2026-04-01 --release
    """
    wanted = OrderIn(
        number=order,
        item=item,
        quantity=read_number(quantity, field="quantity"),
        unit=unit,
        start_date=read_day(start, field="start") if start else day_at(desk.site, timezone.now()),
        due_date=read_day(due, field="due") if due else None,
        remarks=remarks,
    )
    create_order(wanted, site=desk.site, by=desk.by)
    if release:
        release_order(site=desk.site, number=order, by=desk.by)
    _answer(desk, order, f"Created{' and released' if release else ''}.")


def _answer(desk: Desk, number: str, done: str) -> None:
    found = _order(desk, number)
    warnings = release_warnings(found)
    desk.answer({**_payload(found), "warnings": warnings}, f"{done} {_say(found)}", *warnings)


def release(
    desk: Desk,
    order: Annotated[
        list[str], typer.Argument(metavar="ORDER...", help="The works order numbers.", show_default=False)
    ],
) -> None:
    """Release works orders: freeze their structures and allow bookings. Either all are released or none; the refusal
    names every missing unit conversion.

    Example: backflush order release W-1001 W-1002
    """
    numbers = list(dict.fromkeys(order))
    release_orders(site=desk.site, numbers=numbers, by=desk.by)
    found = orders_numbered(desk.site, numbers)
    warnings = [warning for one in found for warning in release_warnings(one)]
    payload = {"orders": [_payload(one) for one in found], "warnings": warnings}
    desk.answer(payload, f"Released {', '.join(numbers)}.", *warnings)


def reset(desk: Desk, order: ORDER) -> None:
    """Reset a released order without bookings to new, so that its structure can be changed.

    Example: backflush order reset W-1001
    """
    reset_order(site=desk.site, number=order, by=desk.by)
    _answer(desk, order, "Reset to new.")


def complete(desk: Desk, order: ORDER) -> None:
    """Complete an order and list its unresolved movements. They can still be settled afterwards.

    Example: backflush order complete W-1001
    """
    complete_order(site=desk.site, number=order, by=desk.by)
    found = _order(desk, order)
    waiting = list(queue(desk.site, order=order))
    payload = {**_payload(found), "unresolved": [movement_payload(desk, row) for row in waiting]}
    if not waiting:
        desk.answer(payload, f"Completed. {_say(found)}", "Nothing is unresolved.")
        return
    rows = [
        (
            str(row.pk),
            row.item.code,
            in_unit(row.due or ZERO, row.item),
            WHY[row.reason],
            row.source.path,
        )
        for row in waiting
    ]
    listing = Listing(("#Movement", "Item", "#Due", "Reason", "From"), rows)
    desk.answer(
        payload, f"Completed. {_say(found)}", listing, f"{len(waiting):,} unresolved, which can still be settled."
    )


def reopen(desk: Desk, order: ORDER) -> None:
    """Reopen a complete order, so that it takes bookings again.

    Example: backflush order reopen W-1001
    """
    reopen_order(site=desk.site, number=order, by=desk.by)
    _answer(desk, order, "Reopened.")


def give_up(desk: Desk, order: ORDER, remarks: REMARKS = "") -> None:
    """Cancel an order without bookings. An order with bookings is completed instead.

    Example: backflush order cancel W-1001 --remarks "customer withdrew"
    """
    cancel_order(site=desk.site, number=order, by=desk.by, remarks=remarks)
    _answer(desk, order, "Cancelled.")


def revise(
    desk: Desk,
    order: ORDER,
    quantity: Annotated[
        str | None, typer.Option(metavar="QUANTITY", help="The new quantity.", show_default=False)
    ] = None,
    due: Annotated[str, typer.Option(metavar="DATE", help="The new due date.", show_default=False)] = "",
    remarks: REMARKS = "",
) -> None:
    """Change an order's quantity or due date. The history keeps who changed it, and the old value.

    Example: backflush order revise W-1001 --quantity 60 --remarks "customer wants more"
    """
    if quantity is None and not due:
        raise InvalidValue("Give what changes: --quantity, --due, or both.", field="quantity")
    revise_order(
        site=desk.site,
        number=order,
        by=desk.by,
        quantity=None if quantity is None else read_number(quantity, field="quantity"),
        due_date=read_day(due, field="due") if due else None,
        remarks=remarks,
    )
    _answer(desk, order, "Changed.")


def refresh_order_structure(desk: Desk, order: ORDER) -> None:
    """Replace a new order's copy of the structure by the item's current structure.

    Example: backflush order structure-afresh W-1001
    """
    refresh_structure(site=desk.site, number=order, by=desk.by)
    _answer(desk, order, "The order has a new copy of the item's structure.")
