from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.db.models import Q, QuerySet

from backflush.core.input_values import Amount
from backflush.core.quantity import convert
from backflush.core.refusals import NoConversion, NotFound
from backflush.core.units import Conversion, Converter
from backflush.db.codes import did_you_mean, find_by_code
from backflush.items.models import Batch, Item, Unit, UnitConversion


def item_coded(code: str, *, field: str = "item") -> Item:
    """Return the item with this code, typed in any case, or refuse (`not_found`) with a suggestion."""
    return items_coded([code], field=field)[code]


def items_coded(codes: Collection[str], *, field: str = "item") -> dict[str, Item]:
    """Return items by the codes as they were typed, in any case. The refusal (`not_found`) names every unknown code."""
    found = find_items(codes)
    missing = [code for code in dict.fromkeys(codes) if code not in found]
    if missing:
        raise no_items(missing, field=field)
    return found


def find_items(codes: Collection[str]) -> dict[str, Item]:
    """Return the existing items among some codes typed in any case, by the code as it was typed."""
    return find_by_code(_with_set_up(Item.objects.all()), codes)


def no_items(codes: Collection[str], *, field: str = "item") -> NotFound:
    """Return the refusal (`not_found`) of codes that no item has, with suggestions."""
    details = did_you_mean(Item.objects.all(), codes)
    return NotFound("There is no item {items}.", items=list(codes), field=field, details=details)


def items_known(codes: Collection[str]) -> dict[str, Item]:
    """Return the existing items among some exact codes, by code."""
    return {item.code: item for item in _with_set_up(Item.objects.filter(code__in=codes))}


def _with_set_up(items: QuerySet[Item]) -> QuerySet[Item]:
    return items.select_related(
        "stock_unit",
        "type_code__completion",
        "type_code__backflush",
        "type_code__issue",
        "type_code__return_action",
    )


def unit_coded(code: str, *, field: str = "unit") -> Unit:
    """Return the unit with this code, typed in any case, or refuse (`not_found`) with a suggestion."""
    return units_coded([code], field=field)[code]


def units_coded(codes: Collection[str], *, field: str = "unit") -> dict[str, Unit]:
    """Return units by the codes as they were typed, in any case. The refusal (`not_found`) names every unknown code."""
    found = find_units(codes)
    missing = [code for code in dict.fromkeys(codes) if code not in found]
    if missing:
        raise no_units(missing, field=field)
    return found


def unit_among(units: Iterable[Unit], code: str, *, field: str) -> str:
    """Return the code of the unit that was written, whose case doesn't matter where only one unit fits (Q6).

    Refusals: `NotFound`.
    """
    known = [unit.code for unit in units]
    alike = [one for one in known if one.casefold() == code.casefold()]
    if code in known:
        return code
    if len(alike) != 1:
        raise no_units([code], field=field)
    return alike[0]


def find_units(codes: Collection[str]) -> dict[str, Unit]:
    """Return the existing units among some codes typed in any case, by the code as it was typed."""
    return find_by_code(Unit.objects.all(), codes)


def no_units(codes: Collection[str], *, field: str = "unit") -> NotFound:
    """Return the refusal (`not_found`) of codes that no unit has, with suggestions."""
    details = did_you_mean(Unit.objects.all(), codes)
    return NotFound("There is no unit {units}.", units=list(codes), field=field, details=details)


def converter(items: Iterable[int] | None) -> Converter:
    """Return the conversions for some items, or for all: the system's and the items' own (Q4)."""
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
    """Return how many stock units of the item one of a unit is, or refuse (`no_conversion`)."""
    factor = converter.factor(item.pk, unit, item.stock_unit.code)
    if factor is None:
        raise NoConversion(
            "There is no conversion from {unit} to {stock_unit} for {item}. Add it, or use another unit.",
            unit=unit,
            stock_unit=item.stock_unit.code,
            item=item.code,
            field=field,
        )
    return factor


def in_stock_unit(quantity: Decimal, factor: Fraction, item: Item, *, field: str, unit: str) -> Decimal:
    """Convert a quantity to the stock unit; `factor` stock units make one of its unit.

    Refused (`invalid_quantity`) where the item's decimals can't hold it, with the nearest quantities in its unit (Q5,
    Q6).
    """
    units = unit, item.stock_unit.code
    return convert(quantity, factor, item.quantity_decimals, field=field, what=item.code, units=lambda: units)


def stock_quantity(item: Item, amount: Amount, *, field: str) -> Decimal:
    """Return a quantity that was entered in the stock unit, or with another unit behind it, in the stock unit (Q6).

    Only another unit takes statements. Refusals: `NotFound`, `NoConversion`, `InvalidQuantity`.
    """
    if not amount.unit or amount.unit.casefold() == item.stock_unit.code.casefold():
        return amount.number
    unit = unit_among(Unit.objects.all(), amount.unit, field=field)
    factor = require_factor(converter([item.pk]), item, unit, field=field)
    return in_stock_unit(amount.number, factor, item, field=field, unit=unit)


def stock_quantity_of_piles(item: Item, piles: Iterable[Amount], *, field: str) -> Decimal:
    """Return the sum of piles in the stock unit, each in a unit of its own or the stock unit (Q6).

    Refusals: `NotFound`, `NoConversion`, `InvalidQuantity`.
    """
    return sum((stock_quantity(item, pile, field=field) for pile in piles), Decimal(0))


def stock_quantity_of(code: str, amount: Amount, *, field: str) -> Decimal:
    """Return a quantity of the item of a code in the stock unit; the item is read only for a unit behind the number."""
    return stock_quantity(item_coded(code), amount, field=field) if amount.unit else amount.number


def items_found(
    *, text: str = "", component_class: str = "", group: str = "", type_code: str = "", site_day: date | None = None
) -> QuerySet[Item]:
    """Return items by code. `text` matches a part of code or description; `site_day` excludes items obsolete on
    that day."""
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


def expired_batches(item: Item, batches: Collection[str], day: date) -> dict[str, date]:
    """Return the expiry dates of those of an item's batches that have expired by a day (X5)."""
    expired = Batch.objects.filter(item=item, code__in=batches, expires_on__lt=day)
    return {code: expires_on for code, expires_on in expired.values_list("code", "expires_on") if expires_on}
