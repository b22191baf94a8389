"""Set up items, units, conversions, type codes, product groups and batches. Each service takes many rows, for imports.

Callers pass in what this room can't know: which of the items that they change are `in_use`, because stock has moved.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.db import transaction
from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone

from backflush.core.moves import Tracking
from backflush.core.quantity import DECIMALS_MAX, LARGEST, ZERO
from backflush.core.refusals import (
    AlreadyThere,
    ConversionsDisagree,
    InUse,
    InvalidQuantity,
    InvalidValue,
    Refusal,
    SameLocation,
)
from backflush.core.units import Conversion, contradiction
from backflush.db.unique_names import named_once
from backflush.items.models import Batch, ComponentClass, Item, ItemCost, ProductGroup, TypeCode, Unit, UnitConversion
from backflush.stockmap.deactivation import require_in_use
from backflush.stockmap.models import Action, ActionType
from backflush.stockmap.services import require_new, require_type

COST_ELEMENTS = tuple(
    f"{kind}_{element}" for kind in ("standard", "latest") for element in ("material", "labour", "outside", "overhead")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemIn:
    """The input for an item. `costs` are by element (`standard_material` and so on), in money per stock unit."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitIn:
    """The input for a unit of measure."""

    code: str
    name: str = ""


@named_once("unit")
@transaction.atomic
def add_units(units: Sequence[UnitIn]) -> list[Unit]:
    """Add units of measure."""
    require_new(((unit.code,) for unit in units), Unit.objects.values_list("code"), "unit")
    return Unit.objects.bulk_create(Unit(code=unit.code, name=unit.name) for unit in units)


def add_unit(*, code: str, name: str = "") -> Unit:
    """Add one unit of measure."""
    return add_units([UnitIn(code=code, name=name)])[0]


@transaction.atomic
def rename_units(names: Sequence[tuple[Unit, str]]) -> None:
    """Rename some units. Their codes are fixed."""
    for unit, name in names:
        unit.name = name
    Unit.objects.bulk_update([unit for unit, _ in names], ["name"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductGroupIn:
    """The input for a product group."""

    code: str
    description: str = ""


@named_once("product group")
@transaction.atomic
def add_product_groups(groups: Sequence[ProductGroupIn]) -> list[ProductGroup]:
    """Add product groups."""
    require_new(((group.code,) for group in groups), ProductGroup.objects.values_list("code"), "product group")
    return ProductGroup.objects.bulk_create(
        ProductGroup(code=group.code, description=group.description) for group in groups
    )


def add_product_group(*, code: str, description: str = "") -> ProductGroup:
    """Add one product group."""
    return add_product_groups([ProductGroupIn(code=code, description=description)])[0]


@transaction.atomic
def describe_product_groups(descriptions: Sequence[tuple[ProductGroup, str]]) -> None:
    """Change the descriptions of some product groups."""
    for group, description in descriptions:
        group.description = description
    ProductGroup.objects.bulk_update([group for group, _ in descriptions], ["description"])


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeCodeIn:
    """The input for a type code."""

    code: str
    description: str = ""
    completion: Action | None = None
    backflush: Action | None = None
    issue: Action | None = None
    return_action: Action | None = None


TYPE_CODE_FIELDS = ("description", "completion", "backflush", "issue", "return_action")


@named_once("type code")
@transaction.atomic
def add_type_codes(codes: Sequence[TypeCodeIn]) -> list[TypeCode]:
    """Add type codes with their actions (A4)."""
    require_new(((code.code,) for code in codes), TypeCode.objects.values_list("code"), "type code")
    for code in codes:
        _require_right_types(code, before=None)
    return TypeCode.objects.bulk_create(
        TypeCode(code=code.code, **{name: getattr(code, name) for name in TYPE_CODE_FIELDS}) for code in codes
    )


def add_type_code(
    *,
    code: str,
    description: str = "",
    completion: Action | None = None,
    backflush: Action | None = None,
    issue: Action | None = None,
    return_action: Action | None = None,
) -> TypeCode:
    """Add one type code."""
    new = TypeCodeIn(
        code=code,
        description=description,
        completion=completion,
        backflush=backflush,
        issue=issue,
        return_action=return_action,
    )
    return add_type_codes([new])[0]


@transaction.atomic
def change_type_codes(changes: Sequence[tuple[TypeCode, TypeCodeIn]]) -> None:
    """Change the actions of some type codes from the next booking on. Earlier bookings keep theirs."""
    for code, new in changes:
        _require_right_types(new, before=code)
        for name in TYPE_CODE_FIELDS:
            setattr(code, name, getattr(new, name))
    TypeCode.objects.bulk_update([code for code, _ in changes], TYPE_CODE_FIELDS)


def _require_right_types(code: TypeCodeIn, *, before: TypeCode | None) -> None:
    """Refuse an action of the wrong type (`wrong_action_type`) or a deactivated one (`ended`)."""
    for action, type, name in (
        (code.completion, ActionType.COMPLETION, "completion"),
        (code.backflush, ActionType.BACKFLUSH, "backflush"),
        (code.issue, ActionType.ISSUE, "issue"),
        (code.return_action, ActionType.RETURN, "return_action"),
    ):
        if action is not None:
            require_type(action, type, field=name)
            require_in_use(action, field=name, before=getattr(before, f"{name}_id", None))


def item_refusals(item: ItemIn) -> Iterator[Refusal]:
    """Yield a refusal for each value of an item that is invalid in itself."""
    if item.component_class not in ComponentClass.values:
        yield InvalidValue(
            "{item}: there is no class '{component_class}'. Choose one of: {classes}.",
            item=item.code,
            component_class=item.component_class,
            classes=ComponentClass.values,
            field="class",
        )
    if item.tracking not in set(Tracking):
        yield InvalidValue(
            "{item}: there is no tracking '{tracking}'. Choose one of: {trackings}.",
            item=item.code,
            tracking=item.tracking,
            trackings=list(Tracking),
            field="tracking",
        )
    for name, decimals in (("decimals", item.quantity_decimals), ("cost_decimals", item.cost_decimals)):
        if not 0 <= decimals <= DECIMALS_MAX:
            yield InvalidValue(
                "{item}: {column} must be from 0 to {most}.", item=item.code, column=name, most=DECIMALS_MAX, field=name
            )
    if item.tracking == Tracking.SERIAL and item.quantity_decimals:
        yield InvalidValue(
            "{item} has serial numbers, so it is counted in whole pieces. Set its decimals to 0.",
            item=item.code,
            field="decimals",
        )
    amounts = {name: getattr(item, name) for name in ("stock_min", "stock_max", "batch_size")}
    for name, amount in {**item.costs, **amounts}.items():
        if amount is not None and (not 0 <= amount < LARGEST or round(amount, DECIMALS_MAX) != amount):
            what = "a cost" if name in COST_ELEMENTS else name
            yield InvalidQuantity(
                "{item}: {column} must be 0 or more, with at most six decimals.",
                item=item.code,
                column=what,
                field=name,
            )
    if item.lead_time_days is not None and item.lead_time_days < 0:
        yield InvalidQuantity(
            "{item}: the lead time is below zero. Enter 0 days or more.", item=item.code, field="lead_time_days"
        )


NAMES: Mapping[str, str] = {"type_code": "type_code", "product_group": "product_group", "stock_unit": "unit"}
"""The rows that an item refers to, with their labels. None may be deactivated when the item first names it."""


def _require_named_in_use(new: ItemIn, *, before: Item | None) -> None:
    for name, called in NAMES.items():
        require_in_use(getattr(new, name), field=called, before=getattr(before, f"{name}_id", None))


def require_sound(items: Iterable[ItemIn]) -> None:
    """Refuse items with invalid values."""
    for item in items:
        for refusal in item_refusals(item):
            raise refusal


@named_once("item")
@transaction.atomic
def add_items(items: Sequence[ItemIn]) -> list[Item]:
    """Add items with their first costs."""
    require_sound(items)
    for item in items:
        _require_named_in_use(item, before=None)
    there = set(Item.objects.filter(code__in=[item.code for item in items]).values_list("code", flat=True))
    if there or len({item.code for item in items}) < len(items):
        twice = sorted(there) or [code for code, times in Counter(item.code for item in items).items() if times > 1]
        raise AlreadyThere("There is an item {items} already. Choose another code.", items=twice, field="code")
    made = Item.objects.bulk_create(_item(item) for item in items)
    _set_costs(zip(made, (item.costs for item in items), strict=True))
    return made


def add_item(item: ItemIn) -> Item:
    """Add one item with its first costs."""
    return add_items([item])[0]


ITEM_FIELDS = (
    "description",
    "product_group",
    "type_code",
    "component_class",
    "stock_unit",
    "quantity_decimals",
    "cost_decimals",
    "tracking",
    "abc_class",
    "stock_min",
    "stock_max",
    "batch_size",
    "lead_time_days",
    "obsolete_on",
)
SETTLED_BY_USE = {"stock_unit": "unit", "quantity_decimals": "decimals", "tracking": "tracking"}
"""The fields that are fixed once stock has moved or an order uses them, with their labels."""


def _item(item: ItemIn) -> Item:
    return Item(code=item.code, **{name: getattr(item, name) for name in ITEM_FIELDS})


@transaction.atomic
def change_items(changes: Sequence[tuple[Item, ItemIn]], *, in_use: Collection[int]) -> None:
    """Change some items. Costs that aren't given stay. Refused (`in_use`) for fields that are fixed by use."""
    require_sound(new for _, new in changes)
    for item, new in changes:
        for refusal in change_refusals(item, new, in_use=item.pk in in_use):
            raise refusal
        _require_named_in_use(new, before=item)
        for name in ITEM_FIELDS:
            setattr(item, name, getattr(new, name))
    Item.objects.bulk_update([item for item, _ in changes], ITEM_FIELDS)
    _change_costs([(item, new.costs) for item, new in changes if new.costs])


def change_refusals(item: Item, new: ItemIn, *, in_use: bool) -> Iterator[Refusal]:
    """Yield a refusal for each changed field that is fixed, because stock has moved or orders use the old value."""
    for name, called in SETTLED_BY_USE.items():
        if in_use and getattr(item, name) != getattr(new, name):
            yield InUse(
                "{item} has movements or orders, so its {column} stays {value}. Set up another item instead.",
                item=item.code,
                column=called,
                value=str(getattr(item, name)),
                field=called,
            )
    was, will_be = item.component_class, new.component_class
    if in_use and was != will_be and ComponentClass.PHANTOM in {was, will_be}:
        yield InUse(
            "{item} has movements or orders, so it can't become a phantom or stop being one. Set up another item "
            "instead.",
            item=item.code,
            field="class",
        )


def set_costs(item: Item, costs: Mapping[str, Decimal]) -> None:
    """Set new costs of an item from now on; what isn't given stays. Movements keep the cost of their moment."""
    change_costs([(item, costs)])


@transaction.atomic
def change_costs(costs: Sequence[tuple[Item, Mapping[str, Decimal]]]) -> None:
    """Set new costs of some items from now on; what isn't given stays."""
    _change_costs(costs)


def _change_costs(costs: Sequence[tuple[Item, Mapping[str, Decimal]]]) -> None:
    before = ItemCost.objects.in_bulk([item.cost_id for item, _ in costs if item.cost_id is not None])
    full = []
    for item, given in costs:
        assert item.cost_id is not None, "every item has a cost from its start"
        old = before[item.cost_id]
        new = {name: given.get(name, getattr(old, name)) for name in COST_ELEMENTS}
        if any(getattr(old, name) != cost for name, cost in new.items()):
            full.append((item, new))
    _set_costs(full)


def _set_costs(costs: Iterable[tuple[Item, Mapping[str, Decimal]]]) -> None:
    now = timezone.now()
    pairs = list(costs)
    versions = ItemCost.objects.bulk_create(
        ItemCost(item=item, since=now, **{name: given.get(name, ZERO) for name in COST_ELEMENTS})
        for item, given in pairs
    )
    for (item, _), version in zip(pairs, versions, strict=True):
        item.cost = version
    newest = ItemCost.objects.filter(item=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    Item.objects.filter(pk__in=[item.pk for item, _ in pairs]).update(cost=Subquery(newest))


@dataclass(frozen=True, slots=True)
class ConversionIn:
    """The input for a unit conversion: one `source` is `ratio` of `target`, for one item or for all."""

    source: Unit
    target: Unit
    ratio: Fraction
    item: Item | None = None

    @property
    def ends(self) -> tuple[int | None, int, int]:
        """The values that identify a conversion: item, source and target."""
        return (self.item.pk if self.item else None), self.source.pk, self.target.pk


@transaction.atomic
def add_conversions(conversions: Sequence[ConversionIn]) -> list[UnitConversion]:
    """Add unit conversions. Refused (`conversions_disagree`) where they contradict the existing ones of the same scope
    (Q4)."""
    for new in conversions:
        require_in_use(new.source, field="from")
        require_in_use(new.target, field="to")
    return _enter_conversions(conversions)


def _enter_conversions(conversions: Sequence[ConversionIn]) -> list[UnitConversion]:
    _require_two_units(conversions)
    require_agreement(conversions)
    return UnitConversion.objects.bulk_create(
        UnitConversion(item=new.item, source=new.source, target=new.target, ratio=new.ratio) for new in conversions
    )


@transaction.atomic
def change_conversions(conversions: Sequence[ConversionIn]) -> list[UnitConversion]:
    """Correct the factors of some conversions. Released orders keep the factors that they were released with.

    All old factors are removed first, so that several connected conversions can be corrected together.
    """
    _require_two_units(conversions)
    wanted = {new.ends for new in conversions}
    there = UnitConversion.objects.filter(item__in={new.item for new in conversions if new.item is not None})
    common = UnitConversion.objects.filter(item__isnull=True)
    old = [pk for pk, *ends in (there | common).values_list("pk", "item", "source", "target") if tuple(ends) in wanted]
    UnitConversion.objects.filter(pk__in=old).delete()
    return _enter_conversions(conversions)


def _require_two_units(conversions: Iterable[ConversionIn]) -> None:
    for conversion in conversions:
        if conversion.source.pk == conversion.target.pk:
            raise SameLocation(
                "A conversion needs two different units, not {unit} twice.", unit=conversion.source.code, field="to"
            )
        if conversion.ratio <= 0:
            raise InvalidQuantity("The factor of a conversion must be above zero.", field="factor")


def require_agreement(conversions: Sequence[ConversionIn]) -> None:
    """Refuse conversions that contradict others of the same scope (`conversions_disagree`), or that exist already."""
    families: dict[Item | None, list[Conversion]] = {}
    for new in conversions:
        families.setdefault(new.item, []).append(Conversion(new.source.code, new.target.code, new.ratio))
    there = _known_conversions([item.pk for item in families if item is not None])
    for item, added in families.items():
        known = there.get(item.pk if item else None, [])
        wrong = contradiction([*known, *added])
        if wrong:
            raise _contradicts(wrong, item)
        ends = {(conversion.source, conversion.target) for conversion in known}
        for conversion in added:
            if (conversion.source, conversion.target) in ends:
                raise _has_conversion(conversion, item)
            ends.add((conversion.source, conversion.target))


def _contradicts(conversion: Conversion, item: Item | None) -> ConversionsDisagree:
    factor = _number(conversion.ratio)
    if item is None:
        return ConversionsDisagree(
            "1 {source} = {factor} {target} contradicts the other conversions. Correct one of them.",
            source=conversion.source,
            factor=factor,
            target=conversion.target,
            field="factor",
        )
    return ConversionsDisagree(
        "1 {source} = {factor} {target} contradicts the other conversions of {item}. Correct one of them.",
        source=conversion.source,
        factor=factor,
        target=conversion.target,
        item=item.code,
        field="factor",
    )


def _has_conversion(conversion: Conversion, item: Item | None) -> AlreadyThere:
    source, target = conversion.source, conversion.target
    if item is None:
        return AlreadyThere(
            "There is a conversion from {source} to {target} already. Change that one.",
            source=source,
            target=target,
            field="from",
        )
    return AlreadyThere(
        "{item} has a conversion from {source} to {target} already. Change that one.",
        item=item.code,
        source=source,
        target=target,
        field="from",
    )


def _known_conversions(items: Collection[int]) -> dict[int | None, list[Conversion]]:
    """Return the system's conversions (under None) and those of some items, in the order of entry."""
    known: dict[int | None, list[Conversion]] = {}
    rows = UnitConversion.objects.filter(Q(item__isnull=True) | Q(item__in=items)).order_by("pk")
    for item, source, target, ratio in rows.values_list("item", "source__code", "target__code", "ratio"):
        known.setdefault(item, []).append(Conversion(source, target, ratio))
    return known


def _number(ratio: Fraction) -> str:
    return str(ratio.numerator / ratio.denominator) if ratio.denominator <= LARGEST else str(ratio)


@transaction.atomic
def set_batches(batches: Sequence[tuple[Item, str, date | None]]) -> None:
    """Set the expiry dates of some batches. The first to expire is offered first (T2)."""
    Batch.objects.bulk_create(
        [Batch(item=item, code=code, expires_on=expires_on) for item, code, expires_on in batches],
        update_conflicts=True,
        unique_fields=["item", "code"],
        update_fields=["expires_on"],
    )


def set_batch(*, item: Item, code: str, expires_on: date | None) -> Batch:
    """Set the expiry date of one batch."""
    set_batches([(item, code, expires_on)])
    return Batch.objects.get(item=item, code=code)
