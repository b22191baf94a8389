"""Purchase orders and works orders."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final

from backflush.core.lifecycle import OrderStatus, PurchaseStatus
from backflush.core.refusals import Refusal
from backflush.imports.cell_types import as_written
from backflush.imports.columns import CLOSED_SHORT
from backflush.imports.context import BATCH, Work
from backflush.imports.files import ImportRow
from backflush.imports.master_data import UPDATE
from backflush.items.models import Item
from backflush.items.selectors import converter
from backflush.stockmap.models import Site
from backflush.structures.selectors import StructureBook
from backflush.structures.services import require_convertible
from backflush.subcontract.models import PurchaseOrder
from backflush.subcontract.services import PurchaseLineIn, PurchaseOrderIn, close_orders, line_refusals, place_orders
from backflush.works.models import WorksOrder
from backflush.works.services.orders import OrderIn, RevisionIn, create_orders, order_refusals, revise_orders
from backflush.works.services.transitions import EndingIn, end_orders, ended_at, release_orders

PURCHASES = "purchase_orders"
WORKS = "works_orders"

HEAD = ("supplier", "placed_on", "receive_action", "status")
COMPARED = ("supplier", "placed_on", "receive_action")
LINE = ("item", "quantity", "unit", "due_date")


def take_purchase_orders(work: Work) -> None:
    """Place new purchase orders. Existing ones can't be changed."""
    orders: dict[tuple[Site, str], list[ImportRow]] = {}
    for row in work.rows(PURCHASES):
        site = work.site(PURCHASES, row)
        if site is None or not _purchase_points(work, row):
            work.skip(PURCHASES, row)
        else:
            orders.setdefault((site, row["number"]), []).append(row)
    broken = {key[1] for key in work.sheets[PURCHASES].faulty} if PURCHASES in work.sheets else set()
    checks = Checks({work.items[row["item"]] for rows in orders.values() for row in rows})
    for site in work.sites.values():
        own = [rows for (at, number), rows in orders.items() if at == site and number not in broken]
        for start in range(0, len(own), BATCH):
            _take_purchases(work, site, own[start : start + BATCH], checks)


def _purchase_points(work: Work, row: ImportRow) -> bool:
    known: Mapping[str, Mapping[str, Any]] = {
        "supplier": work.suppliers,
        "item": work.items,
        "unit": work.units,
        "receive_action": work.actions,
    }
    found = [work.find(PURCHASES, row, name, known[name], row[name]) for name in known if row[name]]
    return all(one is not None for one in found)


def _take_purchases(work: Work, site: Site, orders: Sequence[list[ImportRow]], checks: "Checks") -> None:
    numbers = [rows[0]["number"] for rows in orders]
    known = {
        order.number: order
        for order in PurchaseOrder.objects.filter(site=site, number__in=numbers)
        .select_related("site", "supplier", "receive_action")
        .prefetch_related("lines__item__stock_unit", "lines__unit")
    }
    new: list[tuple[ImportRow, list[ImportRow]]] = []
    for rows in orders:
        there = known.get(rows[0]["number"])
        if there is not None:
            _compare_purchase(work, rows, there)
        elif _one_head(work, rows) and _sound_purchase(work, rows, checks):
            new.append((rows[0], rows))
        else:
            work.skip(PURCHASES, rows[0])

    def place(given: list[list[ImportRow]]) -> list[list[ImportRow]]:
        place_orders([_purchase(rows) for rows in given], site=site, by=work.by)
        return given

    for row, rows in work.hand_over(PURCHASES, new, place, {"lines": "line"}):
        work.counts[PURCHASES].new += len(rows)
        if row["status"] == PurchaseStatus.CLOSED:
            work.to_close.setdefault(site, []).append((row, row["number"]))


def _one_head(work: Work, rows: Sequence[ImportRow]) -> bool:
    """Return whether all rows of an order agree on the values of the order itself."""
    different = [(row, name) for row in rows for name in HEAD if row[name] != rows[0][name]]
    for row, name in different:
        fault = f"differs from row {rows[0].number} of the same order."
        work.fault(PURCHASES, row, name, fault, "Enter the same value in every row of an order.")
    return not different


def _sound_purchase(work: Work, rows: Sequence[ImportRow], checks: "Checks") -> bool:
    """Return whether the service accepts each line of an order."""
    sound = True
    for row, line in zip(rows, _purchase(rows).lines, strict=True):
        item = work.items[row["item"]]
        refusals = [*line_refusals(line, item, work.units.get(row["unit"]), checks.conversions)]
        inconvertible = checks.inconvertible(item, row["placed_on"])
        for refusal in refusals:
            work.refused(PURCHASES, row, refusal, {})
        if inconvertible is not None:
            work.refused(PURCHASES, row, inconvertible, {"unit": "item"})
        sound = sound and not refusals and inconvertible is None
    return sound


def _purchase(rows: Sequence[ImportRow]) -> PurchaseOrderIn:
    head = rows[0]
    return PurchaseOrderIn(
        number=head["number"],
        supplier=head["supplier"],
        placed_on=head["placed_on"],
        receive_action=head["receive_action"],
        lines=[
            PurchaseLineIn(
                item=row["item"],
                quantity=row["quantity"],
                unit=row["unit"],
                number=row["line"],
                due_date=row["due_date"],
            )
            for row in rows
        ],
    )


def _compare_purchase(work: Work, rows: Sequence[ImportRow], there: PurchaseOrder) -> None:
    lines = {line.number: line for line in there.lines.all()}
    action = there.receive_action
    head = {
        "supplier": there.supplier.code,
        "placed_on": there.placed_on,
        "receive_action": action.name if action is not None else "",
    }
    remedy = "Remove it from the file: a purchase order can't be changed after placing."
    same = True
    for row in rows:
        line = lines.pop(row["line"], None)
        if line is None:
            work.fault(PURCHASES, row, "line", f"{there.number} has no line {row['line']} in the database.", remedy)
            same = False
            continue
        before = {
            **head,
            "item": line.item.code,
            "quantity": line.quantity,
            "unit": line.unit.code,
            "due_date": line.due_date,
        }
        after = {name: row[name] for name in (*COMPARED, *LINE)}
        after["unit"] = after["unit"] or line.item.stock_unit.code
        same = not _note_changes(work, PURCHASES, row, before, after, remedy) and same
    if lines:
        fault = f"{there.number} has lines in the database that are missing here."
        work.fault(PURCHASES, rows[0], "line", fault, remedy)
    elif same:
        _compare_status(work, rows, there)


def _compare_status(work: Work, rows: Sequence[ImportRow], there: PurchaseOrder) -> None:
    """Close an open order with --update, if the file says closed; a closed order stays closed."""
    closed = "status" in work.sheets[PURCHASES].given and rows[0]["status"] == PurchaseStatus.CLOSED
    if not closed or there.status == PurchaseStatus.CLOSED:
        work.counts[PURCHASES].there += len(rows)
    elif work.update:
        work.counts[PURCHASES].changed += len(rows)
        work.to_close.setdefault(there.site, []).append((rows[0], there.number))
    else:
        _note_changes(work, PURCHASES, rows[0], {"status": there.status}, {"status": PurchaseStatus.CLOSED}, UPDATE)


def _note_changes(
    work: Work, table: str, row: ImportRow, before: dict[str, object], after: dict[str, object], remedy: str
) -> bool:
    """Record each value of a row that differs from the database. A column that is left out is ignored."""
    given = work.sheets[table].given
    different = [name for name in after if name in given and after[name] != before[name]]
    for name in different:
        shown = [as_written(value) or "nothing" for value in (after[name], before[name])]
        work.fault(table, row, name, f"is {shown[0]} here and {shown[1]} in the database.", remedy)
    return bool(different)


def take_works_orders(work: Work) -> None:
    """Create new works orders, and release those whose status isn't new."""
    by_site: dict[Site, list[ImportRow]] = {}
    for row in work.rows(WORKS):
        site = work.site(WORKS, row)
        item = work.find(WORKS, row, "item", work.items, row["item"])
        unit = work.find(WORKS, row, "unit", work.units, row["unit"]) if row["unit"] else item
        if site is not None and item is not None and unit is not None:
            by_site.setdefault(site, []).append(row)
        else:
            work.skip(WORKS, row)
    for site, rows in by_site.items():
        _take_works(work, site, rows)


def _take_works(work: Work, site: Site, rows: Sequence[ImportRow]) -> None:
    new: list[tuple[ImportRow, OrderIn]] = []
    revised: list[tuple[ImportRow, RevisionIn]] = []
    released: list[tuple[ImportRow, str]] = []
    ended: list[tuple[ImportRow, EndingIn]] = []
    checks = Checks({work.items[row["item"]] for row in rows})
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        numbers = [row["number"] for row in part]
        found = WorksOrder.objects.filter(site=site, number__in=numbers).select_related("item__stock_unit", "unit")
        known = {order.number: order for order in found}
        for row in part:
            there = known.get(row["number"])
            if there is not None:
                _compare_works(work, row, there, revised, released, ended)
            elif _sound_works_order(work, row, checks, site):
                new.append((row, _works_order(row)))

    def create(orders: list[OrderIn]) -> Sequence[WorksOrder]:
        return create_orders(orders, site=site, by=work.by)

    def create_released(orders: list[OrderIn]) -> Sequence[WorksOrder]:
        return create_orders(orders, site=site, by=work.by, released=True)

    def release(numbers: list[str]) -> Sequence[WorksOrder]:
        return release_orders(site=site, numbers=numbers, by=work.by)

    def revise(revisions: list[RevisionIn]) -> Sequence[WorksOrder]:
        return revise_orders(revisions, site=site, by=work.by)

    to_release = [(row, order) for row, order in new if _takes_bookings(row)]
    to_keep = [(row, order) for row, order in new if not _takes_bookings(row)]
    made = [*work.hand_over(WORKS, to_keep, create, {}), *work.hand_over(WORKS, to_release, create_released, {})]
    work.counts[WORKS].new += len(made)
    changed = {row.number for row, _ in work.hand_over(WORKS, revised, revise, {})}
    changed |= {row.number for row, _ in work.hand_over(WORKS, released, release, {"order": "status", "unit": "item"})}
    ended += [(row, _ending(row)) for row, _ in made if row["status"] in ENDS]
    cancelled = [(row, ending) for row, ending in ended if ending.status is OrderStatus.CANCELLED]
    work.to_complete[site] = [(row, ending) for row, ending in ended if ending.status is OrderStatus.COMPLETE]
    gone = work.hand_over(WORKS, cancelled, _ender(work, site), ENDING_COLUMNS)
    changed |= {row.number for row, _ in (*gone, *work.to_complete[site])} - {row.number for row, _ in made}
    work.counts[WORKS].changed += len(changed)


ENDS: Final[Mapping[str, OrderStatus]] = {
    OrderStatus.COMPLETE: OrderStatus.COMPLETE,
    CLOSED_SHORT: OrderStatus.COMPLETE,
    OrderStatus.CANCELLED: OrderStatus.CANCELLED,
}
"""The status of an order that has ended, by the word for it in a file."""

ENDING_COLUMNS: Final = {"order": "status", "at": "ended_at"}


def _takes_bookings(row: ImportRow) -> bool:
    return row["status"] not in (OrderStatus.NEW, OrderStatus.CANCELLED)


def _ending(row: ImportRow) -> EndingIn:
    remarks = CLOSED_SHORT if row["status"] == CLOSED_SHORT else ""
    return EndingIn(number=row["number"], status=ENDS[row["status"]], at=row["ended_at"], remarks=remarks)


def _ender(work: Work, site: Site) -> Callable[[list[EndingIn]], Sequence[WorksOrder]]:
    return lambda endings: end_orders(endings, site=site, by=work.by)


def end_all(work: Work) -> None:
    """Complete works orders and close purchase orders, after their bookings and receipts were posted."""
    for site, completed in work.to_complete.items():
        work.hand_over(WORKS, completed, _ender(work, site), ENDING_COLUMNS)
    for site, closed in work.to_close.items():

        def close(numbers: list[str], site: Site = site) -> Sequence[PurchaseOrder]:
            return close_orders(site=site, numbers=numbers, by=work.by)

        work.hand_over(PURCHASES, closed, close, {"order": "status"})


def _sound_works_order(work: Work, row: ImportRow, checks: "Checks", site: Site) -> bool:
    """Return whether an order can be created and, if needed, released."""
    item = work.items[row["item"]]
    unit = work.units[row["unit"]] if row["unit"] else item.stock_unit
    refusals = [*order_refusals(_works_order(row), item, unit, checks.conversions)]
    for refusal in refusals:
        work.refused(WORKS, row, refusal, {})
    refusals += _end_refusals(work, row, site)
    inconvertible = checks.inconvertible(item, row["start_date"]) if _takes_bookings(row) else None
    if inconvertible is not None:
        work.refused(WORKS, row, inconvertible, {"unit": "item"})
    if refusals or inconvertible is not None:
        work.skip(WORKS, row)
        return False
    return True


def _end_refusals(work: Work, row: ImportRow, site: Site) -> list[Refusal]:
    """Record and return why an order can't have ended at the time that a row says."""
    if row["ended_at"] is None:
        return []
    if row["status"] not in ENDS:
        fault = f"The order is {row['status']}, so it hasn't ended."
        work.fault(WORKS, row, "ended_at", fault, "Remove the time, or correct the status.")
        return []
    try:
        ended_at(site, row["ended_at"])
    except Refusal as refusal:
        work.refused(WORKS, row, refusal, ENDING_COLUMNS)
        return [refusal]
    return []


class Checks:
    """The conversions and structures of some items, to check one order after another before any is created."""

    def __init__(self, items: Collection[Item]) -> None:
        self.conversions: Final = converter(item.pk for item in items)
        self._book = StructureBook(None, [item.pk for item in items])
        self._known: dict[tuple[str, date], Refusal | None] = {}

    def inconvertible(self, item: Item, day: date) -> Refusal | None:
        """Return the refusal of an item's structure on a day, if a conversion is missing (Q4)."""
        key = item.code, day
        if key not in self._known:
            self._known[key] = None
            try:
                require_convertible(item, self._book.explode(item.pk, day).requirements)
            except Refusal as refusal:
                self._known[key] = refusal
        return self._known[key]


def _works_order(row: ImportRow) -> OrderIn:
    return OrderIn(
        number=row["number"],
        item=row["item"],
        quantity=row["quantity"],
        unit=row["unit"],
        start_date=row["start_date"],
        due_date=row["due_date"],
        remarks=row["remarks"],
    )


def _compare_works(
    work: Work,
    row: ImportRow,
    there: WorksOrder,
    revised: list[tuple[ImportRow, RevisionIn]],
    released: list[tuple[ImportRow, str]],
    ended: list[tuple[ImportRow, EndingIn]],
) -> None:
    """Compare an existing order: with --update its quantity and due date can change, and a new order can be released.

    A later status of the existing order is no difference.
    """
    fixed = {
        "item": there.item.code,
        "unit": there.unit.code,
        "start_date": there.start_date,
        "remarks": there.remarks,
    }
    after = {name: row[name] for name in fixed}
    after["unit"] = after["unit"] or there.item.stock_unit.code
    remedy = "Correct it: only quantity and due date of an existing order can change."
    if _note_changes(work, WORKS, row, fixed, after, remedy):
        return
    given = work.sheets[WORKS].given
    quantity = row["quantity"] if row["quantity"] != there.quantity else None
    due_date = row["due_date"] if "due_date" in given and row["due_date"] != there.due_date else None
    status = ENDS.get(row["status"], row["status"])
    to_end = "status" in given and row["status"] in ENDS and there.status != status
    to_release = "status" in given and _takes_bookings(row) and there.status == OrderStatus.NEW
    if quantity is None and due_date is None and not to_release and not to_end:
        work.counts[WORKS].there += 1
    elif not work.update:
        before = {"quantity": there.quantity, "due_date": there.due_date, "status": there.status}
        wanted = {name: row[name] for name in before} | ({} if to_release or to_end else {"status": there.status})
        _note_changes(work, WORKS, row, before, wanted, UPDATE)
    else:
        if quantity is not None or due_date is not None:
            revised.append((row, RevisionIn(number=there.number, quantity=quantity, due_date=due_date)))
        if to_release:
            released.append((row, there.number))
        if to_end:
            ended.append((row, _ending(row)))
