"""Commands for purchase orders."""

from datetime import date
from typing import Annotated

import typer
from django.utils import timezone

from backflush.console.output import Desk, HelpSection, Listing, command
from backflush.core.input_values import read_day, read_number
from backflush.core.quantity import written
from backflush.core.refusals import InvalidValue, NotFound
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import day_at
from backflush.subcontract.models import PurchaseOrder
from backflush.subcontract.services import PurchaseLineIn, PurchaseOrderIn, close_order, place_order

NUMBER = Annotated[str, typer.Argument(metavar="NUMBER", help="The purchase order number.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the `purchase-order` commands."""
    orders = typer.Typer(no_args_is_help=True, help="Place, show or close a purchase order.")
    command(orders, "new", posts=True)(new)
    command(orders, "show")(show)
    command(orders, "close", posts=True)(close)
    app.add_typer(orders, name="purchase-order", rich_help_panel=HelpSection.ORDERS)


def new(
    desk: Desk,
    number: NUMBER,
    supplier: Annotated[str, typer.Argument(metavar="SUPPLIER", help="The supplier code.", show_default=False)],
    line: Annotated[
        list[str],
        typer.Argument(metavar="ITEM=QUANTITY[/UNIT]...", help="The order lines.", show_default=False),
    ],
    on: Annotated[str, typer.Option(metavar="DATE", help="The order date. Default: today.", show_default=False)] = "",
    due: Annotated[str, typer.Option(metavar="DATE", help="The due date.", show_default=False)] = "",
    receive_action: Annotated[
        str,
        typer.Option(metavar="ACTION", help="The receive action. Default: the site's.", show_default=False),
    ] = "",
) -> None:
    """Place a purchase order for bought-in or sub-contracted items. A quantity without a unit is in the item's stock
    unit. Lines are numbered 10, 20, 30.

    Example: backflush purchase-order new P-2001 PLATER BRK-7=200 LUG-6=4/BOX
    """
    due_date = read_day(due, field="due") if due else None
    order = PurchaseOrderIn(
        number=number,
        supplier=supplier,
        lines=[_line(text, position, due_date) for position, text in enumerate(line, 1)],
        placed_on=read_day(on, field="on") if on else day_at(desk.site, timezone.now()),
        receive_action=receive_action,
    )
    _answer(desk, place_order(order, site=desk.site, by=desk.by), "Placed")


def _line(text: str, position: int, due: date | None) -> PurchaseLineIn:
    item, equals, amount = text.rpartition("=")
    quantity, _, unit = amount.partition("/")
    if not equals or not item:
        raise InvalidValue(
            "'{text}' is not an order line. Write it as ITEM=QUANTITY, or ITEM=QUANTITY/UNIT.", text=text, field="lines"
        )
    return PurchaseLineIn(
        item=item, quantity=read_number(quantity, field="lines"), unit=unit, number=position * 10, due_date=due
    )


def show(desk: Desk, number: NUMBER) -> None:
    """Show a purchase order: its lines, with the quantities received and rejected.

    Example: backflush purchase-order show P-2001
    """
    _answer(desk, _order(desk.site, number))


def close(desk: Desk, number: NUMBER) -> None:
    """Close a purchase order, full or short: no more receipts are expected. Its unresolved movements stay unresolved.

    Example: backflush purchase-order close P-2001
    """
    _answer(desk, close_order(site=desk.site, number=number, by=desk.by), "Closed")


def _order(site: Site, number: str) -> PurchaseOrder:
    order = PurchaseOrder.objects.filter(site=site, number=number).select_related("supplier").first()
    if order is None:
        raise NotFound("There is no purchase order {order}.", order=number, field="order")
    return order


def _answer(desk: Desk, order: PurchaseOrder, verb: str = "") -> None:
    lines = list(order.lines.select_related("item__stock_unit", "unit", "cost_object"))
    payload = {
        "order": order.number,
        "supplier": order.supplier.code,
        "status": order.status,
        "placed_on": order.placed_on,
        "lines": [
            {
                "line": line.number,
                "item": line.item.code,
                "quantity": line.quantity,
                "unit": line.unit.code,
                "accepted": line.cost_object.good,
                "rejected": line.cost_object.scrap,
                "due_date": line.due_date,
            }
            for line in lines
        ],
    }
    rows = [
        (
            str(line.number),
            line.item.code,
            line.item.description,
            written(line.quantity),
            written(line.cost_object.good),
            written(line.cost_object.scrap),
            line.unit.code,
            f"{line.due_date:%d %b %Y}" if line.due_date else "",
        )
        for line in lines
    ]
    columns = ("#Line", "Item", "Description", "#Ordered", "#Accepted", "#Rejected", "Unit", "Due")
    sentence = f"{order.number} for {order.supplier.code}, placed {order.placed_on:%d %b %Y}: {order.status}."
    desk.answer(payload, f"{verb} {sentence}".strip(), Listing(columns, rows))
