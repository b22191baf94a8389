"""The command that explains an assumed quantity."""

from typing import Annotated, Any

import typer

from backflush.backflushing.explanation import QuantityExplanation, in_words
from backflush.backflushing.selectors import Explanation, explain
from backflush.console.options import NUMBER_MAX
from backflush.console.output import Desk, HelpSection, Listing, command
from backflush.console.postings import movement_payload
from backflush.core.quantity import written


def register(app: typer.Typer) -> None:
    """Add `explain`."""
    command(app, "explain", panel=HelpSection.STOCK)(explain_movement)


def explain_movement(
    desk: Desk,
    movement: Annotated[
        int,
        typer.Argument(metavar="MOVEMENT", min=1, max=NUMBER_MAX, help="The movement number.", show_default=False),
    ],
) -> None:
    """Explain a movement's quantity: one sentence, then the arithmetic step by step, and why it has its from- and
    to-location. The explanation uses recorded facts only, so later changes of the structure don't affect it.

    Example: backflush explain 1377
    """
    recorded = explain(desk.site, movement)
    explanation = in_words(recorded)
    rows = [(str(number), step.label, step.arithmetic, step.result) for number, step in enumerate(explanation.steps, 1)]
    shown = recorded.movement
    unit, amount = shown.item.stock_unit.code, shown.quantity if shown.due is None else shown.due
    title = f"Movement {shown.pk}, {shown.status}: {written(amount)} {unit} of {shown.item.code}"
    desk.answer(
        _explained(desk, recorded, explanation),
        f"{title}, from {shown.source.path} to {shown.target.path}, {desk.when(shown.at)}.",
        explanation.sentence,
        Listing(("#", "Step", "How", "#Result"), rows),
        explanation.route,
        *explanation.notes,
    )


def _explained(desk: Desk, recorded: Explanation, explanation: QuantityExplanation) -> dict[str, Any]:
    return {
        "movement": movement_payload(desk, recorded.movement),
        "sentence": explanation.sentence,
        "booking": recorded.booking.posting_id,
        "made": recorded.booking.item.code,
        "line": recorded.line.path,
        "produced": recorded.produced,
        "produced_before": recorded.produced_before,
        "per_piece": recorded.use.line.per_piece,
        "fixed": recorded.use.line.fixed,
        "exact_before": recorded.use.exact_before,
        "exact": recorded.exact,
        "rounded": recorded.rounded,
        "assumed_before": recorded.use.assumed_before,
        "assumed": recorded.use.quantity,
        "moved": recorded.outcome.moved,
        "unresolved": recorded.outcome.unresolved,
        "cancelled": recorded.outcome.cancelled,
        "dropped": recorded.outcome.dropped,
        "steps": [
            {
                "line": step.number,
                "item": step.component.code,
                "quantity": step.quantity,
                "unit": step.unit,
                "waste": step.waste,
                "factor": step.factor,
            }
            for step in recorded.steps
        ],
        "workings": [
            {"step": step.label, "how": step.arithmetic, "comes_to": step.result} for step in explanation.steps
        ],
        "chosen_by": explanation.route,
        "notes": explanation.notes,
    }
