"""The queue as requested: its filters, tabs with counts, groups, pages and export."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Final, NamedTuple

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from backflush.core.input_values import read_whole
from backflush.core.moves import Reason
from backflush.delivery.pagination import Page, page_of
from backflush.ledger.history import INSTANT
from backflush.ledger.models import Movement
from backflush.ledger.movement_list import FEW
from backflush.unresolved.queue import GroupBy, QueueFilter, QueueGroup, QueueTab, WaitingList, groups_of
from backflush.unresolved.selectors import there_now
from backflush.web.display import badges, formats
from backflush.web.forms.fields import Field, FieldKind, Form
from backflush.web.forms.values import day_in
from backflush.web.lists.export_jobs import Sent
from backflush.web.lists.files import FileColumn
from backflush.web.lists.filters import FilterForm, choice_of_any, item_filter, moment_after, place_filter
from backflush.web.platform.visit import Visit
from backflush.web.unresolved.row import Reading, reading_of

ORDERED_BY: Final = ("at", "place", "pk")
GROUPS_SHOWN: Final = 100
FILTERS: Final[Mapping[str, str | Promise]] = {
    "item": lazy("item"),
    "location": lazy("place"),
    "order": lazy("order"),
    "supplier": lazy("supplier"),
    "reason": lazy("reason"),
    "days": lazy("days old at least"),
    "until": lazy("up to"),
}
WORDS: Final[Mapping[QueueTab, str | Promise]] = {
    QueueTab.FIT: lazy("Fit now"),
    QueueTab.SHORT: lazy("Short"),
    QueueTab.CHOICE: lazy("Needs a choice"),
}
BY: Final[Mapping[GroupBy, str | Promise]] = {
    GroupBy.ITEM: lazy("Item"),
    GroupBy.PLACE: lazy("Place"),
    GroupBy.CAUSE: lazy("Cause"),
}
UNGROUPED: Final = "none"
MARKS: Final = ("after", "before", "open", "settled")
DAYS_MAX: Final = 99_999


def _shown(name: str, value: str) -> str:
    """Return a filter's value as users read it."""
    if name == "reason" and value in badges.REASON:
        return str(badges.REASON[value])
    day = day_in({name: value}, name) if name == "until" else None
    return formats.day(day) if day else value


@dataclass(frozen=True)
class Queue:
    """The queue as requested: one of the tabs, and further filters."""

    visit: Visit
    query: QueryDict

    @property
    def tab(self) -> QueueTab | None:
        """The selected tab; None means all movements."""
        return QueueTab(tab) if (tab := self.query.get("show", "")) in set(QueueTab) else None

    @cached_property
    def filters(self) -> dict[str, str]:
        """The further filters that are set."""
        return {name: value for name in FILTERS if (value := self.query.get(name, "").strip())}

    @property
    def filter_form(self) -> FilterForm:
        """The further filters as a form, which keeps the selected tab."""
        fields = [
            item_filter(),
            place_filter(),
            Field("order", _("Order")),
            Field("supplier", _("Supplier"), FieldKind.CODE, codes="suppliers"),
            choice_of_any("reason", _("Reason"), list(badges.REASON.items())),
            Field("days", _("At least this many days old"), FieldKind.WHOLE),
            Field("until", _("Up to the end of"), FieldKind.DATE),
        ]
        kept = {"show": self.tab.value} if self.tab else {}
        return FilterForm("unresolved", Form(fields, self.filters), kept=kept)

    @property
    def filter_chips(self) -> list[tuple[str | Promise, str, str]]:
        """Each filter that is set: its name, its value, and the address of the queue without it."""
        kept = {"show": self.tab.value} if self.tab else {}
        return [
            (
                FILTERS[name],
                _shown(name, value),
                urlencode({**kept, **{other: text for other, text in self.filters.items() if other != name}}),
            )
            for name, value in self.filters.items()
        ]

    @cached_property
    def view(self) -> str:
        """The query string of the queue, without the open row."""
        kept = {"show": self.tab.value} if self.tab else {}
        group = {"group": grouping} if (grouping := self.query.get("group", "")) in {*GroupBy, UNGROUPED} else {}
        return urlencode({**kept, **self.filters, **group})

    @cached_property
    def conditions(self) -> QueueFilter:
        """The filters of the search, for all tabs."""
        names = {name: value for name, value in self.filters.items() if name not in {"days", "until"}}
        return QueueFilter(**names, until=self._until())

    def _until(self) -> datetime | None:
        """The last event time of the search: a number of days ago, or the end of a day, whichever is earlier."""
        over = moment_after(day_in(self.filters, "until"), self.visit.zone)
        ends = [] if over is None else [over - INSTANT]
        if days := self.filters.get("days", ""):
            ends.append(timezone.now() - timedelta(days=read_whole(days, field="days", most=DAYS_MAX)))
        return min(ends, default=None)

    @cached_property
    def waiting(self) -> WaitingList:
        """The movements that match the filters."""
        return WaitingList(self.visit.site, self.conditions)

    @property
    def total(self) -> int:
        """The number of movements that match the filters, counted up to a limit."""
        return self.waiting.total

    @property
    def shown(self) -> QuerySet[Movement]:
        """The movements of the selected tab, with their place in the order."""
        return self.waiting.tab(self.tab).select_related(None).annotate(place=Coalesce("origin", "id"))

    @cached_property
    def page(self) -> Page[Movement]:
        """The page: primary keys are selected first, so that only its rows are joined."""
        found = page_of(self.shown.only("pk", "at"), self.query, by=ORDERED_BY, total=self._counted)
        named = self._named([row.pk for row in found.rows])
        return Page(
            [named[row.pk] for row in found.rows if row.pk in named], found.previous, found.following, found.total
        )

    @property
    def _counted(self) -> int | None:
        return self.total if self.tab is None else self.waiting.counts[self.tab]

    def _named(self, numbers: Sequence[int]) -> dict[int, Movement]:
        """Return some movements with the related rows that a list shows."""
        made = {"made": F("posting__booking__produced"), "made_item": F("posting__booking__item__code")}
        rows = Movement.objects.filter(pk__in=numbers).annotate(**made)
        named = ("item__stock_unit", "source", "target", "cost_object", "posting", "cost")
        return {row.pk: row for row in rows.select_related(*named)}

    @cached_property
    def rows(self) -> list[Reading]:
        """The rows with the stock available now."""
        there = there_now(self.visit.site, self.page.rows)
        return [reading_of(row, there[row.pk]) for row in self.page.rows]

    @cached_property
    def chips(self) -> list[tuple[str, str | Promise, int | None]]:
        """The tabs with their counts up to the limit; None where counting would take too long."""
        counts = self.waiting.counts
        return [("", lazy("All"), self.total), *((tab.value, word, counts[tab]) for tab, word in WORDS.items())]

    def tab_address(self, tab: QueueTab) -> str:
        """Return the query string of a tab."""
        return urlencode({"show": tab.value, **self.filters})

    @property
    def fitting(self) -> int | None:
        """The number of movements that fit now; None if it isn't counted."""
        return self.waiting.counts[QueueTab.FIT]

    def after(self, movement: Movement) -> Movement | None:
        """Return the movement after one, or the first if it was the last."""
        place = movement.origin_id or movement.pk
        behind = Q(at__gt=movement.at) | Q(at=movement.at, place__gt=place)
        others = self.shown.exclude(pk=movement.pk)
        return others.filter(Q(at__gte=movement.at) & behind).first() or others.first()

    # Groups

    @cached_property
    def group_by(self) -> GroupBy | None:
        """The grouping, as requested. A long queue without filters is grouped by item."""
        query = self.query.get("group", "")
        if query:
            return GroupBy(query) if query in set(GroupBy) else None
        looks = self.tab or self.filters or any(mark in self.query for mark in MARKS)
        return GroupBy.ITEM if self.total > FEW and not looks else None

    @cached_property
    def all_groups(self) -> list[QueueGroup]:
        """All groups, largest first."""
        assert self.group_by is not None, "called only for a grouped queue"
        return groups_of(self.waiting, self.group_by, self.visit.site)

    @property
    def groups(self) -> list[tuple[QueueGroup, str, str]]:
        """The largest groups, each with its label and the address of its movements."""
        kept = dict(self.filters)
        return [
            (group, self._word(group), urlencode({**kept, _FILTER_OF[self.group_by]: group.key, "group": UNGROUPED}))
            for group in self.all_groups[:GROUPS_SHOWN]
            if self.group_by is not None
        ]

    def _word(self, group: QueueGroup) -> str:
        return str(badges.REASON[group.key]) if self.group_by is GroupBy.CAUSE else group.key

    @property
    def ways_to_group(self) -> list[tuple[str, str | Promise, bool]]:
        """The possible groupings, and which is selected."""
        ways = [(by.value, word, self.group_by is by) for by, word in BY.items()]
        return [*ways, (UNGROUPED, lazy("One by one"), self.group_by is None)]


_FILTER_OF: Final[Mapping[GroupBy | None, str]] = {
    GroupBy.ITEM: "item",
    GroupBy.PLACE: "location",
    GroupBy.CAUSE: "reason",
}


# Export


class WaitingLine(NamedTuple):
    """An unresolved movement for export: the columns in the order of `LOOKUPS`."""

    number: int
    at: datetime
    item: str
    description: str
    due: Decimal
    unit: str
    reason: str
    order: str | None
    source: str
    source_bin: str
    target: str
    target_bin: str


LOOKUPS: Final = (
    "pk",
    "at",
    "item__code",
    "item__description",
    "due",
    "item__stock_unit__code",
    "reason",
    "cost_object__number",
    "source__path",
    "source_bin",
    "target__path",
    "target_bin",
)
COLUMNS: Final[Sequence[FileColumn[WaitingLine]]] = (
    FileColumn(lazy("Movement"), lambda row: row.number),
    FileColumn(lazy("Since"), lambda row: row.at),
    FileColumn(lazy("Item"), lambda row: row.item),
    FileColumn(lazy("Description"), lambda row: row.description),
    FileColumn(lazy("Due"), lambda row: row.due),
    FileColumn(lazy("Unit"), lambda row: row.unit),
    FileColumn(lazy("Waits because"), lambda row: str(badges.REASON[Reason(row.reason)])),
    FileColumn(lazy("For"), lambda row: row.order or ""),
    FileColumn(lazy("From"), lambda row: f"{row.source} {row.source_bin}".strip()),
    FileColumn(lazy("To"), lambda row: f"{row.target} {row.target_bin}".strip()),
)


def waiting_sent(visit: Visit, query: QueryDict) -> Sent[WaitingLine]:
    """Return the queue for export, with the same tab, filters and order."""
    return Sent(
        name=f"unresolved-{visit.today:%Y-%m-%d}",
        title=_("Unresolved"),
        columns=COLUMNS,
        found=Queue(visit, query).shown,
        lookups=LOOKUPS,
        line=WaitingLine._make,
        by=ORDERED_BY,
    )
