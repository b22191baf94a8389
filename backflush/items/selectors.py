from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.db.models import Q, QuerySet

from backflush.core.quantity import convert
from backflush.core.refusals import NoConversion, NotFound
from backflush.core.units import Conversion, Converter
from backflush.items.models import Item, Unit, UnitConversion


def item_coded(code: str, *, field: str = "item") -> Item:
    """The item of a code, with what most callers ask of it."""
    return items_coded([code], field=field)[code]


def items_coded(codes: Collection[str], *, field: str = "item") -> dict[str, Item]:
    """Items by code; every code that there is no item of is named."""
    found = items_known(codes)
    missing = [code for code in dict.fromkeys(codes) if code not in found]
    if missing:
        raise NotFound(f"There is no item {', '.join(missing)}.", field=field)
    return found


def items_known(codes: Collection[str]) -> dict[str, Item]:
    """Those of some items that there are, by code."""
    found = Item.objects.filter(code__in=codes).select_related(
        "stock_unit",
        "type_code__completion",
        "type_code__backflush",
        "type_code__issue",
        "type_code__return_action",
    )
    return {item.code: item for item in found}


def unit_coded(code: str, *, field: str = "unit") -> Unit:
    """The unit of a code."""
    unit = Unit.objects.filter(code=code).first()
    if unit is None:
        raise NotFound(f"There is no unit {code}.", field=field)
    return unit


def units_coded(codes: Collection[str], *, field: str = "unit") -> dict[str, Unit]:
    """Units by code; every code that there is no unit of is named."""
    found = {unit.code: unit for unit in Unit.objects.filter(code__in=codes)}
    missing = [code for code in dict.fromkeys(codes) if code not in found]
    if missing:
        raise NotFound(f"There is no unit {', '.join(missing)}.", field=field)
    return found


def converter(items: Iterable[int] | None) -> Converter:
    """All conversions that some items need, or all items: the system's and their own (Q4)."""
    rows = UnitConversion.objects.all()
    if items is not None:
        rows = rows.filter(Q(item__isnull=True) | Q(item__in=list(items)))
    system: list[Conversion] = []
    own: dict[int, list[Conversion]] = {}
    for row in rows.order_by("pk").select_related("source", "target"):
        family = system if row.item_id is None else own.setdefault(row.item_id, [])
        family.append(Conversion(row.source.code, row.target.code, row.ratio))
    return Converter(system, own)


def require_factor(converter: Converter, item: Item, unit: str, *, field: str = "unit") -> Fraction:
    """Stock units of the item in one of a unit; refused where there is no way (`no_conversion`)."""
    factor = converter.factor(item.pk, unit, item.stock_unit.code)
    if factor is None:
        raise NoConversion(
            f"There is no conversion from {unit} to {item.stock_unit.code} for {item.code}. "
            "Add it, or use another unit.",
            field=field,
        )
    return factor


def in_stock_unit(quantity: Decimal, factor: Fraction, item: Item, *, field: str) -> Decimal:
    """A quantity in the stock unit, refused where the item's decimals can't hold it (Q5)."""
    return convert(quantity, factor, item.quantity_decimals, field=field, what=item.code)


def items_found(
    *, text: str = "", component_class: str = "", group: str = "", type_code: str = "", site_day: date | None = None
) -> QuerySet[Item]:
    """Items by code; `text` is part of a code or description, `site_day` leaves out those obsolete by then."""
    found = Item.objects.select_related("stock_unit", "type_code", "product_group", "cost")
    if text:
        found = found.filter(Q(code__icontains=text) | Q(description__icontains=text))
    for name, value in (
        ("component_class", component_class),
        ("product_group__code", group),
        ("type_code__code", type_code),
    ):
        if value:
            found = found.filter(**{name: value})
    if site_day is not None:
        found = found.filter(Q(obsolete_on__isnull=True) | Q(obsolete_on__gt=site_day))
    return found.order_by("code")
