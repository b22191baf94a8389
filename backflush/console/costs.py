"""The command for material cost."""

from decimal import Decimal

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
    """Show the material cost of an order beside the standard of its structure for the quantity made. The usage variance
    of a component is the difference of quantity alone; a standard cost that changed since is a price effect, and what
    is unresolved is neither used nor saved. Only material is counted, each movement and booking at the standard cost of
    its moment.

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
        "usage_variance": one.usage_variance,
        "price_effect": one.price_effect,
        "unresolved": one.waiting,
        "scrap": one.scrap,
        "components": [
            {
                "item": one.items[variance.item].code,
                "unit": one.items[variance.item].stock_unit.code,
                "standard_quantity": variance.standard.quantity,
                "standard_amount": variance.standard.amount,
                "actual_quantity": variance.used.quantity,
                "actual_amount": variance.used.amount,
                "unresolved_quantity": variance.waiting.quantity,
                "unresolved_amount": variance.waiting.amount,
                "variance_quantity": variance.quantity,
                "variance_amount": variance.amount,
                "price_effect": variance.price_effect,
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
    parts = [
        f"{money(abs(amount))} {word}"
        for amount, word in (
            (one.usage_variance, "used beyond the structure" if one.usage_variance > 0 else "saved"),
            (one.price_effect, "more by new standard costs" if one.price_effect > 0 else "less by new standard costs"),
            (one.waiting, "unresolved, so not yet in the cost"),
            (one.scrap, "of the standard for scrap"),
        )
        if amount
    ]
    columns = (
        *("Item", "#Standard", "#Had", "#Unresolved", "#Variance", "Unit"),
        *("#Standard cost", "#Cost", "#Usage variance", "#Price effect"),
    )
    table = Listing(columns, [_row(one, variance) for variance in one.variances])
    return (sentence, *([f"Of this: {'; '.join(parts)}."] if parts else []), table)


def _row(one: OrderCost, variance: UsageVariance) -> tuple[str, ...]:
    item = one.items[variance.item]
    return (
        item.code,
        in_decimals(variance.standard.quantity, item),
        in_decimals(variance.used.quantity, item),
        in_decimals(variance.waiting.quantity, item),
        f"{variance.quantity:+.{item.quantity_decimals}f}"
        if variance.quantity
        else in_decimals(variance.quantity, item),
        item.stock_unit.code,
        money(variance.standard.amount),
        money(variance.used.amount),
        _signed(variance.amount),
        _signed(variance.price_effect),
    )


def _signed(amount: Decimal) -> str:
    return f"{amount:+.2f}" if amount else money(amount)
