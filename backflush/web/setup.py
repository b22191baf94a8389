"""Set-up: what there is of each kind, by how much it is used, its form, and what the doctor finds wrong with it.

A kind of thing is a class with its columns, its fields and what saving them calls; two templates draw them all.
Actions with their rules have pages of their own beside these, in `actions`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, cast
from zoneinfo import available_timezones

from django.db.models import Count, F, Model, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from backflush.core.quantity import ZERO, read_decimal
from backflush.core.refusals import InvalidQuantity, InvalidValue, NotFound, Refusal
from backflush.items.models import Item, ProductGroup, TypeCode, Unit, UnitConversion
from backflush.items.selectors import item_coded, unit_coded
from backflush.items.services import (
    ConversionIn,
    ProductGroupIn,
    TypeCodeIn,
    UnitIn,
    add_conversions,
    add_product_groups,
    add_type_codes,
    add_units,
    change_conversions,
    change_type_codes,
    describe_product_groups,
    rename_units,
)
from backflush.ledger.selectors import locations_in_use, sites_in_use
from backflush.people.models import Assignment, User
from backflush.people.rights import ROLES, Role, Verb
from backflush.people.services import add_person, change_person, give_role, set_password
from backflush.stockmap.models import (
    Action,
    ActionType,
    Bin,
    Location,
    Site,
    Store,
    Supplier,
    SupplierStock,
    TransferRule,
)
from backflush.stockmap.removing import remove, users_of
from backflush.stockmap.services import (
    LocationIn,
    StoreIn,
    SupplierIn,
    add_bin,
    add_locations,
    add_site,
    add_stores,
    add_suppliers,
    change_locations,
    change_site,
    describe_stores,
    rename_suppliers,
    set_complete_when_full,
    set_receive_action,
    set_supplier_stock,
)
from backflush.web import showing
from backflush.web.entries import Field, chosen_in, optional_number, shown
from backflush.web.pages import page, posts
from backflush.web.paging import page_of
from backflush.web.reading import text_in
from backflush.web.visits import PageRequest, Visit

Text = str | Promise
Typed = Mapping[str, str]
SETTING_UP: Final = (
    Verb.SEE,
    Verb.ITEMS,
    Verb.UNITS,
    Verb.TYPE_CODES,
    Verb.ACTIONS,
    Verb.RULES,
    Verb.STOCK_MAP,
    Verb.PEOPLE,
)


@dataclass(frozen=True, slots=True)
class ListRow:
    """One thing in its list: what it is called, where its page is, its cells by column, and what uses it."""

    name: str
    about: str
    address: str
    cells: Sequence[tuple[Text, str]]
    used: str


class Kind:
    """A kind of thing in set-up. `by` are the fields that its list is ordered by, the last of them unique."""

    slug: str
    title: Text
    one: Text
    why: Text
    """What it is for, on its list while it is empty."""
    icon: str
    verb: Verb
    looks: Collection[Verb] = SETTING_UP
    by: Sequence[str] = ("code",)
    columns: Sequence[Text] = ()
    used_by: Any = ""
    """How many of what use it, by `number`."""
    checks: Collection[str] = ()
    """What the doctor finds about it, by code."""
    stays: Text = gettext_lazy("It can't be deleted, because what has happened is read by it.")

    def __init_subclass__(cls, *, icon: str) -> None:
        cls.icon = icon

    def things(self, visit: Visit) -> QuerySet[Any]:
        """All of them."""
        raise NotImplementedError

    def rows(self, visit: Visit, things: Sequence[Any]) -> list[ListRow]:
        """Some of them as their list shows them, by a fixed number of statements."""
        used = self.uses(visit, things)
        return [
            ListRow(
                name=self.name(thing),
                about=self.about(thing),
                address=self.address(thing),
                cells=list(zip(self.columns, self.cells(thing), strict=True)),
                used=str(self.used_by % {"number": used[thing.pk]}) if used.get(thing.pk) else "",
            )
            for thing in things
        ]

    def name(self, thing: Any) -> str:
        """What people call it."""
        return str(thing)

    def about(self, thing: Any) -> str:
        """What stands below its name."""
        return str(getattr(thing, "description", ""))

    def cells(self, thing: Any) -> Sequence[str]:
        """What stands in its columns."""
        return ()

    def uses(self, visit: Visit, things: Sequence[Any]) -> Mapping[int, int]:
        """How many things name each of some."""
        return {}

    def address(self, thing: Any) -> str:
        """Its page."""
        return reverse("set-up-thing", args=[self.slug, self.name(thing)])

    def find(self, visit: Visit, key: str) -> Any:
        """The one of a name; there is no such page where there is none."""
        found = self.things(visit).filter(**{self.by[0]: key}).first()
        if found is None:
            raise Http404
        return found

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        """What there is to enter."""
        raise NotImplementedError

    def values(self, visit: Visit, thing: Any | None) -> dict[str, str]:
        """What it is now, as one would type it."""
        raise NotImplementedError

    def save(self, visit: Visit, thing: Any | None, typed: Any) -> Any:
        """Add it or change it; answers with what to go to."""
        raise NotImplementedError

    def more(self, visit: Visit, thing: Any) -> Mapping[str, Any]:
        """What else its page shows."""
        return {}

    def removable(self, thing: Any) -> bool:
        """Whether it may be deleted as long as nothing names it."""
        return True


def _count(found: QuerySet[Any], by: str, things: Sequence[Any]) -> dict[int, int]:
    """How many rows name each of some things, in one statement."""
    rows = found.filter(**{f"{by}__in": [thing.pk for thing in things]}).order_by()
    return dict(rows.values_list(by).annotate(Count("pk")))


def _added(*counts: Mapping[int, int]) -> dict[int, int]:
    return {key: sum(count.get(key, 0) for count in counts) for key in set().union(*counts)}


def _code_field(thing: Any | None, label: Text) -> Field:
    return Field("code", label, required=True, settled="" if thing is None else _("A code stays."))


class Stores(Kind, icon="building-warehouse"):
    slug, title, one = "stores", gettext_lazy("Stores"), gettext_lazy("store")
    why = gettext_lazy("A store is a building, a hall or a sub-contractor: it holds locations.")
    verb = Verb.STOCK_MAP
    columns = ()
    used_by = ngettext_lazy("%(number)s location", "%(number)s locations", "number")

    def things(self, visit: Visit) -> QuerySet[Any]:
        return Store.objects.filter(site=visit.site)

    def uses(self, visit: Visit, things: Sequence[Any]) -> Mapping[int, int]:
        return _count(Location.objects.all(), "store", things)

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        return [_code_field(thing, _("Code")), Field("description", _("Description"))]

    def values(self, visit: Visit, thing: Any | None) -> dict[str, str]:
        return {"code": thing.code, "description": thing.description} if thing else {}

    def save(self, visit: Visit, thing: Any | None, typed: Any) -> Any:
        description = text_in(typed, "description", empty=True)
        if thing is None:
            store = StoreIn(site=visit.site, code=text_in(typed, "code", most=40), description=description)
            return add_stores([store])[0]
        describe_stores([(thing, description)])
        return thing


class Locations(Kind, icon="map-pin"):
    slug, title, one = "locations", gettext_lazy("Locations"), gettext_lazy("location")
    why = gettext_lazy("A location is where stock is; one without balances is a part of the outside.")
    verb = Verb.STOCK_MAP
    by = ("path",)
    columns = (gettext_lazy("Keeps"), gettext_lazy("Supplier"))
    used_by = ngettext_lazy("%(number)s rule", "%(number)s rules", "number")
    checks = ("bin_controlled", "no_balance", "no_stock_record", "same_location")

    def things(self, visit: Visit) -> QuerySet[Any]:
        return Location.objects.filter(site=visit.site).select_related("store", "supplier")

    def cells(self, thing: Any) -> Sequence[str]:
        return (keeps(thing), thing.supplier.name or thing.supplier.code if thing.supplier else "")

    def uses(self, visit: Visit, things: Sequence[Any]) -> Mapping[int, int]:
        rules = TransferRule.objects.filter(active=True)
        return _added(_count(rules, "source", things), _count(rules, "target", things))

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        moved = thing is not None and bool(locations_in_use([thing.pk]))
        stays = _("It stays: stock has moved here. Set up another location and move the stock there.") if moved else ""
        stores = [
            (store.code, f"{store.code} {store.description}") for store in Stores().things(visit).order_by("code")
        ]
        suppliers = [(one.code, f"{one.code} {one.name}") for one in Supplier.objects.order_by("code")]
        kinds = [("balances", _("balances")), ("bins", _("balances, in bins")), ("nothing", _("no balances: outside"))]
        return [
            Field("store", _("Store"), "choice", choices=stores, settled=_("It stays in its store.") if thing else ""),
            _code_field(thing, _("Code")),
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
            raise NotFound(_("Choose a store. If there is none yet, add one first."), field="store")
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
        return {
            "bins": Bin.objects.filter(location=thing).order_by("code")[:1001] if thing.bin_controlled else None,
            "rules": (rules.filter(source=thing) | rules.filter(target=thing)).order_by("action__name", "pk"),
        }


def _kept(location: Location) -> str:
    return ("bins" if location.bin_controlled else "balances") if location.has_balance else "nothing"


def keeps(location: Location) -> str:
    """What a location keeps, in words."""
    words = {"bins": _("balances in bins"), "balances": _("balances"), "nothing": _("no balances")}
    return words[_kept(location)]


TYPE_CODE_ACTIONS: Final = {
    "completion": (gettext_lazy("Completion action"), ActionType.COMPLETION),
    "backflush": (gettext_lazy("Backflush action"), ActionType.BACKFLUSH),
    "issue": (gettext_lazy("Issue action"), ActionType.ISSUE),
    "return_action": (gettext_lazy("Return action"), ActionType.RETURN),
}


class TypeCodes(Kind, icon="hierarchy-2"):
    slug, title, one = "type-codes", gettext_lazy("Type codes"), gettext_lazy("type code")
    why = gettext_lazy("A type code decides by its actions whether and how its items are backflushed.")
    verb = Verb.TYPE_CODES
    columns = (gettext_lazy("Completion"), gettext_lazy("Backflush"), gettext_lazy("Issue"), gettext_lazy("Return"))
    used_by = ngettext_lazy("%(number)s item", "%(number)s items", "number")
    checks = ("no_rule", "no_completion_action", "no_backflush_action")

    def things(self, visit: Visit) -> QuerySet[Any]:
        return TypeCode.objects.select_related(*TYPE_CODE_ACTIONS)

    def cells(self, thing: Any) -> Sequence[str]:
        return [action.name if (action := getattr(thing, name)) else "" for name in TYPE_CODE_ACTIONS]

    def uses(self, visit: Visit, things: Sequence[Any]) -> Mapping[int, int]:
        return _count(Item.objects.all(), "type_code", things)

    def address(self, thing: Any) -> str:
        return reverse("type-code", args=[thing.code])

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        named = TransferRule.objects.filter(site=visit.site, active=True).values_list("action", flat=True)
        ruled = set(named)
        choices: dict[str, list[tuple[str, Text]]] = {}
        for action in Action.objects.order_by("name"):
            lacks = "" if action.pk in ruled else f" ({_('no rule here')})"
            choices.setdefault(action.type, []).append((action.name, f"{action.name}{lacks}"))
        return [
            _code_field(thing, _("Code")),
            Field("description", _("Description")),
            *(
                Field(name, label, "choice", choices=[("", _("none")), *choices.get(type.value, [])])
                for name, (label, type) in TYPE_CODE_ACTIONS.items()
            ),
        ]

    def values(self, visit: Visit, thing: Any | None) -> dict[str, str]:
        if thing is None:
            return {}
        actions = {name: action.name if (action := getattr(thing, name)) else "" for name in TYPE_CODE_ACTIONS}
        return {"code": thing.code, "description": thing.description, **actions}

    def save(self, visit: Visit, thing: Any | None, typed: Any) -> Any:
        actions = {name: _action_of(typed, name) for name in TYPE_CODE_ACTIONS}
        code = TypeCodeIn(
            code=thing.code if thing else text_in(typed, "code", most=40),
            description=text_in(typed, "description", empty=True),
            **actions,
        )
        if thing is None:
            return add_type_codes([code])[0]
        change_type_codes([(thing, code)])
        return thing

    def more(self, visit: Visit, thing: Any) -> Mapping[str, Any]:
        return {"items": Item.objects.filter(type_code=thing).order_by("code")[:6], "items_at": thing.code}


def _action_of(typed: Typed, name: str) -> Action | None:
    asked = typed.get(name, "")
    found = Action.objects.filter(name=asked).first() if asked else None
    if asked and found is None:
        raise NotFound(_("There is no action %(name)s.") % {"name": asked}, field=name)
    return found


class Units(Kind, icon="ruler-2"):
    slug, title, one = "units", gettext_lazy("Units"), gettext_lazy("unit")
    why = gettext_lazy("Stock is counted in units; structures and orders may use others that convert.")
    verb = Verb.UNITS
    used_by = ngettext_lazy("%(number)s item", "%(number)s items", "number")
    checks = ("no_conversion",)

    def things(self, visit: Visit) -> QuerySet[Any]:
        return Unit.objects.all()

    def about(self, thing: Any) -> str:
        return str(thing.name)

    def uses(self, visit: Visit, things: Sequence[Any]) -> Mapping[int, int]:
        return _count(Item.objects.all(), "stock_unit", things)

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        return [_code_field(thing, _("Code")), Field("name", _("Name"))]

    def values(self, visit: Visit, thing: Any | None) -> dict[str, str]:
        return {"code": thing.code, "name": thing.name} if thing else {}

    def save(self, visit: Visit, thing: Any | None, typed: Any) -> Any:
        name = text_in(typed, "name", most=100, empty=True)
        if thing is None:
            return add_units([UnitIn(code=text_in(typed, "code", most=20), name=name)])[0]
        rename_units([(thing, name)])
        return thing


class Conversions(Kind, icon="arrows-exchange"):
    slug, title, one = "conversions", gettext_lazy("Conversions"), gettext_lazy("conversion")
    why = gettext_lazy("How many of a unit there are in another: for everything, or for one item.")
    verb = Verb.UNITS
    by = ("source_code", "target_code", "pk")
    columns = (gettext_lazy("For"),)
    checks = ("no_conversion",)

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
        found = self.things(visit).filter(pk=int(key)).first() if key.isdecimal() and len(key) < 19 else None
        if found is None:
            raise Http404
        return found

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        units = [(unit.code, f"{unit.code} {unit.name}") for unit in Unit.objects.order_by("code")]
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
    return showing.number(
        read_decimal(str(ratio.numerator * 10**places // ratio.denominator), field="").scaleb(-places)
    )


def _ratio_in(typed: Typed) -> Fraction:
    above, slash, below = typed.get("factor", "").partition("/")
    top = optional_number({"factor": above}, "factor")
    bottom = optional_number({"factor": below}, "factor") if slash else None
    if top is None or bottom == ZERO:
        raise InvalidQuantity(_("A conversion's factor is above zero."), field="factor")
    return Fraction(top) / Fraction(bottom if bottom is not None else 1)


class Groups(Kind, icon="category"):
    slug, title, one = "groups", gettext_lazy("Product groups"), gettext_lazy("product group")
    why = gettext_lazy("A product group holds items that are looked at together.")
    verb = Verb.ITEMS
    used_by = ngettext_lazy("%(number)s item", "%(number)s items", "number")

    def things(self, visit: Visit) -> QuerySet[Any]:
        return ProductGroup.objects.all()

    def uses(self, visit: Visit, things: Sequence[Any]) -> Mapping[int, int]:
        return _count(Item.objects.all(), "product_group", things)

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        return [_code_field(thing, _("Code")), Field("description", _("Description"))]

    def values(self, visit: Visit, thing: Any | None) -> dict[str, str]:
        return {"code": thing.code, "description": thing.description} if thing else {}

    def save(self, visit: Visit, thing: Any | None, typed: Any) -> Any:
        description = text_in(typed, "description", empty=True)
        if thing is None:
            return add_product_groups([ProductGroupIn(code=text_in(typed, "code", most=40), description=description)])[
                0
            ]
        describe_product_groups([(thing, description)])
        return thing


class Suppliers(Kind, icon="truck"):
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
        return _count(Location.objects.all(), "supplier", things)

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        places = Location.objects.filter(site=visit.site, has_balance=True).order_by("path")
        hint = _("Where its backflush takes from here, in place of the rule's location.")
        return [
            _code_field(thing, _("Code")),
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
        before = thing and SupplierStock.objects.filter(site=visit.site, supplier=thing).exists()
        if before and place is None:
            raise InvalidValue(_("A stock location can be changed for another, not taken away."), field="stock")
        return save_supplier(thing, text_in(typed, "code", most=40), name, place)


def save_supplier(thing: Supplier | None, code: str, name: str, place: Location | None) -> Supplier:
    """Add or rename a supplier, and name its stock location."""
    if thing is None:
        thing = add_suppliers([SupplierIn(code=code, name=name)])[0]
    else:
        rename_suppliers([(thing, name)])
    if place is not None:
        set_supplier_stock(supplier=thing, location=place)
    return thing


class Sites(Kind, icon="building-factory-2"):
    slug, title, one = "sites", gettext_lazy("Sites"), gettext_lazy("site")
    why = gettext_lazy("A site is a plant with stores and days of its own.")
    verb = Verb.PEOPLE
    columns = (gettext_lazy("Time zone"), gettext_lazy("Receive action"), gettext_lazy("Completes when full"))
    used_by = ngettext_lazy("%(number)s store", "%(number)s stores", "number")
    checks = ("no_receive_action",)

    def things(self, visit: Visit) -> QuerySet[Any]:
        return Site.objects.filter(pk__in=[site.pk for site in visit.sites]).select_related("receive_action")

    def about(self, thing: Any) -> str:
        return str(thing.name)

    def cells(self, thing: Any) -> Sequence[str]:
        receives = thing.receive_action.name if thing.receive_action else ""
        return (thing.time_zone, receives, _("yes") if thing.complete_when_full else _("no"))

    def uses(self, visit: Visit, things: Sequence[Any]) -> Mapping[int, int]:
        return _count(Store.objects.all(), "site", things)

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        used = thing is not None and bool(sites_in_use([thing.pk]))
        stays = _("It stays: stock has moved on its days.") if used else ""
        zones = [] if used else sorted(available_timezones())
        receives = Action.objects.filter(type=ActionType.RECEIVE).order_by("name").values_list("name", flat=True)
        first = [] if thing is not None and thing.receive_action_id else [("", _("none"))]
        full = _("Complete a works order by itself once the good quantity is there")
        return [
            _code_field(thing, _("Code")),
            Field("name", _("Name")),
            Field("time_zone", _("Time zone"), settled=stays, suggestions=zones),
            Field("receive_action", _("Receive action"), "choice", _("Where a purchase order names none."),
                  choices=[*first, *((name, name) for name in receives)]),
            Field("complete_when_full", full, "tick"),
        ]  # fmt: skip

    def values(self, visit: Visit, thing: Any | None) -> dict[str, str]:
        if thing is None:
            return {"time_zone": visit.site.time_zone}
        return {
            "code": thing.code,
            "name": thing.name,
            "time_zone": thing.time_zone,
            "receive_action": thing.receive_action.name if thing.receive_action else "",
            "complete_when_full": "on" if thing.complete_when_full else "",
        }

    def save(self, visit: Visit, thing: Any | None, typed: Any) -> Any:
        name, zone = text_in(typed, "name", most=100, empty=True), text_in(typed, "time_zone", most=60)
        action = _action_of(typed, "receive_action")
        site = thing
        if site is None:
            site = add_site(code=text_in(typed, "code", most=20), name=name, time_zone=zone)
            # Whoever makes a site can work there, or nobody could.
            give_role(user=visit.user, site=site, role=Role.ADMINISTRATOR)
        else:
            change_site(site, name=name, time_zone=zone, in_use=bool(sites_in_use([site.pk])))
        if action is not None:
            set_receive_action(site=site, action=action)
        set_complete_when_full(site=site, on=bool(typed.get("complete_when_full")))
        return site

    def removable(self, thing: Any) -> bool:
        return False


class People(Kind, icon="users"):
    slug, title, one = "people", gettext_lazy("People"), gettext_lazy("person")
    why = gettext_lazy("Who may sign in, and what they may do at this site.")
    verb = Verb.PEOPLE
    looks = (Verb.PEOPLE,)
    by = ("username",)
    columns = (gettext_lazy("Roles here"), gettext_lazy("Signs in"))

    def things(self, visit: Visit) -> QuerySet[Any]:
        return User.objects.all()

    def rows(self, visit: Visit, things: Sequence[Any]) -> list[ListRow]:
        held: dict[int, list[str]] = {}
        found = Assignment.objects.filter(site=visit.site, user__in=things).order_by("role")
        for user, role in found.values_list("user", "role"):
            held.setdefault(user, []).append(role)
        for thing in things:
            thing.held = ", ".join(held.get(thing.pk, []))
        return super().rows(visit, things)

    def name(self, thing: Any) -> str:
        return str(thing.username)

    def about(self, thing: Any) -> str:
        return str(thing.get_full_name())

    def cells(self, thing: Any) -> Sequence[str]:
        enters = thing.is_active and thing.has_usable_password()
        return (thing.held, _("yes") if enters else _("no"))

    def fields(self, visit: Visit, thing: Any | None) -> list[Field]:
        hint = _("Empty: as it is.") if thing else _("At least twelve characters are hard to guess.")
        name = Field("name", _("Log-in name"), required=True, settled=_("A log-in name stays.") if thing else "")
        active = (
            [Field("active", _("May sign in"), "tick", _("Taken away, nothing of theirs is lost."))] if thing else []
        )
        return [
            name,
            Field("first_name", _("First name")),
            Field("last_name", _("Last name")),
            Field("password", _("Password"), "password", hint),
            *active,
        ]

    def values(self, visit: Visit, thing: Any | None) -> dict[str, str]:
        if thing is None:
            return {}
        facts = {"name": thing.username, "first_name": thing.first_name, "last_name": thing.last_name}
        return {**facts, "active": "on" if thing.is_active else ""}

    def save(self, visit: Visit, thing: Any | None, typed: Any) -> Any:
        names = {name: text_in(typed, name, most=150, empty=True) for name in ("first_name", "last_name")}
        roles = [Role(role) for role in typed.getlist("roles") if role in set(Role)]
        password = typed.get("password", "")
        if thing is None:
            name = text_in(typed, "name", most=150)
            return add_person(name=name, password=password, roles=roles, site=visit.site, **names)
        change_person(user=thing, active=bool(typed.get("active")), site=visit.site, roles=roles, **names)
        if password:
            set_password(user=thing, password=password)
        return thing

    def more(self, visit: Visit, thing: Any) -> Mapping[str, Any]:
        return {}

    def removable(self, thing: Any) -> bool:
        return False


KINDS: Final[Mapping[str, Kind]] = {
    kind.slug: kind
    for kind in (
        Stores(), Locations(), TypeCodes(), Units(), Conversions(), Groups(), Suppliers(), Sites(), People()
    )
}  # fmt: skip


def kind_at(request: PageRequest, slug: str) -> Kind:
    """The kind of an address, for whom may look at it."""
    if slug not in KINDS:
        raise Http404
    request.visit.require(*KINDS[slug].looks)
    return KINDS[slug]


@page(*SETTING_UP)
def set_up_page(request: PageRequest) -> HttpResponse:
    """All kinds, in the order in which a plant is set up."""
    kinds = [kind for kind in KINDS.values() if any(map(request.visit.may, kind.looks))]
    counts = {kind.slug: kind.things(request.visit).count() for kind in kinds}
    return render(
        request,
        "web/setup/index.html",
        {"kinds": [(kind, counts[kind.slug]) for kind in kinds], "actions": Action.objects.count()},
    )


@page(*SETTING_UP)
def list_page(request: PageRequest, kind: str) -> HttpResponse:
    """All of a kind."""
    shown_kind, visit = kind_at(request, kind), request.visit
    listed = page_of(shown_kind.things(visit), request.GET, by=shown_kind.by)
    rows = shown_kind.rows(visit, listed.rows)
    matrix = rights() if shown_kind.slug == People.slug else None
    facts = {"kind": shown_kind, "page": listed, "rows": rows, "may": visit.may(shown_kind.verb), "matrix": matrix}
    return render(request, "web/setup/list.html", facts)


def rights() -> Mapping[str, Any]:
    """What each role may do, verb by verb."""
    return {
        "roles": [role.value for role in Role],
        "verbs": [(verb.value, [verb in ROLES[role] for role in Role]) for verb in Verb],
    }


def show_form(request: PageRequest, refusal: Refusal | None, kind: str, key: str = "") -> HttpResponse:
    """The form of something new, or of what is there, with what names it."""
    of, visit = kind_at(request, kind), request.visit
    thing = of.find(visit, key) if key else None
    posted = request.method == "POST"
    # A link to the form of something new may say what it is for.
    typed: Any = (
        request.POST if posted else {**(request.GET.dict() if thing is None else {}), **of.values(visit, thing)}
    )
    fields = of.fields(visit, thing)
    facts = {
        "kind": of,
        "thing": thing,
        "key": key,
        "name": of.name(thing) if thing is not None else "",
        "about": of.about(thing) if thing is not None else "",
        "fields": shown(fields, typed),
        "refusal": refusal,
        "loose": refusal is not None and refusal.field not in {field.name for field in fields} | {"roles"},
        "may": visit.may(of.verb),
        "users": users_of(thing) if thing is not None and of.removable(thing) else None,
        "removable": thing is not None and of.removable(thing),
        **(of.more(visit, thing) if thing is not None else {}),
    }
    if of.slug == People.slug:
        held = request.POST.getlist("roles") if posted else _held(visit, thing)
        facts["roles"] = [(role.value, role.value in held, sorted(ROLES[role])) for role in Role]
    return render(request, "web/setup/form.html", facts)


def _held(visit: Visit, user: Any | None) -> list[str]:
    if user is None:
        return []
    return list(Assignment.objects.filter(site=visit.site, user=user).values_list("role", flat=True))


@page(*SETTING_UP)
def thing_page(request: PageRequest, kind: str, key: str) -> HttpResponse:
    """One of a kind."""
    return show_form(request, None, kind, key)


@page(*SETTING_UP)
def new_page(request: PageRequest, kind: str) -> HttpResponse:
    """A new one."""
    of = kind_at(request, kind)
    request.visit.require(of.verb)
    return show_form(request, None, kind)


@posts(*SETTING_UP, again=show_form)
def add_page(request: PageRequest, kind: str) -> HttpResponse:
    """Add it."""
    of = kind_at(request, kind)
    request.visit.require(of.verb)
    return redirect(of.address(of.save(request.visit, None, request.POST)))


@posts(*SETTING_UP, again=show_form)
def change_page(request: PageRequest, kind: str, key: str) -> HttpResponse:
    """Change it."""
    of = kind_at(request, kind)
    request.visit.require(of.verb)
    of.save(request.visit, of.find(request.visit, key), request.POST)
    return redirect("set-up-list", of.slug)


@posts(*SETTING_UP, again=show_form)
def remove_page(request: PageRequest, kind: str, key: str) -> HttpResponse:
    """Delete what nothing names."""
    of = kind_at(request, kind)
    request.visit.require(of.verb)
    thing = of.find(request.visit, key)
    if not of.removable(thing):
        raise Http404
    remove(cast(Model, thing))
    return redirect("set-up-list", of.slug)


def show_location(request: PageRequest, refusal: Refusal | None, key: str) -> HttpResponse:
    """The page of a location, after a bin of it was refused."""
    return show_form(request, refusal, Locations.slug, key)


@posts(Verb.STOCK_MAP, again=show_location)
def add_bin_page(request: PageRequest, key: str) -> HttpResponse:
    """One bin more at a location."""
    location = KINDS[Locations.slug].find(request.visit, key)
    try:
        add_bin(location=location, code=text_in(request.POST, "bin", most=40))
    except Refusal as refusal:
        refusal.field = "bin"
        raise
    return redirect("set-up-thing", Locations.slug, key)


def new_or_add(request: PageRequest, kind: str) -> HttpResponse:
    """By method."""
    return (add_page if request.method == "POST" else new_page)(request, kind=kind)


def thing_or_change(request: PageRequest, kind: str, key: str) -> HttpResponse:
    """By method."""
    return (change_page if request.method == "POST" else thing_page)(request, kind=kind, key=key)


def found_in(kinds: Iterable[Kind]) -> frozenset[str]:
    """The codes of what the doctor finds about some kinds."""
    return frozenset(code for kind in kinds for code in kind.checks)


urlpatterns = [
    path("set-up/", set_up_page, name="set-up"),
    path("set-up/type-codes/at/<path:key>/", thing_or_change, {"kind": TypeCodes.slug}, name="type-code"),
    path("set-up/locations/bins/<path:key>/", add_bin_page, name="bin-add"),
    path("set-up/<slug:kind>/", list_page, name="set-up-list"),
    path("set-up/<slug:kind>/new/", new_or_add, name="set-up-new"),
    path("set-up/<slug:kind>/delete/<path:key>/", remove_page, name="set-up-delete"),
    path("set-up/<slug:kind>/at/<path:key>/", thing_or_change, name="set-up-thing"),
]
