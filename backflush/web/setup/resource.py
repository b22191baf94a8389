"""The base class of the kinds of record in set-up: what a kind's list shows and what its form asks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Final, Generic, TypeVar

from django.db.models import Count, Model, Q, QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from backflush.people.rights import Verb
from backflush.setup_check.findings import About, SetupFinding
from backflush.setup_check.selectors import by_thing, examine
from backflush.stockmap.deactivation import end
from backflush.stockmap.models import Endable
from backflush.web.forms.fields import Field, Text
from backflush.web.platform.visit import Visit

FormData = Mapping[str, str]
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
Record = TypeVar("Record", bound=Model)


@dataclass(frozen=True, slots=True)
class ListRow:
    """One record in the list of its kind."""

    name: str
    about: str
    address: str
    cells: Sequence[tuple[Text, str]]
    """The heading and the text of each column."""
    used: str
    """How many other records use it, in words."""
    findings: Sequence[SetupFinding] = ()
    """The findings of the set-up check about it."""
    inactive_since: date | None = None


@dataclass(frozen=True, slots=True)
class NextStep:
    """The advice on a record that is in use: what to do before it is deactivated, or instead."""

    sentence: str
    button: str
    address: str
    posts: bool = False
    """Whether the button does it at once; otherwise it opens the page where it is done."""


class SetupResource(Generic[Record]):
    """A kind of record in set-up. `ordering` are the fields that sort its list; the last of them is unique."""

    slug: ClassVar[str]
    title: Text
    singular: Text
    purpose: Text
    """Its purpose, shown on its list and in its form."""
    icon: ClassVar[str]
    verb: ClassVar[Verb]
    """The right to change records."""
    viewed_by: Collection[Verb] = SETTING_UP
    """The rights of which one is needed to look at records."""
    ordering: Sequence[str] = ("code",)
    columns: Sequence[Text] = ()
    used_by: Any = ""
    """How many records use it, as a translated plural with `number`; empty if that isn't counted."""
    table: str = ""
    """The import table in whose columns the list is exported; empty if there is none."""
    checks: Collection[str] = ()
    """The codes of the set-up check's findings about this kind."""
    checked_always: Collection[str] = ()
    """Names by which refusals call several inputs at once; the live check reports them even while fields are empty."""
    found_as: About | None = None
    """By what name the set-up check's findings refer to this kind."""
    kept_because: Text = lazy("It can't be deleted: past movements refer to it.")

    def __init_subclass__(cls, *, icon: str, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls.icon = icon

    def records(self, visit: Visit) -> QuerySet[Record]:
        """Return all records that this site shows."""
        raise NotImplementedError

    def rows(self, visit: Visit, records: Sequence[Record]) -> list[ListRow]:
        """Return some records as list rows, by a fixed number of statements."""
        used, findings, cells = self.use_counts(visit, records), self.findings(visit), self.cells(visit, records)
        return [
            ListRow(
                name=self.name(record),
                about=self.about(record),
                address=self.address(record),
                cells=list(zip(self.columns, cells.get(record.pk, ()), strict=True)),
                used=str(self.used_by % {"number": used[record.pk]}) if used.get(record.pk) else "",
                findings=findings.get(self.name(record), ()),
                inactive_since=getattr(record, "ended_on", None),
            )
            for record in records
        ]

    def name(self, record: Record) -> str:
        """Return what people call the record."""
        return str(record)

    def about(self, record: Record) -> str:
        """Return the text below its name."""
        return str(getattr(record, "description", ""))

    def cells(self, visit: Visit, records: Sequence[Record]) -> Mapping[int, Sequence[str]]:
        """Return the texts of the columns of some records, by primary key."""
        return {}

    def use_counts(self, visit: Visit, records: Sequence[Record]) -> Mapping[int, int]:
        """Return how many other records use each of some, by primary key."""
        return {}

    def findings(self, visit: Visit) -> Mapping[str, Sequence[SetupFinding]]:
        """Return what the set-up check finds wrong here, by the name of the record."""
        return by_thing(examine(visit.site, codes=self.checks), self.found_as) if self.found_as else {}

    def address(self, record: Record) -> str:
        """Return the address of the record's page."""
        return reverse("set-up-record", args=[self.slug, self.name(record)])

    def find(self, visit: Visit, key: str) -> Record:
        """Return the record with a key from an address; 404 where there is none."""
        found = self.records(visit).filter(**{self.ordering[0]: key}).first()
        if found is None:
            raise Http404
        return found

    def fields(self, visit: Visit, record: Record | None) -> list[Field]:
        """Return the fields of the form."""
        raise NotImplementedError

    def values(self, visit: Visit, record: Record | None) -> dict[str, str]:
        """Return what the form shows before anything is changed."""
        raise NotImplementedError

    def save(self, visit: Visit, record: Record | None, form_data: FormData) -> Record:
        """Add a record or change an existing one, and return it."""
        raise NotImplementedError

    def save_dry(self, visit: Visit, record: Record | None, form_data: FormData) -> object:
        """Do what `save` does, to learn what would be refused; the caller rolls it back."""
        return self.save(visit, record, form_data)

    def extra_context(self, visit: Visit, record: Record) -> Mapping[str, Any]:
        """Return what the record's page shows besides the form."""
        return {}

    def labels_address(self, record: Record) -> str:
        """Return where its labels can be printed; empty if it has none."""
        return ""

    def deletable(self, record: Record) -> bool:
        """Return whether a record may be deleted while nothing uses it."""
        return True

    def next_step(self, visit: Visit, record: Record) -> NextStep | None:
        """Return what to do first with a record that is in use."""
        return None

    def deactivate(self, visit: Visit, record: Record) -> None:
        """Deactivate the record: nothing new may use it."""
        assert isinstance(record, Endable)
        end(record, on=visit.today)


@dataclass(frozen=True, slots=True)
class ListTab:
    """A tab above a list, with the number of records that it shows."""

    name: str
    word: Text
    count: int
    chosen: bool


OLD_TABS: Final = {"in-use": "active", "ended": "inactive"}
"""The names of tabs in addresses of earlier versions."""


def tabs_of(records: QuerySet[Any], query: Mapping[str, str]) -> tuple[QuerySet[Any], list[ListTab]]:
    """Return the records of the chosen tab, and the tabs: all, active, inactive.

    There are no tabs where nothing is inactive. The first tab shows everything.
    """
    if not issubclass(records.model, Endable):
        return records, []
    counts = records.order_by().aggregate(all=Count("pk"), ended=Count("pk", filter=Q(ended_on__isnull=False)))
    if not counts["ended"]:
        return records, []
    chosen = query.get("show", "") or OLD_TABS.get(query.get("cut", ""), "")
    words = {"": _("All"), "active": _("Active"), "inactive": _("Inactive")}
    numbers = {"": counts["all"], "active": counts["all"] - counts["ended"], "inactive": counts["ended"]}
    tabs = [ListTab(name, word, numbers[name], name == chosen) for name, word in words.items()]
    if chosen in {"active", "inactive"}:
        records = records.filter(ended_on__isnull=chosen == "active")
    return records, tabs


def count_by(found: QuerySet[Any], by: str, records: Sequence[Any]) -> dict[int, int]:
    """Return how many rows refer to each of some records, in one statement."""
    rows = found.filter(**{f"{by}__in": [record.pk for record in records]}).order_by()
    return dict(rows.values_list(by).annotate(Count("pk")))


def add_counts(*counts: Mapping[int, int]) -> dict[int, int]:
    """Return the sum of some counts by key."""
    return {key: sum(count.get(key, 0) for count in counts) for key in set().union(*counts)}


def code_field(record: Any | None, *, length_max: int = 40) -> Field:
    """Return the field of a code, which can't be changed once it is there."""
    locked = "" if record is None else _("A code can't be changed.")
    return Field("code", _("Code"), required=True, locked=locked, length_max=length_max)
