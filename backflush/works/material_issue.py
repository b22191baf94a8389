"""Issues by hand to a works order, and returns from it (B4).

They record use above or below the structure, or all use of items that aren't backflushed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from backflush.core.counts import effects_of
from backflush.core.lifecycle import OrderStatus, refuse_posting
from backflush.core.moves import Process, plan_posting, stock_keys_of
from backflush.core.quantity import require_positive
from backflush.core.refusals import NoIssueAction, NoReturnAction
from backflush.counts.corrections import post_corrected
from backflush.items.selectors import item_coded
from backflush.ledger.idempotency import claim_key
from backflush.ledger.lot_allocation import named_moves, require_there_by
from backflush.ledger.models import Posting
from backflush.ledger.posting import Entry, lock_balances
from backflush.ledger.selectors import require_had
from backflush.people.models import User
from backflush.stockmap.models import Action, Site, TransferRule
from backflush.stockmap.selectors import event_time, place_in_bin, require_rule, single_rules
from backflush.works.models import WorksOrder
from backflush.works.services.booking import open_by_issue
from backflush.works.services.guards import lock_order, require


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueIn:
    """An issue or a return as it is entered; `quantity` is in the item's stock unit.

    `bin` is where an issue takes from and a return puts to, `to_bin` the bin at the other end. Bins, batch and serial
    numbers are given where the location or the item needs them.
    """

    order: str
    item: str
    quantity: Decimal
    bin: str = ""
    to_bin: str = ""
    batch: str = ""
    serials: Sequence[str] = ()
    remarks: str = ""
    at: datetime | date | None = None
    key: str = ""


def issue(material: IssueIn, *, site: Site, by: User) -> Posting:
    """Issue material to a works order, by the issue action of the item made.

    Locks the key, the order with its cost object, and balances. Raises `OrderNotOpen`, `NoIssueAction`, `NoRule`,
    `InvalidQuantity`, `InsufficientStock`, and what the batch, serial numbers and bins are refused for.
    """
    return _by_hand(material, Process.ISSUE, site=site, by=by)


def return_material(material: IssueIn, *, site: Site, by: User) -> Posting:
    """Return material from a works order, no more than the order has had of it (`MoreThanIssued`).

    Otherwise as `issue`, by the return action (`NoReturnAction`).
    """
    return _by_hand(material, Process.RETURN, site=site, by=by)


@transaction.atomic
def _by_hand(material: IssueIn, process: Process, *, site: Site, by: User) -> Posting:
    content = {
        "order": material.order,
        "item": material.item,
        "quantity": material.quantity,
        "bin": material.bin,
        "to_bin": material.to_bin,
        "batch": material.batch,
        "serials": sorted(material.serials),
        "remarks": material.remarks,
        "at": material.at,
    }
    new_key, done = claim_key(site=site, key=material.key, operation=process, content=content)
    if done:
        return done
    order = lock_order(site, material.order)
    require(refuse_posting(order.number, OrderStatus(order.status)))
    rule = rule_by_hand(order, process)
    item = item_coded(material.item)
    returning = process is Process.RETURN
    moves = named_moves(
        item=item,
        quantity=require_positive(material.quantity, item.quantity_decimals, field="quantity", what=item.code),
        source=place_in_bin(rule.source, material.to_bin if returning else material.bin),
        target=place_in_bin(rule.target, material.bin if returning else material.to_bin, into=True),
        batch=material.batch,
        serials=material.serials,
        cost_object_id=order.cost_object_id,
        charged=-1 if returning else 1,
        rule_id=rule.pk,
    )
    require_had(order.cost_object, moves)
    moment = event_time(site, material.at)
    if material.at is not None:
        require_there_by(site, item, moves, moment)
    stock = lock_balances(site=site, stock_keys=stock_keys_of(moves))
    posting = post_corrected(
        lambda: Entry(
            process, moment, plan_posting(moves, (), stock), new_key, order.cost_object_id, remarks=material.remarks
        ),
        effects_of(moves, at=moment),
        site=site,
        by=by,
        stock=stock,
    )
    open_by_issue(order)
    return posting


def rule_by_hand(order: WorksOrder, process: Process) -> TransferRule:
    """Return the rule of issues to an order or returns from it; raises `NoIssueAction`, `NoReturnAction`, `NoRule`."""
    action = _action(order, process)
    return require_rule(single_rules(order.site, [action.pk]), action, order.site)


def _action(order: WorksOrder, process: Process) -> Action:
    """Return the issue or return action of the type code of the item made."""
    code = order.item.type_code
    action = code.issue if process is Process.ISSUE else code.return_action
    if action is None:
        refusal = NoIssueAction if process is Process.ISSUE else NoReturnAction
        raise refusal(
            f"Type code {code.code} of {order.item.code} has no {process} action. Ask an engineer to add one.",
            field="order",
        )
    return action
