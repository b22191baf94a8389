"""Commands to count stock, and to list, approve and reject counts."""

from typing import Annotated, Any

import typer

from backflush.console import count_sheets
from backflush.console.lookups import require_item, require_place
from backflush.console.options import BATCH, ITEM, LIMIT, NUMBER_MAX, ONLY_ITEM, REMARKS
from backflush.console.output import Desk, HelpSection, Listing, command, in_unit, of_all
from backflush.console.postings import place
from backflush.core.input_values import read_piles
from backflush.core.refusals import InvalidValue
from backflush.counts.approval import approve_counts, reject_counts
from backflush.counts.models import CountMethod, CountStatus, StockCount
from backflush.counts.selectors import count_numbered, counts
from backflush.counts.services import CountIn, enter_counts
from backflush.counts.sheets import approve_sheet
from backflush.items.selectors import item_coded, stock_quantity_of_piles
from backflush.people.services import known_user

LOCATION = Annotated[
    str, typer.Argument(metavar="STORE/LOCATION", help="The location that was counted.", show_default=False)
]
FOUND = Annotated[
    str,
    typer.Argument(
        metavar="QUANTITY",
        help="What was there, in the item's stock unit or with a unit. Add up piles like 12x50+30.",
        show_default=False,
    ),
]
NUMBERS = Annotated[
    list[int], typer.Argument(metavar="COUNT...", min=1, max=NUMBER_MAX, help="The count numbers.", show_default=False)
]
SOME_NUMBERS = Annotated[
    list[int] | None,
    typer.Argument(metavar="COUNT...", min=1, max=NUMBER_MAX, help="The count numbers.", show_default=False),
]
METHOD = Annotated[str, typer.Option(metavar="METHOD", help="How: seen, weighed or machine.")]
COUNTED_BY = Annotated[str, typer.Option(metavar="NAME", help="Who counted, if it wasn't you.", show_default=False)]
OUTCOME = {
    CountStatus.POSTED: "The difference is posted.",
    CountStatus.SHORT: (
        "It isn't posted: more has left since than was counted. Look at the movements since, or count again."
    ),
    CountStatus.RECOUNT: "The difference is beyond the tolerance. Another person must count again.",
    CountStatus.APPROVAL: "The difference waits for approval.",
}


def register(app: typer.Typer) -> None:
    """Add the `count` commands."""
    group = typer.Typer(no_args_is_help=True, help="Count stock; list, approve or reject counts.")
    command(group, "enter", posts=True, keyed=True)(enter)
    command(group, "recount", posts=True, keyed=True)(recount)
    command(group, "list")(list_counts)
    command(group, "approve", posts=True)(approve)
    command(group, "reject", posts=True)(reject)
    count_sheets.register(group)
    app.add_typer(group, name="count", rich_help_panel=HelpSection.STOCK)


def enter(
    desk: Desk,
    item: ITEM,
    location: LOCATION,
    quantity: FOUND,
    bin: Annotated[str, typer.Option(metavar="BIN", help="The bin, at a location with bins.", show_default=False)] = "",
    batch: BATCH = "",
    serial: Annotated[
        str, typer.Option(metavar="SERIAL", help="The serial number; the quantity is then 1 or 0.", show_default=False)
    ] = "",
    method: METHOD = CountMethod.SEEN,
    counted_by: COUNTED_BY = "",
    blind: Annotated[bool, typer.Option("--blind", help="The counter didn't see the book quantity.")] = False,
    recount_of: Annotated[
        int | None,
        typer.Option(
            metavar="COUNT",
            min=1,
            max=NUMBER_MAX,
            help="The number of the count that this repeats.",
            show_default=False,
        ),
    ] = None,
    sheet: Annotated[
        int | None,
        typer.Option(
            metavar="SHEET", min=1, max=NUMBER_MAX, help="The count sheet that it belongs to.", show_default=False
        ),
    ] = None,
    remarks: REMARKS = "",
) -> None:
    """Enter what was counted at a location; zero says that nothing is there. The time (--at) is when it was counted.

    The difference from the book quantity of that moment is posted. What was unresolved there then counts as used.

    Example: backflush count enter LUG-6 MAIN/LINE-A 12x50+30 --at 2026-03-12T14:30
    """
    found = item_coded(item)
    (count,) = enter_counts(
        [
            CountIn(
                item=item,
                location=location,
                quantity=stock_quantity_of_piles(found, read_piles(quantity, field="quantity"), field="quantity"),
                bin=bin,
                batch=batch,
                serial=serial,
                at=desk.at,
                method=method,
                counted_by=known_user(name=counted_by) if counted_by else None,
                blind=blind,
                recount_of=recount_of,
                sheet=sheet,
                remarks=remarks,
                key=desk.key,
            )
        ],
        site=desk.site,
        by=desk.by,
    )
    _tell(desk, count)


def recount(
    desk: Desk,
    count: Annotated[
        int, typer.Argument(metavar="COUNT", min=1, max=NUMBER_MAX, help="The count to repeat.", show_default=False)
    ],
    quantity: FOUND,
    method: METHOD = CountMethod.SEEN,
    counted_by: COUNTED_BY = "",
    remarks: REMARKS = "",
) -> None:
    """Enter what another person found when counting again. It replaces the first count; both are kept.

    Example: backflush count recount 17 630
    """
    first = count_numbered(desk.site, count)
    given = CountIn(
        item=first.item.code,
        location=first.location.path,
        quantity=stock_quantity_of_piles(first.item, read_piles(quantity, field="quantity"), field="quantity"),
        bin=first.bin,
        batch=first.batch,
        serial=first.serial,
        at=desk.at,
        method=method,
        counted_by=known_user(name=counted_by) if counted_by else None,
        recount_of=first.pk,
        remarks=remarks,
        key=desk.key,
    )
    (again,) = enter_counts([given], site=desk.site, by=desk.by)
    _tell(desk, again)


def _tell(desk: Desk, count: StockCount) -> None:
    found = f"Count {count.pk}: {in_unit(count.quantity, count.item)} of {count.item.code} at "
    found += place(count.location.path, count.bin)
    if not count.is_book_hidden:
        found += (
            f"; {in_unit(count.expected_now, count.item)} were expected, the difference is "
            f"{in_unit(count.difference, count.item)}"
        )
    desk.answer(_payload(desk, count), f"{found}.", OUTCOME.get(CountStatus(count.status), ""))


def list_counts(
    desk: Desk,
    item: ONLY_ITEM = "",
    location: Annotated[
        str, typer.Option("--location", metavar="STORE/LOCATION", help="Only this location.", show_default=False)
    ] = "",
    status: Annotated[
        str,
        typer.Option(
            metavar="STATUS",
            help="Only counts with this status: posted, short, recount, approval, replaced or rejected.",
            show_default=False,
        ),
    ] = "",
    limit: LIMIT = 50,
) -> None:
    """List counts, the latest first: what was counted, what was expected, and what became of the difference.

    Example: backflush count list --status approval
    """
    if status and status not in CountStatus.values:
        raise InvalidValue(
            "There is no status '{status}'. Use one of: {statuses}.",
            status=status,
            statuses=list(CountStatus.values),
            field="status",
        )
    require_item(item)
    require_place(desk.site, location)
    found = counts(desk.site, item=item, location=location, status=status)
    total = found.count()
    rows = list(found[:limit] if limit else found)
    payload = {"total": total, "counts": [_payload(desk, row) for row in rows]}
    if not total:
        desk.answer(payload, "No count matches." if item or location or status else "Nothing was counted yet.")
        return
    desk.answer(payload, _listing(desk, rows), of_all(len(rows), total, "counts"))


def approve(
    desk: Desk,
    numbers: SOME_NUMBERS = None,
    sheet: Annotated[
        int | None,
        typer.Option(
            metavar="SHEET",
            min=1,
            max=NUMBER_MAX,
            help="Approve all counts of this sheet that wait for it.",
            show_default=False,
        ),
    ] = None,
    remarks: REMARKS = "",
) -> None:
    """Approve counts of other people: their differences are posted at the times of the counts, all or none.

    Example: backflush count approve 17 18 --remarks "checked with the line"
    """
    if bool(numbers) == (sheet is not None):
        raise InvalidValue("Name either the counts or a sheet (--sheet).", field="counts")
    if sheet is not None:
        done = approve_sheet(site=desk.site, sheet=sheet, by=desk.by, remarks=remarks)
    else:
        done = approve_counts(site=desk.site, counts=numbers or [], by=desk.by, remarks=remarks)
    desk.answer({"counts": [_payload(desk, row) for row in done]}, _listing(desk, done), f"{len(done):,} approved.")


def reject(desk: Desk, numbers: NUMBERS, remarks: REMARKS = "") -> None:
    """Reject counts: they are kept, and never posted.

    Example: backflush count reject 17 --remarks "the wrong bin was counted"
    """
    done = reject_counts(site=desk.site, counts=numbers, by=desk.by, remarks=remarks)
    desk.answer({"counts": [_payload(desk, row) for row in done]}, _listing(desk, done), f"{len(done):,} rejected.")


def _payload(desk: Desk, count: StockCount) -> dict[str, Any]:
    return {
        "count": count.pk,
        "posting": count.posting_id,
        "at": desk.local(count.at),
        "item": count.item.code,
        "unit": count.item.stock_unit.code,
        "location": count.location.path,
        "bin": count.bin,
        "batch": count.batch,
        "serial": count.serial,
        "quantity": count.quantity,
        "expected": None if count.is_book_hidden else count.expected_now,
        "difference": None if count.is_book_hidden else count.difference,
        "unresolved": count.waiting,
        "status": count.status,
        "attempt": count.attempt,
        "recount_of": count.recount_of_id,
        "method": count.method,
        "blind": count.blind,
        "counted_by": count.counted_by.username,
        "reversed": count.reversed_by_id is not None,
    }


def _listing(desk: Desk, rows: list[StockCount]) -> Listing:
    return Listing(
        ("#Count", "When", "Item", "Location", "Batch", "Serial", "#Counted", "#Expected", "#Difference", "Status"),
        [
            (
                str(row.pk),
                desk.when(row.at),
                row.item.code,
                place(row.location.path, row.bin),
                row.batch,
                row.serial,
                in_unit(row.quantity, row.item),
                "" if row.is_book_hidden else in_unit(row.expected_now, row.item),
                "" if row.is_book_hidden else in_unit(row.difference, row.item),
                "reversed" if row.reversed_by_id is not None else str(row.status),
            )
            for row in rows
        ],
    )
