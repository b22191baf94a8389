"""Units, and how they convert."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db.models import F, QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

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
from backflush.web.forms.fields import Field
from backflush.web.forms.values import page_dialect, text_in
from backflush.web.platform.visit import Visit
from backflush.web.setup.resource import SetupResource, Typed, code_field, count_by


class UnitResource(SetupResource, icon="ruler-2"):
    slug, title, one = "units", gettext_lazy("Units"), gettext_lazy("unit")
    why = gettext_lazy("Stock is counted in units; structures and orders may use others that convert.")
    verb = Verb.UNITS
    used_by = ngettext_lazy("%(number)s item", "%(number)s items", "number")
    checks = ("no_conversion",)
    found_as = About.UNIT

    def things(self, visit: Visit) -> QuerySet[Any]:
        return Unit.objects.all()

    def about(self, thing: Any) -> str:
        return str(thing.name)

    def uses(self, visit: Visit, things: Sequence[Any]) -> Mapping[int, int]:
        return count_by(Item.objects.all(), "stock_unit", things)

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        return [code_field(thing, _("Code")), Field("name", _("Name"))]

    def values(self, visit: Visit, thing: Any | None) -> dict[str, str]:
        return {"code": thing.code, "name": thing.name} if thing else {}

    def save(self, visit: Visit, thing: Any | None, typed: Any) -> Any:
        name = text_in(typed, "name", most=100, empty=True)
        if thing is None:
            return add_units([UnitIn(code=text_in(typed, "code", most=20), name=name)])[0]
        rename_units([(thing, name)])
        return thing


class ConversionResource(SetupResource, icon="arrows-exchange"):
    slug, title, one = "conversions", gettext_lazy("Conversions"), gettext_lazy("conversion")
    why = gettext_lazy("How many of a unit there are in another: for everything, or for one item.")
    verb = Verb.UNITS
    by = ("source_code", "target_code", "pk")
    columns = (gettext_lazy("For"),)

    def things(self, visit: Visit) -> QuerySet[Any]:
        found = UnitConversion.objects.select_related("item", "source", "target")
        return found.annotate(source_code=F("source__code"), target_code=F("target__code"))

    def name(self, thing: Any) -> str:
        return f"1 {thing.source.code} = {_ratio(thing.ratio)} {thing.target.code}"

    def cells(self, thing: Any) -> Sequence[str]:
        return (thing.item.code if thing.item else _("everything"),)

    def address(self, thing: Any) -> str:
        return reverse("set-up-thing", args=[self.slug, str(thing.pk)])

    def find(self, visit: Visit, key: str) -> Any:
        found = self.things(visit).filter(pk=whole_or_none(key)).first()
        if found is None:
            raise Http404
        return found

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        units = [(unit.code, f"{unit.code} {unit.name}") for unit in offered(Unit.objects.order_by("code"))]
        stays = _("Add another conversion instead.") if thing else ""
        return [
            Field("from", _("One"), "choice", choices=units, settled=stays),
            Field("factor", _("is so many"), "number", _("A number, or a fraction such as 1/12."), required=True),
            Field("to", _("of"), "choice", choices=units, settled=stays),
            Field("item", _("For the item"), hint="" if thing else _("Empty: for everything."), settled=stays),
        ]

    def values(self, visit: Visit, thing: Any | None) -> dict[str, str]:
        if thing is None:
            return {}
        item = thing.item.code if thing.item else ""
        return {"from": thing.source.code, "to": thing.target.code, "factor": _ratio(thing.ratio), "item": item}

    def save(self, visit: Visit, thing: Any | None, typed: Any) -> Any:
        code = typed.get("item", "").strip()
        conversion = ConversionIn(
            source=thing.source if thing else unit_coded(typed.get("from", ""), field="from"),
            target=thing.target if thing else unit_coded(typed.get("to", ""), field="to"),
            ratio=_ratio_in(typed),
            item=thing.item if thing else item_coded(code) if code else None,
        )
        return (change_conversions if thing else add_conversions)([conversion])[0]


def _ratio(ratio: Fraction) -> str:
    """A factor as one would type it: a number where it ends, else a fraction."""
    tens = ratio.denominator
    for prime in (2, 5):
        while tens % prime == 0:
            tens //= prime
    if tens != 1:
        return f"{ratio.numerator}/{ratio.denominator}"
    places = next(places for places in range(400) if 10**places % ratio.denominator == 0)
    return formats.number(Decimal(ratio.numerator * 10**places // ratio.denominator).scaleb(-places, EXACT))


def _ratio_in(typed: Typed) -> Fraction:
    text = typed.get("factor", "")
    if not text.strip():
        raise InvalidQuantity("The factor of a conversion must be above zero.", field="factor")
    return read_ratio(text, field="factor", dialect=page_dialect())
