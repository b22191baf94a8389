"""What a kind of thing in set-up is: what its list shows and what its form asks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backflush.doctor.findings import About, Finding
from backflush.doctor.selectors import by_thing, examine
from backflush.people.rights import Verb
from backflush.web.entries import Field
from backflush.web.visits import Visit

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
    wrong: Sequence[Finding] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """What one may do with a thing that is used, in place of deleting it."""

    sentence: str
    button: str
    address: str = ""
    """Where that is done, if it isn't done by pressing."""


class Kind:
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
    tried: bool = True
    """Whether its form is tried while it is being filled in."""
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

    def wrong(self, visit: Visit) -> Mapping[str, Sequence[Finding]]:
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

    def more(self, visit: Visit, thing: Any) -> Mapping[str, Any]:
        """What else its page shows."""
        return {}

    def removable(self, thing: Any) -> bool:
        """Whether it may be deleted as long as nothing names it."""
        return True

    def ending(self, visit: Visit, thing: Any) -> Ending | None:
        """What to do instead with one that is used."""
        return None

    def end(self, visit: Visit, thing: Any) -> None:
        """Do that."""
        raise Http404


def count_by(found: QuerySet[Any], by: str, things: Sequence[Any]) -> dict[int, int]:
    """How many rows name each of some things, in one statement."""
    rows = found.filter(**{f"{by}__in": [thing.pk for thing in things]}).order_by()
    return dict(rows.values_list(by).annotate(Count("pk")))


def added(*counts: Mapping[int, int]) -> dict[int, int]:
    return {key: sum(count.get(key, 0) for count in counts) for key in set().union(*counts)}


def code_field(thing: Any | None, label: Text) -> Field:
    return Field("code", label, required=True, settled="" if thing is None else _("A code stays."))
