from collections.abc import Collection, Container, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from backflush.core.input_values import LAST_YEAR, require_plausible
from backflush.core.moves import Place
from backflush.core.refusals import BinRequired, DateInFuture, InvalidValue, NoRule, NotFound, PeriodClosed, Refusal
from backflush.core.sentences import Sentence
from backflush.db.codes import did_you_mean, find_by_code
from backflush.stockmap.deactivation import require_in_use
from backflush.stockmap.models import Action, Bin, Location, Site, Supplier, SupplierStock, TransferRule

Thing = TypeVar("Thing", bound=Model)


def site_named(code: str = "") -> Site:
    """Return the site with this code; without a code, the only site. Refused where there is none, or where several
    fit."""
    if code:
        # Suggestions would tell which sites there are to people who may see only their own.
        return _named(Site.objects.all(), code, Sentence("There is no site {site}.", site=code), "site", suggest=False)
    sites = list(Site.objects.order_by("pk")[:2])
    if not sites:
        raise NotFound("There is no site yet. Import your data, or create the demo plant.", field="site")
    if len(sites) > 1:
        raise NotFound("There is more than one site. Name one.", field="site")
    return sites[0]


def location_at(site: Site, path: str, *, field: str = "location") -> Location:
    """Return the location of a path such as MAIN/LINE, or refuse (`not_found`)."""
    places = Location.objects.filter(site=site)
    no_such = Sentence(
        "Site {site} has no location {location}. Write it as STORE/LOCATION.", location=path, site=site.code
    )
    return _named(places, path, no_such, field, by="path")


def find_locations(site: Site, paths: Collection[str]) -> dict[str, Location]:
    """Return the existing locations among some paths typed in any case, by the path as it was typed."""
    return find_by_code(Location.objects.filter(site=site), paths, field="path")


def action_named(name: str, *, field: str = "action") -> Action:
    """Return the action with this name, or refuse (`not_found`)."""
    return _named(Action.objects.all(), name, Sentence("There is no action {action}.", action=name), field, by="name")


def supplier_named(code: str) -> Supplier:
    """Return the supplier with this code, or refuse (`not_found`)."""
    return _named(Supplier.objects.all(), code, Sentence("There is no supplier {supplier}.", supplier=code), "supplier")


def suppliers_coded(codes: Collection[str]) -> dict[str, Supplier]:
    """Return suppliers by code. The refusal (`not_found`) names every unknown code."""
    found = find_by_code(Supplier.objects.all(), codes)
    _require_all(codes, found, "supplier", did_you_mean_in=Supplier.objects.all(), field="supplier")
    return found


def actions_named(names: Collection[str], *, field: str = "action") -> dict[str, Action]:
    """Return actions by name. The refusal (`not_found`) names every unknown name."""
    found = find_by_code(Action.objects.all(), names, field="name")
    _require_all(names, found, "action", did_you_mean_in=Action.objects.all(), by="name", field=field)
    return found


def _require_all(
    wanted: Collection[str],
    found: Container[str],
    what: str,
    *,
    did_you_mean_in: QuerySet[Any],
    by: str = "code",
    field: str,
) -> None:
    missing = [name for name in dict.fromkeys(wanted) if name not in found]
    if missing:
        details = did_you_mean(did_you_mean_in, missing, field=by)
        raise NotFound("There is no {kind} {names}.", kind=what, names=missing, field=field, details=details)


def _named(
    rows: QuerySet[Thing], code: str, sentence: Sentence, field: str, *, by: str = "code", suggest: bool = True
) -> Thing:
    thing = find_by_code(rows, [code], field=by).get(code)
    if thing is None:
        details = did_you_mean(rows, [code], field=by) if code and suggest else []
        raise NotFound.of(sentence, field=field, details=details)
    return thing


def single_rules(site: Site, actions: Collection[int]) -> dict[int, TransferRule]:
    """Return the rule of each single-rule action at a site, by action. Inactive actions are left out (A2)."""
    rules = TransferRule.objects.filter(site=site, action__in=actions, single=True, active=True)
    return {rule.action_id: rule for rule in rules.select_related("action", "source", "target")}


def require_rule(rules: Mapping[int, TransferRule], action: Action, site: Site) -> TransferRule:
    """Return the rule of an action, or refuse (`no_rule`). A step that needs a rule is never skipped."""
    if action.pk not in rules:
        raise NoRule(
            "{action} has no rule at {site}, so it is inactive there. Add a rule.",
            action=action.name,
            site=site.code,
            field="action",
        )
    return rules[action.pk]


def supplier_stock(site: Site, suppliers: Collection[int]) -> dict[int, Location]:
    """Return the stock location of each supplier at a site, which replaces the backflush rule's from-location (R1,
    R5)."""
    named = SupplierStock.objects.filter(site=site, supplier__in=suppliers).select_related("location")
    return {stock.supplier_id: stock.location for stock in named}


def place_of(location: Location, bin: str = "") -> Place:
    """Convert a location to the core's `Place`."""
    return Place(location.pk, bin, location.has_balance, location.bin_controlled)


def place_in_bin(
    location: Location,
    bin: str,
    *,
    field: str = "bin",
    into: bool = False,
    known: Container[tuple[int, str]] | None = None,
) -> Place:
    """Return a place that a user named: with a bin where the location is bin controlled, without one elsewhere.

    With `into`, a deactivated bin is refused (`ended`); stock can still be taken out of one. Callers that check many
    places read the bins once and pass them as `known`.
    """
    if location.bin_controlled and not bin:
        raise BinRequired("{location} has bins. Enter the bin.", location=location.path, field=field)
    if bin and (location.pk, bin) not in (bins_of([location.pk], into=into) if known is None else known):
        raise _no_bin(location, bin, field)
    return place_of(location, bin)


def _no_bin(location: Location, bin: str, field: str) -> Refusal:
    """Return the refusal for a bin that doesn't exist or is deactivated."""
    try:
        require_in_use(Bin.objects.filter(location=location, code=bin).first(), field=field)
    except Refusal as refusal:
        return refusal
    return NotFound("{location} has no bin {bin}.", location=location.path, bin=bin, field=field)


LABEL_MOST: Final = 200
"""The number of characters of a scanned code that are searched for the slash between location and bin."""


def bin_labelled(site: Site, text: str) -> Bin | None:
    """Return the bin that a scanned label names: location and code, or the code alone where it is unique."""
    condition = Q(code=text)
    # Location and bin codes may both contain slashes, so every split is tried.
    for at in (at for at, sign in enumerate(text[:LABEL_MOST]) if sign == "/"):
        condition |= Q(location__path=text[:at], code=text[at + 1 :])
    found = list(Bin.objects.filter(condition, site=site).select_related("location__store")[:2])
    return found[0] if len(found) == 1 else None


def bins_of(locations: Collection[int], *, into: bool = False) -> set[tuple[int, str]]:
    """Return the bins of some locations by location and code; with `into`, only the active ones."""
    found = Bin.objects.filter(location__in=locations)
    if into:
        found = found.filter(ended_on__isnull=True)
    return set(found.values_list("location", "code"))


def event_time(site: Site, at: datetime | date | None) -> datetime:
    """Return the event time: now if none is given; for a date, its first moment in the site's time zone (B9).

    Refused in the future (`date_in_future`) and in a closed period (`period_closed`, P).
    """
    now = timezone.now()
    if at is None:
        return now
    if at.year > LAST_YEAR:
        raise DateInFuture("{moment} is in the future. Enter a time up to now.", moment=at, field="at")
    moment = moment_of(site, at)
    if moment > now:
        zone = ZoneInfo(site.time_zone)
        raise DateInFuture(
            "{moment} is in the future. Enter a time up to now.", moment=moment.astimezone(zone), field="at"
        )
    require_not_closed(site, moment)
    return moment


def moment_of(site: Site, at: datetime | date, *, field: str = "at") -> datetime:
    """Convert a date or a time to a moment in UTC. A time without an offset is in the site's time zone.

    Refused (`InvalidValue`): what lies outside the years 1970 to 9998, and a local time that a change of the clocks
    leaves out or repeats, because nobody can know which moment was meant.
    """
    require_plausible(at, field=field)
    zone = ZoneInfo(site.time_zone)
    if not isinstance(at, datetime):
        # Where the clocks change at midnight, the day begins at the change.
        return datetime.combine(at, time(), zone).astimezone(UTC)
    if at.tzinfo:
        return at.astimezone(UTC)
    before, after = (at.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if before.utcoffset() != after.utcoffset():
        raise _clocks_changed(site, before, after, field)
    return before.astimezone(UTC)


def _clocks_changed(site: Site, before: datetime, after: datetime, field: str) -> InvalidValue:
    """Return why a local time is no single moment: it is left out or repeated between two offsets from UTC."""
    possible = before.astimezone(UTC).astimezone(before.tzinfo)
    if possible.replace(tzinfo=None) != before.replace(tzinfo=None):
        return InvalidValue(
            "{time} on {day} doesn't exist at {site}: the clocks go forward then. Write {possible} or another time.",
            time=f"{before:%H:%M}",
            day=before.date(),
            site=site.code,
            possible=f"{possible:%H:%M}",
            field=field,
        )
    return InvalidValue(
        "{time} on {day} happens twice at {site}: the clocks go back then. Write {first} or {second}.",
        time=f"{before:%H:%M}",
        day=before.date(),
        site=site.code,
        first=before.isoformat(timespec="minutes"),
        second=after.isoformat(timespec="minutes"),
        field=field,
    )


def require_not_closed(site: Site, moment: datetime) -> None:
    """Refuse a moment in a closed period (`period_closed`).

    This check gives an early answer only: the site may have been closed since it was read, so the statement that
    inserts postings checks again under a lock. If the day seems closed, the site is read again here, because it may
    have been reopened.
    """
    if site.closed_through is None or day_at(site, moment) > site.closed_through:
        return
    now = Site.objects.select_related("closed_by").get(pk=site.pk)
    if now.closed_through is not None and day_at(site, moment) <= now.closed_through:
        raise _period_closed(now, day_at(site, moment))


def closed_meanwhile(site: Site, days: Iterable[date]) -> PeriodClosed:
    """Return the refusal for postings that the ledger rejected because their day was closed after the first check."""
    return _period_closed(Site.objects.select_related("closed_by").get(pk=site.pk), min(days))


def _period_closed(site: Site, day: date) -> PeriodClosed:
    """Return the refusal for a closed day: the first open day, and who can reopen the period."""
    # The period may have been reopened a moment ago.
    through = max(day, site.closed_through or day)
    who = site.closed_by.name if site.closed_by else "a controller"
    end_of_month = (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    if end_of_month <= through:
        return PeriodClosed(
            "{month} is closed. Use {first_open} or later, or ask {user} to reopen it.",
            month=f"{day:%B %Y}",
            first_open=through + timedelta(days=1),
            user=who,
            field="at",
        )
    return PeriodClosed(
        "Everything up to {through} is closed. Use {first_open} or later, or ask {user} to reopen it.",
        through=through,
        first_open=through + timedelta(days=1),
        user=who,
        field="at",
    )


def day_at(site: Site, moment: datetime) -> date:
    """Return the date of a moment in the site's time zone."""
    return moment.astimezone(ZoneInfo(site.time_zone)).date()


def place_names(site: Site, *, most: int, in_use: bool = False) -> list[str]:
    """Return the paths of a site's locations in order, up to a limit. With `in_use`, only the active ones."""
    found = Location.objects.filter(site=site)
    if in_use:
        found = found.filter(ended_on__isnull=True)
    return list(found.order_by("path").values_list("path", flat=True)[:most])


def action_names(site: Site) -> list[str]:
    """Return the names of actions that ever had a rule at a site."""
    named = TransferRule.objects.filter(site=site).values_list("action__name", flat=True)
    return sorted(set(named.distinct().order_by()))
