"""Select the rows that can be archived, in a few statements in the database.

Postings and cost objects (as negative numbers) are the nodes of a graph. Every other row belongs to a node, and every
reference between two rows connects their nodes. Unfinished nodes stay, and so does everything connected to them, round
by round until nothing changes. The remaining nodes have no reference to or from anything that stays. A table that isn't
listed here makes everything it refers to stay.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import connection
from django.db.models import Model

from backflush.archives.statements import (
    CLEAR_SELECTION,
    CLEAR_TIES,
    CREATE_ARCHIVE_GOES,
    CREATE_ARCHIVE_TIES,
    KEEP_TIED_TO_THE_REST,
    KEEP_UNRESOLVED,
    SELECT_POSTINGS,
    SELECT_PURCHASE_ORDERS,
    SELECT_WORKS_ORDERS,
    SELECTED_NODES,
    SELECTED_POSTINGS,
    TIE_BACK,
)
from backflush.backflushing.models import Booking
from backflush.core.lifecycle import OrderStatus, PurchaseStatus
from backflush.core.moves import Process, Status
from backflush.db.vendors import analyze, one_writer
from backflush.ledger.models import CostObject, Movement, Posting
from backflush.ledger.periods import end_of_day
from backflush.operations.tables import references, stock_models
from backflush.stockmap.models import Site
from backflush.subcontract.models import PurchaseOrder, PurchaseOrderLine
from backflush.unresolved.models import Settlement
from backflush.works.models import OrderChange, WorksOrder

_POSTINGS: Final = "SELECT id FROM archive_goes WHERE id > 0"
_COST_OBJECTS: Final = "SELECT -id FROM archive_goes WHERE id < 0"
# Materialized, because otherwise PostgreSQL starts with all orders and compares each with each cost object, for
# minutes.
_OF_COST_OBJECTS: Final = (
    "WITH those AS MATERIALIZED "
    "(SELECT {wanted} AS id FROM archive_goes g JOIN {table} o ON o.job_id = -g.id WHERE g.id < 0) SELECT id FROM those"
)


@dataclass(frozen=True, slots=True)
class Going:
    """A table whose rows can be archived: the node of a row (`t`), and the condition for rows of the selected nodes."""

    model: type[Model]
    node: str
    chosen: str

    @property
    def table(self) -> str:
        """The name of the table in the database."""
        return self.model._meta.db_table


GOING: Final = (
    Going(Settlement, "{t}.posting_id", f"posting_id IN ({_POSTINGS})"),
    Going(Booking, "{t}.posting_id", f"posting_id IN ({_POSTINGS})"),
    Going(Movement, "{t}.posting_id", f"posting_id IN ({_POSTINGS})"),
    Going(Posting, "{t}.id", f"id IN ({_POSTINGS})"),
    Going(
        OrderChange,
        "-(SELECT w.job_id FROM works_worksorder w WHERE w.id = {t}.order_id AND w.site_id = {t}.site_id)",
        f"order_id IN ({_OF_COST_OBJECTS.format(wanted='o.id', table='works_worksorder')})",
    ),
    Going(WorksOrder, "-{t}.job_id", f"job_id IN ({_COST_OBJECTS})"),
    Going(
        PurchaseOrder,
        "-(SELECT MIN(l.job_id) FROM subcontract_purchaseorderline l "
        "WHERE l.order_id = {t}.id AND l.site_id = {t}.site_id)",
        f"id IN ({_OF_COST_OBJECTS.format(wanted='o.order_id', table='subcontract_purchaseorderline')})",
    ),
    Going(PurchaseOrderLine, "-{t}.job_id", f"job_id IN ({_COST_OBJECTS})"),
    Going(CostObject, "-{t}.id", f"id IN ({_COST_OBJECTS})"),
)
"""In the order of deletion: referring rows first, except orders, which lines refer to."""

OF_MODEL: Final = {going.model: going for going in GOING}


def choose(site: Site, through: date) -> dict[str, int]:
    """Select what can be archived of a site through a day. Return the number of rows of each table.

    The selected nodes are in a temporary table of this connection, `archive_goes`, until the next selection; `prepare`
    creates it.
    """
    _begin(site, through)
    _keep_what_is_tied_to_the_rest(site)
    _tie(site)
    _spread()
    return counts(site)


def counts(site: Site) -> dict[str, int]:
    """Return the number of selected rows of each table."""
    return {
        going.table: _ask(f"SELECT COUNT(*) FROM {going.table} WHERE site_id = %s AND {going.chosen}", site.pk)
        for going in GOING
    }


def staying(site: Site, through: date) -> int:
    """Return the number of postings through a day that stay, because they, or something connected to them, aren't
    finished."""
    all_of_them = Posting.objects.filter(site=site, at__lt=end_of_day(site, through)).count()
    [(selected,)] = SELECTED_POSTINGS.fetch_replanned()
    return all_of_them - int(selected)


def fingerprint() -> str:
    """Return a digest of the selection, to compare it with a later one."""
    seen = hashlib.sha256()
    for (number,) in SELECTED_NODES.iterate_replanned():
        seen.update(b"%d " % number)
    return seen.hexdigest()


def lock(site: Site) -> bool:
    """Lock the selected orders and postings, in the order that all services use.

    Return whether another user could have changed them before; on SQLite there is only one writer.
    """
    if one_writer():
        return False
    for going in (OF_MODEL[WorksOrder], OF_MODEL[PurchaseOrder], OF_MODEL[CostObject], OF_MODEL[Posting]):
        by = "job_id" if going.model is WorksOrder else "id"
        _do(f"SELECT 1 FROM {going.table} WHERE site_id = %s AND {going.chosen} ORDER BY {by} FOR UPDATE", site.pk)
    return True


def delete(going: Going, site: Site) -> int:
    """Delete the selected rows of a table, and return how many there were."""
    return _do(f"DELETE FROM {going.table} WHERE site_id = %s AND {going.chosen}", site.pk)


def prepare() -> None:
    """Create the temporary tables of this connection, because a read-only snapshot can't create any."""
    CREATE_ARCHIVE_GOES.execute_replanned()
    CREATE_ARCHIVE_TIES.execute_replanned()


def _begin(site: Site, through: date) -> None:
    """Start with all postings through the day and the cost objects of all orders finished by then. Opening stock
    stays."""
    CLEAR_SELECTION.execute_replanned()
    SELECT_POSTINGS.execute_replanned(site_id=site.pk, until=end_of_day(site, through), opening=Process.OPENING.value)
    SELECT_WORKS_ORDERS.execute_replanned(
        site_id=site.pk,
        through=through,
        complete=OrderStatus.COMPLETE.value,
        cancelled=OrderStatus.CANCELLED.value,
    )
    SELECT_PURCHASE_ORDERS.execute_replanned(site_id=site.pk, through=through, closed=PurchaseStatus.CLOSED.value)


def _keep_what_is_tied_to_the_rest(site: Site) -> None:
    """Keep unresolved movements, rows that other tables refer to, and the row with the highest number of each table.

    A restored backup continues numbering from the highest number, and no number may be used twice.
    """
    KEEP_UNRESOLVED.execute_replanned(site_id=site.pk, unresolved=Status.UNRESOLVED.value)
    for going in GOING:
        newest = f"SELECT {going.node.format(t='t')} FROM {going.table} t ORDER BY t.id DESC LIMIT 1"
        _do(f"DELETE FROM archive_goes WHERE id IN ({newest})")
    for named in _named_elsewhere():
        _do(f"DELETE FROM archive_goes WHERE id IN ({named})", site.pk)


def _named_elsewhere() -> Iterator[str]:
    """Return the nodes that a table refers to whose rows aren't archived."""
    for model in stock_models():
        if model in OF_MODEL:
            continue
        for field in references(model):
            named = OF_MODEL.get(field.related_model)
            if named is not None:
                yield (
                    f"SELECT {named.node.format(t='b')} FROM {model._meta.db_table} a "
                    f"JOIN {named.table} b ON b.id = a.{field.column} AND b.site_id = a.site_id WHERE a.site_id = %s"
                )


def _tie(site: Site) -> None:
    """Store the connections between nodes, in both directions, as far as they lead to selected nodes.

    Each reference is queried from both ends, so the work grows with the selection and not with the ledger.
    """
    CLEAR_TIES.execute_replanned()
    analyze("archive_goes")
    for going in GOING:
        for field in references(going.model):
            other = OF_MODEL.get(field.related_model)
            if other is None:
                continue
            one, two = going.node.format(t="a"), other.node.format(t="b")
            if one == two.replace("b.id", f"a.{field.column}"):
                # A row that belongs to the node it refers to.
                continue
            # Stated although the join implies it, because some indexes contain only rows with a reference.
            named = f"a.{field.column} IS NOT NULL"
            for may_go in (f"a.{going.chosen}", f"b.{other.chosen}"):
                _do(
                    f"INSERT INTO archive_ties (one, other) SELECT one, other FROM (SELECT DISTINCT {one} AS one, "
                    f"{two} AS other FROM {going.table} a JOIN {other.table} b ON b.id = a.{field.column} "
                    f"AND b.site_id = a.site_id WHERE a.site_id = %s AND {named} AND {may_go}) t WHERE one <> other "
                    "ON CONFLICT DO NOTHING",
                    site.pk,
                )
    TIE_BACK.execute_replanned()
    analyze("archive_ties")


def _spread() -> None:
    """Keep everything connected to something that stays, until nothing changes: as many rounds as the longest path."""
    while KEEP_TIED_TO_THE_REST.execute_replanned():
        pass


def _do(statement: str, *given: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, given or None)
        return int(cursor.rowcount)


def _ask(question: str, *given: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(question, given or None)
        (answer,) = cursor.fetchone()
        return int(answer)
