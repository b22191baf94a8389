"""The explanation of an assumed quantity in words: a sentence, then each step with its arithmetic.

The facts come from `selectors.explain`; nothing is read or computed here that the booking didn't. Pages and the command
line show the same explanation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from backflush.backflushing.models import Booking
from backflush.backflushing.selectors import Explanation
from backflush.core.moves import Process, Reason
from backflush.core.quantity import DECIMALS_MAX, plain, round_half_up, written
from backflush.core.structure import PathStep

MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
WAITS = {
    Reason.BATCH: "the system can't know the batch",
    Reason.SERIAL: "the system can't know the serial numbers",
    Reason.BIN: "the system can't know the bin",
    Reason.SHORT: "there was not enough stock",
}


@dataclass(frozen=True, slots=True)
class CalculationStep:
    """One step of the arithmetic: its label, the calculation, and its result with unit."""

    label: str
    arithmetic: str
    result: str


@dataclass(frozen=True, slots=True)
class QuantityExplanation:
    """The explanation of a quantity. `route` says what decided its source and target, `notes` what happened to it."""

    sentence: str
    steps: tuple[CalculationStep, ...]
    route: str
    notes: tuple[str, ...]


def in_words(facts: Explanation) -> QuantityExplanation:
    """Return the explanation of an assumed quantity, from recorded facts only."""
    return QuantityExplanation(
        sentence=" ".join((_booked(facts), _structure_says(facts), _makes(facts), _became(facts))),
        steps=tuple(_steps(facts)),
        route=_route(facts),
        notes=tuple(_notes(facts)),
    )


def figure(exact: Fraction) -> str:
    """Return an exact value as a decimal where that ends, otherwise as a ratio with its approximate decimal."""
    rest = exact.denominator
    twos = fives = 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest == 1:
        return _signed(written(round_half_up(exact, max(twos, fives))))
    about = round_half_up(exact, DECIMALS_MAX)
    return _signed(f"{exact.numerator}/{exact.denominator} (about {written(about)})")


def _signed(text: str) -> str:
    """Return a figure with a true minus sign, as everywhere on pages."""
    return text.replace("-", MINUS)


def _unit(facts: Explanation) -> str:
    return facts.line.component.stock_unit.code


def _made_unit(facts: Explanation) -> str:
    return facts.booking.item.stock_unit.code


def _amount(quantity: Decimal, unit: str) -> str:
    return f"{_signed(written(quantity))} {unit}"


def _rounded(quantity: Decimal, facts: Explanation) -> str:
    """Return a quantity with the component's decimals, as in lists, or more if it was booked with more."""
    shortest = plain(quantity)
    own = max(0, -int(shortest.as_tuple().exponent))
    return _signed(f"{shortest:.{max(own, facts.decimals)}f}")


def _in_stock(quantity: Decimal, facts: Explanation) -> str:
    return f"{_rounded(quantity, facts)} {_unit(facts)}"


def _were(quantity: Decimal) -> str:
    return "was" if quantity == 1 else "were"


def _how_made(booking: Booking) -> str:
    """Return by which kind of booking it was made, and on which order."""
    verb = {Process.GOODS_RECEIVED: "received", Process.PRODUCTION: "produced"}.get(
        Process(booking.posting.process), "booked"
    )
    return f"{verb} on {booking.cost_object.number}" if booking.cost_object is not None else f"{verb} without order"


def _good_and_scrap(booking: Booking) -> str:
    """Return good and scrap, in the order's unit."""
    words = ("accepted", "rejected") if booking.posting.process == Process.GOODS_RECEIVED else ("good", "scrap")
    own_unit = "" if booking.good + booking.scrap == booking.quantity else ", in the order's unit"
    return f"{written(booking.good)} {words[0]}, {written(booking.scrap)} {words[1]}{own_unit}"


def _booked(facts: Explanation) -> str:
    booking = facts.booking
    parts = f" ({_good_and_scrap(booking)})" if booking.scrap else ""
    return (
        f"{_amount(booking.quantity, _made_unit(facts))} of {booking.item.code}{parts} "
        f"{_were(booking.quantity)} {_how_made(booking)}."
    )


def _structure_says(facts: Explanation) -> str:
    first, *below = facts.steps
    said = f"The structure says {_per(first)} for one"
    for step in below:
        said += f", and {_per(step)} for one of these"
    wasted = [step for step in facts.steps if step.waste]
    for step in wasted:
        of = "" if len(facts.steps) == 1 else f" for line {step.number}"
        said += f", and {written(step.waste)} % of what is taken{of} is wasted"
    if facts.line.fixed:
        said += (
            f"; {_amount(facts.line.fixed, facts.steps[-1].unit)} more {_were(facts.line.fixed)} taken once, for set-up"
        )
    return f"{said}."


def _per(step: PathStep) -> str:
    return f"{written(step.quantity)} {step.unit} of {step.component.code}"


def _makes(facts: Explanation) -> str:
    use = facts.use
    if not use.exact_before and not use.assumed_before:
        return f"That makes {_in_stock(facts.rounded, facts)}."
    return (
        f"With the {written(facts.produced_before)} booked before, that makes {_in_stock(facts.rounded, facts)}; "
        f"{_in_stock(use.assumed_before, facts)} had been assumed already, so {_in_stock(use.quantity, facts)} "
        f"{_were(use.quantity)} assumed now."
    )


def _became(facts: Explanation) -> str:
    outcome = facts.outcome
    if outcome.moved == facts.use.quantity:
        return "All of it moved."
    parts = [
        f"{_in_stock(quantity, facts)} {word}"
        for quantity, word in (
            (outcome.moved, "moved"),
            (outcome.unresolved, "still " + ("waits" if outcome.unresolved == 1 else "wait")),
            (outcome.cancelled, f"{_were(outcome.cancelled)} cancelled"),
            (outcome.dropped, f"{_were(outcome.dropped)} not used"),
        )
        if quantity > 0
    ]
    if outcome.dropped < 0:
        parts.append(f"{_in_stock(-outcome.dropped, facts)} of that more than was assumed")
    why = f": {WAITS[Reason(facts.root.reason)]}" if facts.root.reason and outcome.unresolved else ""
    return f"{', '.join(parts)}{why}."


def _steps(facts: Explanation) -> Iterator[CalculationStep]:
    booking, unit, made = facts.booking, _unit(facts), _made_unit(facts)
    yield CalculationStep("Made now", _good_and_scrap(booking), _amount(booking.quantity, made))
    where = (
        f"on {booking.cost_object.number}"
        if booking.cost_object is not None
        else "without order, so earlier bookings don't count"
    )
    yield CalculationStep("Made before", where, _amount(facts.produced_before, made))
    parent = booking.item.code
    for step in facts.steps:
        yield from _line_steps(step, parent)
        parent = step.component.code
    per_piece = facts.use.line.per_piece
    if len(facts.steps) > 1:
        way = f" {TIMES} ".join(figure(step.multiplier or Fraction(0)) for step in facts.steps)
        yield CalculationStep(f"For one {booking.item.code}", way, f"{figure(per_piece)} {unit}")
    yield from _exact_steps(facts, per_piece)
    yield from _assumed_steps(facts)


def _line_steps(step: PathStep, parent: str) -> Iterator[CalculationStep]:
    """Yield the quantity, waste and unit conversion of a structure line."""
    exact = Fraction(step.quantity)
    yield CalculationStep(
        f"Line {step.number}", f"{step.component.code} for one {parent}", f"{figure(exact)} {step.unit}"
    )
    if step.waste:
        kept = written(100 - step.waste)
        exact = exact * 100 / (100 - Fraction(step.waste))
        yield CalculationStep(
            f"{written(step.waste)} % waste",
            f"{written(step.quantity)} {TIMES} 100 / {kept}",
            f"{figure(exact)} {step.unit}",
        )
    if step.factor is not None and step.unit != step.component.unit:
        stock = step.component.unit
        yield CalculationStep(
            f"{step.unit} to {stock}",
            f"{figure(exact)} {TIMES} {figure(step.factor)}",
            f"{figure(exact * step.factor)} {stock}",
        )


def _exact_steps(facts: Explanation, per_piece: Fraction) -> Iterator[CalculationStep]:
    unit, use, fixed = _unit(facts), facts.use, facts.use.line.fixed
    now = per_piece * Fraction(facts.produced)
    first = use.exact_after - use.exact_before != now
    yield CalculationStep(
        "Exact, this booking", f"{written(facts.produced)} {TIMES} {figure(per_piece)}", f"{figure(now)} {unit}"
    )
    if fixed and first:
        yield CalculationStep(
            "Set-up, once", "taken by the first booking that isn't reversed", f"{figure(fixed)} {unit}"
        )
    if use.exact_before:
        yield CalculationStep("Exact, before", _before(facts, per_piece, fixed), f"{figure(use.exact_before)} {unit}")
        parts = [use.exact_before, now, *([fixed] if fixed and first else [])]
        yield CalculationStep("Exact, in total", " + ".join(map(figure, parts)), f"{figure(use.exact_after)} {unit}")


def _before(facts: Explanation, per_piece: Fraction, fixed: Fraction) -> str:
    """Return the arithmetic of the earlier bookings, where they all used the same structure line."""
    plain = per_piece * Fraction(facts.produced_before)
    times = f"{written(facts.produced_before)} {TIMES} {figure(per_piece)}"
    if facts.use.exact_before == plain:
        return times
    if fixed and facts.use.exact_before == plain + fixed:
        return f"{times} + {figure(fixed)} for set-up"
    return "each booking by the structure it was booked with"


def _assumed_steps(facts: Explanation) -> Iterator[CalculationStep]:
    use, outcome = facts.use, facts.outcome
    decimals = "whole pieces" if not facts.decimals else f"{facts.decimals} decimals"
    yield CalculationStep("Rounded", f"half up to {decimals}", _in_stock(facts.rounded, facts))
    if use.assumed_before:
        never = "; never below zero" if use.assumed_before > facts.rounded else ""
        yield CalculationStep(
            "Assumed before", f"the sum of the earlier bookings{never}", _in_stock(use.assumed_before, facts)
        )
    less = f"{_rounded(facts.rounded, facts)} {MINUS} {_rounded(use.assumed_before, facts)}"
    yield CalculationStep("Assumed now", less, _in_stock(use.quantity, facts))
    became = (
        ("moved", outcome.moved),
        ("still unresolved", outcome.unresolved),
        ("cancelled", outcome.cancelled),
        ("not used" if outcome.dropped >= 0 else "more than was due", outcome.dropped),
    )
    for word, quantity in became:
        if quantity:
            yield CalculationStep(f"of which {word}", "", _in_stock(quantity, facts))


def _route(facts: Explanation) -> str:
    booking, rule, root = facts.booking, facts.booking.rule, facts.root
    assert rule is not None, "nothing is assumed without a rule"
    said = (
        f"Type code {booking.type_code.code} → action {rule.action.name} → "
        f"rule from {rule.source.path} to {rule.target.path}"
    )
    if root.source_id == rule.source_id:
        return f"{said}."
    whose = "the line's own from-location" if facts.line.source_id == root.source_id else "the supplier's stock"
    return f"{said}; taken from {root.source.path}, {whose}."


def _notes(facts: Explanation) -> Iterator[str]:
    movement, root = facts.movement, facts.root
    if movement.reverses_id is not None:
        yield f"Movement {movement.pk} takes movement {movement.reverses_id} back."
    elif movement.resolves_id is not None:
        yield f"Movement {movement.pk} settles movement {movement.resolves_id}."
    elif movement.pk != root.pk:
        yield f"Movement {movement.pk} is the rest that was kept of movement {root.pk}."
    if movement.reverses_id is None and movement.source_id != root.source_id:
        yield f"It came from {movement.source.path}, not from {root.source.path} as planned."
    if facts.booking.reversed_by_id is not None:
        yield f"The booking was taken back by posting {facts.booking.reversed_by_id}."
    if facts.since:
        yield f"Since then: {'; '.join(facts.since)}."
