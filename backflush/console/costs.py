"""The command for material cost."""

import typer

from backflush.console.lookups import cost_objects_of
from backflush.console.options import ORDER
from backflush.console.output import Desk, HelpSection, Listing, command, in_decimals, money
from backflush.core.costing import UsageVariance
from backflush.costing.selectors import OrderCost, order_cost


def register(app: typer.Typer) -> None:
    """Add `cost`."""
    command(app, "cost", panel=HelpSection.STOCK)(cost)


def cost(desk: Desk, order: ORDER) -> None:
    """Show the material cost of an order, the standard of its structure for the quantity made, and the usage variance
    of each component. Every movement counts at the standard material cost of its moment.

    Example: backflush cost W-1001
    """
    costs = [order_cost(cost_object) for cost_object in cost_objects_of(desk.site, order)]
    payload = {"order": order, "jobs": [_payload(one) for one in costs]}
    desk.answer(payload, *(shown for one in costs for shown in _shown(one)))


def _payload(one: OrderCost) -> dict[str, object]:
    return {
        "job": one.cost_object.number,
        "material": one.material,
        "standard": one.standard,
        "variance": one.material - one.standard,
        "components": [
            {
                "item": one.items[variance.item].code,
                "unit": one.items[variance.item].stock_unit.code,
                "standard_quantity": variance.standard_quantity,
                "standard_amount": variance.standard_amount,
                "actual_quantity": variance.actual_quantity,
                "actual_amount": variance.actual_amount,
                "variance_quantity": variance.quantity,
                "variance_amount": variance.amount,
            }
            for variance in one.variances
        ],
    }


def _shown(one: OrderCost) -> tuple[str | Listing, ...]:
    difference = one.material - one.standard
    compared = f"{money(abs(difference))} {'over' if difference > 0 else 'under'} it" if difference else "no variance"
    sentence = (
        f"{one.cost_object.number}: the material cost is {money(one.material)}. The standard for "
        f"the quantity made is {money(one.standard)}: {compared}."
    )
    if not one.variances:
        return (sentence,)
    columns = ("Item", "#Standard", "#Had", "#Variance", "Unit", "#Standard cost", "#Cost", "#Variance")
    return sentence, Listing(columns, [_row(one, variance) for variance in one.variances])


def _row(one: OrderCost, variance: UsageVariance) -> tuple[str, ...]:
    item = one.items[variance.item]
    return (
        item.code,
        in_decimals(variance.standard_quantity, item),
        in_decimals(variance.actual_quantity, item),
        f"{variance.quantity:+.{item.quantity_decimals}f}"
        if variance.quantity
        else in_decimals(variance.quantity, item),
        item.stock_unit.code,
        money(variance.standard_amount),
        money(variance.actual_amount),
        f"{variance.amount:+.2f}" if variance.amount else money(variance.amount),
    )
