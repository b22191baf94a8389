import hashlib
from bisect import bisect
from collections.abc import Collection, Iterable
from datetime import date, timedelta
from fractions import Fraction

from django.db.models import Count, F, Q, QuerySet

from backflush.core.structure import Component, ComponentLine, Explosion, explode
from backflush.core.units import Converter
from backflush.items.models import ComponentClass, Item
from backflush.items.selectors import converter
from backflush.stockmap.models import Location, Site
from backflush.structures.models import LineSource, StructureLine


def component_of(item: Item) -> Component:
    """Convert an item to the core's `Component`."""
    return Component(item.pk, item.code, item.stock_unit.code, item.component_class == ComponentClass.PHANTOM)


_COLUMNS = (
    *("item", "pk", "number", "quantity", "unit__code", "waste", "fixed", "by_hand", "supplier_provides"),
    *("starts", "ends"),
    *("component", "component__code", "component__stock_unit__code", "component__component_class"),
)


def lines_of(
    site: Site | None, items: Collection[int] | None = None, *, day: date | None = None
) -> dict[int, list[ComponentLine]]:
    """Return the structure lines of some items, or of all, each with its own from-location at the site.

    Returns every version, or with a day only the lines in force. Rows are read as columns: a plant has tens of
    thousands of lines, and model instances with component and units take four times as long.
    """
    found, own = StructureLine.objects.order_by("pk"), LineSource.objects.filter(site=site)
    if items is not None:
        found, own = found.filter(item__in=items), own.filter(line__item__in=items)
    if day is not None:
        found = found.filter(in_force_on(day))
    rows = list(found.values_list(*_COLUMNS))
    sources = dict(own.values_list("line", "location")) if site is not None and rows else {}
    components: dict[int, Component] = {}
    lines: dict[int, list[ComponentLine]] = {}
    for item, pk, number, quantity, unit, waste, fixed, by_hand, provided, starts, ends, *named in rows:
        component = components.get(named[0]) or components.setdefault(named[0], _component(*named))
        source = sources.get(pk)
        line = ComponentLine(number, component, quantity, unit, waste, fixed, by_hand, provided, source, starts, ends)
        lines.setdefault(item, []).append(line)
    return lines


def _component(pk: int, code: str, unit: str, component_class: str) -> Component:
    return Component(pk, code, unit, component_class == ComponentClass.PHANTOM)


def in_force_on(day: date) -> Q:
    """Return the filter for lines in force on a day. Both dates are included; an empty date is open (S2)."""
    begun = Q(starts__isnull=True) | Q(starts__lte=day)
    return begun & (Q(ends__isnull=True) | Q(ends__gte=day))


def structure_rows(item: Item) -> QuerySet[StructureLine]:
    """Return all lines of an item's structure with all versions, in line order."""
    rows = StructureLine.objects.filter(item=item).select_related("component__stock_unit", "unit")
    return rows.prefetch_related("sources__location").order_by("number", F("starts").asc(nulls_first=True), "pk")


def structure_stamp(item: Item) -> str:
    """Return a stamp of an item's structure that differs after every change, because each change inserts new lines."""
    pks = StructureLine.objects.filter(item=item).order_by("pk").values_list("pk", flat=True)
    return hashlib.sha256(",".join(map(str, pks)).encode()).hexdigest()[:32]


def where_used(item: Item, *, day: date | None = None) -> QuerySet[StructureLine]:
    """Return the lines that name an item as component, ordered by parent (`made`); with a day, only those in force."""
    found = StructureLine.objects.filter(component=item).select_related("item__stock_unit", "unit")
    if day is not None:
        found = found.filter(in_force_on(day))
    return found.annotate(made=F("item__code")).order_by("made", "number", "pk")


def lines_taking_from(location: Location, *, day: date) -> int:
    """Count the lines in force on a day or later that have this location as their own from-location."""
    over = Q(line__ends__isnull=False, line__ends__lt=day)
    return LineSource.objects.filter(site=location.site_id, location=location).exclude(over).count()


def use_counts(items: Collection[int], *, day: date) -> dict[int, int]:
    """Count for each item the structures that contain it on a day."""
    found = StructureLine.objects.filter(in_force_on(day), component__in=items).order_by()
    return dict(found.values_list("component").annotate(Count("item", distinct=True)))


def contents() -> dict[int, set[int]]:
    """Return the components of each item, one level down, regardless of dates."""
    contains: dict[int, set[int]] = {}
    for item, component in StructureLine.objects.order_by().values_list("item", "component").distinct():
        contains.setdefault(item, set()).add(component)
    return contains


class StructureBook:
    """The structures of some items and of all phantoms in them, read once for many orders.

    A structure changes only on days on which one of its lines, or of its phantoms' lines, starts or ends. Each interval
    between two such days is exploded once.
    """

    def __init__(self, site: Site | None, items: Iterable[int], extra: Iterable[ComponentLine] = ()) -> None:
        self.site = site
        self._lines: dict[int, list[ComponentLine]] = {}
        wanted = set(items) | {line.component.item for line in extra if line.component.phantom}
        while wanted:
            found = lines_of(site, wanted)
            self._lines.update({item: found.get(item, []) for item in wanted})
            met = (line.component for lines in found.values() for line in lines)
            wanted = {component.item for component in met if component.phantom} - self._lines.keys()
        components = {line.component.item for lines in self._lines.values() for line in lines}
        components.update(line.component.item for line in extra)
        self.converter: Converter = converter(components)
        self._days: dict[int, list[date]] = {}
        self._exploded: dict[tuple[int, int], Explosion] = {}

    def explode(self, item: int, day: date) -> Explosion:
        """Return the requirements of one piece of an item on a day (S2, S3)."""
        stretch = item, bisect(self._days_of_change(item), day)
        if stretch not in self._exploded:
            self._exploded[stretch] = self.explode_lines(self._lines[item], day)
        return self._exploded[stretch]

    def explode_lines(self, lines: Collection[ComponentLine], day: date) -> Explosion:
        """Return the requirements of given lines, with phantoms passed through: for the edited copy of a new order."""
        return explode(list(lines), day=day, structures=self._lines, factor=self.factor)

    def factor(self, component: Component, unit: str) -> Fraction | None:
        """Return how many stock units of a component one of a unit is."""
        return self.converter.factor(component.item, unit, component.unit)

    def _days_of_change(self, item: int) -> list[date]:
        if item not in self._days:
            days: set[date] = set()
            seen, below = {item}, [item]
            while below:
                for line in self._lines.get(below.pop(), ()):
                    if line.starts is not None:
                        days.add(line.starts)
                    if line.ends is not None and line.ends < date.max:
                        days.add(line.ends + timedelta(days=1))
                    if line.component.phantom and line.component.item not in seen:
                        seen.add(line.component.item)
                        below.append(line.component.item)
            self._days[item] = sorted(days)
        return self._days[item]
