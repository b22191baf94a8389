"""The command that explains an assumed quantity."""

from typing import Annotated, Any

import typer

from backflush.backflushing.explanation import QuantityExplanation, in_words
from backflush.backflushing.selectors import Explanation, explain
from backflush.console.options import NUMBER_MAX
from backflush.console.output import Desk, HelpSection, Listing, command
from backflush.console.postings import movement_facts
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
        Listing(("#", "Step", "How", "#Result"), rows),
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
