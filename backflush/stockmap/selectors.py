from collections.abc import Collection, Container, Mapping
from datetime import UTC, date, datetime, time
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Model, QuerySet
from django.utils import timezone

from backflush.core.moves import Place
from backflush.core.refusals import BinRequired, DateInFuture, NoRule, NotFound
from backflush.stockmap.models import Action, Bin, Location, Site, Supplier, SupplierStock, TransferRule

Thing = TypeVar("Thing", bound=Model)


def site_named(code: str = "") -> Site:
    """The site of a code; without a code the only one."""
    if code:
        return _named(Site.objects.filter(code=code), f"There is no site {code}.", "site")
    sites = list(Site.objects.order_by("pk")[:2])
    if not sites:
        raise NotFound("There is no site yet. Import a plant, or make the demo plant.", field="site")
    if len(sites) > 1:
        raise NotFound("There is more than one site. Say which.", field="site")
    return sites[0]


def location_at(site: Site, path: str, *, field: str = "location") -> Location:
    """The location of a path such as MAIN/LINE."""
    found = Location.objects.filter(site=site, path=path)
    return _named(found, f"There is no location {path} at {site.code}. Write it as STORE/LOCATION.", field)


def action_named(name: str, *, field: str = "action") -> Action:
    """The action of a name."""
    return _named(Action.objects.filter(name=name), f"There is no action {name}.", field)


def supplier_named(code: str) -> Supplier:
    """The supplier of a code."""
    return _named(Supplier.objects.filter(code=code), f"There is no supplier {code}.", "supplier")


def suppliers_coded(codes: Collection[str]) -> dict[str, Supplier]:
    """Suppliers by code; every code that there is no supplier of is named."""
    found = {supplier.code: supplier for supplier in Supplier.objects.filter(code__in=codes)}
    _require_all(codes, found, "supplier", "supplier")
    return found


def actions_named(names: Collection[str], *, field: str = "action") -> dict[str, Action]:
    """Actions by name; every name that there is no action of is named."""
    found = {action.name: action for action in Action.objects.filter(name__in=names)}
    _require_all(names, found, "action", field)
    return found


def _require_all(wanted: Collection[str], found: Container[str], what: str, field: str) -> None:
    missing = [name for name in dict.fromkeys(wanted) if name not in found]
    if missing:
        raise NotFound(f"There is no {what} {', '.join(missing)}.", field=field)


def _named(found: QuerySet[Thing], sentence: str, field: str) -> Thing:
    thing = found.first()
    if thing is None:
        raise NotFound(sentence, field=field)
    return thing


def single_rules(site: Site, actions: Collection[int]) -> dict[int, TransferRule]:
    """The one rule at a site of each of some single-rule actions, by action; inactive actions have none (A2)."""
    rules = TransferRule.objects.filter(site=site, action__in=actions, single=True, active=True)
    return {rule.action_id: rule for rule in rules.select_related("action", "source", "target")}


def require_rule(rules: Mapping[int, TransferRule], action: Action, site: Site) -> TransferRule:
    """The rule of an action; refused where it has none: what needs it is never skipped (`no_rule`)."""
    if action.pk not in rules:
        raise NoRule(
            f"{action.name} has no rule at {site.code}, so nothing that needs it can be booked. Add one.",
            field="action",
        )
    return rules[action.pk]


def supplier_stock(site: Site, suppliers: Collection[int]) -> dict[int, Location]:
    """The location that stands in for the backflush rule's source, by supplier (R1, R5)."""
    named = SupplierStock.objects.filter(site=site, supplier__in=suppliers).select_related("location")
    return {stock.supplier_id: stock.location for stock in named}


def place_of(location: Location, bin: str = "") -> Place:
    """A location as the core knows it."""
    return Place(location.pk, bin, location.has_balance, location.bin_controlled)


def place_in_bin(
    location: Location, bin: str, *, field: str = "bin", known: Container[tuple[int, str]] | None = None
) -> Place:
    """A place that a person names: with a bin of it where the location is bin controlled, without one elsewhere.

    Whoever names many places looks their bins up once and hands over the `known` ones.
    """
    if location.bin_controlled and not bin:
        raise BinRequired(f"{location.path} is kept in bins. Say which bin.", field=field)
    if bin and (location.pk, bin) not in (bins_of([location.pk]) if known is None else known):
        raise NotFound(f"{location.path} has no bin {bin}.", field=field)
    return place_of(location, bin)


def bins_of(locations: Collection[int]) -> set[tuple[int, str]]:
    """The bins of some locations, to look up many at once."""
    return set(Bin.objects.filter(location__in=locations).values_list("location", "code"))


def event_time(site: Site, at: datetime | date | None) -> datetime:
    """When an event happened: now where nothing is said; a day alone is its first moment at the site (B9).

    Refused in the future: stock can't have moved yet.
    """
    now = timezone.now()
    if at is None:
        return now
    zone = ZoneInfo(site.time_zone)
    moment = at if isinstance(at, datetime) else datetime.combine(at, time(), zone)
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    if moment > now:
        raise DateInFuture(f"{moment.astimezone(zone):%d %b %Y %H:%M} is in the future.", field="at")
    return moment


def day_at(site: Site, moment: datetime) -> date:
    """The site's day of a moment."""
    return moment.astimezone(ZoneInfo(site.time_zone)).date()


def place_names(site: Site, *, most: int) -> list[str]:
    """The paths of a site's locations in order; no more than so many."""
    return list(Location.objects.filter(site=site).order_by("path").values_list("path", flat=True)[:most])


def action_names(site: Site) -> list[str]:
    """The actions that have ever had a rule at a site, by name."""
    named = TransferRule.objects.filter(site=site).values_list("action__name", flat=True)
    return sorted(set(named.distinct().order_by()))
