"""What a report of production comes to, on an order or without one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from backflush.backflushing.report_kinds import Report
from backflush.backflushing.services import Made
from backflush.core.moves import Process
from backflush.core.quantity import ZERO
from backflush.core.refusals import InvalidQuantity, NoCompletionAction
from backflush.core.text import require_short
from backflush.items.models import Item
from backflush.ledger.models import CostObject
from backflush.stockmap.models import Action, Site, TransferRule
from backflush.stockmap.selectors import event_time, require_rule
from backflush.works.services.guards import stocked

SCRAP_REASON_LENGTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported(Report):
    """Good and scrapped pieces as they are reported."""

    good: Decimal
    scrap: Decimal = ZERO
    scrap_reason: str = ""


def made_of(
    item: Item,
    report: Reported,
    rules: Mapping[int, TransferRule],
    *,
    site: Site,
    key: int | None,
    process: Process,
    factor: Fraction,
    structure: int | None = None,
    of_day: bool = False,
    cost_object: CostObject | None = None,
) -> Made:
    """What a report of production comes to; refused where its quantities or the item's actions don't do (B1, Q5)."""
    good = stocked(report.good, factor, item, field="good")
    scrap = stocked(report.scrap, factor, item, field="scrap")
    require_anything(report, item)
    require_reason(report)
    backflush = item.type_code.backflush
    return Made(
        item=item,
        process=process,
        at=event_time(site, report.at),
        good=report.good,
        scrap=report.scrap,
        good_stock=good,
        quantity=good + scrap,
        goods_rule=require_rule(rules, completion(item), site),
        backflush_rule=require_rule(rules, backflush, site) if backflush else None,
        structure=structure,
        of_day=of_day,
        cost_object=cost_object,
        key=key,
        batch=report.batch,
        serials=tuple(report.serials),
        bin=report.bin,
        scrap_reason=report.scrap_reason,
    )


def checks_of(
    item: Item, report: Reported, rules: Mapping[int, TransferRule], *, site: Site, factor: Fraction
) -> Sequence[Callable[[], object]]:
    """Everything for which `made_of` may refuse a report, to be asked one by one."""
    backflush = item.type_code.backflush
    return (
        lambda: stocked(report.good, factor, item, field="good"),
        lambda: stocked(report.scrap, factor, item, field="scrap"),
        lambda: require_anything(report, item),
        lambda: require_reason(report),
        lambda: require_rule(rules, completion(item), site),
        lambda: require_rule(rules, backflush, site) if backflush else None,
        lambda: event_time(site, report.at),
    )


def require_anything(report: Reported, item: Item) -> None:
    """Refuse a report of nothing at all."""
    if not report.good and not report.scrap:
        raise InvalidQuantity(f"{item.code}: enter what was made, good or scrap.", field="good")


def require_reason(report: Reported) -> None:
    """Refuse a scrap reason that is too long to keep."""
    require_short(report.scrap_reason, SCRAP_REASON_LENGTH, field="scrap_reason", what="A scrap reason")


def completion(item: Item) -> Action:
    """The action by which an item comes into stock (B1)."""
    code = item.type_code
    if code.completion is None:
        raise NoCompletionAction(
            f"Type code {code.code} has no completion action, so {item.code} can't be booked. "
            "Ask an engineer to add one.",
            field="item",
        )
    return code.completion
