"""Commands for count sheets: make one, list and show them, close or cancel one."""

from datetime import timedelta
from typing import Annotated, Any

import typer
from django.utils import timezone

from backflush.console.options import LIMIT, NUMBER_MAX, REMARKS
from backflush.console.output import Desk, Listing, command, in_unit, of_all
from backflush.console.postings import place
from backflush.core.quantity import ZERO, written
from backflush.core.refusals import InvalidValue
from backflush.counts.models import CountSheet, SheetStatus
from backflush.counts.plan import day_plan
from backflush.counts.sheet_progress import (
    LineShown,
    LineState,
    Progress,
    progress_of,
    sheet_lines,
    sheets,
    shown_lines,
)
from backflush.counts.sheets import SheetIn, cancel_sheet, close_sheet, make_sheet, sheet_numbered
from backflush.dashboard.count_accuracy import Accuracy, accuracy_since
from backflush.dashboard.count_opportunities import opportunities
from backflush.dashboard.cut_off import CutOff, cut_off
from backflush.people.selectors import user_named

SHEET = Annotated[
    int, typer.Argument(metavar="SHEET", min=1, max=NUMBER_MAX, help="The sheet number.", show_default=False)
]
UNFINISHED = "unfinished"


def register(group: typer.Typer) -> None:
    """Add the commands for sheets to the group `count`."""
    command(group, "sheet", posts=True)(make)
    command(group, "sheets")(list_sheets)
    command(group, "sheet-show")(show)
    command(group, "sheet-close", posts=True)(close)
    command(group, "sheet-cancel", posts=True)(cancel)
    command(group, "plan")(plan)
    command(group, "cut-off")(show_cut_off)
    command(group, "accuracy")(accuracy)


def make(
    desk: Desk,
    location: Annotated[
        list[str] | None,
        typer.Option(metavar="PLACE", help="A location, or a store for all of its locations. Repeatable."),
    ] = None,
    item: Annotated[list[str] | None, typer.Option(metavar="ITEM", help="An item. Repeatable.")] = None,
    item_class: Annotated[
        str, typer.Option(metavar="CLASS", help="Only items of this class: B, M, S or K.", show_default=False)
    ] = "",
    abc: Annotated[str, typer.Option(metavar="CLASS", help="Only items of this ABC class.", show_default=False)] = "",
    group: Annotated[
        str, typer.Option(metavar="GROUP", help="Only items of this product group.", show_default=False)
    ] = "",
    backflushed: Annotated[bool, typer.Option("--backflushed", help="Only items that are backflushed.")] = False,
    unresolved: Annotated[bool, typer.Option("--unresolved", help="Only where something waits unresolved.")] = False,
    empty: Annotated[bool, typer.Option("--empty", help="Also where the book says that nothing is there.")] = False,
    sample: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Draw so many at random.", show_default=False)
    ] = None,
    seed: Annotated[
        str, typer.Option(metavar="TEXT", help="The seed of the sample: the same seed repeats it.", show_default=False)
    ] = "",
    blind: Annotated[bool, typer.Option("--blind", help="The counters don't see the book quantities.")] = False,
    counter: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A person who counts a part of the sheet. Repeatable."),
    ] = None,
    title: Annotated[str, typer.Option(metavar="TEXT", help="A title for the sheet.", show_default=False)] = "",
) -> None:
    """Make a count sheet, in walking order. Everything that is given must match; without it, all stock is listed.

    What is on another open sheet is left out, so nothing is counted twice.

    Example: backflush count sheet --location MAIN/LINE-A --abc A --blind --counter rosa --counter ken
    """
    made = make_sheet(
        SheetIn(
            locations=location or (),
            items=item or (),
            component_class=item_class,
            abc_class=abc,
            product_group=group,
            backflushed=backflushed,
            unresolved=unresolved,
            with_zero=empty,
            sample=sample,
            seed=seed,
            blind=blind,
            title=title,
            counters=[user_named(name) for name in counter or ()],
        ),
        site=desk.site,
        by=desk.by,
    )
    left_out = f" {made.elsewhere:,} more are on other open sheets." if made.elsewhere else ""
    desk.answer(
        {"sheet": made.sheet.pk, "lines": made.lines, "on_other_sheets": made.elsewhere, "seed": made.sheet.seed},
        f"Count sheet {made.sheet.pk}: {made.lines:,} lines.{left_out}",
    )


def list_sheets(
    desk: Desk,
    status: Annotated[
        str,
        typer.Option(
            metavar="STATUS", help="Only sheets with this status: open, closed or cancelled.", show_default=False
        ),
    ] = "",
    limit: LIMIT = 50,
) -> None:
    """List the count sheets, the latest first, with what isn't finished on each.

    Example: backflush count sheets --status open
    """
    if status and status not in SheetStatus.values:
        raise InvalidValue("There is no status '{status}'. Use open, closed or cancelled.", status=status,
                           field="status")  # fmt: skip
    found = sheets(desk.site, status=status)
    total = found.count()
    rows = list(found[:limit] if limit else found)
    progress = progress_of(rows)
    payload = {"total": total, "sheets": [_payload(desk, row, progress[row.pk]) for row in rows]}
    if not total:
        desk.answer(payload, "There is no count sheet.")
        return
    listing = Listing(
        ("#Sheet", "Title", "Status", "Made", "By", "#Lines", "#Not counted", "#Count again", "#To approve"),
        [
            (
                str(row.pk),
                row.title,
                row.status,
                desk.when(row.made_at),
                row.made_by.name,
                f"{progress[row.pk].lines:,}",
                f"{progress[row.pk].not_counted:,}",
                f"{progress[row.pk].beyond:,}",
                f"{progress[row.pk].to_approve:,}",
            )
            for row in rows
        ],
    )
    desk.answer(payload, listing, of_all(len(rows), total, "sheets"))


def show(
    desk: Desk,
    sheet: SHEET,
    state: Annotated[
        str,
        typer.Option(
            metavar="STATE",
            help="Only lines in this state: 'not counted', 'counted', 'beyond tolerance', 'to approve', 'not posted', "
            "'approved', 'rejected' or 'unfinished'.",
            show_default=False,
        ),
    ] = "",
    limit: LIMIT = 0,
) -> None:
    """Show the lines of a count sheet in walking order. A blind line shows no book quantity before it is counted.

    Example: backflush count sheet-show 4 --state unfinished
    """
    states = [*(one.value for one in LineState), UNFINISHED]
    if state and state not in states:
        raise InvalidValue("There is no state '{state}'. Use one of: {states}.", state=state, states=states,
                           field="state")  # fmt: skip
    found = sheet_numbered(desk.site, sheet)
    progress = progress_of([found])[found.pk]
    lines = sheet_lines(found, state=state)
    rows = shown_lines(list(lines[:limit] if limit else lines))
    desk.answer(
        {**_payload(desk, found, progress), "rows": [_line_payload(row) for row in rows]},
        f"Count sheet {found.pk} is {found.status}: {progress.counted:,} of {progress.lines:,} lines are counted.",
        Listing(
            ("#Line", "Location", "Item", "Batch", "Serial", "#Counted", "#Expected", "#Difference", "State", "By"),
            [_cells(row) for row in rows],
        ),
    )


def close(desk: Desk, sheet: SHEET, remarks: REMARKS = "") -> None:
    """Close a count sheet. Lines that aren't counted need a reason (--remarks).

    Example: backflush count sheet-close 4 --remarks "the rack is locked"
    """
    done = close_sheet(site=desk.site, sheet=sheet, by=desk.by, remarks=remarks)
    desk.answer({"sheet": done.pk, "status": done.status}, f"Count sheet {done.pk} is closed.")


def cancel(desk: Desk, sheet: SHEET, remarks: REMARKS = "") -> None:
    """Cancel a count sheet. What was counted on it stays.

    Example: backflush count sheet-cancel 4 --remarks "the hall is being moved"
    """
    done = cancel_sheet(site=desk.site, sheet=sheet, by=desk.by, remarks=remarks)
    desk.answer({"sheet": done.pk, "status": done.status}, f"Count sheet {done.pk} is cancelled.")


def plan(desk: Desk) -> None:
    """Show what to count today: what is due by its ABC class, and what costs little to count now.

    Example: backflush count plan
    """
    found, offered = day_plan(desk.site), opportunities(desk.site)
    due = [
        {
            "item": one.item.code,
            "location": one.location.path,
            "counted_at": desk.local(one.counted_at) if one.counted_at else None,
            "yearly": one.yearly,
        }
        for one in found.lines
    ]
    cheap = [
        {"item": one.item.code, "location": one.location.path, "occasion": one.occasion.value, "order": one.order}
        for one in offered
    ]
    desk.answer(
        {"counted_today": found.counted_today, "daily_most": found.size, "due": due, "costs_little": cheap},
        f"{found.counted_today:,} of {found.size:,} counts of today are done.",
        Listing(
            ("Location", "Item", "Last counted", "#A year"),
            [
                (
                    one.location.path,
                    one.item.code,
                    desk.when(one.counted_at) if one.counted_at else "never",
                    str(one.yearly),
                )
                for one in found.lines
            ],
            "Due today",
        ),
        Listing(
            ("Location", "Item", "Why", "Order"),
            [(one.location.path, one.item.code, one.occasion.value, one.order) for one in offered],
            "Costs little now",
        ),
    )


def show_cut_off(desk: Desk) -> None:
    """List what isn't in the books yet, to settle it before a count.

    Example: backflush count cut-off
    """
    found = cut_off(desk.site)
    rows = _cut_off_rows(found)
    totals = {
        "completions": found.orders_total,
        "receipts": found.receipts_total,
        "transfers": len(found.leaving) + len(found.arriving),
        "unresolved": found.unresolved_total,
    }
    listed = [dict(zip(("what", "number", "of", "quantity"), row, strict=True)) for row in rows]
    said = "Everything is in the books. You can count." if found.is_clear else "What isn't in the books yet:"
    desk.answer({**totals, "rows": listed}, said, Listing(("What", "Number", "Of", "#Quantity"), rows))


def accuracy(
    desk: Desk,
    days: Annotated[int, typer.Option(metavar="DAYS", min=1, max=36_500, help="By the counts of how many days.")] = 365,
) -> None:
    """Show how accurate the book was by the counts of a time: the share within tolerance, and the differences in value.

    Counts that were repeated count once. Values are at the standard cost of today.

    Example: backflush count accuracy --days 90
    """
    found = accuracy_since(desk.site, timezone.now() - timedelta(days=days))
    divisions = {
        "month": found.by_month,
        "class": found.by_class,
        "place": found.by_place,
        "counter": found.by_counter,
    }
    samples = [
        {
            "sheet": one.sheet,
            "seed": one.seed,
            "drawn_from": one.sample_of,
            "counted": one.counted,
            "within_tolerance": one.within,
            "percent_low": round(one.low, 2),
            "percent_high": round(one.high, 2),
        }
        for one in found.samples
    ]
    payload = {name: [_accuracy_payload(one) for one in some] for name, some in divisions.items()}
    rows = [("all", found.total), *((name, one) for name, some in divisions.items() for one in some)]
    desk.answer(
        {"all": _accuracy_payload(found.total), **payload, "samples": samples},
        Listing(
            ("By", "Name", "#Counts", "#Within tolerance", "#Share %", "#All differences", "#Net loss"),
            [
                (
                    name,
                    one.name,
                    f"{one.counts:,}",
                    f"{one.within:,}",
                    f"{one.share:.1f}",
                    f"{one.absolute:,.2f}",
                    f"{one.net_loss:,.2f}",
                )
                for name, one in rows
            ],
        ),
        *(
            f"Random sample of sheet {one.sheet}: {one.within:,} of {one.counted:,} within tolerance; 95 % interval "
            f"{one.low:.1f} to {one.high:.1f} %."
            for one in found.samples
        ),
    )


def _accuracy_payload(one: Accuracy) -> dict[str, Any]:
    return {
        "name": one.name,
        "counts": one.counts,
        "within_tolerance": one.within,
        "value_of_differences": one.absolute,
        "net_loss": one.net_loss,
    }


def _cut_off_rows(found: CutOff) -> list[tuple[str, str, str, str]]:
    orders = [(one.order.number, one.order.item.code, one.left, one.order.unit.code) for one in found.orders]
    receipts = [(one.line.order.number, one.line.item.code, one.left, one.line.unit.code) for one in found.receipts]
    unresolved = [(str(one.pk), one.item.code, one.due or ZERO, one.item.stock_unit.code) for one in found.unresolved]
    return [
        *(("completion", number, item, f"{written(left)} {unit}") for number, item, left, unit in orders),
        *(("receipt", number, item, f"{written(left)} {unit}") for number, item, left, unit in receipts),
        *(("transfer out", one.number, one.other.code, "") for one in found.leaving),
        *(("transfer in", one.number, one.site.code, "") for one in found.arriving),
        *(("unresolved", number, item, f"{written(left)} {unit}") for number, item, left, unit in unresolved),
    ]


def _payload(desk: Desk, sheet: CountSheet, progress: Progress) -> dict[str, Any]:
    return {
        "sheet": sheet.pk,
        "title": sheet.title,
        "status": sheet.status,
        "blind": sheet.blind,
        "selection": sheet.selection,
        "seed": sheet.seed,
        "sample_of": sheet.sample_of,
        "made_at": desk.local(sheet.made_at),
        "made_by": sheet.made_by.username,
        "lines": progress.lines,
        "not_counted": progress.not_counted,
        "beyond_tolerance": progress.beyond,
        "to_approve": progress.to_approve,
        "not_posted": progress.not_posted,
    }


def _line_payload(row: LineShown) -> dict[str, Any]:
    line = row.line
    return {
        "line": line.position,
        "item": line.item.code,
        "unit": line.item.stock_unit.code,
        "location": line.location.path,
        "bin": line.bin,
        "batch": line.batch,
        "serial": line.serial,
        "counter": line.counter.username if line.counter else "",
        "state": row.state.value,
        "count": line.count_id,
        "quantity": line.count.quantity if line.count else None,
        "expected": row.expected,
        "difference": row.difference,
        "counted_by": line.count.counted_by.username if line.count else "",
        "added": line.added,
    }


def _cells(row: LineShown) -> tuple[str, ...]:
    line = row.line
    return (
        str(line.position),
        place(line.location.path, line.bin),
        line.item.code,
        line.batch,
        line.serial,
        in_unit(line.count.quantity, line.item) if line.count else "",
        "" if row.expected is None else in_unit(row.expected, line.item),
        "" if row.difference is None else in_unit(row.difference, line.item),
        row.state.value,
        line.count.counted_by.name if line.count else line.counter.name if line.counter else "",
    )
