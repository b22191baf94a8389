"""Setting up what we stock. Many at a time, because an import brings a hundred thousand; one is a batch of one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.db import transaction
from django.utils import timezone

from backflush.core.moves import Tracking
from backflush.core.quantity import DECIMALS_MAX, LARGEST, ZERO
from backflush.core.refusals import AlreadyThere, ConversionsDisagree, InvalidQuantity, InvalidValue, SameLocation
from backflush.core.units import Conversion, contradiction
from backflush.items.models import Batch, ComponentClass, Item, ItemCost, ProductGroup, TypeCode, Unit, UnitConversion
from backflush.stockmap.models import Action, ActionType
from backflush.stockmap.services import require_free, require_type

COST_ELEMENTS = tuple(
    f"{kind}_{element}" for kind in ("standard", "latest") for element in ("material", "labour", "outside", "overhead")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemIn:
    """An item as it is entered; `costs` by element (`standard_material` and so on), in money for one stock unit."""

    code: str
    component_class: str
    type_code: TypeCode
    stock_unit: Unit
    description: str = ""
    product_group: ProductGroup | None = None
    quantity_decimals: int = 0
    cost_decimals: int = 4
    tracking: str = Tracking.NONE
    abc_class: str = ""
    stock_min: Decimal | None = None
    stock_max: Decimal | None = None
    batch_size: Decimal | None = None
    lead_time_days: int | None = None
    obsolete_on: date | None = None
    costs: Mapping[str, Decimal] = field(default_factory=dict)


@transaction.atomic
def add_unit(*, code: str, name: str = "") -> Unit:
    """A unit of measure."""
    require_free(Unit.objects.filter(code=code), f"unit {code}")
    return Unit.objects.create(code=code, name=name)


@transaction.atomic
def add_product_group(*, code: str, description: str = "") -> ProductGroup:
    """Items that are looked at together."""
    require_free(ProductGroup.objects.filter(code=code), f"product group {code}")
    return ProductGroup.objects.create(code=code, description=description)


@transaction.atomic
def add_type_code(
    *,
    code: str,
    description: str = "",
    completion: Action | None = None,
    backflush: Action | None = None,
    issue: Action | None = None,
    return_action: Action | None = None,
) -> TypeCode:
    """What decides, by its actions, whether and how its items are backflushed (A4)."""
    require_free(TypeCode.objects.filter(code=code), f"type code {code}")
    require_right_types(completion=completion, backflush=backflush, issue=issue, return_action=return_action)
    return TypeCode.objects.create(
        code=code,
        description=description,
        completion=completion,
        backflush=backflush,
        issue=issue,
        return_action=return_action,
    )


def require_right_types(
    *, completion: Action | None, backflush: Action | None, issue: Action | None, return_action: Action | None
) -> None:
    """Refuse an action of another type than its place in a type code needs (`wrong_action_type`)."""
    for action, type, name in (
        (completion, ActionType.COMPLETION, "completion"),
        (backflush, ActionType.BACKFLUSH, "backflush"),
        (issue, ActionType.ISSUE, "issue"),
        (return_action, ActionType.RETURN, "return_action"),
    ):
        if action is not None:
            require_type(action, type, field=name)


def require_sound(item: ItemIn) -> None:
    """Refuse an item whose own facts make no sense."""
    if item.component_class not in ComponentClass.values:
        raise InvalidValue(
            f"{item.code}: class {item.component_class!r} is none of {', '.join(ComponentClass.values)}.", field="class"
        )
    if item.tracking not in set(Tracking):
        raise InvalidValue(f"{item.code}: tracking {item.tracking!r} is none of none, batch, serial.", field="tracking")
    for name, decimals in (("decimals", item.quantity_decimals), ("cost_decimals", item.cost_decimals)):
        if not 0 <= decimals <= DECIMALS_MAX:
            raise InvalidValue(f"{item.code}: {name} are from 0 to {DECIMALS_MAX}.", field=name)
    if item.tracking == Tracking.SERIAL and item.quantity_decimals:
        raise InvalidValue(f"{item.code} has serial numbers, so it is counted in whole pieces.", field="decimals")
    for name, cost in item.costs.items():
        if not 0 <= cost < LARGEST or round(cost, DECIMALS_MAX) != cost:
            raise InvalidQuantity(f"{item.code}: a cost is 0 or more, to six decimals at most.", field=name)


@transaction.atomic
def add_items(items: Sequence[ItemIn]) -> list[Item]:
    """Items with their first costs."""
    for item in items:
        require_sound(item)
    there = set(Item.objects.filter(code__in=[item.code for item in items]).values_list("code", flat=True))
    if there or len({item.code for item in items}) < len(items):
        raise AlreadyThere(f"There is {', '.join(sorted(there)) or 'an item twice'} already.", field="code")
    made = Item.objects.bulk_create(_item(item) for item in items)
    _set_costs(zip(made, (item.costs for item in items), strict=True))
    return made


def add_item(item: ItemIn) -> Item:
    """One item with its first costs."""
    return add_items([item])[0]


def _item(item: ItemIn) -> Item:
    return Item(
        code=item.code,
        description=item.description,
        product_group=item.product_group,
        type_code=item.type_code,
        component_class=item.component_class,
        stock_unit=item.stock_unit,
        quantity_decimals=item.quantity_decimals,
        cost_decimals=item.cost_decimals,
        tracking=item.tracking,
        abc_class=item.abc_class,
        stock_min=item.stock_min,
        stock_max=item.stock_max,
        batch_size=item.batch_size,
        lead_time_days=item.lead_time_days,
        obsolete_on=item.obsolete_on,
    )


@transaction.atomic
def set_costs(item: Item, costs: Mapping[str, Decimal]) -> None:
    """Give an item new costs from now on; what is left out stays. Movements keep the cost of their moment."""
    before = item.cost
    assert before is not None, "every item has a cost from its start"
    _set_costs([(item, {name: costs.get(name, getattr(before, name)) for name in COST_ELEMENTS})])


def _set_costs(costs: Iterable[tuple[Item, Mapping[str, Decimal]]]) -> None:
    now = timezone.now()
    pairs = list(costs)
    versions = ItemCost.objects.bulk_create(
        ItemCost(item=item, since=now, **{name: given.get(name, ZERO) for name in COST_ELEMENTS})
        for item, given in pairs
    )
    for (item, _), version in zip(pairs, versions, strict=True):
        item.cost = version
    Item.objects.bulk_update([item for item, _ in pairs], ["cost"], batch_size=500)


@dataclass(frozen=True, slots=True)
class ConversionIn:
    """One `source` is `ratio` of `target`; for one item, or for all."""

    source: Unit
    target: Unit
    ratio: Fraction
    item: Item | None = None


@transaction.atomic
def add_conversions(conversions: Sequence[ConversionIn]) -> list[UnitConversion]:
    """Conversions that agree with those that are there, within the system's and within an item's own (Q4)."""
    for conversion in conversions:
        if conversion.source.pk == conversion.target.pk:
            raise SameLocation(f"A conversion is between two units, not {conversion.source.code} twice.", field="to")
        if conversion.ratio <= 0:
            raise InvalidQuantity("A conversion's factor is above zero.", field="factor")
    require_agreement(conversions)
    return UnitConversion.objects.bulk_create(
        UnitConversion(item=new.item, source=new.source, target=new.target, ratio=new.ratio) for new in conversions
    )


def require_agreement(conversions: Sequence[ConversionIn]) -> None:
    """Refuse conversions that contradict those of their family (`conversions_disagree`), or stand there already."""
    for item in {conversion.item for conversion in conversions}:
        there = [
            Conversion(source, target, ratio)
            for source, target, ratio in UnitConversion.objects.filter(item=item)
            .order_by("pk")
            .values_list("source__code", "target__code", "ratio")
        ]
        new = [
            Conversion(conversion.source.code, conversion.target.code, conversion.ratio)
            for conversion in conversions
            if conversion.item == item
        ]
        for_whom = f" for {item.code}" if item else ""
        wrong = contradiction([*there, *new])
        if wrong:
            raise ConversionsDisagree(
                f"1 {wrong.source} can't be {_number(wrong.ratio)} {wrong.target}{for_whom}: "
                "the other conversions say otherwise. Correct one of them.",
                field="factor",
            )
        known = {(conversion.source, conversion.target) for conversion in there}
        for conversion in new:
            if (conversion.source, conversion.target) in known:
                raise AlreadyThere(
                    f"There is a conversion from {conversion.source} to {conversion.target}{for_whom} already.",
                    field="from",
                )
            known.add((conversion.source, conversion.target))


def _number(ratio: Fraction) -> str:
    return str(ratio.numerator / ratio.denominator) if ratio.denominator <= LARGEST else str(ratio)


@transaction.atomic
def set_batch(*, item: Item, code: str, expires_on: date | None) -> Batch:
    """Say when a batch of an item expires, so that it is offered first in time."""
    batch, _ = Batch.objects.update_or_create(item=item, code=code, defaults={"expires_on": expires_on})
    return batch
