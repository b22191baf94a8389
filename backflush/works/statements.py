"""The statements on works orders by name. Their text is in `works/sql/`, with what each does and why it is by hand."""

from typing import Final

from backflush.db.queries import FastRead, Instances, Part, rows_of
from backflush.db.statements import Statements
from backflush.items.models import Item, TypeCode, Unit
from backflush.ledger.models import CostObject
from backflush.stockmap.models import Action, Location, TransferRule
from backflush.works.models import WorksOrder

SQL: Final = Statements("backflush.works")

ADD_ORDERS: Final = SQL["add_orders"]
ADD_ORDER_CHANGES: Final = SQL["add_order_changes"]


def _orders(*, site_id: int, numbers: list[str]) -> list[Instances]:
    found = WorksOrder.objects.filter(site=site_id, number__in=numbers).select_related("cost_object")
    return rows_of(found.order_by("cost_object_id"), "cost_object")


def _lock_orders(*, site_id: int, numbers: list[str]) -> list[Instances]:
    found = WorksOrder.objects.select_for_update(no_key=True, of=("self", "cost_object"))
    found = found.filter(site=site_id, number__in=numbers).select_related("cost_object")
    return rows_of(found.order_by("cost_object_id"), "cost_object")


ORDER_PARTS: Final = (Part("o", WorksOrder), Part("cost_object", CostObject, of="o.cost_object"))
ORDERS: Final = FastRead(SQL["orders"], ORDER_PARTS, instead=_orders)
LOCK_ORDERS: Final = FastRead(SQL["lock_orders"], ORDER_PARTS, instead=_lock_orders)

_ACTIONS: Final = ("completion", "backflush", "issue", "return_action")


def _made_items(*, site_id: int, items: list[int]) -> list[Instances]:
    found = Item.objects.filter(pk__in=items)
    found = found.select_related("stock_unit", "type_code", *(f"type_code__{action}" for action in _ACTIONS))
    rows = rows_of(found, "stock_unit", "type_code", *(f"type_code.{action}" for action in _ACTIONS))
    type_codes = [row[2] for row in rows]
    actions = {type_code.completion_id for type_code in type_codes} | {one.backflush_id for one in type_codes}
    rules = TransferRule.objects.filter(site=site_id, action__in=actions - {None}, single=True, active=True)
    of_action = {rule.action_id: [rule, rule.source, rule.target] for rule in rules.select_related("source", "target")}
    none = [None, None, None]
    return [
        [*row, *of_action.get(row[2].completion_id, none), *of_action.get(row[2].backflush_id, none)] for row in rows
    ]


MADE_ITEMS: Final = FastRead(
    SQL["made_items"],
    (
        Part("item", Item),
        Part("unit", Unit, of="item.stock_unit"),
        Part("type_code", TypeCode, of="item.type_code"),
        Part("completion", Action, of="type_code.completion"),
        Part("backflush", Action, of="type_code.backflush"),
        Part("issue", Action, of="type_code.issue"),
        Part("return_action", Action, of="type_code.return_action"),
        Part("completion_rule", TransferRule),
        Part("completion_source", Location, of="completion_rule.source"),
        Part("completion_target", Location, of="completion_rule.target"),
        Part("backflush_rule", TransferRule),
        Part("backflush_source", Location, of="backflush_rule.source"),
        Part("backflush_target", Location, of="backflush_rule.target"),
    ),
    instead=_made_items,
)
