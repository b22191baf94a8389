"""The explanation of an assumed quantity in words: a sentence, then each step with its arithmetic.

The facts come from `selectors.explain`; nothing is read or computed here that the booking didn't. Pages and the command
line show the same explanation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from backflush.backflushing.models import Booking
from backflush.backflushing.selectors import Explanation
from backflush.core.moves import Process, Reason
from backflush.core.quantity import DECIMALS_MAX, plain, round_half_up, written
from backflush.core.structure import PathStep

MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
WAITS = {
    Reason.BATCH: "the batch must be chosen",
    Reason.SERIAL: "the serial numbers must be chosen",
    Reason.BIN: "the bin must be chosen",
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


def in_words(recorded: Explanation) -> QuantityExplanation:
    """Return the explanation of an assumed quantity, from recorded facts only."""
    return QuantityExplanation(
        sentence=" ".join((_booked(recorded), _by_the_structure(recorded), _total(recorded), _became(recorded))),
        steps=tuple(_steps(recorded)),
        route=_route(recorded),
        notes=tuple(_notes(recorded)),
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


def _unit(recorded: Explanation) -> str:
    return recorded.line.component.stock_unit.code


def _made_unit(recorded: Explanation) -> str:
    return recorded.booking.item.stock_unit.code


def _amount(quantity: Decimal, unit: str) -> str:
    return f"{_signed(written(quantity))} {unit}"


def _rounded(quantity: Decimal, recorded: Explanation) -> str:
    """Return a quantity with the component's decimals, as in lists, or more if it was booked with more."""
    shortest = plain(quantity)
    own = max(0, -int(shortest.as_tuple().exponent))
    return _signed(f"{shortest:.{max(own, recorded.decimals)}f}")


def _in_stock(quantity: Decimal, recorded: Explanation) -> str:
    return f"{_rounded(quantity, recorded)} {_unit(recorded)}"


def _were(quantity: Decimal) -> str:
    return "was" if quantity == 1 else "were"


def _is(quantity: Decimal) -> str:
    return "is" if quantity == 1 else "are"


def _how_made(booking: Booking) -> str:
    """Return by which kind of booking it was made, and on which order."""
    verb = {Process.GOODS_RECEIVED: "received", Process.PRODUCTION: "produced"}.get(
        Process(booking.posting.process), "booked"
    )
    return f"{verb} on {booking.cost_object.number}" if booking.cost_object is not None else f"{verb} without order"


def _good_and_scrap(booking: Booking) -> str:
    """Return good and scrap, in the order's unit."""
    words = ("accepted", "rejected") if booking.posting.process == Process.GOODS_RECEIVED else ("good", "scrap")
    own_unit = "" if booking.good + booking.scrap == booking.produced else ", in the order's unit"
    return f"{written(booking.good)} {words[0]}, {written(booking.scrap)} {words[1]}{own_unit}"


def _booked(recorded: Explanation) -> str:
    booking = recorded.booking
    parts = f" ({_good_and_scrap(booking)})" if booking.scrap else ""
    return (
        f"{_amount(booking.produced, _made_unit(recorded))} of {booking.item.code}{parts} "
        f"{_were(booking.produced)} {_how_made(booking)}."
    )


def _by_the_structure(recorded: Explanation) -> str:
    first, *below = recorded.steps
    made = recorded.booking.item.code
    sentence = f"By its structure, one {made} takes {_per(first)}"
    for parent, step in pairwise([first, *below]):
        sentence += f", one {parent.component.code} takes {_per(step)}"
    for step in recorded.steps:
        if step.waste:
            line = "" if len(recorded.steps) == 1 else f" on line {step.number}"
            sentence += f", with {written(step.waste)} % waste{line}"
    if recorded.line.fixed:
        sentence += f", and {_amount(recorded.line.fixed, recorded.steps[-1].unit)} once for set-up"
    return f"{sentence}."


def _per(step: PathStep) -> str:
    return f"{written(step.quantity)} {step.unit} of {step.component.code}"


def _total(recorded: Explanation) -> str:
    use, total = recorded.use, _in_stock(recorded.rounded, recorded)
    if not use.exact_before and not use.assumed_before:
        return f"The booking takes {total}."
    return (
        f"With the {written(recorded.produced_before)} booked before, the total is {total}. "
        f"{_in_stock(use.assumed_before, recorded)} had already been assumed, so this booking assumes "
        f"{_in_stock(use.quantity, recorded)}."
    )


def _became(recorded: Explanation) -> str:
    outcome = recorded.outcome
    if outcome.moved == recorded.use.quantity:
        return "All of it moved."
    parts = [
        f"{_in_stock(quantity, recorded)} {word}"
        for quantity, word in (
            (outcome.moved, "moved"),
            (outcome.unresolved, f"{_is(outcome.unresolved)} unresolved"),
            (outcome.cancelled, f"{_were(outcome.cancelled)} cancelled"),
            (outcome.dropped, f"{_were(outcome.dropped)} not used"),
        )
        if quantity > 0
    ]
    if outcome.dropped < 0:
        parts.append(f"{_in_stock(-outcome.dropped, recorded)} more than assumed {_were(-outcome.dropped)} used")
    why = f": {WAITS[Reason(recorded.root.reason)]}" if recorded.root.reason and outcome.unresolved else ""
    return f"{', '.join(parts)}{why}."


def _steps(recorded: Explanation) -> Iterator[CalculationStep]:
    booking, unit, made = recorded.booking, _unit(recorded), _made_unit(recorded)
    yield CalculationStep("Made now", _good_and_scrap(booking), _amount(booking.produced, made))
    where = (
        f"on {booking.cost_object.number}"
        if booking.cost_object is not None
        else "without order, so earlier bookings don't count"
    )
    yield CalculationStep("Made before", where, _amount(recorded.produced_before, made))
    parent = booking.item.code
    for step in recorded.steps:
        yield from _line_steps(step, parent)
        parent = step.component.code
    per_piece = recorded.use.line.per_piece
    if len(recorded.steps) > 1:
        way = f" {TIMES} ".join(figure(step.multiplier or Fraction(0)) for step in recorded.steps)
        yield CalculationStep(f"For one {booking.item.code}", way, f"{figure(per_piece)} {unit}")
    yield from _exact_steps(recorded, per_piece)
    yield from _assumed_steps(recorded)


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


def _exact_steps(recorded: Explanation, per_piece: Fraction) -> Iterator[CalculationStep]:
    unit, use, fixed = _unit(recorded), recorded.use, recorded.use.line.fixed
    now = per_piece * Fraction(recorded.produced)
    first = use.exact_after - use.exact_before != now
    yield CalculationStep(
        "Exact, this booking", f"{written(recorded.produced)} {TIMES} {figure(per_piece)}", f"{figure(now)} {unit}"
    )
    if fixed and first:
        yield CalculationStep(
            "Set-up, once", "taken by the first booking that isn't reversed", f"{figure(fixed)} {unit}"
        )
    if use.exact_before:
        yield CalculationStep(
            "Exact, before", _before(recorded, per_piece, fixed), f"{figure(use.exact_before)} {unit}"
        )
        parts = [use.exact_before, now, *([fixed] if fixed and first else [])]
        yield CalculationStep("Exact, in total", " + ".join(map(figure, parts)), f"{figure(use.exact_after)} {unit}")


def _before(recorded: Explanation, per_piece: Fraction, fixed: Fraction) -> str:
    """Return the arithmetic of the earlier bookings, where they all used the same structure line."""
    plain = per_piece * Fraction(recorded.produced_before)
    times = f"{written(recorded.produced_before)} {TIMES} {figure(per_piece)}"
    if recorded.use.exact_before == plain:
        return times
    if fixed and recorded.use.exact_before == plain + fixed:
        return f"{times} + {figure(fixed)} for set-up"
    return "each booking with its own structure"


def _assumed_steps(recorded: Explanation) -> Iterator[CalculationStep]:
    use, outcome = recorded.use, recorded.outcome
    decimals = "whole pieces" if not recorded.decimals else f"{recorded.decimals} decimals"
    yield CalculationStep("Rounded", f"half up to {decimals}", _in_stock(recorded.rounded, recorded))
    if use.assumed_before:
        never = "; never below zero" if use.assumed_before > recorded.rounded else ""
        yield CalculationStep(
            "Assumed before", f"the sum of the earlier bookings{never}", _in_stock(use.assumed_before, recorded)
        )
    less = f"{_rounded(recorded.rounded, recorded)} {MINUS} {_rounded(use.assumed_before, recorded)}"
    yield CalculationStep("Assumed now", less, _in_stock(use.quantity, recorded))
    became = (
        ("moved", outcome.moved),
        ("still unresolved", outcome.unresolved),
        ("cancelled", outcome.cancelled),
        ("not used" if outcome.dropped >= 0 else "more than was due", outcome.dropped),
    )
    for word, quantity in became:
        if quantity:
            yield CalculationStep(f"of which {word}", "", _in_stock(quantity, recorded))


def _route(recorded: Explanation) -> str:
    booking, rule, root = recorded.booking, recorded.booking.rule, recorded.root
    assert rule is not None, "nothing is assumed without a rule"
    sentence = (
        f"Type code {booking.type_code.code} → action {rule.action.name} → "
        f"rule from {rule.source.path} to {rule.target.path}"
    )
    if root.source_id == rule.source_id:
        return f"{sentence}."
    whose = "the line's own from-location" if recorded.line.source_id == root.source_id else "the supplier's stock"
    return f"{sentence}; taken from {root.source.path}, {whose}."


def _notes(recorded: Explanation) -> Iterator[str]:
    movement, root = recorded.movement, recorded.root
    if movement.reverses_id is not None:
        yield f"Movement {movement.pk} reverses movement {movement.reverses_id}."
    elif movement.resolves_id is not None:
        yield f"Movement {movement.pk} settles movement {movement.resolves_id}."
    elif movement.pk != root.pk:
        yield f"Movement {movement.pk} is the open remainder of movement {root.pk}."
    if movement.reverses_id is None and movement.source_id != root.source_id:
        yield f"It came from {movement.source.path}, not from {root.source.path} as planned."
    if recorded.booking.reversed_by_id is not None:
        yield f"The booking was reversed by posting {recorded.booking.reversed_by_id}."
    if recorded.since:
        yield f"Since then: {'; '.join(recorded.since)}."
