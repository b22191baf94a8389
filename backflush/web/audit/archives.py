"""Archives: their files, who made them, and whether they were restored. The pages read no archive file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as lazy

from backflush.delivery.pagination import count_up_to, page_of
from backflush.ledger.archived_numbers import archive_numbered, archives, numbers_in, orders_in
from backflush.ledger.models import Archive, ArchivedKind, ArchivedRange
from backflush.web.audit.periods import SEEN_BY
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest

RANGES_SHOWN: Final = 20
WHAT: Final[Mapping[str, str | Promise]] = {
    "works_worksorder": lazy("Works orders"),
    "subcontract_purchaseorder": lazy("Purchase orders"),
    "ledger_posting": lazy("Postings"),
    "backflushing_booking": lazy("Bookings"),
    "ledger_movement": lazy("Movements"),
    "unresolved_settlement": lazy("Settlements"),
}
"""The tables whose rows are counted for users."""


@dataclass(frozen=True, slots=True)
class Put:
    """An archive for display."""

    archive: Archive

    @property
    def counts(self) -> list[tuple[str | Promise, int]]:
        """The number of rows by table."""
        return [(word, self.archive.counts.get(table, 0)) for table, word in WHAT.items()]

    @property
    def orders(self) -> int:
        """The number of orders."""
        return sum(self.archive.counts.get(table, 0) for table in ("works_worksorder", "subcontract_purchaseorder"))

    @property
    def movements(self) -> int:
        """The number of movements."""
        return int(self.archive.counts.get("ledger_movement", 0))


@page(*SEEN_BY)
def archives_page(request: PageRequest) -> HttpResponse:
    """List all archives, newest first."""
    found = archives(request.visit.site)
    shown = page_of(found, request.GET, by=("number",), descending=True, total=count_up_to(found))
    context = {"site": request.visit.site, "page": shown, "rows": [Put(one) for one in shown.rows]}
    return render(request, "web/audit/archives.html", context)


@page(*SEEN_BY)
def archive_page(request: PageRequest, number: int) -> HttpResponse:
    """Show the contents of one archive."""
    archive = archive_numbered(request.visit.site, number)
    orders = orders_in(archive)
    context: dict[str, Any] = {
        "put": Put(archive),
        "archive": archive,
        "page": page_of(orders, request.GET, by=("kind", "number"), total=count_up_to(orders)),
        "numbers": [
            (word, *_ranges(archive, kind))
            for kind, word in ((ArchivedKind.MOVEMENT, lazy("Movements")), (ArchivedKind.POSTING, lazy("Postings")))
        ],
    }
    return render(request, "web/audit/archive.html", context)


def _ranges(archive: Archive, kind: ArchivedKind) -> tuple[Sequence[ArchivedRange], bool]:
    """Return the first ranges of numbers, and whether there are more."""
    found = list(numbers_in(archive, kind)[: RANGES_SHOWN + 1])
    return found[:RANGES_SHOWN], len(found) > RANGES_SHOWN


urlpatterns = [
    path("audit/archives/", archives_page, name="archives"),
    path("audit/archives/<int:number>/", archive_page, name="archive"),
]
