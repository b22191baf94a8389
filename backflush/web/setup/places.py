"""Stores, and the locations in them with their bins."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext, ngettext_lazy

from backflush.core.refusals import NotFound
from backflush.ledger.selectors import bins_holding_stock, bins_in_use, holding_stock, locations_in_use
from backflush.people.rights import Verb
from backflush.setup_check.findings import About
from backflush.stockmap.deactivation import end_location, end_store, offered
from backflush.stockmap.models import Bin, Location, Store, Supplier, TransferRule
from backflush.stockmap.services import (
    LocationIn,
    StoreIn,
    add_locations,
    add_stores,
    change_locations,
    describe_stores,
)
from backflush.structures.selectors import lines_taking_from
from backflush.web.forms.fields import Field, FieldKind
from backflush.web.forms.values import chosen_in, text_in
from backflush.web.platform.visit import Visit
from backflush.web.setup.resource import FormData, NextStep, SetupResource, add_counts, code_field, count_by

BINS_SHOWN_MAX = 1000


class StoreResource(SetupResource[Store], icon="building-warehouse"):
    """Stores."""

    slug, title, singular = "stores", lazy("Stores"), lazy("store")
    table = "stores"
    purpose = lazy("A store is a building, a hall or a sub-contractor. It holds locations.")
    verb = Verb.STOCK_MAP
    used_by = ngettext_lazy("%(number)s location", "%(number)s locations", "number")

    def records(self, visit: Visit) -> QuerySet[Store]:
        """Return the site's stores."""
        return Store.objects.filter(site=visit.site)

    def use_counts(self, visit: Visit, records: Sequence[Store]) -> Mapping[int, int]:
        """Return how many locations each holds."""
        return count_by(Location.objects.all(), "store", records)

    def fields(self, visit: Visit, record: Store | None) -> list[Field]:
        """Return code and description."""
        return [code_field(record), Field("description", _("Description"), length_max=200)]

    def values(self, visit: Visit, record: Store | None) -> dict[str, str]:
        """Return what is on record."""
        return {"code": record.code, "description": record.description} if record else {}

    def save(self, visit: Visit, record: Store | None, form_data: FormData) -> Store:
        """Add or describe a store."""
        description = text_in(form_data, "description", empty=True)
        if record is not None:
            describe_stores([(record, description)])
            return record
        store = StoreIn(site=visit.site, code=text_in(form_data, "code", most=40), description=description)
        return add_stores([store])[0]

    def labels_address(self, record: Store) -> str:
        """Return the address of the labels of its locations."""
        return reverse("store-labels", args=[record.code])

    def deactivate(self, visit: Visit, record: Store) -> None:
        """Deactivate a store whose locations are all inactive."""
        end_store(store=record, on=visit.today)


class LocationResource(SetupResource[Location], icon="map-pin"):
    """Locations."""

    slug, title, singular = "locations", lazy("Locations"), lazy("location")
    table = "locations"
    purpose = lazy("Stock is kept at locations. A location without balances stands for the outside world.")
    verb = Verb.STOCK_MAP
    ordering = ("path",)
    columns = (lazy("Keeps"), lazy("Supplier"))
    used_by = ngettext_lazy("%(number)s rule", "%(number)s rules", "number")
    checks = ("bin_controlled", "no_balance", "no_stock_record", "same_location")
    found_as = About.LOCATION

    def records(self, visit: Visit) -> QuerySet[Location]:
        """Return the site's locations."""
        return Location.objects.filter(site=visit.site).select_related("store", "supplier")

    def cells(self, visit: Visit, records: Sequence[Location]) -> Mapping[int, Sequence[str]]:
        """Return what each keeps, and the supplier that it belongs to."""
        return {
            place.pk: (keeps(place), place.supplier.name or place.supplier.code if place.supplier else "")
            for place in records
        }

    def use_counts(self, visit: Visit, records: Sequence[Location]) -> Mapping[int, int]:
        """Return how many active rules move stock from or to each."""
        rules = TransferRule.objects.filter(active=True)
        return add_counts(count_by(rules, "source", records), count_by(rules, "target", records))

    def fields(self, visit: Visit, record: Location | None) -> list[Field]:
        """Return store, code, description, what it keeps, and its supplier."""
        moved = record is not None and bool(locations_in_use([record.pk]))
        locked = _("Stock has moved here, so this can't change. Add another location instead.") if moved else ""
        stores = [
            (store.code, f"{store.code} {store.description}")
            for store in offered(Store.objects.filter(site=visit.site).order_by("code"))
        ]
        owners = offered(Supplier.objects.order_by("code"), current_id=record.supplier_id if record else None)
        suppliers = [(owner.code, f"{owner.code} {owner.name}") for owner in owners]
        kinds = [("balances", _("balances")), ("bins", _("balances, in bins")), ("nothing", _("no balances: outside"))]
        return [
            Field("store", _("Store"), FieldKind.CHOICE, choices=stores,
                  locked=_("A location can't change its store.") if record else ""),
            code_field(record),
            Field("description", _("Description"), length_max=200),
            Field("keeps", _("Keeps"), FieldKind.CHOICE, choices=kinds, locked=locked,
                  also=("has_balance", "bin_controlled")),
            Field("supplier", _("Belongs to"), FieldKind.CHOICE, choices=[("", _("us")), *suppliers]),
        ]  # fmt: skip

    def values(self, visit: Visit, record: Location | None) -> dict[str, str]:
        """Return what is on record."""
        if record is None:
            return {"keeps": "balances"}
        return {
            "store": record.store.code,
            "code": record.code,
            "description": record.description,
            "keeps": _keeps(record),
            "supplier": record.supplier.code if record.supplier else "",
        }

    def save(self, visit: Visit, record: Location | None, form_data: FormData) -> Location:
        """Add or change a location."""
        store = record.store if record else None
        if record is None:
            store = Store.objects.filter(site=visit.site, code=form_data.get("store", "")).first()
        if store is None:
            raise NotFound("Choose a store. If there is none yet, add one first.", field="store")
        kept = chosen_in(form_data, "keeps", ("balances", "bins", "nothing"))
        location = LocationIn(
            store=store,
            code=record.code if record else text_in(form_data, "code", most=40),
            description=text_in(form_data, "description", empty=True),
            has_balance=kept != "nothing",
            bin_controlled=kept == "bins",
            supplier=Supplier.objects.filter(code=form_data.get("supplier", "")).first(),
        )
        if record is None:
            return add_locations([location])[0]
        change_locations([(record, location)], in_use=locations_in_use([record.pk]))
        return record

    def extra_context(self, visit: Visit, record: Location) -> Mapping[str, Any]:
        """Return its bins, and the rules that move stock from or to it."""
        rules = TransferRule.objects.filter(site=visit.site, active=True).select_related("action", "source", "target")
        bins = None
        if record.bin_controlled:
            bins = list(Bin.objects.filter(location=record).order_by("code")[: BINS_SHOWN_MAX + 1])
        codes = [bin.code for bin in bins or ()]
        return {
            "bins": bins,
            "bins_in_use": bins_in_use(record.pk, codes),
            "bins_full": bins_holding_stock(record.pk, codes),
            "rules": (rules.filter(source=record) | rules.filter(target=record)).order_by("action__name", "pk"),
        }

    def labels_address(self, record: Location) -> str:
        """Return the address of its label and those of its bins."""
        return reverse("location-labels", args=[record.path])

    def next_step(self, visit: Visit, record: Location) -> NextStep | None:
        """End its rules first, if the person may."""
        rules = self.use_counts(visit, [record]).get(record.pk, 0)
        if not rules or not visit.may(Verb.RULES):
            return None
        return NextStep(
            ngettext(
                "End its rule first, so that no action moves stock from or to it.",
                "End its rules first, so that no action moves stock from or to it.",
                rules,
            ),
            ngettext("End its %(number)s rule", "End its %(number)s rules", rules) % {"number": rules},
            reverse("location-rules-end", args=[record.path]),
            posts=True,
        )

    def deactivate(self, visit: Visit, record: Location) -> None:
        """Deactivate a location that holds no stock and that nothing uses any more."""
        end_location(
            location=record,
            on=visit.today,
            holds_stock=bool(holding_stock([record.pk])),
            lines=lines_taking_from(record, day=visit.today),
        )


def _keeps(location: Location) -> str:
    return ("bins" if location.bin_controlled else "balances") if location.has_balance else "nothing"


def keeps(location: Location) -> str:
    """Return in words what a location keeps."""
    words = {"bins": _("balances in bins"), "balances": _("balances"), "nothing": _("no balances")}
    return words[_keeps(location)]
