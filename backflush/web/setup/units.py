"""Units of measure, and the conversions between them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from django.db.models import F, QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext_lazy

from backflush.core.input_values import read_ratio, whole_or_none
from backflush.core.quantity import EXACT
from backflush.core.refusals import InvalidQuantity
from backflush.items.models import Item, Unit, UnitConversion
from backflush.items.selectors import item_coded, unit_coded
from backflush.items.services import (
    ConversionIn,
    UnitIn,
    add_conversions,
    add_units,
    change_conversions,
    rename_units,
)
from backflush.people.rights import Verb
from backflush.setup_check.findings import About
from backflush.stockmap.deactivation import offered
from backflush.web.display import formats
from backflush.web.forms.fields import Field, FieldKind
from backflush.web.forms.values import page_dialect, text_in
from backflush.web.platform.visit import Visit
from backflush.web.setup.resource import FormData, SetupResource, code_field, count_by


class UnitResource(SetupResource[Unit], icon="ruler-2"):
    """Units of measure."""

    slug, title, singular = "units", lazy("Units"), lazy("unit")
    table = "units"
    purpose = lazy("Stock is counted in units. Structures and orders may use other units that convert.")
    verb = Verb.UNITS
    used_by = ngettext_lazy("%(number)s item", "%(number)s items", "number")
    checks = ("no_conversion",)
    found_as = About.UNIT

    def records(self, visit: Visit) -> QuerySet[Unit]:
        """Return all units, which the sites have in common."""
        return Unit.objects.all()

    def about(self, record: Unit) -> str:
        """Return its name."""
        return record.name

    def use_counts(self, visit: Visit, records: Sequence[Unit]) -> Mapping[int, int]:
        """Return how many items are counted in each."""
        return count_by(Item.objects.all(), "stock_unit", records)

    def fields(self, visit: Visit, record: Unit | None) -> list[Field]:
        """Return code and name."""
        return [code_field(record, length_max=20), Field("name", _("Name"), length_max=100)]

    def values(self, visit: Visit, record: Unit | None) -> dict[str, str]:
        """Return what is on record."""
        return {"code": record.code, "name": record.name} if record else {}

    def save(self, visit: Visit, record: Unit | None, form_data: FormData) -> Unit:
        """Add or rename a unit."""
        name = text_in(form_data, "name", most=100, empty=True)
        if record is None:
            return add_units([UnitIn(code=text_in(form_data, "code", most=20), name=name)])[0]
        rename_units([(record, name)])
        return record


class ConversionResource(SetupResource[UnitConversion], icon="arrows-exchange"):
    """Conversions between units, for all items or for one."""

    slug, title, singular = "conversions", lazy("Unit conversions"), lazy("unit conversion")
    table = "conversions"
    purpose = lazy("How many of one unit make one of another, for all items or for one item.")
    verb = Verb.UNITS
    ordering = ("source_code", "target_code", "pk")
    columns = (lazy("For"),)

    def records(self, visit: Visit) -> QuerySet[UnitConversion]:
        """Return all conversions, which the sites have in common."""
        found = UnitConversion.objects.select_related("item", "source", "target")
        return found.annotate(source_code=F("source__code"), target_code=F("target__code"))

    def name(self, record: UnitConversion) -> str:
        """Return the conversion as an equation."""
        return f"1 {record.source.code} = {_ratio_text(record.ratio)} {record.target.code}"

    def about(self, record: UnitConversion) -> str:
        """Return nothing: the equation says it all."""
        return ""

    def cells(self, visit: Visit, records: Sequence[UnitConversion]) -> Mapping[int, Sequence[str]]:
        """Return the item that each is for."""
        return {record.pk: (record.item.code if record.item else _("all items"),) for record in records}

    def address(self, record: UnitConversion) -> str:
        """Return the address of its page, which has its primary key."""
        return reverse("set-up-record", args=[self.slug, str(record.pk)])

    def find(self, visit: Visit, key: str) -> UnitConversion:
        """Return the conversion with a primary key."""
        number = whole_or_none(key)
        found = self.records(visit).filter(pk=number).first() if number is not None else None
        if found is None:
            raise Http404
        return found

    def fields(self, visit: Visit, record: UnitConversion | None) -> list[Field]:
        """Return the two units, the factor between them, and the item that it is for."""
        units = [(unit.code, f"{unit.code} {unit.name}") for unit in offered(Unit.objects.order_by("code"))]
        locked = _("It can't be changed. Add another conversion instead.") if record else ""
        hint = "" if record else _("Leave it empty for all items.")
        return [
            Field("from", _("From unit"), FieldKind.CHOICE, choices=units, locked=locked, also=("source",)),
            Field("factor", _("Factor"), required=True, also=("ratio",),
                  hint=_("How many of the second unit make one of the first: a number, or a fraction such as 1/12.")),
            Field("to", _("To unit"), FieldKind.CHOICE, choices=units, locked=locked, also=("target",)),
            Field("item", _("For the item"), FieldKind.CODE, hint, codes="items", locked=locked),
        ]  # fmt: skip

    def values(self, visit: Visit, record: UnitConversion | None) -> dict[str, str]:
        """Return what is on record."""
        if record is None:
            return {}
        item = record.item.code if record.item else ""
        return {
            "from": record.source.code,
            "to": record.target.code,
            "factor": _ratio_text(record.ratio),
            "item": item,
        }

    def save(self, visit: Visit, record: UnitConversion | None, form_data: FormData) -> UnitConversion:
        """Add a conversion, or change the factor of one."""
        code = form_data.get("item", "").strip()
        conversion = ConversionIn(
            source=record.source if record else unit_coded(form_data.get("from", ""), field="from"),
            target=record.target if record else unit_coded(form_data.get("to", ""), field="to"),
            ratio=_ratio_in(form_data),
            item=record.item if record else item_coded(code) if code else None,
        )
        return (change_conversions if record else add_conversions)([conversion])[0]


def _ratio_text(ratio: Fraction) -> str:
    """Return a factor as a person would type it: a decimal number if it ends, otherwise a fraction."""
    tens = ratio.denominator
    for prime in (2, 5):
        while tens % prime == 0:
            tens //= prime
    if tens != 1:
        return f"{ratio.numerator}/{ratio.denominator}"
    places = next(places for places in range(400) if 10**places % ratio.denominator == 0)
    return formats.number(Decimal(ratio.numerator * 10**places // ratio.denominator).scaleb(-places, EXACT))


def _ratio_in(form_data: FormData) -> Fraction:
    text = form_data.get("factor", "")
    if not text.strip():
        raise InvalidQuantity("The factor of a conversion must be above zero.", field="factor")
    return read_ratio(text, field="factor", dialect=page_dialect())
