"""The ledger's statements by name. The SQL is in `ledger/sql/`, with the purpose of each and why it isn't left to
the ORM."""

from typing import Final

from django.db.models import Q

from backflush.db.queries import FastRead, Instances, Part, rows_of
from backflush.db.statements import Statements
from backflush.items.models import Item, Unit
from backflush.ledger.models import Movement, Posting
from backflush.stockmap.models import Action, Location, TransferRule

SQL: Final = Statements("backflush.ledger")

OPEN_BALANCES: Final = SQL["open_balances"]
LOCK_BALANCES: Final = SQL["lock_balances"]
READ_BALANCES: Final = SQL["read_balances"]
CHANGE_BALANCES: Final = SQL["change_balances"]

CLAIM_KEYS: Final = SQL["claim_keys"]
ADD_POSTINGS: Final = SQL["add_postings"]
ADD_MOVEMENTS: Final = SQL["add_movements"]
SET_STATUS: Final = SQL["set_status"]

OPEN_COST_OBJECTS: Final = SQL["open_cost_objects"]
ADVANCE_COST_OBJECTS: Final = SQL["advance_cost_objects"]

OPEN_REQUIREMENTS: Final = SQL["open_requirements"]
LOCK_OPEN_REQUIREMENTS: Final = SQL["lock_open_requirements"]


def _lock_unresolved(*, site_id: int, movements: list[int]) -> list[Instances]:
    here = Movement.objects.filter(site=site_id)
    origins = here.filter(pk__in=movements, origin__isnull=False).values("origin")
    found = here.filter(Q(pk__in=movements) | Q(pk__in=origins)).select_for_update(no_key=True, of=("self",))
    related = ("item__stock_unit", "source", "target", "posting", "rule__action")
    return rows_of(
        found.select_related(*related).order_by("pk"),
        "item", "item.stock_unit", "source", "target", "posting", "rule", "rule.action",
    )  # fmt: skip


LOCK_UNRESOLVED: Final = FastRead(
    SQL["lock_unresolved"],
    (
        Part("m", Movement),
        Part("item", Item, of="m.item"),
        Part("unit", Unit, of="item.stock_unit"),
        Part("source", Location, of="m.source"),
        Part("target", Location, of="m.target"),
        Part("posting", Posting, of="m.posting"),
        Part("rule", TransferRule, of="m.rule"),
        Part("action", Action, of="rule.action"),
    ),
    instead=_lock_unresolved,
)

FITTING_MOVEMENTS: Final = SQL["fitting_movements"]
WAITING_ITEMS_WITH_STOCK: Final = SQL["waiting_items_with_stock"]
WAITING_WITH_STOCK: Final = SQL["waiting_with_stock"]
WAITING_WITH_STOCK_OF_POSTING: Final = SQL["waiting_with_stock_of_posting"]

BALANCES_AT_MOMENT: Final = SQL["balances_at_moment"]
BALANCES_OF_ITEMS_AT_MOMENT: Final = SQL["balances_of_items_at_moment"]
KEEP_BALANCES_AT_MOMENT: Final = SQL["keep_balances_at_moment"]
