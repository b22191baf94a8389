"""What would be assumed, and why something was."""

from decimal import Decimal
from typing import Annotated, Any

import typer

from backflush.backflushing.explanation import QuantityExplanation, in_words
from backflush.backflushing.selectors import Explanation, Preview, explain
from backflush.booking_kinds import preview_report
from backflush.console.options import BATCH, GOODS_BIN, NUMBER_MAX, SCRAP, SERIALS
from backflush.console.output import Desk, HelpSection, Listing, command
from backflush.console.postings import WHY, movement_facts
from backflush.core.input_values import read_moment, read_number
from backflush.core.quantity import written
from backflush.core.refusals import InvalidValue
from backflush.subcontract.receipts import ReceiptIn
from backflush.works.services.booking import BookingIn
from backflush.works.services.production_without_order import ProductionIn


def register(app: typer.Typer) -> None:
    """Add `preview` and `explain`."""
    command(app, "preview", panel=HelpSection.BOOK)(show_preview)
    command(app, "explain", panel=HelpSection.STOCK)(explain_movement)


def show_preview(
    desk: Desk,
    of: Annotated[
        str,
        typer.Argument(metavar="ORDER", help="The works order's number, or as the options say.", show_default=False),
    ],
    good: Annotated[str, typer.Argument(metavar="GOOD", help="Good (accepted) pieces, in the order's unit.")] = "0",
    scrap: SCRAP = "0",
    item: Annotated[bool, typer.Option("--item", help="It is an item's code: production without order.")] = False,
    purchase_order: Annotated[
        bool, typer.Option("--purchase-order", help="It is a purchase order's number: a receipt; scrap is rejected.")
    ] = False,
    line: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Which line of the purchase order.", show_default=False)
    ] = None,
    batch: BATCH = "",
    serial: SERIALS = None,
    bin: GOODS_BIN = "",
    at: Annotated[
        str, typer.Option(metavar="TIME", help="When it happened; now unless given.", show_default=False)
    ] = "",
) -> None:
    """Say what a booking would take out of stock, what is there, and what would wait; and how many good pieces can be
    booked with nothing short. Nothing is posted.

    Example: backflush preview W-1001 38 --scrap 2

    Example: backflush preview --item KIT-5 12

    Example: backflush preview --purchase-order P-2001 25
    """
    if item and purchase_order:
        raise InvalidValue("Give either --item or --purchase-order.", field="item")
    amount, lost = read_number(good, field="good"), read_number(scrap, field="scrap")
    more: dict[str, Any] = {
        "at": read_moment(at, field="at") if at else None,
        "batch": batch,
        "serials": serial or (),
        "bin": bin,
    }
    if purchase_order:
        receipt = ReceiptIn(order=of, accepted=amount, rejected=lost, line=line, **more)
        seen = preview_report(receipt, site=desk.site)
    elif item:
        seen = preview_report(ProductionIn(item=of, good=amount, scrap=lost, **more), site=desk.site)
    else:
        seen = preview_report(BookingIn(order=of, good=amount, scrap=lost, **more), site=desk.site)
    desk.answer(_preview_facts(of, amount, lost, seen), *_preview_shown(seen))


def _preview_facts(of: str, good: Decimal, scrap: Decimal, seen: Preview) -> dict[str, Any]:
    return {
        "of": of,
        "good": good,
        "scrap": scrap,
        "largest_good": seen.largest,
        "short": len(seen.short),
        "needing_choice": len(seen.needing_choice),
        "lines": [
            {
                "line": line.path,
                "item": line.component,
                "unit": line.unit,
                "from": line.source,
                "assumed": line.assumed,
                "there": line.there,
                "moves": line.moves,
                "waits": line.waits,
                "reason": line.reason,
            }
            for line in seen.lines
        ],
    }


def _preview_shown(seen: Preview) -> list[str | Listing]:
    if not seen.lines:
        return ["Nothing would be taken out of stock. Nothing was posted."]
    rows = [
        (
            line.path,
            line.component,
            line.source,
            written(line.assumed),
            "no balance" if line.there is None else written(line.there),
            written(line.moves),
            written(line.waits) if line.waits else "",
            line.unit,
            WHY[line.reason] if line.reason else "",
        )
        for line in seen.lines
    ]
    columns = ("Line", "Item", "From", "#Assumed", "#There", "#Moves", "#Waits", "Unit", "Why")
    shown: list[str | Listing] = [Listing(columns, rows)]
    if seen.short:
        enough = "" if seen.largest is None else f" {written(seen.largest)} good leave nothing short."
        shown.append(f"{_count(len(seen.short))} short and would wait for stores.{enough}")
    elif seen.largest is not None:
        shown.append(f"Nothing is short; up to {written(seen.largest)} good can be booked so.")
    if seen.needing_choice:
        shown.append(f"{_count(len(seen.needing_choice))} waiting for someone to say which was used.")
    shown.append("Nothing was posted.")
    return shown


def _count(lines: int) -> str:
    return "1 line is" if lines == 1 else f"{lines:,} lines are"


def explain_movement(
    desk: Desk,
    movement: Annotated[
        int,
        typer.Argument(metavar="MOVEMENT", min=1, max=NUMBER_MAX, help="The movement's number.", show_default=False),
    ],
) -> None:
    """Say why a movement has the quantity that it has: in a sentence, then step by step with the arithmetic, and what
    chose where it came from and went to. From recorded facts only, whatever the structure says today.

    Example: backflush explain 1377
    """
    facts = explain(desk.site, movement)
    told = in_words(facts)
    rows = [(str(number), step.label, step.arithmetic, step.result) for number, step in enumerate(told.steps, 1)]
    shown = facts.movement
    unit, amount = shown.item.stock_unit.code, shown.quantity if shown.due is None else shown.due
    title = f"Movement {shown.pk}, {shown.status}: {written(amount)} {unit} of {shown.item.code}"
    desk.answer(
        _explained(desk, facts, told),
        f"{title}, from {shown.source.path} to {shown.target.path}, {desk.when(shown.at)}.",
        told.sentence,
        Listing(("#", "Step", "How", "#Comes to"), rows),
        told.route,
        *told.notes,
    )


def _explained(desk: Desk, facts: Explanation, told: QuantityExplanation) -> dict[str, Any]:
    return {
        "movement": movement_facts(desk, facts.movement),
        "sentence": told.sentence,
        "booking": facts.booking.posting_id,
        "made": facts.booking.item.code,
        "line": facts.line.path,
        "produced": facts.produced,
        "produced_before": facts.produced_before,
        "per_piece": facts.use.line.per_piece,
        "fixed": facts.use.line.fixed,
        "exact_before": facts.use.exact_before,
        "exact": facts.exact,
        "rounded": facts.rounded,
        "assumed_before": facts.use.assumed_before,
        "assumed": facts.use.quantity,
        "moved": facts.outcome.moved,
        "unresolved": facts.outcome.unresolved,
        "cancelled": facts.outcome.cancelled,
        "dropped": facts.outcome.dropped,
        "steps": [
            {
                "line": step.number,
                "item": step.component.code,
                "quantity": step.quantity,
                "unit": step.unit,
                "waste": step.waste,
                "factor": step.factor,
            }
            for step in facts.steps
        ],
        "workings": [{"step": step.label, "how": step.arithmetic, "comes_to": step.result} for step in told.steps],
        "chosen_by": told.route,
        "notes": told.notes,
    }
