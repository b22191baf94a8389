"""Production without an order: kits and manufactured items (B5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Annotated

from django.utils.translation import gettext_noop as marked

from backflush.backflushing.booking import take_reports
from backflush.backflushing.models import Booking
from backflush.backflushing.report_inputs import InUnit, QuantityInput, SubjectInput
from backflush.backflushing.report_kinds import LockOrder, ReportKind, Subject, Subjects
from backflush.core.moves import Process
from backflush.core.quantity import ZERO
from backflush.core.refusals import NotFound, Refusal, WrongClass
from backflush.core.sentences import Word
from backflush.items.models import ComponentClass, Item
from backflush.items.selectors import item_coded, items_known
from backflush.people.models import User
from backflush.people.rights import Verb
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import single_rules
from backflush.works.services.production import Reported, no_completion_action

PIECE = Fraction(1)
PRODUCIBLE = frozenset({ComponentClass.KIT, ComponentClass.MADE})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionIn(Reported):
    """Production without an order as it is reported, in the stock unit: kits and manufactured items (B5)."""

    item: Annotated[
        str,
        SubjectInput(marked("Item"), marked("The code of a kit or manufactured item."), length=60, refers="items"),
    ]
    good: Annotated[
        Decimal, QuantityInput(marked("Good"), marked("Good pieces, in the item's stock unit."), unit=InUnit.OF_STOCK)
    ] = ZERO
    scrap: Annotated[
        Decimal,
        QuantityInput(
            marked("Scrap"),
            marked("Scrapped pieces, in the item's stock unit. They used their components too."),
            unit=InUnit.OF_STOCK,
        ),
    ] = ZERO

    operation = "produce"


class ProducibleItems(Subjects[ProductionIn]):
    """The items that some reports say were made without an order."""

    found: Mapping[str, Item]

    def __init__(self, site: Site, codes: Sequence[str]) -> None:
        self.site = site
        self.found = items_known(set(codes))
        type_codes = [item.type_code for item in self.found.values()]
        actions = {action for code in type_codes for action in (code.completion, code.backflush) if action is not None}
        self.rules = single_rules(site, {action.pk for action in actions})

    def subject(self, report: ProductionIn) -> Subject:
        """Return the item of a report, refused where it can't be made without an order; its structure is the day's."""
        item = self.found.get(report.item)
        if item is None:
            raise NotFound("There is no item {item}.", item=report.item, field="item")
        refusals: list[Refusal] = [] if item.component_class in PRODUCIBLE else [not_producible(item)]
        if item.type_code.completion is None:
            refusals.append(no_completion_action(item))
        return Subject(
            item=item,
            process=Process.PRODUCTION,
            good=report.good,
            scrap=report.scrap,
            scrap_reason=report.scrap_reason,
            factor=PIECE,
            unit_code=lambda: str(item.stock_unit.code),
            goods_action=item.type_code.completion,
            refusals=refusals,
        )


class ProductionWithoutOrders(ReportKind[ProductionIn]):
    """Reports of production without order."""

    report = ProductionIn
    lock_order = LockOrder.NO_ORDERS
    verb = Verb.PRODUCE
    word = "production"
    command = "produce"
    about = (
        "Produce a kit or a manufactured item without an order. It goes into stock, and its "
        "components are taken out of it, as the structure of that day requires. Components that "
        "are not available stay unresolved."
    )
    done = "Produced"
    table = "productions"
    rows = "Production without a works order. Rows that were posted before are skipped."
    example = MappingProxyType({"item": "PACK", "good": "5", "key": "cell-3/12"})
    row = MappingProxyType({"key": "2026-01-08/2", "item": "BRACKET", "good": "2", "date": "2026-01-08"})

    def subjects(self, reports: Sequence[ProductionIn], *, site: Site, lock: bool) -> ProducibleItems:
        """Return the items of some reports, of which none needs a lock."""
        return ProducibleItems(site, [report.item for report in reports])


WITHOUT_ORDERS = ProductionWithoutOrders()


def produce(production: ProductionIn, *, site: Site, by: User) -> Booking:
    """Book production without an order (B5, S1). `take_reports` says what is locked and refused."""
    [result] = take_reports([production], [WITHOUT_ORDERS], site=site, by=by)
    assert result.booking is not None, "a refused report raises its refusal"
    return result.booking


def producible(code: str) -> Item:
    """Return an item that can be made without an order; raises `NotFound` and `WrongClass` (W)."""
    item = item_coded(code)
    if item.component_class not in PRODUCIBLE:
        raise not_producible(item)
    return item


def not_producible(item: Item) -> WrongClass:
    """Return why an item can't be made without an order."""
    return WrongClass(
        "{item} is {component_class}. Only kits and manufactured items can be produced without an order.",
        item=item.code,
        component_class=Word(item.get_component_class_display()),
        field="item",
    )
