"""Postings as tables and as JSON, in the same form for every command that posts."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from backflush.console.output import Desk, Listing, in_unit
from backflush.core.moves import Reason, Status
from backflush.ledger.models import Movement, Posting
from backflush.unresolved.arrivals import Proposal, proposed_by

WHY: Mapping[str, str] = {
    Reason.BATCH: "which batch?",
    Reason.SERIAL: "which serials?",
    Reason.BIN: "which bin?",
    Reason.SHORT: "short",
}


def place(path: str, bin: str) -> str:
    """Return a location, with its bin if there is one."""
    return f"{path} {bin}".rstrip()


def ends(movement: Movement) -> str:
    """Return source and target on two lines."""
    source, target = place(movement.source.path, movement.source_bin), place(movement.target.path, movement.target_bin)
    return f"{source}\n{target}"


def movement_payload(desk: Desk, movement: Movement) -> dict[str, Any]:
    """Return a movement for JSON."""
    return {
        "movement": movement.pk,
        "posting": movement.posting_id,
        "process": movement.posting.process,
        "at": desk.local(movement.at),
        "recorded_at": desk.local(movement.posting.recorded_at),
        "by": movement.posting.by.username,
        "item": movement.item.code,
        "unit": movement.item.stock_unit.code,
        "status": movement.status,
        "quantity": movement.quantity,
        "due": movement.due,
        "reason": movement.reason or None,
        "from": movement.source.path,
        "from_bin": movement.source_bin,
        "from_after": movement.source_after,
        "to": movement.target.path,
        "to_bin": movement.target_bin,
        "to_after": movement.target_after,
        "batch": movement.batch,
        "serial": movement.serial,
        "order": movement.cost_object.number if movement.cost_object else None,
        "action": movement.rule.action.name if movement.rule else None,
        "remarks": movement.remarks or movement.posting.remarks,
    }


def movements_of(posting: Posting) -> list[Movement]:
    """Return the movements of a posting, moved and unresolved, in the order of recording."""
    return list(
        Movement.objects.filter(site=posting.site_id, posting=posting)
        .select_related("item__stock_unit", "source", "target", "cost_object", "posting__by", "rule__action")
        .order_by("pk")
    )


def listing(movements: Iterable[Movement], title: str = "") -> Listing:
    """Return a table of movements."""
    return Listing(
        ("#Movement", "Item", "Batch", "Serial", "#Moved", "#Waits", "Why", "From / to"),
        [
            (
                str(movement.pk),
                movement.item.code,
                movement.batch,
                movement.serial,
                in_unit(movement.quantity, movement.item) if movement.quantity else "",
                in_unit(movement.due, movement.item) if movement.due is not None else "",
                _why(movement),
                ends(movement),
            )
            for movement in movements
        ],
        title,
    )


def _why(movement: Movement) -> str:
    if movement.status == Status.UNRESOLVED:
        return WHY[movement.reason]
    return "" if movement.status == Status.OK else movement.status


def answer_posting(desk: Desk, posting: Posting, sentence: str, *more: str, **payload: Any) -> None:
    """Print a posting: a sentence, its movements, and what is unresolved."""
    movements = movements_of(posting)
    waiting = [movement for movement in movements if movement.status == Status.UNRESOLVED]
    proposal = proposed_by(posting, site=desk.site)
    repeated = posting.recorded_at < desk.started
    shown: list[str | Listing] = [sentence]
    if repeated:
        shown.insert(
            0, (f"The key {desk.key!r} was posted before, on {desk.when(posting.recorded_at)}. Nothing new was posted:")
        )
    if movements:
        shown.append(listing(movements))
    shown.extend(more)
    if waiting:
        shown.append(f"{_lines(len(waiting))} unresolved. To see them: backflush unresolved")
    if proposal:
        shown.append(f"{_fit(proposal)} now. To see them: backflush retry --preview --arrived {posting.pk}")
    outcome = {
        "posting": posting.pk,
        "process": posting.process,
        "at": desk.local(posting.at),
        "by": posting.by.username,
        "key": desk.key or None,
        "repeated": repeated,
        **payload,
        "unresolved": len(waiting),
        "fits_now": list(proposal.movements),
        "movements": [movement_payload(desk, movement) for movement in movements],
    }
    desk.answer(outcome, *shown)


def _lines(count: int) -> str:
    return "1 line is" if count == 1 else f"{count:,} lines are"


def _fit(proposal: Proposal) -> str:
    """Say how many unresolved movements fit because of the stock that came in."""
    count = len(proposal.movements)
    wait = "1 unresolved movement of this stock" if count == 1 else f"{count:,} unresolved movements of this stock"
    return f"{wait} fit{'s' if count == 1 else ''}"


def good_and_scrap(good: Decimal, scrap: Decimal, *, words: tuple[str, str] = ("good", "scrap")) -> str:
    """Return the quantities in words: "38 good, 2 scrap"."""
    return ", ".join(f"{quantity:f} {word}" for quantity, word in zip((good, scrap), words, strict=True) if quantity)
