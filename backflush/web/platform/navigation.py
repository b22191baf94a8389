"""The frame around every page: the areas that the user may open, the bottom bar, the theme, the number of unresolved
movements.

An area is shown if the user has one of its rights; `at` is the URL name of its first page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as lazy

from backflush.delivery.pagination import count_up_to
from backflush.ledger.selectors import waiting_movements
from backflush.people.rights import Verb
from backflush.stockmap.models import Site
from backflush.web.audit.periods import SEEN_BY
from backflush.web.platform.visit import Visit

THEME: Final = "backflush_theme"
THEMES: Final = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the application, with the rights of which one is needed to open it."""

    name: str | Promise
    at: str
    icon: str
    verbs: frozenset[Verb]
    counts_waiting: bool = False
    key: str = ""
    """The key that opens it after G."""

    @property
    def address(self) -> str:
        """The address of its first page."""
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
HOME: Final = _area(lazy("Home"), "home", icon="home", key="h")
BOOK: Final = _area(lazy("Book"), "book", Verb.BOOK, icon="barcode", key="b")
UNRESOLVED: Final = _area(lazy("Unresolved"), "unresolved", icon="hourglass", counts_waiting=True, key="u")
ORDERS: Final = _area(lazy("Orders"), "orders", icon="clipboard-list", key="o")
OUTSIDE: Final = _area(lazy("Sub-contractors"), "sub-contractors", *_OUTSIDE, icon="truck", key="c")
STOCK: Final = _area(lazy("Stock"), "stock", icon="packages", key="s")
AREAS: Final[Sequence[Area]] = (
    HOME,
    BOOK,
    UNRESOLVED,
    STOCK,
    ORDERS,
    OUTSIDE,
    _area(lazy("Items"), "items", icon="sitemap", key="i"),
    _area(lazy("Costs"), "costs", Verb.SEE, Verb.COSTS, icon="coins", key="k"),
    _area(lazy("Audit"), "audit", Verb.SEE, Verb.SIGN_OFF, icon="checklist", key="a"),
    _area(lazy("Stock map"), "stock-map", icon="map-2", key="m"),
    _area(lazy("Set-up"), "set-up", *_SETTING_UP, icon="settings", key="t"),
)
MORE: Final = _area(lazy("More"), "more", icon="menu-2")
DOCK_SIZE: Final = 4
"""The areas of the bottom bar, beside *More*."""


@dataclass(frozen=True, slots=True)
class Link:
    """An area as a link of the current page."""

    area: Area
    address: str
    current: bool


class Frame:
    """The parts of the frame, each computed when a template uses it."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def visit(self) -> Visit | None:
        """The visit, or None on the log-in page and at unknown addresses."""
        return getattr(self._request, "visit", None)

    @property
    def theme(self) -> str:
        """The theme that the user chose; empty follows the system."""
        chosen = self._request.COOKIES.get(THEME, "")
        return chosen if chosen in THEMES else ""

    @cached_property
    def areas(self) -> list[Link]:
        """The areas that the user may open, in order."""
        return [self._link(area) for area in AREAS if self._enters(area)]

    @cached_property
    def dock(self) -> list[Link]:
        """The four links of the bottom bar on phones. Buyers get Sub-contractors instead of Book."""
        wanted = (HOME, BOOK if self._enters(BOOK) else OUTSIDE, UNRESOLVED, ORDERS, STOCK)
        return [*[self._link(area) for area in wanted if self._enters(area)][:DOCK_SIZE], self._link(MORE)]

    @cached_property
    def several_sites(self) -> bool:
        """Whether there is another site to which stock could be transferred."""
        assert self.visit is not None, "only pages that need a log-in call it"
        return len(self.visit.sites) > 1 or Site.objects.exclude(pk=self.visit.site.pk).exists()

    @property
    def sees_archives(self) -> bool:
        """Whether the user may see archives."""
        return self.visit is not None and bool(self.visit.verbs & set(SEEN_BY))

    @cached_property
    def waiting(self) -> int:
        """The number of unresolved movements of the site, counted up to a limit."""
        assert self.visit is not None, "called only for an area that is shown"
        return count_up_to(waiting_movements(self.visit.site))

    def _enters(self, area: Area) -> bool:
        return self.visit is not None and bool(area.verbs & self.visit.verbs) and bool(area.address)

    def _link(self, area: Area) -> Link:
        here = self._request.path
        current = here == area.address if area is HOME else here.startswith(area.address)
        return Link(area, area.address, current)


def frame(request: HttpRequest) -> dict[str, Any]:
    """The context processor that gives templates the frame."""
    return {"frame": Frame(request)}
