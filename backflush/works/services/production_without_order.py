"""Production without an order: kits and manufactured items (B5)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from backflush.backflushing.models import Booking
from backflush.backflushing.report_kinds import Gathered, ReportKind, Turn, refusals_of, take_reports
from backflush.backflushing.services import Made
from backflush.core.moves import Process
from backflush.core.refusals import NotFound, Refusal, WrongClass
from backflush.items.models import ComponentClass, Item
from backflush.items.selectors import item_coded, items_known
from backflush.ledger.idempotency import Request
from backflush.people.models import User
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import single_rules
from backflush.works.services.production import Reported, checks_of, made_of

PIECE = Fraction(1)


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


class ProducibleItems(Gathered[ProductionIn]):
    """What some reports say was made, with the rules of completing and backflushing it."""

    def __init__(self, site: Site, codes: Sequence[str]) -> None:
        self._site = site
        self._items = items_known(set(codes))
        kinds = [item.type_code for item in self._items.values()]
        actions = {action.pk for kind in kinds for action in (kind.completion, kind.backflush) if action is not None}
        self._rules = single_rules(site, actions)

    @property
    def there(self) -> Mapping[str, Item]:
        """The items that there are, by code."""
        return self._items

    def planned(self, report: ProductionIn, key: int | None) -> Made:
        """What a production without order comes to; its structure is that of its day (S1)."""
        item = self._item(report)
        require_producible(item)
        return made_of(
            item,
            report,
            self._rules,
            site=self._site,
            key=key,
            process=Process.PRODUCTION,
            factor=PIECE,
            of_day=True,
        )

    def refusals(self, report: ProductionIn) -> Iterator[Refusal]:
        """Every reason for which a production can't be booked."""
        if report.item not in self._items:
            yield from refusals_of([lambda: self._item(report)])
            return
        item = self._items[report.item]
        checks = checks_of(item, report, self._rules, site=self._site, factor=PIECE)
        yield from refusals_of([lambda: require_producible(item), *checks])

    def _item(self, report: ProductionIn) -> Item:
        if report.item not in self._items:
            raise NotFound(f"There is no item {report.item}.", field="item")
        return self._items[report.item]


class ProductionWithoutOrders(ReportKind[ProductionIn]):
    """Reports of production without order."""

    report = ProductionIn
    turn = Turn.NO_ORDERS

    def gathered(self, reports: Sequence[ProductionIn], *, site: Site, lock: bool) -> ProducibleItems:
        """Their items, of which none needs a lock."""
        return ProducibleItems(site, [one.item for one in reports])


WITHOUT_ORDERS = ProductionWithoutOrders()


def produce_many(productions: Sequence[ProductionIn], *, site: Site, by: User) -> list[Booking]:
    """Take in what was made without orders, and assume what went into it from its day's structure: all, or none."""
    return [taken.booking for taken in take_reports(productions, [WITHOUT_ORDERS], site=site, by=by)]


def produce(production: ProductionIn, *, site: Site, by: User) -> Booking:
    """Take in what was made without an order, and assume what went into it from the structure of its day (S1)."""
    return produce_many([production], site=site, by=by)[0]


def producible(code: str) -> Item:
    """An item that can be made without an order: a kit or a manufactured one (W)."""
    item = item_coded(code)
    require_producible(item)
    return item


def require_producible(item: Item) -> None:
    """Refuse what can't be made without an order."""
    if item.component_class not in {ComponentClass.KIT, ComponentClass.MADE}:
        raise WrongClass(
            f"{item.code} is {item.get_component_class_display()}. Only kits and manufactured items can be produced.",
            field="item",
        )
