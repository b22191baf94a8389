"""Set up sites, stores, locations, bins, suppliers, actions and rules. Each service takes many rows, for imports.

Callers pass in what this room can't know: which of the rows that they change are `in_use`, because stock has moved.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Model, QuerySet

from backflush.core.refusals import (
    AlreadyThere,
    DuplicateRule,
    InUse,
    InvalidValue,
    NotABalanceLocation,
    SameLocation,
    TooManyRules,
    WrongActionType,
    WrongSite,
)
from backflush.db.unique_names import named_once
from backflush.stockmap.deactivation import require_in_use
from backflush.stockmap.models import (
    Action,
    ActionType,
    Bin,
    Location,
    RetryRule,
    ShortRule,
    Site,
    Store,
    Supplier,
    SupplierStock,
    TransferRule,
)

SITE_CODE_LONGEST: Final = 20
SITE_CODE: Final = re.compile(f"[A-Za-z0-9][A-Za-z0-9_-]{{0,{SITE_CODE_LONGEST - 1}}}")


@named_once("site")
@transaction.atomic
def add_site(*, code: str, name: str = "", time_zone: str = "UTC") -> Site:
    """Add a site: a plant with stores of its own.

    Its code is part of addresses, file names and transfer notes. Refused if it has other characters than letters of
    A to Z, digits, `-` and `_`, or doesn't begin with a letter or digit (`invalid_value`).
    """
    if not SITE_CODE.fullmatch(code):
        raise InvalidValue(
            "'{site}' can't be the code of a site. Use up to {most} letters from A to Z, digits, - and _, and begin "
            "with a letter or digit.",
            site=code,
            most=SITE_CODE_LONGEST,
            field="code",
        )
    require_free(Site.objects.filter(code=code), "site", code)
    _require_time_zone(time_zone)
    return Site.objects.create(code=code, name=name, time_zone=time_zone)


def _require_time_zone(time_zone: str) -> None:
    try:
        ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        raise InvalidValue(
            "There is no time zone '{time_zone}'. Write it like Europe/London.", time_zone=time_zone, field="time_zone"
        ) from None


@transaction.atomic
def change_site(site: Site, *, name: str, time_zone: str, in_use: bool) -> None:
    """Rename a site, or change its time zone. The time zone is fixed once stock has moved, because days are the site's
    (B9)."""
    _require_time_zone(time_zone)
    if in_use and time_zone != site.time_zone:
        raise InUse(
            "{site} has movements that are dated by {time_zone}, so its time zone can't change.",
            site=site.code,
            time_zone=site.time_zone,
            field="time_zone",
        )
    Site.objects.filter(pk=site.pk).update(name=name, time_zone=time_zone)
    site.name, site.time_zone = name, time_zone


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreIn:
    """The input for a store."""

    site: Site
    code: str
    description: str = ""


@named_once("store")
@transaction.atomic
def add_stores(stores: Sequence[StoreIn]) -> list[Store]:
    """Add stores: buildings, halls or sub-contractors that hold locations."""
    for store in stores:
        if "/" in store.code:
            raise InvalidValue("A store code can't contain a slash: {store}.", store=store.code, field="code")
    there = Store.objects.filter(site__in={store.site for store in stores}).values_list("site", "code")
    require_new(((store.site.pk, store.code) for store in stores), there, "store")
    return Store.objects.bulk_create(
        Store(site=store.site, code=store.code, description=store.description) for store in stores
    )


def add_store(*, site: Site, code: str, description: str = "") -> Store:
    """Add one store."""
    return add_stores([StoreIn(site=site, code=code, description=description)])[0]


@transaction.atomic
def describe_stores(descriptions: Sequence[tuple[Store, str]]) -> None:
    """Change the descriptions of some stores."""
    for store, description in descriptions:
        store.description = description
    Store.objects.bulk_update([store for store, _ in descriptions], ["description"])


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationIn:
    """The input for a location."""

    store: Store
    code: str
    description: str = ""
    has_balance: bool = True
    bin_controlled: bool = False
    supplier: Supplier | None = None

    @property
    def path(self) -> str:
        """The store and the code, as in "MAIN/LINE"."""
        return f"{self.store.code}/{self.code}"


@named_once("location")
@transaction.atomic
def add_locations(locations: Sequence[LocationIn]) -> list[Location]:
    """Add locations, with or without balances."""
    for location in locations:
        _require_bins_only_where_balances(location)
        require_in_use(location.store, field="store")
        require_in_use(location.supplier, field="supplier")
    there = Location.objects.filter(store__in={location.store for location in locations}).values_list("site", "path")
    require_new(((location.store.site_id, location.path) for location in locations), there, "location")
    return Location.objects.bulk_create(_location(location) for location in locations)


def add_location(
    *,
    store: Store,
    code: str,
    description: str = "",
    has_balance: bool = True,
    bin_controlled: bool = False,
    supplier: Supplier | None = None,
) -> Location:
    """Add one location."""
    location = LocationIn(
        store=store,
        code=code,
        description=description,
        has_balance=has_balance,
        bin_controlled=bin_controlled,
        supplier=supplier,
    )
    return add_locations([location])[0]


def _require_bins_only_where_balances(location: LocationIn) -> None:
    if location.bin_controlled and not location.has_balance:
        raise NotABalanceLocation(
            "{location} keeps no balances, so it can't have bins.", location=location.path, field="bin_controlled"
        )


def _location(location: LocationIn) -> Location:
    return Location(
        site_id=location.store.site_id,
        store=location.store,
        code=location.code,
        path=location.path,
        description=location.description,
        has_balance=location.has_balance,
        bin_controlled=location.bin_controlled,
        supplier=location.supplier,
    )


@transaction.atomic
def change_locations(changes: Sequence[tuple[Location, LocationIn]], *, in_use: Collection[int]) -> None:
    """Change some locations. Balances, bin control and owner are fixed once stock has moved there (`in_use`)."""
    named = Site.objects.filter(adjustment__in=[location.pk for location, _ in changes])
    adjustments = set(named.values_list("adjustment", flat=True))
    for location, new in changes:
        _require_bins_only_where_balances(new)
        require_in_use(new.supplier, field="supplier", before=location.supplier_id)
        kept = (location.has_balance, location.bin_controlled) == (new.has_balance, new.bin_controlled)
        if location.pk in in_use and not kept:
            raise InUse(
                "{location} has movements, so its balance and bin settings can't change. Set up another location and "
                "move the stock there.",
                location=location.path,
                field="has_balance" if location.has_balance != new.has_balance else "bin_controlled",
            )
        if new.has_balance and location.pk in adjustments:
            raise InUse(
                "{location} is the adjustment place of its site, so it can't keep balances. Choose another adjustment "
                "place first.",
                location=location.path,
                field="has_balance",
            )
        for name in ("description", "has_balance", "bin_controlled", "supplier"):
            setattr(location, name, getattr(new, name))
    Location.objects.bulk_update(
        [location for location, _ in changes], ["description", "has_balance", "bin_controlled", "supplier"]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BinIn:
    """The input for a bin."""

    location: Location
    code: str


@named_once("bin")
@transaction.atomic
def add_bins(bins: Sequence[BinIn]) -> list[Bin]:
    """Add bins to bin-controlled locations."""
    for bin in bins:
        require_in_use(bin.location, field="location")
        if not bin.location.bin_controlled:
            raise InvalidValue(
                "{location} isn't bin controlled, so it can't have bins.", location=bin.location.path, field="location"
            )
    there = Bin.objects.filter(location__in={bin.location for bin in bins}).values_list("location", "code")
    require_new(((bin.location.pk, bin.code) for bin in bins), there, "bin")
    return Bin.objects.bulk_create(
        Bin(site_id=bin.location.site_id, location=bin.location, code=bin.code) for bin in bins
    )


def add_bin(*, location: Location, code: str) -> Bin:
    """Add one bin to a bin-controlled location."""
    return add_bins([BinIn(location=location, code=code)])[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierIn:
    """The input for a supplier."""

    code: str
    name: str = ""


@named_once("supplier")
@transaction.atomic
def add_suppliers(suppliers: Sequence[SupplierIn]) -> list[Supplier]:
    """Add suppliers."""
    there = Supplier.objects.filter(code__in=[supplier.code for supplier in suppliers]).values_list("code")
    require_new(((supplier.code,) for supplier in suppliers), there, "supplier")
    return Supplier.objects.bulk_create(Supplier(code=supplier.code, name=supplier.name) for supplier in suppliers)


def add_supplier(*, code: str, name: str = "") -> Supplier:
    """Add one supplier."""
    return add_suppliers([SupplierIn(code=code, name=name)])[0]


@transaction.atomic
def rename_suppliers(names: Sequence[tuple[Supplier, str]]) -> None:
    """Rename some suppliers."""
    for supplier, name in names:
        supplier.name = name
    Supplier.objects.bulk_update([supplier for supplier, _ in names], ["name"])


@transaction.atomic
def set_supplier_stocks(stocks: Sequence[tuple[Supplier, Location]]) -> None:
    """Set the location from which each supplier's backflush takes, at the location's site (R5).

    The location must keep balances. One that belongs to no supplier becomes this supplier's.
    """
    named = SupplierStock.objects.filter(supplier__in=[supplier for supplier, _ in stocks])
    kept = set(named.values_list("supplier", "location"))
    for supplier, location in stocks:
        if (supplier.pk, location.pk) not in kept:
            require_in_use(supplier, field="supplier")
            require_in_use(location, field="stock")
        if not location.has_balance:
            raise NotABalanceLocation(
                "{location} keeps no balances, so it can't hold stock. Choose another location.",
                location=location.path,
                field="stock",
            )
        if location.supplier_id not in {None, supplier.pk}:
            raise InvalidValue(
                "{location} belongs to another supplier. Choose another location.",
                location=location.path,
                field="stock",
            )
        location.supplier = supplier
    Location.objects.bulk_update([location for _, location in stocks], ["supplier"])
    SupplierStock.objects.bulk_create(
        [
            SupplierStock(site_id=location.site_id, supplier=supplier, location=location)
            for supplier, location in stocks
        ],
        update_conflicts=True,
        unique_fields=["site", "supplier"],
        update_fields=["location"],
    )


def set_supplier_stock(*, supplier: Supplier, location: Location) -> SupplierStock:
    """Set the location from which one supplier's backflush takes."""
    set_supplier_stocks([(supplier, location)])
    return SupplierStock.objects.get(site=location.site_id, supplier=supplier)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionIn:
    """The input for an action."""

    name: str
    type: str
    description: str = ""
    short: str = ShortRule.WHOLE
    retry: str = RetryRule.NEVER


@named_once("action", field="name")
@transaction.atomic
def add_actions(actions: Sequence[ActionIn]) -> list[Action]:
    """Add actions. An action is inactive at a site until it has a rule there."""
    for action in actions:
        _require_choices(action)
    there = Action.objects.filter(name__in=[action.name for action in actions]).values_list("name")
    require_new(((action.name,) for action in actions), there, "action", field="name")
    return Action.objects.bulk_create(
        Action(
            name=action.name,
            type=action.type,
            description=action.description,
            short=action.short,
            retry=action.retry,
        )
        for action in actions
    )


def add_action(
    *,
    name: str,
    type: str,
    description: str = "",
    short: str = ShortRule.WHOLE,
    retry: str = RetryRule.NEVER,
) -> Action:
    """Add one action."""
    return add_actions([ActionIn(name=name, type=type, description=description, short=short, retry=retry)])[0]


def _require_choices(action: ActionIn) -> None:
    for value, choices, field in (
        (action.type, ActionType, "type"),
        (action.short, ShortRule, "short"),
        (action.retry, RetryRule, "retry"),
    ):
        if value not in choices.values:
            raise InvalidValue(
                "There is no choice '{value}'. Choose one of: {choices}.",
                value=value,
                choices=choices.values,
                field=field,
            )


@transaction.atomic
def change_actions(changes: Sequence[tuple[Action, ActionIn]]) -> None:
    """Change how some actions treat short lines and arriving stock. The type of an action is fixed."""
    for action, new in changes:
        _require_choices(new)
        if action.type != new.type:
            raise InUse(
                "{action} is a {type} action, and its type can't change. Set up another action instead.",
                action=action.name,
                type=action.type,
                field="type",
            )
        action.description, action.short, action.retry = new.description, new.short, new.retry
    Action.objects.bulk_update([action for action, _ in changes], ["description", "short", "retry"])


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleIn:
    """The input for a transfer rule. Its site is the site of its locations."""

    action: Action
    source: Location
    target: Location

    @property
    def ends(self) -> tuple[int, int, int]:
        """The values that identify a rule: action, source and target."""
        return self.action.pk, self.source.pk, self.target.pk


@transaction.atomic
def add_rules(rules: Sequence[RuleIn]) -> list[TransferRule]:
    """Add transfer rules at the site of their locations (A1, A2).

    Refuses `same_location`, `too_many_rules` and `duplicate_rule`. Locks the actions and the locations.
    """
    for rule in rules:
        require_two_ends(rule)
    # Lock the action, so that two users can't each add the one rule that it may have.
    actions = Action.objects.select_for_update(no_key=True).order_by("pk").in_bulk({rule.action.pk for rule in rules})
    ends = _lock_ends(rules)
    there = TransferRule.objects.filter(action__in=actions, active=True)
    known = set(there.values_list("action", "source", "target"))
    taken = set(there.filter(single=True).values_list("action", "site"))
    made = []
    for rule in rules:
        action, site = actions[rule.action.pk], rule.source.site_id
        require_in_use(action, field="action")
        require_in_use(ends[rule.source.pk], field="from")
        require_in_use(ends[rule.target.pk], field="to")
        if rule.ends in known:
            raise DuplicateRule(
                "{action} already has a rule from {source} to {target}.",
                action=action.name,
                source=rule.source.path,
                target=rule.target.path,
                field="to",
            )
        single = ActionType(action.type).single
        if single and (action.pk, site) in taken:
            raise TooManyRules(
                "A {type} action has one rule per site. End the present rule of {action} first.",
                type=action.type,
                action=action.name,
                field="action",
            )
        known.add(rule.ends)
        taken.add((action.pk, site))
        made.append(TransferRule(site_id=site, action=action, source=rule.source, target=rule.target, single=single))
    return TransferRule.objects.bulk_create(made)


def _lock_ends(rules: Sequence[RuleIn]) -> dict[int, Location]:
    """Lock the locations of some rules, so that none is deactivated at the same time."""
    wanted = {end.pk for rule in rules for end in (rule.source, rule.target)}
    return Location.objects.select_for_update(no_key=True).order_by("pk").in_bulk(wanted)


def add_rule(*, action: Action, source: Location, target: Location) -> TransferRule:
    """Add one transfer rule."""
    return add_rules([RuleIn(action=action, source=source, target=target)])[0]


def require_two_ends(rule: RuleIn) -> None:
    """Refuse a rule whose source and target are one location, or lie at two sites (A1)."""
    if rule.source.pk == rule.target.pk:
        raise SameLocation(
            "A rule of {action} needs two different locations, not {location} twice.",
            action=rule.action.name,
            location=rule.source.path,
            field="to",
        )
    if rule.source.site_id != rule.target.site_id:
        raise InvalidValue(
            "{source} and {target} are at different sites. Choose two locations of one site.",
            source=rule.source.path,
            target=rule.target.path,
            field="to",
        )


@transaction.atomic
def replace_rules(rules: Sequence[RuleIn]) -> list[TransferRule]:
    """Replace the rules of single-rule actions at a site: end the old ones and add these."""
    old = TransferRule.objects.filter(action__in={rule.action for rule in rules}, active=True, single=True)
    sites = {(rule.action.pk, rule.source.site_id) for rule in rules}
    ended = [pk for pk, action, site in old.values_list("pk", "action", "site") if (action, site) in sites]
    TransferRule.objects.filter(pk__in=ended).update(active=False)
    return add_rules(rules)


@transaction.atomic
def end_rule(*, rule: TransferRule) -> None:
    """End a rule. The row is kept, because movements refer to it."""
    TransferRule.objects.filter(pk=rule.pk).update(active=False)


@transaction.atomic
def set_receive_action(*, site: Site, action: Action) -> None:
    """Set a site's default receive action, for purchase orders that name none (R5)."""
    require_type(action, ActionType.RECEIVE, field="receive_action")
    require_in_use(action, field="receive_action", before=site.receive_action_id)
    Site.objects.filter(pk=site.pk).update(receive_action=action)
    site.receive_action = action


@transaction.atomic
def set_adjustment(*, site: Site, location: Location) -> None:
    """Set the location that a site's count differences go to and come from (H5).

    Refused: a location of another site (`WrongSite`), with balances (`InvalidValue`), or deactivated (`Ended`).
    """
    if location.site_id != site.pk:
        raise WrongSite(
            "{location} belongs to another site. Choose a location of {site}.",
            location=location.path,
            site=site.code,
            field="adjustment",
        )
    if location.has_balance:
        raise InvalidValue(
            "{location} keeps balances. Choose a location without balances for the differences of counts.",
            location=location.path,
            field="adjustment",
        )
    require_in_use(location, field="adjustment", before=site.adjustment_id)
    Site.objects.filter(pk=site.pk).update(adjustment=location)
    site.adjustment = location


@transaction.atomic
def set_complete_when_full(*, site: Site, on: bool) -> None:
    """Set whether works orders of a site complete themselves once the good quantity reaches the ordered one (B6)."""
    Site.objects.filter(pk=site.pk).update(complete_when_full=on)
    site.complete_when_full = on


def require_type(action: Action, type: ActionType, *, field: str) -> None:
    """Refuse an action whose type doesn't fit its use (`wrong_action_type`)."""
    if action.type != type:
        raise WrongActionType(
            "{action} is a {type} action. Choose a {required} action.",
            action=action.name,
            type=action.type,
            required=type,
            field=field,
        )


def require_free(existing: QuerySet[Model], kind: str, name: str) -> None:
    """Refuse a name that is taken (`already_there`)."""
    if existing.exists():
        raise AlreadyThere("The {kind} {name} exists already. Choose another name.", kind=kind, name=name, field="code")


def require_new(
    wanted: Iterable[tuple[object, ...]], there: Iterable[tuple[object, ...]], kind: str, *, field: str = "code"
) -> None:
    """Refuse keys that exist already or occur twice, and name each. The last part of a key is the name that users
    know."""
    times = Counter(wanted)
    known = set(there)
    taken = [key for key in times if key in known or times[key] > 1]
    if taken:
        names = [str(key[-1]) for key in taken]
        raise AlreadyThere(
            "The {kind} {names} exists already. Choose another name.", kind=kind, names=names, field=field
        )
