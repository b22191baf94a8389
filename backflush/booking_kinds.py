"""All kinds of booking, for the doors. To add a kind, declare it in its package and add it here.

`works` and `subcontract` don't import each other, so code that needs all kinds uses this module: the API, streams, the
import, the command line and the pages.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from backflush.backflushing.booking import completed_reports
from backflush.backflushing.models import Booking
from backflush.backflushing.report_kinds import Report, ReportKind, ReportKinds
from backflush.backflushing.selectors import Preview, preview
from backflush.core.refusals import InvalidValue, Refusal
from backflush.stockmap.models import Site
from backflush.subcontract.receipts import RECEIPTS
from backflush.works.services.booking import ON_ORDERS
from backflush.works.services.production_without_order import WITHOUT_ORDERS

KINDS: Final[ReportKinds] = (ON_ORDERS, WITHOUT_ORDERS, RECEIPTS)
"""The first kind is the default for programs. An import posts the last kind first, so that received components are in
stock before production consumes them."""

_BY_WORD: Final[Mapping[str, ReportKind[Any]]] = {kind.word: kind for kind in KINDS}
_BY_REPORT: Final[Mapping[type[Report], ReportKind[Any]]] = {kind.report: kind for kind in KINDS}


def kind_of(report: Report) -> ReportKind[Any]:
    """Return the kind of a report."""
    return _BY_REPORT[type(report)]


def kind_named(word: object, *, others: Sequence[str] = ()) -> ReportKind[Any]:
    """Return the kind with this word; the first kind for an empty word. Refusals: `InvalidValue`.

    `others` are further words that the caller understands; the refusal names them too.
    """
    if word is None:
        return KINDS[0]
    if not isinstance(word, str) or word not in _BY_WORD:
        raise InvalidValue("kind must be one of: {kinds}.", kinds=[*_BY_WORD, *others], field="kind")
    return _BY_WORD[word]


def details_of(booking: Booking) -> list[tuple[str, str]]:
    """Return the values that were kept with a booking, each with the title of its input."""
    titles = {one.name: one.title for kind in KINDS for one in kind.inputs.all}
    return [(titles.get(name, name), value) for name, value in (booking.details or {}).items()]


def preview_report(report: Report, *, site: Site) -> Preview:
    """Return what a report would assume, and what would be unresolved; nothing is posted (B7).

    Raises the refusals that posting would raise.
    """
    kind = kind_of(report)
    [complete] = completed_reports([report], [kind], site=site)
    if isinstance(complete, Refusal):
        raise complete
    return preview(complete, kind.subjects([complete], site=site, lock=False))
