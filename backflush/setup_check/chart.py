"""The set-up of a site, read with a fixed number of statements."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from backflush.core.lifecycle import PurchaseStatus
from backflush.core.sentences import Count, Sentence
from backflush.core.structure import ComponentLine
from backflush.core.units import Converter
from backflush.items.models import Item, TypeCode
from backflush.items.selectors import converter
from backflush.ledger.models import Balance
from backflush.stockmap.models import Action, Location, Site, SupplierStock, TransferRule
from backflush.structures.selectors import lines_of
from backflush.subcontract.models import PurchaseOrder, PurchaseOrderLine

NAMED_MAX = 3


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that the set-up check reads. Dictionary keys are primary keys.

    `rules` are the active rules of single-rule actions, by action; `has_rule` the actions with any rule; `stock_at` the
    locations where each item has a stock record; `suppliers` the expected suppliers of each item.
    """

    site: Site
    today: date
    items: dict[int, Item]
    lines: dict[int, list[ComponentLine]]
    converter: Converter
    type_codes: list[TypeCode]
    rules: dict[int, TransferRule]
    locations: dict[int, Location]
    stock_at: set[tuple[int, int]]
    open_orders: list[PurchaseOrder]
    suppliers: dict[int, set[int]]
    supplier_stock: dict[int, Location]

    def live(self) -> Iterable[Item]:
        """The items that aren't obsolete, by code."""
        return (item for item in self.items.values() if not self.obsolete(item))

    def obsolete(self, item: Item) -> bool:
        """Whether an item is past its obsolete date."""
        return item.obsolete_on is not None and item.obsolete_on <= self.today

    def rule_of(self, action: Action | None) -> TransferRule | None:
        """Return the single rule of an action at the site, if it has one."""
        return self.rules.get(action.pk) if action else None


def read_chart(site: Site, today: date) -> Chart:
    """Read the set-up of a site as of a day."""
    rules = TransferRule.objects.filter(site=site, single=True, active=True)
    type_codes = list(
        TypeCode.objects.order_by("code").select_related("completion", "backflush", "issue", "return_action")
    )
    stock = SupplierStock.objects.filter(site=site).select_related("location")
    return Chart(
        site=site,
        today=today,
        items=_items({code.pk: code for code in type_codes}),
        lines=lines_of(site),
        converter=converter(None),
        type_codes=type_codes,
        rules={rule.action_id: rule for rule in rules.select_related("action", "source", "target")},
        locations=Location.objects.filter(site=site).in_bulk(),
        stock_at=set(Balance.objects.filter(site=site).order_by().values_list("item", "location").distinct()),
        open_orders=list(
            PurchaseOrder.objects.filter(site=site, status=PurchaseStatus.OPEN)
            .select_related("receive_action")
            .order_by("number")
        ),
        suppliers=_suppliers(site),
        supplier_stock={row.supplier_id: row.location for row in stock},
    )


def _items(type_codes: dict[int, TypeCode]) -> dict[int, Item]:
    """Return every item by primary key, ordered by code, with its type code loaded."""
    items = {item.pk: item for item in Item.objects.order_by("code")}
    for item in items.values():
        item.type_code = type_codes[item.type_code_id]
    return items


def _suppliers(site: Site) -> dict[int, set[int]]:
    """Return the expected suppliers of each item: those with open orders for it, else those with any order for it.

    An item without any has none; the rule's own from-location then applies.
    """
    expected: dict[int, set[int]] = defaultdict(set)
    earlier: dict[int, set[int]] = defaultdict(set)
    ordered = PurchaseOrderLine.objects.filter(site=site, order__site=site).order_by()
    for item, supplier, status in ordered.values_list("item", "order__supplier", "order__status").distinct():
        (expected if status == PurchaseStatus.OPEN else earlier)[item].add(supplier)
    return {**earlier, **expected}


def named(codes: Iterable[str]) -> Sentence | list[str]:
    """Return codes to name in a sentence: all of a few, or the first of many and how many more there are."""
    all_codes = list(dict.fromkeys(codes))
    if len(all_codes) <= NAMED_MAX:
        return all_codes
    return Sentence("{names} and {count} more", names=all_codes[:NAMED_MAX], count=Count(len(all_codes) - NAMED_MAX))
