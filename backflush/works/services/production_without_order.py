"""Production without an order: kits and manufactured items (B5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from backflush.backflushing.booking import take_reports
from backflush.backflushing.models import Booking
from backflush.backflushing.report_kinds import LockOrder, ReportKind, Subject, Subjects
from backflush.core.moves import Process
from backflush.core.refusals import NotFound, Refusal, WrongClass
from backflush.items.models import ComponentClass, Item
from backflush.items.selectors import item_coded, items_known
from backflush.ledger.idempotency import Request
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import single_rules
from backflush.works.services.production import Reported, no_completion_action

PIECE = Fraction(1)
PRODUCIBLE = frozenset({ComponentClass.KIT, ComponentClass.MADE})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionIn(Reported):
    """Production without an order as it is reported, in the stock unit: kits and manufactured items (B5)."""

    item: str

    @property
    def of(self) -> str:
        """What was made."""
        return self.item

    def request(self) -> Request:
        """What makes a repeated report the same."""
        content = {
            "item": self.item,
            "good": self.good,
            "scrap": self.scrap,
            "at": self.at,
            "batch": self.batch,
            "serials": sorted(self.serials),
            "bin": self.bin,
            "scrap_reason": self.scrap_reason,
        }
        return Request(self.key, "produce", content)


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
            raise NotFound(f"There is no item {report.item}.", field="item")
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
            goods_action=item.type_code.completion,
            refusals=refusals,
        )


class ProductionWithoutOrders(ReportKind[ProductionIn]):
    """Reports of production without order."""

    report = ProductionIn
    lock_order = LockOrder.NO_ORDERS

    def subjects(self, reports: Sequence[ProductionIn], *, site: Site, lock: bool) -> ProducibleItems:
        """Return the items of some reports, of which none needs a lock."""
        return ProducibleItems(site, [report.item for report in reports])


WITHOUT_ORDERS = ProductionWithoutOrders()


def produce(production: ProductionIn, *, site: Site, by: User) -> Booking:
    """Book production without an order (B5, S1). `take_reports` says what is locked and refused."""
    [result] = take_reports([production], [WITHOUT_ORDERS], site=site, by=by)
    assert result.booking is not None, "what is refused is raised"
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
        f"{item.code} is {item.get_component_class_display()}. Only kits and manufactured items can be produced.",
        field="item",
    )
