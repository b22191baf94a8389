"""The stock map, drawn from the set-up. The browser draws it from the two tables below it."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from urllib.parse import quote

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backflush.backflushing.material_flow import FlowStep, MaterialFlow, material_flow
from backflush.core.refusals import NotFound, Refusal
from backflush.items.models import ComponentClass, Item
from backflush.items.selectors import items_coded
from backflush.ledger.stock_by_location import PlaceStock, stock_by_place, waiting_by_place
from backflush.people.rights import Verb
from backflush.stockmap.deactivation import offered
from backflush.stockmap.models import Action, ActionType, Location, TransferRule
from backflush.web.items.views import sees_costs
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest, Visit
from backflush.web.setup.places import keeps

UNFOLDED_MOST: Final = 40
CHOSEN_FROM_MOST: Final = 200
TRACED: Final = {ComponentClass.MADE, ComponentClass.KIT, ComponentClass.SUBCONTRACTED}


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A location for the table and the drawing.

    `fold` names the store in whose box it is hidden, `opens` is the address that opens that store, `closes` the one
    that folds it.
    """

    place: Location
    keeps: str
    framed: bool
    fold: str
    opens: str
    closes: str
    stock: PlaceStock | None
    waiting: int
    address: str


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule for the table; `steps` are its numbers in the traced flow."""

    rule: TransferRule
    flush: bool
    waiting: int
    steps: str
    own: bool = False


@dataclass(frozen=True, slots=True)
class Folding:
    """The stores that are folded into a box: with over forty places, all that aren't opened and aren't in the
    traced flow."""

    folds: bool
    opened: frozenset[str]
    partly: frozenset[str]
    shown: Set[int]
    item: str

    @classmethod
    def of(cls, places: Sequence[Location], *, opened: str, item: str, shown: Set[int]) -> "Folding":
        """Return the folding for the stores opened in the address and the places that must be visible."""
        known = {place.store.code for place in places}
        partly = frozenset(place.store.code for place in places if place.pk in shown)
        return cls(len(places) > UNFOLDED_MOST, frozenset(opened.split(",")) & known, partly, shown, item)

    def is_open(self, place: Location) -> bool:
        """Return whether the user opened the store, so that it can be folded again."""
        return self.folds and place.store.code in self.opened

    def frames(self, place: Location) -> bool:
        """Return whether the store is drawn as a frame: it is open, wholly or in part."""
        return place.store.code in self.opened | self.partly

    def box_of(self, place: Location) -> str:
        """Return the store in whose box a location is hidden, if any."""
        return place.store.code if self.folds and not self.is_open(place) and place.pk not in self.shown else ""

    def address(self, opened: Set[str], store: str = "") -> str:
        """Return the address of the map with some stores open, keeping the traced item."""
        text = {"item": self.item, "open": ",".join(sorted(opened))}
        query = urlencode({name: value for name, value in text.items() if value})
        return f"{reverse('stock-map')}{'?' * bool(query)}{query}{f'#store-{quote(store)}' * bool(store)}"

    @property
    def folds_all(self) -> str:
        """The address with all stores folded; empty if none is open."""
        return self.address(frozenset()) if self.folds and self.opened else ""


@page(Verb.SEE_WORK)
def map_page(request: PageRequest) -> HttpResponse:
    """Show the places and the rules, and trace an item."""
    visit = request.visit
    places = list(Location.objects.filter(site=visit.site).select_related("store", "supplier").order_by("path"))
    rules = TransferRule.objects.filter(site=visit.site, active=True).select_related("action", "source", "target")
    waiting = waiting_by_place(visit.site)
    text = request.GET.get("item", "").strip()
    happens, refusal = _traced(visit, text)
    standing = [place for place in places if place.ended_on is None]
    folding = Folding.of(standing, opened=request.GET.get("open", ""), item=text, shown=_ends(happens))
    rule_rows = [
        RuleRow(
            rule,
            rule.action.type == ActionType.BACKFLUSH,
            waiting.by_rule.get((rule.pk, rule.source_id), 0),
            _steps(happens, rule),
        )
        for rule in rules.order_by("source__path", "target__path", "action__name")
    ]
    named = {row.rule.action_id for row in rule_rows}
    context = {
        "rows": rule_rows,
        "own_rows": _own_places(happens, rule_rows),
        "places": _place_rows(visit, standing, waiting.by_place, folding),
        "folding": folding,
        "ended": [place for place in places if place.ended_on is not None],
        "more": waiting.more,
        "costs": sees_costs(visit),
        "inactive": offered(Action.objects.exclude(pk__in=named).order_by("name")),
        "happens": happens,
        "says": sentence(happens) if happens else "",
        "items": _traceable(),
        "text": text,
        "refusal": refusal,
        "now": timezone.now(),
    }
    return render(request, "web/stock/map/map.html", context)


def _traced(visit: Visit, code: str) -> tuple[MaterialFlow | None, Refusal | None]:
    if not code:
        return None, None
    try:
        item = items_coded([code])[code]
    except NotFound as refusal:
        return None, refusal
    return material_flow(visit.site, item, visit.today), None


def _traceable() -> list[Item]:
    """Return the items to choose from; empty if there are too many, in which case a code is entered."""
    found = list(Item.objects.filter(component_class__in=TRACED).order_by("code")[: CHOSEN_FROM_MOST + 1])
    return found if len(found) <= CHOSEN_FROM_MOST else []


def _does(step: FlowStep, action: int, source: int, target: int) -> bool:
    ends = step.source is not None and step.target is not None
    return ends and (step.action.pk, step.source.pk, step.target.pk) == (action, source, target)  # type: ignore[union-attr]


def _steps(happens: MaterialFlow | None, rule: TransferRule) -> str:
    steps = happens.steps if happens else ()
    numbers = [
        str(number)
        for number, step in enumerate(steps, start=1)
        if _does(step, rule.action_id, rule.source_id, rule.target_id)
    ]
    return ", ".join(numbers)


def _own_places(happens: MaterialFlow | None, rows: Sequence[RuleRow]) -> list[RuleRow]:
    """Return the flow steps that start at a line's own from-location instead of the rule's."""
    drawn = {number for row in rows for number in row.steps.split(", ")}
    found = []
    for number, step in enumerate(happens.steps if happens else (), start=1):
        if str(number) not in drawn and step.source is not None and step.target is not None:
            rule = TransferRule(action=step.action, source=step.source, target=step.target)
            found.append(RuleRow(rule, step.action.type == ActionType.BACKFLUSH, 0, str(number), own=True))
    return found


def _ends(happens: MaterialFlow | None) -> frozenset[int]:
    """Return the places of the traced flow, which are shown even if their store is folded."""
    ends = (end for step in (happens.steps if happens else ()) for end in (step.source, step.target))
    return frozenset(end.pk for end in ends if end is not None)


def _place_rows(visit: Visit, places: list[Location], waiting: Mapping[int, int], folding: Folding) -> list[PlaceRow]:
    stock = stock_by_place(visit.site)
    sizes = Counter(place.store_id for place in places)
    main = sizes.most_common(1)[0][0] if sizes else None
    lent = {place.store_id for place in places if place.supplier_id is not None}
    return [
        PlaceRow(
            place,
            keeps(place),
            folding.frames(place)
            if folding.folds
            else place.store_id != main and (sizes[place.store_id] > 1 or place.store_id in lent),
            folding.box_of(place),
            folding.address({*folding.opened, place.store.code}, place.store.code),
            folding.address(folding.opened - {place.store.code}) if folding.is_open(place) else "",
            stock.get(place.pk, PlaceStock(0, Decimal(0))) if place.has_balance else None,
            waiting.get(place.pk, 0),
            place_address(place, waiting.get(place.pk, 0)),
        )
        for place in places
    ]


def place_address(place: Location, waiting: int) -> str:
    """Return where a place links to: its unresolved movements, else its stock, else its set-up."""
    if waiting:
        return f"{reverse('unresolved')}?{urlencode({'location': place.path})}"
    if place.has_balance:
        try:
            return f"{reverse('balances')}?{urlencode({'location': place.path})}"
        except NoReverseMatch:
            pass
    return reverse("set-up-record", args=["locations", place.path])


def sentence(happens: MaterialFlow) -> str:
    """Return the traced flow in words, numbered like the arrows."""
    made = happens.item.component_class in {ComponentClass.MADE, ComponentClass.KIT}
    begins = _("When %(code)s is completed: %(steps)s.") if made else _("When %(code)s is received: %(steps)s.")
    steps = "; ".join(f"{number} {_step_words(happens.item, step)}" for number, step in enumerate(happens.steps, 1))
    if not steps:
        return _("Nothing is moved or assumed by itself: its type code has no action for it.")
    return begins % {"code": happens.item.code, "steps": steps}


def _step_words(item: Item, step: FlowStep) -> str:
    if step.source is None or step.target is None:
        return _("%(action)s has no rule here, so all of it is refused") % {"action": step.action.name}
    ends = {"action": step.action.name, "source": step.source.path, "target": step.target.path, "code": item.code}
    if step.action.type != ActionType.BACKFLUSH:
        return _("%(action)s brings %(code)s from %(source)s to %(target)s") % ends
    return ngettext(
        "%(action)s takes %(count)s component from %(source)s to %(target)s",
        "%(action)s takes %(count)s components from %(source)s to %(target)s",
        step.components,
    ) % {**ends, "count": step.components}


urlpatterns = [path("stock-map/", map_page, name="stock-map")]
