"""What stands around every page: the areas that the person may enter, the dock, the theme, the queue's count.

An area is shown when one of its rights is there and its page exists; `at` is the name of its first page's address.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from backflush.ledger.selectors import waiting_movements
from backflush.people.rights import Verb
from backflush.stockmap.models import Site
from backflush.web.audit.periods import SEEN_BY
from backflush.web.lists.pagination import count_up_to
from backflush.web.platform.visit import Visit

THEME: Final = "backflush_theme"
THEMES: Final = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the application, with the rights of which one opens it."""

    name: str | Promise
    at: str
    icon: str
    verbs: frozenset[Verb]
    counts_waiting: bool = False
    key: str = ""
    """The letter that opens it after G."""

    @property
    def address(self) -> str:
        """Its first page; empty as long as nobody has built it."""
        try:
            return reverse(self.at)
        except NoReverseMatch:
            return ""


def _area(name: str | Promise, at: str, *verbs: Verb, icon: str, counts_waiting: bool = False, key: str = "") -> Area:
    return Area(name, at, icon, frozenset(verbs or {Verb.SEE_WORK}), counts_waiting, key)


_OUTSIDE: Final = (Verb.SEE, Verb.SUBCONTRACTORS, Verb.PURCHASE, Verb.SEND, Verb.TAKE_BACK, Verb.RECEIVE)
_SETTING_UP: Final = (
    Verb.SEE,
    Verb.ITEMS,
    Verb.UNITS,
    Verb.TYPE_CODES,
    Verb.ACTIONS,
    Verb.RULES,
    Verb.STOCK_MAP,
    Verb.PEOPLE,
)
HOME: Final = _area(_("Home"), "home", icon="home", key="h")
BOOK: Final = _area(_("Book"), "book", Verb.BOOK, icon="barcode", key="b")
UNRESOLVED: Final = _area(_("Unresolved"), "unresolved", icon="hourglass", counts_waiting=True, key="u")
ORDERS: Final = _area(_("Orders"), "orders", icon="clipboard-list", key="o")
OUTSIDE: Final = _area(_("Sub-contractors"), "sub-contractors", *_OUTSIDE, icon="truck", key="c")
STOCK: Final = _area(_("Stock"), "stock", icon="packages", key="s")
AREAS: Final[Sequence[Area]] = (
    HOME,
    BOOK,
    UNRESOLVED,
    STOCK,
    ORDERS,
    OUTSIDE,
    _area(_("Items"), "items", icon="sitemap", key="i"),
    _area(_("Costs"), "costs", Verb.SEE, Verb.COSTS, icon="coins", key="k"),
    _area(_("Audit"), "audit", Verb.SEE, Verb.SIGN_OFF, icon="checklist", key="a"),
    _area(_("Stock map"), "stock-map", icon="map-2", key="m"),
    _area(_("Set-up"), "set-up", *_SETTING_UP, icon="settings", key="t"),
)
MORE: Final = _area(_("More"), "more", icon="menu-2")
DOCK_SIZE: Final = 4
"""And *More*."""


@dataclass(frozen=True, slots=True)
class Link:
    """An area as it is shown on this page."""

    area: Area
    address: str
    current: bool


class Frame:
    """All of it, each part made when a template asks."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def visit(self) -> Visit | None:
        """Who is here; nobody on the log-in page and where an address is wrong."""
        return getattr(self._request, "visit", None)

    @property
    def theme(self) -> str:
        """What the person chose; empty leaves it to the system's wish."""
        chosen = self._request.COOKIES.get(THEME, "")
        return chosen if chosen in THEMES else ""

    @cached_property
    def areas(self) -> list[Link]:
        """What the person may enter, in its order."""
        return [self._link(area) for area in AREAS if self._enters(area)]

    @cached_property
    def dock(self) -> list[Link]:
        """The four at hand: the buyer has Sub-contractors in the place of Book."""
        wanted = (HOME, BOOK if self._enters(BOOK) else OUTSIDE, UNRESOLVED, ORDERS, STOCK)
        return [*[self._link(area) for area in wanted if self._enters(area)][:DOCK_SIZE], self._link(MORE)]

    @cached_property
    def several_sites(self) -> bool:
        """Whether stock could go from this site to another, whoever may work there."""
        assert self.visit is not None, "only a page behind the log-in asks for it"
        return len(self.visit.sites) > 1 or Site.objects.exclude(pk=self.visit.site.pk).exists()

    @property
    def sees_archives(self) -> bool:
        """Whether the person may look at what was put away."""
        return self.visit is not None and bool(self.visit.verbs & set(SEEN_BY))

    @cached_property
    def waiting(self) -> int:
        """How many movements are unresolved here, counted up to a limit."""
        assert self.visit is not None, "only an area that is shown asks for it"
        return count_up_to(waiting_movements(self.visit.site))

    def _enters(self, area: Area) -> bool:
        return self.visit is not None and bool(area.verbs & self.visit.verbs) and bool(area.address)

    def _link(self, area: Area) -> Link:
        here = self._request.path
        current = here == area.address if area is HOME else here.startswith(area.address)
        return Link(area, area.address, current)


def frame(request: HttpRequest) -> dict[str, Any]:
    """The context processor."""
    return {"frame": Frame(request)}
