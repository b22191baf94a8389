"""Commands for the unresolved queue: list, resolve, cancel, retry."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

import typer

from backflush.backflushing.selectors import made_for_of
from backflush.console.lookups import require_item, require_order, require_place, require_supplier
from backflush.console.options import BATCH, LIMIT, NUMBER_MAX, ONLY_ITEM, ONLY_ORDER, REMARKS, SERIALS
from backflush.console.output import Desk, HelpSection, Listing, command, in_decimals, in_unit, of_all
from backflush.console.postings import WHY, answer_posting, movement_payload, place
from backflush.core.input_values import read_amount
from backflush.core.quantity import ZERO
from backflush.core.refusals import InvalidValue, NotUnresolved
from backflush.items.selectors import stock_quantity
from backflush.ledger.models import Movement, Posting
from backflush.ledger.selectors import movement_numbered, posting_numbered
from backflush.unresolved.arrivals import proposed_by
from backflush.unresolved.cancellation import cancel
from backflush.unresolved.models import Settlement
from backflush.unresolved.resolution import ResolveIn, resolve
from backflush.unresolved.retry import preview_retry_with_counts, retry_in_parts
from backflush.unresolved.selectors import candidates, queue, there_now

MOVEMENT = Annotated[
    int,
    typer.Argument(
        metavar="MOVEMENT",
        min=1,
        max=NUMBER_MAX,
        help="The movement number, as `unresolved` lists it.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add `unresolved`, `resolve`, `cancel` and `retry`."""
    command(app, "unresolved", panel=HelpSection.UNRESOLVED)(show_queue)
    command(app, "resolve", panel=HelpSection.UNRESOLVED, posts=True, keyed=True)(resolve_one)
    command(app, "cancel", panel=HelpSection.UNRESOLVED, posts=True, keyed=True)(cancel_some)
    command(app, "retry", panel=HelpSection.UNRESOLVED, posts=True, keyed=True)(retry_all)


def show_queue(
    desk: Desk,
    movement: Annotated[
        int | None,
        typer.Argument(
            metavar="[MOVEMENT]",
            min=1,
            max=NUMBER_MAX,
            help="Only this movement, with the places it could come from.",
            show_default=False,
        ),
    ] = None,
    item: ONLY_ITEM = "",
    location: Annotated[
        str,
        typer.Option(
            metavar="STORE[/LOCATION]", help="Only movements from this location or store.", show_default=False
        ),
    ] = "",
    order: ONLY_ORDER = "",
    supplier: Annotated[
        str,
        typer.Option(
            metavar="SUPPLIER", help="Only movements for this supplier's orders or from its stock.", show_default=False
        ),
    ] = "",
    reason: Annotated[
        str,
        typer.Option(
            metavar="REASON", help="Only movements with this reason: batch, serial, bin or short.", show_default=False
        ),
    ] = "",
    limit: LIMIT = 50,
) -> None:
    """List unresolved movements, oldest first: the quantity due, the stock available now, and the reason. With a
    movement number, list the places that the stock could come from, best first.

    Example: backflush unresolved --location MAIN/LINE

    Example: backflush unresolved 1377
    """
    if movement is not None:
        _show_one(desk, movement)
        return
    require_item(item)
    require_place(desk.site, location)
    require_order(desk.site, order)
    require_supplier(supplier)
    found = queue(desk.site, item=item, location=location, order=order, supplier=supplier, reason=reason)
    total = found.count()
    rows = list(found[:limit] if limit else found)
    there = there_now(desk.site, rows)
    made_for = made_for_of(rows)
    payload = {
        "total": total,
        "unresolved": [{**_waiting_payload(desk, row, there[row.pk]), "for": made_for[row.pk]} for row in rows],
    }
    if not total:
        desk.answer(
            payload, "Nothing is unresolved." if not any((item, location, order, supplier, reason)) else "None."
        )
        return
    desk.answer(payload, _queue_listing(desk, rows, there, made_for), of_all(len(rows), total, "unresolved"))


def _waiting_payload(desk: Desk, row: Movement, there: Decimal | None) -> dict[str, Any]:
    return {**movement_payload(desk, row), "there_now": there, "age_days": desk.age_days(row.at)}


def _queue_listing(
    desk: Desk, rows: Sequence[Movement], there: Mapping[int, Decimal | None], made_for: Mapping[int, str]
) -> Listing:
    return Listing(
        ("#Movement", "Age", "Item", "#Due", "#In stock now", "Reason", "For", "From"),
        [
            (
                str(row.pk),
                desk.age(row.at),
                row.item.code,
                in_unit(row.due or ZERO, row.item),
                _there(row, there[row.pk]),
                _why(row, there[row.pk]),
                made_for[row.pk],
                place(row.source.path, row.source_bin),
            )
            for row in rows
        ],
    )


def _there(row: Movement, there: Decimal | None) -> str:
    return "no balance" if there is None else in_decimals(there, row.item)


def _why(row: Movement, there: Decimal | None) -> str:
    """Return the reason; for a short movement, how much is missing, or that it fits now."""
    if row.reason != "short" or there is None or row.due is None:
        return WHY[row.reason]
    short = row.due - there
    return f"short {in_decimals(short, row.item)}" if short > 0 else "fits now"


def _show_one(desk: Desk, number: int) -> None:
    waiting = movement_numbered(desk.site, number)
    if waiting.due is None:
        raise NotUnresolved(
            "Movement {movement} was never unresolved: {quantity} of {item} moved.",
            movement=number,
            quantity=in_unit(waiting.quantity, waiting.item),
            item=waiting.item.code,
            field="movement",
        )
    there = there_now(desk.site, [waiting])
    offered = candidates(waiting)
    payload = {
        **_waiting_payload(desk, waiting, there[waiting.pk]),
        "for": made_for_of([waiting])[waiting.pk],
        "candidates": [
            {
                "location": one.balance.location.path,
                "bin": one.balance.bin,
                "batch": one.balance.batch,
                "serial": one.balance.serial,
                "quantity": one.balance.quantity,
                "expires_on": one.expires_on,
                "expired": one.expired,
                "planned": one.planned,
            }
            for one in offered
        ],
    }
    rows = [
        (
            place(one.balance.location.path, one.balance.bin),
            one.balance.batch,
            one.balance.serial,
            f"{one.expires_on:%d %b %Y}{' (expired)' if one.expired else ''}" if one.expires_on else "",
            in_unit(one.balance.quantity, waiting.item),
            "as planned" if one.planned else "",
        )
        for one in offered
    ]
    listing = Listing(("Place", "Batch", "Serial", "Expires", "#There", ""), rows, "Could come from")
    state = f"{waiting.item.code}: {in_unit(waiting.due, waiting.item)} due since "
    desk.answer(
        payload,
        f"{state}{desk.when(waiting.at)}, {waiting.status} ({WHY[waiting.reason]}).",
        listing if rows else f"There is no {waiting.item.code} in stock at {desk.site.code}.",
    )


def _used(desk: Desk, movement: int, text: str) -> Decimal:
    """Return the quantity that was really used, in the stock unit of the movement's item."""
    amount = read_amount(text, field="quantity")
    if not amount.unit:
        return amount.number
    return stock_quantity(movement_numbered(desk.site, movement).item, amount, field="quantity")


def resolve_one(
    desk: Desk,
    movement: MOVEMENT,
    quantity: Annotated[
        str | None,
        typer.Option(
            metavar="QUANTITY", help="The quantity really used. Default: the quantity due.", show_default=False
        ),
    ] = None,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="STORE/LOCATION",
            help="The place it really came from. Default: the planned place.",
            show_default=False,
        ),
    ] = "",
    bin: Annotated[str, typer.Option(metavar="BIN", help="The bin that it came from.", show_default=False)] = "",
    to_bin: Annotated[str, typer.Option(metavar="BIN", help="The bin that it went to.", show_default=False)] = "",
    batch: BATCH = "",
    serial: SERIALS = None,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep", help="If less was used than due, keep the rest unresolved. Default: the rest was not used."
        ),
    ] = False,
    remarks: REMARKS = "",
) -> None:
    """Resolve an unresolved movement: move what was really used now. Without options it moves the quantity due from the
    planned place; give another quantity, place, batch, bin or serial numbers where they differ. A batch that has
    expired needs --remarks with the reason.

    Example: backflush resolve 1377

    Example: backflush resolve 1377 --from MAIN/RACK --quantity 200 --keep
    """
    settlement = resolve(
        ResolveIn(
            movement=movement,
            quantity=None if quantity is None else _used(desk, movement, quantity),
            source=source,
            bin=bin,
            to_bin=to_bin,
            batch=batch,
            serials=serial or (),
            remainder="keep" if keep else "drop",
            remarks=remarks,
            at=desk.at,
            key=desk.key,
        ),
        site=desk.site,
        by=desk.by,
    )
    waiting = settlement.movement
    amounts = [f"{in_unit(settlement.moved, waiting.item)} of {waiting.item.code} moved"]
    if settlement.dropped > 0:
        amounts.append(f"{in_unit(settlement.dropped, waiting.item)} were not used")
    if settlement.dropped < 0:
        amounts.append(f"{in_unit(-settlement.dropped, waiting.item)} more than was due")
    if settlement.kept is not None and settlement.kept.due is not None:
        amounts.append(f"{in_unit(settlement.kept.due, waiting.item)} stay unresolved as movement {settlement.kept_id}")
    answer_posting(
        desk,
        settlement.posting,
        f"{'; '.join(amounts)}: posting {settlement.posting_id}.",
        f"To undo it: backflush reverse {settlement.posting_id}",
        **_settled_payload(settlement),
    )


def _settled_payload(settlement: Settlement) -> dict[str, Any]:
    return {
        "resolves": settlement.movement_id,
        "outcome": settlement.outcome,
        "moved": settlement.moved,
        "dropped": settlement.dropped,
        "kept": settlement.kept_id,
    }


def cancel_some(
    desk: Desk,
    movement: Annotated[
        list[int],
        typer.Argument(
            metavar="MOVEMENT...",
            min=1,
            max=NUMBER_MAX,
            help="The movement numbers, as `unresolved` lists them.",
            show_default=False,
        ),
    ],
    remarks: Annotated[
        str, typer.Option(metavar="TEXT", help="Why the quantity was not used.", show_default=False)
    ] = "",
) -> None:
    """Cancel unresolved movements whose quantity was not used, and say why. Either all are cancelled or none; no stock
    moves.

    Example: backflush cancel 1377 1378 --remarks "spray booth was off"
    """
    done = cancel(site=desk.site, movements=movement, remarks=remarks, at=desk.at, key=desk.key, by=desk.by)
    posting = Posting.objects.select_related("by").get(pk=done[0].posting_id)
    count = "1 movement was" if len(done) == 1 else f"{len(done):,} movements were"
    answer_posting(
        desk,
        posting,
        f"{count} cancelled: posting {posting.pk}.",
        f"To undo it: backflush reverse {posting.pk}",
        cancelled=[one.movement_id for one in done],
    )


def retry_all(
    desk: Desk,
    movement: Annotated[
        list[int] | None,
        typer.Argument(
            metavar="[MOVEMENT]...",
            min=1,
            max=NUMBER_MAX,
            help="Only these movements. Default: all unresolved ones.",
            show_default=False,
        ),
    ] = None,
    arrived: Annotated[
        int | None,
        typer.Option(
            metavar="POSTING",
            min=1,
            max=NUMBER_MAX,
            help=(
                "Only movements that fit because of the stock that this posting brought, for actions that propose it."
            ),
            show_default=False,
        ),
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only show what would be settled and what would not.")
    ] = False,
) -> None:
    """Settle every unresolved movement that has become possible, oldest first. Movements that are still short, or need
    a batch, serial numbers or a bin, stay unresolved. A long queue is settled in parts of 1,000; if you stop it, the
    finished parts stay.

    Example: backflush retry --preview

    Example: backflush retry --arrived 1204
    """
    if arrived is not None:
        movement = _proposed(desk, movement, arrived)
    if preview:
        _preview(desk, movement)
        return
    site, by, total = desk.site, desk.by, queue(desk.site).count() if movement is None else len(movement)
    settled: list[int] = []
    with desk.progress("Retrying", total) as advance:
        for looked_at, done in retry_in_parts(site=site, by=by, movements=movement, at=desk.at, key=desk.key):
            settled += done.numbers if done else []
            advance(looked_at)
    rows = [
        row
        for start in range(0, len(settled), 500)
        for row in Settlement.objects.filter(pk__in=settled[start : start + 500])
        .select_related("movement__item__stock_unit", "movement__source", "movement__cost_object")
        .order_by("pk")
    ]
    left = queue(site).count()
    postings = sorted({row.posting_id for row in rows})
    payload = {
        "settled": [_settled_payload(row) for row in rows],
        "postings": postings,
        "key": desk.key or None,
        "unresolved": left,
    }
    undo = (
        [f"To undo it: {'; '.join(f'backflush reverse {posting}' for posting in reversed(postings))}"] if rows else []
    )
    listing = [_moved_listing([(row.movement, row.moved) for row in rows])] if rows else []
    desk.answer(payload, *listing, f"{len(rows):,} settled; {left:,} are still unresolved.", *undo)


def _proposed(desk: Desk, movements: list[int] | None, arrived: int) -> list[int]:
    """Return the movements that a posting made possible. Not allowed with a key, because the answer changes over
    time."""
    if movements:
        raise InvalidValue("Give movement numbers or --arrived, not both.", field="arrived")
    if desk.key:
        raise InvalidValue(
            "With --key, give the movement numbers, so that a repeated request means the same.", field="key"
        )
    return list(proposed_by(posting_numbered(desk.site, arrived), site=desk.site).movements)


def _preview(desk: Desk, movements: list[int] | None) -> None:
    found = preview_retry_with_counts(site=desk.site, movements=movements)
    would, total = found.settled, len(found.settled) + found.short + found.choice
    payload = {
        "would_settle": [{**movement_payload(desk, waiting), "would_move": moved} for waiting, moved in would],
        "short": found.short,
        "choice": found.choice,
        "unresolved": total,
    }
    listing = [_moved_listing(would)] if would else []
    others = f"{found.short:,} still short, {found.choice:,} need a choice"
    desk.answer(payload, *listing, f"{len(would):,} of {total:,} would be settled; {others}. Nothing was posted.")


def _moved_listing(rows: Sequence[tuple[Movement, Decimal]]) -> Listing:
    made_for = made_for_of([waiting for waiting, _ in rows])
    return Listing(
        ("#Movement", "Item", "#Due", "#Moves", "For", "From"),
        [
            (
                str(waiting.pk),
                waiting.item.code,
                in_unit(waiting.due or ZERO, waiting.item),
                in_unit(moved, waiting.item),
                made_for[waiting.pk],
                place(waiting.source.path, waiting.source_bin),
            )
            for waiting, moved in rows
        ],
    )
