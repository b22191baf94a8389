"""Create the first site of an empty database with its administrator, and take ready-made set-ups over."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from backflush.beginnings.patterns import ADJUSTMENT, PATTERNS, RECEIVE_ACTION, UNITS, Pattern, PatternPart
from backflush.core.refusals import AlreadyThere, InvalidValue
from backflush.core.text import require_short
from backflush.db.vendors import lock_until_commit
from backflush.items.models import TypeCode, Unit
from backflush.items.services import TypeCodeIn, UnitIn, add_type_codes, add_units
from backflush.people.models import User
from backflush.people.rights import Role
from backflush.people.services import add_person
from backflush.stockmap.models import Action, Location, Site, Store, TransferRule
from backflush.stockmap.services import (
    ActionIn,
    LocationIn,
    RuleIn,
    StoreIn,
    add_actions,
    add_locations,
    add_rules,
    add_site,
    add_stores,
    set_adjustment,
    set_receive_action,
)

BEGINNING_LOCK = 4_170_002
FIRST_NAME_LENGTH = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantIn:
    """The first site and its administrator. `person` is the log-in name."""

    code: str
    name: str
    time_zone: str
    person: str
    password: str
    first_name: str = ""
    last_name: str = ""


@dataclass(slots=True)
class TakenOver:
    """The codes that a ready-made set-up added, and those that were there already and were kept, by kind."""

    added: list[tuple[str, str]] = field(default_factory=list)
    kept: list[tuple[str, str]] = field(default_factory=list)


def require_no_plant() -> None:
    """Refuse (`AlreadyThere`) where a site exists: only the first one is created without an administrator."""
    if Site.objects.exists():
        raise AlreadyThere("There is a plant in this database already. Sign in, or ask its administrator.")


@transaction.atomic
def begin_plant(plant: PlantIn) -> tuple[Site, User]:
    """Create the first site and a user who administers it, in one transaction.

    Locks the beginning, so that of two people at once one is refused. Raises `AlreadyThere` where there is a site or a
    user of that name, and `InvalidValue` for a code, time zone or password that isn't accepted.
    """
    lock_until_commit(BEGINNING_LOCK)
    require_no_plant()
    require_short(plant.first_name, FIRST_NAME_LENGTH, field="first_name", what="A name")
    if not plant.person:
        raise InvalidValue("Enter the name that you sign in with.", field="person")
    site = add_site(code=plant.code, name=plant.name, time_zone=plant.time_zone)
    user = add_person(
        name=plant.person,
        password=plant.password,
        first_name=plant.first_name,
        last_name=plant.last_name,
        roles=[Role.ADMINISTRATOR],
        site=site,
    )
    return site, user


def pattern_named(name: str) -> Pattern:
    """Return a ready-made set-up; raises `InvalidValue`."""
    if name not in PATTERNS:
        raise InvalidValue(
            "There is no ready-made set-up '{name}'. Choose one of: {names}.",
            name=name,
            names=list(PATTERNS),
            field="pattern",
        )
    return PATTERNS[name]


@transaction.atomic
def take_over(site: Site, pattern: Pattern) -> TakenOver:
    """Add what a ready-made set-up has and the site lacks. What is there keeps its description, actions and rules.

    Actions, type codes and units are common to all sites; an action that has no rule at this site gets those of the
    set-up. Takes a fixed number of statements. Raises `Ended` where a location or action was deactivated.
    """
    done = TakenOver()
    units = _missing(done, "unit", UNITS, Unit.objects.values_list("code", flat=True))
    add_units([UnitIn(code=code, name=UNITS[code]) for code in units])
    _add_places(done, site, pattern.parts)
    _add_actions(done, site, pattern.parts)
    _add_type_codes(done, pattern.parts)
    _name_places(site)
    return done


def _missing(done: TakenOver, kind: str, wanted: Iterable[str], there: Iterable[str]) -> list[str]:
    known = set(there)
    codes = list(wanted)
    done.kept += [(kind, code) for code in codes if code in known]
    done.added += [(kind, code) for code in codes if code not in known]
    return [code for code in codes if code not in known]


def _add_places(done: TakenOver, site: Site, parts: Sequence[PatternPart]) -> None:
    stores = {code: about for part in parts for code, about in part.stores.items()}
    there = Store.objects.filter(site=site).values_list("code", flat=True)
    add_stores(
        [StoreIn(site=site, code=code, description=stores[code]) for code in _missing(done, "store", stores, there)]
    )
    by_code = {store.code: store for store in Store.objects.filter(site=site, code__in=stores)}
    locations = {place.path: place for part in parts for place in part.locations}
    known = Location.objects.filter(site=site).values_list("path", flat=True)
    new = [locations[path] for path in _missing(done, "location", locations, known)]
    add_locations(
        [
            LocationIn(
                store=by_code[place.path.partition("/")[0]],
                code=place.path.partition("/")[2],
                description=place.description,
                has_balance=place.has_balance,
            )
            for place in new
        ]
    )


def _add_actions(done: TakenOver, site: Site, parts: Sequence[PatternPart]) -> None:
    wanted = {action.name: action for part in parts for action in part.actions}
    new = _missing(done, "action", wanted, Action.objects.values_list("name", flat=True))
    add_actions([ActionIn(name=name, type=wanted[name].type, description=wanted[name].description) for name in new])
    actions = {action.name: action for action in Action.objects.filter(name__in=wanted)}
    ruled = set(TransferRule.objects.filter(site=site, active=True).values_list("action__name", flat=True))
    paths = {path for action in wanted.values() for rule in action.rules for path in rule}
    places = {place.path: place for place in Location.objects.filter(site=site, path__in=paths)}
    add_rules(
        [
            RuleIn(action=actions[name], source=places[source], target=places[target])
            for name, action in wanted.items()
            if name not in ruled and actions[name].type == action.type
            for source, target in action.rules
        ]
    )


def _add_type_codes(done: TakenOver, parts: Sequence[PatternPart]) -> None:
    wanted = {code.code: code for part in parts for code in part.type_codes}
    new = _missing(done, "type code", wanted, TypeCode.objects.values_list("code", flat=True))
    names = ("completion", "backflush", "issue", "return_action")
    actions = {action.name: action for action in Action.objects.all()}

    def chosen(code: str) -> dict[str, Any]:
        return {name: actions.get(getattr(wanted[code], name)) for name in names}

    add_type_codes([TypeCodeIn(code=code, description=wanted[code].description, **chosen(code)) for code in new])


def _name_places(site: Site) -> None:
    """Name the adjustment place and the receive action, unless the site has others."""
    if site.adjustment_id is None:
        set_adjustment(site=site, location=Location.objects.get(site=site, path=ADJUSTMENT))
    if site.receive_action_id is None:
        set_receive_action(site=site, action=Action.objects.get(name=RECEIVE_ACTION))
