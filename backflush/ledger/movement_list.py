"""Search the movements of a site, at the same speed with half a million of them.

A list is ordered by time, and there are two ways to read a page. If many movements match, read the index of time until
the page is full. If few match, that would read the whole ledger; then select all that match one filter, and sort them.
Counting each filter, up to a limit, decides between the two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet

from backflush.core.moves import Process, Status
from backflush.items.models import Item
from backflush.ledger.models import CostObject, CostObjectKind, Movement, Posting
from backflush.people.models import User
from backflush.stockmap.models import Location, Site, TransferRule

FEW = 10_000
"""The limit of counting, and of the number of movements that are sorted."""
REVERSED: Final = "reversed"
"""The filter for what was taken back. A reversed movement keeps its own status; lists show it as reversed instead."""
STATUSES: Final = (*Status, REVERSED)
"""The statuses that a list can be filtered by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementFilter:
    """The filters of a search. All that are given must match; empty ones don't count.

    `status` is one of `STATUSES`: a reversed movement is found as reversed only, not by the status that it keeps.
    `location` is a path, or a store's code for all of its locations, at either end of a movement; `order` a works or
    purchase order, `person` a log-in name. `until` is exclusive.
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
    """The matching movements, newest first, and their number.

    `slow` says that counting them takes longer than reading a page, because each needs its posting.
    """

    def __init__(self, movements: QuerySet[Movement], *, total: int | None = None, slow: bool = False) -> None:
        self.movements = movements
        self.slow = slow
        self._known = total

    @cached_property
    def total(self) -> int:
        """Return the number; `FEW` + 1 stands for more than `FEW`."""
        return self.movements.order_by().values("pk")[: FEW + 1].count() if self._known is None else self._known


def filtered_movements(site: Site, filters: MovementFilter) -> Found:
    """Search the movements of a site."""
    conditions = _conditions(site, filters)
    found = Movement.objects.filter(*conditions.values(), site=site)
    postings = _some_postings(site, filters)
    if conditions.keys() == {"process"} and len(postings) > FEW and filters.process != Process.RESOLUTION:
        # Each posting has a movement, so there are more than the limit. Only a resolution may have dropped everything.
        return Found(_newest_first(found), total=FEW + 1)
    few = _few(site, filters, conditions, postings)
    if few is not None:
        found = Movement.objects.filter(*conditions.values(), site=site, pk__in=few)
    return Found(_newest_first(found), slow=few is None and not conditions.keys().isdisjoint({"process", "person"}))


def _newest_first(found: QuerySet[Movement]) -> QuerySet[Movement]:
    return found.order_by(F("at").desc(), F("id").desc())


def movements_named() -> QuerySet[Any]:
    """Return movements with the related rows that a list shows, and whether each was taken back, as `is_reversed`."""
    return Movement.objects.select_related(
        "item__stock_unit", "source", "target", "cost_object", "posting__by", "rule__action"
    ).annotate(is_reversed=is_reversed())


def is_reversed() -> Q:
    """Return the condition for a movement that was taken back, by itself or with its whole posting."""
    mirror = Movement.objects.filter(site=OuterRef("site"), reverses=OuterRef("pk"))
    reversal = Posting.objects.filter(site=OuterRef("site"), reverses=OuterRef("posting"))
    return Q(Exists(mirror)) | Q(Exists(reversal))


def with_status(status: str) -> Q:
    """Return the condition for the movements that lists show with one of `STATUSES`."""
    return is_reversed() if status == REVERSED else Q(status=status) & ~is_reversed()


def named_in_order(numbers: Sequence[int]) -> list[Movement]:
    """Return movements with the related rows that a list shows, in the order of the given primary keys.

    A list selects primary keys first: with related rows, SQLite would join every match before it applies the limit,
    which took five seconds with 160,000 unresolved movements.
    """
    named = movements_named().in_bulk(numbers)
    return [named[number] for number in numbers if number in named]


def _few(site: Site, filters: MovementFilter, conditions: Mapping[str, Q], postings: Sequence[int]) -> list[int] | None:
    """Return the movements that match the first condition that matches few; None if none does.

    Conditions that imply the site are queried without it, so that their own index is used. A database without
    statistics would choose another index and read everything.
    """
    alone = [
        Movement.objects.filter(conditions[name]) for name in ("order", "action", "location") if name in conditions
    ]
    if (filters.process or filters.person) and len(postings) <= FEW:
        # As a list of keys; a database without statistics would scan all movements for a subquery.
        alone.append(Movement.objects.filter(posting__in=postings))
    if filters.item:
        alone.append(Movement.objects.filter(conditions["item"], site=site))
    for one in alone:
        if (numbers := few_of(one)) is not None:
            return numbers
    return _few_reversed(site) if filters.status == REVERSED else None


def _few_reversed(site: Site) -> list[int] | None:
    """Return the reversed movements, if there are few."""
    postings = list(_reversals(Posting, site))
    mirrored = list(_reversals(Movement, site))
    if max(len(postings), len(mirrored)) > FEW:
        return None
    return few_of(Movement.objects.filter(Q(posting__in=postings) | Q(pk__in=mirrored), site=site))


def _reversals(model: type[Posting] | type[Movement], site: Site) -> QuerySet[Any]:
    found = model.objects.filter(site=site, reverses__isnull=False)
    return found.order_by().values_list("reverses", flat=True)[: FEW + 1]


def few_of(found: QuerySet[Any]) -> list[int] | None:
    """Return the primary keys of some rows if there are few, so that further conditions on them are cheap."""
    numbers = list(found.values_list("pk", flat=True)[: FEW + 1])
    return numbers if len(numbers) <= FEW else None


def _conditions(site: Site, filters: MovementFilter) -> dict[str, Q]:
    """Return the conditions by filter. Codes are looked up first, because the planner needs primary keys to choose an
    index."""
    conditions = _of_posting(site, filters)
    if filters.status:
        conditions["status"] = with_status(filters.status)
    if filters.status not in {"", Status.OK, REVERSED}:
        # Repeat the condition of the partial index, or SQLite doesn't use it.
        conditions["due"] = ~Q(status=Status.OK)
    if filters.since:
        conditions["since"] = Q(at__gte=filters.since)
    if filters.until:
        conditions["until"] = Q(at__lt=filters.until)
    if filters.item:
        conditions["item"] = _among("item", Item.objects.filter(code=filters.item))
    if filters.location:
        places = _places(site, filters.location)
        conditions["location"] = _among("source", places) | _among("target", places)
    return conditions


def _of_posting(site: Site, filters: MovementFilter) -> dict[str, Q]:
    conditions = {}
    if filters.order:
        conditions["order"] = _is("cost_object", _cost_objects(site, filters.order))
    if filters.action:
        rules = TransferRule.objects.filter(site=site, action__name=filters.action)
        conditions["action"] = _among("rule", rules)
    if filters.process:
        conditions["process"] = _posted(process=filters.process) & _no_later(site, filters.process)
    if filters.person:
        conditions["person"] = _posted(by__in=list(User.objects.filter(username=filters.person)))
    return conditions


def _posted(**how: Any) -> Q:
    """Return movements whose posting matches, as a subquery per posting. For a join SQLite reads all postings first."""
    return Q(Exists(Posting.objects.filter(site=OuterRef("site"), pk=OuterRef("posting"), **how)))


def _no_later(site: Site, process: str) -> Q:
    """Return where to begin in the index of time: no movement of a process is later than its latest posting."""
    latest = Posting.objects.filter(site=site, process=process).aggregate(latest=Max("at"))["latest"]
    return Q() if latest is None else Q(at__lte=latest)


def _cost_objects(site: Site, order: str) -> list[int]:
    """Return the cost objects of a works order or a purchase order's lines, each by its own index."""
    charged = CostObject.objects.filter(site=site, kind__in=CostObjectKind.values, number=order)
    lines = CostObject.objects.filter(site=site, purchase_line__order__number=order)
    return [*charged.values_list("pk", flat=True), *lines.values_list("pk", flat=True)]


def _some_postings(site: Site, filters: MovementFilter) -> list[int]:
    """Return the postings of a process or person, if these are filters; `FEW` + 1 stand for more than `FEW`."""
    if not (filters.process or filters.person):
        return []
    found = Posting.objects.filter(site=site)
    if filters.process:
        found = found.filter(process=filters.process)
    if filters.person:
        found = found.filter(by__username=filters.person)
    return list(found.values_list("pk", flat=True)[: FEW + 1])


def _places(site: Site, location: str) -> QuerySet[Location]:
    here = Location.objects.filter(site=site)
    return here.filter(path=location) if "/" in location else here.filter(store__code=location)


def _among(end: str, things: QuerySet[Any]) -> Q:
    return _is(end, list(things.values_list("pk", flat=True)))


def _is(end: str, numbers: Sequence[int]) -> Q:
    return Q(**{end: numbers[0]}) if len(numbers) == 1 else Q(**{f"{end}__in": numbers})
