"""Movements as a list that people search, at the same speed with half a million of them.

A list is ordered by time, and there are two ways to find a page of it. Where many match, one goes along the index of
time until the page is full. Where few match, that would look at the whole ledger: then one takes the few that one of
the filters leaves, and sorts these. Which of the two it is, a look at each filter says, which stops early.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet

from backflush.core.moves import Process, Status
from backflush.items.models import Item
from backflush.ledger.models import CostObject, CostObjectKind, Movement, Posting
from backflush.people.models import User
from backflush.stockmap.models import Location, Site, TransferRule

FEW = 10_000
"""So many are counted, and so many at most are taken and sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which movements are looked for; all that is given must hold, and what is empty doesn't matter.

    `location` is a path, or a store's code for all of its locations, at either end of a movement; `order` a works or
    purchase order, `person` a log-in name. `until` is not included.
    """

    status: str = ""
    item: str = ""
    location: str = ""
    process: str = ""
    order: str = ""
    action: str = ""
    person: str = ""
    since: datetime | None = None
    until: datetime | None = None


class Found:
    """What matches, newest first, and how many there are.

    `slow` is whether counting them takes longer than finding a page of them: each asks its posting then.
    """

    def __init__(self, movements: QuerySet[Movement], *, total: int | None = None, slow: bool = False) -> None:
        self.movements = movements
        self.slow = slow
        self._known = total

    @cached_property
    def total(self) -> int:
        """How many; one more than `FEW` stands for more."""
        return self.movements.order_by().values("pk")[: FEW + 1].count() if self._known is None else self._known


def movements_sought(site: Site, sought: Sought) -> Found:
    """Search the ledger of a site."""
    conditions = _conditions(site, sought)
    found = Movement.objects.filter(*conditions.values(), site=site)
    postings = _some_postings(site, sought)
    if conditions.keys() == {"process"} and len(postings) > FEW and sought.process != Process.RESOLUTION:
        # Each of them moved something, so there are more than are counted; a resolution may only have dropped.
        return Found(_newest_first(found), total=FEW + 1)
    few = _few(site, sought, conditions, postings)
    if few is not None:
        found = Movement.objects.filter(*conditions.values(), site=site, pk__in=few)
    return Found(_newest_first(found), slow=few is None and not conditions.keys().isdisjoint({"process", "person"}))


def _newest_first(found: QuerySet[Movement]) -> QuerySet[Movement]:
    return found.order_by(F("at").desc(), F("id").desc())


def movements_named() -> QuerySet[Movement]:
    """Movements with what a list shows of each."""
    return Movement.objects.select_related(
        "item__stock_unit", "source", "target", "cost_object", "posting__by", "rule__action"
    )


def named_in_order(numbers: Sequence[int]) -> list[Movement]:
    """Some movements with what a list shows of each, in the order of the numbers.

    A list finds numbers first: where names are asked for with them, SQLite joins all that matches before it cuts it
    off, which took five seconds where 160,000 wait.
    """
    named = movements_named().in_bulk(numbers)
    return [named[number] for number in numbers if number in named]


def _few(site: Site, sought: Sought, conditions: Mapping[str, Q], postings: Sequence[int]) -> list[int] | None:
    """The movements that one of the conditions leaves, if it alone leaves few; the first that does.

    Each is asked without its site where it names something that belongs to one: only its own index is the short way
    then. A database that has no statistics would choose another, and read everything.
    """
    alone = [
        Movement.objects.filter(conditions[name]) for name in ("order", "action", "location") if name in conditions
    ]
    if (sought.process or sought.person) and len(postings) <= FEW:
        # Named one by one, or a database that has no statistics goes through all movements for them.
        alone.append(Movement.objects.filter(posting__in=postings))
    if sought.item:
        alone.append(Movement.objects.filter(conditions["item"], site=site))
    for one in alone:
        if (numbers := few_of(one)) is not None:
            return numbers
    return None


def few_of(found: QuerySet[Any]) -> list[int] | None:
    """The numbers of some things, if these are few: whatever else is asked of them is quickly said then."""
    numbers = list(found.values_list("pk", flat=True)[: FEW + 1])
    return numbers if len(numbers) <= FEW else None


def _conditions(site: Site, sought: Sought) -> dict[str, Q]:
    """Names are looked up first: a database sees the short way only by numbers."""
    conditions = _of_posting(site, sought)
    if sought.status:
        conditions["status"] = Q(status=sought.status)
    if sought.status not in {"", Status.OK}:
        # Said once more as its index says it, or SQLite doesn't see that it may use it.
        conditions["due"] = ~Q(status=Status.OK)
    if sought.since:
        conditions["since"] = Q(at__gte=sought.since)
    if sought.until:
        conditions["until"] = Q(at__lt=sought.until)
    if sought.item:
        conditions["item"] = _among("item", Item.objects.filter(code=sought.item))
    if sought.location:
        places = _places(site, sought.location)
        conditions["location"] = _among("source", places) | _among("target", places)
    return conditions


def _of_posting(site: Site, sought: Sought) -> dict[str, Q]:
    conditions = {}
    if sought.order:
        conditions["order"] = _is("cost_object", _cost_objects(site, sought.order))
    if sought.action:
        rules = TransferRule.objects.filter(site=site, action__name=sought.action)
        conditions["action"] = _among("rule", rules)
    if sought.process:
        conditions["process"] = _posted(process=sought.process) & _no_later(site, sought.process)
    if sought.person:
        conditions["person"] = _posted(by__in=list(User.objects.filter(username=sought.person)))
    return conditions


def _posted(**how: Any) -> Q:
    """Of postings like this: asked posting by posting along the way. For a join SQLite reads all postings first."""
    return Q(Exists(Posting.objects.filter(site=OuterRef("site"), pk=OuterRef("posting"), **how)))


def _no_later(site: Site, process: str) -> Q:
    """Where to begin along the index of time: no movement of a process is later than the latest of its postings."""
    latest = Posting.objects.filter(site=site, process=process).aggregate(latest=Max("at"))["latest"]
    return Q() if latest is None else Q(at__lte=latest)


def _cost_objects(site: Site, order: str) -> list[int]:
    """A works order's, or a purchase order's lines: asked one after the other, each by its own index."""
    charged = CostObject.objects.filter(site=site, kind__in=CostObjectKind.values, number=order)
    lines = CostObject.objects.filter(site=site, purchase_line__order__number=order)
    return [*charged.values_list("pk", flat=True), *lines.values_list("pk", flat=True)]


def _some_postings(site: Site, sought: Sought) -> list[int]:
    """The postings of a process or person, if one is sought; one more than `FEW` stand for more."""
    if not (sought.process or sought.person):
        return []
    found = Posting.objects.filter(site=site)
    if sought.process:
        found = found.filter(process=sought.process)
    if sought.person:
        found = found.filter(by__username=sought.person)
    return list(found.values_list("pk", flat=True)[: FEW + 1])


def _places(site: Site, location: str) -> QuerySet[Location]:
    here = Location.objects.filter(site=site)
    return here.filter(path=location) if "/" in location else here.filter(store__code=location)


def _among(end: str, things: QuerySet[Any]) -> Q:
    return _is(end, list(things.values_list("pk", flat=True)))


def _is(end: str, numbers: Sequence[int]) -> Q:
    return Q(**{end: numbers[0]}) if len(numbers) == 1 else Q(**{f"{end}__in": numbers})
