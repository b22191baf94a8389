"""Suppliers, and where our stock at each of them is."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from backflush.ledger.selectors import holding_stock
from backflush.people.rights import Verb
from backflush.stockmap.deactivation import end_supplier, offered
from backflush.stockmap.deletion import end_supplier_stock
from backflush.stockmap.models import (
    Location,
    Supplier,
    SupplierStock,
)
from backflush.stockmap.services import (
    SupplierIn,
    add_suppliers,
    rename_suppliers,
    set_supplier_stock,
)
from backflush.web.forms.fields import Field
from backflush.web.forms.values import text_in
from backflush.web.platform.visit import Visit
from backflush.web.setup.resource import ListRow, SetupResource, code_field, count_by


class SupplierResource(SetupResource, icon="truck"):
    slug, title, one = "suppliers", gettext_lazy("Suppliers"), gettext_lazy("supplier")
    why = gettext_lazy("Whom you buy from or send work to. One with a stock location holds your stock.")
    verb = Verb.STOCK_MAP
    columns = (gettext_lazy("Stock at this site"),)
    used_by = ngettext_lazy("%(number)s location", "%(number)s locations", "number")

    def things(self, visit: Visit) -> QuerySet[Any]:
        return Supplier.objects.all()

    def about(self, thing: Any) -> str:
        return str(thing.name)

    def rows(self, visit: Visit, things: Sequence[Any]) -> list[ListRow]:
        stocks = SupplierStock.objects.filter(site=visit.site, supplier__in=things)
        places = dict(stocks.values_list("supplier", "location__path"))
        for thing in things:
            thing.stock_path = places.get(thing.pk, "")
        return super().rows(visit, things)

    def cells(self, thing: Any) -> Sequence[str]:
        return (thing.stock_path,)

    def uses(self, visit: Visit, things: Sequence[Any]) -> Mapping[int, int]:
        return count_by(Location.objects.all(), "supplier", things)

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        places = offered(Location.objects.filter(site=visit.site, has_balance=True).order_by("path"))
        hint = _("Where its backflush takes from here, in place of the rule's location.")
        return [
            code_field(thing, _("Code")),
            Field("name", _("Name")),
            Field("stock", _("Stock location"), "choice", hint,
                  choices=[("", _("none")), *((place.path, place.path) for place in places)]),
        ]  # fmt: skip

    def values(self, visit: Visit, thing: Any | None) -> dict[str, str]:
        if thing is None:
            return {}
        stock = SupplierStock.objects.filter(site=visit.site, supplier=thing).select_related("location").first()
        return {"code": thing.code, "name": thing.name, "stock": stock.location.path if stock else ""}

    def save(self, visit: Visit, thing: Any | None, typed: Any) -> Any:
        name, asked = text_in(typed, "name", most=100, empty=True), typed.get("stock", "")
        place = Location.objects.filter(site=visit.site, path=asked).first() if asked else None
        if thing is not None and place is None:
            _take_stock_away(visit, thing)
        return save_supplier(thing, text_in(typed, "code", most=40), name, place)

    def end(self, visit: Visit, thing: Any) -> None:
        places = Location.objects.filter(supplier=thing).values_list("pk", flat=True)
        end_supplier(supplier=thing, on=visit.today, holds_stock=bool(holding_stock(list(places))))


def _take_stock_away(visit: Visit, supplier: Supplier) -> None:
    before = SupplierStock.objects.filter(site=visit.site, supplier=supplier).values_list("location", flat=True)
    end_supplier_stock(supplier=supplier, site=visit.site, holds_stock=bool(holding_stock(list(before))))


def save_supplier(thing: Supplier | None, code: str, name: str, place: Location | None) -> Supplier:
    """Add or rename a supplier, and name its stock location."""
    if thing is None:
        thing = add_suppliers([SupplierIn(code=code, name=name)])[0]
    else:
        rename_suppliers([(thing, name)])
    if place is not None:
        set_supplier_stock(supplier=thing, location=place)
    return thing
