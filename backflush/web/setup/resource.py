"""What a kind of thing in set-up is: what its list shows and what its form asks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db.models import Count, Q, QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backflush.people.rights import Verb
from backflush.setup_check.findings import About, SetupFinding
from backflush.setup_check.selectors import by_thing, examine
from backflush.stockmap.deactivation import end
from backflush.stockmap.models import Endable
from backflush.web.forms.fields import Field
from backflush.web.platform.visit import Visit

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
    """One thing in its list: what it is called, where its page is, its cells, what uses it, what is wrong with it."""

    name: str
    about: str
    address: str
    cells: Sequence[tuple[Text, str]]
    used: str
    wrong: Sequence[SetupFinding] = ()
    ended_on: date | None = None


@dataclass(frozen=True, slots=True)
class NextStep:
    """What one does with a thing that is used before it is ended, or instead."""

    sentence: str
    button: str
    address: str
    posts: bool = False
    """Whether it is done by pressing; else it is done there."""


class SetupResource:
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
    whole: Collection[str] = ()
    """Fields of refusals that are about several inputs: said while one types, whatever stands in a field."""
    found_as: About | None = None
    """As what the doctor names it."""
    stays: Text = gettext_lazy("It can't be deleted, because what has happened is read by it.")

    def __init_subclass__(cls, *, icon: str) -> None:
        cls.icon = icon

    def things(self, visit: Visit) -> QuerySet[Any]:
        """All of them."""
        raise NotImplementedError

    def rows(self, visit: Visit, things: Sequence[Any]) -> list[ListRow]:
        """Some of them as their list shows them, by a fixed number of statements."""
        used, wrong = self.uses(visit, things), self.wrong(visit)
        return [
            ListRow(
                name=self.name(thing),
                about=self.about(thing),
                address=self.address(thing),
                cells=list(zip(self.columns, self.cells(thing), strict=True)),
                used=str(self.used_by % {"number": used[thing.pk]}) if used.get(thing.pk) else "",
                wrong=wrong.get(self.name(thing), ()),
                ended_on=getattr(thing, "ended_on", None),
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

    def wrong(self, visit: Visit) -> Mapping[str, Sequence[SetupFinding]]:
        """What the doctor finds about them here, by name."""
        return by_thing(examine(visit.site, codes=self.checks), self.found_as) if self.found_as else {}

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

    def try_it(self, visit: Visit, thing: Any | None, typed: Any) -> Any:
        """Save it as it stands while it is being filled in, to hear what would be refused; it is taken back."""
        return self.save(visit, thing, typed)

    def more(self, visit: Visit, thing: Any) -> Mapping[str, Any]:
        """What else its page shows."""
        return {}

    def paper(self, thing: Any) -> str:
        """Where it can be printed, if it can be."""
        return ""

    def removable(self, thing: Any) -> bool:
        """Whether it may be deleted as long as nothing names it."""
        return True

    def step(self, visit: Visit, thing: Any) -> NextStep | None:
        """What to do first with one that is used, or instead."""
        return None

    def end(self, visit: Visit, thing: Any) -> None:
        """End it: nothing new may name it."""
        end(thing, on=visit.today)


@dataclass(frozen=True, slots=True)
class ListTab:
    """A usual cut of a list, with how many there are."""

    name: str
    word: Text
    count: int
    chosen: bool


def cuts_of(things: QuerySet[Any], asked: Mapping[str, str]) -> tuple[QuerySet[Any], list[ListTab]]:
    """The things that are asked for: all, those in use, or those ended; and the cuts, where anything is ended.

    All are shown as long as nobody asks for less.
    """
    if not issubclass(things.model, Endable):
        return things, []
    counts = things.order_by().aggregate(all=Count("pk"), ended=Count("pk", filter=Q(ended_on__isnull=False)))
    if not counts["ended"]:
        return things, []
    chosen = asked.get("cut", "")
    words = {"": _("All"), "in-use": _("In use"), "ended": _("Ended")}
    numbers = {"": counts["all"], "in-use": counts["all"] - counts["ended"], "ended": counts["ended"]}
    cuts = [ListTab(name, word, numbers[name], name == chosen) for name, word in words.items()]
    return (things.filter(ended_on__isnull=chosen == "in-use") if chosen in {"in-use", "ended"} else things), cuts


def count_by(found: QuerySet[Any], by: str, things: Sequence[Any]) -> dict[int, int]:
    """How many rows name each of some things, in one statement."""
    rows = found.filter(**{f"{by}__in": [thing.pk for thing in things]}).order_by()
    return dict(rows.values_list(by).annotate(Count("pk")))


def added(*counts: Mapping[int, int]) -> dict[int, int]:
    return {key: sum(count.get(key, 0) for count in counts) for key in set().union(*counts)}


def code_field(thing: Any | None, label: Text) -> Field:
    return Field("code", label, required=True, settled="" if thing is None else _("A code stays."))
