"""Suppliers, and the location of our stock at each of them."""

from collections.abc import Mapping, Sequence

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext_lazy

from backflush.ledger.selectors import holding_stock
from backflush.people.rights import Verb
from backflush.stockmap.deactivation import end_supplier, offered
from backflush.stockmap.deletion import end_supplier_stock
from backflush.stockmap.models import Location, Supplier, SupplierStock
from backflush.stockmap.services import SupplierIn, add_suppliers, rename_suppliers, set_supplier_stock
from backflush.web.forms.fields import Field, FieldKind
from backflush.web.forms.values import text_in
from backflush.web.platform.visit import Visit
from backflush.web.setup.resource import FormData, SetupResource, code_field, count_by


class SupplierResource(SetupResource[Supplier], icon="truck"):
    """Suppliers and sub-contractors."""

    slug, title, singular = "suppliers", lazy("Suppliers"), lazy("supplier")
    table = "suppliers"
    purpose = lazy("The companies you buy from or send work to. One with a stock location holds your stock.")
    verb = Verb.STOCK_MAP
    columns = (lazy("Stock at this site"),)
    used_by = ngettext_lazy("%(number)s location", "%(number)s locations", "number")

    def records(self, visit: Visit) -> QuerySet[Supplier]:
        """Return all suppliers, which the sites have in common."""
        return Supplier.objects.all()

    def about(self, record: Supplier) -> str:
        """Return its name."""
        return record.name

    def cells(self, visit: Visit, records: Sequence[Supplier]) -> Mapping[int, Sequence[str]]:
        """Return where our stock at each is."""
        stocks = SupplierStock.objects.filter(site=visit.site, supplier__in=records)
        places = dict(stocks.values_list("supplier", "location__path"))
        return {supplier.pk: (places.get(supplier.pk, ""),) for supplier in records}

    def use_counts(self, visit: Visit, records: Sequence[Supplier]) -> Mapping[int, int]:
        """Return how many locations belong to each."""
        return count_by(Location.objects.all(), "supplier", records)

    def fields(self, visit: Visit, record: Supplier | None) -> list[Field]:
        """Return code, name and stock location."""
        places = offered(Location.objects.filter(site=visit.site, has_balance=True).order_by("path"))
        hint = _("Backflush for this supplier takes from here instead of the rule's location.")
        return [
            code_field(record),
            Field("name", _("Name"), length_max=100),
            Field("stock", _("Stock location"), FieldKind.CHOICE, hint, also=("location",),
                  choices=[("", _("none")), *((place.path, place.path) for place in places)]),
        ]  # fmt: skip

    def values(self, visit: Visit, record: Supplier | None) -> dict[str, str]:
        """Return what is on record."""
        if record is None:
            return {}
        stock = SupplierStock.objects.filter(site=visit.site, supplier=record).select_related("location").first()
        return {"code": record.code, "name": record.name, "stock": stock.location.path if stock else ""}

    def save(self, visit: Visit, record: Supplier | None, form_data: FormData) -> Supplier:
        """Add or rename a supplier, and set or remove its stock location."""
        name, path = text_in(form_data, "name", most=100, empty=True), form_data.get("stock", "")
        place = Location.objects.filter(site=visit.site, path=path).first() if path else None
        if record is not None and place is None:
            _remove_stock_location(visit, record)
        return save_supplier(record, text_in(form_data, "code", most=40), name, place)

    def deactivate(self, visit: Visit, record: Supplier) -> None:
        """Deactivate a supplier that has no stock of ours."""
        places = Location.objects.filter(supplier=record).values_list("pk", flat=True)
        end_supplier(supplier=record, on=visit.today, holds_stock=bool(holding_stock(list(places))))


def _remove_stock_location(visit: Visit, supplier: Supplier) -> None:
    now = SupplierStock.objects.filter(site=visit.site, supplier=supplier).values_list("location", flat=True)
    end_supplier_stock(supplier=supplier, site=visit.site, holds_stock=bool(holding_stock(list(now))))


def save_supplier(supplier: Supplier | None, code: str, name: str, place: Location | None) -> Supplier:
    """Add or rename a supplier, and set its stock location."""
    if supplier is None:
        supplier = add_suppliers([SupplierIn(code=code, name=name)])[0]
    else:
        rename_suppliers([(supplier, name)])
    if place is not None:
        set_supplier_stock(supplier=supplier, location=place)
    return supplier
