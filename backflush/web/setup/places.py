"""Stores, and the locations in them with their bins."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from backflush.core.refusals import NotFound
from backflush.ledger.selectors import bins_holding_stock, bins_in_use, holding_stock, locations_in_use
from backflush.people.rights import Verb
from backflush.setup_check.findings import About
from backflush.stockmap.deactivation import end_location, end_store, offered
from backflush.stockmap.models import (
    Bin,
    Location,
    Store,
    Supplier,
    TransferRule,
)
from backflush.stockmap.services import (
    LocationIn,
    StoreIn,
    add_locations,
    add_stores,
    change_locations,
    describe_stores,
)
from backflush.structures.selectors import lines_taking_from
from backflush.web.forms.fields import Field, chosen_in
from backflush.web.forms.values import text_in
from backflush.web.platform.visit import Visit
from backflush.web.setup.resource import NextStep, SetupResource, added, code_field, count_by


class StoreResource(SetupResource, icon="building-warehouse"):
    slug, title, one = "stores", gettext_lazy("Stores"), gettext_lazy("store")
    why = gettext_lazy("A store is a building, a hall or a sub-contractor: it holds locations.")
    verb = Verb.STOCK_MAP
    columns = ()
    used_by = ngettext_lazy("%(number)s location", "%(number)s locations", "number")

    def things(self, visit: Visit) -> QuerySet[Any]:
        return Store.objects.filter(site=visit.site)

    def uses(self, visit: Visit, things: Sequence[Any]) -> Mapping[int, int]:
        return count_by(Location.objects.all(), "store", things)

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        return [code_field(thing, _("Code")), Field("description", _("Description"))]

    def values(self, visit: Visit, thing: Any | None) -> dict[str, str]:
        return {"code": thing.code, "description": thing.description} if thing else {}

    def save(self, visit: Visit, thing: Any | None, typed: Any) -> Any:
        description = text_in(typed, "description", empty=True)
        if thing is None:
            store = StoreIn(site=visit.site, code=text_in(typed, "code", most=40), description=description)
            return add_stores([store])[0]
        describe_stores([(thing, description)])
        return thing

    def paper(self, thing: Any) -> str:
        return reverse("store-labels", args=[thing.code])

    def end(self, visit: Visit, thing: Any) -> None:
        end_store(store=thing, on=visit.today)


class LocationResource(SetupResource, icon="map-pin"):
    slug, title, one = "locations", gettext_lazy("Locations"), gettext_lazy("location")
    why = gettext_lazy("A location is where stock is; one without balances is a part of the outside.")
    verb = Verb.STOCK_MAP
    by = ("path",)
    columns = (gettext_lazy("Keeps"), gettext_lazy("Supplier"))
    used_by = ngettext_lazy("%(number)s rule", "%(number)s rules", "number")
    checks = ("bin_controlled", "no_balance", "no_stock_record", "same_location")
    found_as = About.LOCATION

    def things(self, visit: Visit) -> QuerySet[Any]:
        return Location.objects.filter(site=visit.site).select_related("store", "supplier")

    def cells(self, thing: Any) -> Sequence[str]:
        return (keeps(thing), thing.supplier.name or thing.supplier.code if thing.supplier else "")

    def uses(self, visit: Visit, things: Sequence[Any]) -> Mapping[int, int]:
        rules = TransferRule.objects.filter(active=True)
        return added(count_by(rules, "source", things), count_by(rules, "target", things))

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        moved = thing is not None and bool(locations_in_use([thing.pk]))
        stays = _("It stays: stock has moved here. Set up another location and move the stock there.") if moved else ""
        stores = [
            (store.code, f"{store.code} {store.description}")
            for store in offered(StoreResource().things(visit).order_by("code"))
        ]
        owners = offered(Supplier.objects.order_by("code"), stands=thing.supplier_id if thing else None)
        suppliers = [(one.code, f"{one.code} {one.name}") for one in owners]
        kinds = [("balances", _("balances")), ("bins", _("balances, in bins")), ("nothing", _("no balances: outside"))]
        return [
            Field("store", _("Store"), "choice", choices=stores, settled=_("It stays in its store.") if thing else ""),
            code_field(thing, _("Code")),
            Field("description", _("Description")),
            Field("keeps", _("Keeps"), "choice", choices=kinds, settled=stays),
            Field("supplier", _("Belongs to"), "choice", choices=[("", _("us")), *suppliers]),
        ]

    def values(self, visit: Visit, thing: Any | None) -> dict[str, str]:
        if thing is None:
            return {"keeps": "balances"}
        supplier = thing.supplier.code if thing.supplier else ""
        return {
            "store": thing.store.code,
            "code": thing.code,
            "description": thing.description,
            "keeps": _kept(thing),
            "supplier": supplier,
        }

    def save(self, visit: Visit, thing: Any | None, typed: Any) -> Any:
        store = thing.store if thing else Store.objects.filter(site=visit.site, code=typed.get("store", "")).first()
        if store is None:
            raise NotFound("Choose a store. If there is none yet, add one first.", field="store")
        kept = chosen_in(typed, "keeps", ("balances", "bins", "nothing"))
        location = LocationIn(
            store=store,
            code=thing.code if thing else text_in(typed, "code", most=40),
            description=text_in(typed, "description", empty=True),
            has_balance=kept != "nothing",
            bin_controlled=kept == "bins",
            supplier=Supplier.objects.filter(code=typed.get("supplier", "")).first(),
        )
        if thing is None:
            return add_locations([location])[0]
        change_locations([(thing, location)], in_use=locations_in_use([thing.pk]))
        return thing

    def more(self, visit: Visit, thing: Any) -> Mapping[str, Any]:
        rules = TransferRule.objects.filter(site=visit.site, active=True).select_related("action", "source", "target")
        bins = list(Bin.objects.filter(location=thing).order_by("code")[:1001]) if thing.bin_controlled else None
        codes = [bin.code for bin in bins or ()]
        return {
            "bins": bins,
            "bins_in_use": bins_in_use(thing.pk, codes),
            "bins_full": bins_holding_stock(thing.pk, codes),
            "rules": (rules.filter(source=thing) | rules.filter(target=thing)).order_by("action__name", "pk"),
        }

    def paper(self, thing: Any) -> str:
        return reverse("location-labels", args=[thing.path])

    def step(self, visit: Visit, thing: Any) -> NextStep | None:
        rules = self.uses(visit, [thing]).get(thing.pk, 0)
        if not rules or not visit.may(Verb.RULES):
            return None
        return NextStep(
            ngettext(
                "End its rule first: then nothing comes or goes here by an action.",
                "End its rules first: then nothing comes or goes here by an action.",
                rules,
            ),
            ngettext("End its %(number)s rule", "End its %(number)s rules", rules) % {"number": rules},
            reverse("location-rules-end", args=[thing.path]),
            posts=True,
        )

    def end(self, visit: Visit, thing: Any) -> None:
        end_location(
            location=thing,
            on=visit.today,
            holds_stock=bool(holding_stock([thing.pk])),
            lines=lines_taking_from(thing, day=visit.today),
        )


def _kept(location: Location) -> str:
    return ("bins" if location.bin_controlled else "balances") if location.has_balance else "nothing"


def keeps(location: Location) -> str:
    """What a location keeps, in words."""
    words = {"bins": _("balances in bins"), "balances": _("balances"), "nothing": _("no balances")}
    return words[_kept(location)]
