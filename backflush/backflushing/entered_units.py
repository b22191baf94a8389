"""Quantities entered with a unit, converted to the unit in which they are recorded (Q6).

The unit in which the quantity is recorded anyway needs no conversion. Another unit is converted exactly: to the order's
unit if six decimals can hold the result, else all quantities of the report are recorded in the stock unit
(`Report.in_stock_unit`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from backflush.backflushing.report_kinds import R, ReportKind, Subject
from backflush.core.quantity import DECIMALS_MAX, convert, not_fitting, round_half_up, smallest_step
from backflush.core.refusals import InvalidQuantity, Refusal
from backflush.core.units import Converter
from backflush.items.models import Item, Unit
from backflush.items.selectors import converter, require_factor, unit_among
from backflush.stockmap.models import Site


def in_unit_of_subject(reports: Sequence[R], kind: ReportKind[R], *, site: Site) -> list[R | Refusal]:
    """Return reports with all quantities in one unit, or a refusal in place of a report.

    The refusals are `NotFound` for a unit, an order or an item, `NoConversion` and `InvalidQuantity`.
    """
    subjects = kind.subjects(reports, site=site, lock=False)
    units = list(Unit.objects.all())
    known: list[Subject | Refusal] = []
    for report in reports:
        try:
            known.append(subjects.subject(report))
        except Refusal as refusal:
            known.append(refusal)
    conversions = converter({subject.item.pk for subject in known if isinstance(subject, Subject)})
    done: list[R | Refusal] = []
    for report, subject in zip(reports, known, strict=True):
        try:
            done.append(subject if isinstance(subject, Refusal) else _converted(report, subject, units, conversions))
        except Refusal as refusal:
            done.append(refusal)
    return done


@dataclass(frozen=True, slots=True)
class _Entered:
    """A quantity as entered: the stock units of one of its unit, and the code of that unit."""

    field: str
    amount: Decimal
    factor: Fraction
    unit: str


def _converted(report: R, subject: Subject, units: Sequence[Unit], conversions: Converter) -> R:
    own = subject.unit_code()
    written = dict(report.units)
    entered = []
    for field in subject.amount_fields:
        unit = unit_among(units, written.get(field, own), field=field)
        factor = subject.factor if unit == own else require_factor(conversions, subject.item, unit, field=field)
        one = _Entered(field, getattr(report, field), factor, unit)
        if unit != own:
            _require_exact(one, subject.item)
        entered.append(one)
    return _in_own_unit(report, subject, entered) or _in_stock_unit(report, subject, entered)


def _require_exact(one: _Entered, item: Item) -> None:
    """Refuse a quantity that the item's decimals can't hold, in the unit that it was entered in."""
    exact = abs(Fraction(one.amount) * one.factor)
    if round_half_up(exact, item.quantity_decimals) != exact:
        units = one.unit, item.stock_unit.code
        raise not_fitting(one.amount, one.factor, item.quantity_decimals, one.field, item.code, units)


def _in_own_unit(report: R, subject: Subject, entered: Sequence[_Entered]) -> R | None:
    """Return the report with its quantities in its subject's unit; None where six decimals can't hold them."""
    amounts: dict[str, Any] = {}
    for one in entered:
        exact = Fraction(one.amount) * one.factor / subject.factor
        rounded = round_half_up(abs(exact), DECIMALS_MAX)
        if rounded != abs(exact):
            return None
        amounts[one.field] = rounded if exact >= 0 else -rounded
    return replace(report, units=(), **amounts)


def _in_stock_unit(report: R, subject: Subject, entered: Sequence[_Entered]) -> R:
    """Return the report with its quantities in the stock unit; refused where the item's decimals can't hold them."""
    item = subject.item
    if subject.factor * 10**item.quantity_decimals > 10**DECIMALS_MAX:
        # The order's total, to six decimals, wouldn't tell one quantity in the stock unit from the next.
        raise InvalidQuantity(
            "{item}: this can't be converted exactly to {unit}. Enter a multiple of {step} {unit}.",
            item=item.code,
            unit=subject.unit_code(),
            step=smallest_step(subject.factor, item.quantity_decimals),
            field=entered[0].field,
        )
    amounts: dict[str, Any] = {
        one.field: convert(
            one.amount,
            one.factor,
            item.quantity_decimals,
            field=one.field,
            what=item.code,
        )
        for one in entered
    }
    return replace(report, units=(), in_stock_unit=True, **amounts)
