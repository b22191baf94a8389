"""The ledger's statements by name. The SQL is in `ledger/sql/`, with the purpose of each and why it isn't left to
the ORM."""

from typing import Final

from django.db import connection
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


def _stock(only: str = "") -> str:
    # Cast to bigint, the type of the index: PostgreSQL's sum is numeric.
    return (
        "(SELECT item_id, location_id, CAST(SUM(quantity) AS bigint) AS there FROM ledger_balance WHERE site_id = %s "
        f"{only}GROUP BY item_id, location_id HAVING SUM(quantity) > 0) t"
    )


_STOCK = _stock()
_BROUGHT = (
    "AND (item_id, location_id) IN (SELECT item_id, target_id FROM ledger_movement "
    "WHERE site_id = %s AND posting_id = %s AND status = 'ok') "
)
_WAITING = "m.site_id = %s AND m.status = 'unresolved' AND m.source_id = t.location_id AND m.item_id = t.item_id"

# Both start with the stock, and search the index of unresolved movements once per stock key; the other way round they
# would read every unresolved movement. SQLite keeps the order of a cross join, PostgreSQL that of a lateral join.
_FITTING = {
    "sqlite": f"SELECT m.id FROM {_STOCK} CROSS JOIN ledger_movement m ON {_WAITING} AND m.reason = 'short' "
    "AND m.due <= t.there LIMIT %s",
    "postgresql": f"SELECT f.id FROM {_STOCK} CROSS JOIN LATERAL (SELECT m.id FROM ledger_movement m WHERE {_WAITING} "
    "AND m.reason = 'short' AND m.due <= t.there LIMIT %s) f LIMIT %s",
}
_WITH_STOCK = {
    "sqlite": f"SELECT t.item_id, t.location_id FROM {_STOCK} "
    f"WHERE EXISTS (SELECT 1 FROM ledger_movement m WHERE {_WAITING})",
    "postgresql": f"SELECT t.item_id, t.location_id FROM {_STOCK} CROSS JOIN LATERAL "
    f"(SELECT 1 FROM ledger_movement m WHERE {_WAITING} LIMIT 1) f",
}


# Unresolved movements of actions with one retry rule, oldest first. For an action that posts in part, any stock will
# do.
_UNDER_A_RULE = (
    "SELECT m.item_id, m.source_id, m.id FROM {stock} CROSS JOIN ledger_movement m "
    "JOIN stockmap_transferrule r ON r.id = m.rule_id JOIN stockmap_action a ON a.id = r.action_id "
    f"WHERE {_WAITING} AND m.reason = 'short' AND a.retry = %s AND {{enough}} "
    "ORDER BY m.at, COALESCE(m.origin_id, m.id), m.id LIMIT %s"
)


def fitting_movements(site: int, most: int) -> list[int]:
    """Return the unresolved movements that fit the present stock, each by itself, up to a limit."""
    limits = [most] if connection.vendor == "sqlite" else [most, most]
    with connection.cursor() as cursor:
        cursor.execute(_FITTING[connection.vendor], [site, site, *limits])
        return [number for (number,) in cursor.fetchall()]


def waiting_with_stock(site: int) -> list[tuple[int, int]]:
    """Return items and locations that have both stock and unresolved movements."""
    with connection.cursor() as cursor:
        cursor.execute(_WITH_STOCK[connection.vendor], [site, site])
        return [(item, place) for item, place in cursor.fetchall()]


def waiting_under_rule(
    site: int, rule: str, *, in_part: bool, most: int, brought_by: int | None = None
) -> list[tuple[int, int, int]]:
    """Return item, location and number of unresolved movements that fit now, for actions with one retry rule (U7).

    `brought_by` is a posting: only movements of the stock that it brought. `in_part` includes actions that post in
    part, which reads all unresolved movements of each item in stock.
    """
    enough = "(m.due <= t.there OR a.short = 'part')" if in_part else "m.due <= t.there"
    stock, brought = (_STOCK, []) if brought_by is None else (_stock(_BROUGHT), [site, brought_by])
    with connection.cursor() as cursor:
        cursor.execute(_UNDER_A_RULE.format(stock=stock, enough=enough), [site, *brought, site, rule, most])
        return [(item, place, number) for item, place, number in cursor.fetchall()]
